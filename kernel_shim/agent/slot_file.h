#pragma once

// Equal slots of one nameless file, each seen by the supervisor and by one guest: command pages, thread
// areas.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/result.h"
#include "kernel_shim/host/unique_fd.h"

namespace halfcell::agent {

class SlotFile {
  public:
    // `slot_size` is a multiple of the page size. Only slots in use take memory. EMFILE, ENFILE, ENOMEM.
    static Result<std::unique_ptr<SlotFile>> create(const char* name, std::uint64_t slot_size,
                                                    std::uint32_t count);
    SlotFile(const SlotFile&) = delete;
    SlotFile& operator=(const SlotFile&) = delete;
    ~SlotFile();

    // A slot full of zeros. EAGAIN when all are taken. Any thread.
    Result<std::uint32_t> take();

    // Gives a slot back; its content is dropped. No guest may still map it. Any thread.
    void give(std::uint32_t slot);

    [[nodiscard]] int file() const { return file_.get(); }
    [[nodiscard]] std::uint64_t offset(std::uint32_t slot) const { return slot_size_ * slot; }
    [[nodiscard]] std::byte* at(std::uint32_t slot) const { return window_ + offset(slot); }

  private:
    struct Books {
        std::uint32_t fresh = 0;  // slots from here on were never used
        std::vector<std::uint32_t> free;
    };

    SlotFile(host::UniqueFd file, std::byte* window, std::uint64_t slot_size, std::uint32_t count);

    const host::UniqueFd file_;
    std::byte* const window_;
    const std::uint64_t slot_size_;
    const std::uint32_t count_;
    Guarded<Books, LockLevel::kAgent> books_;
};

}  // namespace halfcell::agent
