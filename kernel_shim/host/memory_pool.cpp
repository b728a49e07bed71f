#include "kernel_shim/host/memory_pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <vector>

#include "kernel_shim/base/check.h"
#include "kernel_shim/base/guarded.h"
#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/range_allocator.h"
#include "kernel_shim/host/sys.h"
#include "kernel_shim/machine/page_range.h"

namespace halfcell::host {

namespace {

constexpr std::uint64_t kFileSize = std::uint64_t{1} << 60;
constexpr std::uint64_t kSmallestWindow = std::uint64_t{1} << 30;
constexpr std::uint64_t kLargestCachedSlice = std::uint64_t{1} << 20;
constexpr std::uint64_t kCacheLimit = std::uint64_t{16} << 20;
// Up to here clearing everything is cheaper than asking the host which pages exist; the pages of mappings of
// this size are made present at once anyway.
constexpr std::uint64_t kClearWithoutAsking = 16 * machine::kPageSize;

// The file, its window and the books; slices share it with the Pool.
class Store {
  public:
    Store(UniqueFd file, std::byte* window, std::uint64_t window_size, const PoolOptions& options)
        : file_(std::move(file)),
          window_(window),
          window_size_(window_size),
          largest_direct_(options.largest_direct),
          limit_(options.limit),
          books_(std::in_place, window_size) {}
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    ~Store() { munmap(window_, window_size_); }

    Result<std::uint64_t> take(std::uint64_t size) {
        struct Taken {
            std::uint64_t offset;
            bool dirty;
        };
        const auto taken = books_.with([&](Books& books) -> Result<Taken> {
            if (size > limit_ || books.used > limit_ - size) return fail(Errno::kENOMEM);
            std::optional<std::uint64_t> offset;
            bool dirty = false;
            if (const auto cached = books.cache.find(size);
                cached != books.cache.end() && !cached->second.empty()) {
                offset = cached->second.back();
                cached->second.pop_back();
                books.cached -= size;
                dirty = true;
            } else {
                if (size <= largest_direct_) offset = books.direct.take(size);
                if (!offset) offset = books.sparse.take(size);
            }
            if (!offset) return fail(Errno::kENOMEM);
            books.used += size;
            return Taken{*offset, dirty};
        });
        if (!taken) return fail(taken.error());
        if (taken->dirty) clear(taken->offset, size);
        return taken->offset;
    }

    // `charged` of the `size` bytes still count as used.
    void give(std::uint64_t offset, std::uint64_t size, std::uint64_t charged) {
        const bool kept = books_.with([&](Books& books) {
            books.used -= charged;
            if (size > kLargestCachedSlice || books.cached + size > kCacheLimit) return false;
            if (offset >= window_size_) return false;
            books.cache[size].push_back(offset);
            books.cached += size;
            return true;
        });
        if (kept) return;
        // A range whose bytes the host would not take back is never handed out again: it is not clean.
        if (!punch_hole(file_.get(), offset, size)) return;
        books_.with(
            [&](Books& books) { (offset < window_size_ ? books.direct : books.sparse).give(offset, size); });
    }

    Result<void> charge(std::uint64_t size) {
        return books_.with([&](Books& books) -> Result<void> {
            if (size > limit_ || books.used > limit_ - size) return fail(Errno::kENOMEM);
            books.used += size;
            return {};
        });
    }
    void uncharge(std::uint64_t size) {
        books_.with([&](Books& books) { books.used -= size; });
    }

    // Frees a part of a slice; the caller sees to it that nobody reads it again.
    void discard(std::uint64_t offset, std::uint64_t size) {
        (void)punch_hole(file_.get(), offset, size);
        books_.with([&](Books& books) { books.used -= size; });
    }

    // The first stretch of [offset, end) that has pages; empty at `end` where none has. SEEK_DATA counts
    // swapped-out pages as data. What the host cannot tell is taken for data.
    [[nodiscard]] machine::Extent next_data(std::uint64_t offset, std::uint64_t end) const {
        const off_t data = lseek(file_.get(), static_cast<off_t>(offset), SEEK_DATA);
        if (data < 0 && errno == ENXIO) return {end, 0};
        const std::uint64_t from = data < 0 ? offset : static_cast<std::uint64_t>(data);
        if (from >= end) return {end, 0};
        const off_t hole = data < 0 ? -1 : lseek(file_.get(), data, SEEK_HOLE);
        const std::uint64_t to = hole < 0 ? end : std::min(end, static_cast<std::uint64_t>(hole));
        return {from, to - from};
    }

    [[nodiscard]] int file() const { return file_.get(); }
    [[nodiscard]] std::byte* direct(std::uint64_t offset) const {
        return offset < window_size_ ? window_ + offset : nullptr;
    }
    [[nodiscard]] std::uint64_t used() const {
        return books_.with([](const Books& books) { return books.used; });
    }
    [[nodiscard]] std::uint64_t limit() const { return limit_; }

  private:
    struct Books {
        explicit Books(std::uint64_t window_size) : direct(0, window_size), sparse(window_size, kFileSize) {}
        RangeAllocator direct;
        RangeAllocator sparse;
        // Dirty slices by size.
        std::unordered_map<std::uint64_t, std::vector<std::uint64_t>> cache;
        std::uint64_t cached = 0;
        std::uint64_t used = 0;
    };

    // Clears the pages of a cached slice that exist, and leaves its holes holes: a slice that was hardly
    // touched must not become memory by being used again.
    void clear(std::uint64_t offset, std::uint64_t size) {
        std::byte* const bytes = direct(offset);
        HC_CHECK(bytes != nullptr, "a slice outside the window was cached");
        if (size <= kClearWithoutAsking) {
            std::memset(bytes, 0, size);
            return;
        }
        const std::uint64_t end = offset + size;
        for (machine::Extent data = next_data(offset, end); data.size != 0;
             data = next_data(data.offset + data.size, end))
            std::memset(direct(data.offset), 0, data.size);
    }

    const UniqueFd file_;
    std::byte* const window_;
    const std::uint64_t window_size_;
    const std::uint64_t largest_direct_;
    const std::uint64_t limit_;
    Guarded<Books, LockLevel::kPool> books_;
};

class Slice final : public machine::MemoryObject {
  public:
    Slice(std::shared_ptr<Store> store, std::uint64_t offset, std::uint64_t size)
        : store_(std::move(store)), offset_(offset), size_(size) {}
    ~Slice() override { store_->give(offset_, size_, size_ - discarded_.load()); }

    [[nodiscard]] std::uint64_t size() const override { return size_; }
    [[nodiscard]] machine::Backing backing() const override { return {store_->file(), offset_}; }
    [[nodiscard]] std::byte* direct() const override { return store_->direct(offset_); }

    Result<void> read(std::uint64_t offset, std::span<std::byte> to) const override {
        check_inside(offset, to.size());
        if (const std::byte* bytes = direct()) {
            if (!to.empty()) std::memcpy(to.data(), bytes + offset, to.size());
            return {};
        }
        return read_fully_at(store_->file(), to, offset_ + offset);
    }
    Result<void> write(std::uint64_t offset, std::span<const std::byte> from) override {
        check_inside(offset, from.size());
        if (std::byte* bytes = direct()) {
            if (!from.empty()) std::memcpy(bytes + offset, from.data(), from.size());
            return {};
        }
        return write_fully_at(store_->file(), from, offset_ + offset);
    }
    [[nodiscard]] machine::Extent next_data(std::uint64_t offset) const override {
        machine::Extent data = store_->next_data(offset_ + offset, offset_ + size_);
        data.offset -= offset_;
        return data;
    }
    void discard(machine::Extent part) override {
        check_inside(part.offset, part.size);
        store_->discard(offset_ + part.offset, part.size);
        discarded_ += part.size;
    }

  private:
    void check_inside(std::uint64_t offset, std::uint64_t count) const {
        HC_CHECK(offset <= size_ && count <= size_ - offset, "access outside a memory slice");
    }

    const std::shared_ptr<Store> store_;
    const std::uint64_t offset_;
    const std::uint64_t size_;
    std::atomic<std::uint64_t> discarded_{0};
};

class Reservation final : public machine::Charge {
  public:
    Reservation(std::shared_ptr<Store> store, std::uint64_t size) : store_(std::move(store)), size_(size) {}
    ~Reservation() override { store_->uncharge(size_.load()); }
    void release(std::uint64_t size) override {
        size_ -= size;
        store_->uncharge(size);
    }

  private:
    const std::shared_ptr<Store> store_;
    std::atomic<std::uint64_t> size_;
};

class MemoryPool final : public machine::Pool {
  public:
    explicit MemoryPool(std::shared_ptr<Store> store) : store_(std::move(store)) {}

    Result<machine::MemoryRef> allocate(std::uint64_t size) override {
        HC_CHECK(size != 0 && machine::page_aligned(size), "a pool slice is whole pages");
        const std::uint64_t offset = TRY(store_->take(size));
        return std::make_shared<Slice>(store_, offset, size);
    }
    Result<machine::ChargeRef> reserve(std::uint64_t size) override {
        TRY(store_->charge(size));
        return std::make_shared<Reservation>(store_, size);
    }
    [[nodiscard]] std::uint64_t used() const override { return store_->used(); }
    [[nodiscard]] std::uint64_t limit() const override { return store_->limit(); }

  private:
    const std::shared_ptr<Store> store_;
};

}  // namespace

Result<std::unique_ptr<machine::Pool>> create_memory_pool(const PoolOptions& options) {
    UniqueFd file = TRY(create_memory_file("halfcell-pool", kFileSize));
    for (std::uint64_t size = options.window; size >= std::min(options.window, kSmallestWindow); size /= 2) {
        void* const window =
            mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file.get(), 0);
        if (window == MAP_FAILED) continue;
        madvise(window, size, MADV_DONTDUMP);
        auto store = std::make_shared<Store>(std::move(file), static_cast<std::byte*>(window), size, options);
        return std::unique_ptr<machine::Pool>(std::make_unique<MemoryPool>(std::move(store)));
    }
    return fail(last_error());
}

}  // namespace halfcell::host
