#include "kernel_shim/gdb/library_list.h"

#include <doctest/doctest.h>

#include <cstring>

#include "abi/auxv.h"
#include "tests/support/fake_debug_target.h"

using namespace halfcell;
using namespace halfcell::gdb;

namespace {

constexpr std::uint64_t kBias = test::FakeDebugTarget::kMemory;
constexpr std::uint64_t kHeaders = kBias + 0x40;
constexpr std::uint64_t kDynamicSection = kBias + 0x200;
constexpr std::uint64_t kHead = kBias + 0x300;
constexpr std::uint64_t kMaps = kBias + 0x400;
constexpr std::uint64_t kNames = kBias + 0x800;

// A PIE in memory, with a linker's list of three.
struct LinkedProgram {
    test::FakeDebugTarget target;

    LinkedProgram() {
        const std::uint64_t auxiliary[] = {abi::Auxv::kPhdr, kHeaders, abi::Auxv::kPhnum, 2,
                                           abi::Auxv::kNull, 0};
        target.auxiliary.assign(reinterpret_cast<const char*>(auxiliary), sizeof auxiliary);
        words(kHeaders, {6, 0, kHeaders - kBias, 0, 0, 0, 0});              // PT_PHDR
        words(kHeaders + 56, {2, 0, kDynamicSection - kBias, 0, 0, 0, 0});  // PT_DYNAMIC
        words(kDynamicSection, {1, 0, 21, kHead, 0, 0});                    // DT_NEEDED, DT_DEBUG, DT_NULL
        for (std::uint64_t i = 0; i < 3; ++i) {
            words(map(i), {0x10000 * i, kNames + 0x20 * i, 0x10000 * i + 0x10, i < 2 ? map(i + 1) : 0, 0});
            const std::string name = "/lib/<" + std::to_string(i);
            (void)target.write_memory(1, kNames + 0x20 * i, as_bytes(name));
        }
    }
    static std::uint64_t map(std::uint64_t index) { return kMaps + 0x40 * index; }
    void words(std::uint64_t address, std::initializer_list<std::uint64_t> list) {
        for (const std::uint64_t word : list) {
            REQUIRE(target.write_memory(1, address, std::as_bytes(std::span(&word, 1))));
            address += sizeof word;
        }
    }
    std::string xml() { return library_list_xml(target, 1).value_or("(error)"); }
};

const std::string kEmpty = "<library-list-svr4 version=\"1.0\">\n</library-list-svr4>\n";
const std::string kWhole =
    "<library-list-svr4 version=\"1.0\" main-lm=\"0x1400\" >\n"
    "<library name=\"/lib/&lt;1\" lm=\"0x1440\" l_addr=\"0x10000\" l_ld=\"0x10010\" lmid=\"0x0\" />\n"
    "<library name=\"/lib/&lt;2\" lm=\"0x1480\" l_addr=\"0x20000\" l_ld=\"0x20010\" lmid=\"0x0\" />\n"
    "</library-list-svr4>\n";

}  // namespace

TEST_CASE("libraries are found where debuggers look, and behind a lock") {
    LinkedProgram program;
    program.words(kHead, {1, LinkedProgram::map(0)});
    CHECK(program.xml() == kWhole);
    for (const std::uint64_t lock : {0, 1}) {
        program.words(kHead, {lock, 1, LinkedProgram::map(0)});
        CHECK(program.xml() == kWhole);
    }
}

TEST_CASE("before the linker has begun there are no libraries") {
    LinkedProgram program;
    program.words(kHead, {0, 1, 0});
    CHECK(program.xml() == kEmpty);
    program.words(kDynamicSection, {1, 0, 21, 0, 0, 0});
    CHECK(program.xml() == kEmpty);
    program.words(kHeaders + 56, {1});
    CHECK(program.xml() == kEmpty);
    program.target.auxiliary.clear();
    CHECK(program.xml() == kEmpty);
}

TEST_CASE("a list without an end, or with none, ends") {
    LinkedProgram program;
    program.words(kHead, {1, LinkedProgram::map(0)});
    program.words(LinkedProgram::map(2) + 24, {LinkedProgram::map(1)});
    CHECK(program.xml().size() < 200'000);
    program.words(LinkedProgram::map(2) + 24, {0xdead0000});
    CHECK(program.xml() == kWhole);
}
