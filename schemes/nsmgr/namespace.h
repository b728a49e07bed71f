#pragma once

// A namespace: scheme names and the descriptions their roots are opened through.
// Source: base:bootstrap/src/initnsmgr.rs.

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/scheme/file_description.h"

namespace halfcell::nsmgr {

// Shared by every handle on it. All functions are safe from any thread and take the registry lock; none
// drops a description under it.
class Namespace {
  public:
    static constexpr std::size_t kMostSchemes = 4096;

    // The root of a scheme. ENODEV where the name is unknown.
    [[nodiscard]] Result<scheme::DescriptionRef> find(std::string_view name) const;
    // EEXIST where the name is taken, EINVAL where it is none (see valid_scheme_name), EMFILE where there are
    // kMostSchemes already. Upstream runs out of descriptors there, some time later.
    Result<void> insert(std::string_view name, scheme::DescriptionRef root);
    // Takes a scheme out; the caller drops its root. ENODEV.
    Result<scheme::DescriptionRef> remove(std::string_view name);
    // Takes every scheme out.
    void clear();
    // In alphabetical order.
    [[nodiscard]] std::vector<std::string> names() const;
    // A new namespace with those of our schemes that `wanted` lists; "x*" is every name that starts with x.
    // Unknown names are skipped.
    [[nodiscard]] std::shared_ptr<Namespace> fork(std::span<const std::string> wanted) const;

  private:
    using Roots = std::map<std::string, scheme::DescriptionRef, std::less<>>;
    Guarded<Roots, LockLevel::kRegistry> roots_;
};

// Not empty, and free of NUL, '/' and ':'.
[[nodiscard]] bool valid_scheme_name(std::string_view name);

}  // namespace halfcell::nsmgr
