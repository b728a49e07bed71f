#pragma once

// One file, directory or link of a volume in memory.

#include <atomic>
#include <cstdint>
#include <ctime>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/host/unique_fd.h"
#include "schemes/file/volume.h"
#include "schemes/memfs/budget.h"
#include "schemes/memfs/content.h"

namespace halfcell::memfs {

// What a node costs its budget besides its pages, bytes.
inline constexpr std::uint64_t kInodeCost = 512;

// Everything about a node but the tree. Permissions are those of the union of the classes the caller is in,
// and root has all of them. Source: redoxfs:src/node.rs Node::permission.
struct Attributes {
    std::uint16_t mode = 0;  // permission bits only
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    timespec accessed{};
    timespec modified{};
    timespec changed{};

    [[nodiscard]] bool permits(file::Identity caller, std::uint16_t bits) const;
    [[nodiscard]] bool owned_by(file::Identity caller) const { return caller.uid == 0 || caller.uid == uid; }
};
inline constexpr std::uint16_t kMayRead = 4;
inline constexpr std::uint16_t kMayWrite = 2;
inline constexpr std::uint16_t kMayPass = 1;

[[nodiscard]] timespec time_now();

class Inode {
  public:
    // `fixed`: see Content. The caller has taken kInodeCost from the budget; the inode gives it back.
    Inode(std::shared_ptr<Budget> budget, std::uint64_t number, file::NodeKind kind, std::uint16_t mode,
          file::Identity owner, std::span<const std::byte> fixed = {});
    Inode(const Inode&) = delete;
    Inode& operator=(const Inode&) = delete;
    ~Inode();

    [[nodiscard]] std::uint64_t number() const { return number_; }
    [[nodiscard]] file::NodeKind kind() const { return kind_; }

    [[nodiscard]] Attributes attributes() const;
    // Lets `change(Attributes&)` -> Result<void> change them, and notes the time if it did.
    template <typename Change>
    Result<void> change_attributes(Change change) {
        return state_.with([&](State& state) -> Result<void> {
            TRY(change(state.attributes));
            state.attributes.changed = time_now();
            return {};
        });
    }
    // An entry was added or removed.
    void touch();

    // --- bytes of a file (or of a link: its target). Safe from any thread.
    [[nodiscard]] std::uint64_t size() const;
    [[nodiscard]] std::uint64_t allocated() const;
    Result<std::uint64_t> read(std::uint64_t offset, std::span<std::byte> to);
    Result<std::uint64_t> write(std::uint64_t offset, file::WriteAt where, std::span<const std::byte> from);
    Result<void> resize(std::uint64_t size);
    [[nodiscard]] std::string text();
    // Moves the bytes to a memory file, once, so that guests can map them up to `end`. What lies behind the
    // file's own end are zeros; stores there are seen through every mapping, and by readers once the file has
    // grown. Where the budget has no room for so much, touching it faults. ENOMEM, EMFILE.
    Result<std::shared_ptr<const host::UniqueFd>> share(std::uint64_t end);

    // --- the tree: guarded by the volume's lock.
    std::map<std::string, std::shared_ptr<Inode>, std::less<>> children;

    std::atomic<std::uint32_t> links{1};  // changed under the volume's lock

  private:
    struct State {
        State(std::shared_ptr<Budget> budget, std::span<const std::byte> fixed)
            : content(std::move(budget), fixed) {}
        Attributes attributes;
        Content content;  // empty once the bytes are shared
        std::shared_ptr<const host::UniqueFd> shared;
        std::uint64_t shared_size = 0;    // of the file; the memory file only grows
        std::uint64_t shared_extent = 0;  // of the memory file, whole pages; what it took from the budget
    };
    // Makes the memory file hold `size` bytes. ENOSPC.
    Result<void> extend_shared(State& state, std::uint64_t size);
    Result<void> move_to_shared(State& state);

    const std::shared_ptr<Budget> budget_;
    const std::uint64_t number_;
    const file::NodeKind kind_;
    Guarded<State, LockLevel::kObject> state_;
};

using InodeRef = std::shared_ptr<Inode>;

}  // namespace halfcell::memfs
