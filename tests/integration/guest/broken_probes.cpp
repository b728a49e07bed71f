// Probes that fail in every way there is, for the test of what runs probes.

#include "userland/conform/calls.h"
#include "userland/conform/runner.h"
#include "userland/rt/fork.h"
#include "userland/rt/process.h"

namespace halfcell::userland {
namespace {

using conform::Deviation;
using conform::Probe;
using enum Errno;

constexpr Probe kProbes[] = {
    {"passes", "kernel:nowhere", [] { EXPECT(conform::close(conform::kClosed), kEBADF); }},
    {"wrong-errno", "kernel:nowhere", [] { EXPECT(conform::close(conform::kClosed), kEINVAL); }},
    {"wrong-value", "kernel:nowhere", [] { EXPECT(conform::sc(abi::SYS_YIELD), 3); }},
    {"no-success", "kernel:nowhere", [] { OK(conform::close(conform::kClosed)); }},
    {"not-true", "kernel:nowhere", [] { EXPECT_TRUE(conform::kPage == 1); }},
    {"neither-answer", "kernel:nowhere",
     [] { EXPECT_DEVIATION(conform::close(conform::kClosed), kEINVAL, kEPERM); }, Deviation::kSafer},
    {"the-deviating-answer", "kernel:nowhere",
     [] { EXPECT_DEVIATION(conform::close(conform::kClosed), kEINVAL, kEBADF); }, Deviation::kSafer},
    {"redox-s-answer", "kernel:nowhere",
     [] { EXPECT_DEVIATION(conform::close(conform::kClosed), kEBADF, kEPERM); }, Deviation::kSafer},
    {"crashes", "kernel:nowhere", [] { __builtin_trap(); }},
    {"exits", "kernel:nowhere", [] { exit_now(3); }},
    {"hangs", "kernel:nowhere",
     [] {
         const std::uint32_t word = 0;
         for (;;)
             futex_wait(&word, 0);
     }},
    {"leaves-a-child-behind", "kernel:nowhere",
     [] {
         const auto child = fork_process();
         for (const std::uint32_t word = 0; child && *child == 0;)
             futex_wait(&word, 0);
     }},
    {"skips", "kernel:nowhere", [] { conform::skip("not today"); }},
    {"says \"much\\", "kernel:nowhere", [] { conform::fail("a \"quoted\" \\ line\nand another"); }},
};

}  // namespace

int main_program(std::span<const std::string_view>) {
    const conform::Area area{"broken", "", kProbes};
    std::vector<conform::Selected> all;
    for (const Probe& probe : kProbes)
        all.push_back({&area, &probe});
    return static_cast<int>(conform::run_probes(all, 1));
}

}  // namespace halfcell::userland
