#pragma once

// Runs probes, each in a process of its own (in boot: a context with a copy of everything), and prints TAP.

#include <span>
#include <vector>

#include "userland/conform/probe.h"

namespace halfcell::userland::conform {

struct Selected {
    const Area* area;
    const Probe* probe;
};

// Prints the plan, and a line and a YAML block for each, which may take so long. The number of those that
// failed.
unsigned run_probes(std::span<const Selected> probes, std::int64_t seconds = 30);

}  // namespace halfcell::userland::conform
