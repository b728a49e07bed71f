#include "schemes/procmgr/child_wait.h"

#include <algorithm>

#include "abi/proc_call.h"

namespace halfcell::schemes::procmgr {

namespace {

bool wanted(const ChildChange& change, std::uint64_t flags) {
    switch (change.kind) {
        case ChildChange::Kind::kTerminated:
            return true;
        case ChildChange::Kind::kStopped:
            return (flags & abi::WaitFlags::kUntraced) != 0;
        case ChildChange::Kind::kContinued:
            break;
    }
    return (flags & abi::WaitFlags::kContinued) != 0;
}

}  // namespace

Result<std::optional<ChildNews>> take_news(ProcessMap& processes, Process& parent, WaitTarget target,
                                           std::uint64_t flags) {
    if (target.kind == WaitTarget::Kind::kChild && target.number == parent.pid) return fail(Errno::kEINVAL);
    const Pid group = target.number == 0 ? parent.group : target.number;
    const auto meant = [&](const Process& process) {
        if (process.parent != parent.pid) return false;
        if (target.kind == WaitTarget::Kind::kChild) return process.pid == target.number;
        return target.kind == WaitTarget::Kind::kAnyChild || process.group == group;
    };
    if (!std::ranges::any_of(processes, [&](const auto& entry) { return meant(entry.second); }))
        return fail(Errno::kECHILD);
    for (auto change = parent.changes.begin(); change != parent.changes.end(); ++change) {
        const auto child = processes.find(change->first);
        if (child == processes.end() || !meant(child->second) || !wanted(change->second, flags)) continue;
        const ChildNews news{change->first, change->second.wait_status};
        if (change->second.kind == ChildChange::Kind::kTerminated) processes.erase(child);
        parent.changes.erase(change);
        return std::optional(news);
    }
    return std::optional<ChildNews>();
}

}  // namespace halfcell::schemes::procmgr
