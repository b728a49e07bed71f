#pragma once

// The sockets behind files: what a bind puts into a directory is a node without bytes that leads to the
// socket which was sent there. Source: redoxfs:src/mount/redox/scheme.rs other_scheme_fd_map.

#include <map>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/scheme/file_description.h"
#include "schemes/file/volume.h"

namespace halfcell::file {

// Keeps no socket open: it ends with its server, and whoever waits to be accepted hears of it. Upstream's
// files keep theirs, and clients of a server that has died wait for ever (safer). Any thread; blocks for host
// I/O at most.
class BoundSockets {
  public:
    // The node keeps its key from being used again. Errors of Node::key.
    Result<void> add(NodeRef node, const scheme::DescriptionRef& socket);
    // The socket of a node. ECONNREFUSED where there is none, or none any more.
    [[nodiscard]] Result<scheme::DescriptionRef> find(const FileKey& key) const;
    // Lets go of nodes that have lost their last name.
    void forget_nameless();

  private:
    struct Entry {
        NodeRef node;
        scheme::WeakDescriptionRef socket;
    };
    using Entries = std::map<FileKey, Entry>;

    Guarded<Entries, LockLevel::kScheme> entries_;
};

}  // namespace halfcell::file
