#include "kernel_shim/user_scheme/request_channel.h"

#include <iterator>
#include <utility>

namespace halfcell::user_scheme {

using Kind = Answer::Kind;
using wait::Wake;

namespace {

constexpr const char* kReason = "UserInner::call";

abi::Sqe sqe_of(const Message& message, std::uint64_t pid, Tag tag) {
    abi::Sqe sqe{};
    sqe.opcode = static_cast<std::uint8_t>(message.opcode);
    sqe.tag = tag;
    for (std::size_t i = 0; i < message.args.size(); ++i)
        sqe.args[i] = message.args[i];
    sqe.caller = pid;
    return sqe;
}

abi::Sqe cancel_of(Tag tag) {
    abi::Sqe sqe = sqe_of({.opcode = abi::Opcode::kCancel}, 0, tag);
    sqe.sqe_flags = abi::SqeFlags::kOneway;
    return sqe;
}

// Whether an answer has made a handle that is its caller's to close.
bool opened_handle(abi::Opcode opcode, const Answer& answer) {
    const bool opens = opcode == abi::Opcode::kOpenAt || opcode == abi::Opcode::kDup;
    return opens && (answer.kind == Kind::kRegular || answer.kind == Kind::kNotifyOnDetach) &&
           answer.value.has_value();
}

// The late call of a slot, where it still waits: finish() it, without a lock.
std::shared_ptr<scheme::LateCall> claim(const std::optional<Slot::Late>& late) {
    using scheme::LateCall;
    auto call = late ? late->reply.call.lock() : nullptr;
    if (call == nullptr) return nullptr;
    const auto claimed = call->claim(late->reply.ticket, LateCall::WhenStopped::kAnswer);
    return claimed == LateCall::Claim::kClaimed ? std::move(call) : nullptr;
}

// What a late caller gets, with its part of the buffer.
Result<std::uint64_t> give(const Answer& answer, Given given, const Loan& loan) {
    const std::uint64_t value = TRY(as_value(answer));
    TRY(loan.copy_back(given == Given::kAnswer ? value : loan.size()));
    return value;
}

}  // namespace

void RequestChannel::announce() {
    bell_();
    todo_.serve_late();
}

Result<Answer> RequestChannel::call(const scheme::Caller& caller, const Message& message, Loan& loan,
                                    std::vector<scheme::DescriptionRef>& sent) {
    wait::Waiter& waiter = caller.waiter;
    Request request{.opcode = message.opcode, .waiter = &waiter};
    Tag tag = 0;
    {
        const std::lock_guard lock(mutex_);
        if (closed_) return fail(Errno::kENODEV);
        tag = slab_.add(request, std::move(sent));
        if (!todo_.push(sqe_of(message, caller.pid, tag))) {
            sent = std::move(slab_.find(tag)->descriptions);
            slab_.responded(tag);
            slab_.collected(tag, request);
            return fail(Errno::kEAGAIN);
        }
        waiter.prepare({kReason, server_});
    }
    if (!exchange_) announce();
    const auto sleep = [&] { return exchange_ ? exchange_(waiter) : waiter.sleep({}); };
    // A signal that came just before counts as one that comes now; upstream would not notice it (safer).
    bool interrupted = waiter.interruption_pending();
    for (;;) {
        const Wake wake = std::exchange(interrupted, false) ? Wake::kInterrupted : sleep();
        std::unique_lock lock(mutex_);
        if (request.answer) {
            slab_.collected(tag, request);
            sent = std::move(request.returned);
            return std::move(*request.answer);
        }
        if (wake == Wake::kKilled) {
            Slot& slot = *slab_.find(tag);
            slot.request = nullptr;
            slot.left_behind = std::move(loan);
            return fail(Errno::kEINTR);
        }
        const bool broken = wake == Wake::kInterrupted || wake == Wake::kHalted;
        const bool cancel = broken && !request.cancelled;
        if (cancel) {
            request.cancelled = true;
            // Where the queue is full the server has more to do than to cancel.
            (void)todo_.push(cancel_of(tag));
        }
        waiter.prepare({kReason, server_});
        lock.unlock();
        if (cancel && !exchange_) announce();
    }
}

Result<void> RequestChannel::call_late(const scheme::Caller& caller, const Message& message, Loan&& loan,
                                       Given given, scheme::LateOffer& offer) {
    {
        const std::lock_guard lock(mutex_);
        if (closed_) return fail(Errno::kENODEV);
        const Tag tag = slab_.add(message.opcode);
        if (!todo_.push(sqe_of(message, caller.pid, tag))) {
            slab_.responded(tag);
            return fail(Errno::kEAGAIN);
        }
        Slot& slot = *slab_.find(tag);
        slot.left_behind = std::move(loan);
        slot.late.emplace(Slot::Late{offer.accept({kReason, server_}, {interrupt_late, this, tag}), given});
    }
    announce();
    return {};
}

void RequestChannel::interrupt_late(void* object, std::uint64_t argument, scheme::LateCall::Ticket ticket) {
    auto& channel = *static_cast<RequestChannel*>(object);
    const Tag tag = static_cast<Tag>(argument);
    {
        const std::lock_guard lock(channel.mutex_);
        Slot* const slot = channel.slab_.find(tag);
        if (slot == nullptr || !slot->late || slot->late->reply.ticket != ticket) return;
        slot->late->cancelled = true;
        (void)channel.todo_.push(cancel_of(tag));
    }
    channel.announce();
}

void RequestChannel::post(const Message& message, std::uint64_t pid) {
    {
        const std::lock_guard lock(mutex_);
        if (closed_) return;
        const Tag tag = slab_.add(message.opcode);
        if (!todo_.push(sqe_of(message, pid, tag))) slab_.responded(tag);
    }
    announce();
}

void RequestChannel::tell(const Message& message, std::uint64_t pid) {
    {
        const std::lock_guard lock(mutex_);
        if (closed_) return;
        (void)todo_.push(sqe_of(message, pid, 0));
    }
    announce();
}

Result<void> RequestChannel::expects_answer(Tag tag) {
    const std::lock_guard lock(mutex_);
    const Slot* const slot = slab_.find(tag);
    if (slot == nullptr) return fail(Errno::kEBADFD);
    if (slot->state != Slot::State::kWaiting) return fail(Errno::kEINVAL);
    return {};
}

Result<void> RequestChannel::respond(Tag tag, Answer&& answer) {
    // All of these are dropped after the lock: descriptions close, loans take pages away.
    std::vector<scheme::DescriptionRef> unclaimed;
    Loan left_behind;
    Answer unheard;
    bool orphan = false;
    std::shared_ptr<scheme::LateCall> late;
    Given given{};
    {
        const std::lock_guard lock(mutex_);
        Slot* const slot = slab_.find(tag);
        if (slot == nullptr) return fail(Errno::kEBADFD);
        if (slot->state != Slot::State::kWaiting) return fail(Errno::kEINVAL);
        if (answer.kind == Kind::kDescriptions)
            answer.descriptions = std::exchange(slot->descriptions, {});
        else
            unclaimed = std::exchange(slot->descriptions, {});
        Request* const request = slot->request;
        orphan = request == nullptr;
        if (orphan) {
            left_behind = std::move(slot->left_behind);
            late = claim(slot->late);
            if (late != nullptr) {
                given = slot->late->given;
                if (answer.kind == Kind::kRegular)
                    answer.value = translate(std::move(answer.value), slot->late->cancelled);
            }
            orphan = late == nullptr && opened_handle(slot->opcode, answer);
            unheard = std::move(answer);
        } else {
            if (answer.kind == Kind::kRegular)
                answer.value = translate(std::move(answer.value), request->cancelled);
            request->answer = std::move(answer);
            request->waiter->notify();
        }
        slab_.responded(tag);
    }
    if (late != nullptr) {
        const Result<std::uint64_t> value = give(unheard, given, std::exchange(left_behind, {}));
        late->finish(value);
    }
    if (orphan) tell({abi::Opcode::kCloseMsg, {*unheard.value}}, 0);
    return {};
}

Result<Slot*> RequestChannel::waiting(Tag tag) {
    Slot* const slot = slab_.find(tag);
    if (slot == nullptr) return fail(Errno::kEINVAL);
    if (slot->state != Slot::State::kWaiting) return fail(Errno::kENOENT);
    return slot;
}

Result<std::vector<scheme::DescriptionRef>> RequestChannel::obtain_all(Tag tag, std::uint64_t count) {
    const std::lock_guard lock(mutex_);
    Slot* const slot = TRY(waiting(tag));
    if (slot->descriptions.size() != count) return fail(Errno::kEINVAL);
    return std::exchange(slot->descriptions, {});
}

Result<scheme::DescriptionRef> RequestChannel::obtain_first(Tag tag) {
    const std::lock_guard lock(mutex_);
    Slot* const slot = TRY(waiting(tag));
    if (slot->descriptions.empty()) return fail(Errno::kENOENT);
    scheme::DescriptionRef first = std::move(slot->descriptions.front());
    slot->descriptions.erase(slot->descriptions.begin());
    return first;
}

void RequestChannel::put_back(Tag tag, std::vector<scheme::DescriptionRef> descriptions) {
    const std::lock_guard lock(mutex_);
    const auto slot = waiting(tag);
    // What has no place is dropped with the parameter, after the lock.
    if (!slot) return;
    auto& list = (*slot)->descriptions;
    list.insert(list.begin(), std::make_move_iterator(descriptions.begin()),
                std::make_move_iterator(descriptions.end()));
}

Result<void> RequestChannel::attach(Tag tag, std::vector<scheme::DescriptionRef>&& descriptions) {
    std::vector<scheme::DescriptionRef> replaced;
    const std::lock_guard lock(mutex_);
    Slot* const slot = TRY(waiting(tag));
    replaced = std::exchange(slot->descriptions, std::move(descriptions));
    return {};
}

void RequestChannel::close() {
    std::vector<std::vector<scheme::DescriptionRef>> unclaimed;
    std::vector<Loan> left_behind;
    std::vector<std::shared_ptr<scheme::LateCall>> late;
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
        slab_.for_each_waiting([&](Tag tag, Slot& slot) {
            if (slot.request != nullptr) {
                slot.request->returned = std::exchange(slot.descriptions, {});
                slot.request->answer = Answer{.kind = Kind::kServerGone};
                slot.request->waiter->notify();
            } else {
                unclaimed.push_back(std::exchange(slot.descriptions, {}));
                left_behind.push_back(std::move(slot.left_behind));
                if (auto call = claim(slot.late)) late.push_back(std::move(call));
            }
            slab_.responded(tag);
        });
    }
    left_behind.clear();
    for (const auto& call : late)
        call->finish(fail(Errno::kENODEV));
}

std::size_t RequestChannel::in_use() const {
    const std::lock_guard lock(mutex_);
    return slab_.in_use();
}

}  // namespace halfcell::user_scheme
