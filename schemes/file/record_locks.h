#pragma once

// POSIX record locks: who holds which bytes of which file. A pure table; nothing here blocks or does I/O.
// Source: syscall:src/flag.rs StdFsCallKind::{Lock, Unlock, GetLock}; relibc:src/platform/redox/mod.rs fcntl.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/ids.h"
#include "kernel_shim/base/result.h"
#include "schemes/file/volume.h"

namespace halfcell::file {

// Plain locks belong to a process, OFD locks to an open file description (one handle of ours).
struct LockOwner {
    enum class Kind : std::uint8_t { kProcess, kDescription };
    Kind kind = Kind::kProcess;
    std::uint64_t id = 0;
    friend bool operator==(const LockOwner&, const LockOwner&) = default;
};

struct RecordLock {
    std::uint64_t start = 0;
    std::uint64_t end = 0;  // one past the last byte; kToTheEnd for "whatever the size becomes"
    bool exclusive = false;
    LockOwner owner;
    std::uint32_t pid = 0;  // of the process that took it

    static constexpr std::uint64_t kToTheEnd = UINT64_MAX;
};

class RecordLocks {
  public:
    // Takes a range; what the owner already held there is replaced. EAGAIN where another owner's lock
    // conflicts.
    Result<void> lock(FileKey file, const RecordLock& wanted);
    // Gives a range up; holes are fine.
    void unlock(FileKey file, std::uint64_t start, std::uint64_t end, LockOwner owner);
    // The lock that would keep `wanted` from being taken.
    [[nodiscard]] std::optional<RecordLock> conflict(FileKey file, const RecordLock& wanted) const;
    // Gives up all an owner has on a file.
    void release(FileKey file, LockOwner owner);
    // Whether anybody holds anything on a file.
    [[nodiscard]] bool any(FileKey file) const;
    // Whether there is no lock at all: what every close asks first.
    [[nodiscard]] bool empty() const { return count_.load(std::memory_order_acquire) == 0; }

  private:
    using Table = std::map<FileKey, std::vector<RecordLock>>;
    static void carve(std::vector<RecordLock>& locks, std::uint64_t start, std::uint64_t end,
                      LockOwner owner);
    static const RecordLock* find_conflict(const Table& table, FileKey file, const RecordLock& wanted);

    Guarded<Table, LockLevel::kObject> table_;
    std::atomic<std::size_t> count_{0};  // files in the table; changed under its lock
};

}  // namespace halfcell::file
