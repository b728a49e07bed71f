#pragma once

// A caller's buffer as the server of a scheme sees it while it works on the request: copied to and from
// scratch pages; the whole pages of a large one are the caller's own, shown as they are. The server never
// sees a byte beyond the buffer. Source: kernel:src/scheme/user.rs CaptureGuard.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/mem/user_slice.h"
#include "kernel_shim/user_scheme/windows.h"

namespace halfcell::user_scheme {

// What the server gets for a buffer of no bytes. Source: same, capture_inner.
inline constexpr std::uint64_t kEmptyBuffer = std::uint64_t{1} << 62;

// Which way the bytes go.
enum class Direction : std::uint8_t { kToServer, kFromServer, kBoth };

// How a buffer lies on its pages. Offsets are bytes of the buffer; the middle is whole pages.
struct BufferParts {
    std::uint64_t in_page = 0;      // where in its first page the buffer begins
    std::uint64_t head_size = 0;    // bytes before the first whole page
    std::uint64_t middle_size = 0;  // bytes on whole pages
    std::uint64_t tail_size = 0;    // bytes after the last whole page

    [[nodiscard]] constexpr std::uint64_t head_pages() const { return head_size != 0 ? 1 : 0; }
    [[nodiscard]] constexpr std::uint64_t tail_pages() const { return tail_size != 0 ? 1 : 0; }
    [[nodiscard]] constexpr std::uint64_t pages() const {
        return head_pages() + middle_size / machine::kPageSize + tail_pages();
    }
};
// For a buffer of at least one byte.
[[nodiscard]] BufferParts split_buffer(std::uint64_t address, std::uint64_t size);

// A buffer that the server can reach now. Returned to its owner at the end of its life, on every path.
class Loan {
  public:
    Loan() = default;  // an empty buffer
    Loan(Loan&& other) noexcept { *this = std::move(other); }
    Loan& operator=(Loan&& other) noexcept;
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    // Takes the pages from the server. Does not block for long; hold no lock.
    ~Loan() { give_back(); }

    // A buffer that the server sees a copy of: the front of an object, which it finds at `address`. `owner`:
    // where bytes go back to, where they do.
    static Loan copied(std::uint64_t address, std::uint64_t size, Direction direction,
                       std::optional<mem::UserOut> owner, mem::MemoryRef object);

    // What the server is told.
    [[nodiscard]] std::uint64_t address() const { return address_; }
    [[nodiscard]] std::uint64_t size() const { return size_; }

    // Copies back the part of the first `given` bytes that lies on scratch pages, where bytes go that way.
    // Only while the caller's call lasts. EFAULT.
    Result<void> copy_back(std::uint64_t given) const;

  private:
    friend class Lender;
    // A part of the buffer that the server sees a copy of.
    struct Copied {
        std::uint64_t offset = 0;  // in the buffer
        std::uint64_t size = 0;
        mem::MemoryRef object;
        std::uint64_t object_offset = 0;
    };
    void give_back();

    Windows* windows_ = nullptr;  // outlives its loans; set where a window must go back there
    std::uint64_t address_ = kEmptyBuffer;
    std::uint64_t size_ = 0;
    Direction direction_ = Direction::kToServer;
    std::optional<mem::UserOut> owner_;  // where bytes go back to
    std::array<Copied, 2> copied_;
    std::optional<Window> window_;               // used and given back…
    std::weak_ptr<mem::AddressSpace> shown_in_;  // …or mapped for this loan only
    mem::PageRange shown_;
};

}  // namespace halfcell::user_scheme
