// Transfers, positions and directory entries. Source: kernel:src/syscall/fs.rs, kernel:src/syscall/mod.rs.

#include "abi/dirent.h"
#include "kernel_shim/syscall/handlers.h"

namespace halfcell::syscall {

namespace {

// The offset a plain transfer passes, and how it moves afterwards. Reading it and moving it are two steps, as
// upstream: two threads on one description may transfer the same bytes.
std::uint64_t current_offset(const scheme::FileDescription& description) {
    return description.positioned() ? description.offset() : scheme::kNoOffset;
}

scheme::TransferFlags stored_flags(const scheme::FileDescription& description) {
    const std::uint32_t flags = description.flags();
    return {flags, flags};
}

// Moves the offset after a plain transfer; a late one does that when it is answered.
std::uint64_t transferred(const Call& call, scheme::FileDescription& description, std::uint64_t count) {
    const bool late = call.late != nullptr && call.late->accepted();
    if (description.positioned() && !late) description.advance(count);
    return count;
}

// The flags of READ2 and WRITE2: all ones asks for the stored ones, anything else replaces their O_NONBLOCK
// and O_APPEND. EINVAL for unknown bits. Source: kernel:src/context/file.rs rw_flags.
Result<scheme::TransferFlags> transfer_flags(const scheme::FileDescription& description, std::uint64_t word) {
    using abi::OpenFlags;
    using abi::RwFlags;
    scheme::TransferFlags flags = stored_flags(description);
    if (word == UINT64_MAX) return flags;
    if ((word & ~std::uint64_t{RwFlags::kNonblock | RwFlags::kAppend}) != 0) return fail(Errno::kEINVAL);
    flags.call &= ~static_cast<std::uint32_t>(OpenFlags::kNonblock | OpenFlags::kAppend);
    if ((word & RwFlags::kNonblock) != 0) flags.call |= static_cast<std::uint32_t>(OpenFlags::kNonblock);
    if ((word & RwFlags::kAppend) != 0) flags.call |= static_cast<std::uint32_t>(OpenFlags::kAppend);
    return flags;
}

}  // namespace

Result<std::uint64_t> sys_read(Call& call) {
    const mem::UserOut to = TRY(user_out(call, 1, 2));
    const Target target = TRY(find_target(call, call.args[0]));
    scheme::FileDescription& description = *target.description;
    const std::uint64_t offset = current_offset(description);
    const scheme::TransferFlags flags = stored_flags(description);
    const std::uint64_t count =
        TRY(call.late != nullptr ? target.scheme->read_late(call.caller, target.number(), to, offset, flags,
                                                            call.late->about(target.description))
                                 : target.scheme->read_at(call.caller, target.number(), to, offset, flags));
    return transferred(call, description, count);
}

Result<std::uint64_t> sys_write(Call& call) {
    const mem::UserIn from = TRY(user_in(call, 1, 2));
    const Target target = TRY(find_target(call, call.args[0]));
    scheme::FileDescription& description = *target.description;
    const std::uint64_t offset = current_offset(description);
    const scheme::TransferFlags flags = stored_flags(description);
    const std::uint64_t count = TRY(
        call.late != nullptr ? target.scheme->write_late(call.caller, target.number(), from, offset, flags,
                                                         call.late->about(target.description))
                             : target.scheme->write_at(call.caller, target.number(), from, offset, flags));
    return transferred(call, description, count);
}

Result<std::uint64_t> sys_read2(Call& call) {
    const Target target = TRY(find_target(call, call.args[0]));
    const scheme::TransferFlags flags = TRY(transfer_flags(*target.description, call.args[4]));
    const mem::UserOut to = TRY(user_out(call, 1, 2));
    return target.scheme->read_at(call.caller, target.number(), to, call.args[3], flags);
}

Result<std::uint64_t> sys_write2(Call& call) {
    const Target target = TRY(find_target(call, call.args[0]));
    const scheme::TransferFlags flags = TRY(transfer_flags(*target.description, call.args[4]));
    const mem::UserIn from = TRY(user_in(call, 1, 2));
    return target.scheme->write_at(call.caller, target.number(), from, call.args[3], flags);
}

Result<std::uint64_t> sys_lseek(Call& call) {
    using abi::SeekWhence;
    const Target target = TRY(find_target(call, call.args[0]));
    const std::uint64_t whence = call.args[2];
    std::uint64_t base = 0;
    // The scheme is asked before the command is known to be good.
    if (whence == SeekWhence::kEnd) base = TRY(target.scheme->fsize(call.caller, target.number()));
    if (whence == SeekWhence::kCur) base = target.description->offset();
    if (whence > SeekWhence::kEnd) return fail(Errno::kEINVAL);
    std::int64_t position = 0;
    if (__builtin_add_overflow(static_cast<std::int64_t>(call.args[1]), base, &position))
        return fail(Errno::kEOVERFLOW);
    if (position < 0) return fail(Errno::kEINVAL);
    target.description->set_offset(static_cast<std::uint64_t>(position));
    return static_cast<std::uint64_t>(position);
}

Result<std::uint64_t> sys_getdents(Call& call) {
    if (call.args[3] != sizeof(abi::DirentHeader)) return fail(Errno::kEINVAL);
    const Target target = TRY(find_target(call, call.args[0]));
    const mem::UserOut to = TRY(user_out(call, 1, 2));
    return target.scheme->getdents(call.caller, target.number(), to, sizeof(abi::DirentHeader), call.args[4]);
}

}  // namespace halfcell::syscall
