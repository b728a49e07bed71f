#pragma once

// `halfcell bench`: what calls cost here, each as a ratio to a reference measured in the same run.

#include <string>

namespace halfcell::bench {

struct BenchOptions {
    bool json = false;
    std::string filter;        // only rows whose key contains this
    unsigned repetitions = 7;  // medians are reported
};

// Prints the table (or one JSON object) to standard output, progress to standard error. The exit status: 0,
// 1 when a row could not be measured, or 125 when no row is called that. Blocks for the measurement, about a
// minute a repetition.
int run_bench_command(const BenchOptions& options);

}  // namespace halfcell::bench
