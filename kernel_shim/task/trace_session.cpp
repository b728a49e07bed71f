#include "kernel_shim/task/trace_session.h"

#include <algorithm>
#include <utility>

namespace halfcell::task {

namespace {

using abi::PtraceFlags;

// Of those that nobody takes, as relibc's ptrace() does not, only so many are kept.
constexpr std::size_t kMostEvents = 4096;

}  // namespace

bool Tracee::steps_through(std::uint64_t address) const {
    const StepRange range{range_begin_.load(std::memory_order_acquire),
                          range_end_.load(std::memory_order_acquire)};
    return range.contains(address);
}

void Tracee::set(std::uint64_t flags, std::optional<StepRange> range) {
    const StepRange chosen = range.value_or(StepRange{});
    range_begin_.store(chosen.begin, std::memory_order_release);
    range_end_.store(chosen.end, std::memory_order_release);
    flags_.store(flags, std::memory_order_release);
}

void Tracee::report(TraceEvent event) const {
    if (const auto session = session_.lock()) session->report(std::move(event));
}

std::shared_ptr<TraceSession> TraceSession::create(Options options) {
    return std::shared_ptr<TraceSession>(new TraceSession(std::move(options)));
}

TraceSession::~TraceSession() {
    detach_all();
}

Result<void> TraceSession::attach(const std::shared_ptr<Context>& context, bool stop) {
    TRY(enter(context, std::make_shared<Tracee>(weak_from_this()), std::nullopt));
    if (stop) context->request_trace_stop(StopKind::kAsked);
    return {};
}

// The entry is there before the context reports anything, and goes again where the context will not have us.
Result<void> TraceSession::enter(const std::shared_ptr<Context>& context, std::shared_ptr<Tracee> tracee,
                                 std::optional<ContextId> held_for) {
    {
        std::lock_guard lock(mutex_);
        const auto [entry, fresh] = state_.entries.try_emplace(context->id());
        if (!fresh && !entry->second.held_for) return fail(Errno::kEBUSY);
        // A child held by ourselves becomes a tracee like others.
        if (!fresh) tracee = entry->second.tracee;
        entry->second = {context, tracee, held_for, std::nullopt};
    }
    const auto replaced = context->set_tracee(tracee, held_for.has_value());
    if (!replaced) {
        forget(*tracee);
        return fail(replaced.error());
    }
    if (*replaced == nullptr) return {};
    // It was held for whoever would attach. It may be stopped already, which nobody has been told.
    const auto session = *replaced == tracee ? nullptr : (*replaced)->session();
    if (session != nullptr) session->forget(**replaced);
    if (!context->trace_stopped()) return {};
    TraceEvent event = event_of(context->id(), StopKind::kAsked, 0);
    event.stopped = true;
    report(std::move(event));
    return {};
}

TraceSession::Entry TraceSession::State::take(std::map<ContextId, Entry>::iterator entry) {
    if (last_stopped == entry->first) last_stopped.reset();
    waiting.notify_all();
    return std::move(entries.extract(entry).mapped());
}

void TraceSession::forget(const Tracee& tracee) {
    Entry forgotten;  // released outside the lock
    std::lock_guard lock(mutex_);
    const auto entry = std::ranges::find_if(
        state_.entries, [&](const auto& candidate) { return candidate.second.tracee.get() == &tracee; });
    if (entry == state_.entries.end()) return;
    forgotten = state_.take(entry);
}

void TraceSession::detach(ContextId context) {
    Entry entry;
    {
        std::lock_guard lock(mutex_);
        const auto found = state_.entries.find(context);
        if (found == state_.entries.end()) return;
        entry = state_.take(found);
    }
    entry.context->clear_tracee(*entry.tracee);
}

void TraceSession::detach_all() {
    for (const auto& context : tracees())
        detach(context->id());
}

Result<void> TraceSession::resume(ContextId context, std::uint64_t flags, std::optional<StepRange> range) {
    std::shared_ptr<Context> resumed;
    {
        std::lock_guard lock(mutex_);
        const auto found = state_.entries.find(context);
        if (found == state_.entries.end() || found->second.held_for) return fail(Errno::kESRCH);
        found->second.tracee->set(flags, range);
        resumed = found->second.context;
    }
    let_go_children(context);
    resumed->end_trace_stop((flags & PtraceFlags::kPtraceStopSinglestep) != 0, [&] { forget_stop(context); });
    return {};
}

void TraceSession::forget_stop(ContextId context) {
    std::lock_guard lock(mutex_);
    const auto found = state_.entries.find(context);
    if (found != state_.entries.end()) found->second.stop.reset();
    if (state_.last_stopped == context) state_.last_stopped.reset();
}

void TraceSession::resume_all(std::uint64_t flags) {
    let_go_children(std::nullopt);
    for (const auto& context : tracees())
        (void)resume(context->id(), flags);
}

void TraceSession::let_go_children(std::optional<ContextId> maker) {
    std::vector<ContextId> children;
    {
        std::lock_guard lock(mutex_);
        for (const auto& [id, entry] : state_.entries)
            if (entry.held_for && (!maker || entry.held_for == maker)) children.push_back(id);
    }
    for (const ContextId child : children)
        detach(child);
}

Result<void> TraceSession::stop(ContextId context) {
    const auto tracee = find(context);
    if (tracee == nullptr) return fail(Errno::kESRCH);
    tracee->request_trace_stop(StopKind::kAsked);
    return {};
}

void TraceSession::report(TraceEvent event) {
    if (record(event)) tell(event);
}

void TraceSession::tell(const TraceEvent& event) {
    if (options_.on_event) options_.on_event(event);
}

bool TraceSession::record(const TraceEvent& event) {
    {
        Entry ended;  // released outside the lock
        std::lock_guard lock(mutex_);
        const auto found = state_.entries.find(event.context);
        if (found == state_.entries.end()) return false;
        if (event.kind == StopKind::kEnded) {
            ended = state_.take(found);
        } else if (event.stopped && found->second.held_for) {
            // Its own session will be told, when there is one.
            return false;
        } else if (event.stopped) {
            found->second.stop = event;
            state_.last_stopped = event.context;
        }
        if (state_.events.size() >= kMostEvents) state_.events.pop_front();
        state_.events.push_back(event);
        state_.waiting.notify_all();
    }
    return true;
}

std::optional<TraceEvent> TraceSession::take_event() {
    std::lock_guard lock(mutex_);
    if (state_.events.empty()) return std::nullopt;
    TraceEvent event = std::move(state_.events.front());
    state_.events.pop_front();
    return event;
}

Result<void> TraceSession::wait(wait::Waiter& waiter) {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (!state_.events.empty() || state_.last_stopped) return {};
        if (state_.entries.empty()) return fail(Errno::kESRCH);
        TRY(state_.waiting.wait(lock, waiter, "ptrace"));
    }
}

bool TraceSession::event_waiting() const {
    std::lock_guard lock(mutex_);
    return !state_.events.empty();
}

std::vector<std::shared_ptr<Context>> TraceSession::tracees() const {
    std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<Context>> contexts;
    contexts.reserve(state_.entries.size());
    for (const auto& [id, entry] : state_.entries)
        contexts.push_back(entry.context);
    return contexts;
}

std::shared_ptr<Context> TraceSession::find(ContextId context) const {
    std::lock_guard lock(mutex_);
    const auto found = state_.entries.find(context);
    return found == state_.entries.end() ? nullptr : found->second.context;
}

std::optional<TraceEvent> TraceSession::stopped_at(ContextId context) const {
    std::lock_guard lock(mutex_);
    const auto found = state_.entries.find(context);
    return found == state_.entries.end() ? std::nullopt : found->second.stop;
}

std::shared_ptr<Context> TraceSession::last_stopped() const {
    std::lock_guard lock(mutex_);
    if (!state_.last_stopped) return nullptr;
    return state_.entries.at(*state_.last_stopped).context;
}

Result<void> TraceSession::inspect(ContextId context, const ParkJob& job) {
    const auto tracee = find(context);
    if (tracee == nullptr) return fail(Errno::kESRCH);
    return tracee->inspect_stopped(job);
}

Result<machine::ThreadRegisters> TraceSession::registers(ContextId context) {
    Result<machine::ThreadRegisters> registers = fail(Errno::kESRCH);
    TRY(inspect(context, [&](const ParkedThread& parked) { registers = parked.thread.registers(); }));
    return registers;
}

Result<void> TraceSession::set_registers(ContextId context, const machine::ThreadRegisters& registers) {
    Result<void> done;
    TRY(inspect(context, [&](const ParkedThread& parked) { done = parked.thread.set_registers(registers); }));
    return done;
}

Result<void> TraceSession::read_memory(ContextId context, std::uint64_t address,
                                       std::span<std::byte> to) const {
    const auto tracee = find(context);
    const auto space = tracee == nullptr ? nullptr : tracee->address_space();
    if (space == nullptr) return fail(Errno::kESRCH);
    return space->read(address, to);
}

Result<void> TraceSession::write_memory(ContextId context, std::uint64_t address,
                                        std::span<const std::byte> from) {
    const auto tracee = find(context);
    const auto space = tracee == nullptr ? nullptr : tracee->address_space();
    if (space == nullptr) return fail(Errno::kESRCH);
    return space->poke(address, from);
}

void TraceSession::child_made(Context& maker, std::uint64_t flags, const std::shared_ptr<Context>& child,
                              std::uint32_t pid) {
    const bool own_thread = pid == maker.attributes().pid && pid != 0;
    const bool follow =
        options_.follow == Follow::kAll || (options_.follow == Follow::kThreads && own_thread);
    const bool announce = (flags & (PtraceFlags::kPtraceEventClone | StopFlags::kClone)) != 0;
    if (!follow && (!announce || own_thread)) return;
    const auto tracee = std::make_shared<Tracee>(weak_from_this());
    const bool runs = options_.follow == Follow::kThreads && own_thread;
    if (runs) tracee->set(flags, {});
    // A child that somebody has attached to already, or that has been killed already, is not ours to hold.
    if (!enter(child, tracee, follow ? std::nullopt : std::optional(maker.id())) || runs) return;
    child->request_trace_stop(StopKind::kAsked);
    TraceEvent event = event_of(maker.id(), StopKind::kClone, PtraceFlags::kPtraceEventClone, pid);
    event.child = child;
    report(std::move(event));
    if ((flags & StopFlags::kClone) != 0) maker.request_trace_stop(StopKind::kAsked);
}

void announce_child(Context& maker, const std::shared_ptr<Context>& child, std::uint32_t pid) {
    // Its memory will be its maker's, or a copy.
    child->set_entry_stack(maker.entry_stack());
    const auto tracee = maker.tracee();
    if (tracee == nullptr) return;
    if (const auto session = tracee->session()) session->child_made(maker, tracee->flags(), child, pid);
}

}  // namespace halfcell::task
