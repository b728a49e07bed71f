#include "schemes/server/dispatcher.h"

#include <algorithm>
#include <array>

#include "abi/flags.h"

namespace halfcell::server {

using abi::Cqe;
using abi::CqeOpcode;
using abi::Opcode;
using abi::Sqe;

namespace {

Cqe completion(CqeOpcode opcode, std::uint32_t tag, std::uint64_t result, std::uint8_t extra = 0) {
    Cqe cqe{};
    cqe.flags = static_cast<std::uint8_t>(opcode);
    cqe.extra_raw[0] = extra;
    cqe.tag = tag;
    cqe.result = result;
    return cqe;
}

Opcode opcode_of(const Sqe& sqe) {
    return static_cast<Opcode>(sqe.opcode);
}

bool may_wait(const Sqe& sqe) {
    std::uint64_t flags = 0;
    if (opcode_of(sqe) == Opcode::kRead || opcode_of(sqe) == Opcode::kWrite) flags = sqe.args[4];
    if (opcode_of(sqe) == Opcode::kOpenAt) flags = sqe.args[3] | sqe.args[4];
    return (flags & abi::OpenFlags::kNonblock) == 0;
}

}  // namespace

Request Dispatcher::request_of(const Sqe& sqe) const {
    Request request{.run = run_,
                    .pid = static_cast<std::uint32_t>(sqe.caller),
                    .tag = std::uint64_t{run_} << 32 | sqe.tag};
    // Those two have other words in that place.
    if (opcode_of(sqe) != Opcode::kCall && opcode_of(sqe) != Opcode::kStdFsCall) {
        request.uid = static_cast<std::uint32_t>(sqe.args[5]);
        request.gid = static_cast<std::uint32_t>(sqe.args[5] >> 32);
    }
    if (opcode_of(sqe) == Opcode::kRead || opcode_of(sqe) == Opcode::kWrite) request.flags = sqe.args[4];
    return request;
}

Errno Dispatcher::serve() {
    std::array<Sqe, 32> requests;
    for (;;) {
        const Result<std::size_t> count = transport_.receive(requests);
        if (!count) return count.error();
        handle(std::span(requests).first(*count));
    }
}

void Dispatcher::handle(std::span<const Sqe> requests) {
    take(requests);
    // One that goes on may be what another waits for.
    while (try_again()) {
    }
    for (const Scheme::Event& event : scheme_.take_events())
        add_event(event);
    send_completions();
}

void Dispatcher::take(std::span<const Sqe> requests) {
    for (const Sqe& sqe : requests) {
        switch (opcode_of(sqe)) {
            case Opcode::kCancel:
                cancel(sqe.tag);
                break;
            case Opcode::kCloseMsg:
                close(sqe.args[0]);
                break;
            case Opcode::kDetach:
                scheme_.detached(sqe.args[0], static_cast<std::uint32_t>(sqe.caller));
                break;
            default:
                if (attempt(sqe) == Outcome::kWaits) waiting_.push_back(sqe);
        }
    }
}

bool Dispatcher::try_again() {
    const std::size_t before = waiting_.size();
    std::erase_if(waiting_, [this](const Sqe& sqe) { return attempt(sqe) == Outcome::kAnswered; });
    return waiting_.size() != before;
}

void Dispatcher::add_event(const Scheme::Event& event) {
    completions_.push_back(
        completion(CqeOpcode::kSendFevent, static_cast<std::uint32_t>(event.flags), event.id));
}

void Dispatcher::tell(std::span<const Scheme::Event> events) {
    for (const Scheme::Event& event : events)
        if (event.id == kRoot || std::find(open_.begin(), open_.end(), event.id) != open_.end())
            add_event(event);
}

void Dispatcher::send_completions() {
    if (!completions_.empty()) transport_.complete(completions_);
    completions_.clear();
}

Dispatcher::Outcome Dispatcher::attempt(const Sqe& sqe) {
    Answer reply = perform(sqe);
    if (!reply.value && reply.value.error() == Errno::kEWOULDBLOCK) {
        if (may_wait(sqe)) return Outcome::kWaits;
        reply = {.value = Errno::kEAGAIN};
    }
    answer(sqe.tag, reply);
    return Outcome::kAnswered;
}

void Dispatcher::cancel(std::uint32_t tag) {
    const auto waiting =
        std::find_if(waiting_.begin(), waiting_.end(), [tag](const Sqe& sqe) { return sqe.tag == tag; });
    // Answered already, and the tag may belong to somebody else by now.
    if (waiting == waiting_.end()) return;
    scheme_.cancelled(request_of(*waiting));
    waiting_.erase(waiting);
    std::erase_if(sent_, [tag](const Sent& sent) { return sent.tag == tag; });
    answer(tag, {.value = Errno::kECANCELED});
}

void Dispatcher::answer(std::uint32_t tag, const Answer& reply) {
    // A success that its caller would take for an error (only the low half decides) must not get out.
    const bool lost = reply.value && abi::demux_errno(*reply.value) != 0;
    const Result<std::uint64_t> value = lost ? Errno::kEOVERFLOW : reply.value;
    if (!value) {
        // The error keeps what the answer says about closes.
        const bool tell = reply.opcode == CqeOpcode::kRespondAndNotifyOnDetach;
        completions_.push_back(
            completion(tell ? reply.opcode : CqeOpcode::kRespondRegular, tag, abi::mux_error(value.error())));
        return;
    }
    completions_.push_back(completion(reply.opcode, tag, *value, reply.extra));
}

void Dispatcher::close(Id id) {
    std::erase(locked_, id);
    // The one opened last is the one closed first, more often than not.
    const auto open = std::find(open_.rbegin(), open_.rend(), id);
    if (open != open_.rend()) open_.erase(std::next(open).base());
    scheme_.closed(id);
}

void Dispatcher::hang_up() {
    for (const Sqe& sqe : std::exchange(waiting_, {}))
        scheme_.cancelled(request_of(sqe));
    sent_.clear();
    while (!open_.empty())
        close(open_.back());
}

}  // namespace halfcell::server
