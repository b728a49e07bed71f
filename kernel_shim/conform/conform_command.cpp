#include "kernel_shim/conform/conform_command.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>

#include "kernel_shim/base/spelling.h"
#include "kernel_shim/conform/guest_run.h"
#include "kernel_shim/conform/report.h"

namespace halfcell::conform {

namespace {

constexpr int kOwnFailure = 125;

int complain(const std::string& message) {
    std::fprintf(stderr, "halfcell conform: %s\n", message.c_str());
    return kOwnFailure;
}

// Collects the tests of both runs, and shows how far they are.
class Collector {
  public:
    Collector(std::size_t expected, bool progress) : expected_(expected), progress_(progress) {}

    // Whether tests are still to come in this run, of which `wanted` are left.
    bool take(std::string_view line, std::size_t wanted_until) {
        auto test = reader_.line(line);
        if (!test) return true;
        if (progress_)
            std::fprintf(stderr, "\r\033[K%zu/%zu %s", tests_.size() + 1, expected_, test->name.c_str());
        std::string name = test->name;
        tests_.insert_or_assign(std::move(name), std::move(*test));
        return tests_.size() < wanted_until;
    }
    void end_progress() const {
        if (progress_) std::fputs("\r\033[K", stderr);
    }
    [[nodiscard]] const TapTest* find(const std::string& name) const {
        const auto found = tests_.find(name);
        return found == tests_.end() ? nullptr : &found->second;
    }
    [[nodiscard]] std::size_t size() const { return tests_.size(); }

  private:
    TapReader reader_;
    std::map<std::string, TapTest> tests_;
    std::size_t expected_;
    bool progress_;
};

std::string why_missing(const Result<RunEnd>& end) {
    if (!end) return std::string("the program could not be run: ") + abi::errno_text(end.error());
    if (end->hung) return "no answer: the program hung and was killed";
    return "no answer: the program ended before, with status " + std::to_string(end->status);
}

std::vector<ProbeEntry> in_surroundings(const std::vector<ProbeEntry>& probes, std::string_view which) {
    std::vector<ProbeEntry> found;
    std::ranges::copy_if(probes, std::back_inserter(found),
                         [&](const ProbeEntry& probe) { return probe.surroundings == which; });
    return found;
}

void add_findings(const std::vector<ProbeEntry>& probes, const Collector& collector,
                  const std::string& missing, Findings& findings) {
    for (const ProbeEntry& probe : probes) {
        const TapTest* const test = collector.find(probe.full_name());
        if (test == nullptr)
            findings.push_back({probe, Verdict::kFail, "", missing});
        else
            findings.push_back({probe, test->result, test->deviation, test->detail});
    }
}

Findings run_probes(const std::vector<ProbeEntry>& all, const std::vector<ProbeEntry>& chosen,
                    bool progress) {
    Findings findings;
    const auto ordinary = in_surroundings(chosen, "userland");
    const auto first = in_surroundings(chosen, "boot");
    // A first context has no arguments to choose by.
    const std::size_t in_boot = first.empty() ? 0 : in_surroundings(all, "boot").size();
    Collector collector(ordinary.size() + in_boot, progress);
    if (!ordinary.empty()) {
        std::vector<std::string> words;
        for (const ProbeEntry& probe : ordinary)
            words.push_back(probe.full_name());
        const auto end = run_in_userland(
            words, [&](std::string_view line) { return collector.take(line, ordinary.size()); });
        add_findings(ordinary, collector, why_missing(end), findings);
    }
    if (!first.empty()) {
        const std::size_t until = collector.size() + in_boot;
        const auto end =
            run_as_first_context([&](std::string_view line) { return collector.take(line, until); });
        add_findings(first, collector, why_missing(end), findings);
    }
    collector.end_progress();
    return findings;
}

std::string no_such_probe(const std::vector<ProbeEntry>& all, const std::string& word) {
    const std::string area = word.substr(0, word.find('/'));
    std::vector<std::string> names;
    bool probes = false;
    for (const ProbeEntry& probe : all) {
        // The areas, or the probes of the one that is right.
        if (!probes && probe.area == area) names.clear();
        probes = probes || probe.area == area;
        if (!probes && (names.empty() || names.back() != probe.area)) names.push_back(probe.area);
        if (probe.area == area) names.push_back(probe.full_name());
    }
    std::string text = "there is no area or probe '" + word + "'";
    if (const auto meant = similar_word(word, names)) text += "; did you mean " + *meant + "?";
    text += "; there are";
    for (const std::string& name : names)
        text += " " + name;
    return text;
}

}  // namespace

int run_conform_command(const ConformOptions& options) {
    std::string text;
    const auto listed = run_in_userland({"--list"}, [&](std::string_view line) {
        text.append(line).push_back('\n');
        return true;
    });
    const std::vector<ProbeEntry> all = parse_probe_list(text);
    if (!listed || all.empty()) return complain("the guest program does not run here; see halfcell check");
    std::string unknown;
    const std::vector<ProbeEntry> chosen = select_probes(all, options.words, unknown);
    if (!unknown.empty()) return complain(no_such_probe(all, unknown));
    if (options.list) {
        std::fputs(render_list(chosen, options.json).c_str(), stdout);
        return 0;
    }

    const Findings findings = run_probes(all, chosen, options.progress);
    std::fputs(
        (options.json ? render_json(findings)
                      : render_table(findings, {.colour = options.colour, .every_probe = options.verbose}))
            .c_str(),
        stdout);
    if (std::fflush(stdout) != 0) return complain("cannot write the report");
    if (!options.junit_file.empty()) {
        std::ofstream file(options.junit_file, std::ios::binary);
        file << render_junit(findings) << std::flush;
        if (!file) return complain("cannot write " + options.junit_file);
    }
    return any_failed(findings) ? 1 : 0;
}

}  // namespace halfcell::conform
