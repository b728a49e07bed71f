#pragma once

// Software breakpoints: int3 over the first byte of an instruction. Whoever reads memory through Breakpoints
// sees the program's bytes, and what is written through it is what the program will find.

#include <cstdint>
#include <map>
#include <span>

#include "kernel_shim/gdb/target.h"

namespace halfcell::gdb {

class Breakpoints {
  public:
    explicit Breakpoints(Target& target) : target_(target) {}

    // Idempotent, both of them. EFAULT where there is no memory to insert one into.
    Result<void> insert(std::uint64_t process, std::uint64_t address);
    Result<void> remove(std::uint64_t process, std::uint64_t address);
    [[nodiscard]] bool inserted(std::uint64_t process, std::uint64_t address) const;

    // As Target's.
    Result<std::size_t> read(std::uint64_t process, std::uint64_t address, std::span<std::byte> to);
    Result<void> write(std::uint64_t process, std::uint64_t address, std::span<const std::byte> from);

    // `child` was made with a copy of the memory of `parent`: it has the breakpoints, too. The copy was made
    // some time before, so those the parent has lost since are taken out of it.
    void fork(std::uint64_t parent, std::uint64_t child);
    // The process has new memory, or none.
    void forget(std::uint64_t process) { processes_.erase(process); }
    // Takes all of a process out of its memory. What is no longer mapped needs nothing.
    void remove_all(std::uint64_t process);

  private:
    struct Place {
        std::byte original{};
        bool inserted = false;  // false: it was once
    };
    using Places = std::map<std::uint64_t, Place>;
    // Puts the program's byte back, unless the program has put another one there meanwhile.
    void restore(std::uint64_t process, std::uint64_t address, const Place& place);
    // The places inside [address, address + size) that hold an int3.
    template <typename Visit>
    void visit(std::uint64_t process, std::uint64_t address, std::size_t size, Visit visit);

    Target& target_;
    std::map<std::uint64_t, Places> processes_;
};

}  // namespace halfcell::gdb
