#include "kernel_shim/conform/report.h"

#include <algorithm>
#include <map>

#include "kernel_shim/base/json.h"
#include "kernel_shim/base/text.h"

namespace halfcell::conform {

namespace {

struct Counts {
    std::size_t passed = 0;
    std::size_t failed = 0;
    std::size_t skipped = 0;
    std::map<std::string, std::size_t> deviations;

    void add(const Finding& finding) {
        switch (finding.result) {
            case Verdict::kPass:
                ++passed;
                break;
            case Verdict::kFail:
                ++failed;
                break;
            case Verdict::kSkip:
                ++skipped;
                break;
        }
        if (!finding.deviation.empty()) ++deviations[finding.deviation];
    }
    // "2 host, 3 safer", or nothing.
    [[nodiscard]] std::string deviation_text() const {
        std::string text;
        for (const auto& [name, count] : deviations)
            text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + name;
        return text;
    }
};

constexpr const char* kReset = "\033[0m";

const char* colour_of(Verdict result) {
    switch (result) {
        case Verdict::kPass:
            return "\033[32m";
        case Verdict::kFail:
            return "\033[31m";
        case Verdict::kSkip:
            return "\033[33m";
    }
    return "";
}

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.resize(width, ' ');
    return text;
}

std::string right(std::size_t number, std::size_t width) {
    const std::string text = std::to_string(number);
    return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

std::string verdict(Verdict result, const TableOptions& options) {
    const std::string text = padded(word(result), 5);
    return options.colour ? colour_of(result) + text + kReset : text;
}

// Areas in the order of their first finding.
std::vector<std::pair<std::string, Counts>> by_area(const Findings& findings) {
    std::vector<std::pair<std::string, Counts>> areas;
    for (const Finding& finding : findings) {
        const auto known =
            std::ranges::find(areas, finding.probe.area, &std::pair<std::string, Counts>::first);
        Counts& counts =
            known == areas.end() ? areas.emplace_back(finding.probe.area, Counts{}).second : known->second;
        counts.add(finding);
    }
    return areas;
}

std::string area_table(const Findings& findings, const TableOptions& options) {
    const auto areas = by_area(findings);
    std::size_t widest = 4;
    for (const auto& [name, counts] : areas)
        widest = std::max(widest, name.size());
    std::string text = padded("area", widest) + "  pass  fail  skip  deviating on purpose\n";
    for (const auto& [name, counts] : areas) {
        std::string failed = right(counts.failed, 6);
        if (options.colour && counts.failed > 0) failed = colour_of(Verdict::kFail) + failed + kReset;
        std::string line = padded(name, widest) + right(counts.passed, 6) + failed +
                           right(counts.skipped, 6) + "  " + counts.deviation_text();
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

std::string probe_line(const Finding& finding, const TableOptions& options) {
    std::string line = verdict(finding.result, options) + " " + finding.probe.full_name();
    if (!finding.deviation.empty()) line += " (" + finding.deviation + ")";
    if (!finding.detail.empty()) line += ": " + finding.detail;
    if (finding.result == Verdict::kFail) line += "\n      Redox decides it in " + finding.probe.upstream;
    return line + "\n";
}

std::string xml_text(std::string_view text) {
    std::string xml;
    for (const char c : text) {
        if (c == '&')
            xml += "&amp;";
        else if (c == '<')
            xml += "&lt;";
        else if (c == '>')
            xml += "&gt;";
        else if (c == '"')
            xml += "&quot;";
        else
            // XML has no way at all to say most control characters.
            xml += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    return xml;
}

std::string xml_case(const Finding& finding) {
    std::string xml = "    <testcase classname=\"" + xml_text(finding.probe.area) + "\" name=\"" +
                      xml_text(finding.probe.name) + "\">\n";
    const auto property = [](const char* name, const std::string& value) {
        return std::string("        <property name=\"") + name + "\" value=\"" + xml_text(value) + "\"/>\n";
    };
    xml += "      <properties>\n" + property("upstream", finding.probe.upstream);
    if (!finding.deviation.empty()) xml += property("deviation", finding.deviation);
    xml += "      </properties>\n";
    if (finding.result == Verdict::kFail)
        xml += "      <failure message=\"" + xml_text(finding.detail) + "\"/>\n";
    if (finding.result == Verdict::kSkip)
        xml += "      <skipped message=\"" + xml_text(finding.detail) + "\"/>\n";
    return xml + "    </testcase>\n";
}

OrderedJson or_null(const std::string& text) {
    return text.empty() ? OrderedJson(nullptr) : OrderedJson(text);
}

}  // namespace

const char* word(Verdict result) {
    switch (result) {
        case Verdict::kPass:
            return "pass";
        case Verdict::kFail:
            return "fail";
        case Verdict::kSkip:
            return "skip";
    }
    return "";
}

bool any_failed(const Findings& findings) {
    return std::ranges::any_of(findings,
                               [](const Finding& finding) { return finding.result == Verdict::kFail; });
}

std::string render_table(const Findings& findings, const TableOptions& options) {
    std::string text;
    Counts all;
    for (const Finding& finding : findings) {
        all.add(finding);
        if (options.every_probe) text += probe_line(finding, options);
    }
    if (options.every_probe) text += "\n";
    text += area_table(findings, options);
    if (!options.every_probe && all.passed < findings.size()) {
        text += "\n";
        for (const Finding& finding : findings)
            if (finding.result != Verdict::kPass) text += probe_line(finding, options);
    }
    const std::string deviations = all.deviation_text();
    text += "\n" + std::to_string(all.passed) + " passed" +
            (deviations.empty() ? "" : " (deviating on purpose: " + deviations + ")") + ", " +
            std::to_string(all.failed) + " failed, " + std::to_string(all.skipped) + " skipped\n";
    return text;
}

std::string render_json(const Findings& findings) {
    OrderedJson list = OrderedJson::array();
    for (const Finding& finding : findings)
        list.push_back({{"name", finding.probe.name},
                        {"area", finding.probe.area},
                        {"result", word(finding.result)},
                        {"deviation", or_null(finding.deviation)},
                        {"upstream", finding.probe.upstream},
                        {"detail", finding.detail}});
    return dump_json(list, 2) + "\n";
}

std::string render_junit(const Findings& findings) {
    std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"halfcell conform\">\n";
    for (const auto& [area, counts] : by_area(findings)) {
        xml += "  <testsuite name=\"" + xml_text(area) + "\" tests=\"" +
               std::to_string(counts.passed + counts.failed + counts.skipped) + "\" failures=\"" +
               std::to_string(counts.failed) + "\" skipped=\"" + std::to_string(counts.skipped) + "\">\n";
        for (const Finding& finding : findings)
            if (finding.probe.area == area) xml += xml_case(finding);
        xml += "  </testsuite>\n";
    }
    return xml + "</testsuites>\n";
}

std::string render_list(const std::vector<ProbeEntry>& probes, bool json) {
    if (json) {
        OrderedJson list = OrderedJson::array();
        for (const ProbeEntry& probe : probes)
            list.push_back({{"name", probe.name},
                            {"area", probe.area},
                            {"surroundings", probe.surroundings},
                            {"deviation", or_null(probe.deviation)},
                            {"upstream", probe.upstream}});
        return dump_json(list, 2) + "\n";
    }
    std::size_t widest = 0;
    for (const ProbeEntry& probe : probes)
        widest = std::max(widest, probe.full_name().size());
    std::string text;
    for (const ProbeEntry& probe : probes)
        text += padded(probe.full_name(), widest + 2) + padded(probe.deviation, 13) + probe.upstream + "\n";
    return text;
}

}  // namespace halfcell::conform
