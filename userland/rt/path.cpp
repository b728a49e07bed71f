#include "userland/rt/path.h"

#include <vector>

namespace halfcell::userland {
namespace {

// Calls visit(component) for each non-empty component that is not ".".
template <typename Visit>
void for_each_component(std::string_view path, Visit visit) {
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        const std::string_view component = path.substr(0, slash);
        if (!component.empty() && component != ".") visit(component);
        if (slash == std::string_view::npos) return;
        path.remove_prefix(slash + 1);
    }
}

std::string_view without_trailing_slashes(std::string_view path) {
    while (path.size() > 1 && path.back() == '/')
        path.remove_suffix(1);
    return path;
}

}  // namespace

bool is_absolute_path(std::string_view path) {
    if (path.starts_with('/')) return true;
    const std::string_view first = path.substr(0, path.find('/'));
    const std::size_t colon = first.find(':');
    return colon != std::string_view::npos && colon != 0;
}

std::string canonical_path(std::string_view directory, std::string_view path) {
    std::vector<std::string_view> components;
    const auto add = [&components](std::string_view component) {
        if (component != "..") {
            components.push_back(component);
            return;
        }
        // The root of a scheme is its own parent.
        const std::size_t floor = !components.empty() && components.front() == "scheme" ? 2 : 0;
        if (components.size() > floor) components.pop_back();
    };
    if (path.starts_with('/')) {
        for_each_component(path, add);
    } else if (is_absolute_path(path)) {
        const std::size_t colon = path.find(':');
        components = {"scheme", path.substr(0, colon)};
        for_each_component(path.substr(colon + 1), add);
    } else {
        for_each_component(directory, add);
        for_each_component(path, add);
    }
    std::string result;
    for (const std::string_view component : components)
        result.append("/").append(component);
    return result.empty() ? "/" : result;
}

std::string relative_reference(std::string_view path) {
    std::vector<std::string_view> components;
    for_each_component(path, [&components](std::string_view component) {
        if (component == ".." && !components.empty() && components.back() != "..") {
            components.pop_back();
        } else {
            components.push_back(component);
        }
    });
    std::string result;
    for (const std::string_view component : components) {
        if (!result.empty()) result.push_back('/');
        result.append(component);
    }
    return result;
}

std::string scheme_path(std::string_view canonical) {
    if (canonical == "/scheme" || canonical.starts_with("/scheme/")) return std::string(canonical);
    return std::string("/scheme/file").append(canonical == "/" ? "" : canonical);
}

std::string_view base_name(std::string_view path) {
    path = without_trailing_slashes(path);
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos || path.size() == 1 ? path : path.substr(slash + 1);
}

std::string_view directory_name(std::string_view path) {
    path = without_trailing_slashes(path);
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return ".";
    return slash == 0 ? std::string_view("/") : without_trailing_slashes(path.substr(0, slash));
}

std::string join_path(std::string_view directory, std::string_view name) {
    std::string result(directory);
    if (!result.ends_with('/')) result.push_back('/');
    return result.append(name);
}

}  // namespace halfcell::userland
