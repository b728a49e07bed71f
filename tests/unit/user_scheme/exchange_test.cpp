// Requests and answers between a client and its server.

#include "tests/unit/user_scheme/user_scheme_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using abi::CqeOpcode;
using abi::Opcode;

namespace {

constexpr HandleNumber kHandle{42};
constexpr std::uint64_t kCredentials = 5 | std::uint64_t{6} << 32;

struct Fixture : UserSchemeFixture {
    auto read_later(std::uint64_t offset, std::uint64_t size) {
        return Pending<std::uint64_t>([this, offset, size] {
            return user->read_at(client.caller(), kHandle, client.out(offset, size), scheme::kNoOffset,
                                 {.call = 0x10000, .stored = 0x10000});
        });
    }
    auto fsync_later() {
        return Pending<std::uint64_t>([this]() -> Result<std::uint64_t> {
            TRY(user->fsync(client.caller(), kHandle));
            return 0;
        });
    }
    auto open_later(std::string path) {
        return Pending<scheme::OpenResult>(
            [this, path] { return user->openat(client.caller(), kHandle, path, 0x2010644, 0x40000); });
    }
};

bool is(const abi::Sqe& sqe, Opcode opcode) {
    return sqe.opcode == static_cast<std::uint8_t>(opcode);
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a read is a request, its answer the result and the bytes") {
    auto call = read_later(7, 10);
    const abi::Sqe sqe = next();
    CHECK(is(sqe, Opcode::kRead));
    CHECK(sqe.sqe_flags == 0);
    CHECK(sqe.tag == 0);
    CHECK(sqe.caller == 77);
    CHECK(sqe.args[0] == 42);
    CHECK(sqe.args[1] % kPage == client.buffer % kPage + 7);
    CHECK(sqe.args[2] == 10);
    CHECK(sqe.args[3] == UINT64_MAX);
    CHECK(sqe.args[4] == 0x10000);
    CHECK(sqe.args[5] == kCredentials);
    server.put(sqe.args[1], "answer");
    CHECK(answer(sqe.tag, 6) == 16);
    CHECK(call.join() == 6);
    CHECK(client.text(client.buffer + 7, 6) == "answer");
    CHECK(user->channel().in_use() == 0);
}

TEST_CASE_FIXTURE(Fixture, "an error leaves the caller's buffer alone") {
    client.put(client.buffer, "untouched");
    auto call = read_later(0, 9);
    const abi::Sqe sqe = next();
    server.put(sqe.args[1], "scribbles");
    CHECK(answer_error(sqe.tag, Errno::kEISDIR));
    CHECK(error_of(call.join()) == "EISDIR");
    CHECK(client.text(client.buffer, 9) == "untouched");
}

TEST_CASE_FIXTURE(Fixture, "an open carries its path and makes a handle with the flags of the answer") {
    auto call = open_later("a/b");
    const abi::Sqe sqe = next();
    CHECK(is(sqe, Opcode::kOpenAt));
    CHECK(server.text(sqe.args[1], 3) == "a/b");
    CHECK(sqe.args[2] == 3);
    CHECK(sqe.args[3] == 0x2010644);
    CHECK(sqe.args[4] == 0x40000);
    CHECK(sqe.args[5] == kCredentials);
    CHECK(answer(sqe.tag, 9, abi::NewFdFlags::kPositioned));
    const auto opened = call.join();
    REQUIRE(opened);
    CHECK(std::get<scheme::OpenedHandle>(*opened).number == HandleNumber{9});
    CHECK(std::get<scheme::OpenedHandle>(*opened).positioned);
}

TEST_CASE_FIXTURE(Fixture, "a handle nobody gets is closed again") {
    auto call = open_later("x");
    CHECK(answer(next().tag, 9, 0x80));
    CHECK(error_of(call.join()) == "EINVAL");
    const abi::Sqe close = next();
    CHECK(is(close, Opcode::kCloseMsg));
    CHECK(close.args[0] == 9);
}

TEST_CASE_FIXTURE(Fixture, "an answer may be a descriptor of the server's") {
    RegisteredScheme<> other;
    const FdNumber fd = *server.files->add({other.open(33), false});
    auto call = open_later("elsewhere");
    const abi::Sqe sqe = next();
    // What cannot be taken stays with the server.
    CHECK(error_of(answer_as(CqeOpcode::kRespondWithFd, sqe.tag, 999)) == "EINVAL");
    CHECK(error_of(answer_as(CqeOpcode::kRespondWithFd, sqe.tag + 1, fd.value())) == "EBADFD");
    CHECK(server.files->find(fd));
    CHECK(answer_as(CqeOpcode::kRespondWithFd, sqe.tag, fd.value()));
    CHECK_FALSE(server.files->find(fd));
    const auto opened = call.join();
    REQUIRE(opened);
    CHECK(std::get<scheme::DescriptionRef>(*opened)->number() == HandleNumber{33});
}

TEST_CASE_FIXTURE(Fixture, "garbage is refused and harms nobody") {
    auto call = fsync_later();
    const abi::Sqe sqe = next();
    CHECK(error_of(answer_as(static_cast<CqeOpcode>(6), sqe.tag, 0)) == "EINVAL");
    CHECK(error_of(answer_as(static_cast<CqeOpcode>(7), sqe.tag, 0)) == "EINVAL");
    CHECK(error_of(answer(1, 0)) == "EBADFD");
    CHECK(error_of(answer(UINT32_MAX, 0)) == "EBADFD");
    CHECK(error_of(answer_as(CqeOpcode::kSendFevent, 4, 0)) == "EINVAL");
    CHECK(error_of(complete({.flags = 3, .extra_raw = {0x10}, .tag = sqe.tag})) == "EINVAL");
    CHECK(error_of(answer_as(CqeOpcode::kObtainFd, sqe.tag, 0)) == "ENOENT");
    CHECK(error_of(answer_as(CqeOpcode::kObtainFd, 7, 0)) == "EINVAL");
    // The upper bits of the opcode byte mean nothing.
    CHECK(complete({.flags = 0xf8, .tag = sqe.tag}) == 16);
    CHECK(call.join() == 0);
    CHECK(error_of(answer(sqe.tag, 0)) == "EBADFD");
}

TEST_CASE_FIXTURE(Fixture, "a second answer is refused") {
    auto call = fsync_later();
    const abi::Sqe sqe = next();
    const abi::Cqe twice[2] = {{.tag = sqe.tag}, {.tag = sqe.tag}};
    const auto written =
        manager->write(server.caller(), socket, mem::UserIn::local(std::as_bytes(std::span(twice))), {});
    CHECK(written == 16);
    CHECK(call.join() == 0);
}

TEST_CASE_FIXTURE(Fixture,
                  "completions are units: the first failure ends the write, a partial one is nothing") {
    std::array<std::byte, 15> partial{};
    CHECK(manager->write(server.caller(), socket, mem::UserIn::local(partial), {}) == 0);
    auto call = fsync_later();
    const abi::Sqe sqe = next();
    const abi::Cqe cqes[3] = {{.flags = 2, .tag = 1}, {.tag = 99}, {.tag = sqe.tag}};
    const auto bytes = std::as_bytes(std::span(cqes));
    CHECK(manager->write(server.caller(), socket, mem::UserIn::local(bytes), {}) == 16);
    CHECK(error_of(manager->write(server.caller(), socket, mem::UserIn::local(bytes.subspan(16)), {})) ==
          "EBADFD");
    CHECK(manager->write(server.caller(), socket, mem::UserIn::local(bytes.subspan(32)), {}) == 16);
    CHECK(call.join() == 0);
}

TEST_CASE_FIXTURE(Fixture, "the first interruption cancels, and the server decides") {
    SUBCASE("it agrees") {
        auto call = fsync_later();
        const abi::Sqe sqe = next();
        client.await_block();
        CHECK(client.context->interrupt());
        const abi::Sqe cancel = next();
        CHECK(is(cancel, Opcode::kCancel));
        CHECK(cancel.sqe_flags == abi::SqeFlags::kOneway);
        CHECK(cancel.tag == sqe.tag);
        CHECK(cancel.caller == 0);
        CHECK(answer_error(sqe.tag, Errno::kECANCELED));
        CHECK(error_of(call.join()) == "EINTR");
    }
    SUBCASE("it goes on, and hears of no second interruption") {
        auto call = fsync_later();
        const abi::Sqe sqe = next();
        client.await_block();
        CHECK(client.context->interrupt());
        CHECK(is(next(), Opcode::kCancel));
        client.await_block();
        client.context->interrupt();
        CHECK(answer(sqe.tag, 0));
        CHECK(call.join() == 0);
        CHECK_FALSE(queued());
    }
    SUBCASE("an uncalled-for EINTR is EIO") {
        auto call = fsync_later();
        CHECK(answer_error(next().tag, Errno::kEINTR));
        CHECK(error_of(call.join()) == "EIO");
    }
}

TEST_CASE_FIXTURE(Fixture, "a killed caller leaves at once, its pages stay until the server is done") {
    constexpr std::uint64_t kSize = (user_scheme::Windows::kMostPages + 1) * kPage;
    client.buffer = *client.space->map({.size = kSize, .protection = {.write = true}}, {});
    auto call = read_later(0, kSize);
    const abi::Sqe sqe = next();
    client.await_block();
    client.context->kill(true);
    CHECK(error_of(call.join()) == "EINTR");
    CHECK_FALSE(queued());
    server.put(sqe.args[1], "still there");
    CHECK(answer(sqe.tag, 0) == 16);
    CHECK(server.text(sqe.args[1], 1) == "error EFAULT");
    CHECK(error_of(answer(sqe.tag, 0)) == "EBADFD");
    CHECK(user->channel().in_use() == 0);
}

TEST_CASE_FIXTURE(Fixture, "what was opened for a killed caller is closed") {
    auto call = open_later("x");
    const abi::Sqe sqe = next();
    client.await_block();
    client.context->kill(true);
    CHECK(error_of(call.join()) == "EINTR");
    CHECK(answer(sqe.tag, 5));
    const abi::Sqe close = next();
    CHECK(is(close, Opcode::kCloseMsg));
    CHECK(close.args[0] == 5);
}

TEST_CASE_FIXTURE(Fixture, "who waits when the server goes is told") {
    auto call = read_later(0, 3 * kPage);
    next();
    client.await_block();
    close_socket();
    CHECK(error_of(call.join()) == "ENODEV");
    CHECK(error_of(user->fsync(client.caller(), kHandle)) == "ENODEV");
    CHECK(server.grants() == 1);
    CHECK(error_of(answer(0, 0)) == "EBADF");
}

TEST_CASE_FIXTURE(Fixture, "closes and detaches are told without waiting") {
    CHECK(user->detach(kHandle, 9));
    CHECK(user->close(kHandle));
    const abi::Sqe detach = next();
    CHECK(is(detach, Opcode::kDetach));
    CHECK(detach.caller == 9);
    CHECK(detach.args[5] == 0);
    const abi::Sqe close = next();
    CHECK(is(close, Opcode::kCloseMsg));
    CHECK(close.caller == 0);
    CHECK(close.tag == 0);
    CHECK(close.sqe_flags == 0);
    CHECK(error_of(answer(0, 0)) == "EBADFD");
}

TEST_CASE_FIXTURE(Fixture, "payloads of calls travel both ways, with errors too") {
    client.put(client.buffer, "question");
    Pending<std::uint64_t> call([this] {
        const std::uint64_t words[] = {1, 2};
        return user->call(client.caller(), kHandle, client.both(0, 8), 0, words);
    });
    const abi::Sqe sqe = next();
    CHECK(is(sqe, Opcode::kCall));
    CHECK(server.text(sqe.args[1], 8) == "question");
    CHECK(sqe.args[3] == 1);
    CHECK(sqe.args[4] == 2);
    CHECK(sqe.args[5] == 0);
    server.put(sqe.args[1], "response");
    CHECK(answer_error(sqe.tag, Errno::kEPERM));
    CHECK(error_of(call.join()) == "EPERM");
    CHECK(client.text(client.buffer, 8) == "response");
}

TEST_CASE_FIXTURE(Fixture, "the socket is readable while requests are queued") {
    const auto fevent = [&] { return manager->fevent(server.caller(), socket, 3); };
    CHECK(fevent() == 0);
    REQUIRE(user->close(kHandle));
    CHECK(fevent() == 1);
    next();
    CHECK(fevent() == 0);
}
