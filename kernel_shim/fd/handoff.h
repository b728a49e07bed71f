#pragma once

// Descriptions on their way from one file table to another: taken all or none, placed all or none.
// Source: kernel:src/syscall/fs.rs fdwrite_inner, kernel:src/context/context.rs bulk_add_fds,
// bulk_insert_fds.

#include <cstdint>
#include <span>
#include <vector>

#include "kernel_shim/fd/fd_table.h"

namespace halfcell::fd {

// Whether the sender keeps its descriptors.
enum class Sending : std::uint8_t { kMove, kCopy };

// Takes the descriptions that `fds` name out of `table`. Every number is checked before any is taken: EMFILE
// (past the limit), EBADF (not open, or repeated). With `exclusive`, EBUSY when somebody else holds one of
// them, which a copying sender itself does; what a moving sender gave is then no longer its own, as upstream,
// but it is closed, where upstream loses it. Calls schemes (closing); hold no lock.
struct Taken {
    std::vector<scheme::DescriptionRef> descriptions;
    std::vector<bool> cloexec;  // the marks of what was moved; empty for copies
};
Result<Taken> take_descriptions(FdTable& table, std::span<const std::uint64_t> fds, Sending sending,
                                bool exclusive);

// Puts what is left of moved descriptions (those that are not null) back where they were, as after a transfer
// that failed. What meanwhile has no place any more is dropped. Calls schemes (closing); hold no lock.
void give_back(FdTable& table, std::span<const std::uint64_t> fds, Taken taken);

// Where received descriptions go.
enum class Placing : std::uint8_t {
    kLower,       // the lowest free lower slots
    kUpperRun,    // the first run of free upper slots
    kUpperNamed,  // upper slots that the receiver names
};

// Puts `descriptions` into `table` and returns their numbers in order. EMFILE; for kUpperNamed also EINVAL
// (`named` has another length, or repeats) and EEXIST (occupied). On failure `descriptions` is untouched.
// Does not block.
Result<std::vector<FdNumber>> place_descriptions(FdTable& table,
                                                 std::vector<scheme::DescriptionRef>& descriptions,
                                                 bool cloexec, Placing placing,
                                                 std::span<const std::uint64_t> named);

}  // namespace halfcell::fd
