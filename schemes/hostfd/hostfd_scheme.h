#pragma once

// Files of the host that a scheme's server has given away, as descriptions: the guest that gets one can read,
// write, poll and map it, and never owns a Linux descriptor.

#include <memory>

#include "kernel_shim/host/unique_fd.h"
#include "kernel_shim/machine/memory_object.h"
#include "kernel_shim/scheme/handle_map.h"
#include "kernel_shim/scheme/scheme.h"
#include "schemes/stdio/host_watcher.h"

namespace halfcell::schemes {

class HostfdScheme final : public scheme::Scheme, public std::enable_shared_from_this<HostfdScheme> {
  public:
    // `pool` outlives the scheme.
    explicit HostfdScheme(machine::Pool& pool);

    [[nodiscard]] std::string_view name() const override { return "hostfd"; }

    // A description of a file: regular ones have an offset that the kernel keeps, all others flow, and are
    // from now on non-blocking for everybody who shares them. EBADF (no file), EACCES (a directory, or what
    // can only be named), and the errors of dup(2).
    Result<scheme::DescriptionRef> adopt(host::UniqueFd file);

    // The bytes of such a file from `offset` (page-aligned) on, for a mapping that is shared, or a private
    // copy. EBADF (a description of another scheme), EACCES (what the file may not), EINVAL (offset), ENODEV
    // (a file that flows), ENOMEM.
    struct Mapping {
        std::uint64_t offset = 0;
        std::uint64_t size = 0;  // whole pages
        bool shared = false;
        bool stores = false;
    };
    Result<machine::MemoryRef> memory(const scheme::DescriptionRef& description, const Mapping& mapping);

    // Transfers sleep where the file has nothing to give; EINTR. Errors are the host's.
    Result<std::uint64_t> read_at(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                  std::uint64_t offset, scheme::TransferFlags flags) override;
    Result<std::uint64_t> write_at(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                   std::uint64_t offset, scheme::TransferFlags flags) override;
    // ESPIPE for files that flow.
    Result<std::uint64_t> fsize(const scheme::Caller& caller, HandleNumber number) override;
    Result<std::uint64_t> fevent(const scheme::Caller& caller, HandleNumber number,
                                 std::uint64_t flags) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> fstat(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override;
    Result<void> fsync(const scheme::Caller& caller, HandleNumber number) override;
    Result<void> ftruncate(const scheme::Caller& caller, HandleNumber number, std::uint64_t size) override;
    Result<std::uint64_t> fmap(const scheme::Caller& caller, HandleNumber number,
                               const scheme::DescriptionRef& description, mem::AddressSpace& target,
                               const abi::Map& map, bool consume) override;
    Result<void> close(HandleNumber number) override;

  private:
    struct Handle {
        std::shared_ptr<HostFile> file;
        bool regular = false;
        bool readable = false;
        bool writable = false;
        std::atomic<bool> watched{false};
    };
    Result<machine::MemoryRef> private_copy(const Handle& handle, std::uint64_t offset,
                                            std::uint64_t size) const;

    machine::Pool& pool_;
    scheme::HandleMap<Handle> handles_;
    HostWatcher watcher_;
};

}  // namespace halfcell::schemes
