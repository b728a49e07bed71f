#include "kernel_shim/boot/elf.h"

#include <doctest/doctest.h>
#include <elf.h>

#include <cstring>
#include <string>
#include <vector>

namespace halfcell::boot {
namespace {

// A program with one code and one data segment, to be spoiled by each test.
struct Program {
    Elf64_Ehdr header{};
    std::vector<Elf64_Phdr> segments;
    std::string tail;  // at offset 4096

    Program() {
        std::memcpy(header.e_ident, ELFMAG, SELFMAG);
        header.e_ident[EI_CLASS] = ELFCLASS64;
        header.e_ident[EI_DATA] = ELFDATA2LSB;
        header.e_type = ET_EXEC;
        header.e_machine = EM_X86_64;
        header.e_entry = 0x400100;
        header.e_phoff = sizeof header;
        header.e_phentsize = sizeof(Elf64_Phdr);
        segments.push_back({PT_LOAD, PF_R | PF_X, 0, 0x400000, 0, 4096, 4096, 4096});
        segments.push_back({PT_LOAD, PF_R | PF_W, 4096, 0x401000, 0, 16, 8192, 4096});
    }

    std::vector<std::byte> bytes() {
        header.e_phnum = static_cast<Elf64_Half>(segments.size());
        std::vector<std::byte> file(8192);
        std::memcpy(file.data(), &header, sizeof header);
        std::memcpy(file.data() + sizeof header, segments.data(), segments.size() * sizeof(Elf64_Phdr));
        std::memcpy(file.data() + 4096, tail.data(), tail.size());
        return file;
    }

    ElfProblem problem() {
        const auto file = bytes();
        const auto image = parse_elf(file);
        REQUIRE(!image);
        return image.error();
    }
};

TEST_CASE("a static program is read as it is") {
    Program program;
    const auto file = program.bytes();
    const auto image = parse_elf(file);
    REQUIRE(image);
    CHECK(!image->position_independent);
    CHECK(image->entry == 0x400100);
    REQUIRE(image->segments.size() == 2);
    CHECK(image->segments[0].execute);
    CHECK(!image->segments[0].write);
    CHECK(image->segments[1].write);
    CHECK(image->first_page() == 0x400000);
    CHECK(image->end_page() == 0x403000);
    CHECK(image->program_headers == 0x400000 + sizeof(Elf64_Ehdr));
    CHECK(image->interpreter.empty());
}

TEST_CASE("code that asks to be writable loses the write, as in relibc") {
    Program program;
    program.segments[0].p_flags = PF_R | PF_W | PF_X;
    const auto file = program.bytes();
    const auto image = parse_elf(file);
    REQUIRE(image);
    CHECK(image->segments[0].execute);
    CHECK(!image->segments[0].write);
}

TEST_CASE("the interpreter of a Redox program is read") {
    Program program;
    program.tail = std::string("/lib/ld64.so.1\0", 15);
    program.segments.push_back({PT_INTERP, PF_R, 4096, 0, 0, 15, 15, 1});
    const auto file = program.bytes();
    const auto image = parse_elf(file);
    REQUIRE(image);
    CHECK(image->interpreter == "/lib/ld64.so.1");
}

TEST_CASE("Linux programs are known by their interpreter") {
    Program program;
    program.tail = std::string("/lib64/ld-linux-x86-64.so.2\0", 28);
    program.segments.push_back({PT_INTERP, PF_R, 4096, 0, 0, 28, 28, 1});
    CHECK(program.problem() == ElfProblem::kLinuxProgram);
}

TEST_CASE("Linux programs are known by their ABI note") {
    Program program;
    const std::uint32_t note[] = {4, 16, 1, 0x00554e47, 0, 3, 2, 0};
    program.tail.assign(reinterpret_cast<const char*>(note), sizeof note);
    program.segments.push_back({PT_NOTE, PF_R, 4096, 0, 0, sizeof note, sizeof note, 4});
    CHECK(program.problem() == ElfProblem::kLinuxProgram);

    // The same note for another system is none of our business.
    program.tail[16] = 1;
    const auto file = program.bytes();
    CHECK(parse_elf(file));
}

TEST_CASE("what cannot run is named") {
    Program program;
    SUBCASE("not ELF") {
        program.header.e_ident[0] = '#';
        CHECK(program.problem() == ElfProblem::kNotElf);
    }
    SUBCASE("32 bits") {
        program.header.e_ident[EI_CLASS] = ELFCLASS32;
        CHECK(program.problem() == ElfProblem::kNot64Bit);
    }
    SUBCASE("another machine") {
        program.header.e_machine = EM_AARCH64;
        CHECK(program.problem() == ElfProblem::kWrongMachine);
    }
    SUBCASE("an object file") {
        program.header.e_type = ET_REL;
        CHECK(program.problem() == ElfProblem::kNotExecutable);
    }
    SUBCASE("headers beyond the file") {
        program.header.e_phoff = 1 << 20;
        CHECK(program.problem() == ElfProblem::kTruncated);
    }
    SUBCASE("header offset that wraps") {
        program.header.e_phoff = UINT64_MAX - 8;
        CHECK(program.problem() == ElfProblem::kTruncated);
    }
    SUBCASE("a segment beyond the file") {
        program.segments[1].p_filesz = 8192;
        CHECK(program.problem() == ElfProblem::kTruncated);
    }
    SUBCASE("more in the file than in memory") {
        program.segments[1].p_memsz = 8;
        CHECK(program.problem() == ElfProblem::kBadSegment);
    }
    SUBCASE("a segment that wraps the address space") {
        program.segments[1].p_vaddr = UINT64_MAX - 4095;
        CHECK(program.problem() == ElfProblem::kBadSegment);
    }
    SUBCASE("a segment over the stub") {
        program.segments[1].p_vaddr = 0x7fffe0000000;
        CHECK(program.problem() == ElfProblem::kBadSegment);
    }
    SUBCASE("a segment that reaches into the stub") {
        program.segments[1].p_memsz = 0x7fffe0000000;
        CHECK(program.problem() == ElfProblem::kBadSegment);
    }
    SUBCASE("segments on one page") {
        program.segments[1].p_vaddr = 0x400ff0;
        CHECK(program.problem() == ElfProblem::kSegmentsOverlap);
    }
    SUBCASE("nothing to load") {
        program.segments.clear();
        CHECK(program.problem() == ElfProblem::kNoSegments);
    }
    SUBCASE("entry outside the code") {
        program.header.e_entry = 0x401000;
        CHECK(program.problem() == ElfProblem::kBadEntry);
    }
    SUBCASE("an interpreter without its NUL") {
        program.tail = "/lib/ld64.so.1x";
        program.segments.push_back({PT_INTERP, PF_R, 4096, 0, 0, 15, 15, 1});
        CHECK(program.problem() == ElfProblem::kBadInterpreter);
    }
}

TEST_CASE("every prefix of a program gets an answer") {
    Program program;
    const auto file = program.bytes();
    for (std::size_t size = 0; size < 1024; ++size) {
        const auto image = parse_elf(std::span(file).first(size));
        CHECK(!image);
    }
}

}  // namespace
}  // namespace halfcell::boot
