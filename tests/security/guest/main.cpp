// attack NAME [ARGUMENTS]: runs one escape attempt.

#include "tests/security/guest/world.h"

namespace halfcell::attack {

int run_attack(std::string_view name) {
    using List = std::span<const Attack>;
    for (const List list : {linux_call_attacks(), instruction_attacks(), stub_attacks(), frame_attacks(),
                            memory_attacks(), descriptor_attacks(), path_attacks(), thread_attacks(),
                            race_attacks(), flood_attacks(), control_attacks(), id_attacks()}) {
        for (const Attack& attack : list)
            if (attack.name == name) return attack.run();
    }
    constexpr int kNoSuchAttack = 64;
    say("no such attack\n");
    return kNoSuchAttack;
}

}  // namespace halfcell::attack
