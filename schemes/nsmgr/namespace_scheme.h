#pragma once

// The scheme whose handles are namespaces: it turns absolute paths into opens of the schemes they name, and
// hands out what those schemes answer. Source: base:bootstrap/src/initnsmgr.rs; protocol in
// abi/namespace_call.h.

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernel_shim/scheme/handle_map.h"
#include "kernel_shim/scheme/scheme.h"
#include "schemes/nsmgr/namespace.h"

namespace halfcell::nsmgr {

class NamespaceScheme final : public scheme::Scheme {
  public:
    // `first` is what root() opens, with every permission. `scheme_creation` is what
    // "/scheme/namespace/scheme-creation-cap" hands out; empty where the run has no such capability (ENODEV).
    // Neither may hold a description of this scheme: they would keep each other alive.
    NamespaceScheme(std::shared_ptr<Namespace> first, scheme::DescriptionRef scheme_creation);

    // For the supervisor: a handle on `space` with what ForkNs gives (no scheme creation).
    scheme::OpenedHandle open_restricted(std::shared_ptr<Namespace> space);

    [[nodiscard]] std::string_view name() const override { return "namespace"; }
    Result<scheme::OpenedHandle> root() override;

    // Errors of its own: EINVAL (path), EACCES (permission), ENODEV (scheme), ENOENT (no namespace handle).
    // Otherwise the answer of the scheme that the path names, with the caller's ids.
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override;
    // Forwards; an empty reference takes the scheme itself out of the namespace. Errors as of openat.
    Result<void> unlinkat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                          std::uint64_t flags) override;
    // abi::NsDup. EINVAL for anything malformed; ENOENT on handles that are no namespace; EACCES.
    Result<scheme::OpenResult> dup(const scheme::Caller& caller, HandleNumber number,
                                   const mem::UserIn& name) override;
    // Registers one description on a register handle and returns 1; none is 0. EINVAL for more, and for a
    // namespace, which upstream would wait for itself to answer; EEXIST; EACCES on other handles; EMFILE
    // where the namespace is full.
    Result<std::uint64_t> fd_write(const scheme::Caller& caller, HandleNumber number,
                                   std::vector<scheme::DescriptionRef>&& descriptions, std::uint64_t flags,
                                   std::uint64_t argument, std::span<const std::uint64_t> metadata) override;

    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> fstat(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override;
    Result<std::uint64_t> getdents(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                   std::uint16_t header_size, std::uint64_t opaque_id) override;
    Result<void> close(HandleNumber number) override;
    void unregistered() override;

  private:
    struct Access {
        std::shared_ptr<Namespace> space;
        std::uint64_t permissions;  // abi::NsPermissions
    };
    struct Listing {
        std::vector<std::string> names;
    };
    struct Registration {
        std::shared_ptr<Namespace> space;
        std::string name;
    };
    using Handle = std::variant<Access, Listing, Registration>;

    scheme::OpenedHandle add(Handle handle);
    Result<Handle> duplicate(const Access& access, std::span<const std::byte> request) const;

    const std::shared_ptr<Namespace> first_;
    const scheme::DescriptionRef scheme_creation_;
    scheme::HandleMap<const Handle> handles_;
};

}  // namespace halfcell::nsmgr
