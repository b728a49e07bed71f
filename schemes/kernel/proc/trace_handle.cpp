#include "schemes/kernel/proc/trace_handle.h"

#include <algorithm>
#include <span>

#include "abi/flags.h"
#include "abi/ptrace.h"

namespace halfcell::schemes::proc {

namespace {

using abi::PtraceFlags;

constexpr std::uint64_t kKnownFlags =
    PtraceFlags::kPtraceStopMask | PtraceFlags::kPtraceEventMask | PtraceFlags::kPtraceFlagMask;
constexpr std::uint64_t kMostRecords = 64;

// Those Redox has a name for.
std::vector<abi::PtraceEvent> take_records(task::TraceSession& session, std::uint64_t most) {
    std::vector<abi::PtraceEvent> records;
    while (records.size() < most) {
        const auto event = session.take_event();
        if (!event) break;
        if (event->record.cause != 0) records.push_back(event->record);
    }
    return records;
}

}  // namespace

Result<std::uint64_t> TraceHandle::read_with(const scheme::Caller& caller, const mem::UserOut& to,
                                             std::uint64_t, scheme::TransferFlags flags) {
    const std::uint64_t room = to.size() / sizeof(abi::PtraceEvent);
    if (room == 0) return fail(Errno::kEINVAL);
    const bool waits = (flags.call & abi::OpenFlags::kNonblock) == 0;
    for (;;) {
        if (waits) TRY(session_->wait(caller.waiter));
        const auto records = take_records(*session_, std::min(room, kMostRecords));
        if (!records.empty()) return to.write_common(std::as_bytes(std::span(records)));
        if (session_->last_stopped() != nullptr) return 0;
        if (session_->tracees().empty()) return fail(Errno::kESRCH);
        if (!waits) return fail(Errno::kEAGAIN);
    }
}

Result<std::uint64_t> TraceHandle::write(const scheme::Caller&, const mem::UserIn& from) {
    const auto flags = TRY(from.read_exact<std::uint64_t>());
    if ((flags & ~kKnownFlags) != 0) return fail(Errno::kEINVAL);
    if (session_->tracees().empty()) return fail(Errno::kESRCH);
    order_.around_resume([&] { session_->resume_all(flags); });
    return sizeof flags;
}

std::uint64_t TraceHandle::ready() const {
    const bool readable = session_->event_waiting() || session_->tracees().empty();
    return readable ? abi::EventFlags::kEventRead : abi::EventFlags::kEventNone;
}

Result<void> TraceHandle::closed() {
    if (order_.exclusive && order_.kill) order_.kill();
    order_.around_resume([&] { session_->detach_all(); });
    return {};
}

}  // namespace halfcell::schemes::proc
