#include "kernel_shim/control/wait_graph.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "kernel_shim/syscall/call_table.h"

namespace halfcell::control {

namespace {

struct Seen {
    std::shared_ptr<task::Context> context;
    wait::WaitView view;
    std::shared_ptr<mem::AddressSpace> space;
    std::shared_ptr<fd::FdTable> files;
};

using Handle = std::pair<std::uint32_t, std::uint64_t>;
Handle key_of(const wait::Wakers& wakers) {
    return {wakers.scheme.value(), wakers.handle.value()};
}

bool waits(const Seen& seen) {
    return seen.view.wait.reason != nullptr;
}

// Which contexts hold which of the handles that somebody waits for.
std::map<Handle, std::vector<ContextIndex>> holders_of(const std::vector<Seen>& all) {
    std::map<Handle, std::vector<ContextIndex>> holders;
    for (const Seen& seen : all)
        if (waits(seen) && seen.view.wait.wakers.known()) holders[key_of(seen.view.wait.wakers)];
    if (holders.empty()) return holders;
    // Threads share their table.
    std::map<const fd::FdTable*, std::set<Handle>> held;
    for (ContextIndex index = 0; index < all.size(); ++index) {
        const auto& files = all[index].files;
        if (files == nullptr) continue;
        const auto [table, fresh] = held.try_emplace(files.get());
        if (fresh)
            for (const auto& [number, descriptor] : files->snapshot()) {
                const Handle handle{descriptor.description->scheme_id().value(),
                                    descriptor.description->number().value()};
                if (holders.contains(handle)) table->second.insert(handle);
            }
        for (const Handle& handle : table->second)
            holders[handle].push_back(index);
    }
    return holders;
}

// Everybody but one whom `test` chooses.
template <typename Test>
std::vector<ContextIndex> others(const std::vector<Seen>& all, ContextIndex self, Test test) {
    std::vector<ContextIndex> chosen;
    for (ContextIndex index = 0; index < all.size(); ++index)
        if (index != self && test(index)) chosen.push_back(index);
    return chosen;
}

std::vector<ContextIndex> without(std::vector<ContextIndex> list, ContextIndex one) {
    std::erase(list, one);
    return list;
}

// A graph whose indices are those of `all`.
std::vector<ContextInGraph> draw(const std::vector<Seen>& all, std::span<const ProcessSummary> processes) {
    const auto holders = holders_of(all);
    std::map<std::uint32_t, std::uint32_t> parents;
    for (const ProcessSummary& process : processes)
        parents[process.pid] = process.parent;
    std::vector<ContextInGraph> graph(all.size());
    for (ContextIndex index = 0; index < all.size(); ++index) {
        const task::Attributes attributes = all[index].context->attributes();
        graph[index].context = all[index].context->id().value();
        graph[index].pid = attributes.pid;
        graph[index].name = attributes.name;
    }
    for (ContextIndex index = 0; index < all.size(); ++index) {
        if (!waits(all[index])) continue;
        const wait::Wait& wait = all[index].view.wait;
        ContextInGraph& node = graph[index];
        node.reason = wait.reason;
        node.timed = wait.timed;
        if (const auto call = all[index].context->current_call())
            if (const syscall::CallRow* const row = syscall::find_call(call->number)) node.call = row->name;
        if (wait.wakers.known())
            node.wakers = without(holders.at(key_of(wait.wakers)), index);
        else if (node.reason == "futex")
            node.wakers = others(all, index, [&](ContextIndex other) {
                return all[other].space != nullptr && all[other].space == all[index].space;
            });
        else if (node.reason == "waitpid")
            node.wakers = others(all, index, [&](ContextIndex other) {
                const auto parent = parents.find(graph[other].pid);
                return parent != parents.end() && parent->second == node.pid;
            });
    }
    return graph;
}

// Leaves out who neither waits nor is waited for, and renumbers.
void shrink(WaitGraph& graph) {
    std::set<ContextIndex> kept;
    for (ContextIndex index = 0; index < graph.contexts.size(); ++index) {
        if (graph.contexts[index].reason.empty()) continue;
        kept.insert(index);
        if (graph.contexts[index].wakers)
            kept.insert(graph.contexts[index].wakers->begin(), graph.contexts[index].wakers->end());
    }
    std::map<ContextIndex, ContextIndex> place;
    std::vector<ContextInGraph> contexts;
    for (const ContextIndex index : kept) {
        place[index] = contexts.size();
        contexts.push_back(std::move(graph.contexts[index]));
    }
    const auto renumber = [&](std::vector<ContextIndex>& list) {
        for (ContextIndex& index : list)
            index = place.at(index);
    };
    for (ContextInGraph& one : contexts)
        if (one.wakers) renumber(*one.wakers);
    for (Deadlock& deadlock : graph.deadlocks)
        renumber(deadlock);
    graph.contexts = std::move(contexts);
}

}  // namespace

WaitGraph look_at_waits(const task::Kernel& kernel, std::span<const ProcessSummary> processes) {
    std::vector<Seen> all;
    for (const auto& context : kernel.contexts.all()) {
        if (context->state() == task::RunState::kDead) continue;
        wait::WaitView view = context->waiter().view();
        all.push_back({context, view, context->address_space(), context->files()});
    }
    WaitGraph graph{draw(all, processes), {}};
    // Two that talk to each other may both be met asleep, one before and one after its turn. Whose wait is
    // still the same now has slept through all of the above: so there was a moment when all of them slept.
    std::vector<ContextInGraph> steady = graph.contexts;
    for (ContextIndex index = 0; index < all.size(); ++index) {
        const wait::WaitView again = all[index].context->waiter().view();
        if (again.wait.reason == nullptr || again.number != all[index].view.number)
            steady[index].reason.clear();
    }
    graph.deadlocks = find_deadlocks(steady);
    shrink(graph);
    return graph;
}

std::vector<Deadlock> find_deadlocks(std::span<const ContextInGraph> contexts) {
    // Everybody who waits for good is suspected, until somebody is found who can end the wait and is not.
    std::vector<bool> stuck(contexts.size());
    for (ContextIndex index = 0; index < contexts.size(); ++index)
        stuck[index] = !contexts[index].reason.empty() && !contexts[index].timed && contexts[index].wakers;
    for (bool changed = true; changed;) {
        changed = false;
        for (ContextIndex index = 0; index < contexts.size(); ++index) {
            if (!stuck[index]) continue;
            const auto& wakers = *contexts[index].wakers;
            if (std::ranges::all_of(wakers, [&](ContextIndex waker) { return stuck[waker]; })) continue;
            stuck[index] = false;
            changed = true;
        }
    }
    // Groups: whoever waits for one of a group belongs to it.
    std::vector<ContextIndex> group(contexts.size());
    for (ContextIndex index = 0; index < contexts.size(); ++index)
        group[index] = index;
    const auto root = [&](ContextIndex index) {
        while (group[index] != index)
            index = group[index] = group[group[index]];
        return index;
    };
    for (ContextIndex index = 0; index < contexts.size(); ++index)
        if (stuck[index])
            for (const ContextIndex waker : *contexts[index].wakers)
                group[root(waker)] = root(index);
    std::map<ContextIndex, Deadlock> found;
    std::vector<bool> placed(contexts.size());
    for (ContextIndex index = 0; index < contexts.size(); ++index) {
        Deadlock& deadlock = found[root(index)];
        // From each on along the first it waits for that has no place yet.
        for (ContextIndex at = index; stuck[at] && !placed[at];) {
            deadlock.push_back(at);
            placed[at] = true;
            const auto& wakers = *contexts[at].wakers;
            const auto next =
                std::ranges::find_if(wakers, [&](ContextIndex waker) { return !placed[waker]; });
            if (next == wakers.end()) break;
            at = *next;
        }
    }
    std::vector<Deadlock> deadlocks;
    for (auto& [first, deadlock] : found)
        if (!deadlock.empty()) deadlocks.push_back(std::move(deadlock));
    return deadlocks;
}

std::string describe_deadlock(const WaitGraph& graph, const Deadlock& deadlock) {
    const auto short_name = [&](ContextIndex index) {
        const ContextInGraph& one = graph.contexts[index];
        return std::to_string(one.pid) + ":" + std::to_string(one.context) + " " + one.name;
    };
    std::string text;
    for (const ContextIndex index : deadlock) {
        const ContextInGraph& one = graph.contexts[index];
        if (!text.empty()) text += "; ";
        text += short_name(index) + " (" + one.reason + ") waits for ";
        if (one.wakers->empty()) text += "nobody there is";
        for (std::size_t i = 0; i < one.wakers->size(); ++i)
            text += (i == 0 ? "" : " or ") + short_name((*one.wakers)[i]);
    }
    return text;
}

}  // namespace halfcell::control
