#pragma once

// Scratch pages that stay mapped in a server, to be used for one buffer after the other. Mapping the caller's
// own pages and taking them away again costs more than copying, up to a mebibyte or so: an agent command
// each, a page fault or its like for every page, and an interruption of every CPU the server ran on.

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernel_shim/base/guarded.h"
#include "kernel_shim/mem/address_space.h"

namespace halfcell::user_scheme {

struct Window {
    std::weak_ptr<mem::AddressSpace> space;
    std::uint64_t address = 0;
    mem::MemoryRef pages;  // directly reachable
    bool writable = false;
    // Bytes from the front that may still be those of an earlier buffer.
    std::uint64_t used = 0;

    // Makes [begin, begin + size) ready for a buffer: nothing of earlier ones is left, but in the bytes
    // themselves where they will be overwritten at once.
    void prepare(std::uint64_t begin, std::uint64_t size, bool overwritten);
};

class Windows {
  public:
    // The largest, in pages: a mebibyte that begins inside a page.
    static constexpr std::uint64_t kMostPages = 257;

    // `pool` outlives it.
    explicit Windows(machine::Pool& pool) : pool_(pool) {}

    // One of at least `pages` pages, at most kMostPages, mapped in `server`. Takes address-space locks and
    // may cost the server an agent command; hold no lock. ENOMEM: no memory, or none that the supervisor has
    // mapped.
    Result<Window> take(std::uint64_t pages, bool writable, const std::shared_ptr<mem::AddressSpace>& server);
    // Takes it from the server, or keeps it for the next.
    void give_back(Window window);
    // Takes all that are kept from the server, and keeps none from now on.
    void close();

  private:
    // Powers of two, from one page up.
    static constexpr std::size_t kSizes = std::bit_width(std::bit_ceil(kMostPages));
    // So many pages of a size are kept, but one window at least and 32 at most.
    static constexpr std::uint64_t kPagesKept = 512;

    struct State {
        bool closed = false;
        std::array<std::vector<Window>, 2 * kSizes> kept;  // by size and right, see kind_of
    };
    static std::size_t kind_of(std::uint64_t pages, bool writable);

    machine::Pool& pool_;
    Guarded<State, LockLevel::kObject> state_;
};

}  // namespace halfcell::user_scheme
