#pragma once

// The sockets behind files: what a bind puts into a directory is a node without bytes, and the descriptor of
// the socket that was sent there. Source: redoxfs:src/mount/redox/scheme.rs other_scheme_fd_map.

#include <map>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/scheme/file_description.h"
#include "schemes/file/volume.h"

namespace halfcell::file {

// Any thread; does not block, except where it closes a socket.
class BoundSockets {
  public:
    // The node keeps its key from being used again.
    Result<void> add(NodeRef node, scheme::DescriptionRef socket);
    // The socket of a node. ECONNREFUSED where there is none, or nobody but the file has it open any more: no
    // one could accept. Upstream lets the client wait (safer).
    Result<scheme::DescriptionRef> find(const FileKey& key);
    // Lets go of the sockets whose nodes have lost their last name.
    void forget_nameless();
    void clear();

  private:
    struct Entry {
        NodeRef node;
        scheme::DescriptionRef socket;
    };
    using Entries = std::map<FileKey, Entry>;

    Guarded<Entries, LockLevel::kScheme> entries_;
};

}  // namespace halfcell::file
