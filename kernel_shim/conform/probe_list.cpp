#include "kernel_shim/conform/probe_list.h"

#include <algorithm>
#include <array>

namespace halfcell::conform {

std::vector<ProbeEntry> parse_probe_list(std::string_view text) {
    std::vector<ProbeEntry> entries;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        std::array<std::string, 4> fields;
        std::size_t count = 0;
        for (; count < fields.size(); ++count) {
            const std::size_t tab = std::min(line.find('\t'), line.size());
            fields[count] = line.substr(0, tab);
            if (tab == line.size()) break;
            line.remove_prefix(tab + 1);
        }
        const std::size_t slash = fields[0].find('/');
        if (count != fields.size() - 1 || slash == std::string::npos) continue;
        entries.push_back({.area = fields[0].substr(0, slash),
                           .name = fields[0].substr(slash + 1),
                           .surroundings = fields[1],
                           .deviation = fields[2],
                           .upstream = fields[3]});
    }
    return entries;
}

std::vector<ProbeEntry> select_probes(const std::vector<ProbeEntry>& all,
                                      const std::vector<std::string>& words, std::string& unknown) {
    const auto named = [](const ProbeEntry& entry, const std::string& word) {
        return word == entry.area || word == entry.full_name();
    };
    for (const std::string& word : words) {
        const bool known =
            std::ranges::any_of(all, [&](const ProbeEntry& entry) { return named(entry, word); });
        if (!known && unknown.empty()) unknown = word;
    }
    if (words.empty()) return all;
    std::vector<ProbeEntry> chosen;
    for (const ProbeEntry& entry : all)
        if (std::ranges::any_of(words, [&](const std::string& word) { return named(entry, word); }))
            chosen.push_back(entry);
    return chosen;
}

}  // namespace halfcell::conform
