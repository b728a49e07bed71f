#pragma once

// The scheme `initfs`: programs that are part of the supervisor, read-only. Source: base:initfs (what a Redox
// boot image carries).

#include <memory>
#include <span>

#include "schemes/file/file_scheme.h"
#include "schemes/memfs/fixed_file.h"

namespace halfcell::initfs {

// A read-only tree of `files`, all with mode 0555, owned by root. Everything that would change it is EROFS.
// `pool` outlives the scheme. EEXIST where two files have one path.
Result<std::shared_ptr<file::FileScheme>> create(std::span<const memfs::FixedFile> files,
                                                 machine::Pool& pool);

}  // namespace halfcell::initfs
