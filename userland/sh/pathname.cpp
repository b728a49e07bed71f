#include "userland/sh/pathname.h"

#include <algorithm>

#include "userland/lib/glob.h"

namespace halfcell::userland::sh {
namespace {

bool has_unescaped_special(std::string_view pattern) {
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '\\') {
            ++i;
        } else if (pattern[i] == '*' || pattern[i] == '?' || pattern[i] == '[') {
            return true;
        }
    }
    return false;
}

std::string without_escapes(std::string_view pattern) {
    std::string text;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
        text.push_back(pattern[i]);
    }
    return text;
}

// Extends each of the paths so far by the names that match one component.
std::vector<std::string> extend(const std::vector<std::string>& paths, std::string_view component, bool last,
                                Directories& directories) {
    std::vector<std::string> result;
    if (!has_unescaped_special(component)) {
        const std::string name = without_escapes(component);
        for (const std::string& path : paths) {
            if (!last || directories.exists(path + name)) result.push_back(path + name);
        }
        return result;
    }
    const bool hidden_too = component.starts_with('.') || component.starts_with("\\.");
    for (const std::string& path : paths) {
        for (const std::string& name : directories.names_in(path)) {
            if (name.starts_with('.') && !hidden_too) continue;
            if (glob_matches(component, name)) result.push_back(path + name);
        }
    }
    return result;
}

}  // namespace

std::vector<std::string> matching_paths(std::string_view pattern, Directories& directories) {
    std::vector<std::string> paths{""};
    while (!pattern.empty() && !paths.empty()) {
        const std::size_t slashes = pattern.find_first_not_of('/');
        const std::size_t begin = slashes == std::string_view::npos ? pattern.size() : slashes;
        const std::size_t slash = pattern.find('/', begin);
        const std::size_t end = slash == std::string_view::npos ? pattern.size() : slash;
        for (std::string& path : paths)
            path.append(pattern.substr(0, begin));
        if (begin == end) {
            // Slashes at the end: what is left are directories.
            std::erase_if(paths, [&](const std::string& path) { return !directories.exists(path); });
            break;
        }
        paths = extend(paths, pattern.substr(begin, end - begin), end == pattern.size(), directories);
        pattern.remove_prefix(end);
    }
    std::sort(paths.begin(), paths.end());
    return paths;
}

}  // namespace halfcell::userland::sh
