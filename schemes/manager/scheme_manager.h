#pragma once

// The scheme of schemes (id 16): its root handle is the capability to create user schemes, its other handles
// are the sockets of those. Source: kernel:src/scheme/mod.rs SchemeList.

#include <memory>

#include "kernel_shim/scheme/scheme.h"
#include "kernel_shim/task/kernel.h"
#include "kernel_shim/user_scheme/user_scheme.h"

namespace halfcell::schemes {

// A socket has the number of its scheme. Operations on it: EBADF where there is no such user scheme.
class SchemeManager : public scheme::Scheme {
  public:
    // `kernel` outlives the manager.
    explicit SchemeManager(task::Kernel& kernel) : kernel_(kernel) {}

    [[nodiscard]] std::string_view name() const override { return "scheme"; }
    // Handle 0.
    Result<scheme::OpenedHandle> root() override;
    // On the capability, a name that begins with "create-scheme", from user 0: a new scheme, served by the
    // caller. EINVAL, EACCES, EAGAIN (no id is free). On a socket, abi::NewFdParams: a handle of the scheme
    // as if its server had opened one. EBADF, EINVAL.
    Result<scheme::OpenResult> dup(const scheme::Caller& caller, HandleNumber number,
                                   const mem::UserIn& name) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    // Requests, whatever the offset; see SchemeSocket::read.
    Result<std::uint64_t> read_at(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                  std::uint64_t offset, scheme::TransferFlags flags) override;
    Result<std::uint64_t> read_late(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                    std::uint64_t offset, scheme::TransferFlags flags,
                                    scheme::LateOffer& offer) override;
    // Completions; see SchemeSocket::write.
    Result<std::uint64_t> write(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                scheme::TransferFlags flags) override;
    Result<std::uint64_t> fevent(const scheme::Caller& caller, HandleNumber number,
                                 std::uint64_t flags) override;
    Result<void> fsync(const scheme::Caller& caller, HandleNumber number) override;
    // abi::SchemeSocketCall; see SchemeSocket.
    Result<std::uint64_t> fd_write(const scheme::Caller& caller, HandleNumber number,
                                   std::vector<scheme::DescriptionRef>&& descriptions, std::uint64_t flags,
                                   std::uint64_t argument, std::span<const std::uint64_t> metadata) override;
    Result<std::vector<scheme::DescriptionRef>> fd_read(const scheme::Caller& caller, HandleNumber number,
                                                        std::uint64_t room, std::uint64_t flags,
                                                        std::span<const std::uint64_t> metadata) override;
    void fd_unread(HandleNumber number, std::vector<scheme::DescriptionRef> descriptions,
                   std::span<const std::uint64_t> metadata) override;
    // The last descriptor of a socket takes its scheme with it: who waits for an answer gets ENODEV.
    Result<void> close(HandleNumber number) override;

  private:
    [[nodiscard]] Result<std::shared_ptr<user_scheme::UserScheme>> find(HandleNumber number) const;
    Result<scheme::OpenResult> create(const scheme::Caller& caller, const mem::UserIn& name);

    task::Kernel& kernel_;
};

}  // namespace halfcell::schemes
