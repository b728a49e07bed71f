#pragma once

// The interface everything hangs on: what a scheme may do with its handles, and what Redox answers where a
// scheme does not implement it. In-process schemes derive from it; a user scheme forwards to its server.
// Source of operations and default errors: kernel:src/scheme/mod.rs KernelScheme.

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "abi/data.h"
#include "kernel_shim/base/ids.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/mem/user_slice.h"
#include "kernel_shim/scheme/caller.h"
#include "kernel_shim/scheme/file_description.h"
#include "kernel_shim/scheme/late_reply.h"

namespace halfcell::scheme {

class EventRegistry;

// "No offset": what an unpositioned description passes. Source: kernel:src/syscall/fs.rs.
inline constexpr std::uint64_t kNoOffset = UINT64_MAX;

// A new handle of the same scheme, for which the kernel makes a description…
struct OpenedHandle {
    HandleNumber number;
    bool positioned = false;
};
// …or a description that already exists.
using OpenResult = std::variant<OpenedHandle, DescriptionRef>;

// Flags of one transfer: those of this call, and those stored in the description.
struct TransferFlags {
    std::uint32_t call = 0;
    std::uint32_t stored = 0;
};

// Whether a scheme wants to hear of every descriptor of a description that is closed.
enum class DetachWish : std::uint8_t { kNo, kYes };

// Every operation: EBADF where `number` names no handle of the scheme. None is called with a lock held; each
// may be called from many threads at once. `caller.waiter` is what a blocking operation sleeps on; it then
// returns EINTR when the wait is broken. Defaults stand beside each operation.
class Scheme {
  public:
    Scheme() = default;
    Scheme(const Scheme&) = delete;
    Scheme& operator=(const Scheme&) = delete;
    virtual ~Scheme() = default;

    // "file", "kernel.proc": as namespaces and traces show it. Immutable.
    [[nodiscard]] virtual std::string_view name() const = 0;

    // False where a program serves it, so that every operation is a message somebody sees. Immutable.
    [[nodiscard]] virtual bool in_process() const { return true; }

    // A handle whose openat is the only way in. EOPNOTSUPP.
    virtual Result<OpenedHandle> root();

    // Opens `path` (UTF-8, verbatim, may be empty) relative to a handle. `flags` are abi::OpenFlags with the
    // creation mode in the low 16 bits. EOPNOTSUPP.
    virtual Result<OpenResult> openat(const Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags);
    // SYS_DUP with a non-empty buffer. EOPNOTSUPP.
    virtual Result<OpenResult> dup(const Caller& caller, HandleNumber number, const mem::UserIn& name);

    // Transfers at an offset; kNoOffset for unpositioned descriptions. Returns bytes. The default refuses any
    // other offset with ESPIPE, else calls read()/write(), whose default is EBADF.
    virtual Result<std::uint64_t> read_at(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                          std::uint64_t offset, TransferFlags flags);
    virtual Result<std::uint64_t> write_at(const Caller& caller, HandleNumber number, const mem::UserIn& from,
                                           std::uint64_t offset, TransferFlags flags);
    // The same for a caller who may be answered late (late_reply.h): where the offer was accepted the value
    // means nothing. Default: as read_at and write_at.
    virtual Result<std::uint64_t> read_late(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                            std::uint64_t offset, TransferFlags flags, LateOffer& offer);
    virtual Result<std::uint64_t> write_late(const Caller& caller, HandleNumber number,
                                             const mem::UserIn& from, std::uint64_t offset,
                                             TransferFlags flags, LateOffer& offer);
    virtual Result<std::uint64_t> read(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                       TransferFlags flags);
    virtual Result<std::uint64_t> write(const Caller& caller, HandleNumber number, const mem::UserIn& from,
                                        TransferFlags flags);

    // Size for SEEK_END, bytes. ESPIPE.
    virtual Result<std::uint64_t> fsize(const Caller& caller, HandleNumber number);
    // Commands other than F_DUPFD, F_GETFD, F_SETFD; the value is discarded. Ok(0).
    virtual Result<std::uint64_t> fcntl(const Caller& caller, HandleNumber number, std::uint64_t command,
                                        std::uint64_t argument);
    // Interest in `flags` (abi::EventFlags); returns those ready now. Ok(none).
    virtual Result<std::uint64_t> fevent(const Caller& caller, HandleNumber number, std::uint64_t flags);
    // The path of the handle, truncated to the buffer; returns bytes. EOPNOTSUPP.
    virtual Result<std::uint64_t> fpath(const Caller& caller, HandleNumber number, const mem::UserOut& to);
    // abi::Stat / abi::StatVfs into a buffer that may be too short (EINVAL). EBADF.
    virtual Result<void> fstat(const Caller& caller, HandleNumber number, const mem::UserOut& to);
    virtual Result<void> fstatvfs(const Caller& caller, HandleNumber number, const mem::UserOut& to);
    // Ok.
    virtual Result<void> fsync(const Caller& caller, HandleNumber number);
    // EBADF, all six. `times` holds abi::TimeSpec[2] (atime, mtime), any length. `path` is the reference
    // inside this scheme.
    virtual Result<void> ftruncate(const Caller& caller, HandleNumber number, std::uint64_t size);
    virtual Result<void> fchmod(const Caller& caller, HandleNumber number, std::uint16_t mode);
    virtual Result<void> fchown(const Caller& caller, HandleNumber number, std::uint32_t uid,
                                std::uint32_t gid);
    virtual Result<std::uint64_t> futimens(const Caller& caller, HandleNumber number,
                                           const mem::UserIn& times);
    virtual Result<void> flink(const Caller& caller, HandleNumber number, std::string_view path);
    virtual Result<void> frename(const Caller& caller, HandleNumber number, std::string_view path);
    // Removes a name relative to a handle; abi::kAtRemovedir in `flags` for directories. ENOENT.
    virtual Result<void> unlinkat(const Caller& caller, HandleNumber base, std::string_view path,
                                  std::uint64_t flags);
    // Packs abi::DirentHeader records from `opaque_id` on; returns bytes, 0 at the end, EINVAL when not even
    // one record fits. EOPNOTSUPP.
    virtual Result<std::uint64_t> getdents(const Caller& caller, HandleNumber number, const mem::UserOut& to,
                                           std::uint16_t header_size, std::uint64_t opaque_id);

    // Maps the handle into `target` and returns the address. `description` is what the mapping keeps open.
    // `consume` asks to move rather than share (only kernel.proc heeds it). EOPNOTSUPP.
    virtual Result<std::uint64_t> fmap(const Caller& caller, HandleNumber number,
                                       const DescriptionRef& description, mem::AddressSpace& target,
                                       const abi::Map& map, bool consume);

    // SYS_CALL without FD and STD_FS; at most three metadata words. EOPNOTSUPP.
    virtual Result<std::uint64_t> call(const Caller& caller, HandleNumber number,
                                       const mem::UserInOut& payload, std::uint64_t flags,
                                       std::span<const std::uint64_t> metadata);
    // SYS_CALL with STD_FS, kind already known to be one of abi::StdFsCallKind. `detach` comes with what held
    // so far and says afterwards, also on failure, whether closing a descriptor of the description must call
    // detach (its notify_on_detach). The default translates kinds 1 and 3-8 to the operations above, answers
    // EOPNOTSUPP to the rest, and wants no detach.
    virtual Result<std::uint64_t> std_fs_call(const Caller& caller, HandleNumber number,
                                              const mem::UserInOut& payload, const abi::StdFsCallMeta& call,
                                              DetachWish& detach);

    // Takes descriptions (SYS_SENDFD, SYS_CALL FD|WRITE). What a failed call leaves in `descriptions` goes
    // back to the sender, what a successful one leaves is dropped. Returns a value for SYS_SENDFD. Drops
    // them, EOPNOTSUPP.
    virtual Result<std::uint64_t> fd_write(const Caller& caller, HandleNumber number,
                                           std::vector<DescriptionRef>&& descriptions, std::uint64_t flags,
                                           std::uint64_t argument, std::span<const std::uint64_t> metadata);
    // Hands out descriptions (SYS_CALL FD|READ) for a payload of `room` bytes, one a word. EOPNOTSUPP.
    virtual Result<std::vector<DescriptionRef>> fd_read(const Caller& caller, HandleNumber number,
                                                        std::uint64_t room, std::uint64_t flags,
                                                        std::span<const std::uint64_t> metadata);

    // Takes back, to be handed out first, what fd_read gave for the same metadata and the receiver could not
    // place. Drops them.
    virtual void fd_unread(HandleNumber number, std::vector<DescriptionRef> descriptions,
                           std::span<const std::uint64_t> metadata);

    // The last reference went / a marked descriptor was closed by process `pid`. Ok. Must not block for long.
    virtual Result<void> close(HandleNumber number);
    virtual Result<void> detach(HandleNumber number, std::uint32_t pid);

    // It is no longer registered, or the run is over: drops the descriptions it keeps for others, which may
    // lead back to it and would otherwise keep each other alive. Called once, without a lock. Nothing.
    virtual void unregistered();

    // --- set by the registry.

    [[nodiscard]] SchemeId id() const { return id_; }
    // False once unregistered; descriptions then answer ENODEV.
    [[nodiscard]] bool registered() const { return registered_.load(std::memory_order_acquire); }
    // Drops every event registration of a handle. Called before its close.
    void forget_events(HandleNumber number);

  protected:
    // Tells whoever registered interest in (this scheme, number). `flags` are abi::EventFlags. Takes the
    // event registry's lock: hold none that comes after LockLevel::kScheme.
    void trigger(HandleNumber number, std::uint64_t flags);

  private:
    friend class SchemeRegistry;
    SchemeId id_;
    EventRegistry* events_ = nullptr;
    std::atomic<bool> registered_{false};
};

}  // namespace halfcell::scheme
