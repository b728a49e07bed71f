// What is asked about handles and names. Argument by argument as kernel:src/scheme/user.rs sends it.

#include "abi/flags.h"
#include "kernel_shim/user_scheme/forwarding_scheme.h"

namespace halfcell::user_scheme {

using abi::Opcode;
using scheme::Caller;

Result<std::uint64_t> ForwardingScheme::fsize(const Caller& caller, HandleNumber number) {
    return ask(caller, Opcode::kFsize, {number.value()});
}

Result<std::uint64_t> ForwardingScheme::fcntl(const Caller& caller, HandleNumber number,
                                              std::uint64_t command, std::uint64_t argument) {
    return ask(caller, Opcode::kFcntl, {number.value(), command, argument});
}

Result<std::uint64_t> ForwardingScheme::fevent(const Caller& caller, HandleNumber number,
                                               std::uint64_t flags) {
    constexpr std::uint64_t kKnown = abi::EventFlags::kEventRead | abi::EventFlags::kEventWrite;
    return TRY(ask(caller, Opcode::kFevent, {number.value(), flags})) & kKnown;
}

Result<std::uint64_t> ForwardingScheme::fpath(const Caller& caller, HandleNumber number,
                                              const mem::UserOut& to) {
    return fill(caller, Opcode::kFpath, number, to, 0, 0, Filled::kAnswer);
}

Result<void> ForwardingScheme::fstat(const Caller& caller, HandleNumber number, const mem::UserOut& to) {
    TRY(fill(caller, Opcode::kFstat, number, to, 0, 0, Filled::kAll));
    return {};
}

Result<void> ForwardingScheme::fstatvfs(const Caller& caller, HandleNumber number, const mem::UserOut& to) {
    TRY(fill(caller, Opcode::kFstatvfs, number, to, 0, 0, Filled::kAll));
    return {};
}

Result<void> ForwardingScheme::fsync(const Caller& caller, HandleNumber number) {
    TRY(ask(caller, Opcode::kFsync, {number.value()}));
    return {};
}

Result<void> ForwardingScheme::ftruncate(const Caller& caller, HandleNumber number, std::uint64_t size) {
    TRY(ask(caller, Opcode::kFtruncate, {number.value(), size}));
    return {};
}

Result<void> ForwardingScheme::fchmod(const Caller& caller, HandleNumber number, std::uint16_t mode) {
    TRY(ask(caller, Opcode::kFchmod, {number.value(), mode}));
    return {};
}

Result<void> ForwardingScheme::fchown(const Caller& caller, HandleNumber number, std::uint32_t uid,
                                      std::uint32_t gid) {
    if (caller.uid != 0 && (uid != caller.uid || gid != caller.gid)) return fail(Errno::kEPERM);
    TRY(ask(caller, Opcode::kFchown, {number.value(), uid, gid}));
    return {};
}

Result<std::uint64_t> ForwardingScheme::futimens(const Caller& caller, HandleNumber number,
                                                 const mem::UserIn& times) {
    Loan loan = TRY(buffers_->lend(times));
    return ask(caller, Opcode::kFutimens, {number.value(), loan.address(), loan.size()}, loan);
}

Result<std::uint64_t> ForwardingScheme::ask_about(const Caller& caller, Opcode opcode, HandleNumber number,
                                                  std::string_view path, std::uint64_t flags) {
    Loan loan = TRY(buffers_->lend_path(path));
    return ask(caller, opcode, {number.value(), loan.address(), loan.size(), flags}, loan);
}

Result<void> ForwardingScheme::flink(const Caller& caller, HandleNumber number, std::string_view path) {
    TRY(ask_about(caller, Opcode::kFlink, number, path, 0));
    return {};
}

Result<void> ForwardingScheme::frename(const Caller& caller, HandleNumber number, std::string_view path) {
    TRY(ask_about(caller, Opcode::kFrename, number, path, 0));
    return {};
}

Result<void> ForwardingScheme::unlinkat(const Caller& caller, HandleNumber base, std::string_view path,
                                        std::uint64_t flags) {
    TRY(ask_about(caller, Opcode::kUnlinkAt, base, path, flags));
    return {};
}

Result<std::uint64_t> ForwardingScheme::getdents(const Caller& caller, HandleNumber number,
                                                 const mem::UserOut& to, std::uint16_t header_size,
                                                 std::uint64_t opaque_id) {
    return fill(caller, Opcode::kGetdents, number, to, header_size, opaque_id, Filled::kAnswer);
}

}  // namespace halfcell::user_scheme
