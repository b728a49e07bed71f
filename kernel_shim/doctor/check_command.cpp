#include "kernel_shim/doctor/check_command.h"

#include <algorithm>
#include <cstdio>

#include "kernel_shim/base/json.h"
#include "kernel_shim/doctor/probes.h"

namespace halfcell::doctor {

namespace {

const char* word(Verdict verdict) {
    switch (verdict) {
        case Verdict::kOk:
            return "ok";
        case Verdict::kLimited:
            return "limited";
        case Verdict::kMissing:
            return "missing";
    }
    return "";
}

const char* colour(Verdict verdict) {
    switch (verdict) {
        case Verdict::kOk:
            return "\033[32m";
        case Verdict::kLimited:
            return "\033[33m";
        case Verdict::kMissing:
            return "\033[31m";
    }
    return "";
}

bool can_run(const Findings& findings) {
    return std::none_of(findings.begin(), findings.end(),
                        [](const Finding& finding) { return finding.verdict == Verdict::kMissing; });
}

std::string error_name(int host_error) {
    const char* const name = strerrorname_np(host_error);
    return name == nullptr ? std::to_string(host_error) : name;
}

void pad(std::string& text, std::size_t width) {
    if (text.size() < width) text.resize(width, ' ');
}

std::string render_text(const Findings& findings, bool with_colour) {
    std::size_t widest = 0;
    for (const Finding& finding : findings)
        widest = std::max(widest, finding.feature.size());
    std::string text;
    for (const Finding& finding : findings) {
        std::string verdict = word(finding.verdict);
        pad(verdict, 9);
        if (with_colour) verdict = colour(finding.verdict) + verdict + "\033[0m";
        std::string feature = finding.feature;
        pad(feature, widest + 2);
        text += verdict + feature + finding.tried;
        if (finding.host_error != 0) text += " (" + error_name(finding.host_error) + ")";
        if (!finding.advice.empty()) text += "; " + finding.advice;
        text += '\n';
    }
    text += can_run(findings) ? "halfcell can run here\n" : "halfcell cannot run here\n";
    return text;
}

std::string render_json(const Findings& findings) {
    OrderedJson list = OrderedJson::array();
    for (const Finding& finding : findings) {
        OrderedJson entry = {
            {"feature", finding.feature}, {"verdict", word(finding.verdict)}, {"tried", finding.tried}};
        if (finding.host_error != 0) entry["errno"] = error_name(finding.host_error);
        if (!finding.advice.empty()) entry["advice"] = finding.advice;
        list.push_back(std::move(entry));
    }
    const OrderedJson report = {{"can_run", can_run(findings)}, {"features", std::move(list)}};
    return dump_json(report, 2) + "\n";
}

}  // namespace

Findings examine() {
    Findings findings;
    probe_seccomp(findings);
    probe_processes(findings);
    probe_host(findings);
    probe_confinement(findings);
    // Without its parts the engine would only repeat what is missing, less clearly.
    if (can_run(findings)) probe_engine(findings);
    return findings;
}

std::string render(const Findings& findings, const CheckOptions& options) {
    return options.json ? render_json(findings) : render_text(findings, options.colour);
}

int run_check_command(const CheckOptions& options) {
    const Findings findings = examine();
    const std::string text = render(findings, options);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
    return can_run(findings) ? 0 : 1;
}

}  // namespace halfcell::doctor
