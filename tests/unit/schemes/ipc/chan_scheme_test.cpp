#include "schemes/ipc/chan_scheme.h"

#include "tests/unit/schemes/ipc/ipc_fixture.h"

using namespace halfcell;
using namespace halfcell::test;

namespace {

struct ChanFixture : IpcFixture {
    ChanFixture() : IpcFixture(std::make_shared<ipc::ChanScheme>(std::make_shared<MemoryBudget>(kMemory))) {}
    DescriptionRef listen(std::string_view name) { return *open(name, OpenFlags::kRdwr | OpenFlags::kCreat); }
};

}  // namespace

TEST_CASE_FIXTURE(ChanFixture, "names: created, connected to, free again") {
    DescriptionRef listener = listen("a");
    CHECK(error_of(open("b")) == "ENOENT");
    CHECK(error_of(open("a", OpenFlags::kCreat | OpenFlags::kExcl)) == "EEXIST");
    const DescriptionRef client = *open("a");
    const DescriptionRef second = *open("a", OpenFlags::kRdwr | OpenFlags::kCreat);
    CHECK(path_of(listener) == "error EBADF");
    CHECK(path_of(client) == "error EBADF");
    CHECK(path_of(root) == "chan:");
    const DescriptionRef server = *dup(listener, "listen");
    CHECK(path_of(server) == "chan:a");
    CHECK(*write(client, "hello") == 5);
    CHECK(read_text(server, 10) == "hello");
    CHECK(*write(server, "back") == 4);
    CHECK(read_text(client, 10) == "back");
    CHECK(error_of(listener.close()) == "ok");
    CHECK(error_of(open("a")) == "ENOENT");
    // Upstream leaves those who wait for a listener that went waiting for ever.
    CHECK(read_text(second, 10).empty());
    CHECK(error_of(open("a", OpenFlags::kCreat | OpenFlags::kExcl)) == "ok");
}

TEST_CASE_FIXTURE(ChanFixture, "a pair without a name, as acid's channel test makes it") {
    const DescriptionRef listener = listen("");
    const DescriptionRef client = *dup(listener, "connect");
    const DescriptionRef server = *dup(listener, "listen");
    CHECK(path_of(server) == "error EBADF");
    CHECK(*write(client, "x") == 1);
    CHECK(read_text(server, 10) == "x");
    CHECK(error_of(dup(client, "listen")) == "EBADF");
    CHECK(error_of(dup(server, "connect")) == "EBADF");
    CHECK(error_of(write(listener, "x")) == "EBADF");
    CHECK(read_text(listener, 1) == "error EBADF");
}

TEST_CASE_FIXTURE(ChanFixture, "any other dup opens a name") {
    const DescriptionRef listener = listen("");
    const DescriptionRef named = *dup(listener, "name");
    const DescriptionRef client = *open("name");
    const DescriptionRef server = *dup(named, "listen");
    CHECK(path_of(server) == "chan:name");
    CHECK(error_of(dup(server, "more")) == "EBADF");
    CHECK(error_of(dup(listener, "\xff")) == "EBADF");
    CHECK(error_of(dup(client, "none")) == "ENOENT");
}

TEST_CASE_FIXTURE(ChanFixture, "writing waits for the accept, and ends are told") {
    DescriptionRef listener = listen("a");
    DescriptionRef client = *open("a");
    CHECK(ready(listener) == kBoth);
    CHECK(ready(client) == 0);
    set_nonblocking(client, true);
    CHECK(error_of(write(client, "x")) == "EAGAIN");
    CHECK(read_text(client, 1) == "error EAGAIN");
    std::thread writer([&] {
        CHECK(*tested.write_at(other, client->number(), mem::UserIn::local("x"), scheme::kNoOffset, {}) == 1);
    });
    await_other_block();
    const auto heard = watch(client);
    DescriptionRef server = *dup(listener, "listen");
    writer.join();
    CHECK(heard->take() == EventFlags::kEventWrite);
    CHECK(ready(client) == EventFlags::kEventWrite);
    CHECK(ready(server) == kBoth);
    CHECK(error_of(client.close()) == "ok");
    CHECK(read_text(server, 10) == "x");
    CHECK(read_text(server, 10).empty());
    CHECK(error_of(write(server, "x")) == "EPIPE");
}

TEST_CASE_FIXTURE(ChanFixture, "a listener that does not wait") {
    const DescriptionRef listener = *open("a", OpenFlags::kRdwr | OpenFlags::kCreat | OpenFlags::kNonblock);
    CHECK(error_of(dup(listener, "listen")) == "EWOULDBLOCK");
    CHECK(error_of(tested.fcntl(caller, listener->number(), abi::FcntlCommand::kGetfl, 0)) == "ok");
    CHECK(error_of(tested.fcntl(caller, listener->number(), 77, 0)) == "EINVAL");
}

TEST_CASE_FIXTURE(ChanFixture, "what waits in all connections together is bounded") {
    const std::string much(1 << 20, 'x');
    struct Connection {
        DescriptionRef client, server;
    };
    std::vector<Connection> connections;
    const DescriptionRef listener = listen("");
    const auto write_to_another = [&] {
        DescriptionRef client = *dup(listener, "connect");
        DescriptionRef server = *dup(listener, "listen");
        const Result<std::uint64_t> written = write(client, much);
        connections.push_back({std::move(client), std::move(server)});
        return written;
    };
    std::size_t written = 0;
    while (written * much.size() < kMemory && write_to_another())
        ++written;
    // Each packet costs a little besides its bytes, so the last one that would fit by them does not.
    CHECK(written == kMemory / much.size() - 1);
    CHECK(error_of(write_to_another()) == "ENOMEM");
    // What is received makes room, and what goes with its socket too.
    CHECK(read_text(connections[0].server, much.size()).size() == much.size());
    CHECK(*write(connections[0].client, much) == much.size());
    CHECK(error_of(write_to_another()) == "ENOMEM");
    CHECK(error_of(connections[1].server.close()) == "ok");
    CHECK(error_of(write_to_another()) == "ok");
}
