#include "schemes/initfs/initfs.h"

#include "schemes/memfs/mem_volume.h"

namespace halfcell::initfs {

Result<std::shared_ptr<file::FileScheme>> create(std::span<const memfs::FixedFile> files,
                                                 machine::Pool& pool) {
    // The bytes stay where they are, so only nodes count.
    auto volume = std::make_shared<memfs::MemVolume>(
        memfs::MemVolumeOptions{.limit = UINT64_MAX, .writes = file::Writes::kRefused, .first_inode = 1});
    for (const memfs::FixedFile& fixed : files)
        TRY(volume->add_file(fixed.path, fixed.bytes, 0555));
    volume->seal();
    std::vector<file::Mount> mounts;
    mounts.push_back({"", std::move(volume)});
    return std::make_shared<file::FileScheme>("initfs", std::move(mounts), pool);
}

}  // namespace halfcell::initfs
