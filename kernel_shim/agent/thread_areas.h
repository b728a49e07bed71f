#pragma once

// The thread areas of one process. An area stays mapped when its thread has ended, for the next one; the
// slots of the file go back when the process is dead.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernel_shim/agent/slot_file.h"
#include "kernel_shim/agent/thread_frame.h"
#include "kernel_shim/base/guarded.h"
#include "kernel_shim/base/result.h"

namespace halfcell::agent {

class ThreadAreas {
  public:
    explicit ThreadAreas(std::shared_ptr<SlotFile> file) : file_(std::move(file)) {}
    ThreadAreas(const ThreadAreas&) = delete;
    ThreadAreas& operator=(const ThreadAreas&) = delete;
    ~ThreadAreas();

    struct Place {
        std::size_t index = 0;
        ThreadArea area;
        std::uint64_t file_offset = 0;
        bool mapped = false;
    };

    // A place for one more thread. EAGAIN when the process or the host has none left. Any thread.
    Result<Place> take();
    // The area's thread has ended, or never came to be and its area may not be mapped either. Any thread.
    void give(std::size_t index, bool mapped);

    [[nodiscard]] int file() const { return file_->file(); }

  private:
    struct FreePlace {
        std::size_t index;
        bool mapped;
    };
    struct Books {
        std::vector<std::uint32_t> slots;  // by index in the guest
        std::vector<FreePlace> free;
    };

    [[nodiscard]] Place place(FreePlace chosen);

    const std::shared_ptr<SlotFile> file_;
    Guarded<Books, LockLevel::kAgent> books_;
};

}  // namespace halfcell::agent
