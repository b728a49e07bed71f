#include "schemes/ipc/uds_stream_scheme.h"

#include "tests/unit/schemes/ipc/ipc_fixture.h"

using namespace halfcell;
using namespace halfcell::test;

namespace {

struct StreamFixture : IpcFixture {
    StreamFixture()
        : IpcFixture(std::make_shared<ipc::UdsStreamScheme>(&IpcFixture::real_ids,
                                                            std::make_shared<MemoryBudget>(kMemory))) {}

    // As socketpair makes it.
    void pair() {
        const DescriptionRef listener = socket();
        left = *dup(listener, "connect");
        right = *dup(listener, "listen");
    }
    // Connects while another thread accepts.
    void connect_to(const DescriptionRef& listener) {
        left = socket();
        Result<DescriptionRef> accepted = fail(Errno::kEIO);
        std::thread server([&] { accepted = dup_as(other, listener, "listen"); });
        CHECK(*call(left, SocketCall::kConnect, token_of(listener)) == 0);
        server.join();
        right = *accepted;
    }
    DescriptionRef bound(const std::string& path) {
        DescriptionRef made = socket();
        CHECK(*call(made, SocketCall::kBind, path) == 0);
        return made;
    }
    DescriptionRef left, right;
};

}  // namespace

TEST_CASE_FIXTURE(StreamFixture, "opening: only without a path, and with O_CREAT") {
    CHECK(error_of(open("", OpenFlags::kRdwr)) == "EINVAL");
    CHECK(error_of(open("name", OpenFlags::kRdwr | OpenFlags::kCreat)) == "EINVAL");
    const DescriptionRef made = socket();
    CHECK(error_of(tested.openat(caller, made->number(), "", OpenFlags::kCreat, 0)) == "EACCES");
    CHECK((*fstat(made)).st_mode == abi::Mode::kSock);
    CHECK(path_of(made) == "/scheme/uds_stream/");
    CHECK(error_of(dup(made, "other")) == "EINVAL");
    CHECK(error_of(tested.fsync(caller, made->number())) == "ok");
}

TEST_CASE_FIXTURE(StreamFixture, "a pair carries bytes both ways, across packets and in parts") {
    pair();
    CHECK(*write(left, "abc") == 3);
    CHECK(*write(left, "def") == 3);
    CHECK(*write(left, "") == 0);
    CHECK(read_text(right, 4) == "abcd");
    CHECK(read_text(right, 100) == "ef");
    CHECK(*write(right, "back") == 4);
    CHECK(read_text(left, 100) == "back");
    CHECK(read_text(left, 0).empty());
}

TEST_CASE_FIXTURE(StreamFixture, "a bad buffer is EFAULT and loses nothing") {
    pair();
    CHECK(*write(left, "hello") == 5);
    CHECK(error_of(read(right, out_at(kWild, 5))) == "EFAULT");
    CHECK(read_text(right, 10) == "hello");
    CHECK(error_of(write(left, in_at(kWild, 5))) == "EFAULT");
}

TEST_CASE_FIXTURE(StreamFixture, "reading waits for bytes, for the peer's end, or not at all") {
    pair();
    std::string got;
    std::thread reader([&] {
        std::string text(10, '\0');
        const auto count = tested.read_at(other, right->number(),
                                          mem::UserOut::local(std::as_writable_bytes(std::span(text))),
                                          scheme::kNoOffset, {});
        got = text.substr(0, *count);
    });
    await_other_block();
    CHECK(*write(left, "now") == 3);
    reader.join();
    CHECK(got == "now");
    set_nonblocking(right, true);
    CHECK(read_text(right, 1) == "error EAGAIN");
    CHECK(*write(left, "last") == 4);
    CHECK(error_of(left.close()) == "ok");
    CHECK(read_text(right, 10) == "last");
    CHECK(read_text(right, 10).empty());
    CHECK(error_of(write(right, "x")) == "EPIPE");
}

TEST_CASE_FIXTURE(StreamFixture, "what has no connection refuses") {
    const DescriptionRef made = socket();
    CHECK(error_of(write(made, "x")) == "EPROTO");
    CHECK(read_text(made, 1) == "error ENOTCONN");
    CHECK(answer(made, SocketCall::kGetPeerName, std::string(99, '\0')) == "error EPROTO");
    CHECK(error_of(call(made, SocketCall::kSendMsg, message("x"), {0})) == "EPROTO");
    CHECK(receive(made, 0, 10, 0) == "error ENOTCONN");
    const DescriptionRef listener = bound("tmp/s");
    CHECK(read_text(listener, 1) == "error EOPNOTSUPP");
    CHECK(receive(listener, 0, 10, 0) == "error EOPNOTSUPP");
    CHECK(error_of(write(listener, "x")) == "EPROTO");
    CHECK(error_of(receive_files(made, 1)) == "ENOTCONN");
    CHECK(error_of(receive_files(listener, 1)) == "EOPNOTSUPP");
}

TEST_CASE_FIXTURE(StreamFixture, "names: bound once, taken once, free again after the close") {
    DescriptionRef first = bound("tmp/s");
    CHECK(path_of(first) == "/scheme/uds_stream/tmp/s");
    CHECK(error_of(call(first, SocketCall::kBind, "tmp/t")) == "EINVAL");
    const DescriptionRef second = socket();
    CHECK(error_of(call(second, SocketCall::kBind, "tmp/s")) == "EADDRINUSE");
    CHECK(error_of(call(second, SocketCall::kBind, "")) == "EINVAL");
    CHECK(error_of(call(second, SocketCall::kBind, "\xff")) == "EINVAL");
    CHECK(error_of(call(second, SocketCall::kBind, std::string(5000, 'x'))) == "EINVAL");
    CHECK(token_of(second) == "error EINVAL");
    const std::string token = token_of(first);
    CHECK(token.size() == 8);
    CHECK(error_of(call(first, SocketCall::kGetToken, "short")) == "ENOBUFS");
    CHECK(error_of(first.close()) == "ok");
    CHECK(error_of(call(second, SocketCall::kConnect, token)) == "ECONNREFUSED");
    CHECK(error_of(call(second, SocketCall::kConnect, "short")) == "EINVAL");
    CHECK(error_of(call(second, SocketCall::kBind, "tmp/s")) == "ok");
}

TEST_CASE_FIXTURE(StreamFixture, "unbind gives the name back, where upstream keeps it") {
    const DescriptionRef made = bound("tmp/s");
    CHECK(error_of(call(made, SocketCall::kUnbind)) == "ok");
    CHECK(error_of(call(made, SocketCall::kUnbind)) == "EINVAL");
    CHECK(path_of(made) == "/scheme/uds_stream/");
    CHECK(token_of(made) == "error EINVAL");
    CHECK(error_of(call(made, SocketCall::kBind, "tmp/s")) == "ok");
}

TEST_CASE_FIXTURE(StreamFixture,
                  "connect waits for the accept; the accepted socket has the listener's name") {
    const DescriptionRef listener = bound("tmp/s");
    connect_to(listener);
    CHECK(path_of(right) == "/scheme/uds_stream/tmp/s");
    CHECK(answer(left, SocketCall::kGetPeerName, std::string(99, '\0')) == "/scheme/uds_stream/tmp/s");
    CHECK(answer(right, SocketCall::kGetPeerName, std::string(99, '\0')) == "/scheme/uds_stream/");
    CHECK(error_of(call(left, SocketCall::kConnect, token_of(listener))) == "EISCONN");
    CHECK(*write(left, "hello") == 5);
    CHECK(read_text(right, 10) == "hello");
}

TEST_CASE_FIXTURE(StreamFixture, "a non-blocking connect is asked again, and early bytes are kept") {
    const DescriptionRef listener = bound("tmp/s");
    left = socket(OpenFlags::kNonblock);
    const std::string token = token_of(listener);
    CHECK(error_of(call(left, SocketCall::kConnect, token)) == "EAGAIN");
    CHECK(error_of(call(left, SocketCall::kConnect, token)) == "EAGAIN");
    CHECK(ready(listener) == EventFlags::kEventRead);
    CHECK(*write(left, "early") == 5);
    CHECK(error_of(call(left, SocketCall::kSendMsg, message("x"), {0})) == "ENOTCONN");
    CHECK(receive(left, 0, 10, 0) == "error ENOTCONN");
    CHECK(read_text(left, 10) == "error EAGAIN");
    const auto heard = watch(left);
    right = *dup(listener, "listen");
    CHECK(heard->take() == kBoth);
    CHECK(read_text(right, 10) == "early");
    CHECK(error_of(call(left, SocketCall::kConnect, token)) == "ok");
    CHECK(error_of(call(left, SocketCall::kConnect, token)) == "EISCONN");
    CHECK(ready(listener) == 0);
}

TEST_CASE_FIXTURE(StreamFixture, "a listener that goes refuses those who wait for it") {
    DescriptionRef listener = bound("tmp/s");
    left = socket();
    Result<std::uint64_t> connected = 0;
    const std::string token = token_of(listener);
    std::thread client([&] {
        std::string payload = token;
        connected = call_as(other, left, SocketCall::kConnect, payload);
    });
    await_other_block();
    CHECK(error_of(listener.close()) == "ok");
    client.join();
    CHECK(error_of(connected) == "ECONNREFUSED");
    CHECK(read_text(left, 10).empty());
    CHECK(error_of(write(left, "x")) == "EPIPE");
    CHECK(error_of(receive_files(left, 1)) == "EPIPE");
}

TEST_CASE_FIXTURE(StreamFixture, "a client that goes is not accepted") {
    const DescriptionRef listener = bound("tmp/s");
    const std::string token = token_of(listener);
    left = socket(OpenFlags::kNonblock);
    CHECK(error_of(call(left, SocketCall::kConnect, token)) == "EAGAIN");
    CHECK(error_of(left.close()) == "ok");
    SocketCall const set = SocketCall::kSetSockOpt;
    CHECK(error_of(call(listener, set, bytes_of(std::int32_t{1}), {SocketConstant::kSoPasscred})) == "ok");
    CHECK(error_of(tested.fcntl(caller, listener->number(), abi::FcntlCommand::kSetfl,
                                OpenFlags::kNonblock)) == "ok");
    CHECK(error_of(dup(listener, "listen")) == "EAGAIN");
}

TEST_CASE_FIXTURE(StreamFixture, "a socket cannot wait for itself, and connecting ends its listening") {
    const DescriptionRef listener = bound("tmp/s");
    CHECK(error_of(call(listener, SocketCall::kConnect, token_of(listener))) == "ECONNREFUSED");
    const DescriptionRef second = bound("tmp/t");
    CHECK(error_of(tested.fcntl(caller, second->number(), abi::FcntlCommand::kSetfl, OpenFlags::kNonblock)) ==
          "ok");
    CHECK(error_of(call(second, SocketCall::kConnect, token_of(listener))) == "EAGAIN");
    CHECK(error_of(dup(second, "listen")) == "EINVAL");
    left = socket();
    CHECK(error_of(call(left, SocketCall::kConnect, token_of(second))) == "ECONNREFUSED");
}

TEST_CASE_FIXTURE(StreamFixture, "an interrupted connect stays queued") {
    const DescriptionRef listener = bound("tmp/s");
    left = socket();
    Result<std::uint64_t> connected = 0;
    const std::string token = token_of(listener);
    std::thread client([&] {
        std::string payload = token;
        connected = call_as(other, left, SocketCall::kConnect, payload);
    });
    await_other_block();
    while (!other_waiter.interrupt())
        std::this_thread::yield();
    client.join();
    CHECK(error_of(connected) == "EINTR");
    right = *dup(listener, "listen");
    CHECK(error_of(call(left, SocketCall::kConnect, token)) == "ok");
}

TEST_CASE_FIXTURE(StreamFixture, "messages carry names, credentials and counts of descriptors") {
    const DescriptionRef listener = bound("tmp/s");
    connect_to(listener);
    CHECK(*call(right, SocketCall::kSendMsg, message("hi", rights(2)), {0}) == 2);
    CHECK(receive(left, 100, 10, 100) == received("/scheme/uds_stream/tmp/s", "hi", rights(2)));
    CHECK(*call(right, SocketCall::kSendMsg, message("hi"), {0}) == 2);
    CHECK(receive(left, 0, 10, 0) == received("", "hi"));

    const auto option = bytes_of(std::int32_t{1});
    CHECK(*call(left, SocketCall::kSetSockOpt, option, {SocketConstant::kSoPasscred}) == 4);
    CHECK(*call(right, SocketCall::kSendMsg, message("a", ancillary(SocketConstant::kScmCredentials, "")),
                {0}) == 1);
    CHECK(*write(right, "b") == 1);
    const std::string real =
        ancillary(SocketConstant::kScmCredentials, bytes_of(ipc::Credentials{1, 1000, 2000}));
    const std::string effective =
        ancillary(SocketConstant::kScmCredentials, bytes_of(ipc::Credentials{1, 0, 0}));
    CHECK(receive(left, 0, 10, 100) == received("", "ab", real + effective));
    // The rest of a packet comes alone.
    CHECK(*call(right, SocketCall::kSendMsg, message("cd"), {0}) == 2);
    CHECK(receive(left, 0, 1, 100) == received("", "c", real));
    CHECK(receive(left, 0, 1, 100) == received("", "d"));
}

TEST_CASE_FIXTURE(StreamFixture, "messages: limits, ends, and what is no message") {
    pair();
    CHECK(error_of(call(left, SocketCall::kSendMsg, "", {0})) == "EINVAL");
    CHECK(error_of(call(left, SocketCall::kSendMsg, "short", {0})) == "EINVAL");
    CHECK(error_of(call(left, SocketCall::kSendMsg, message("x", ancillary(77, "")), {0})) == "EOPNOTSUPP");
    CHECK(error_of(call(left, SocketCall::kSendMsg, std::string(17 << 20, '\0'), {0})) == "EMSGSIZE");
    // Without bytes nothing is sent.
    CHECK(*call(left, SocketCall::kSendMsg, message("", rights(1)), {0}) == 0);
    CHECK(receive(right, 0, 10, 0, SocketConstant::kMsgDontwait) == "error EAGAIN");
    CHECK(error_of(call(right, SocketCall::kRecvMsg, std::string(23, '\0'), {0})) == "EINVAL");
    CHECK(*call(left, SocketCall::kSendMsg, message("x"), {0}) == 1);
    CHECK(error_of(left.close()) == "ok");
    CHECK(receive(right, 0, 10, 0) == received("", "x"));
    CHECK(receive(right, 0, 10, 0) == received("", ""));
    CHECK(error_of(call(right, SocketCall::kSendMsg, message("x"), {0})) == "EPIPE");
}

TEST_CASE_FIXTURE(StreamFixture, "ids of a process that is not there are EINVAL") {
    pair();
    caller.pid = 99;
    CHECK(error_of(call(left, SocketCall::kSendMsg, message("x"), {0})) == "EINVAL");
}

TEST_CASE_FIXTURE(StreamFixture, "calls that are none, and options") {
    pair();
    std::string nothing;
    const auto payload = mem::UserInOut::local(std::as_writable_bytes(std::span(nothing)));
    CHECK(error_of(tested.call(caller, left->number(), payload, 0, {})) == "EINVAL");
    const std::array<std::uint64_t, 1> unknown{77};
    CHECK(error_of(tested.call(caller, left->number(), payload, 0, unknown)) == "EINVAL");
    CHECK(error_of(call(left, SocketCall::kShutdown, "", {2})) == "EOPNOTSUPP");
    CHECK(error_of(call(left, SocketCall::kGetSockOpt, "12345678")) == "EINVAL");
    const SocketCall get = SocketCall::kGetSockOpt;
    CHECK(answer(left, get, std::string(4, 'x'), {SocketConstant::kSoDomain}) == bytes_of(std::int32_t{1}));
    CHECK(answer(left, get, std::string(4, 'x'), {SocketConstant::kSoSndbuf}) ==
          bytes_of(std::int32_t{212992}));
    CHECK(answer(left, get, std::string(3, 'x'), {SocketConstant::kSoDomain}) == "error ENOBUFS");
    CHECK(answer(left, get, std::string(4, 'x'), {12345}) == "error ENOPROTOOPT");
    CHECK(answer(left, get, std::string(12, 'x'), {SocketConstant::kSoPeercred}) ==
          bytes_of(ipc::Credentials{1, 0, 0}));
    CHECK(error_of(call(left, SocketCall::kSetSockOpt, "1234", {SocketConstant::kSoSndbuf})) == "ok");
    CHECK(error_of(call(left, SocketCall::kSetSockOpt, "12", {SocketConstant::kSoPasscred})) == "EINVAL");
    CHECK(error_of(call(left, SocketCall::kSetSockOpt, "1234", {12345})) == "ENOPROTOOPT");
}

TEST_CASE_FIXTURE(StreamFixture,
                  "descriptors travel in a queue of their own, and go back where there is no place") {
    pair();
    const DescriptionRef sent = socket();
    std::vector<DescriptionRef> files{sent, root};
    CHECK(*send_files(left, files) == 2);
    CHECK(files.empty());
    CHECK(ready(right) == kBoth);
    auto got = *receive_files(right, 1);
    REQUIRE(got.size() == 1);
    CHECK(got[0] == sent);
    tested.fd_unread(right->number(), std::move(got), {});
    got = *receive_files(right, 2);
    CHECK(got == std::vector<DescriptionRef>{sent, root});
    CHECK(receive_files(right, 0)->empty());
    CHECK(error_of(tested.fd_read(caller, right->number(), 7, 0, {})) == "EINVAL");

    files = {sent};
    CHECK(*send_files(left, files) == 1);
    set_nonblocking(right, true);
    CHECK(*dup(right, "recvfd") == sent);
    // Without one it waits, whatever the flags are.
    std::thread taker([&] { CHECK(error_of(dup_as(other, right, "recvfd")) == "EINTR"); });
    await_other_block();
    while (!other_waiter.interrupt())
        std::this_thread::yield();
    taker.join();
    CHECK(error_of(tested.fcntl(caller, right->number(), abi::FcntlCommand::kSetfl, OpenFlags::kNonblock)) ==
          "ok");
    CHECK(error_of(receive_files(right, 1)) == "EAGAIN");
    CHECK(error_of(left.close()) == "ok");
    CHECK(receive_files(right, 1)->empty());
    CHECK(error_of(dup(right, "recvfd")) == "EPIPE");
    files = {sent};
    CHECK(error_of(send_files(right, files)) == "EPIPE");
    CHECK(files.size() == 1);
}

TEST_CASE_FIXTURE(StreamFixture, "descriptors nobody received are closed with the socket, also its own") {
    pair();
    DescriptionRef kept = socket();
    CHECK(error_of(call(kept, SocketCall::kBind, "tmp/kept")) == "ok");
    const std::string token = token_of(kept);
    std::vector<DescriptionRef> files{std::move(kept)};
    CHECK(*send_files(left, files) == 1);
    CHECK(error_of(right.close()) == "ok");
    CHECK(error_of(call(socket(), SocketCall::kConnect, token)) == "ECONNREFUSED");
    // A socket in its own queue keeps itself alive until the run ends.
    pair();
    files = {right};
    CHECK(*send_files(left, files) == 1);
}

TEST_CASE_FIXTURE(StreamFixture, "descriptors a message had no room to tell of are closed") {
    pair();
    DescriptionRef kept = socket();
    CHECK(error_of(call(kept, SocketCall::kBind, "tmp/kept")) == "ok");
    std::vector<DescriptionRef> files{std::move(kept)};
    CHECK(*send_files(left, files) == 1);
    CHECK(*call(left, SocketCall::kSendMsg, message("x", rights(1)), {0}) == 1);
    std::string payload(24, '\0');
    const abi::ReceiveHeader header{0, 1, 0};
    std::memcpy(payload.data(), &header, sizeof header);
    CHECK(answer(right, SocketCall::kRecvMsg, payload, {0}) == received("", "x") + std::string(7, '\1'));
    CHECK(error_of(call(socket(), SocketCall::kBind, "tmp/kept")) == "ok");
}

TEST_CASE_FIXTURE(StreamFixture, "a full queue makes its writer wait, and tells when there is room") {
    pair();
    const std::string big(2 << 20, 'x');
    CHECK(*write(left, big) == 1 << 20);
    CHECK(ready(left) == 0);
    set_nonblocking(left, true);
    CHECK(error_of(write(left, "x")) == "EAGAIN");
    const auto heard = watch(left);
    CHECK(read_text(right, 1000).size() == 1000);
    CHECK(heard->take() == 0);
    CHECK(read_text(right, 2 << 20).size() == (1 << 20) - 1000);
    CHECK(heard->take() == EventFlags::kEventWrite);
    CHECK(*write(left, "x") == 1);

    pair();
    CHECK(*write(left, big) == 1 << 20);
    std::thread writer([&] {
        CHECK(*tested.write_at(other, left->number(), mem::UserIn::local("end"), scheme::kNoOffset, {}) == 3);
    });
    await_other_block();
    CHECK(read_text(right, 2 << 20).size() == 1 << 20);
    writer.join();
    CHECK(read_text(right, 10) == "end");
}

TEST_CASE_FIXTURE(StreamFixture, "events: bytes, ends, and clients that wait") {
    pair();
    CHECK(ready(left) == EventFlags::kEventWrite);
    const auto heard = watch(right);
    CHECK(*write(left, "x") == 1);
    CHECK(heard->take() == EventFlags::kEventRead);
    CHECK(ready(right) == kBoth);
    CHECK(error_of(left.close()) == "ok");
    CHECK(heard->take() == EventFlags::kEventRead);
    const DescriptionRef listener = bound("tmp/s");
    CHECK(ready(listener) == 0);
    const auto clients = watch(listener);
    left = *dup(listener, "connect");
    CHECK(clients->take() == kBoth);
    CHECK(ready(left) == EventFlags::kEventWrite);
    CHECK(ready(socket()) == 0);
}
