// Mappings of a server's memory.

#include "tests/unit/user_scheme/user_scheme_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using abi::MapFlags;
using abi::Opcode;

namespace {

struct Fixture : UserSchemeFixture {
    scheme::DescriptionRef file =
        scheme::DescriptionRef::create({.scheme = user, .scheme_id = user->id(), .number = HandleNumber{42}});
    auto map_later(std::uint64_t size, std::uint64_t flags, std::uint64_t offset = 0) {
        return Pending<std::uint64_t>([this, size, flags, offset] {
            abi::Map map{};
            map.offset = offset;
            map.size = size;
            map.flags = flags;
            return user->fmap(client.caller(), HandleNumber{42}, file, *client.space, map, false);
        });
    }
    std::uint64_t mapped(std::uint64_t size, std::uint64_t flags, std::uint64_t server_address) {
        auto call = map_later(size, flags, kPage);
        CHECK(answer(next().tag, server_address));
        const auto address = call.join();
        REQUIRE(address);
        return *address;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a shared mapping shows the server's pages and stores to them") {
    auto call = map_later(kPage + 1, MapFlags::kMapShared | MapFlags::kProtWrite, kPage);
    const abi::Sqe sqe = next();
    CHECK(sqe.opcode == static_cast<std::uint8_t>(Opcode::kMmapPrep));
    CHECK(sqe.args[1] == kPage + 1);
    CHECK(sqe.args[2] == (MapFlags::kMapShared | MapFlags::kProtWrite));
    CHECK(sqe.args[3] == kPage);
    CHECK(answer(sqe.tag, server.buffer));
    const auto address = call.join();
    REQUIRE(address);
    client.put(*address + kPage, "from client");
    CHECK(server.text(server.buffer + kPage, 11) == "from client");
    server.put(server.buffer, "from server");
    CHECK(client.text(*address, 11) == "from server");
    // A mapped file keeps its handle open.
    file = {};
    CHECK_FALSE(queued());
    REQUIRE(client.space->unmap({*address, kPage}));
    const abi::Sqe first = next();
    CHECK(first.opcode == static_cast<std::uint8_t>(Opcode::kMunmap));
    CHECK(first.args[1] == kPage);
    CHECK(first.args[2] == abi::MunmapFlags::kNeedsSync);
    CHECK(first.args[3] == kPage);
    CHECK(first.caller == 77);
    CHECK(answer(first.tag, 0));
    CHECK_FALSE(queued());
    REQUIRE(client.space->unmap({*address + kPage, kPage}));
    CHECK(next().args[3] == 2 * kPage);
    CHECK(next().opcode == static_cast<std::uint8_t>(Opcode::kCloseMsg));
}

TEST_CASE_FIXTURE(Fixture, "a private mapping that can be written is the program's own") {
    server.put(server.buffer, "original");
    const auto address =
        mapped(kPage, MapFlags::kMapPrivate | MapFlags::kProtWrite | MapFlags::kProtRead, server.buffer);
    client.put(address, "changed!");
    CHECK(server.text(server.buffer, 8) == "original");
    const auto read_only = mapped(kPage, MapFlags::kMapPrivate | MapFlags::kProtRead, server.buffer);
    CHECK(client.text(read_only, 8) == "original");
    CHECK(error_of(client.space->protect({read_only, kPage}, {.write = true})) == "EACCES");
}

TEST_CASE_FIXTURE(Fixture, "bad mappings are refused before and after the server is asked") {
    CHECK(error_of(map_later(0, MapFlags::kMapShared).join()) == "EINVAL");
    CHECK(error_of(map_later(kPage, MapFlags::kMapShared, 5).join()) == "EINVAL");
    abi::Map map{};
    map.size = kPage;
    CHECK(error_of(user->fmap(client.caller(), HandleNumber{42}, file, *server.space, map, false)) ==
          "EBUSY");
    CHECK_FALSE(queued());
    const auto answered = [&](std::uint64_t address, std::uint64_t flags) {
        auto call = map_later(2 * kPage, flags);
        CHECK(answer(next().tag, address));
        return error_of(call.join());
    };
    CHECK(answered(server.buffer + 1, MapFlags::kMapShared) == "EINVAL");
    CHECK(answered(server.buffer + (Party::kPages - 1) * kPage, MapFlags::kMapShared) == "EIO");
    CHECK(answered(server.buffer + (Party::kPages - 1) * kPage, MapFlags::kProtWrite) == "EIO");
    CHECK(answered(std::uint64_t{1} << 60, MapFlags::kMapShared) == "EIO");
    CHECK(answered(std::uint64_t{1} << 60, MapFlags::kProtWrite) == "EIO");
    CHECK(answered(abi::mux_error(Errno::kEACCES), MapFlags::kMapShared) == "EACCES");
    CHECK(client.grants() == 1);
}

TEST_CASE_FIXTURE(Fixture, "mappings outlive their server") {
    server.put(server.buffer, "bytes");
    const auto address = mapped(kPage, MapFlags::kMapShared, server.buffer);
    close_socket();
    REQUIRE(server.space->unmap({server.buffer, Party::kPages * kPage}));
    CHECK(client.text(address, 5) == "bytes");
    CHECK(client.space->unmap({address, kPage}));
}
