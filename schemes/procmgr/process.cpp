#include "schemes/procmgr/process.h"

#include <algorithm>

namespace halfcell::schemes::procmgr {

bool group_is_orphaned(const ProcessMap& processes, Pid group) {
    const auto cut_off = [&](const Process& member) {
        const auto parent = processes.find(member.parent);
        // Init is in no table: its group and session are its own number.
        const Pid parent_group = parent == processes.end() ? kInitPid : parent->second.group;
        const Pid parent_session = parent == processes.end() ? kInitPid : parent->second.session;
        return parent_group == member.group || parent_session != member.session;
    };
    return std::ranges::all_of(
        processes, [&](const auto& entry) { return entry.second.group != group || cut_off(entry.second); });
}

}  // namespace halfcell::schemes::procmgr
