#include "userland/embedded.h"

#include <doctest/doctest.h>
#include <elf.h>

#include <algorithm>
#include <cstring>

using namespace halfcell::userland;

TEST_CASE("every embedded program is a static ELF that the loader can place") {
    const auto programs = embedded_programs();
    CHECK(programs.size() >= 41);
    CHECK(std::is_sorted(programs.begin(), programs.end(),
                         [](const auto& a, const auto& b) { return a.name < b.name; }));
    std::size_t total = 0;
    for (const EmbeddedProgram& program : programs) {
        CAPTURE(program.name);
        total += program.image.size();
        REQUIRE(program.image.size() > sizeof(Elf64_Ehdr));
        Elf64_Ehdr header;
        std::memcpy(&header, program.image.data(), sizeof(header));
        CHECK(std::memcmp(header.e_ident, ELFMAG, SELFMAG) == 0);
        CHECK(header.e_type == ET_EXEC);
        CHECK(header.e_machine == EM_X86_64);
        std::uint64_t end_of_previous = 0;
        for (std::size_t i = 0; i < header.e_phnum; ++i) {
            Elf64_Phdr segment;
            std::memcpy(&segment, program.image.data() + header.e_phoff + i * sizeof(segment),
                        sizeof(segment));
            CHECK(segment.p_type != PT_INTERP);
            CHECK(segment.p_type != PT_NOTE);
            if (segment.p_type != PT_LOAD) continue;
            // Segments must not share a page: each is mapped by itself.
            CHECK(segment.p_vaddr / 4096 * 4096 >= end_of_previous);
            CHECK(segment.p_vaddr >= 0x400000);
            CHECK((segment.p_vaddr - segment.p_offset) % 4096 == 0);
            CHECK((segment.p_flags & (PF_W | PF_X)) != (PF_W | PF_X));
            end_of_previous = (segment.p_vaddr + segment.p_memsz + 4095) / 4096 * 4096;
        }
    }
    CHECK(total < 4 * 1024 * 1024);
}
