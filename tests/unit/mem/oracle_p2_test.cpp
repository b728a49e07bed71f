// Replays what the recording p2 of the real kernel says about memory: every call of the probe that concerns
// address spaces, in its order, and the answers word for word.

#include <doctest/doctest.h>

#include <array>
#include <cstdio>
#include <string>

#include "abi/flags.h"
#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/mem/map_request.h"
#include "tests/support/fake_machine.h"

namespace halfcell::mem {
namespace {

constexpr std::uint64_t PX = abi::MapFlags::kProtExec;
constexpr std::uint64_t PW = abi::MapFlags::kProtWrite;
constexpr std::uint64_t PR = abi::MapFlags::kProtRead;
constexpr std::uint64_t MSH = abi::MapFlags::kMapShared;
constexpr std::uint64_t MPRIV = abi::MapFlags::kMapPrivate;
constexpr std::uint64_t MFIX = abi::MapFlags::kMapFixed;
constexpr std::uint64_t MFNR = abi::MapFlags::kMapFixedNoreplace;
constexpr std::uint64_t kSecondStretch = 0x7ff000000000;

// Numbers as the probe prints them: small ones in decimal.
std::string number(std::uint64_t value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), value > 65536 ? "0x%lx" : "%lu",
                  static_cast<unsigned long>(value));
    return text.data();
}

class Probe {
  public:
    test::FakePool pool;
    test::FakeMachineFactory factory;
    std::shared_ptr<AddressSpace> space = AddressSpace::create(pool, factory);

    Probe() {
        // The first context: its image, and the kernel's metadata at the very top.
        MapRequest image{.address = 0x1000, .size = 0x78000, .placement = Placement::kFixed};
        image.protection = {.write = true, .execute = true};
        REQUIRE(space->map(image, {}).has_value());
        MapRequest metadata{.address = 0x7fffffffc000, .size = 0x4000, .placement = Placement::kFixed};
        REQUIRE(space->map(metadata, {}).has_value());
        REQUIRE(space->machine().has_value());
    }

    std::string answer(const Result<std::uint64_t>& result) {
        CHECK(factory.last->difference(*space) == "");
        return result ? number(*result) : abi::errno_name(result.error());
    }
    Result<std::uint64_t> map(GrantKind kind, std::uint64_t size, std::uint64_t flags,
                              std::uint64_t address) {
        const abi::Map map{.offset = 0, .size = size, .flags = flags, .address = address};
        const MapRequest request = TRY(map_request(map, RangeRule::kSpan));
        last = TRY(space->map(request, {.kind = kind}));
        return last;
    }
    std::string anon(std::uint64_t size, std::uint64_t flags, std::uint64_t address = 0) {
        return answer(map(anonymous_kind(flags), size, flags, address));
    }
    std::string funmap(std::uint64_t address, std::uint64_t size) {
        const auto run = [&]() -> Result<std::uint64_t> {
            const std::uint64_t rounded = machine::page_round_up(size);
            const PageRange range = TRY(validate_range(address, rounded, RangeRule::kSpan));
            TRY(space->unmap(range));
            return 0;
        };
        return answer(run());
    }
    std::string mprotect(std::uint64_t address, std::uint64_t size, std::uint64_t flags) {
        const auto run = [&]() -> Result<std::uint64_t> {
            const PageRange range = TRY(validate_range(address, size, RangeRule::kSpan));
            TRY(space->protect(range, protection_of(flags)));
            return 0;
        };
        return answer(run());
    }
    // A thread that touches an address: "ok", or the fault's error code and address as the probe prints them.
    std::string crash(char how, std::uint64_t address) {
        const test::FakeMachine& machine = *factory.last;
        const bool present = machine.mapped(address);
        const bool good = how == 'r'   ? present
                          : how == 'w' ? machine.writable(address)
                                       : machine.executable(address);
        if (good) return "status 3";
        const int code = 4 + (present ? 1 : 0) + (how == 'w' ? 2 : 0) + (how == 'x' ? 16 : 0);
        return "code " + std::to_string(code) + " addr " + number(address);
    }
    std::string grants() {
        std::string text;
        for (const abi::GrantDesc& grant : space->describe()) {
            std::array<char, 128> line{};
            std::snprintf(line.data(), line.size(), "grant 0x%lx size 0x%lx flags 0x%lx off 0x%lx\n",
                          static_cast<unsigned long>(grant.base), static_cast<unsigned long>(grant.size),
                          static_cast<unsigned long>(grant.flags), static_cast<unsigned long>(grant.offset));
            text += line.data();
        }
        return text;
    }
    std::string lowest(std::uint64_t address) {
        const auto run = [&]() -> Result<std::uint64_t> {
            TRY(space->set_lowest_mappable(address));
            return 8;
        };
        return answer(run());
    }

    std::uint64_t last = 0;
};

void placement(Probe& p) {
    CHECK(p.anon(4096, PR | PW) == "0x79000");
    CHECK(p.anon(4096, PR | PW, 0x500000000) == "0x7a000");
    CHECK(p.anon(0x3000, PR | PW) == "0x7b000");
    CHECK(p.anon(0x1000, PR | PW) == "0x7e000");
    CHECK(p.grants() ==
          "grant 0x1000 size 0x78000 flags 0x7 off 0xffffffffffffffff\n"
          "grant 0x79000 size 0x6000 flags 0x3 off 0xffffffffffffffff\n"
          "grant 0x7fffffffc000 size 0x4000 flags 0x1 off 0xffffffffffffffff\n");
    CHECK(p.funmap(0x7a000, 4096) == "0");
    CHECK(p.anon(0x2000, PR | PW, 0x7a000) == "0x7f000");
    CHECK(p.anon(0x1000, PR | PW) == "0x7a000");
    CHECK(p.funmap(0x7b000, 0x3000) == "0");
    CHECK(p.anon(0x1000, PR | PW | MSH) == "0x7b000");
    CHECK(p.anon(0x2000, PR) == "0x7c000");
    CHECK(p.grants() ==
          "grant 0x1000 size 0x78000 flags 0x7 off 0xffffffffffffffff\n"
          "grant 0x79000 size 0x2000 flags 0x3 off 0xffffffffffffffff\n"
          "grant 0x7b000 size 0x1000 flags 0xb off 0xffffffffffffffff\n"
          "grant 0x7c000 size 0x2000 flags 0x1 off 0xffffffffffffffff\n"
          "grant 0x7e000 size 0x3000 flags 0x3 off 0xffffffffffffffff\n"
          "grant 0x7fffffffc000 size 0x4000 flags 0x1 off 0xffffffffffffffff\n");
}

void argument_rules(Probe& p) {
    CHECK(p.anon(0, PR) == "EINVAL");
    CHECK(p.anon(4095, PR) == "EINVAL");
    CHECK(p.anon(4097, PR) == "EINVAL");
    CHECK(p.anon(4096, PR, 0x1001) == "EINVAL");
    CHECK(p.anon(4096, PR, 0x7ffffffff000) == "0x81000");
    CHECK(p.anon(4096, PR | MFIX, 0x800000000000) == "EINVAL");
    CHECK(p.anon(4096, PR | MFIX, 0x7ffffffff000) == "0x7ffffffff000");
    CHECK(p.anon(0x800000000000, PR) == "ENOMEM");
    CHECK(p.anon(0x7ff000000000, PR) == "0x82000");
    CHECK(p.funmap(0x7ff000000000, 0) == "EINVAL");
    CHECK(p.anon(4096, 0x20 | PR | PW) == "0x7ff000082000");
    CHECK(p.anon(4096, 0) == "0x7ff000083000");
    CHECK(p.anon(4096, 8 | PR, 0x600000000) == "0x7ff000084000");
    CHECK(p.anon(4096, PR | MFNR, 0x1000) == "EEXIST");
    CHECK(p.anon(4096, PR | PW | MFIX, 0) == "0");
    const std::uint32_t seven = 7;
    CHECK(p.factory.last->store(0, std::as_bytes(std::span(&seven, 1))).has_value());
    std::uint32_t back = 0;
    CHECK(p.space->read(0, std::as_writable_bytes(std::span(&back, 1))).has_value());
    CHECK(back == 7);
    CHECK(p.funmap(0, 4096) == "0");
    CHECK(p.anon(4096, PR | PW | MSH | MPRIV) == "0x7ff000085000");
    CHECK(p.anon(4096, PR | PW) == "0x7ff000086000");  // fmap(~0UL,123,4096,PR|PW,0)
    CHECK(p.anon(4096, PR | PW) == "0x7ff000087000");  // fmap(z,77,4096,PR|PW,0)
    CHECK(p.anon(4095, PR | PW) == "EINVAL");          // fmap(z,0,4095,PR|PW,0)
    CHECK(p.anon(4096, 0xF0000020 | PR) == "0x7ff000088000");
}

void memory_scheme(Probe& p) {
    CHECK(p.answer(p.map(GrantKind::kContiguous, 0x3000, PR | PW, 0)) == "0x7ff000089000");
    CHECK(p.answer(p.map(GrantKind::kPhysical, 4096, PR, 0)) == "0x7ff00008c000");
    CHECK(p.answer(p.map(GrantKind::kPhysical, 4096, PR, 0)) == "0x7ff00008d000");
}

void protections(Probe& p) {
    p.anon(4096, 0);
    const std::uint64_t pn = p.last;
    CHECK(p.crash('r', pn) == "status 3");
    CHECK(p.crash('w', pn) == "code 7 addr 0x7ff00008e000");
    CHECK(p.crash('x', pn) == "code 21 addr 0x7ff00008e000");
    p.anon(4096, PR);
    const std::uint64_t pr = p.last;
    CHECK(p.crash('w', pr) == "code 7 addr 0x7ff00008f000");
    p.anon(4096, PW);
    CHECK(p.crash('r', p.last) == "status 3");
    CHECK(p.crash('r', 0x123456000) == "status 3");
    CHECK(p.crash('w', 0x123456000) == "code 7 addr 0x123456000");
    CHECK(p.crash('x', 0x123456000) == "code 21 addr 0x123456000");
    std::array<std::byte, 5> bytes{};
    CHECK(p.space->read(pn, bytes).has_value());
    CHECK(p.space->write(pr, bytes).error() == Errno::kEFAULT);
    p.anon(0x10000000, PR | PW);
    CHECK(p.space->read(p.last + 0x8000000, bytes).has_value());
    CHECK(p.space->write(p.last + 0x9000000, bytes).has_value());
}

void funmap(Probe& p) {
    CHECK(p.funmap(0x5550000000, 0x10000) == "0");
    p.anon(0x4000, PR | PW);
    const std::uint64_t g = p.last;
    CHECK(g == 0x5550000000);
    CHECK(p.funmap(g + 0x1000, 1) == "0");
    CHECK(p.funmap(g, 0) == "EINVAL");
    CHECK(p.funmap(g + 1, 4096) == "EINVAL");
    CHECK(p.funmap(0x7ffffffff000, 0x2000) == "EINVAL");
    CHECK(p.funmap(0x7ffffffff000, UINT64_MAX) == "EINVAL");
    CHECK(p.funmap(g, UINT64_MAX) == "EINVAL");
    CHECK(p.funmap(g, 0x3001) == "0");
    CHECK(p.funmap(0xffff800000000000, 4096) == "EINVAL");
    CHECK(p.crash('r', g + 0x3000) == "code 4 addr 0x5550003000");
}

void mprotect(Probe& p) {
    CHECK(p.mprotect(0x5550000000, 0x10000, PR) == "0");
    CHECK(p.mprotect(0x5550000000, 0x1001, PR) == "EINVAL");
    CHECK(p.mprotect(0x5550000001, 0x1000, PR) == "EINVAL");
    CHECK(p.mprotect(0x5550000000, 0, PR) == "EINVAL");
    CHECK(p.mprotect(0x7ffffffff000, 0x2000, PR) == "EINVAL");
    CHECK(p.mprotect(0x5550000000, 0x1000, UINT64_MAX) == "0");
    p.anon(0x3000, PR | PW | MSH);
    const std::uint64_t m = p.last;
    CHECK(p.mprotect(m, 0x1000, PR) == "0");
    CHECK(p.mprotect(m, 0x1000, PR | PW) == "EACCES");
    CHECK(p.mprotect(m, 0x3000, PR | PW | PX) == "EACCES");
    CHECK(p.mprotect(m + 0x1000, 0x1000, PR | PW) == "0");
    CHECK(p.mprotect(m + 0x1000, 0x1000, PR | PX) == "EACCES");
    p.anon(0x3000, PR);
    const std::uint64_t q = p.last;
    CHECK(p.mprotect(q, 0x1000, PR | PW) == "0");
    const std::byte nine{9};
    CHECK(p.factory.last->store(q, std::span(&nine, 1)).has_value());
    CHECK(p.mprotect(q, 0x1000, PR | PX) == "0");
    p.anon(0x1000, PR | PW);
    const std::uint64_t w = p.last;
    CHECK(p.crash('x', w) == "code 21 addr 0x5550006000");
    CHECK(p.mprotect(w, 4096, PR | PX) == "0");
    CHECK(p.crash('x', w) == "status 3");
    CHECK(p.crash('w', w) == "code 7 addr 0x5550006000");
    CHECK(p.mprotect(w, 4096, PR | PW) == "0");
    // The real kernel lets this page be executed until its first write, because it hands out WRITE in the
    // fault handler; here both rights change at once.
    CHECK(p.crash('x', w) == "code 21 addr 0x5550006000");
    CHECK(p.crash('w', w) == "status 3");
}

void lowest_address(Probe& p) {
    CHECK(p.space->lowest_mappable() == 4096);
    CHECK(p.lowest(0x1001) == "EINVAL");
    CHECK(p.lowest(0x40000000) == "8");
    CHECK(p.anon(4096, PR) == "0x5550007000");
    CHECK(p.anon(0x1000, PR | MFIX, 0) == "0");
    CHECK(p.lowest(machine::kUserEnd) == "8");
    CHECK(p.anon(4096, PR) == "ENOMEM");
    CHECK(p.lowest(machine::kUserEnd + 4096) == "EINVAL");
    CHECK(p.lowest(4096) == "8");
    CHECK(p.anon(4096, PR) == "0x5550008000");
}

TEST_CASE("the real kernel's answers of p2 about memory, in its order") {
    Probe probe;
    placement(probe);
    argument_rules(probe);
    CHECK(probe.last >= kSecondStretch);
    memory_scheme(probe);
    protections(probe);
    funmap(probe);
    mprotect(probe);
    lowest_address(probe);
}

}  // namespace
}  // namespace halfcell::mem
