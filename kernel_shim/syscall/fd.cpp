// Descriptors: closing, duplicating, their flags. Source: kernel:src/syscall/fs.rs.

#include "kernel_shim/scheme/opened.h"
#include "kernel_shim/syscall/handlers.h"

namespace halfcell::syscall {

namespace {

// What a new descriptor for `fd` refers to: the same description, or with a name whatever the scheme makes of
// it. Source: kernel:src/syscall/fs.rs duplicate_file.
Result<scheme::DescriptionRef> duplicate(Call& call, std::uint64_t fd, const mem::UserIn& name) {
    if (name.empty()) return call.files.find(FdNumber{fd});
    const Target target = TRY(find_target(call, fd));
    scheme::OpenResult opened = TRY(target.scheme->dup(call.caller, target.number(), name));
    return scheme::describe_opened(*target.description, std::move(opened), target.description->flags());
}

Result<void> close(Call& call, std::uint64_t fd) {
    fd::Descriptor descriptor = TRY(call.files.remove(FdNumber{fd}));
    return fd::close_descriptor(std::move(descriptor), call.caller.pid);
}

}  // namespace

Result<std::uint64_t> sys_close(Call& call) {
    TRY(close(call, call.args[0]));
    return 0;
}

Result<std::uint64_t> sys_dup(Call& call) {
    const mem::UserIn name = TRY(user_in(call, 1, 2));
    scheme::DescriptionRef description = TRY(duplicate(call, call.args[0], name));
    return TRY(call.files.add({std::move(description), false})).value();
}

Result<std::uint64_t> sys_dup2(Call& call) {
    const mem::UserIn name = TRY(user_in(call, 2, 3));
    const std::uint64_t fd = call.args[0];
    const std::uint64_t new_fd = call.args[1];
    // Upstream looks at neither number here.
    if (fd == new_fd) return new_fd;
    // The place is cleared first, also when nothing will come into it.
    (void)close(call, new_fd);
    scheme::DescriptionRef description = TRY(duplicate(call, fd, name));
    TRY(call.files.insert(FdNumber{new_fd}, {std::move(description), false}));
    return new_fd;
}

Result<std::uint64_t> sys_fcntl(Call& call) {
    using abi::FcntlCommand;
    using abi::OpenFlags;
    const FdNumber fd{call.args[0]};
    const std::uint64_t command = call.args[1];
    const std::uint64_t argument = call.args[2];
    fd::Descriptor descriptor = TRY(call.files.find_descriptor(fd));
    scheme::FileDescription& description = *descriptor.description;
    const std::uint32_t flags = description.flags();

    switch (command) {
        case FcntlCommand::kDupfd:
        case FcntlCommand::kDupfdCloexec: {
            descriptor.cloexec = command == FcntlCommand::kDupfdCloexec;
            return TRY(call.files.add_from(FdNumber{argument}, std::move(descriptor))).value();
        }
        case FcntlCommand::kGetfd:
            return descriptor.cloexec ? std::uint64_t{OpenFlags::kCloexec} : 0;
        case FcntlCommand::kSetfd:
            TRY(call.files.set_cloexec(fd, (argument & OpenFlags::kCloexec) != 0));
            return 0;
        default:
            break;
    }
    // Everything else is the scheme's business too, known or not; its value is not wanted.
    scheme::Scheme* const scheme = TRY(description.scheme());
    TRY(scheme->fcntl(call.caller, description.number(), command, argument));
    // Closed meanwhile?
    TRY(call.files.find(fd));
    switch (command) {
        case FcntlCommand::kGetfl:
            return flags;
        case FcntlCommand::kSetfl: {
            constexpr auto kAccess = static_cast<std::uint32_t>(OpenFlags::kAccmode);
            description.set_flags((flags & kAccess) | (static_cast<std::uint32_t>(argument) & ~kAccess));
            return 0;
        }
        default:
            return fail(Errno::kEINVAL);
    }
}

Result<std::uint64_t> sys_fevent(Call& call) {
    constexpr std::uint64_t kKnown = abi::EventFlags::kEventRead | abi::EventFlags::kEventWrite;
    const Target target = TRY(find_target(call, call.args[0]));
    return target.scheme->fevent(call.caller, target.number(), call.args[1] & kKnown);
}

}  // namespace halfcell::syscall
