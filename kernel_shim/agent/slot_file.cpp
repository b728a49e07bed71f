#include "kernel_shim/agent/slot_file.h"

#include <sys/mman.h>

#include "kernel_shim/base/check.h"
#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/sys.h"
#include "kernel_shim/machine/page_range.h"

namespace halfcell::agent {

Result<std::unique_ptr<SlotFile>> SlotFile::create(const char* name, std::uint64_t slot_size,
                                                   std::uint32_t count) {
    HC_CHECK(machine::page_aligned(slot_size), "slots are whole pages");
    const std::uint64_t size = slot_size * count;
    host::UniqueFd file = TRY(host::create_memory_file(name, size));
    void* const window =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file.get(), 0);
    if (window == MAP_FAILED) return fail(host::last_error());
    return std::unique_ptr<SlotFile>(
        new SlotFile(std::move(file), static_cast<std::byte*>(window), slot_size, count));
}

SlotFile::SlotFile(host::UniqueFd file, std::byte* window, std::uint64_t slot_size, std::uint32_t count)
    : file_(std::move(file)), window_(window), slot_size_(slot_size), count_(count) {}

SlotFile::~SlotFile() {
    munmap(window_, slot_size_ * count_);
}

Result<std::uint32_t> SlotFile::take() {
    return books_.with([&](Books& books) -> Result<std::uint32_t> {
        if (!books.free.empty()) {
            const std::uint32_t slot = books.free.back();
            books.free.pop_back();
            return slot;
        }
        if (books.fresh == count_) return fail(Errno::kEAGAIN);
        return books.fresh++;
    });
}

void SlotFile::give(std::uint32_t slot) {
    // A slot that cannot be cleaned is never handed out again.
    if (!host::punch_hole(file_.get(), offset(slot), slot_size_)) return;
    books_.with([&](Books& books) { books.free.push_back(slot); });
}

}  // namespace halfcell::agent
