#include "schemes/nsmgr/namespace.h"

#include <utility>

namespace halfcell::nsmgr {

using scheme::DescriptionRef;

Result<DescriptionRef> Namespace::find(std::string_view name) const {
    return roots_.with([&](const Roots& roots) -> Result<DescriptionRef> {
        const auto it = roots.find(name);
        if (it == roots.end()) return fail(Errno::kENODEV);
        return it->second;
    });
}

Result<void> Namespace::insert(std::string_view name, DescriptionRef root) {
    if (!valid_scheme_name(name)) return fail(Errno::kEINVAL);
    // Swapped in rather than moved, so that a refused root is dropped after the lock is released.
    return roots_.with([&](Roots& roots) -> Result<void> {
        if (roots.size() >= kMostSchemes && !roots.contains(name)) return fail(Errno::kEMFILE);
        const auto [it, added] = roots.try_emplace(std::string(name));
        if (!added) return fail(Errno::kEEXIST);
        std::swap(it->second, root);
        return {};
    });
}

Result<DescriptionRef> Namespace::remove(std::string_view name) {
    return roots_.with([&](Roots& roots) -> Result<DescriptionRef> {
        const auto it = roots.find(name);
        if (it == roots.end()) return fail(Errno::kENODEV);
        DescriptionRef root = std::move(it->second);
        roots.erase(it);
        return root;
    });
}

void Namespace::clear() {
    Roots dropped;
    roots_.with([&](Roots& roots) { roots.swap(dropped); });
}

std::vector<std::string> Namespace::names() const {
    return roots_.with([](const Roots& roots) {
        std::vector<std::string> names;
        for (const auto& [name, root] : roots)
            names.push_back(name);
        return names;
    });
}

std::shared_ptr<Namespace> Namespace::fork(std::span<const std::string> wanted) const {
    Roots chosen = roots_.with([&](const Roots& roots) {
        Roots found;
        for (const std::string& name : wanted) {
            if (!name.ends_with('*')) {
                if (const auto it = roots.find(name); it != roots.end()) found.insert(*it);
                continue;
            }
            const std::string_view prefix = std::string_view(name).substr(0, name.size() - 1);
            for (auto it = roots.lower_bound(prefix); it != roots.end() && it->first.starts_with(prefix);
                 ++it)
                found.insert(*it);
        }
        return found;
    });
    auto forked = std::make_shared<Namespace>();
    forked->roots_.with([&](Roots& roots) { roots.swap(chosen); });
    return forked;
}

bool valid_scheme_name(std::string_view name) {
    return !name.empty() && name.find_first_of(std::string_view("\0/:", 3)) == std::string_view::npos;
}

}  // namespace halfcell::nsmgr
