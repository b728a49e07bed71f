#include "schemes/file/bound_sockets.h"

#include <utility>
#include <vector>

namespace halfcell::file {

Result<void> BoundSockets::add(NodeRef node, const scheme::DescriptionRef& socket) {
    const FileKey key = TRY(node->key());
    entries_.with([&](Entries& entries) {
        entries.try_emplace(key, Entry{std::move(node), scheme::WeakDescriptionRef(socket)});
    });
    return {};
}

Result<scheme::DescriptionRef> BoundSockets::find(const FileKey& key) const {
    scheme::DescriptionRef socket = entries_.with([&](const Entries& entries) {
        const auto it = entries.find(key);
        return it == entries.end() ? scheme::DescriptionRef{} : it->second.socket.lock();
    });
    if (!socket) return fail(Errno::kECONNREFUSED);
    return socket;
}

void BoundSockets::forget_nameless() {
    // Looking at nodes is host I/O: without the lock.
    std::vector<std::pair<FileKey, NodeRef>> nodes;
    entries_.with([&](const Entries& entries) {
        for (const auto& [key, entry] : entries)
            nodes.emplace_back(key, entry.node);
    });
    std::erase_if(nodes, [](const auto& one) {
        const auto status = one.second->stat();
        return !status || status->st_nlink != 0;
    });
    entries_.with([&](Entries& entries) {
        for (const auto& [key, node] : nodes)
            entries.erase(key);
    });
}

}  // namespace halfcell::file
