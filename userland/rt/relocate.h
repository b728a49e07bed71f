#pragma once

// Self-relocation of a static-PIE guest: nobody else does it, neither the kernel nor an interpreter.

namespace halfcell::userland {

// Applies the R_X86_64_RELATIVE entries of this image. Must run before anything uses a stored pointer, once.
void relocate_self();

}  // namespace halfcell::userland
