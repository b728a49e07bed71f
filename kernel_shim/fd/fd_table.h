#pragma once

// A file table: descriptor numbers to descriptions, in two halves. The upper half is named by bit 62 and
// holds what the runtime keeps for itself. Source: kernel:src/context/context.rs FdTbl.

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "abi/flags.h"
#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/ids.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/fd/slots.h"

namespace halfcell::fd {

// Which half a number names, and its place in it.
constexpr bool is_upper(std::uint64_t fd) {
    return (fd & abi::kUpperFdtblTag) != 0;
}
constexpr std::uint64_t index_of(std::uint64_t fd) {
    return fd & ~abi::kUpperFdtblTag;
}

// Both halves together hold at most this many; explicit placement refuses higher indices.
// Source: kernel:src/context/mod.rs CONTEXT_MAX_FILES.
inline constexpr std::uint64_t kMaxDescriptors = 65536;

// Numbers at or above kMaxDescriptors come about by appending only; upstream has no bound for that, and a
// program that closes what it appended could grow its table for ever.
inline constexpr std::uint64_t kMaxIndex = 2 * kMaxDescriptors;

// Shared by the threads of a process. Every operation takes the table's lock and never calls a scheme under
// it: descriptors that leave the table are returned, and whoever drops them closes them.
class FdTable {
  public:
    FdTable() = default;
    FdTable(const FdTable&) = delete;
    FdTable& operator=(const FdTable&) = delete;

    // A reference to what a number names, or EBADF.
    [[nodiscard]] Result<scheme::DescriptionRef> find(FdNumber fd) const;
    [[nodiscard]] Result<Descriptor> find_descriptor(FdNumber fd) const;

    // Puts a descriptor into the lowest free lower slot. EMFILE when the table is full; the descriptor is
    // then dropped, once the lock is free.
    Result<FdNumber> add(Descriptor descriptor);
    // Lowest free slot at or above `minimum`, in the half its tag names; numbers past the limit are reachable
    // only by appending, up to kMaxIndex. EMFILE. Source: FdTbl::add_file_min (F_DUPFD).
    Result<FdNumber> add_from(FdNumber minimum, Descriptor descriptor);
    // At exactly `fd`: EMFILE when full, out of range or occupied (DUP2 closes the slot first).
    Result<void> insert(FdNumber fd, Descriptor descriptor);
    // EBADF when empty. The descriptor is yours to close.
    Result<Descriptor> remove(FdNumber fd);
    // F_SETFD. EBADF.
    Result<void> set_cloexec(FdNumber fd, bool cloexec);

    // All or none. Order of checks per number: index past the limit EMFILE, repeated or empty EBADF.
    Result<std::vector<scheme::DescriptionRef>> find_all(std::span<const std::uint64_t> fds) const;
    Result<std::vector<Descriptor>> remove_all(std::span<const std::uint64_t> fds);

    // Places received descriptions, all or none; they are moved from on success only. Lower: the lowest free
    // slots. Upper: the first run of free ones. EMFILE. Source: kernel:src/context/context.rs
    // bulk_add_files_posix, bulk_insert_files_upper.
    Result<std::vector<FdNumber>> add_all_lower(std::vector<Descriptor>& descriptors);
    Result<std::vector<FdNumber>> add_all_upper(std::vector<Descriptor>& descriptors);
    // Upper slots the caller names, one a descriptor, tagged or not. EMFILE when there is no room for all;
    // then word by word EMFILE (out of range), EINVAL (repeated), EEXIST (occupied).
    Result<void> insert_all_upper(std::span<const std::uint64_t> fds, std::vector<Descriptor>& descriptors);

    // Every number in use: lower ascending, then upper ascending with the tag.
    [[nodiscard]] std::vector<std::uint64_t> numbers() const;
    // Every slot in that order, for reports.
    [[nodiscard]] std::vector<std::pair<FdNumber, Descriptor>> snapshot() const;
    [[nodiscard]] std::uint64_t count() const;

    // Same numbers, same descriptions, same marks.
    [[nodiscard]] std::shared_ptr<FdTable> clone() const;
    // Empties the table and returns what was in it, in enumeration order, for closing.
    std::vector<Descriptor> take_all();

    // Contexts say that they use the table. Whoever leaves as the last one gets everything, for closing;
    // references that others hold to look at the table do not keep it full.
    void join() { users_.fetch_add(1, std::memory_order_relaxed); }
    [[nodiscard]] std::vector<Descriptor> leave();

  private:
    struct State {
        Slots lower;
        Slots upper;
        std::uint64_t count = 0;  // of both

        Slots& half(std::uint64_t fd) { return is_upper(fd) ? upper : lower; }
        [[nodiscard]] const Slots& half(std::uint64_t fd) const { return is_upper(fd) ? upper : lower; }
        [[nodiscard]] bool room_for(std::uint64_t more) const { return count + more <= kMaxDescriptors; }
        FdNumber put(std::size_t index, std::uint64_t tag, Descriptor& descriptor);
        [[nodiscard]] Result<void> check_open(std::span<const std::uint64_t> fds) const;
    };
    Guarded<State, LockLevel::kFileTable> state_;
    std::atomic<std::uint32_t> users_{0};
};

// Closes one descriptor as SYS_CLOSE does once the slot is free: tells a scheme that asked for it about the
// detach, then drops the reference. `pid` is the closing process's. May block as the scheme does.
// Source: kernel:src/context/file.rs FileDescriptor::close.
Result<void> close_descriptor(Descriptor descriptor, std::uint32_t pid);

}  // namespace halfcell::fd
