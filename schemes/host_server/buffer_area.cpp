#include "schemes/host_server/buffer_area.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cstring>
#include <utility>

#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/sys.h"
#include "kernel_shim/machine/page_range.h"
#include "schemes/server/host_protocol.h"

namespace halfcell::host_server {

using user_scheme::Direction;
using user_scheme::Loan;

static_assert(user_scheme::kEmptyBuffer == server::kEmptyBuffer);

class BufferArea::Slice final : public machine::MemoryObject {
  public:
    Slice(std::shared_ptr<BufferArea> area, std::uint64_t offset, std::uint64_t size)
        : area_(std::move(area)), offset_(offset), size_(size) {}
    ~Slice() override {
        area_->free_.with([&](host::RangeAllocator& free) { free.give(offset_, size_); });
    }

    [[nodiscard]] std::uint64_t size() const override { return size_; }
    [[nodiscard]] machine::Backing backing() const override { return {area_->file(), offset_}; }
    [[nodiscard]] std::byte* direct() const override { return area_->bytes_ + offset_; }
    Result<void> read(std::uint64_t offset, std::span<std::byte> to) const override {
        std::memcpy(to.data(), direct() + offset, to.size());
        return {};
    }
    Result<void> write(std::uint64_t offset, std::span<const std::byte> from) override {
        std::memcpy(direct() + offset, from.data(), from.size());
        return {};
    }

  private:
    const std::shared_ptr<BufferArea> area_;
    const std::uint64_t offset_;
    const std::uint64_t size_;
};

Result<std::shared_ptr<BufferArea>> BufferArea::create(std::uint64_t size) {
    host::UniqueFd file = TRY(host::create_memory_file("halfcell-buffers", size));
    if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return fail(host::last_error());
    void* const bytes =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file.get(), 0);
    if (bytes == MAP_FAILED) return fail(host::last_error());
    return std::shared_ptr<BufferArea>(new BufferArea(std::move(file), static_cast<std::byte*>(bytes), size));
}

BufferArea::~BufferArea() {
    ::munmap(bytes_, size_);
}

Result<BufferArea::Part> BufferArea::take(std::uint64_t size) {
    const std::uint64_t whole = machine::page_round_up(size);
    const auto offset = free_.with([&](host::RangeAllocator& free) { return free.take(whole); });
    if (!offset) return fail(Errno::kENOMEM);
    return Part{std::make_shared<Slice>(shared_from_this(), *offset, whole), *offset};
}

Result<Loan> AreaBuffers::lend(std::uint64_t size, Direction direction, const mem::UserIn* in,
                               std::optional<mem::UserOut> owner) {
    if (size == 0) return Loan();
    if (size > kLargest) return fail(Errno::kENOMEM);
    BufferArea::Part part = TRY(area_->take(size));
    if (in != nullptr) TRY(in->read(0, std::span(part.object->direct(), size)));
    return Loan::copied(part.offset, size, direction, std::move(owner), std::move(part.object));
}

Result<Loan> AreaBuffers::lend(const mem::UserIn& buffer) {
    return lend(buffer.size(), Direction::kToServer, &buffer, std::nullopt);
}

Result<Loan> AreaBuffers::lend(const mem::UserOut& buffer) {
    return lend(buffer.size(), Direction::kFromServer, nullptr, buffer);
}

Result<Loan> AreaBuffers::lend(const mem::UserInOut& buffer) {
    const mem::UserIn in = buffer.in();
    return lend(buffer.size(), Direction::kBoth, &in, buffer.out());
}

Result<Loan> AreaBuffers::lend_path(std::string_view path) {
    const mem::UserIn in = mem::UserIn::local(path);
    return lend(path.size(), Direction::kToServer, &in, std::nullopt);
}

}  // namespace halfcell::host_server
