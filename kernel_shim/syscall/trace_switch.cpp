#include "kernel_shim/syscall/trace_switch.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>

#include "abi/number.h"
#include "kernel_shim/syscall/call_table.h"

namespace halfcell::syscall {

namespace {

constexpr std::size_t kLongestTailLine = 1024;

std::uint64_t nanoseconds_now() {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

// The calls with a path, and where they have it; few, so that looking through them takes no time.
struct PathCall {
    std::uint32_t number = 0;
    std::uint8_t argument = 0;
};
const std::vector<PathCall>& path_calls() {
    static const std::vector<PathCall> calls = [] {
        std::vector<PathCall> found;
        for (const CallRow& row : call_rows())
            for (std::uint8_t index = 0; index < row.arguments.size(); ++index)
                if (row.arguments[index].kind == ArgumentKind::kPath) {
                    found.push_back({row.number, index});
                    break;
                }
        return found;
    }();
    return calls;
}

// Notes the beginning of the path, if the call has one that can be read.
void note_path(std::uint32_t number, const Call& call, CallRecord& record) {
    for (const PathCall& known : path_calls()) {
        if (known.number != number) continue;
        const std::uint64_t size =
            std::min<std::uint64_t>(call.args[known.argument + 1], record.text.size() - 1);
        if (!call.space.read(call.args[known.argument],
                             std::as_writable_bytes(std::span(record.text)).first(size)))
            record.text = {};
        return;
    }
}

}  // namespace

Expected<void, std::string> TraceSwitch::trace(std::uint32_t pid, const std::string& expression) {
    if (pid == 0) return unexpected(std::string("there is no process 0"));
    return state_.with([&](State& state) -> Expected<void, std::string> {
        auto known = state.filters.find(expression);
        if (known == state.filters.end()) {
            if (state.filters.size() >= kMostFilters)
                return unexpected("there have been " + std::to_string(kMostFilters) +
                                  " filters already; repeat one");
            auto filter = std::make_unique<TraceFilter>();
            if (!expression.empty())
                if (auto added = filter->add(expression); !added) return added;
            known = state.filters.emplace(expression, std::move(filter)).first;
        }
        if (state.ring == nullptr) {
            state.ring = std::make_unique<TraceRing>();
            state.since = {now_in_ticks(), nanoseconds_now()};
            ring_.store(state.ring.get(), std::memory_order_release);
        }
        const auto with_pid = [&](std::uint32_t wanted) {
            return std::ranges::find_if(places_,
                                        [&](const Place& place) { return place.pid.load() == wanted; });
        };
        auto place = with_pid(pid);
        if (place == places_.end()) place = with_pid(0);
        if (place == places_.end())
            return unexpected(std::to_string(kMostProcesses) + " processes are traced already");
        place->filter.store(known->second.get());
        place->pid.store(pid);
        const auto index = static_cast<std::size_t>(place - places_.begin());
        used_.store(std::max(used_.load(), index + 1));
        dispatcher_.show_to(this);
        return {};
    });
}

void TraceSwitch::forget(std::uint32_t pid) {
    state_.with([&](State&) {
        bool any = false;
        for (Place& place : places_) {
            if (place.pid.load() == pid) place.pid.store(0);
            any = any || place.pid.load() != 0;
        }
        if (!any) dispatcher_.show_to(inner_);
    });
}

std::vector<std::uint32_t> TraceSwitch::traced() const {
    std::vector<std::uint32_t> pids;
    for (const Place& place : places_)
        if (const std::uint32_t pid = place.pid.load(); pid != 0) pids.push_back(pid);
    return pids;
}

std::uint64_t TraceSwitch::recorded() const {
    const TraceRing* const ring = ring_.load(std::memory_order_acquire);
    return ring == nullptr ? 0 : ring->added();
}

std::vector<std::string> TraceSwitch::tail(std::uint32_t pid, std::size_t most) const {
    std::vector<std::string> lines;
    const TraceRing* const ring = ring_.load(std::memory_order_acquire);
    if (ring == nullptr) return lines;
    const Calibration since = state_.with([](const State& state) { return state.since; });
    const auto microseconds = static_cast<double>(nanoseconds_now() - since.nanoseconds) / 1000;
    const double ticks = static_cast<double>(now_in_ticks() - since.ticks);
    const double rate = microseconds > 0 && ticks > 0 ? ticks / microseconds : 1000;
    std::array<char, kLongestTailLine> storage;
    for (const CallRecord& record : ring->last_of(pid, most)) {
        TextWriter writer(storage);
        append_record(writer, record, rate);
        lines.emplace_back(writer.text());
    }
    return lines;
}

const TraceFilter* TraceSwitch::filter_of(std::uint32_t pid) const {
    const std::size_t used = used_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < used; ++i)
        if (places_[i].pid.load(std::memory_order_acquire) == pid) return places_[i].filter.load();
    return nullptr;
}

Result<std::uint64_t> TraceSwitch::pass_on(std::uint32_t number, Call& call) {
    return inner_ != nullptr ? inner_->run(number, call) : dispatch(number, call);
}

Result<std::uint64_t> TraceSwitch::run(std::uint32_t number, Call& call) {
    const TraceFilter* const filter = filter_of(call.caller.pid);
    if (filter == nullptr || !filter->wants_number(number) || !filter->wants_call(number, call))
        return pass_on(number, call);
    CallRecord record;
    record.pid = call.caller.pid;
    record.context = call.caller.context.value();
    record.number = number;
    record.args = call.args;
    note_path(number, call, record);
    record.start = now_in_ticks();
    const Result<std::uint64_t> result = pass_on(number, call);
    record.elapsed = now_in_ticks() - record.start;
    record.result = mux(result);
    ring_.load(std::memory_order_acquire)->add(record);
    return result;
}

}  // namespace halfcell::syscall
