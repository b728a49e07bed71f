#pragma once

// Buffers a caller passed by address. Direction is part of the type; nothing here can be dereferenced.
// A slice may also lie in the supervisor itself, for callers that are not guests (the loader, tests).
// Source: kernel:src/syscall/usercopy.rs UserSlice.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "kernel_shim/base/result.h"
#include "kernel_shim/mem/address_space.h"

namespace halfcell::mem {

class UserSlice {
  public:
    [[nodiscard]] std::uint64_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    // The guest address, 0 for a supervisor buffer. For traces and scheme messages.
    [[nodiscard]] std::uint64_t address() const { return address_; }
    // The address space, null for a supervisor buffer.
    [[nodiscard]] AddressSpace* space() const { return space_; }

  protected:
    UserSlice(AddressSpace* space, std::uint64_t address, std::uint64_t size)
        : space_(space), address_(address), size_(size) {}
    UserSlice(std::byte* local, std::uint64_t size) : local_(local), size_(size) {}

    Result<void> copy_out(std::uint64_t offset, std::span<std::byte> to) const;
    Result<void> copy_in(std::uint64_t offset, std::span<const std::byte> from) const;
    Result<PinnedBytes> pin(std::uint64_t offset, std::uint64_t size, Access access) const;

    AddressSpace* space_ = nullptr;
    std::byte* local_ = nullptr;
    std::uint64_t address_ = 0;
    std::uint64_t size_ = 0;
};

// True where [address, address+size) is a buffer a call may name: both ends strictly below kUserEnd, even for
// size 0. Else the call fails with EFAULT. Source: kernel:src/syscall/usercopy.rs UserSlice::new.
[[nodiscard]] bool valid_user_range(std::uint64_t address, std::uint64_t size);

// Bytes the caller hands in.
class UserIn : public UserSlice {
  public:
    // EFAULT unless valid_user_range. Touches nothing yet.
    static Result<UserIn> create(AddressSpace& space, std::uint64_t address, std::uint64_t size);
    static UserIn local(std::span<const std::byte> bytes);
    static UserIn local(std::string_view text) { return local(std::as_bytes(std::span(text))); }

    // Copies to.size() bytes from `offset`; the part must lie inside the slice. EFAULT.
    Result<void> read(std::uint64_t offset, std::span<std::byte> to) const { return copy_out(offset, to); }
    // A whole T from the start: EINVAL when the slice is shorter, a longer one is fine. EFAULT.
    template <typename T>
    Result<T> read_exact() const {
        static_assert(std::is_trivially_copyable_v<T>);
        if (size_ < sizeof(T)) return fail(Errno::kEINVAL);
        T value;
        TRY(copy_out(0, std::as_writable_bytes(std::span(&value, 1))));
        return value;
    }
    // The whole slice as a string; ENAMETOOLONG above `limit` bytes. EFAULT. Not checked for UTF-8.
    Result<std::string> read_string(std::uint64_t limit) const;
    // The bytes in place, for host I/O (see AddressSpace::pin).
    Result<PinnedBytes> pin(std::uint64_t offset, std::uint64_t size) const {
        return UserSlice::pin(offset, size, Access::kRead);
    }
    // The part from `offset` on, at most `size` bytes.
    [[nodiscard]] UserIn part(std::uint64_t offset, std::uint64_t size) const;

  private:
    using UserSlice::UserSlice;
    friend class UserInOut;
};

// Room the caller gives.
class UserOut : public UserSlice {
  public:
    static Result<UserOut> create(AddressSpace& space, std::uint64_t address, std::uint64_t size);
    static UserOut local(std::span<std::byte> bytes);

    // Copies `from` to `offset`; the part must lie inside the slice. EFAULT.
    Result<void> write(std::uint64_t offset, std::span<const std::byte> from) const {
        return copy_in(offset, from);
    }
    // Copies min(size(), from.size()) bytes and returns that count ("copy common bytes"). EFAULT.
    Result<std::uint64_t> write_common(std::span<const std::byte> from) const;
    Result<std::uint64_t> write_common(std::string_view text) const {
        return write_common(std::as_bytes(std::span(text)));
    }
    // A whole T to the start: EINVAL when the slice is shorter, what lies beyond stays untouched. EFAULT.
    template <typename T>
    Result<void> write_exact(const T& value) const {
        static_assert(std::has_unique_object_representations_v<T>, "unnamed padding would leak our memory");
        if (size_ < sizeof(T)) return fail(Errno::kEINVAL);
        return copy_in(0, std::as_bytes(std::span(&value, 1)));
    }
    Result<PinnedBytes> pin(std::uint64_t offset, std::uint64_t size) const {
        return UserSlice::pin(offset, size, Access::kWrite);
    }
    // The part from `offset` on, at most `size` bytes.
    [[nodiscard]] UserOut part(std::uint64_t offset, std::uint64_t size) const;

  private:
    using UserSlice::UserSlice;
    friend class UserInOut;
};

// A payload that travels both ways (SYS_CALL).
class UserInOut : public UserSlice {
  public:
    static Result<UserInOut> create(AddressSpace& space, std::uint64_t address, std::uint64_t size);
    static UserInOut local(std::span<std::byte> bytes);
    [[nodiscard]] UserIn in() const;
    [[nodiscard]] UserOut out() const;

  private:
    using UserSlice::UserSlice;
};

}  // namespace halfcell::mem
