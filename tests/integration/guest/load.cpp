#include "tests/integration/guest/load.h"

#include <array>

#include "tests/guests/check.h"
#include "userland/rt/child.h"
#include "userland/rt/file.h"
#include "userland/rt/fork.h"
#include "userland/rt/signal.h"

namespace halfcell::userland {

namespace {

[[noreturn]] void compute() {
    for (volatile std::uint64_t value = 1;;)
        value = value * 6364136223846793005 + 1442695040888963407;
}

[[noreturn]] void make_calls() {
    const UniqueFd zero = need(open_file("/scheme/zero", abi::OpenFlags::kRdonly), "zero");
    std::array<std::byte, 64> bytes;
    for (;;) {
        (void)need(sys_read(zero.fd(), bytes), "read");
        sys_yield();
    }
}

}  // namespace

Load::Load() {
    for (int i = 0; i < 2; ++i) {
        start(compute);
        start(make_calls);
    }
}

Load::~Load() {
    for (const std::uint32_t child : children_)
        need(send_signal(child, Signal::kKill), "kill");
    for (const std::uint32_t child : children_)
        (void)need(wait_for_child(child, 0), "wait");
}

template <typename Body>
void Load::start(Body body) {
    children_.push_back(need(fork_process(), "fork"));
    if (children_.back() == 0) body();
}

}  // namespace halfcell::userland
