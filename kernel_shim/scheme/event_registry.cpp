#include "kernel_shim/scheme/event_registry.h"

#include <algorithm>
#include <set>

#include "abi/flags.h"

namespace halfcell::scheme {

std::uint64_t EventRegistry::subscribe(Source source, const std::shared_ptr<EventSink>& sink,
                                       const abi::Event& event) {
    return subscriptions_.with([&](auto& all) {
        auto& list = all[source];
        const auto same = std::find_if(list.begin(), list.end(), [&](const Subscription& entry) {
            return entry.id == event.id && entry.sink.lock() == sink;
        });
        if (event.flags == 0) {
            if (same != list.end()) list.erase(same);
        } else if (same != list.end()) {
            same->flags = event.flags;
        } else {
            list.push_back({sink, event.id, event.flags, event.data});
        }
        std::uint64_t wanted = 0;
        for (const Subscription& entry : list)
            wanted |= entry.flags;
        if (list.empty()) all.erase(source);
        return wanted;
    });
}

void EventRegistry::deliver(Source source, std::uint64_t flags,
                            std::vector<std::shared_ptr<EventSink>>& reached) {
    std::vector<std::pair<std::shared_ptr<EventSink>, abi::Event>> due;
    subscriptions_.with([&](auto& all) {
        const auto found = all.find(source);
        if (found == all.end()) return;
        std::erase_if(found->second, [](const Subscription& entry) { return entry.sink.expired(); });
        for (auto entry = found->second.rbegin(); entry != found->second.rend(); ++entry) {
            if ((entry->flags & flags) == 0) continue;
            if (auto sink = entry->sink.lock())
                due.emplace_back(std::move(sink), abi::Event{entry->id, entry->flags & flags, entry->data});
        }
    });
    for (auto& [sink, event] : due) {
        sink->deliver(event);
        reached.push_back(std::move(sink));
    }
}

// Source: kernel:src/event.rs trigger_locked.
void EventRegistry::trigger(Source source, std::uint64_t flags) {
    std::vector<std::shared_ptr<EventSink>> reached;
    deliver(source, flags, reached);
    std::set<Source> done;
    while (!reached.empty()) {
        const std::shared_ptr<EventSink> sink = std::move(reached.back());
        reached.pop_back();
        const std::optional<Source> queue = sink->watched_as();
        if (queue && done.insert(*queue).second) deliver(*queue, abi::EventFlags::kEventRead, reached);
    }
}

void EventRegistry::forget(Source source) {
    subscriptions_.with([&](auto& all) { all.erase(source); });
}

std::uint64_t EventRegistry::source_count() const {
    return subscriptions_.with([](const auto& all) { return all.size(); });
}

std::uint64_t EventRegistry::subscription_count() const {
    return subscriptions_.with([](const auto& all) {
        std::uint64_t count = 0;
        for (const auto& [source, list] : all)
            count += list.size();
        return count;
    });
}

}  // namespace halfcell::scheme
