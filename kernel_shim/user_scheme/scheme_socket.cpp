#include "kernel_shim/user_scheme/scheme_socket.h"

#include <utility>

#include "abi/flags.h"

namespace halfcell::user_scheme {

using abi::Cqe;
using abi::CqeOpcode;
using scheme::Caller;

namespace {

// The tag in the metadata of a call on the socket: exactly the verb and the tag, else EINVAL.
Result<Tag> tag_for(abi::SchemeSocketCall verb, std::span<const std::uint64_t> metadata) {
    if (metadata.size() != 2 || metadata[0] != static_cast<std::uint64_t>(verb)) return fail(Errno::kEINVAL);
    if (metadata[1] > UINT32_MAX) return fail(Errno::kEINVAL);
    return static_cast<Tag>(metadata[1]);
}

scheme::Wait wait_for(std::uint32_t flags) {
    return (flags & abi::OpenFlags::kNonblock) != 0 ? scheme::Wait::kNo : scheme::Wait::kYes;
}

}  // namespace

Result<std::uint64_t> SchemeSocket::read(const Caller& server, const mem::UserOut& to, std::uint32_t flags) {
    return scheme_.channel().read(to, wait_for(flags), server.waiter);
}

Result<std::uint64_t> SchemeSocket::read_late(const Caller& server, const mem::UserOut& to,
                                              std::uint32_t flags, scheme::LateOffer& offer) {
    return scheme_.channel().read_late(to, wait_for(flags), server.waiter, offer);
}

Result<std::uint64_t> SchemeSocket::write(const Caller& server, const mem::UserIn& from) {
    const std::uint64_t units = from.size() / sizeof(Cqe);
    for (std::uint64_t unit = 0; unit < units; ++unit) {
        Cqe cqe;
        TRY(from.read(unit * sizeof cqe, std::as_writable_bytes(std::span(&cqe, 1))));
        const Result<void> completed = complete(server, cqe, from.space());
        if (completed) continue;
        if (unit == 0) return fail(completed.error());
        return unit * sizeof cqe;
    }
    return units * sizeof(Cqe);
}

Result<void> SchemeSocket::complete(const Caller& server, const Cqe& cqe, mem::AddressSpace* space) {
    CqeOpcode opcode{};
    if (!abi::try_from_raw(cqe.flags & abi::kCqeOpcodeMask, opcode)) return fail(Errno::kEINVAL);
    RequestChannel& channel = scheme_.channel();
    switch (opcode) {
        case CqeOpcode::kRespondRegular:
            return channel.respond(cqe.tag, {.kind = Answer::Kind::kRegular,
                                             .value = demux(cqe.result),
                                             .new_fd_flags = cqe.extra_raw[0]});
        case CqeOpcode::kRespondAndNotifyOnDetach:
            return channel.respond(cqe.tag, {.kind = Answer::Kind::kNotifyOnDetach,
                                             .value = demux(cqe.result),
                                             .new_fd_flags = cqe.extra_raw[0]});
        case CqeOpcode::kRespondWithMultipleFds:
            return channel.respond(cqe.tag, {.kind = Answer::Kind::kDescriptions});
        case CqeOpcode::kRespondWithFd:
            return respond_with_fd(server, cqe);
        case CqeOpcode::kSendFevent: {
            constexpr std::uint32_t kKnown = abi::EventFlags::kEventRead | abi::EventFlags::kEventWrite;
            if ((cqe.tag & ~kKnown) != 0) return fail(Errno::kEINVAL);
            scheme_.announce(HandleNumber{cqe.result}, cqe.tag);
            return {};
        }
        case CqeOpcode::kObtainFd:
            return obtain_one(server, cqe, space);
    }
    return fail(Errno::kEINVAL);
}

Result<std::shared_ptr<fd::FdTable>> SchemeSocket::files_of(const Caller& server) const {
    const auto context = contexts_.find(server.context);
    auto files = context ? (*context)->files() : nullptr;
    if (files == nullptr) return fail(Errno::kEINVAL);
    return files;
}

// The descriptor leaves the server's table when the answer is taken, not before as upstream, which loses it
// otherwise.
Result<void> SchemeSocket::respond_with_fd(const Caller& server, const Cqe& cqe) {
    const auto files = TRY(files_of(server));
    const FdNumber fd{cqe.result};
    if (!files->find(fd)) return fail(Errno::kEINVAL);
    TRY(scheme_.channel().expects_answer(cqe.tag));
    auto removed = files->remove(fd);
    if (!removed) return fail(Errno::kEINVAL);
    Answer answer{.kind = Answer::Kind::kDescription};
    answer.descriptions.push_back(std::move(removed->description));
    const Result<void> responded = scheme_.channel().respond(cqe.tag, std::move(answer));
    // Another thread of the server was quicker.
    if (!responded) (void)files->insert(fd, {std::move(answer.descriptions.front()), removed->cloexec});
    return responded;
}

Result<void> SchemeSocket::obtain_one(const Caller& server, const Cqe& cqe, mem::AddressSpace* space) {
    using abi::FobtainFdFlags;
    constexpr std::uint64_t kKnown = FobtainFdFlags::kManualFd | FobtainFdFlags::kExclusive |
                                     FobtainFdFlags::kUpperTbl | FobtainFdFlags::kCloexec;
    const std::uint64_t flags = abi::cqe_extra(cqe);
    if ((flags & ~kKnown) != 0) return fail(Errno::kEINVAL);
    const auto files = TRY(files_of(server));
    scheme::DescriptionRef first = TRY(scheme_.channel().obtain_first(cqe.tag));
    const auto place = [&]() -> Result<void> {
        if ((flags & FobtainFdFlags::kManualFd) != 0)
            return files->insert(FdNumber{cqe.result}, {first, true});
        const std::uint64_t number = TRY(files->add({first, true})).value();
        const auto told = [&]() -> Result<void> {
            if (space == nullptr) return fail(Errno::kEFAULT);
            const auto to = TRY(mem::UserOut::create(*space, cqe.result, sizeof number));
            return to.write(0, std::as_bytes(std::span(&number, 1)));
        }();
        if (!told) (void)files->remove(FdNumber{number});
        return told;
    };
    const Result<void> placed = place();
    if (!placed) {
        std::vector<scheme::DescriptionRef> one;
        one.push_back(std::move(first));
        scheme_.channel().put_back(cqe.tag, std::move(one));
    }
    return placed;
}

Result<std::vector<scheme::DescriptionRef>> SchemeSocket::obtain(std::uint64_t room,
                                                                 std::span<const std::uint64_t> metadata) {
    constexpr std::uint64_t kWord = sizeof(std::uint64_t);
    const Tag tag = TRY(tag_for(abi::SchemeSocketCall::kObtainFd, metadata));
    if (room % kWord != 0) return fail(Errno::kEINVAL);
    return scheme_.channel().obtain_all(tag, room / kWord);
}

void SchemeSocket::put_back(std::vector<scheme::DescriptionRef> descriptions,
                            std::span<const std::uint64_t> metadata) {
    if (const auto tag = tag_for(abi::SchemeSocketCall::kObtainFd, metadata))
        scheme_.channel().put_back(*tag, std::move(descriptions));
}

Result<std::uint64_t> SchemeSocket::move(std::vector<scheme::DescriptionRef>&& descriptions,
                                         std::span<const std::uint64_t> metadata) {
    const Tag tag = TRY(tag_for(abi::SchemeSocketCall::kMoveFd, metadata));
    const std::uint64_t count = descriptions.size();
    TRY(scheme_.channel().attach(tag, std::move(descriptions)));
    return count;
}

}  // namespace halfcell::user_scheme
