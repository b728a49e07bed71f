#pragma once

// The scheme `shm`: memory with a name, for programs to map. It lives until its name is unlinked and the last
// handle and mapping are gone. Source: base:ipcd/src/shm.rs.

#include <map>
#include <memory>
#include <string>

#include "kernel_shim/machine/memory_object.h"
#include "schemes/common/rooted_scheme.h"
#include "schemes/memfs/mem_node.h"

namespace halfcell::schemes {

struct ShmHandle {
    ShmHandle(std::string the_name, std::shared_ptr<memfs::MemNode> the_memory, std::uint64_t the_flags)
        : name(std::move(the_name)), memory(std::move(the_memory)), flags(the_flags) {}
    const std::string name;
    const std::shared_ptr<memfs::MemNode> memory;
    HandleFlags flags;
};

class ShmScheme final : public RootedScheme<ShmHandle> {
  public:
    // All memory together may hold `limit` bytes. `pool` outlives the scheme; it holds what is mapped
    // privately.
    ShmScheme(std::uint64_t limit, machine::Pool& pool);

    [[nodiscard]] std::string_view name() const override { return "shm"; }
    // A write past the end extends; ERANGE where that is no size, ENOMEM. Handles may do both whatever they
    // were opened for, as upstream.
    Result<std::uint64_t> read_at(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to,
                                  std::uint64_t offset, scheme::TransferFlags flags) override;
    Result<std::uint64_t> write_at(const scheme::Caller& caller, HandleNumber number, const mem::UserIn& from,
                                   std::uint64_t offset, scheme::TransferFlags flags) override;
    Result<std::uint64_t> fsize(const scheme::Caller& caller, HandleNumber number) override;
    Result<void> ftruncate(const scheme::Caller& caller, HandleNumber number, std::uint64_t size) override;
    Result<std::uint64_t> fpath(const scheme::Caller& caller, HandleNumber number,
                                const mem::UserOut& to) override;
    Result<void> fstat(const scheme::Caller& caller, HandleNumber number, const mem::UserOut& to) override;
    // ERANGE past the page that holds the last byte.
    Result<std::uint64_t> fmap(const scheme::Caller& caller, HandleNumber number,
                               const scheme::DescriptionRef& description, mem::AddressSpace& target,
                               const abi::Map& map, bool consume) override;
    // From the root only (EACCES). ENOTDIR with AT_REMOVEDIR, ENOENT.
    Result<void> unlinkat(const scheme::Caller& caller, HandleNumber base, std::string_view path,
                          std::uint64_t flags) override;

  private:
    struct Named {
        std::shared_ptr<memfs::MemNode> memory;
        std::uint64_t handles = 0;
        // Whoever opens the name meanwhile still gets this memory, as upstream.
        bool unlinked = false;
    };
    using Names = std::map<std::string, Named, std::less<>>;

    // EEXIST for O_CREAT|O_EXCL, ENOENT without O_CREAT, ENOMEM.
    Result<scheme::OpenResult> open(const scheme::Caller& caller, std::string_view path,
                                    std::uint64_t flags) override;
    void closed(HandleNumber number, const std::shared_ptr<ShmHandle>& handle) override;
    Result<std::shared_ptr<memfs::MemNode>> make_memory(const scheme::Caller& caller);

    const std::shared_ptr<memfs::MemTree> tree_;
    machine::Pool& pool_;
    Guarded<Names, LockLevel::kScheme> names_;
};

}  // namespace halfcell::schemes
