#include "kernel_shim/boot/load_image.h"

namespace halfcell::boot {

namespace {

// Reserves the whole span, so that the kernel chooses one place for all segments, then gives it back.
Result<std::uint64_t> choose_bias(mem::AddressSpace& space, const ElfImage& image) {
    if (!image.position_independent) return 0;
    const std::uint64_t first = image.first_page();
    const std::uint64_t size = image.end_page() - first;
    const std::uint64_t base = TRY(space.map({.size = size}, {.kind = mem::GrantKind::kPrivate}));
    TRY(space.unmap({base, size}));
    // Upstream's exec adds the base to addresses that need not begin at 0: a linker is linked far up, and
    // must not find itself at a bias of 0.
    return base;
}

Result<void> load_segment(mem::AddressSpace& space, machine::Pool& pool, const ElfSegment& segment,
                          std::uint64_t bias, std::span<const std::byte> file) {
    const std::uint64_t first = segment.first_page();
    const std::uint64_t size = segment.end_page() - first;
    machine::MemoryRef bytes = TRY(pool.allocate(size));
    TRY(bytes->write(segment.address - first, file.subspan(segment.file_offset, segment.file_size)));
    TRY(space.map({.address = bias + first,
                   .size = size,
                   .placement = mem::Placement::kFixedNoReplace,
                   .protection = {.write = segment.write, .execute = segment.execute}},
                  {.kind = mem::GrantKind::kPrivate, .object = std::move(bytes)}));
    return {};
}

}  // namespace

Result<LoadedImage> load_image(mem::AddressSpace& space, machine::Pool& pool, const ElfImage& image,
                               std::span<const std::byte> file) {
    const std::uint64_t bias = TRY(choose_bias(space, image));
    for (const ElfSegment& segment : image.segments)
        TRY(load_segment(space, pool, segment, bias, file));
    return LoadedImage{.bias = bias,
                       .entry = bias + image.entry,
                       .program_headers = image.program_headers == 0 ? 0 : bias + image.program_headers};
}

}  // namespace halfcell::boot
