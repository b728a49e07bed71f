#include "kernel_shim/mem/user_slice.h"

#include <algorithm>
#include <cstring>

#include "kernel_shim/base/check.h"

namespace halfcell::mem {

bool valid_user_range(std::uint64_t address, std::uint64_t size) {
    return address < machine::kUserEnd && size < machine::kUserEnd - address;
}

namespace {

Result<void> check_range(std::uint64_t address, std::uint64_t size) {
    if (!valid_user_range(address, size)) return fail(Errno::kEFAULT);
    return {};
}

bool inside(std::uint64_t slice_size, std::uint64_t offset, std::uint64_t size) {
    return offset <= slice_size && size <= slice_size - offset;
}

}  // namespace

Result<void> UserSlice::copy_out(std::uint64_t offset, std::span<std::byte> to) const {
    HC_CHECK(inside(size_, offset, to.size()), "a copy stays inside its slice");
    if (space_) return space_->read(address_ + offset, to);
    if (!to.empty()) std::memcpy(to.data(), local_ + offset, to.size());
    return {};
}

Result<void> UserSlice::copy_in(std::uint64_t offset, std::span<const std::byte> from) const {
    HC_CHECK(inside(size_, offset, from.size()), "a copy stays inside its slice");
    if (space_) return space_->write(address_ + offset, from);
    if (!from.empty()) std::memcpy(local_ + offset, from.data(), from.size());
    return {};
}

Result<PinnedBytes> UserSlice::pin(std::uint64_t offset, std::uint64_t size, Access access) const {
    HC_CHECK(inside(size_, offset, size), "a pinned part stays inside its slice");
    if (space_) return space_->pin(address_ + offset, size, access);
    PinnedBytes pinned;
    if (size != 0) pinned.spans.push_back({local_ + offset, size});
    return pinned;
}

Result<UserIn> UserIn::create(AddressSpace& space, std::uint64_t address, std::uint64_t size) {
    TRY(check_range(address, size));
    return UserIn(&space, address, size);
}

UserIn UserIn::local(std::span<const std::byte> bytes) {
    // Only UserOut writes, and none is ever made of a UserIn.
    return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

Result<std::string> UserIn::read_string(std::uint64_t limit) const {
    if (size_ > limit) return fail(Errno::kENAMETOOLONG);
    std::string text(size_, '\0');
    TRY(copy_out(0, std::as_writable_bytes(std::span(text))));
    return text;
}

Result<UserOut> UserOut::create(AddressSpace& space, std::uint64_t address, std::uint64_t size) {
    TRY(check_range(address, size));
    return UserOut(&space, address, size);
}

UserOut UserOut::local(std::span<std::byte> bytes) {
    return {bytes.data(), bytes.size()};
}

Result<std::uint64_t> UserOut::write_common(std::span<const std::byte> from) const {
    const std::uint64_t count = std::min<std::uint64_t>(size_, from.size());
    TRY(copy_in(0, from.first(count)));
    return count;
}

UserIn UserIn::part(std::uint64_t offset, std::uint64_t size) const {
    const std::uint64_t from = std::min(offset, size_);
    const std::uint64_t count = std::min(size, size_ - from);
    return space_ ? UserIn(space_, address_ + from, count) : UserIn(local_ + from, count);
}

UserOut UserOut::part(std::uint64_t offset, std::uint64_t size) const {
    const std::uint64_t from = std::min(offset, size_);
    const std::uint64_t count = std::min(size, size_ - from);
    return space_ ? UserOut(space_, address_ + from, count) : UserOut(local_ + from, count);
}

Result<UserInOut> UserInOut::create(AddressSpace& space, std::uint64_t address, std::uint64_t size) {
    TRY(check_range(address, size));
    return UserInOut(&space, address, size);
}

UserInOut UserInOut::local(std::span<std::byte> bytes) {
    return {bytes.data(), bytes.size()};
}

UserIn UserInOut::in() const {
    return space_ ? UserIn(space_, address_, size_) : UserIn(local_, size_);
}

UserOut UserInOut::out() const {
    return space_ ? UserOut(space_, address_, size_) : UserOut(local_, size_);
}

}  // namespace halfcell::mem
