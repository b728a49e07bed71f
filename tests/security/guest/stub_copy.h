#pragma once

// The stub page of halfcell as an attacker finds it. In the control there is none, so a copy of the same
// bytes is put at the same addresses, without the filters.

#include <span>

#include "tests/security/guest/world.h"

namespace halfcell::attack {

// False where the control cannot have its copy.
bool prepare_stub();

// Addresses of every `syscall` instruction in the page.
std::span<const Word> stub_syscall_sites();

// The stub's own rt_sigreturn sequence: restores the frame at rsp.
Word stub_restorer();

}  // namespace halfcell::attack
