// Calls that name something by a path. Source: kernel:src/syscall/fs.rs.

#include <string>

#include "kernel_shim/base/utf8.h"
#include "kernel_shim/scheme/opened.h"
#include "kernel_shim/scheme/redox_path.h"
#include "kernel_shim/syscall/handlers.h"

namespace halfcell::syscall {

namespace {

constexpr std::uint64_t kLongestPath = 4096;

// ENAMETOOLONG, EFAULT, EINVAL for what is no text. Source: kernel:src/syscall/fs.rs copy_path_to_buf.
Result<std::string> read_path(const mem::UserIn& bytes) {
    std::string path = TRY(bytes.read_string(kLongestPath));
    if (!is_utf8(path)) return fail(Errno::kEINVAL);
    return path;
}

// Ids that replace the caller's where it is root; anybody else's are not looked at.
// Source: kernel:src/scheme/mod.rs CallerCtx::filter_uid_gid.
scheme::Caller filtered(const scheme::Caller& caller, std::uint64_t uid, std::uint64_t gid) {
    if (caller.uid != 0 || caller.gid != 0) return caller;
    return {caller.context, caller.pid, static_cast<std::uint32_t>(uid), static_cast<std::uint32_t>(gid),
            caller.waiter};
}

Result<std::uint64_t> openat(Call& call, const scheme::Caller& caller, std::uint32_t fcntl_flags) {
    const std::uint64_t flags = call.args[3];
    const mem::UserIn bytes = TRY(user_in(call, 1, 2));
    const std::string path = TRY(read_path(bytes));
    const Target base = TRY(find_target(call, call.args[0]));
    scheme::OpenResult opened = TRY(base.scheme->openat(caller, base.number(), path, flags, fcntl_flags));
    scheme::DescriptionRef description =
        TRY(scheme::describe_opened(*base.description, std::move(opened), flags));
    const bool cloexec = (flags & abi::OpenFlags::kCloexec) != 0;
    return TRY(call.files.add({std::move(description), cloexec})).value();
}

Result<std::uint64_t> unlinkat(Call& call, const scheme::Caller& caller) {
    const mem::UserIn bytes = TRY(user_in(call, 1, 2));
    const std::string path = TRY(read_path(bytes));
    const Target base = TRY(find_target(call, call.args[0]));
    TRY(base.scheme->unlinkat(caller, base.number(), path, call.args[3]));
    return 0;
}

// FLINK and FRENAME give an open file a name. The scheme in the path is read and then ignored: the descriptor
// decides.
using NameOperation = Result<void> (scheme::Scheme::*)(const scheme::Caller&, HandleNumber, std::string_view);

Result<std::uint64_t> name_file(Call& call, NameOperation operation) {
    const mem::UserIn bytes = TRY(user_in(call, 1, 2));
    const scheme::DescriptionRef description = TRY(call.files.find(FdNumber{call.args[0]}));
    const std::string path = TRY(read_path(bytes));
    const scheme::RedoxPath parsed = TRY(scheme::parse_redox_path(path));
    scheme::Scheme* const scheme = TRY(description->scheme());
    TRY((scheme->*operation)(call.caller, description->number(), parsed.reference));
    return 0;
}

}  // namespace

Result<std::uint64_t> sys_openat(Call& call) {
    return openat(call, call.caller, static_cast<std::uint32_t>(call.args[4]));
}

Result<std::uint64_t> sys_openat_with_filter(Call& call) {
    return openat(call, filtered(call.caller, call.args[4], call.args[5]),
                  static_cast<std::uint32_t>(call.args[3] & abi::OpenFlags::kFcntlMask));
}

Result<std::uint64_t> sys_unlinkat(Call& call) {
    return unlinkat(call, call.caller);
}

Result<std::uint64_t> sys_unlinkat_with_filter(Call& call) {
    return unlinkat(call, filtered(call.caller, call.args[4], call.args[5]));
}

Result<std::uint64_t> sys_flink(Call& call) {
    return name_file(call, &scheme::Scheme::flink);
}

Result<std::uint64_t> sys_frename(Call& call) {
    return name_file(call, &scheme::Scheme::frename);
}

}  // namespace halfcell::syscall
