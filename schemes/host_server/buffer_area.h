#pragma once

// The memory in which a server of the host sees its callers' buffers: one file, mapped here and there, that
// holds nothing else. So the server never sees a byte of a guest that is not in a buffer of its own requests.

#include <memory>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/host/range_allocator.h"
#include "kernel_shim/host/unique_fd.h"
#include "kernel_shim/machine/memory_object.h"
#include "kernel_shim/user_scheme/buffers.h"

namespace halfcell::host_server {

class BufferArea : public std::enable_shared_from_this<BufferArea> {
  public:
    // `size` bytes of address space and no memory yet. ENOMEM, EMFILE.
    static Result<std::shared_ptr<BufferArea>> create(std::uint64_t size);
    BufferArea(const BufferArea&) = delete;
    BufferArea& operator=(const BufferArea&) = delete;
    ~BufferArea();

    // For the server. Neither side can change its size, so that touching it never faults.
    [[nodiscard]] int file() const { return file_.get(); }

    // A part of it, with what an earlier request left there. ENOMEM where callers hold too much already.
    struct Part {
        machine::MemoryRef object;
        std::uint64_t offset = 0;
    };
    Result<Part> take(std::uint64_t size);

  private:
    class Slice;
    BufferArea(host::UniqueFd file, std::byte* bytes, std::uint64_t size)
        : file_(std::move(file)), bytes_(bytes), size_(size), free_(std::in_place, 0, size) {}

    const host::UniqueFd file_;
    std::byte* const bytes_;
    const std::uint64_t size_;
    Guarded<host::RangeAllocator, LockLevel::kPool> free_;
};

// Buffers as copies in such an area, at their offset in it.
class AreaBuffers final : public user_scheme::Buffers {
  public:
    // Bytes that one transfer can have.
    static constexpr std::uint64_t kLargest = std::uint64_t{4} << 20;

    explicit AreaBuffers(std::shared_ptr<BufferArea> area) : area_(std::move(area)) {}

    // ENOMEM also for buffers above kLargest.
    Result<user_scheme::Loan> lend(const mem::UserIn& buffer) override;
    Result<user_scheme::Loan> lend(const mem::UserOut& buffer) override;
    Result<user_scheme::Loan> lend(const mem::UserInOut& buffer) override;
    Result<user_scheme::Loan> lend_path(std::string_view path) override;

  private:
    Result<user_scheme::Loan> lend(std::uint64_t size, user_scheme::Direction direction,
                                   const mem::UserIn* in, std::optional<mem::UserOut> owner);
    const std::shared_ptr<BufferArea> area_;
};

}  // namespace halfcell::host_server
