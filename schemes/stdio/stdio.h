#pragma once

// The three files the run was started with, for its first process: `/scheme/stdio/0`, 1 and 2. What they are
// on the host shows as far as a file can: kind, readiness, broken pipes; terminal settings do not.

#include <array>
#include <memory>

#include "kernel_shim/scheme/handle_map.h"
#include "kernel_shim/scheme/scheme.h"
#include "schemes/stdio/host_file.h"
#include "schemes/stdio/host_watcher.h"

namespace halfcell::schemes {

class StdioScheme final : public scheme::Scheme {
  public:
    using Files = std::array<std::shared_ptr<HostFile>, 3>;

    // The supervisor's own three. Errors of HostFile::open. Before the supervisor confines itself.
    static Result<std::shared_ptr<StdioScheme>> create();
    explicit StdioScheme(Files files);

    [[nodiscard]] std::string_view name() const override { return "stdio"; }

    Result<scheme::OpenedHandle> root() override;
    // "0", "1" or "2", else ENOENT; only from the root (EACCES). Access modes are the host's.
    Result<scheme::OpenResult> openat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                                      std::uint64_t flags, std::uint32_t fcntl_flags) override;
    Result<std::uint64_t> read(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                               scheme::TransferFlags flags) override;
    Result<std::uint64_t> write(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                scheme::TransferFlags flags) override;
    Result<std::uint64_t> fevent(const scheme::Caller& caller, HandleNumber number,
                                 std::uint64_t flags) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> fstat(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override;
    Result<void> close(HandleNumber number) override;

  private:
    struct Handle {
        int index = -1;  // -1: the root
        std::atomic<bool> watched{false};
    };
    // EBADF also for the root.
    [[nodiscard]] Result<std::shared_ptr<Handle>> find(HandleNumber number) const;
    [[nodiscard]] const std::shared_ptr<HostFile>& file_of(const Handle& handle) const {
        return files_[static_cast<std::size_t>(handle.index)];
    }

    const Files files_;
    scheme::HandleMap<Handle> handles_;
    HostWatcher watcher_;
};

}  // namespace halfcell::schemes
