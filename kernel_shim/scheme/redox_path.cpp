#include "kernel_shim/scheme/redox_path.h"

namespace halfcell::scheme {

namespace {

constexpr std::string_view kSchemeRoot = "/scheme";

// Every component between slashes is a plain name.
bool canonical(std::string_view components) {
    while (true) {
        const std::size_t slash = components.find('/');
        const std::string_view component = components.substr(0, slash);
        if (component.empty() || component == "." || component == "..") return false;
        if (slash == std::string_view::npos) return true;
        components.remove_prefix(slash + 1);
    }
}

}  // namespace

Result<RedoxPath> parse_redox_path(std::string_view path) {
    if (path.find('\0') != std::string_view::npos) return fail(Errno::kEINVAL);
    if (!path.starts_with('/')) {
        const std::size_t colon = path.find(':');
        if (colon == std::string_view::npos) return fail(Errno::kEINVAL);
        const std::string_view name = path.substr(0, colon);
        if (name.empty() || name.find('/') != std::string_view::npos) return fail(Errno::kEINVAL);
        return RedoxPath{name, path.substr(colon + 1)};
    }
    if (path.size() > 1 && !canonical(path.substr(1))) return fail(Errno::kEINVAL);
    if (path == kSchemeRoot) return RedoxPath{};
    if (path.starts_with(kSchemeRoot) && path[kSchemeRoot.size()] == '/') {
        const std::string_view rest = path.substr(kSchemeRoot.size() + 1);
        const std::size_t slash = rest.find('/');
        if (slash == std::string_view::npos) return RedoxPath{rest, {}};
        return RedoxPath{rest.substr(0, slash), rest.substr(slash + 1)};
    }
    return RedoxPath{"file", path.substr(1)};
}

bool names_a_scheme(std::string_view path) {
    if (path.starts_with(kSchemeRoot)) {
        return path.size() == kSchemeRoot.size() || path[kSchemeRoot.size()] == '/';
    }
    const std::string_view first = path.substr(0, path.find('/'));
    const std::size_t colon = first.find(':');
    return colon != std::string_view::npos && colon != 0;
}

std::string resolve_reference(std::string_view base, std::string_view reference) {
    std::string resolved;
    const auto walk = [&resolved](std::string_view components) {
        while (!components.empty()) {
            const std::size_t slash = components.find('/');
            const std::string_view component = components.substr(0, slash);
            components.remove_prefix(slash == std::string_view::npos ? components.size() : slash + 1);
            if (component.empty() || component == ".") continue;
            if (component == "..") {
                const std::size_t parent = resolved.rfind('/');
                resolved.resize(parent == std::string::npos ? 0 : parent);
                continue;
            }
            if (!resolved.empty()) resolved += '/';
            resolved += component;
        }
    };
    resolved.reserve(base.size() + reference.size() + 1);
    if (!reference.starts_with('/')) walk(base);
    walk(reference);
    return resolved;
}

SplitReference split_reference(std::string_view reference) {
    const std::size_t slash = reference.rfind('/');
    if (slash == std::string_view::npos) return {{}, reference};
    return {reference.substr(0, slash), reference.substr(slash + 1)};
}

}  // namespace halfcell::scheme
