// Reading, writing and holding guest bytes. Source: kernel:src/syscall/usercopy.rs,
// kernel:src/context/memory.rs correct_inner.

#include <algorithm>
#include <cstring>

#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/mem/address_space_state.h"

namespace halfcell::mem {

namespace {

// Copies up to this size are made under the lock, where the object cannot go away: cheaper than taking and
// dropping a reference.
constexpr std::uint64_t kCopyUnderLock = 4096;

// A part of a guest buffer that lies in one grant and was too large, or not direct enough, to copy at once.
struct Part {
    MemoryRef object;  // null: nothing is left to do for this part
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

// Copies through a process hold the lock no longer than this many bytes take.
constexpr std::uint64_t kCopyThroughProcess = std::uint64_t{256} << 10;

// Finds the grant at `address` and lets `copy` have the bytes in place when that is quick. Where only the
// process has them, `through` copies.
template <typename Copy, typename Through>
Result<Part> next_part(Books& books, machine::Pool& pool, std::uint64_t address, std::uint64_t size,
                       Access access, Copy copy, Through through) {
    const Grant* const grant = books.regions.find(address);
    if (!grant || (access == Access::kWrite && !grant->protection.write)) return fail(Errno::kEFAULT);
    Part part{.object = nullptr,
              .offset = grant->object_offset + (address - grant->range.base),
              .size = std::min(size, grant->range.end() - address)};
    if (grant->copy_on_write) [[unlikely]] {
        part.size = std::min(part.size, kCopyThroughProcess);
        // The process is gone, or the host has no page to give: either way the bytes are not there.
        if (!through(*books.machine, part.size)) return fail(Errno::kEFAULT);
        books.reached_through_process(address, pool);
        return part;
    }
    std::byte* const bytes = part.size <= kCopyUnderLock ? grant->object->direct() : nullptr;
    if (bytes)
        copy(bytes + part.offset, part.size);
    else
        part.object = grant->object;
    return part;
}

}  // namespace

Result<void> AddressSpace::read(std::uint64_t address, std::span<std::byte> to) const {
    while (!to.empty()) {
        const Part part = TRY(state_->books.with([&](Books& books) {
            return next_part(
                books, pool_, address, to.size(), Access::kRead,
                [&](const std::byte* bytes, std::size_t size) { std::memcpy(to.data(), bytes, size); },
                [&](const machine::Machine& machine, std::size_t size) {
                    return machine.read(address, to.first(size));
                });
        }));
        if (part.object) TRY(part.object->read(part.offset, to.first(part.size)));
        to = to.subspan(part.size);
        address += part.size;
    }
    return {};
}

Result<void> AddressSpace::write(std::uint64_t address, std::span<const std::byte> from) {
    while (!from.empty()) {
        const Part part = TRY(state_->books.with([&](Books& books) {
            return next_part(
                books, pool_, address, from.size(), Access::kWrite,
                [&](std::byte* bytes, std::size_t size) { std::memcpy(bytes, from.data(), size); },
                [&](machine::Machine& machine, std::size_t size) {
                    return machine.write(address, from.first(size));
                });
        }));
        if (part.object) TRY(part.object->write(part.offset, from.first(part.size)));
        from = from.subspan(part.size);
        address += part.size;
    }
    return {};
}

namespace {

// What the process alone has is read-only to it: the pages are made writable for the moment.
Result<void> poke_process(machine::Machine& machine, const Grant& grant, std::uint64_t address,
                          std::span<const std::byte> from) {
    if (grant.protection.write) return machine.write(address, from);
    const std::uint64_t begin = machine::page_round_down(address);
    const std::uint64_t end = machine::page_round_up(address + from.size());
    const PageRange pages{begin, end - begin};
    TRY(machine.protect(pages, {.write = true, .execute = grant.protection.execute}));
    const Result<void> written = machine.write(address, from);
    const Result<void> restored = machine.protect(pages, grant.protection);
    // A guest must not keep a right that the books do not have.
    if (!restored) machine.kill();
    return written ? restored : written;
}

// Writes what lies in the grant at `address`; returns how much that was.
Result<std::size_t> poke_part(const Books& books, std::uint64_t address, std::span<const std::byte> from) {
    const Grant* const grant = books.regions.find(address);
    if (!grant) return fail(Errno::kEFAULT);
    if (!grant->protection.write && grant->kind != GrantKind::kPrivate) return fail(Errno::kEFAULT);
    const std::uint64_t rest = grant->range.end() - address;
    const auto part = from.first(std::min({from.size(), rest, kCopyThroughProcess}));
    if (grant->copy_on_write) {
        if (!poke_process(*books.machine, *grant, address, part)) return fail(Errno::kEFAULT);
    } else {
        TRY(grant->object->write(grant->object_offset + (address - grant->range.base), part));
    }
    return part.size();
}

}  // namespace

Result<void> AddressSpace::poke(std::uint64_t address, std::span<const std::byte> from) {
    while (!from.empty()) {
        const std::size_t size =
            TRY(state_->books.with([&](const Books& books) { return poke_part(books, address, from); }));
        from = from.subspan(size);
        address += size;
    }
    return {};
}

Result<PinnedBytes> AddressSpace::pin(std::uint64_t address, std::uint64_t size, Access access) const {
    return state_->books.with([&](const Books& books) -> Result<PinnedBytes> {
        PinnedBytes pinned;
        bool reachable = true;
        auto region = books.regions.first_above(address);
        while (size != 0) {
            if (region == books.regions.end() || !region->second.range.contains(address))
                return fail(Errno::kEFAULT);
            const Grant& grant = region->second;
            if (access == Access::kWrite && !grant.protection.write) return fail(Errno::kEFAULT);
            const std::uint64_t count = std::min(size, grant.range.end() - address);
            std::byte* const bytes = grant.copy_on_write ? nullptr : grant.object->direct();
            reachable = reachable && bytes;
            if (reachable) {
                std::byte* const data = bytes + grant.object_offset + (address - grant.range.base);
                if (!pinned.spans.empty() && pinned.spans.back().data + pinned.spans.back().size == data)
                    pinned.spans.back().size += count;
                else
                    pinned.spans.push_back({data, count});
                if (pinned.objects.empty() || pinned.objects.back() != grant.object)
                    pinned.objects.push_back(grant.object);
            }
            address += count;
            size -= count;
            ++region;
        }
        if (!reachable) {
            pinned.spans.clear();
            pinned.objects.clear();
        }
        return pinned;
    });
}

Result<AddressSpace::Frame> AddressSpace::frame_of(std::uint64_t address) const {
    return state_->books.with([&](const Books& books) -> Result<Frame> {
        const Grant* const grant = books.regions.find(address);
        if (!grant) return fail(Errno::kEFAULT);
        return Frame{grant->object, grant->object_offset + (address - grant->range.base)};
    });
}

Result<AddressSpace::HeldPage> AddressSpace::hold_page(std::uint64_t address) {
    return state_->books.with([&](Books& books) -> Result<HeldPage> {
        const Grant* const grant = TRY(books.shareable_page(address, pool_));
        const std::uint64_t page = machine::page_round_down(address);
        return HeldPage{grant->object, grant->object_offset + (page - grant->range.base)};
    });
}

bool AddressSpace::store_was_held_up(std::uint64_t address, std::uint64_t& moves) const {
    return state_->books.with([&](const Books& books) { return books.held_up(address, moves); });
}

Result<Grant> AddressSpace::grant_at(std::uint64_t address) const {
    return state_->books.with([&](const Books& books) -> Result<Grant> {
        const Grant* const grant = books.regions.find(address);
        if (!grant) return fail(Errno::kEINVAL);
        return *grant;
    });
}

}  // namespace halfcell::mem
