#pragma once

// A host directory, or one host file, as a volume. The host's own permission checks decide; the guest's ids
// do not reach it.

#include <memory>
#include <optional>
#include <string>

#include "schemes/file/host_node.h"
#include "schemes/file/host_tree.h"
#include "schemes/file/volume.h"

namespace halfcell::file {

class HostVolume final : public Volume {
  public:
    // Links in `host_path` are followed now, once. `plain_device`: see HostTree; the volume's own device
    // where it is not given. The process's umask must be 0: modes come from guests, who apply their own.
    // Errors of open(2). Blocks for host I/O.
    static Result<std::shared_ptr<HostVolume>> create(const std::string& host_path, Writes writes,
                                                      std::optional<std::uint64_t> plain_device = {});

    // The device of the root, to be the plain one of further volumes.
    [[nodiscard]] std::uint64_t device() const { return device_; }

    Result<Reached<NodeRef>> open(std::string_view path, const OpenRequest& request) override;
    Result<Reached<NodeRef>> make_socket(std::string_view path, Identity caller) override;
    Result<Reached<Done>> unlink(std::string_view path, Remove what, Identity caller) override;
    Result<Reached<Done>> rename(const Node& node, std::string_view from, std::string_view to,
                                 Identity caller) override;
    Result<Reached<Done>> link(const Node& node, std::string_view from, std::string_view to,
                               Identity caller) override;

  private:
    HostVolume(std::shared_ptr<const HostTree> tree, std::uint64_t device)
        : tree_(std::move(tree)), device_(device) {}

    Result<NodeRef> open_once(std::string_view path, const OpenRequest& request) const;
    Result<NodeRef> open_existing(std::string_view path, const OpenRequest& request) const;
    Result<NodeRef> open_read_only(std::string_view path, const OpenRequest& request) const;
    Result<NodeRef> create_file(std::string_view path, const OpenRequest& request) const;
    Result<NodeRef> create_directory(std::string_view path, const OpenRequest& request) const;
    Result<NodeRef> create_link(std::string_view path, const OpenRequest& request) const;
    Result<NodeRef> node_for(host::UniqueFd file, std::string_view path, HostAccess access,
                             const OpenRequest& request) const;
    // The place where `node` was opened, if it is still there; ENOENT.
    Result<HostPlace> place_of(const Node& node, std::string_view path) const;

    const std::shared_ptr<const HostTree> tree_;
    const std::uint64_t device_;
};

}  // namespace halfcell::file
