// What the first context finds, and the authority over contexts that only it is given.

#include "userland/conform/areas.h"
#include "userland/conform/context.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

constexpr Probe kProbes[] = {
    {"no-openat-on-contexts", "kernel:src/scheme/proc.rs ProcScheme",
     [] {
         EXPECT(openat(kAuthority, "x"), kEOPNOTSUPP);
         EXPECT(openat(own_thread(), "status"), kEOPNOTSUPP);
     }},
};

}  // namespace

Area boot_area() {
    return {"boot", "the first context and its capabilities", kProbes, Surroundings::kBoot};
}

}  // namespace halfcell::userland::conform
