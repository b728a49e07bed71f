#include "schemes/file/bound_sockets.h"

#include <utility>

namespace halfcell::file {

Result<void> BoundSockets::add(NodeRef node, scheme::DescriptionRef socket) {
    const FileKey key = TRY(node->key());
    entries_.with([&](Entries& entries) {
        entries.try_emplace(key, Entry{std::move(node), std::move(socket)});
    });
    return {};
}

Result<scheme::DescriptionRef> BoundSockets::find(const FileKey& key) {
    scheme::DescriptionRef abandoned;
    scheme::DescriptionRef socket = entries_.with([&](Entries& entries) {
        const auto it = entries.find(key);
        if (it == entries.end()) return scheme::DescriptionRef{};
        if (!it->second.socket.exclusive()) return it->second.socket;
        abandoned = std::move(it->second.socket);
        entries.erase(it);
        return scheme::DescriptionRef{};
    });
    if (!socket) return fail(Errno::kECONNREFUSED);
    return socket;
}

void BoundSockets::forget_nameless() {
    // Looking at nodes is host I/O and closing calls a scheme: both without the lock.
    std::vector<std::pair<FileKey, NodeRef>> nodes;
    entries_.with([&](const Entries& entries) {
        for (const auto& [key, entry] : entries)
            nodes.emplace_back(key, entry.node);
    });
    for (const auto& [key, node] : nodes) {
        const auto status = node->stat();
        if (!status || status->st_nlink != 0) continue;
        Entry nameless;
        entries_.with([&, &wanted = key](Entries& entries) {
            const auto it = entries.find(wanted);
            if (it == entries.end()) return;
            nameless = std::move(it->second);
            entries.erase(it);
        });
    }
}

void BoundSockets::clear() {
    Entries all;
    entries_.with([&](Entries& entries) { all.swap(entries); });
}

}  // namespace halfcell::file
