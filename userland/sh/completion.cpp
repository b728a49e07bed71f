#include "userland/sh/completion.h"

#include <algorithm>

namespace halfcell::userland::sh {
namespace {

constexpr std::string_view kEndsWords = " \t|&;<>()=:`\"'";
constexpr std::string_view kSpecial = " \t|&;<>()`\"'\\$*?[#~!{}";

// The last word of a text, without its backslashes.
std::string last_word(std::string_view text) {
    std::string word;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            word.push_back(text[++i]);
        } else if (kEndsWords.find(text[i]) != std::string_view::npos) {
            word.clear();
        } else {
            word.push_back(text[i]);
        }
    }
    return word;
}

std::string with_backslashes(std::string_view name) {
    std::string text;
    for (const char c : name) {
        if (kSpecial.find(c) != std::string_view::npos) text.push_back('\\');
        text.push_back(c);
    }
    return text;
}

std::size_t common_length(std::string_view left, std::string_view right) {
    const std::size_t most = std::min(left.size(), right.size());
    std::size_t length = 0;
    while (length < most && left[length] == right[length])
        ++length;
    return length;
}

}  // namespace

Completion complete_path(std::string_view text, Directories& directories) {
    const std::string word = last_word(text);
    const std::size_t slash = word.rfind('/');
    const std::string directory = slash == std::string::npos ? std::string() : word.substr(0, slash + 1);
    const std::string_view begun = std::string_view(word).substr(directory.size());
    Completion result;
    for (std::string& name : directories.names_in(directory)) {
        const bool hidden = name == "." || name == ".." || (name.starts_with('.') && !begun.starts_with('.'));
        if (!hidden && name.starts_with(begun)) result.names.push_back(std::move(name));
    }
    if (result.names.empty()) return result;
    std::sort(result.names.begin(), result.names.end());
    const std::string& first = result.names.front();
    const bool unique = result.names.size() == 1;
    // Of sorted names, the first and the last have the least in common.
    const std::size_t common = common_length(first, result.names.back());
    result.added = with_backslashes(std::string_view(first).substr(begun.size(), common - begun.size()));
    if (unique) result.added.push_back(directories.exists(directory + first + "/") ? '/' : ' ');
    return result;
}

}  // namespace halfcell::userland::sh
