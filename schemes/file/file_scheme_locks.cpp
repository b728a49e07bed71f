#include "schemes/file/file_scheme.h"

// Record locks as SYS_CALL with STD_FS carries them. Source: syscalls.md 7.3,
// relibc:src/platform/redox/mod.rs.

namespace halfcell::file {

namespace {

// Set in the start: the lock is the description's. Set in the length: it excludes readers, too.
constexpr std::uint64_t kTopBit = std::uint64_t{1} << 63;

}  // namespace

Result<std::uint64_t> FileScheme::std_fs_call(const scheme::Caller& caller, HandleNumber number,
                                              const mem::UserInOut& payload, const abi::StdFsCallMeta& call,
                                              scheme::DetachWish& detach) {
    const auto answer = [&]() -> Result<std::uint64_t> {
        switch (static_cast<abi::StdFsCallKind>(call.kind)) {
            case abi::StdFsCallKind::kLock:
            case abi::StdFsCallKind::kUnlock:
            case abi::StdFsCallKind::kGetLock:
                return lock_call(caller, number, payload, call);
            default:
                scheme::DetachWish none{};
                return Scheme::std_fs_call(caller, number, payload, call, none);
        }
    };
    const std::uint64_t value = TRY(answer());
    // A failed call has changed no lock.
    detach = has_locks(number) ? scheme::DetachWish::kYes : scheme::DetachWish::kNo;
    return value;
}

Result<std::uint64_t> FileScheme::lock_call(const scheme::Caller& caller, HandleNumber number,
                                            const mem::UserInOut& payload, const abi::StdFsCallMeta& call) {
    const HandleRef handle = TRY(handles_.find(number));
    if (handle->node->kind() != NodeKind::kFile) return fail(Errno::kEBADF);
    struct Words {
        std::uint64_t start;
        std::uint64_t length;
    };
    const auto kind = static_cast<abi::StdFsCallKind>(call.kind);
    Words words{call.arg1, call.arg2};
    if (kind == abi::StdFsCallKind::kGetLock) words = TRY(payload.in().read_exact<Words>());

    const bool of_description = (words.start & kTopBit) != 0;
    RecordLock wanted{.start = words.start & ~kTopBit,
                      .exclusive = (words.length & kTopBit) != 0,
                      .owner = of_description ? LockOwner{LockOwner::Kind::kDescription, number.value()}
                                              : LockOwner{LockOwner::Kind::kProcess, caller.pid},
                      .pid = caller.pid};
    // Both are below 2^63, so the sum fits. Length 0 means "to the end, wherever that will be".
    const std::uint64_t length = words.length & ~kTopBit;
    wanted.end = length == 0 ? RecordLock::kToTheEnd : wanted.start + length;

    const FileKey file = TRY(handle->node->key());
    if (kind == abi::StdFsCallKind::kUnlock) {
        locks_.unlock(file, wanted.start, wanted.end, wanted.owner);
        return 0;
    }
    if (kind == abi::StdFsCallKind::kLock) {
        // Source: POSIX fcntl, F_SETLK.
        if (wanted.exclusive ? !handle->writable : !handle->readable) return fail(Errno::kEBADF);
        TRY(locks_.lock(file, wanted));
        return 0;
    }
    const auto held = locks_.conflict(file, wanted);
    if (!held) return fail(Errno::kESRCH);
    const bool held_by_description = held->owner.kind == LockOwner::Kind::kDescription;
    const std::uint64_t held_length = held->end == RecordLock::kToTheEnd ? 0 : held->end - held->start;
    TRY(payload.out().write_exact(Words{held->start | (held_by_description ? kTopBit : 0),
                                        held_length | (held->exclusive ? kTopBit : 0)}));
    return held->pid;
}

bool FileScheme::has_locks(HandleNumber number) const {
    if (locks_.empty()) return false;
    const auto handle = handles_.find(number);
    if (!handle || (*handle)->node->kind() != NodeKind::kFile) return false;
    const auto key = (*handle)->node->key();
    return key && locks_.any(*key);
}

// POSIX: a process loses its locks on a file when it closes any descriptor of it.
Result<void> FileScheme::detach(HandleNumber number, std::uint32_t pid) {
    const HandleRef handle = TRY(handles_.find(number));
    if (handle->node->kind() != NodeKind::kFile) return {};
    locks_.release(TRY(handle->node->key()), {LockOwner::Kind::kProcess, pid});
    return {};
}

}  // namespace halfcell::file
