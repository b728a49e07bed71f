#pragma once

// Patterns to the names of files. Pure: directories are read through an interface; tested on the host.

#include <string>
#include <string_view>
#include <vector>

namespace halfcell::userland::sh {

class Directories {
  public:
    virtual ~Directories() = default;
    // The names in a directory ("" is the current one), "." and ".." included or not; empty where it cannot
    // be read. May block.
    virtual std::vector<std::string> names_in(const std::string& directory) = 0;
    // Whether a file is there, be it a dangling link.
    virtual bool exists(const std::string& path) = 0;
};

// The paths that match a pattern, sorted by their bytes; none where none does. A slash is matched by a slash
// only, and a period that begins a name by a period only.
std::vector<std::string> matching_paths(std::string_view pattern, Directories& directories);

}  // namespace halfcell::userland::sh
