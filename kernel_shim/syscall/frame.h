#pragma once

// One call as its handler sees it, and the first steps most handlers share.

#include <array>
#include <cstdint>

#include "kernel_shim/fd/fd_table.h"
#include "kernel_shim/mem/user_slice.h"
#include "kernel_shim/scheme/caller.h"
#include "kernel_shim/scheme/scheme.h"
#include "kernel_shim/syscall/late_offer.h"
#include "kernel_shim/task/kernel.h"

namespace halfcell::syscall {

// The space, table and ids are those the context had when the call began; they hold throughout it, whatever
// other threads change meanwhile.
struct Call {
    task::Kernel& kernel;
    task::Context& context;
    mem::AddressSpace& space;
    fd::FdTable& files;
    const scheme::Caller caller;
    const std::array<std::uint64_t, 6> args;  // rdi rsi rdx r10 r8 r9
    LateOffer* const late;                    // null where the call must be answered by its worker
};

// What a handler returns goes to rax. It runs on the context's worker, without any lock, and may block.
using Handler = Result<std::uint64_t>(Call&);

// What a descriptor leads to. The reference keeps the handle open until the call is over.
struct Target {
    scheme::DescriptionRef description;
    scheme::Scheme* scheme;
    [[nodiscard]] HandleNumber number() const { return description->number(); }
};

// EBADF where the number is not open, then ENODEV where its scheme is gone.
// Source: kernel:src/syscall/fs.rs file_op_generic.
inline Result<Target> find_target(const Call& call, std::uint64_t fd) {
    scheme::DescriptionRef description = TRY(call.files.find(FdNumber{fd}));
    scheme::Scheme* const scheme = TRY(description->scheme());
    return Target{std::move(description), scheme};
}

// Buffers from two argument words. EFAULT where the range is no user range; nothing is touched yet.
inline Result<mem::UserIn> user_in(const Call& call, std::size_t address, std::size_t size) {
    return mem::UserIn::create(call.space, call.args[address], call.args[size]);
}
inline Result<mem::UserOut> user_out(const Call& call, std::size_t address, std::size_t size) {
    return mem::UserOut::create(call.space, call.args[address], call.args[size]);
}

}  // namespace halfcell::syscall
