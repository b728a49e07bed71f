#pragma once

// The scheme of schemes (id 16): its root handle is the capability to create user schemes, its other handles
// are the sockets of those. Source: kernel:src/scheme/mod.rs SchemeList.

#include "kernel_shim/scheme/scheme.h"

namespace halfcell::schemes {

class SchemeManager : public scheme::Scheme {
  public:
    [[nodiscard]] std::string_view name() const override { return "scheme"; }
    // Handle 0.
    Result<scheme::OpenedHandle> root() override;
    // A name that begins with "create-scheme", from user 0. EINVAL, EACCES; then ENODEV: there is no server
    // side to attach a user scheme to. EBADF for any other handle.
    Result<scheme::OpenResult> dup(const scheme::Caller& caller, HandleNumber number,
                                   const mem::UserIn& name) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    // For sockets only, so EBADF throughout.
    Result<std::uint64_t> read_at(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                  std::uint64_t offset, scheme::TransferFlags flags) override;
    Result<std::uint64_t> fevent(const scheme::Caller& caller, HandleNumber number,
                                 std::uint64_t flags) override;
    Result<void> fsync(const scheme::Caller& caller, HandleNumber number) override;
    Result<std::uint64_t> fd_write(const scheme::Caller& caller, HandleNumber number,
                                   std::vector<scheme::DescriptionRef>&& descriptions, std::uint64_t flags,
                                   std::uint64_t argument, std::span<const std::uint64_t> metadata) override;
    Result<std::vector<scheme::DescriptionRef>> fd_read(const scheme::Caller& caller, HandleNumber number,
                                                        std::uint64_t room, std::uint64_t flags,
                                                        std::span<const std::uint64_t> metadata) override;
};

}  // namespace halfcell::schemes
