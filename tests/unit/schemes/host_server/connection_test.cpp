#include "schemes/host_server/connection.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <thread>

#include "abi/flags.h"
#include "kernel_shim/host/sys.h"
#include "tests/support/fake_scheme.h"
#include "tests/unit/schemes/host_server/connection_fixture.h"

namespace halfcell::host_server {
using abi::CqeOpcode;
using abi::Opcode;

TEST_CASE_FIXTURE(ConnectionFixture, "a request, its buffer and its answer") {
    PendingRead read(served(), 100);
    const abi::Sqe sqe = server->next();
    CHECK(sqe.opcode == static_cast<int>(Opcode::kRead));
    CHECK(sqe.args[0] == 9);
    CHECK(sqe.args[2] == 100);
    CHECK(sqe.args[5] == (5 | std::uint64_t{6} << 32));
    CHECK(sqe.caller == 77);
    std::memcpy(server->buffers + sqe.args[1], "hello and more", 14);
    server->answer(sqe.tag, 5);
    CHECK(connection->serve());
    CHECK(read.join() == 5);
    // What the server has written beyond its own count stays with it.
    CHECK(read.buffer == "hello" + std::string(95, '.'));
    CHECK(connection->lies() == 0);
}

TEST_CASE_FIXTURE(ConnectionFixture,
                  "a server sees the buffers of requests and nothing else, and cannot resize anything") {
    PendingRead read(served(), 100);
    const abi::Sqe sqe = server->next();
    for (std::size_t i = 0; i < 8192; ++i)
        if (server->buffers[sqe.args[1] / 4096 * 4096 + i] != std::byte{0}) FAIL("a byte of somebody's");
    for (const host::UniqueFd& region : server->regions) {
        CHECK(::ftruncate(region.get(), 0) != 0);
        CHECK(::ftruncate(region.get(), std::int64_t{1} << 40) != 0);
    }
    // The supervisor's own page cannot be written to, by any way.
    const int requests = server->regions[0].get();
    CHECK(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, requests, 0) == MAP_FAILED);
    CHECK(::pwrite(requests, "x", 1, 0) != 1);
    CHECK(::mprotect(const_cast<server::RequestPage*>(server->requests), 4096, PROT_READ | PROT_WRITE) != 0);
    server->answer(sqe.tag, 0);
    CHECK(connection->serve());
    CHECK(read.join() == 0);
}

TEST_CASE_FIXTURE(ConnectionFixture, "lies about lengths are errors of their callers") {
    for (const std::uint64_t lie : {std::uint64_t{101}, std::uint64_t{4096}, std::uint64_t{1} << 40}) {
        PendingRead read(served(), 100);
        server->answer(server->next().tag, lie);
        CHECK(connection->serve());
        CHECK(error_of(read.join()) == "EIO");
    }
    PendingRead honest(served(), 100);
    server->answer(server->next().tag, 100);
    CHECK(connection->serve());
    CHECK(honest.join() == 100);
}

TEST_CASE_FIXTURE(ConnectionFixture, "answers that come twice, or to nobody, are ignored") {
    PendingRead read(served(), 10);
    const std::uint32_t tag = server->next().tag;
    server->answer(tag, 1);
    server->answer(tag, 2);
    server->answer(1234567, 3);
    server->answer(UINT32_MAX, 3);
    server->push({.flags = server::kForgetFd, .result = server::kTokenBit});
    server->push(CqeOpcode::kSendFevent, 8, 1);
    CHECK(connection->serve());
    CHECK(read.join() == 1);
    CHECK(connection->lies() == 5);
    // The tag goes to the next request, whose answer is its own.
    PendingRead next(served(), 10);
    server->answer(server->next().tag, 4);
    CHECK(connection->serve());
    CHECK(next.join() == 4);
}

TEST_CASE_FIXTURE(ConnectionFixture, "a descriptor that was named and not sent is an error of its caller") {
    for (const std::uint64_t named : {server::kNextDescriptor, server::kTokenBit | 3, std::uint64_t{77}}) {
        PendingOpen open(served());
        server->push(CqeOpcode::kRespondWithFd, server->next().tag, named);
        CHECK(connection->serve());
        CHECK(error_of(open.join()) == "EIO");
    }
}

TEST_CASE_FIXTURE(ConnectionFixture, "a file becomes a description, whatever guests cannot have an error") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const host::UniqueFd reader(ends[0]);
    const host::UniqueFd writer(ends[1]);
    {
        PendingOpen open(served());
        const std::uint32_t tag = server->next().tag;
        send_file(tag, ends[0]);
        server->push(CqeOpcode::kRespondWithFd, tag, server::kNextDescriptor);
        CHECK(connection->serve());
        const auto opened = open.join();
        REQUIRE(opened.has_value());
        const auto description = std::get<scheme::DescriptionRef>(*opened);
        CHECK(description->scheme_id() == files->id());
        REQUIRE(::write(writer.get(), "pipe", 4) == 4);
        char bytes[8];
        const scheme::Caller caller{ContextId{}, 77, 5, 6, open.waiter};
        CHECK(files->read_at(caller, description->number(),
                             mem::UserOut::local(std::as_writable_bytes(std::span(bytes))), scheme::kNoOffset,
                             {}) == 4);
    }
    for (const int flags : {O_RDONLY | O_DIRECTORY, O_PATH}) {
        const host::UniqueFd directory(::open("/", flags | O_CLOEXEC));
        PendingOpen open(served());
        const std::uint32_t tag = server->next().tag;
        send_file(tag, directory.get());
        server->push(CqeOpcode::kRespondWithFd, tag, server::kNextDescriptor);
        CHECK(connection->serve());
        CHECK(error_of(open.join()) == "EIO");
    }
}

TEST_CASE_FIXTURE(ConnectionFixture,
                  "what a server has answered before it died counts, with descriptors, bells unread") {
    const host::UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    PendingOpen open(served());
    const std::uint32_t tag = server->next().tag;
    // A request that it never sees.
    PendingRead read(served(), 10);
    while (!server->has_next())
        std::this_thread::yield();
    send_file(tag, file.get());
    server->push(CqeOpcode::kRespondWithFd, tag, server::kNextDescriptor);
    server->hang_up();
    CHECK_FALSE(connection->serve());
    CHECK(open.join().has_value());
    connection->close();
    CHECK(error_of(read.join()) == "ENODEV");
    CHECK(connection->lies() == 0);
}

TEST_CASE_FIXTURE(ConnectionFixture,
                  "a server that dies before it has sent what it named is gone, not wrong") {
    PendingOpen open(served());
    const std::uint32_t tag = server->next().tag;
    // Its caller must not see the answer before the end.
    server->hang_up();
    server->put({.flags = static_cast<std::uint8_t>(CqeOpcode::kRespondWithFd),
                 .tag = tag,
                 .result = server::kNextDescriptor});
    CHECK_FALSE(connection->serve());
    connection->close();
    CHECK(error_of(open.join()) == "ENODEV");
    CHECK(connection->lies() == 0);
}

TEST_CASE_FIXTURE(ConnectionFixture, "counters that cannot be end the connection") {
    PendingRead read(served(), 10);
    (void)server->next();
    SUBCASE("more answers than there is room for") {
        server->answers->produced.store(server::kAnswerSlots + 1);
        server->ring();
    }
    SUBCASE("answers taken back") {
        server->answers->produced.store(UINT32_MAX);
        server->ring();
    }
    SUBCASE("requests consumed that never were") {
        server->answers->requests_consumed.store(1000);
        server->ring();
    }
    SUBCASE("a packet of no kind") {
        server->send({.kind = static_cast<server::PacketKind>(99)});
    }
    SUBCASE("a packet of another size") {
        server->send_raw(std::as_bytes(std::span("abc", 3)));
    }
    SUBCASE("a descriptor packet without one") {
        server->send({.kind = server::PacketKind::kDescriptor});
    }
    SUBCASE("descriptors without end") {
        const int file = server->regions[0].get();
        for (int i = 0; i < 300 && connection->serve(); ++i)
            server->send({.kind = server::PacketKind::kDescriptor}, std::span(&file, 1));
    }
    SUBCASE("the end of the server") {
        server->hang_up();
    }
    // The reader's thread may be the one that sees it.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (connection->serve() && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    CHECK_FALSE(connection->serve());
    connection->close();
    CHECK(error_of(read.join()) == "ENODEV");
    CHECK_FALSE(root->scheme().has_value());
}

TEST_CASE_FIXTURE(ConnectionFixture,
                  "a server that stalls holds its callers, who can be interrupted and killed") {
    PendingRead read(served(), 10);
    const abi::Sqe sqe = server->next();
    while (!read.waiter.interrupt())
        std::this_thread::yield();
    const abi::Sqe cancel = server->next();
    CHECK(cancel.opcode == static_cast<int>(Opcode::kCancel));
    CHECK(cancel.tag == sqe.tag);
    read.waiter.kill();
    CHECK(error_of(read.join()) == "EINTR");
    // Nobody is hurt by a late answer.
    server->answer(sqe.tag, 10);
    CHECK(connection->serve());
    CHECK(connection->lies() == 0);
}

TEST_CASE_FIXTURE(ConnectionFixture, "more requests than the ring holds wait their turn") {
    constexpr std::uint64_t kMany = 3 * server::kRequestSlots;
    for (std::uint64_t i = 0; i < kMany; ++i)
        (void)served().close(HandleNumber{i});
    for (std::uint64_t i = 0; i < kMany; ++i) {
        if (!server->has_next()) CHECK(connection->serve());
        const abi::Sqe sqe = server->next();
        CHECK(sqe.opcode == static_cast<int>(Opcode::kCloseMsg));
        CHECK(sqe.args[0] == i);
    }
    CHECK_FALSE(server->has_next());
}

TEST_CASE_FIXTURE(ConnectionFixture, "descriptors that are sent become tokens, and come back") {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    host::UniqueFd writer(ends[1]);
    std::vector<scheme::DescriptionRef> sent;
    sent.push_back(*files->adopt(host::UniqueFd(ends[0])));
    const HandleNumber number = sent.front()->number();
    wait::Waiter waiter;
    const scheme::Caller caller{ContextId{}, 77, 5, 6, waiter};
    std::optional<Result<std::uint64_t>> written;
    std::thread sender(
        [&] { written.emplace(served().fd_write(caller, HandleNumber{9}, std::move(sent), 0, 0, {})); });
    const abi::Sqe sqe = server->next();
    CHECK(sqe.opcode == static_cast<int>(Opcode::kSendfd));
    CHECK(sqe.args[3] == 1);
    const auto keep = [&](std::uint64_t token, std::uint8_t count) {
        server->push({.flags = static_cast<std::uint8_t>(CqeOpcode::kObtainFd),
                      .extra_raw = {count},
                      .tag = sqe.tag,
                      .result = token});
    };
    keep(server::kTokenBit | 7, 2);  // not so many
    keep(7, 1);                      // no token
    keep(server::kTokenBit | 7, 1);
    keep(server::kTokenBit | 7, 1);  // gone already
    server->answer(sqe.tag, 1);
    CHECK(connection->serve());
    sender.join();
    CHECK(**written == 1);
    CHECK(connection->lies() == 3);

    PendingReceive receiver(served());
    const std::uint32_t tag = server->next().tag;
    server->push({.flags = server::kMoveFd, .tag = tag, .result = server::kTokenBit | 7});
    server->push({.flags = server::kMoveFd, .tag = tag, .result = server::kTokenBit | 7});
    server->push(CqeOpcode::kRespondWithMultipleFds, tag, 0);
    CHECK(connection->serve());
    const auto received = receiver.join();
    REQUIRE(received.has_value());
    CHECK(received->size() == 1);
    CHECK(received->front()->number() == number);
    CHECK(connection->lies() == 4);
}

TEST_CASE_FIXTURE(ConnectionFixture, "a server that never stops answering holds nobody up") {
    constexpr std::uint32_t kSent = 100;
    constexpr std::uint32_t kStep = 64;
    // Whenever a token is closed, the server has answered more than before.
    class Watched final : public test::RecordingScheme {
      public:
        Result<void> close(HandleNumber) override {
            more();
            return {};
        }
        std::function<void()> more;
    };
    const auto watched = std::make_shared<Watched>();
    std::uint64_t token = server::kTokenBit;
    watched->more = [&] {
        const std::uint32_t slot = server->answers->produced.load();
        server->answers->answers[slot % server::kAnswerSlots] = {.flags = server::kForgetFd,
                                                                 .result = token++};
        server->answers->produced.store(slot + kStep);
    };
    const SchemeId id = *schemes.add(watched);
    std::vector<scheme::DescriptionRef> sent;
    for (std::uint32_t i = 0; i < kSent; ++i)
        sent.push_back(
            scheme::DescriptionRef::create({.scheme = watched, .scheme_id = id, .number = HandleNumber{i}}));
    wait::Waiter waiter;
    std::thread sender([&] {
        const scheme::Caller caller{ContextId{}, 77, 5, 6, waiter};
        CHECK(served().fd_write(caller, HandleNumber{9}, std::move(sent), 0, 0, {}) == kSent);
    });
    const std::uint32_t tag = server->next().tag;
    server->push({.flags = static_cast<std::uint8_t>(CqeOpcode::kObtainFd),
                  .extra_raw = {kSent},
                  .tag = tag,
                  .result = server::kTokenBit});
    server->answer(tag, kSent);
    CHECK(connection->serve());
    sender.join();
    const std::uint32_t before = server->requests->answers_consumed.load();
    watched->more();
    CHECK(connection->serve());
    CHECK(server->requests->answers_consumed.load() - before <= 2 * server::kAnswerSlots);
    watched->more = [] {};
    connection->close();
}

TEST_CASE_FIXTURE(ConnectionFixture,
                  "what was moved to a request is not given to the next one with its tag") {
    {
        PendingRead read(served(), 10);
        const std::uint32_t tag = server->next().tag;
        move_file(tag, server->regions[0].get());
        server->answer(tag, 1);
        CHECK(connection->serve());
        CHECK(read.join() == 1);
    }
    PendingReceive receiver(served());
    server->push(CqeOpcode::kRespondWithMultipleFds, server->next().tag, 0);
    CHECK(connection->serve());
    // None is another number than was asked for.
    CHECK(error_of(receiver.join()) == "EINVAL");
}

TEST_CASE_FIXTURE(ConnectionFixture, "all requests together can have so many descriptors moved to them") {
    PendingRead first(served(), 10);
    PendingRead second(served(), 10);
    const std::uint32_t tags[] = {server->next().tag, server->next().tag};
    for (int i = 0; i < 300; ++i) {
        move_file(tags[i % 2], server->regions[0].get());
        // A caller may be the one who takes it, or who leaves it to us just now; what was sent and not named
        // yet is limited too.
        do
            CHECK(connection->serve());
        while (server->requests->answers_consumed.load() != server->answers->produced.load());
    }
    for (const std::uint32_t tag : tags)
        server->answer(tag, 1);
    CHECK(connection->serve());
    CHECK(first.join() == 1);
    CHECK(second.join() == 1);
    CHECK(connection->lies() == 300 - 256);
}

TEST_CASE_FIXTURE(ConnectionFixture,
                  "descriptors of an answer that came to nothing do not go with the next one of the tag") {
    const host::UniqueFd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const auto receive = [&](auto answer) {
        PendingReceive receiver(served());
        const std::uint32_t tag = server->next().tag;
        move_file(tag, file.get());
        answer(tag);
        CHECK(connection->serve());
        return receiver.join();
    };
    const auto refused =
        receive([&](std::uint32_t tag) { server->answer(tag, abi::mux_error(Errno::kEAGAIN)); });
    CHECK(error_of(refused) == "EAGAIN");
    const auto received =
        receive([&](std::uint32_t tag) { server->push(CqeOpcode::kRespondWithMultipleFds, tag, 0); });
    REQUIRE(received.has_value());
    CHECK(received->size() == 1);
}

TEST_CASE("a transfer moves what its buffer can hold, and buffers come back") {
    const auto area = *BufferArea::create(std::uint64_t{16} << 20);
    AreaBuffers buffers(area);
    std::vector<std::byte> bytes(AreaBuffers::kLargest + 1);
    CHECK(buffers.lend(mem::UserIn::local(bytes)).error() == Errno::kENOMEM);
    for (int round = 0; round < 3; ++round) {
        std::vector<user_scheme::Loan> loans;
        for (int i = 0; i < 4; ++i) {
            auto loan = buffers.lend(mem::UserIn::local(std::span(bytes).first(AreaBuffers::kLargest)));
            REQUIRE(loan.has_value());
            loans.push_back(std::move(*loan));
        }
        CHECK(buffers.lend_path("full").error() == Errno::kENOMEM);
    }
    CHECK(buffers.lend_path("path").has_value());
    CHECK(buffers.lend_path("")->address() == server::kEmptyBuffer);
}

}  // namespace halfcell::host_server
