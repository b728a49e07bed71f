#pragma once

// What a run of probes found, as a table, JSON and JUnit's XML. All pure.

#include <string>
#include <vector>

#include "kernel_shim/conform/probe_list.h"
#include "kernel_shim/conform/tap_reader.h"

namespace halfcell::conform {

struct Finding {
    ProbeEntry probe;
    Verdict result = Verdict::kPass;
    std::string deviation;  // under which its answer did differ; empty where it is Redox's
    std::string detail;
};
using Findings = std::vector<Finding>;

[[nodiscard]] const char* word(Verdict result);

struct TableOptions {
    bool colour = false;
    bool every_probe = false;  // else a line an area, and one each for what failed or was skipped
};
[[nodiscard]] std::string render_table(const Findings& findings, const TableOptions& options);
// A list of {"name","area","result","deviation","upstream","detail"}.
[[nodiscard]] std::string render_json(const Findings& findings);
// A test suite an area.
[[nodiscard]] std::string render_junit(const Findings& findings);
// The probes themselves, for --list.
[[nodiscard]] std::string render_list(const std::vector<ProbeEntry>& probes, bool json);

[[nodiscard]] bool any_failed(const Findings& findings);

}  // namespace halfcell::conform
