#pragma once

// What a root in memory holds from the start. Source: redox:config/base.toml, base:Makefile.

#include <string>
#include <vector>

#include "schemes/memfs/fixed_file.h"
#include "schemes/memfs/mem_volume.h"

namespace halfcell::memfs {

// The names of devices, links into other schemes, at "DIRECTORY/null" and so on; "" for the volume's root.
// ENOSPC.
Result<void> add_device_links(MemVolume& volume, const std::string& directory);

// Fills an empty, unsealed volume: /bin with `programs`, /etc, /dev, /tmp, /home, /root, /usr, /var. ENOSPC.
Result<void> add_root_files(MemVolume& volume, const std::vector<FixedFile>& programs,
                            const std::string& host_name);

}  // namespace halfcell::memfs
