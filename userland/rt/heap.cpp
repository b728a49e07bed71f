// operator new and delete: size classes over anonymous mappings.
//
// Blocks up to kLargestClass come from chunks cut into classes of 16 bytes times a power of two (and one and
// a half times it), and return to a free list of their class. Larger ones are mappings of their own. A header
// of 16 bytes in front of each block holds its class, or its mapping's size.

#include <cstddef>
#include <cstdint>
#include <new>

#include "userland/rt/process.h"
#include "userland/rt/sync.h"
#include "userland/rt/syscall.h"

namespace halfcell::userland {
namespace {

constexpr std::size_t kHeader = 16;
constexpr std::size_t kChunk = 256 * 1024;
constexpr std::size_t kLargestClass = 32 * 1024;
constexpr std::size_t kClassCount = 24;
constexpr std::size_t kPage = 4096;

struct FreeBlock {
    FreeBlock* next;
};

struct Header {
    // Below kClassCount: the size class. Otherwise the bytes of the mapping that starts at this header.
    std::size_t kind;
    std::size_t padding;
};
static_assert(sizeof(Header) == kHeader);

Mutex heap_lock;
FreeBlock* free_lists[kClassCount];
std::byte* chunk_at;
std::size_t chunk_left;

// Sizes with header: 32, 48, 64, 96, 128, 192 … 32 KiB, 48 KiB.
std::size_t class_size(std::size_t index) {
    return (index % 2 == 0 ? 32U : 48U) * (std::size_t{1} << (index / 2));
}

std::size_t class_of(std::size_t size) {
    if (size <= 32) return 0;
    const auto power =
        static_cast<std::size_t>(63 - __builtin_clzll(size - 1));  // size is in (2^power, 2^(power+1)]
    const std::size_t base = (power - 5) * 2;
    return size <= 3 * (std::size_t{1} << (power - 1)) ? base + 1 : base + 2;
}

[[noreturn]] void out_of_memory() {
    constexpr std::string_view kMessage = "out of memory\n";
    (void)sys_write(Fd::kStderr, std::as_bytes(std::span(kMessage)));
    exit_now(1);
}

std::byte* allocate_large(std::size_t total) {
    const std::size_t bytes = (total + kPage - 1) & ~(kPage - 1);
    if (bytes < total) return nullptr;
    const Result<std::byte*> mapping = map_anonymous(bytes);
    if (!mapping) return nullptr;
    reinterpret_cast<Header*>(*mapping)->kind = bytes;
    return *mapping + kHeader;
}

std::byte* allocate_small(std::size_t index) {
    const MutexGuard guard(heap_lock);
    if (FreeBlock* block = free_lists[index]; block != nullptr) {
        free_lists[index] = block->next;
        return reinterpret_cast<std::byte*>(block);
    }
    const std::size_t size = class_size(index);
    if (chunk_left < size) {
        const Result<std::byte*> chunk = map_anonymous(kChunk);
        if (!chunk) return nullptr;
        chunk_at = *chunk;
        chunk_left = kChunk;
    }
    std::byte* const header = chunk_at;
    chunk_at += size;
    chunk_left -= size;
    reinterpret_cast<Header*>(header)->kind = index;
    return header + kHeader;
}

std::byte* allocate(std::size_t size) {
    if (size > kLargestClass - kHeader) {
        return size + kHeader < size ? nullptr : allocate_large(size + kHeader);
    }
    return allocate_small(class_of(size + kHeader));
}

void release(void* address) {
    if (address == nullptr) return;
    std::byte* const block = static_cast<std::byte*>(address);
    const std::size_t kind = reinterpret_cast<Header*>(block - kHeader)->kind;
    if (kind >= kClassCount) {
        (void)unmap(block - kHeader, kind);
        return;
    }
    const MutexGuard guard(heap_lock);
    auto* const freed = reinterpret_cast<FreeBlock*>(block);
    freed->next = free_lists[kind];
    free_lists[kind] = freed;
}

}  // namespace
}  // namespace halfcell::userland

void* operator new(std::size_t size) {
    std::byte* const block = halfcell::userland::allocate(size);
    if (block == nullptr) halfcell::userland::out_of_memory();
    return block;
}
void* operator new[](std::size_t size) {
    return operator new(size);
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return halfcell::userland::allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return halfcell::userland::allocate(size);
}
void operator delete(void* block) noexcept {
    halfcell::userland::release(block);
}
void operator delete[](void* block) noexcept {
    halfcell::userland::release(block);
}
void operator delete(void* block, std::size_t) noexcept {
    halfcell::userland::release(block);
}
void operator delete[](void* block, std::size_t) noexcept {
    halfcell::userland::release(block);
}
