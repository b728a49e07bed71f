#pragma once

#include <utility>

#include "kernel_shim/mem/grant.h"
#include "kernel_shim/scheme/file_description.h"

namespace halfcell::scheme {

// The owner of every grant that shows a file (mem::GrantKind::kFile): keeps the description open as long as
// any piece of the grant lives, and lets a fork find it again. Schemes that want to hear of unmapped pieces
// derive from it. Source: kernel:src/context/memory.rs GrantFileRef.
class FileGrantOwner : public mem::GrantOwner {
  public:
    explicit FileGrantOwner(DescriptionRef description) : description_(std::move(description)) {}
    [[nodiscard]] const DescriptionRef& description() const { return description_; }
    void unmapped(std::uint64_t, std::uint64_t, bool) override {}

  private:
    const DescriptionRef description_;
};

}  // namespace halfcell::scheme
