#pragma once

// Scheme 8: facts about the system as files. Source: kernel:src/scheme/sys/mod.rs.

#include <memory>
#include <string>

#include "kernel_shim/scheme/handle_map.h"
#include "kernel_shim/scheme/scheme.h"
#include "schemes/kernel/sys/files.h"

namespace halfcell::schemes::sys {

// Opens from any handle of the scheme, slashes around the name do not count; "" is the directory. A readable
// file is made at its first use and then stays as it is for that handle. All handles but roots are
// positioned.
class SysScheme final : public scheme::Scheme {
  public:
    explicit SysScheme(Sources sources);

    [[nodiscard]] std::string_view name() const override { return "sys"; }

    Result<scheme::OpenedHandle> root() override;
    // ENOENT for an unknown name, EPERM for a write-only file unless euid is 0.
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override;
    // EISDIR for a write-only file, EBADF for the directory.
    Result<std::uint64_t> read_at(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                  std::uint64_t offset, scheme::TransferFlags flags) override;
    // EISDIR for what can be read. The file sees at most 256 bytes, the offset does not count.
    Result<std::uint64_t> write_at(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                   std::uint64_t offset, scheme::TransferFlags flags) override;
    Result<std::uint64_t> fsize(const scheme::Caller& caller, HandleNumber number) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> fstat(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override;
    // EINVAL unless all entries from `opaque_id` on fit, as upstream. ENOTDIR for a file.
    Result<std::uint64_t> getdents(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                   std::uint16_t header_size, std::uint64_t opaque_id) override;
    Result<void> close(HandleNumber number) override;

  private:
    using Text = std::shared_ptr<const std::string>;
    struct Handle {
        bool root = false;
        const File* file = nullptr;              // null: the directory
        Guarded<Text, LockLevel::kObject> text;  // null until it is made, then never changed
    };
    // EBADF also for a root.
    [[nodiscard]] Result<std::shared_ptr<Handle>> find(HandleNumber number) const;
    // The text of a readable file, made now if need be. EISDIR for a write-only one.
    Result<Text> text_of(Handle& handle, const scheme::Caller& caller) const;

    const Sources sources_;
    scheme::HandleMap<Handle> handles_;
};

}  // namespace halfcell::schemes::sys
