#include "schemes/file/record_locks.h"

#include <utility>

namespace halfcell::file {

const RecordLock* RecordLocks::find_conflict(const Table& table, FileKey file, const RecordLock& wanted) {
    const auto it = table.find(file);
    if (it == table.end()) return nullptr;
    for (const RecordLock& held : it->second) {
        const bool overlap = held.start < wanted.end && wanted.start < held.end;
        if (overlap && (held.exclusive || wanted.exclusive) && !(held.owner == wanted.owner)) return &held;
    }
    return nullptr;
}

void RecordLocks::carve(std::vector<RecordLock>& locks, std::uint64_t start, std::uint64_t end,
                        LockOwner owner) {
    std::vector<RecordLock> kept;
    for (const RecordLock& lock : locks) {
        if (!(lock.owner == owner) || lock.end <= start || end <= lock.start) {
            kept.push_back(lock);
            continue;
        }
        if (lock.start < start) {
            RecordLock before = lock;
            before.end = start;
            kept.push_back(before);
        }
        if (end < lock.end) {
            RecordLock after = lock;
            after.start = end;
            kept.push_back(after);
        }
    }
    locks = std::move(kept);
}

Result<void> RecordLocks::lock(FileKey file, const RecordLock& wanted) {
    return table_.with([&](Table& table) -> Result<void> {
        if (find_conflict(table, file, wanted) != nullptr) return fail(Errno::kEAGAIN);
        std::vector<RecordLock>& locks = table[file];
        carve(locks, wanted.start, wanted.end, wanted.owner);
        locks.push_back(wanted);
        count_.store(table.size(), std::memory_order_release);
        return {};
    });
}

void RecordLocks::unlock(FileKey file, std::uint64_t start, std::uint64_t end, LockOwner owner) {
    table_.with([&](Table& table) {
        const auto it = table.find(file);
        if (it == table.end()) return;
        carve(it->second, start, end, owner);
        if (it->second.empty()) table.erase(it);
        count_.store(table.size(), std::memory_order_release);
    });
}

std::optional<RecordLock> RecordLocks::conflict(FileKey file, const RecordLock& wanted) const {
    return table_.with([&](const Table& table) -> std::optional<RecordLock> {
        if (const RecordLock* held = find_conflict(table, file, wanted)) return *held;
        return std::nullopt;
    });
}

void RecordLocks::release(FileKey file, LockOwner owner) {
    unlock(file, 0, RecordLock::kToTheEnd, owner);
}

bool RecordLocks::any(FileKey file) const {
    return table_.with([&](const Table& table) { return table.contains(file); });
}

}  // namespace halfcell::file
