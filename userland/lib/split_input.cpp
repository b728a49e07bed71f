#include "userland/lib/split_input.h"

namespace halfcell::userland {
namespace {

std::vector<std::string> split_at_nul(std::string_view text) {
    std::vector<std::string> items;
    while (!text.empty()) {
        const std::size_t end = text.find('\0');
        items.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return items;
}

}  // namespace

std::optional<std::vector<std::string>> split_items(std::string_view text, ItemStyle style) {
    if (style == ItemStyle::kNul) return split_at_nul(text);
    std::vector<std::string> items;
    std::string item;
    bool begun = false;
    char quote = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        const bool end = i == text.size();
        const char c = end ? '\n' : text[i];
        if (quote != 0) {
            if (c == '\n') return {};
            if (c == quote) {
                quote = 0;
            } else {
                item.push_back(c);
            }
            continue;
        }
        const bool blank = c == ' ' || c == '\t';
        if (c == '\n' || (blank && (style == ItemStyle::kQuoted || !begun))) {
            if (begun) items.push_back(std::move(item));
            item.clear();
            begun = false;
            continue;
        }
        begun = true;
        if (c == '\'' || c == '"') {
            quote = c;
        } else if (c == '\\' && i + 1 < text.size()) {
            item.push_back(text[++i]);
        } else {
            item.push_back(c);
        }
    }
    return items;
}

}  // namespace halfcell::userland
