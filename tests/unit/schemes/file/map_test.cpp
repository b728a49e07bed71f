// Mapping files, on the host and in memory.

#include "kernel_shim/mem/address_space.h"
#include "kernel_shim/scheme/file_grant_owner.h"
#include "tests/unit/schemes/file/file_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using abi::MapFlags;

namespace {

constexpr std::uint64_t kPage = machine::kPageSize;

struct Mapper {
    explicit Mapper(Guest& owner) : guest(owner) {}
    Result<std::uint64_t> map(HandleNumber number, std::uint64_t size, std::uint64_t flags,
                              std::uint64_t offset = 0) {
        auto description = scheme::DescriptionRef::create({.scheme = guest.scheme,
                                                           .scheme_id = guest.id,
                                                           .number = number,
                                                           .offset = 0,
                                                           .flags = 0,
                                                           .positioned = true});
        return guest.scheme->fmap(guest.caller, number, description, *space,
                                  {.offset = offset, .size = size, .flags = flags, .address = 0}, false);
    }
    std::string bytes(std::uint64_t address, std::size_t size) const {
        std::string text(size, '\0');
        REQUIRE(space->read(address, std::as_writable_bytes(std::span(text))));
        return text;
    }

    Guest& guest;
    FakeMachineFactory machines;
    std::shared_ptr<mem::AddressSpace> space = mem::AddressSpace::create(guest.pool, machines);
};

}  // namespace

TEST_CASE_TEMPLATE("a private mapping is a copy, zero behind the end", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    Mapper mapper(guest);
    guest.make_file("f", std::string(kPage, 'a') + "tail");
    const auto number = guest.open("f", OpenFlags::kRdonly).value();
    const auto address =
        mapper.map(number, kPage + 4, MapFlags::kMapPrivate | MapFlags::kProtRead | MapFlags::kProtWrite);
    REQUIRE(address.has_value());
    CHECK(mapper.bytes(*address + kPage - 1, 6) == std::string("atail\0", 6));
    CHECK(mapper.bytes(*address + 2 * kPage - 1, 1) == std::string(1, '\0'));
    REQUIRE(mapper.space->write(*address, std::as_bytes(std::span("mine", 4))));
    CHECK(guest.content("f").starts_with("aaaa"));
    // A copy does not keep its file open, and the test closes what it has mapped.
    const auto again = guest.open("f", OpenFlags::kRdonly).value();
    const auto second = mapper.map(again, 4, MapFlags::kMapPrivate | MapFlags::kProtRead, kPage).value();
    CHECK(mapper.bytes(second, 5) == std::string("tail\0", 5));
    const auto grants = mapper.space->describe();
    CHECK(grants.size() >= 1);
    // Libc's fork maps what is both in the child again, from the file.
    CHECK((grants[0].flags & (abi::GrantFlags::kGrantScheme | abi::GrantFlags::kGrantShared)) == 0);
    const auto child = mapper.space->clone().value();
    std::string text(4, '\0');
    REQUIRE(child->read(*address, std::as_writable_bytes(std::span(text))));
    CHECK(text == "mine");
}

TEST_CASE_TEMPLATE("a shared mapping and the file are one", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    Mapper mapper(guest);
    guest.make_file("f", "0123456789");
    const auto number = guest.open("f", OpenFlags::kRdwr).value();
    const auto address =
        mapper.map(number, kPage, MapFlags::kMapShared | MapFlags::kProtRead | MapFlags::kProtWrite).value();
    CHECK(mapper.bytes(address, 11) == std::string("0123456789\0", 11));
    // What a fork needs to map the file in the child again.
    const auto shown = mapper.space->describe().at(0);
    CHECK(shown.flags == (abi::GrantFlags::kGrantScheme | abi::GrantFlags::kGrantShared |
                          abi::GrantFlags::kGrantRead | abi::GrantFlags::kGrantWrite));
    CHECK(+shown.offset == 0);
    const mem::Grant grant = mapper.space->grant_at(address).value();
    const auto* const owner = dynamic_cast<const scheme::FileGrantOwner*>(grant.owner.get());
    REQUIRE(owner != nullptr);
    CHECK(owner->description()->number() == number);
    REQUIRE(mapper.space->write(address, std::as_bytes(std::span("MAP", 3))));
    CHECK(guest.content("f") == "MAP3456789");
    const auto other = guest.open("f", OpenFlags::kWronly).value();
    CHECK(guest.write(other, "file", 4) == 4);
    CHECK(mapper.bytes(address, 10) == "MAP3file89");
    CHECK(guest.write(other, "+", 0, OpenFlags::kAppend) == 1);
    CHECK(guest.stat("f").st_size == 11);
    CHECK(mapper.bytes(address + 10, 1) == "+");
    REQUIRE(guest.scheme->ftruncate(guest.caller, number, 3));
    CHECK(mapper.bytes(address, 4) == std::string("MAP\0", 4));
    // Stores behind the end do not make the file longer.
    REQUIRE(mapper.space->write(address + 2, std::as_bytes(std::span("xyz", 3))));
    CHECK(guest.content("f") == "MAx");
}

TEST_CASE("past the end of a file in memory there is memory, as on Redox") {
    InMemory kind;
    Guest guest(kind.volume());
    Mapper mapper(guest);
    guest.make_file("f", "0123456789");
    const auto number = guest.open("f", OpenFlags::kRdwr).value();
    const std::uint64_t flags = MapFlags::kMapShared | MapFlags::kProtRead | MapFlags::kProtWrite;
    const std::uint64_t all = mapper.map(number, 4 * kPage, flags).value();
    const std::uint64_t last = mapper.map(number, kPage, flags, 3 * kPage).value();
    CHECK(mapper.bytes(all + 3 * kPage, 4) == std::string(4, '\0'));
    REQUIRE(mapper.space->write(all + 3 * kPage, std::as_bytes(std::span("past", 4))));
    CHECK(mapper.bytes(last, 4) == "past");
    CHECK(guest.stat("f").st_size == 10);
    CHECK(guest.content("f") == "0123456789");
    // Cutting the file short takes no page away.
    REQUIRE(guest.scheme->ftruncate(guest.caller, number, 1));
    CHECK(mapper.bytes(all, 3) == std::string("0\0\0", 3));
    CHECK(mapper.bytes(last, 4) == std::string(4, '\0'));
    CHECK(guest.write(number, "x", 3 * kPage) == 1);
    CHECK(mapper.bytes(last, 1) == "x");
    CHECK(guest.stat("f").st_size == 3 * kPage + 1);
    // More than the volume could hold is mapped nevertheless.
    CHECK(mapper.map(number, 2 * kMemLimit, flags).has_value());
    CHECK(guest.write(number, "y", 0) == 1);
}

TEST_CASE_TEMPLATE("a mapping keeps the handle open", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_file("f", "x");
    const auto number = guest.open("f", OpenFlags::kRdonly).value();
    {
        Mapper mapper(guest);
        const auto address = mapper.map(number, kPage, MapFlags::kMapShared | MapFlags::kProtRead).value();
        CHECK(guest.read(number) == "x");
        REQUIRE(mapper.space->unmap({address, kPage}));
        CHECK(error_of(guest.read(number)) == Errno::kEBADF);
    }
}

TEST_CASE_TEMPLATE("what cannot be mapped", Kind, OnHost, InMemory) {
    Kind kind;
    Guest guest(kind.volume());
    guest.make_file("f", "x", 0666);
    guest.make_directory("d");
    guest.make_link("l", "f");
    const std::uint64_t read = MapFlags::kMapPrivate | MapFlags::kProtRead;
    const std::uint64_t store = MapFlags::kMapShared | MapFlags::kProtWrite;
    const auto error = [&](const char* path, std::uint64_t flags, std::uint64_t size, std::uint64_t map_flags,
                           std::uint64_t offset = 0) {
        Mapper mapper(guest);
        return error_of(mapper.map(guest.open(path, flags).value(), size, map_flags, offset));
    };
    CHECK(error("f", OpenFlags::kRdonly, 0, read) == Errno::kEINVAL);
    CHECK(error("f", OpenFlags::kRdonly, kPage, read, 1) == Errno::kEINVAL);
    CHECK(error("f", OpenFlags::kRdonly, kPage, read, UINT64_MAX - kPage + 1) == Errno::kEINVAL);
    CHECK(error("f", OpenFlags::kRdonly, kPage, store) == Errno::kEACCES);
    CHECK(error("f", OpenFlags::kWronly, kPage, read) == Errno::kEACCES);
    CHECK(error("f", OpenFlags::kStat, kPage, read) == Errno::kEACCES);
    CHECK(error("d", OpenFlags::kRdonly, kPage, read) == Errno::kEISDIR);
    CHECK(error("l", OpenFlags::kRdonly | OpenFlags::kSymlink, kPage, read) == Errno::kEBADF);
    guest.pool.set_limit(guest.pool.used());
    CHECK(error("f", OpenFlags::kRdonly, kPage, read) == Errno::kENOMEM);
}
