#pragma once

// The files of the guest as the debugger sees them: through its namespace, as root, read-only.

#include <memory>
#include <string>

#include "kernel_shim/gdb/target.h"
#include "kernel_shim/scheme/scheme.h"

namespace halfcell::gdb {

class GuestFiles {
  public:
    // `names`: the root of the namespace.
    explicit GuestFiles(scheme::DescriptionRef names) : names_(std::move(names)) {}

    // An absolute path. Errors of the schemes; EISDIR for a directory. Blocks as they do.
    Result<std::unique_ptr<TargetFile>> open(const std::string& path);
    Result<std::string> read_link(const std::string& path);
    // Whether there is a file of that name.
    bool exists(const std::string& path);

  private:
    Result<scheme::DescriptionRef> open_description(const std::string& path, std::uint64_t flags);

    scheme::DescriptionRef names_;
    wait::Waiter waiter_;
};

}  // namespace halfcell::gdb
