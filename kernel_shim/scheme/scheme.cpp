#include "kernel_shim/scheme/scheme.h"

#include "abi/flags.h"
#include "kernel_shim/scheme/event_registry.h"

// The default answers, one by one. Source: kernel:src/scheme/mod.rs KernelScheme.

namespace halfcell::scheme {

Result<OpenedHandle> Scheme::root() {
    return fail(Errno::kEOPNOTSUPP);
}

Result<OpenResult> Scheme::openat(const Caller&, HandleNumber, std::string_view, std::uint64_t,
                                  std::uint32_t) {
    return fail(Errno::kEOPNOTSUPP);
}
Result<OpenResult> Scheme::dup(const Caller&, HandleNumber, const mem::UserIn&) {
    return fail(Errno::kEOPNOTSUPP);
}

Result<std::uint64_t> Scheme::read_at(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                      std::uint64_t offset, TransferFlags flags) {
    if (offset != kNoOffset) return fail(Errno::kESPIPE);
    return read(caller, number, to, flags);
}
Result<std::uint64_t> Scheme::write_at(const Caller& caller, HandleNumber number, const mem::UserIn& from,
                                       std::uint64_t offset, TransferFlags flags) {
    if (offset != kNoOffset) return fail(Errno::kESPIPE);
    return write(caller, number, from, flags);
}
Result<std::uint64_t> Scheme::read_late(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                        std::uint64_t offset, TransferFlags flags, LateOffer&) {
    return read_at(caller, number, to, offset, flags);
}
Result<std::uint64_t> Scheme::write_late(const Caller& caller, HandleNumber number, const mem::UserIn& from,
                                         std::uint64_t offset, TransferFlags flags, LateOffer&) {
    return write_at(caller, number, from, offset, flags);
}
Result<std::uint64_t> Scheme::read(const Caller&, HandleNumber, const mem::UserOut&, TransferFlags) {
    return fail(Errno::kEBADF);
}
Result<std::uint64_t> Scheme::write(const Caller&, HandleNumber, const mem::UserIn&, TransferFlags) {
    return fail(Errno::kEBADF);
}

Result<std::uint64_t> Scheme::fsize(const Caller&, HandleNumber) {
    return fail(Errno::kESPIPE);
}
Result<std::uint64_t> Scheme::fcntl(const Caller&, HandleNumber, std::uint64_t, std::uint64_t) {
    return 0;
}
Result<std::uint64_t> Scheme::fevent(const Caller&, HandleNumber, std::uint64_t) {
    return 0;
}
Result<std::uint64_t> Scheme::fpath(const Caller&, HandleNumber, const mem::UserOut&) {
    return fail(Errno::kEOPNOTSUPP);
}
Result<void> Scheme::fstat(const Caller&, HandleNumber, const mem::UserOut&) {
    return fail(Errno::kEBADF);
}
Result<void> Scheme::fstatvfs(const Caller&, HandleNumber, const mem::UserOut&) {
    return fail(Errno::kEBADF);
}
Result<void> Scheme::fsync(const Caller&, HandleNumber) {
    return {};
}
Result<void> Scheme::ftruncate(const Caller&, HandleNumber, std::uint64_t) {
    return fail(Errno::kEBADF);
}
Result<void> Scheme::fchmod(const Caller&, HandleNumber, std::uint16_t) {
    return fail(Errno::kEBADF);
}
Result<void> Scheme::fchown(const Caller&, HandleNumber, std::uint32_t, std::uint32_t) {
    return fail(Errno::kEBADF);
}
Result<std::uint64_t> Scheme::futimens(const Caller&, HandleNumber, const mem::UserIn&) {
    return fail(Errno::kEBADF);
}
Result<void> Scheme::flink(const Caller&, HandleNumber, std::string_view) {
    return fail(Errno::kEBADF);
}
Result<void> Scheme::frename(const Caller&, HandleNumber, std::string_view) {
    return fail(Errno::kEBADF);
}
Result<void> Scheme::unlinkat(const Caller&, HandleNumber, std::string_view, std::uint64_t) {
    return fail(Errno::kENOENT);
}
Result<std::uint64_t> Scheme::getdents(const Caller&, HandleNumber, const mem::UserOut&, std::uint16_t,
                                       std::uint64_t) {
    return fail(Errno::kEOPNOTSUPP);
}

Result<std::uint64_t> Scheme::fmap(const Caller&, HandleNumber, const DescriptionRef&, mem::AddressSpace&,
                                   const abi::Map&, bool) {
    return fail(Errno::kEOPNOTSUPP);
}
Result<std::uint64_t> Scheme::call(const Caller&, HandleNumber, const mem::UserInOut&, std::uint64_t,
                                   std::span<const std::uint64_t>) {
    return fail(Errno::kEOPNOTSUPP);
}

// Source: kernel:src/scheme/mod.rs translate_std_fs_call.
Result<std::uint64_t> Scheme::std_fs_call(const Caller& caller, HandleNumber number,
                                          const mem::UserInOut& payload, const abi::StdFsCallMeta& call,
                                          DetachWish& detach) {
    using abi::StdFsCallKind;
    detach = DetachWish::kNo;
    switch (static_cast<StdFsCallKind>(call.kind)) {
        case StdFsCallKind::kFchmod:
            TRY(fchmod(caller, number, static_cast<std::uint16_t>(call.arg1)));
            return 0;
        case StdFsCallKind::kGetdents:
            return getdents(caller, number, payload.out(), static_cast<std::uint16_t>(call.arg2), call.arg1);
        case StdFsCallKind::kFstat:
            TRY(fstat(caller, number, payload.out()));
            return 0;
        case StdFsCallKind::kFstatvfs:
            TRY(fstatvfs(caller, number, payload.out()));
            return 0;
        case StdFsCallKind::kFsync:
            TRY(fsync(caller, number));
            return 0;
        case StdFsCallKind::kFtruncate:
            TRY(ftruncate(caller, number, call.arg1));
            return 0;
        case StdFsCallKind::kFutimens:
            return futimens(caller, number, payload.in());
        case StdFsCallKind::kFchown:
        case StdFsCallKind::kRealpathat:
        case StdFsCallKind::kLock:
        case StdFsCallKind::kUnlock:
        case StdFsCallKind::kGetLock:
            break;
    }
    return fail(Errno::kEOPNOTSUPP);
}

Result<std::uint64_t> Scheme::fd_write(const Caller&, HandleNumber,
                                       std::vector<DescriptionRef>&& descriptions, std::uint64_t,
                                       std::uint64_t, std::span<const std::uint64_t>) {
    descriptions.clear();
    return fail(Errno::kEOPNOTSUPP);
}
Result<std::vector<DescriptionRef>> Scheme::fd_read(const Caller&, HandleNumber, std::uint64_t, std::uint64_t,
                                                    std::span<const std::uint64_t>) {
    return fail(Errno::kEOPNOTSUPP);
}
void Scheme::fd_unread(HandleNumber, std::vector<DescriptionRef>, std::span<const std::uint64_t>) {}

void Scheme::unregistered() {}
Result<void> Scheme::close(HandleNumber) {
    return {};
}
Result<void> Scheme::detach(HandleNumber, std::uint32_t) {
    return {};
}

void Scheme::forget_events(HandleNumber number) {
    if (events_ != nullptr) events_->forget({id_, number});
}
void Scheme::trigger(HandleNumber number, std::uint64_t flags) {
    if (events_ != nullptr) events_->trigger({id_, number}, flags);
}

}  // namespace halfcell::scheme
