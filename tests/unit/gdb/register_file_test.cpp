#include "kernel_shim/gdb/register_file.h"

#include <doctest/doctest.h>

#include <cstring>

#include "kernel_shim/gdb/call_names.h"
#include "kernel_shim/syscall/call_table.h"

using namespace halfcell;
using namespace halfcell::gdb;

namespace {

// Every byte another one, but for what is no register.
RegisterSet distinct_registers() {
    RegisterSet registers;
    std::uint64_t next = 0x1122334455660000;
    for (auto* const word : {&registers.general.rax, &registers.general.rbx, &registers.general.r15,
                             &registers.general.rip, &registers.general.fs_base, &registers.general.gs_base})
        *word = ++next;
    registers.general.rflags = 0x246;
    for (std::size_t i = 0; i < registers.floating.size(); ++i)
        registers.floating[i] = static_cast<std::byte>(i * 7 + 1);
    for (std::size_t i = 0; i < registers.upper_halves.size(); ++i)
        registers.upper_halves[i] = static_cast<std::byte>(i * 5 + 3);
    return registers;
}

const RegisterRow& row(const RegisterFile& file, std::string_view name) {
    for (const RegisterRow& candidate : file.rows())
        if (candidate.name == name) return candidate;
    FAIL("no register ", std::string(name));
    return file.rows().front();
}

}  // namespace

TEST_CASE("registers lie where the description says") {
    const RegisterFile file(Vectors::kAvx);
    const RegisterSet registers = distinct_registers();
    const std::string packed = file.pack(registers);
    const auto at = [&](std::string_view name) { return &packed[row(file, name).offset]; };
    CHECK(std::memcmp(at("rax"), &registers.general.rax, 8) == 0);
    CHECK(std::memcmp(at("rip"), &registers.general.rip, 8) == 0);
    CHECK(std::memcmp(at("fs_base"), &registers.general.fs_base, 8) == 0);
    CHECK(std::memcmp(at("st3"), &registers.floating[32 + 3 * 16], 10) == 0);
    CHECK(std::memcmp(at("xmm15"), &registers.floating[160 + 15 * 16], 16) == 0);
    CHECK(std::memcmp(at("mxcsr"), &registers.floating[24], 4) == 0);
    CHECK(std::memcmp(at("ymm15h"), &registers.upper_halves[15 * 16], 16) == 0);
    CHECK(row(file, "ymm15h").offset + 16 == packed.size());
    CHECK(row(file, "rip").offset == 16 * 8);
    CHECK(&file.rows()[kRipNumber] == &row(file, "rip"));
    CHECK(&file.rows()[kRspNumber] == &row(file, "rsp"));
    CHECK(&file.rows()[kRbpNumber] == &row(file, "rbp"));
}

TEST_CASE("what is packed can be unpacked") {
    for (const Vectors vectors : {Vectors::kSse, Vectors::kAvx}) {
        const RegisterFile file(vectors);
        const std::string packed = file.pack(distinct_registers());
        RegisterSet back;
        REQUIRE(file.unpack(packed, back));
        CHECK(file.pack(back) == packed);
        CHECK(back.general.fs_base == distinct_registers().general.fs_base);
        CHECK(file.unpack(packed.substr(1), back).error() == Errno::kEINVAL);
        CHECK(file.unpack(packed + "x", back).error() == Errno::kEINVAL);
    }
}

TEST_CASE("the x87 tag word is the old one, of two bits a register") {
    const RegisterFile file(Vectors::kSse);
    RegisterSet registers;
    auto& image = registers.floating;
    const auto tags = [&] {
        std::uint32_t word = 0;
        std::memcpy(&word, &file.pack(registers)[row(file, "ftag").offset], sizeof word);
        return word;
    };
    CHECK(tags() == 0xffff);  // all empty
    // One value was pushed: it is in register 7, and st0 is where TOP points.
    image[4] = std::byte{0x80};
    image[3] = std::byte{7 << 3};
    CHECK(tags() == 0x7fff);          // zero
    image[32 + 7] = std::byte{0x80};  // integer bit
    image[32 + 9] = std::byte{0x3f};  // exponent
    CHECK(tags() == 0x3fff);          // valid
    image[32 + 7] = std::byte{};
    CHECK(tags() == 0xbfff);  // special
    RegisterSet back;
    REQUIRE(file.unpack(file.pack(registers), back));
    CHECK(back.floating[4] == std::byte{0x80});
}

TEST_CASE("the description has the features of the CPU") {
    const std::string avx = RegisterFile(Vectors::kAvx).target_xml();
    const std::string sse = RegisterFile(Vectors::kSse).target_xml();
    for (const char* const feature : {"core", "sse", "linux", "segments"})
        CHECK(sse.find(std::string("<feature name=\"org.gnu.gdb.i386.") + feature + "\">") !=
              std::string::npos);
    CHECK(sse.find("i386.avx") == std::string::npos);
    CHECK(avx.find("i386.avx") != std::string::npos);
    CHECK(avx.find("<osabi>GNU/Linux</osabi>") != std::string::npos);
    CHECK(avx.find("<reg name=\"rip\" bitsize=\"64\" type=\"code_ptr\" regnum=\"16\"/>") !=
          std::string::npos);
}

TEST_CASE("the names of calls are Redox's") {
    const std::string xml = call_names_xml();
    CHECK(xml.find("<syscall name=\"write\" number=\"4\" groups=\"transfer\"/>") != std::string::npos);
    CHECK(xml.find("name=\"openat\"") != std::string::npos);
    for (const auto& row : syscall::call_rows()) {
        CHECK_MESSAGE(from_gdb_call(to_gdb_call(row.number)) == row.number, std::string(row.name));
        CHECK(from_gdb_call(row.number) == row.number);
        CHECK(to_gdb_call(row.number) < 0x10000);
    }
    CHECK(to_gdb_call(0x12345678) == 0x12345678);
}
