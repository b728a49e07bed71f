// What the first context finds, and the authority over contexts that only it is given.

#include "userland/conform/areas.h"
#include "userland/conform/context.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

void write_at(uint64_t address) {
    store(address, 1);
}

constexpr Probe kProbes[] = {
    {"no-openat-on-contexts", "kernel:src/scheme/proc.rs ProcScheme",
     [] {
         EXPECT(openat(kAuthority, "x"), kEOPNOTSUPP);
         EXPECT(openat(own_thread(), "status"), kEOPNOTSUPP);
     }},
    {"the-last-page", "kernel:src/context/memory.rs PageSpan::validate_nonempty",
     [] {
         const uint64_t last = kUserEnd - kPage;
         EXPECT(anon(kPage, kRw | kFixed, last), last);
         EXPECT(funmap(last, kPage), 0);
     }},
    {"the-last-page-can-be-used", "kernel:src/context/memory.rs PageSpan::validate_nonempty",
     [] {
         const uint64_t last = kUserEnd - kPage;
         EXPECT(anon(kPage, kRw | kFixed, last), last);
         const Context writer = Context::started(write_at, last);
         EXPECT_DEVIATION(static_cast<uint64_t>(writer.wait_for_end()), static_cast<uint64_t>(Status::kDead),
                          static_cast<uint64_t>(Status::kUnhandledExcp));
     },
     Deviation::kHost},
};

}  // namespace

Area boot_area() {
    return {"boot", "the first context and its capabilities", kProbes, Surroundings::kBoot};
}

}  // namespace halfcell::userland::conform
