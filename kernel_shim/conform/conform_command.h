#pragma once

// `halfcell conform`: does this kernel answer as Redox's does? Guest probes, their answers, and a report.

#include <string>
#include <vector>

namespace halfcell::conform {

struct ConformOptions {
    std::vector<std::string> words;  // areas, or AREA/PROBE; all where there are none
    bool list = false;               // print the probes instead of running them
    bool json = false;               // JSON on standard output instead of the table
    bool verbose = false;            // a line for every probe
    std::string junit_file;          // where to write JUnit's XML, too
    bool colour = false;
    bool progress = false;  // on standard error, while it runs
};

// 0 where nothing failed, 1 where something did, 125 where the probes could not be run or the report not be
// written. Blocks while they run, some seconds.
int run_conform_command(const ConformOptions& options);

}  // namespace halfcell::conform
