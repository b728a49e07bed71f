// Running, and what is reported when that ends.

#include <algorithm>

#include "kernel_shim/gdb/call_names.h"
#include "kernel_shim/gdb/session.h"
#include "kernel_shim/gdb/signal_numbers.h"

namespace halfcell::gdb {

namespace {

using Cause = Stop::Cause;

bool ends_process(const Stop& stop) {
    return stop.cause == Cause::kExited || stop.cause == Cause::kKilled;
}

// Whether it can happen again, so that it need not be kept while gdb looks at another stop: a step is ordered
// again, a breakpoint is met again, and whoever interrupts wants any stop.
bool repeats(const Stop& stop, bool swbreak) {
    return swbreak || stop.cause == Cause::kStep || stop.cause == Cause::kInterrupted;
}

}  // namespace

void Session::on_event() {
    collect_stops();
    if (!running_ || target_.running()) return;
    running_ = false;
    Reply reply = next_report();
    // All that happened was none of gdb's business.
    if (!reply) reply = run();
    if (reply) send(std::move(*reply));
}

Session::Reply Session::why_stopped(Reader) {
    collect_stops();
    if (!last_ && !stops_.empty()) {
        Waiting first = std::move(stops_.front());
        stops_.pop_front();
        return report(first);
    }
    const auto name = selected();
    if (!name) return "W00";
    return report(last_ && last_->stop.name == *name ? *last_ : Waiting{.stop = {.name = *name}});
}

Session::Reply Session::resume_actions(Reader) {
    return "vCont;c;C;s;S;t;r";
}

// ACTION[:THREADS] separated by semicolons. rBEGIN,END is a step out of these addresses.
Session::Reply Session::resume(Reader reader) {
    std::vector<Order> orders;
    while (!reader.at_end()) {
        Reader action(reader.until(';'));
        Order order;
        bool signal = false;
        if (action.skip("c") || (signal = action.skip("C")))
            order.kind = Resumption::Kind::kContinue;
        else if (action.skip("s") || (signal = action.skip("S")))
            order.kind = Resumption::Kind::kStep;
        else if (action.skip("r")) {
            const auto begin = action.number();
            const bool comma = action.skip(",");
            const auto end = action.number();
            if (!begin || !comma || !end) return malformed();
            order.kind = Resumption::Kind::kStep;
            order.range_begin = *begin;
            order.range_end = *end;
        } else if (!action.skip("t"))
            return malformed();
        if (signal) {
            const auto number = action.number();
            if (!number || *number > UINT8_MAX) return malformed();
            order.signal = from_gdb_signal(static_cast<std::uint32_t>(*number));
        }
        if (action.skip(":")) {
            const auto pattern = read_thread_pattern(action);
            if (!pattern) return malformed();
            order.threads = *pattern;
        }
        if (!action.at_end()) return malformed();
        orders.push_back(order);
    }
    orders_ = std::move(orders);
    return run();
}

Session::Reply Session::run() {
    const std::vector<Resumption> threads = resumptions();
    for (Order& order : orders_)
        order.signal = 0;  // given once
    if (Reply waiting = next_report()) {
        for (const Resumption& thread : threads)
            if (thread.signal != 0) owed_signals_[thread.name] = thread.signal;
        return waiting;
    }
    owed_signals_.clear();
    if (threads.empty()) return "N";
    const auto resumed = target_.resume(threads);
    if (!resumed) return error(resumed.error());
    running_ = true;
    return std::nullopt;
}

const Session::Order* Session::order_for(const ThreadName& name) const {
    const auto order = std::ranges::find_if(
        orders_, [&](const Order& candidate) { return candidate.threads.matches(name); });
    return order == orders_.end() || !order->kind ? nullptr : &*order;
}

std::vector<Resumption> Session::resumptions() const {
    std::vector<Resumption> threads;
    for (const ThreadName& name : target_.threads()) {
        const Order* const order = order_for(name);
        if (order == nullptr) continue;
        const auto owed = owed_signals_.find(name);
        const std::uint32_t signal =
            order->signal == 0 && owed != owed_signals_.end() ? owed->second : order->signal;
        threads.push_back({name, *order->kind, signal, order->range_begin, order->range_end});
    }
    return threads;
}

void Session::collect_stops() {
    for (Stop& stop : target_.take_stops()) {
        Waiting waiting{.stop = std::move(stop)};
        if (!gdb_is_to_hear(waiting)) continue;
        if (!stops_.empty() && repeats(waiting.stop, waiting.swbreak)) continue;
        stops_.push_back(std::move(waiting));
    }
    if (stops_.size() > 1 && repeats(stops_.front().stop, stops_.front().swbreak)) stops_.pop_front();
}

bool Session::gdb_is_to_hear(Waiting& waiting) {
    const Stop& stop = waiting.stop;
    switch (stop.cause) {
        case Cause::kTrap:
            waiting.swbreak = at_own_breakpoint(stop.name);
            return true;
        case Cause::kForked:
            breakpoints_.fork(stop.name.process, stop.child.process);
            if (fork_events_) return true;
            breakpoints_.remove_all(stop.child.process);
            (void)target_.detach(stop.child.process);
            return false;
        case Cause::kExecuted:
        case Cause::kExited:
        case Cause::kKilled:
            breakpoints_.forget(stop.name.process);
            return true;
        case Cause::kSignal:
        case Cause::kStep:
        case Cause::kInterrupted:
        case Cause::kCallEntry:
        case Cause::kCallReturn:
        case Cause::kNothingRuns:
            return true;
    }
    return true;
}

// What gdb wants to see in rip is the address of its breakpoint; behind an int3 of the program's own, where
// the program goes on.
bool Session::at_own_breakpoint(const ThreadName& name) {
    auto registers = target_.registers(name);
    if (!registers) return false;
    if (breakpoints_.inserted(name.process, registers->general.rip)) return true;
    registers->general.rip += 1;
    (void)target_.set_registers(name, *registers);
    return false;
}

Session::Reply Session::next_report() {
    const auto found = std::ranges::find_if(stops_, [&](const Waiting& waiting) {
        return ends_process(waiting.stop) || waiting.stop.cause == Cause::kNothingRuns ||
               order_for(waiting.stop.name) != nullptr;
    });
    if (found == stops_.end()) return std::nullopt;
    Waiting waiting = std::move(*found);
    stops_.erase(found);
    return report(waiting);
}

std::string Session::report(const Waiting& waiting) {
    const Stop& stop = waiting.stop;
    const bool by_gdb = std::exchange(interrupting_, false);
    last_ = waiting;
    selected_ = {.process = stop.name.process, .thread = stop.name.thread};
    switch (stop.cause) {
        case Cause::kExited:
            return report_end('W', stop.number & 0xff, stop.name.process);
        case Cause::kKilled:
            return report_end('X', to_gdb_signal(static_cast<std::uint32_t>(stop.number)), stop.name.process);
        case Cause::kSignal:
            return report_thread(to_gdb_signal(static_cast<std::uint32_t>(stop.number)), waiting);
        case Cause::kInterrupted:
            return report_thread(by_gdb ? kGdbInterrupt : kGdbTrap, waiting);
        case Cause::kNothingRuns:
            return "N";
        default:
            return report_thread(kGdbTrap, waiting);
    }
}

// The registers that gdb looks at first spare it a packet.
std::string Session::report_thread(std::uint32_t signal, const Waiting& waiting) const {
    const Stop& stop = waiting.stop;
    std::string text = "T" + hex_byte(static_cast<std::uint8_t>(signal));
    if (waiting.swbreak && swbreak_) text += "swbreak:;";
    const std::uint32_t call = to_gdb_call(static_cast<std::uint32_t>(stop.number));
    if (stop.cause == Cause::kCallEntry) text += "syscall_entry:" + hex_number(call) + ";";
    if (stop.cause == Cause::kCallReturn) text += "syscall_return:" + hex_number(call) + ";";
    if (stop.cause == Cause::kForked) text += "fork:" + to_text(stop.child, multiprocess_) + ";";
    if (stop.cause == Cause::kExecuted && exec_events_) text += "exec:" + to_hex(stop.path) + ";";
    if (const auto registers = target_.registers(stop.name)) {
        const std::string packed = register_file_.pack(*registers);
        for (const std::size_t number : {kRbpNumber, kRspNumber, kRipNumber}) {
            const RegisterRow& row = register_file_.rows()[number];
            text += hex_byte(static_cast<std::uint8_t>(number)) + ":" +
                    to_hex(packed.substr(row.offset, row.size())) + ";";
        }
    }
    return text + "thread:" + to_text(stop.name, multiprocess_) + ";";
}

std::string Session::report_end(char letter, std::uint64_t number, std::uint64_t process) {
    forget_process(process);
    finish_without_threads();
    return letter + hex_byte(static_cast<std::uint8_t>(number)) +
           (multiprocess_ ? ";process:" + hex_number(process) : "");
}

void Session::forget_process(std::uint64_t process) {
    breakpoints_.forget(process);
    std::erase_if(stops_, [&](const Waiting& waiting) { return waiting.stop.name.process == process; });
    std::erase_if(owed_signals_, [&](const auto& owed) { return owed.first.process == process; });
    if (last_ && last_->stop.name.process == process) {
        last_.reset();
        selected_ = {};
    }
}

// Processes whose end gdb has not heard of yet count as well.
void Session::finish_without_threads() {
    finished_ = target_.threads().empty() && stops_.empty();
}

// D or D;PROCESS
Session::Reply Session::detach(Reader reader) {
    const auto process = reader.skip(";") ? reader.number() : std::optional(selected_process());
    if (!process) return malformed();
    breakpoints_.remove_all(*process);
    const auto detached = target_.detach(*process);
    forget_process(*process);
    finish_without_threads();
    return outcome(detached);
}

// Has no answer.
Session::Reply Session::kill_all(Reader) {
    for (const ThreadName& name : target_.threads())
        (void)target_.kill(name.process);
    finished_ = true;
    return std::nullopt;
}

Session::Reply Session::kill(Reader reader) {
    const auto process = reader.number();
    if (!process) return malformed();
    const auto killed = target_.kill(*process);
    forget_process(*process);
    finish_without_threads();
    return outcome(killed);
}

}  // namespace halfcell::gdb
