#include "schemes/kernel/memory.h"

#include "tests/unit/schemes/kernel/schemes_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using scheme::DescriptionRef;

namespace {

constexpr std::uint32_t kMemory = 3;
constexpr std::uint64_t kRw = abi::MapFlags::kProtRead | abi::MapFlags::kProtWrite;
constexpr std::uint64_t kShared = abi::MapFlags::kMapShared;

struct MemoryFixture : SchemesFixture {
    Result<std::uint64_t> fmap(const DescriptionRef& file, std::uint64_t offset, std::uint64_t size,
                               std::uint64_t flags, std::uint64_t address = 0) {
        return serving(file).fmap(guest.caller, file->number(), file, *guest.context->address_space(),
                                  {offset, size, flags, address}, false);
    }
    Result<std::uint64_t> translate(const DescriptionRef& file, std::uint64_t& address,
                                    std::size_t size = sizeof(std::uint64_t)) {
        const auto payload = std::as_writable_bytes(std::span(&address, 1)).first(size);
        return serving(file).call(guest.caller, file->number(), mem::UserInOut::local(payload), 0, {});
    }
    // The GrantFlags of the grant at an address.
    std::uint64_t grant_flags(std::uint64_t address) const {
        for (const abi::GrantDesc& grant : guest.context->address_space()->describe())
            if (address >= grant.base && address - grant.base < grant.size) return grant.flags;
        return 0;
    }
};

}  // namespace

// The section "memory scheme names" of recording p2.
TEST_CASE_FIXTURE(MemoryFixture, "oracle p2: memory scheme names") {
    CHECK(error_of(open(kMemory, "", 0)) == "ok");
    CHECK(error_of(open(kMemory, "/zeroed", 0)) == "ok");
    CHECK(error_of(open(kMemory, "zeroed@wb", 0)) == "ok");
    CHECK(error_of(open(kMemory, "zeroed@wc?phys_contiguous", 0)) == "ok");
    CHECK(error_of(open(kMemory, "zeroed?phys_contiguous", 0)) == "ENOENT");
    CHECK(error_of(open(kMemory, "foo", 0)) == "ENOENT");
    const DescriptionRef physical = *open(kMemory, "physical", 0);
    const DescriptionRef translation = *open(kMemory, "translation", 0);
    const DescriptionRef zeroed = *open(kMemory, "zeroed", 0);
    CHECK(error_of(open_at(zeroed, "zeroed", 0)) == "EACCES");
    std::uint64_t address = guest.buffer;
    CHECK(*translate(translation, address) == 0);
    CHECK(address % 4096 == 0);
    address = 0x5550000000;
    CHECK(error_of(translate(translation, address)) == "ENOENT");
    CHECK(error_of(translate(translation, address, 7)) == "EINVAL");
    CHECK(error_of(translate(zeroed, address)) == "EOPNOTSUPP");
    const DescriptionRef contiguous = *open(kMemory, "zeroed@?phys_contiguous", 0);
    const std::string warning =
        "kernel::context::memory:WARN -- Attempted non-power-of-two zeroed_phys_contiguous allocation, "
        "rounding up to next power of two.\n";
    CHECK(error_of(fmap(contiguous, 0, 0x3000, kRw)) == "ok");
    CHECK(log->text() == warning);
    CHECK(error_of(fmap(contiguous, 0, 0x3000, kRw | kShared)) == "EOPNOTSUPP");
    CHECK(log->text() == warning);
    CHECK(error_of(fmap(contiguous, 0, 1025 * 4096, kRw)) == "ENOMEM");
    CHECK(log->text() == warning + warning);
    CHECK(error_of(fmap(physical, 0x200000, 4096, abi::MapFlags::kProtRead)) == "ok");
    CHECK(error_of(fmap(physical, 0xfee00000, 4096, abi::MapFlags::kProtRead)) == "ok");
    CHECK(error_of(fmap(physical, 0xb8000, 4097, abi::MapFlags::kProtRead)) == "EINVAL");
    CHECK(log->text() == warning + warning +
                             "kernel::scheme::memory:WARN -- physmap size 4097 is not multiple of PAGE_SIZE "
                             "4096\n");
    CHECK(error_of(fmap(translation, 0, 4096, abi::MapFlags::kProtRead)) == "EOPNOTSUPP");
    CHECK(read_text(zeroed, 1) == "error EBADF");
    CHECK(error_of(dup(zeroed, "x")) == "EOPNOTSUPP");
    CHECK(error_of(serving(zeroed).fsize(guest.caller, zeroed->number())) == "ESPIPE");
}

TEST_CASE_FIXTURE(MemoryFixture, "oracle p2: fmap argument rules") {
    const DescriptionRef zeroed = *open(kMemory, "zeroed", 0);
    CHECK(error_of(fmap(*kernel.schemes.open_root(SchemeId{kMemory}), 0, 4096, kRw)) == "EBADF");
    CHECK(error_of(fmap(zeroed, 77, 4096, kRw)) == "ok");
    CHECK(error_of(fmap(zeroed, 0, 4095, kRw)) == "EINVAL");
    CHECK(error_of(fmap(zeroed, 0, 0, kRw)) == "EINVAL");
    CHECK(error_of(fmap(zeroed, 0, 4096, kRw, 0x1001)) == "EINVAL");
    CHECK(error_of(fmap(zeroed, 0, 4096, 0xF0000020 | kRw)) == "ok");
}

TEST_CASE_FIXTURE(MemoryFixture, "further names") {
    CHECK(error_of(open(kMemory, std::string(65, '/'))) == "ENOENT");
    CHECK(error_of(open(kMemory, std::string(64, '/'))) == "ok");
    CHECK(error_of(open(kMemory, "zeroed@uc?,,phys_contiguous,")) == "ok");
    CHECK(error_of(open(kMemory, "zeroed@dev?bogus")) == "ENOENT");
    CHECK(error_of(open(kMemory, "zeroed@xx")) == "ENOENT");
    CHECK(error_of(open(kMemory, "@wb")) == "ok");
    const DescriptionRef root_again = *open(kMemory, "scheme-root");
    CHECK(error_of(open_at(root_again, "zeroed")) == "ok");
    CHECK((*open(kMemory, "translation@dev?phys_contiguous"))->number().value() == 0x10302);
}

TEST_CASE_FIXTURE(MemoryFixture, "other users may open plain memory only") {
    Guest user(kernel, pool, machines);
    auto attributes = user.context->attributes();
    attributes.euid = 1000;
    user.context->set_attributes(attributes);
    const scheme::Caller caller = user.context->caller();
    const auto try_open = [&](std::string_view name) {
        return error_of(scheme(kMemory)->openat(caller, HandleNumber{UINT64_MAX}, name, 0, 0));
    };
    CHECK(try_open("zeroed") == "ok");
    CHECK(try_open("zeroed@wb") == "ok");
    CHECK(try_open("zeroed@wc") == "EACCES");
    CHECK(try_open("zeroed@?phys_contiguous") == "EACCES");
    CHECK(try_open("physical") == "EACCES");
    CHECK(try_open("translation") == "EACCES");
    CHECK(try_open("scheme-root") == "ok");
    CHECK(try_open("foo") == "ENOENT");
}

TEST_CASE_FIXTURE(MemoryFixture, "mappings have the kind their name asks for") {
    using abi::GrantFlags;
    const std::uint64_t plain = *fmap(*open(kMemory, "zeroed"), 0, 4096, kRw);
    CHECK(grant_flags(plain) == (GrantFlags::kGrantRead | GrantFlags::kGrantWrite));
    const std::uint64_t shared = *fmap(*open(kMemory, "zeroed"), 0, 4096, kRw | kShared);
    CHECK((grant_flags(shared) & GrantFlags::kGrantShared) != 0);
    const std::uint64_t contiguous = *fmap(*open(kMemory, "@?phys_contiguous"), 0, 4096, kRw);
    CHECK((grant_flags(contiguous) & GrantFlags::kGrantPhysContiguous) != 0);
    const std::uint64_t physical = *fmap(*open(kMemory, "physical"), 0xb8000, 4096, kRw);
    CHECK((grant_flags(physical) & GrantFlags::kGrantPhys) != 0);
    std::array<std::byte, 16> bytes{};
    CHECK(error_of(guest.context->address_space()->read(physical, bytes)) == "ok");
    CHECK(bytes == std::array<std::byte, 16>{});
}

TEST_CASE_FIXTURE(MemoryFixture, "physical memory: bad ranges, and none of the guests' own") {
    const DescriptionRef physical = *open(kMemory, "physical");
    CHECK(error_of(fmap(physical, 0, 4096, kRw)) == "EINVAL");
    CHECK(error_of(fmap(physical, 0x1001, 4096, kRw)) == "EINVAL");
    CHECK(error_of(fmap(physical, 0x1000, 0, kRw)) == "EINVAL");
    CHECK(error_of(fmap(physical, std::uint64_t{1} << 52, 4096, kRw)) == "EINVAL");
    CHECK(error_of(fmap(physical, ~std::uint64_t{4095}, 8192, kRw)) == "EINVAL");
    std::uint64_t address = guest.buffer + 4096;
    REQUIRE(*translate(*open(kMemory, "translation"), address) == 0);
    CHECK(error_of(fmap(physical, address, 4096, kRw)) == "EPERM");
    using schemes::MemoryScheme;
    CHECK(error_of(fmap(physical, MemoryScheme::kHighMemory - 4096, 8192, kRw)) == "EPERM");
    CHECK(error_of(fmap(physical, MemoryScheme::kHighMemory - 4096, 4096, kRw)) == "ok");
    CHECK(error_of(fmap(physical, MemoryScheme::kLowMemory, 4096, kRw)) == "EPERM");
    CHECK(error_of(fmap(physical, MemoryScheme::kLowMemory - 4096, 4096, kRw)) == "ok");
    CHECK(error_of(fmap(physical, MemoryScheme::kDeviceHole - 4096, 8192, kRw)) == "EPERM");
    CHECK(error_of(fmap(physical, MemoryScheme::kDeviceHole, 4096, kRw)) == "ok");
    CHECK(error_of(fmap(physical, 0x1000, MemoryScheme::kHighMemory - 0x1000, kRw)) == "EPERM");
}

TEST_CASE_FIXTURE(MemoryFixture, "translations are stable and tell pages apart") {
    const DescriptionRef translation = *open(kMemory, "translation");
    std::uint64_t first = guest.buffer, again = guest.buffer + 17, second = guest.buffer + 4096;
    translate(translation, first);
    translate(translation, again);
    translate(translation, second);
    CHECK(first == again);
    CHECK(second == first + 4096);
    const auto payload = *mem::UserInOut::create(*guest.context->address_space(), kWild, 8);
    CHECK(error_of(serving(translation).call(guest.caller, translation->number(), payload, 0, {})) ==
          "EFAULT");
}

TEST_CASE_FIXTURE(MemoryFixture, "physical maps into the caller's own space, whatever was asked for") {
    const auto target = mem::AddressSpace::create(pool, machines);
    const DescriptionRef physical = *open(kMemory, "physical");
    const std::uint64_t address = *serving(physical).fmap(guest.caller, physical->number(), physical, *target,
                                                          {0xb8000, 4096, kRw, 0x500000000}, false);
    CHECK(target->describe().empty());
    CHECK((grant_flags(address) & abi::GrantFlags::kGrantPhys) != 0);
}

TEST_CASE_FIXTURE(MemoryFixture, "metadata") {
    const DescriptionRef zeroed = *open(kMemory, "zeroed");
    abi::StatVfs stat{};
    const auto to = mem::UserOut::local(std::as_writable_bytes(std::span(&stat, 1)));
    pool.set_limit(100 * 4096);
    CHECK(error_of(serving(zeroed).fstatvfs(guest.caller, zeroed->number(), to)) == "ok");
    CHECK(stat.f_bsize == 4096);
    CHECK(stat.f_blocks == 100);
    CHECK(stat.f_bfree == 98);
    CHECK(stat.f_bavail == 98);
    CHECK(error_of(serving(zeroed).fstatvfs(guest.caller, zeroed->number(), guest.out(31))) == "EINVAL");
    CHECK(*fpath(zeroed) == "/scheme/memory/");
    CHECK(error_of(fstat(zeroed)) == "EBADF");
    DescriptionRef root = *kernel.schemes.open_root(SchemeId{kMemory});
    CHECK(error_of(root.close()) == "ok");
}
