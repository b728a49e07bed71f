// conform: calls this kernel and compares its answers with those of Redox's; the guest half of
// `halfcell conform`. As the first program of a kernel it runs the probes that only such a one can run.

#include "userland/conform/areas.h"
#include "userland/conform/runner.h"
#include "userland/conform/surroundings.h"
#include "userland/lib/tool.h"

namespace halfcell::userland {
namespace {

using conform::Area;
using conform::Probe;
using conform::Selected;
using conform::Surroundings;

constexpr Option kOptions[] = {
    {'l', "list", Value::kNone, "", "print every probe instead: name, surroundings, deviation, upstream"},
    {'c', "careful", Value::kNone, "", "skip what hangs or ruins Redox's own kernel"},
};
constexpr Usage kUsage{
    "conform", "[--list] [--careful] [AREA | AREA/PROBE]...",
    "Runs the probes of the areas named (default: all that run here) and prints TAP, with a YAML block each: "
    "where Redox decides it, and what was wrong. \"deviation\" says that the answer is not Redox's, on "
    "purpose.",
    kOptions};

bool chosen(std::span<const std::string_view> words, const Area& area, const Probe& probe) {
    if (words.empty()) return true;
    for (const std::string_view word : words) {
        if (word == area.name) return true;
        if (word.size() == area.name.size() + 1 + probe.name.size() && word.starts_with(area.name) &&
            word[area.name.size()] == '/' && word.ends_with(probe.name))
            return true;
    }
    return false;
}

std::string_view name_of(Surroundings surroundings) {
    return surroundings == Surroundings::kBoot ? "boot" : "userland";
}

void list(const Area& area, const Probe& probe) {
    out().print(area.name, '/', probe.name, '\t', name_of(area.surroundings), '\t',
                conform::name_of(probe.deviation), '\t', probe.upstream, '\n');
}

int boot_program() {
    // Standard output is the debug console.
    for (int i = 0; i < 3; ++i)
        (void)conform::open_kernel(abi::GlobalSchemes::kDebug, "");
    std::vector<Selected> probes;
    for (const Area& area : conform::areas())
        if (area.surroundings == Surroundings::kBoot)
            for (const Probe& probe : area.probes)
                probes.push_back({&area, &probe});
    (void)conform::run_probes(probes);
    out().flush();
    conform::end_boot_context();
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    if (conform::surroundings() == Surroundings::kBoot) return boot_program();
    const CommandLine line = parse_or_exit(kUsage, arguments);
    if (line.has('c')) conform::be_careful();
    std::vector<Selected> probes;
    for (const Area& area : conform::areas()) {
        for (const Probe& probe : area.probes) {
            if (!chosen(line.operands, area, probe)) continue;
            if (line.has('l'))
                list(area, probe);
            else if (area.surroundings == Surroundings::kUserland)
                probes.push_back({&area, &probe});
        }
    }
    if (line.has('l')) return 0;
    return conform::run_probes(probes) == 0 ? 0 : 1;
}

}  // namespace halfcell::userland
