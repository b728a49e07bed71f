#pragma once

// What the guest program `conform` can try, as its --list says it.

#include <string>
#include <string_view>
#include <vector>

namespace halfcell::conform {

// One probe. `surroundings` is "userland" or "boot": which of the two runs has it. `deviation` is the class
// under which its answer may differ on purpose, or empty.
struct ProbeEntry {
    std::string area;
    std::string name;
    std::string surroundings;
    std::string deviation;
    std::string upstream;

    [[nodiscard]] std::string full_name() const { return area + "/" + name; }
};

// Reads lines of AREA/NAME, surroundings, deviation and upstream, separated by tabs; lines of another shape
// are left out. Pure.
[[nodiscard]] std::vector<ProbeEntry> parse_probe_list(std::string_view text);

// The entries that a word names: an area, or AREA/NAME; all for no words. `unknown` becomes the first word
// that names nothing. Pure.
[[nodiscard]] std::vector<ProbeEntry> select_probes(const std::vector<ProbeEntry>& all,
                                                    const std::vector<std::string>& words,
                                                    std::string& unknown);

}  // namespace halfcell::conform
