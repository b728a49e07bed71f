#pragma once

// Between the callers of a scheme and its server: requests in one queue, answers by tag, and what happens to
// a request whose caller is interrupted or killed, or whose server goes. Source: kernel:src/scheme/user.rs
// UserInner::call_inner, respond; kernel:src/scheme/mod.rs.

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "abi/scheme_msg.h"
#include "kernel_shim/base/guarded.h"
#include "kernel_shim/scheme/caller.h"
#include "kernel_shim/scheme/record_queue.h"
#include "kernel_shim/user_scheme/request_slab.h"

namespace halfcell::user_scheme {

// What a request says; its tag and its caller are added on the way.
struct Message {
    abi::Opcode opcode{};
    std::array<std::uint64_t, 6> args{};
};

class RequestChannel {
  public:
    RequestChannel() = default;
    RequestChannel(const RequestChannel&) = delete;
    RequestChannel& operator=(const RequestChannel&) = delete;

    // What tells the server that something was queued: runs on the thread that queued it, without a lock, and
    // must not wait. Once, before the first request.
    void on_request(std::function<void()> bell) { bell_ = std::move(bell); }
    // What a caller does instead of ringing that bell and sleeping: both, on its own thread and without a
    // lock, in a way of the server's. Ends with Waiter::sleep. Once, before the first request.
    void on_call(std::function<wait::Wake(wait::Waiter&)> exchange) { exchange_ = std::move(exchange); }
    // Whoever holds this is the server, for reports. Once, before the first request.
    void served_by(wait::Wakers server) { server_ = server; }

    // --- the callers' side.

    // Queues a request and sleeps until it is answered. The first interruption queues a Cancel, the sleep
    // goes on. `loan` is the buffer it names; a killed caller leaves it with the request. `sent` goes along,
    // and comes back where the server goes before it has fetched it. An answer of any kind; else EINTR
    // (killed), EAGAIN (too much is queued), ENODEV (closed). Hold no lock.
    Result<Answer> call(const scheme::Caller& caller, const Message& message, Loan& loan,
                        std::vector<scheme::DescriptionRef>& sent);
    // The same for a caller who may be answered late: the request keeps the loan, and of a successful answer
    // so much of it is given back to the caller as `given` says. EAGAIN, ENODEV; the offer is then untouched.
    Result<void> call_late(const scheme::Caller& caller, const Message& message, Loan&& loan, Given given,
                           scheme::LateOffer& offer);
    // Queues a request that nobody waits for; its answer is discarded.
    void post(const Message& message, std::uint64_t pid);
    // Queues a message that has no answer (CloseMsg, Detach). Dropped where too much is queued. Does not
    // block.
    void tell(const Message& message, std::uint64_t pid);

    // --- the server's side; tags come from it and may be any number.

    // Requests as Sqe records, as RecordQueue::receive. May sleep.
    Result<std::uint64_t> read(const mem::UserOut& to, scheme::Wait wait, wait::Waiter& waiter) {
        return todo_.receive(to, wait, kReadReason, waiter);
    }
    [[nodiscard]] bool readable() const { return !todo_.empty(); }
    // The same for a server who may be answered late.
    Result<std::uint64_t> read_late(const mem::UserOut& to, scheme::Wait wait, wait::Waiter& waiter,
                                    scheme::LateOffer& offer) {
        return todo_.receive_late(to, wait, kReadReason, waiter, offer);
    }
    // Takes requests without waiting, by one thread at a time and never besides read(); their number.
    std::size_t take(std::span<abi::Sqe> to) { return todo_.take(to); }

    // Whether respond() would take an answer: EBADFD where no request has the tag, EINVAL where it was
    // answered.
    [[nodiscard]] Result<void> expects_answer(Tag tag);
    // Answers a request. For Answer::Kind::kDescriptions the descriptions are those attached to it; for any
    // other kind those that were not fetched are closed. Errors of expects_answer; `answer` is moved from on
    // success only.
    Result<void> respond(Tag tag, Answer&& answer);

    // Takes the descriptions sent with a request. EINVAL where no request has the tag or their number is not
    // `count`; ENOENT where it was answered.
    Result<std::vector<scheme::DescriptionRef>> obtain_all(Tag tag, std::uint64_t count);
    // Takes the first of them; ENOENT also where none is left.
    Result<scheme::DescriptionRef> obtain_first(Tag tag);
    // Puts them back in front, as far as the request still waits; else they are closed.
    void put_back(Tag tag, std::vector<scheme::DescriptionRef> descriptions);
    // Attaches descriptions to a request, in place of those it has. EINVAL, ENOENT; then they are untouched.
    Result<void> attach(Tag tag, std::vector<scheme::DescriptionRef>&& descriptions);

    // The server's end is gone: whoever waits is told, and nobody can wait any more.
    void close();

    // Requests not answered, or answered and not collected; for tests.
    [[nodiscard]] std::size_t in_use() const;

  private:
    using Mutex = LevelMutex<LockLevel::kObject>;
    static constexpr const char* kReadReason = "UserInner::read";

    // What was queued reaches the server. Hold no lock.
    void announce();
    // LateInterruption: queues a Cancel for the request of that tag and ticket.
    static void interrupt_late(void* channel, std::uint64_t tag, scheme::LateCall::Ticket ticket);
    // A waiting slot, else ENOENT (answered) or EINVAL.
    Result<Slot*> waiting(Tag tag);

    // Immutable once requests come.
    std::function<void()> bell_;
    std::function<wait::Wake(wait::Waiter&)> exchange_;  // may be empty
    wait::Wakers server_;
    // Taken under mutex_, so that a Cancel is queued before any later request with the same tag.
    scheme::RecordQueue<abi::Sqe, LockLevel::kEventQueue> todo_;
    mutable Mutex mutex_;
    RequestSlab slab_;     // guarded by mutex_
    bool closed_ = false;  // guarded by mutex_
};

}  // namespace halfcell::user_scheme
