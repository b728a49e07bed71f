// Mapping, unmapping and protecting. Source: kernel:src/context/memory.rs AddrSpace::mmap, munmap_inner,
// mprotect.

#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/mem/address_space_state.h"
#include "kernel_shim/mem/map_request.h"

namespace halfcell::mem {

Result<std::uint64_t> AddressSpace::map(const MapRequest& request, const MapSource& source) {
    const bool anywhere = request.placement == Placement::kAnywhere;
    TRY(validate_range(anywhere ? 0 : request.address, request.size, RangeRule::kSpan));
    MemoryRef object = source.object;
    if (!object) {
        object = TRY(pool_.allocate(request.size));
    } else if (source.object_offset > object->size() ||
               request.size > object->size() - source.object_offset) {
        return fail(Errno::kEINVAL);
    }
    Departed departed;
    return state_->books.with([&](Books& books) -> Result<std::uint64_t> {
        const PageRange range = TRY(books.place(request, departed));
        std::vector<Grant> grants;
        grants.push_back(Grant{.range = range,
                               .kind = source.kind,
                               .protection = request.protection,
                               .object = std::move(object),
                               .object_offset = source.object_offset,
                               .file_offset = source.file_offset,
                               .owner = source.owner});
        TRY(books.install(std::move(grants), departed));
        return range.base;
    });
}

Result<void> AddressSpace::unmap(PageRange range) {
    TRY(validate_range(range.base, range.size, RangeRule::kSpan));
    Departed departed;
    return state_->books.with([&](Books& books) { return books.unmap(range, departed); });
}

Result<void> AddressSpace::protect(PageRange range, Protection protection) {
    TRY(validate_range(range.base, range.size, RangeRule::kSpan));
    return state_->books.with([&](Books& books) { return books.protect(range, protection); });
}

}  // namespace halfcell::mem
