#pragma once

// "trace": the stops of another context, or of a whole process, for a guest that traces it. Upstream declares
// all of it and, in this snapshot, fires none. Source: Redox RFC 0004; kernel:src/scheme/proc.rs of the time
// when it worked, which read() waits like, where the RFC lets write() wait.

#include <functional>
#include <memory>
#include <vector>

#include "kernel_shim/task/trace_session.h"
#include "schemes/kernel/proc/handle.h"

namespace halfcell::schemes::proc {

// What a trace handle is to trace, and who else wants to know.
struct TraceOrder {
    std::vector<std::shared_ptr<task::Context>> contexts;
    bool stop = false;       // O_TRUNC: stopped at once
    bool exclusive = false;  // O_EXCL: killed with the handle
    task::TraceSession::Follow follow = task::TraceSession::Follow::kNone;
    // None of them may block, or is called under a lock.
    std::function<void(const task::TraceEvent&)> on_event;
    // Runs what it is given, which resumes the tracees; the default does just that.
    std::function<void(const std::function<void()>& resume)> around_resume = [](const auto& resume) {
        resume();
    };
    std::function<void()> kill;  // for `exclusive`
};

class TraceHandle : public Handle {
  public:
    TraceHandle(std::shared_ptr<task::TraceSession> session, TraceOrder order)
        : session_(std::move(session)), order_(std::move(order)) {}

    // As many abi::PtraceEvent as fit. Waits for the first; 0 where nothing is left to be told of a tracee
    // that is stopped. EINVAL where not even one fits; EAGAIN where a handle in O_NONBLOCK would wait; ESRCH
    // once the tracee is gone and its events have been read; EINTR.
    Result<std::uint64_t> read_with(const scheme::Caller& caller, const mem::UserOut& to,
                                    std::uint64_t offset, scheme::TransferFlags flags) override;
    // A word of abi::PtraceFlags: the next breakpoints, with which a stopped tracee goes on. EINVAL for other
    // bits; ESRCH. Does not wait.
    Result<std::uint64_t> write(const scheme::Caller& caller, const mem::UserIn& from) override;
    // EVENT_READ: there are events, or the tracee is gone.
    [[nodiscard]] std::uint64_t ready() const override;
    Result<void> closed() override;

  private:
    const std::shared_ptr<task::TraceSession> session_;
    const TraceOrder order_;
};

}  // namespace halfcell::schemes::proc
