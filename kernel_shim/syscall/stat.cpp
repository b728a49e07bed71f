// What is known of an open file, and changing it. Source: kernel:src/syscall/mod.rs,
// kernel:src/syscall/fs.rs.

#include <cstddef>

#include "abi/data.h"
#include "kernel_shim/syscall/handlers.h"

namespace halfcell::syscall {

Result<std::uint64_t> sys_fstat(Call& call) {
    const mem::UserOut to = TRY(user_out(call, 1, 2));
    const Target target = TRY(find_target(call, call.args[0]));
    TRY(target.scheme->fstat(call.caller, target.number(), to));
    // The device is the scheme, whatever the scheme wrote. SYS_CALL's Fstat leaves it alone.
    static_assert(offsetof(abi::Stat, st_dev) == 0);
    const std::uint64_t device = target.description->scheme_id().value();
    if (to.size() < sizeof device) return fail(Errno::kEIO);
    TRY(to.write(0, std::as_bytes(std::span(&device, 1))));
    return 0;
}

Result<std::uint64_t> sys_fstatvfs(Call& call) {
    const Target target = TRY(find_target(call, call.args[0]));
    const mem::UserOut to = TRY(user_out(call, 1, 2));
    TRY(target.scheme->fstatvfs(call.caller, target.number(), to));
    return 0;
}

Result<std::uint64_t> sys_fpath(Call& call) {
    const Target target = TRY(find_target(call, call.args[0]));
    const mem::UserOut to = TRY(user_out(call, 1, 2));
    return target.scheme->fpath(call.caller, target.number(), to);
}

Result<std::uint64_t> sys_fchmod(Call& call) {
    const Target target = TRY(find_target(call, call.args[0]));
    TRY(target.scheme->fchmod(call.caller, target.number(), static_cast<std::uint16_t>(call.args[1])));
    return 0;
}

Result<std::uint64_t> sys_fchown(Call& call) {
    const Target target = TRY(find_target(call, call.args[0]));
    TRY(target.scheme->fchown(call.caller, target.number(), static_cast<std::uint32_t>(call.args[1]),
                              static_cast<std::uint32_t>(call.args[2])));
    return 0;
}

Result<std::uint64_t> sys_fsync(Call& call) {
    const Target target = TRY(find_target(call, call.args[0]));
    TRY(target.scheme->fsync(call.caller, target.number()));
    return 0;
}

Result<std::uint64_t> sys_ftruncate(Call& call) {
    const Target target = TRY(find_target(call, call.args[0]));
    TRY(target.scheme->ftruncate(call.caller, target.number(), call.args[1]));
    return 0;
}

Result<std::uint64_t> sys_futimens(Call& call) {
    const Target target = TRY(find_target(call, call.args[0]));
    const mem::UserIn times = TRY(user_in(call, 1, 2));
    return target.scheme->futimens(call.caller, target.number(), times);
}

}  // namespace halfcell::syscall
