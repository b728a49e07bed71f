#include "schemes/procmgr/process.h"

#include <algorithm>

namespace halfcell::schemes::procmgr {

bool group_is_orphaned(const ProcessMap& processes, Pid group) {
    const auto cut_off = [&](const Process& member) {
        const auto parent = processes.find(member.parent);
        return parent == processes.end() || parent->second.group == member.group ||
               parent->second.session != member.session;
    };
    return std::ranges::all_of(
        processes, [&](const auto& entry) { return entry.second.group != group || cut_off(entry.second); });
}

}  // namespace halfcell::schemes::procmgr
