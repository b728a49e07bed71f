// links: halfcell_boot
// The ELF reader on random bytes, and on a good program with random bytes of its headers changed: it must
// answer, and whatever it accepts must keep the promises of boot/elf.h.

#include <elf.h>

#include <cstring>
#include <span>
#include <vector>

#include "kernel_shim/base/check.h"
#include "kernel_shim/boot/elf.h"
#include "kernel_shim/machine/page_range.h"

namespace {

using halfcell::boot::ElfImage;

std::vector<std::byte> good_program() {
    std::vector<std::byte> file(8192);
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_EXEC;
    header.e_machine = EM_X86_64;
    header.e_entry = 0x400100;
    header.e_phoff = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 3;
    const Elf64_Phdr segments[3] = {
        {.p_type = PT_LOAD,
         .p_flags = PF_R | PF_X,
         .p_offset = 0,
         .p_vaddr = 0x400000,
         .p_filesz = 4096,
         .p_memsz = 4096},
        {.p_type = PT_LOAD,
         .p_flags = PF_R | PF_W,
         .p_offset = 4096,
         .p_vaddr = 0x401000,
         .p_filesz = 100,
         .p_memsz = 9000},
        {.p_type = PT_INTERP, .p_flags = PF_R, .p_offset = 4200, .p_vaddr = 0, .p_filesz = 15, .p_memsz = 15},
    };
    std::memcpy(file.data(), &header, sizeof header);
    std::memcpy(file.data() + sizeof header, segments, sizeof segments);
    std::memcpy(file.data() + 4200, "/lib/ld64.so.1", 15);
    return file;
}

void check_promises(const ElfImage& image, std::span<const std::byte> file) {
    HC_CHECK(!image.segments.empty(), "accepted without segments");
    std::uint64_t last_page = 0;
    for (const auto& segment : image.segments) {
        HC_CHECK(segment.file_offset + segment.file_size <= file.size(), "segment beyond the file");
        HC_CHECK(segment.file_size <= segment.memory_size, "more in the file than in memory");
        HC_CHECK(segment.first_page() >= last_page, "segments overlap");
        HC_CHECK(segment.end_page() <= halfcell::machine::kReservedBase, "segment outside user space");
        HC_CHECK(!(segment.write && segment.execute), "writable code");
        last_page = segment.end_page();
    }
}

void try_file(std::span<const std::byte> file) {
    const auto image = halfcell::boot::parse_elf(file);
    if (image) check_promises(*image, file);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try_file(std::as_bytes(std::span(data, size)));
    // Triples (offset, offset, value) edit the headers of a good program.
    auto file = good_program();
    for (std::size_t i = 0; i + 2 < size && i < 96; i += 3) {
        const std::size_t at = (data[i] * std::size_t{256} + data[i + 1]) % 256;
        file[at] = std::byte{data[i + 2]};
    }
    try_file(file);
    if (size > 0) try_file(std::span(file).first(data[0] * std::size_t{32} % file.size()));
    return 0;
}
