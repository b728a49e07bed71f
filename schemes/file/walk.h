#pragma once

// Following links: the part of the file scheme that every operation on a path goes through.

#include <string>
#include <utility>
#include <variant>

#include "schemes/file/file_scheme.h"

namespace halfcell::file {

// Source: redoxfs:src/mount/redox/scheme.rs resolve_symlink.
inline constexpr int kMostLinks = 32;

template <typename T, typename Operation>
Result<T> FileScheme::walk(std::string& path, Operation operation) const {
    for (int links = 0; links <= kMostLinks; ++links) {
        const MountTable::Place place = mounts_.find(path);
        Reached<T> reached = TRY(operation(*place.mount, place.path));
        if (auto* value = std::get_if<T>(&reached)) return std::move(*value);
        path = TRY(behind_link(*place.mount, std::get<LinkFound>(reached)));
    }
    return fail(Errno::kELOOP);
}

}  // namespace halfcell::file
