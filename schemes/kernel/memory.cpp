#include "schemes/kernel/memory.h"

#include <unistd.h>

#include <bit>
#include <optional>
#include <string>

#include "kernel_shim/mem/map_request.h"
#include "schemes/common/wire.h"

namespace halfcell::schemes {

using machine::kPageSize;
using scheme::Caller;
using scheme::OpenedHandle;
using scheme::OpenResult;

namespace {

constexpr HandleNumber kRoot{UINT64_MAX};

enum class Type : std::uint8_t { kAllocated = 0, kPhysical = 1, kTranslation = 2 };
enum class Cache : std::uint8_t { kWriteback = 0, kUncacheable = 1, kWriteCombining = 2, kDevice = 3 };

// What a number says: type in the low byte, cache type in the next, flags above. Source: from_raw.
struct Name {
    Type type = Type::kAllocated;
    Cache cache = Cache::kWriteback;
    bool contiguous = false;

    [[nodiscard]] HandleNumber pack() const {
        return HandleNumber{static_cast<std::uint64_t>(type) | static_cast<std::uint64_t>(cache) << 8 |
                            std::uint64_t{contiguous} << 16};
    }
    // EBADF for a number that no name packs to, the root's for one.
    static Result<Name> unpack(HandleNumber number) {
        const std::uint64_t raw = number.value();
        if (raw > UINT32_MAX || (raw & 0xff) > 2 || (raw >> 8 & 0xff) > 3) return fail(Errno::kEBADF);
        return Name{static_cast<Type>(raw & 0xff), static_cast<Cache>(raw >> 8 & 0xff), (raw >> 16 & 1) != 0};
    }
};

struct Split {
    std::string_view before;
    std::string_view after;
};
Split split_once(std::string_view text, char separator) {
    const std::size_t at = text.find(separator);
    if (at == std::string_view::npos) return {text, {}};
    return {text.substr(0, at), text.substr(at + 1)};
}

std::optional<Type> parse_type(std::string_view text) {
    if (text.empty() || text == "zeroed") return Type::kAllocated;
    if (text == "physical") return Type::kPhysical;
    if (text == "translation") return Type::kTranslation;
    return std::nullopt;
}

std::optional<Cache> parse_cache(std::string_view text) {
    if (text.empty() || text == "wb") return Cache::kWriteback;
    if (text == "wc") return Cache::kWriteCombining;
    if (text == "uc") return Cache::kUncacheable;
    if (text == "dev") return Cache::kDevice;
    return std::nullopt;
}

// A comma-separated list in which only phys_contiguous is known; nullopt for anything else.
std::optional<bool> parse_flags(std::string_view text) {
    bool contiguous = false;
    while (!text.empty()) {
        const Split item = split_once(text, ',');
        if (item.before == "phys_contiguous")
            contiguous = true;
        else if (!item.before.empty())
            return std::nullopt;
        text = item.after;
    }
    return contiguous;
}

// Where a byte of an object lies in the made-up physical memory. Objects of one backing file lie apart by
// their offsets in it, files lie apart by their number.
std::uint64_t physical_address(const mem::AddressSpace::Frame& frame) {
    const machine::Backing backing = frame.object->backing();
    const std::uint64_t file = static_cast<std::uint64_t>(backing.file) & 0x7ff;
    const std::uint64_t offset = (backing.offset + frame.offset) & ((std::uint64_t{1} << 40) - 1);
    return MemoryScheme::kHighMemory + (file << 40) + machine::page_round_down(offset);
}

// Whether the page that holds a byte has a frame: one that nobody has touched has none.
bool present(const mem::AddressSpace::Frame& frame) {
    const std::uint64_t page = machine::page_round_down(frame.offset);
    const machine::Extent data = frame.object->next_data(page);
    return data.size != 0 && data.offset < page + kPageSize;
}

mem::MapSource source_of(mem::GrantKind kind, machine::MemoryRef object = nullptr) {
    mem::MapSource source;
    source.kind = kind;
    source.object = std::move(object);
    return source;
}

}  // namespace

MemoryScheme::MemoryScheme(machine::Pool& pool, const task::ContextTable& contexts,
                           std::shared_ptr<KernelLog> log)
    : pool_(pool),
      contexts_(contexts),
      log_(std::move(log)),
      host_memory_(static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * kPageSize) {}

Result<OpenedHandle> MemoryScheme::root() {
    return OpenedHandle{.number = kRoot};
}

Result<OpenResult> MemoryScheme::openat(const Caller& caller, HandleNumber base, std::string_view path,
                                        std::uint64_t, std::uint32_t) {
    if (base != kRoot) return fail(Errno::kEACCES);
    constexpr std::size_t kLongestPath = 64;
    if (path.size() > kLongestPath) return fail(Errno::kENOENT);
    const Split type_and_rest = split_once(without_leading_slashes(path), '@');
    const Split cache_and_flags = split_once(type_and_rest.after, '?');
    if (type_and_rest.before == "scheme-root") return OpenedHandle{.number = kRoot};
    const auto type = parse_type(type_and_rest.before);
    const auto cache = parse_cache(cache_and_flags.before);
    const auto contiguous = parse_flags(cache_and_flags.after);
    if (!type || !cache || !contiguous) return fail(Errno::kENOENT);
    const bool plain = *type == Type::kAllocated && *cache == Cache::kWriteback && !*contiguous;
    if (caller.uid != 0 && !plain) return fail(Errno::kEACCES);
    return OpenedHandle{.number = Name{*type, *cache, *contiguous}.pack()};
}

Result<std::uint64_t> MemoryScheme::call(const Caller& caller, HandleNumber number,
                                         const mem::UserInOut& payload, std::uint64_t,
                                         std::span<const std::uint64_t>) {
    const Name name = TRY(Name::unpack(number));
    if (name.type != Type::kTranslation) return fail(Errno::kEOPNOTSUPP);
    const auto address = TRY(payload.in().read_exact<std::uint64_t>());
    const auto context = TRY(contexts_.find(caller.context));
    const std::shared_ptr<mem::AddressSpace> space = context->address_space();
    if (space == nullptr) return fail(Errno::kESRCH);
    const auto frame = space->frame_of(address);
    if (!frame || !present(*frame)) return fail(Errno::kENOENT);
    TRY(payload.out().write_exact(physical_address(*frame)));
    return 0;
}

// Source: kernel:src/scheme/memory.rs fmap_anonymous, kernel:src/context/memory.rs zeroed_phys_contiguous.
Result<std::uint64_t> MemoryScheme::map_zeroed(mem::AddressSpace& space, const abi::Map& map,
                                               bool contiguous) {
    const mem::MapRequest request = TRY(mem::map_request(map, mem::RangeRule::kSpan));
    if (!contiguous) return space.map(request, source_of(mem::anonymous_kind(map.flags)));
    if ((map.flags & abi::MapFlags::kMapShared) != 0) return fail(Errno::kEOPNOTSUPP);
    // What upstream's frame allocator hands out in one piece.
    constexpr std::uint64_t kLargestPages = 1024;
    const std::uint64_t pages = request.size / kPageSize;
    if (!std::has_single_bit(pages))
        log_->warn(
            "kernel::context::memory",
            "Attempted non-power-of-two zeroed_phys_contiguous allocation, rounding up to next power of "
            "two.");
    if (pages > kLargestPages) return fail(Errno::kENOMEM);
    return space.map(request, source_of(mem::GrantKind::kContiguous));
}

// Source: kernel:src/scheme/memory.rs physmap.
Result<std::uint64_t> MemoryScheme::map_physical(mem::AddressSpace& space, const abi::Map& map) {
    constexpr std::uint64_t kPhysicalEnd = std::uint64_t{1} << 52;
    std::uint64_t end = 0;
    if (__builtin_add_overflow(map.offset, map.size, &end) || end > kPhysicalEnd ||
        !machine::page_aligned(map.offset))
        return fail(Errno::kEINVAL);
    if (!machine::page_aligned(map.size)) {
        log_->warn("kernel::scheme::memory", "physmap size " + std::to_string(map.size) +
                                                 " is not multiple of PAGE_SIZE " +
                                                 std::to_string(kPageSize));
        return fail(Errno::kEINVAL);
    }
    // Upstream panics where the first page is asked for (safer).
    if (map.size == 0 || map.offset == 0) return fail(Errno::kEINVAL);
    const bool low_memory = map.offset < kDeviceHole && end > kLowMemory;
    if (low_memory || end > kHighMemory) return fail(Errno::kEPERM);
    const mem::MapRequest request{.size = map.size, .protection = mem::protection_of(map.flags)};
    machine::MemoryRef bus = TRY(pool_.allocate(map.size));
    return space.map(request, source_of(mem::GrantKind::kPhysical, std::move(bus)));
}

Result<std::uint64_t> MemoryScheme::fmap(const Caller& caller, HandleNumber number,
                                         const scheme::DescriptionRef&, mem::AddressSpace& target,
                                         const abi::Map& map, bool) {
    const Name name = TRY(Name::unpack(number));
    switch (name.type) {
        case Type::kAllocated:
            return map_zeroed(target, map, name.contiguous);
        case Type::kPhysical: {
            const auto context = TRY(contexts_.find(caller.context));
            const std::shared_ptr<mem::AddressSpace> own = context->address_space();
            return map_physical(own != nullptr ? *own : target, map);
        }
        case Type::kTranslation:
            break;
    }
    return fail(Errno::kEOPNOTSUPP);
}

Result<std::uint64_t> MemoryScheme::fpath(const Caller&, HandleNumber, const mem::UserOut& to) {
    return to.write_common("/scheme/memory/");
}

Result<void> MemoryScheme::fstatvfs(const Caller&, HandleNumber, const mem::UserOut& to) {
    const std::uint64_t used = pool_.used();
    const std::uint64_t total = std::max(std::min(pool_.limit(), host_memory_), used);
    abi::StatVfs stat{};
    stat.f_bsize = kPageSize;
    stat.f_blocks = total / kPageSize;
    stat.f_bfree = (total - used) / kPageSize;
    stat.f_bavail = stat.f_bfree;
    return to.write_exact(stat);
}

}  // namespace halfcell::schemes
