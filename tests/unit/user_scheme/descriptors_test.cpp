// Descriptors on their way through a user scheme.

#include "tests/unit/user_scheme/user_scheme_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using abi::CqeOpcode;
using abi::Opcode;

namespace {

constexpr HandleNumber kHandle{42};

struct Fixture : UserSchemeFixture {
    auto send_later(std::size_t count) {
        std::vector<scheme::DescriptionRef> files;
        for (std::size_t i = 0; i < count; ++i)
            files.push_back(other.open(100 + i));
        sent = std::move(files);
        return Pending<std::uint64_t>(
            [this] { return user->fd_write(client.caller(), kHandle, std::move(sent), 0, 5, {}); });
    }
    auto receive_later(std::uint64_t room) {
        return Pending<std::vector<scheme::DescriptionRef>>(
            [this, room] { return user->fd_read(client.caller(), kHandle, room, 0, {}); });
    }
    auto obtain(std::uint64_t tag, std::uint64_t room) {
        const std::uint64_t words[] = {0, tag};
        return manager->fd_read(server.caller(), socket, room, 0, words);
    }
    auto move(std::uint64_t tag, std::vector<scheme::DescriptionRef>& files) {
        const std::uint64_t words[] = {1, tag};
        return manager->fd_write(server.caller(), socket, std::move(files), 0, 0, words);
    }
    RegisteredScheme<> other;
    std::vector<scheme::DescriptionRef> sent;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "sent descriptors wait with the request until the server fetches them") {
    auto call = send_later(2);
    const abi::Sqe sqe = next();
    CHECK(sqe.opcode == static_cast<std::uint8_t>(Opcode::kSendfd));
    CHECK(sqe.args[1] == 0);
    CHECK(sqe.args[2] == 5);
    CHECK(sqe.args[3] == 2);
    // All or nothing.
    CHECK(error_of(obtain(sqe.tag, 8)) == "EINVAL");
    CHECK(error_of(obtain(sqe.tag, 24)) == "EINVAL");
    CHECK(error_of(obtain(sqe.tag, 17)) == "EINVAL");
    CHECK(error_of(obtain(sqe.tag + 1, 16)) == "EINVAL");
    auto got = obtain(sqe.tag, 16);
    REQUIRE(got);
    CHECK((*got)[0]->number() == HandleNumber{100});
    // Back, and again one by one.
    const std::uint64_t words[] = {0, sqe.tag};
    manager->fd_unread(socket, std::move(*got), words);
    CHECK(error_of(complete({.flags = 3, .extra_raw = {1}, .tag = sqe.tag, .result = 70000})) == "EMFILE");
    CHECK(complete({.flags = 3, .extra_raw = {1}, .tag = sqe.tag, .result = 7}));
    CHECK((*server.files->find(FdNumber{7}))->number() == HandleNumber{100});
    CHECK(server.files->find_descriptor(FdNumber{7})->cloexec);
    const abi::Cqe cqe{.flags = 3, .tag = sqe.tag, .result = server.buffer};
    CHECK(server.space->write(server.buffer + 64, std::as_bytes(std::span(&cqe, 1))));
    CHECK(manager->write(server.caller(), socket, server.in(64, 16), {}) == 16);
    CHECK(server.files->find(FdNumber{0}));
    CHECK(error_of(obtain(sqe.tag, 8)) == "EINVAL");
    CHECK(answer(sqe.tag, 4711));
    CHECK(call.join() == 4711);
    CHECK(other.scheme->closed().empty());
}

TEST_CASE_FIXTURE(Fixture, "what was not fetched is closed with the answer, an error or not") {
    auto call = send_later(2);
    CHECK(answer_error(next().tag, Errno::kEACCES));
    CHECK(error_of(call.join()) == "EACCES");
    CHECK(other.scheme->closed() == std::vector<std::uint64_t>{100, 101});
    CHECK(sent.empty());
}

TEST_CASE_FIXTURE(Fixture, "what was not fetched before the server goes is the sender's again") {
    auto call = send_later(2);
    next();
    client.await_block();
    close_socket();
    CHECK(error_of(call.join()) == "ENODEV");
    CHECK(sent.size() == 2);
    CHECK(other.scheme->closed().empty());
}

TEST_CASE_FIXTURE(Fixture, "a receiver gets exactly as many as it asked for") {
    CHECK(error_of(receive_later(12).join()) == "EINVAL");
    CHECK_FALSE(queued());
    auto call = receive_later(16);
    const abi::Sqe sqe = next();
    CHECK(sqe.opcode == static_cast<std::uint8_t>(Opcode::kRecvfd));
    CHECK(sqe.args[2] == 2);
    std::vector<scheme::DescriptionRef> files{other.open(7), other.open(8)};
    CHECK(error_of(move(sqe.tag + 5, files)) == "EINVAL");
    REQUIRE(files.size() == 2);
    CHECK(move(sqe.tag, files) == 2);
    CHECK(answer_as(CqeOpcode::kRespondWithMultipleFds, sqe.tag, 0));
    const auto got = call.join();
    REQUIRE(got);
    CHECK((*got)[1]->number() == HandleNumber{8});

    auto short_call = receive_later(16);
    const abi::Sqe second = next();
    files = {other.open(9)};
    CHECK(move(second.tag, files) == 1);
    CHECK(answer_as(CqeOpcode::kRespondWithMultipleFds, second.tag, 0));
    CHECK(error_of(short_call.join()) == "EINVAL");
    CHECK(other.scheme->closed() == std::vector<std::uint64_t>{9});
}

TEST_CASE_FIXTURE(Fixture, "moving again replaces what was moved") {
    auto call = receive_later(0);
    const abi::Sqe sqe = next();
    std::vector<scheme::DescriptionRef> files{other.open(7)};
    CHECK(move(sqe.tag, files) == 1);
    files.clear();
    CHECK(move(sqe.tag, files) == 0);
    CHECK(other.scheme->closed() == std::vector<std::uint64_t>{7});
    CHECK(answer_as(CqeOpcode::kRespondWithMultipleFds, sqe.tag, 0));
    CHECK(call.join()->empty());
}

TEST_CASE_FIXTURE(Fixture, "the server mints handles of its own") {
    abi::NewFdParams params{};
    params.offset = 3;
    params.number = 1000;
    params.flags = 0x130000;
    params.internal_flags = abi::NewFdFlags::kPositioned;
    const auto mint = [&](std::size_t size) {
        return manager->dup(server.caller(), socket,
                            mem::UserIn::local(std::as_bytes(std::span(&params, 1)).first(size)));
    };
    CHECK(error_of(mint(31)) == "EINVAL");
    const auto minted = mint(32);
    REQUIRE(minted);
    const auto& description = std::get<scheme::DescriptionRef>(*minted);
    CHECK(description->number() == HandleNumber{1000});
    CHECK(description->offset() == 3);
    CHECK(description->flags() == 0x130000);
    CHECK(description->positioned());
    params.internal_flags = 2;
    CHECK(error_of(mint(32)) == "EINVAL");
}
