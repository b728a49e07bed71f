#include "schemes/ipc/uds_dgram_scheme.h"

#include "tests/unit/schemes/ipc/ipc_fixture.h"

using namespace halfcell;
using namespace halfcell::test;

namespace {

struct DgramFixture : IpcFixture {
    DgramFixture()
        : IpcFixture(std::make_shared<ipc::UdsDgramScheme>(&IpcFixture::real_ids,
                                                           std::make_shared<MemoryBudget>(kMemory))) {}

    void pair() {
        left = socket();
        right = *dup(left, "connect");
    }
    DescriptionRef left, right;
};

}  // namespace

TEST_CASE_FIXTURE(DgramFixture, "one read is one message, and the rest of it is gone") {
    pair();
    CHECK(path_of(left) == "/scheme/uds_dgram/");
    CHECK((*fstat(left)).st_mode == abi::Mode::kSock);
    CHECK(*write(left, "first") == 5);
    CHECK(*write(left, "") == 0);
    CHECK(*write(left, "third") == 5);
    CHECK(read_text(right, 3) == "fir");
    CHECK(read_text(right, 10).empty());
    CHECK(read_text(right, 10) == "third");
    CHECK(*write(right, "back") == 4);
    CHECK(read_text(left, 10) == "back");
    CHECK(error_of(write(left, std::string(65537, 'x'))) == "EMSGSIZE");
}

TEST_CASE_FIXTURE(DgramFixture, "a message that cannot be copied stays") {
    pair();
    CHECK(*write(left, "hello") == 5);
    CHECK(error_of(read(right, out_at(kWild, 5))) == "EFAULT");
    CHECK(error_of(call(right, SocketCall::kRecvMsg, std::string(20, '\0'), {0})) == "EINVAL");
    CHECK(read_text(right, 10) == "hello");
}

TEST_CASE_FIXTURE(DgramFixture, "connect names a peer, which hears from many") {
    const DescriptionRef server = socket();
    CHECK(*call(server, SocketCall::kBind, "tmp/d") == 0);
    CHECK(error_of(call(server, SocketCall::kBind, "tmp/e")) == "EINVAL");
    const DescriptionRef one = socket();
    const DescriptionRef two = socket();
    CHECK(error_of(write(one, "x")) == "ENOTCONN");
    CHECK(answer(one, SocketCall::kGetPeerName, std::string(99, '\0')) == "error ENOTCONN");
    CHECK(*call(one, SocketCall::kConnect, token_of(server)) == 0);
    CHECK(*call(two, SocketCall::kConnect, token_of(server)) == 0);
    CHECK(*call(two, SocketCall::kBind, "tmp/two") == 0);
    CHECK(*write(one, "1") == 1);
    CHECK(*write(two, "2") == 1);
    CHECK(receive(server, 99, 10, 0) == received("", "1"));
    CHECK(receive(server, 99, 10, 0) == received("/scheme/uds_dgram/tmp/two", "2"));
    CHECK(answer(one, SocketCall::kGetPeerName, std::string(99, '\0')) == "/scheme/uds_dgram/tmp/d");
    CHECK(answer(one, SocketCall::kGetSockOpt, "1234", {SocketConstant::kSoDomain}) ==
          bytes_of(std::int32_t{1}));
    CHECK(answer(one, SocketCall::kGetSockOpt, "1234", {SocketConstant::kSoSndbuf}) == "error ENOPROTOOPT");
    CHECK(error_of(call(two, SocketCall::kUnbind)) == "ok");
    CHECK(error_of(call(two, SocketCall::kUnbind)) == "EINVAL");
}

TEST_CASE_FIXTURE(DgramFixture, "a message longer than its buffer says how long it was") {
    pair();
    CHECK(*call(left, SocketCall::kSendMsg, message("hello"), {0}) == 5);
    CHECK(receive(right, 0, 2, 0) == bytes_of(std::uint64_t{0}) + bytes_of(std::uint64_t{5}) + "he");
    CHECK(receive(right, 0, 2, 0, SocketConstant::kMsgDontwait) == "error EAGAIN");
    // Unlike on a stream, no bytes are a message, too.
    CHECK(*call(left, SocketCall::kSendMsg, message("", rights(1)), {0}) == 0);
    CHECK(receive(right, 0, 2, 99) == received("", "", rights(1)));
}

TEST_CASE_FIXTURE(DgramFixture, "ends: the peer's first handle decides") {
    pair();
    const DescriptionRef again = *dup(left, "listen");
    CHECK(*write(right, "kept") == 4);
    CHECK(error_of(left.close()) == "ok");
    CHECK(error_of(write(right, "x")) == "EPIPE");
    CHECK(error_of(write(again, "x")) == "EPIPE");
    CHECK(read_text(again, 10) == "kept");
    CHECK(error_of(dup(again, "connect")) == "ECONNREFUSED");
    CHECK(error_of(dup(again, "other")) == "EINVAL");
}

TEST_CASE_FIXTURE(DgramFixture, "reading waits for a message") {
    pair();
    std::string got(10, '\0');
    std::thread reader([&] {
        const auto count = tested.read_at(other, right->number(),
                                          mem::UserOut::local(std::as_writable_bytes(std::span(got))),
                                          scheme::kNoOffset, {});
        got.resize(*count);
    });
    await_other_block();
    CHECK(*write(left, "now") == 3);
    reader.join();
    CHECK(got == "now");
    set_nonblocking(right, true);
    CHECK(read_text(right, 1) == "error EAGAIN");
}

TEST_CASE_FIXTURE(DgramFixture, "a full queue makes its writers wait, and its end frees them") {
    pair();
    const std::string big(65536, 'x');
    const auto fill = [&] {
        set_nonblocking(left, true);
        while (write(left, big)) {
        }
        CHECK(ready(left) == 0);
        set_nonblocking(left, false);
    };
    fill();
    std::thread writer([&] {
        CHECK(*tested.write_at(other, left->number(), mem::UserIn::local("end"), scheme::kNoOffset, {}) == 3);
    });
    await_other_block();
    CHECK(read_text(right, 1).size() == 1);
    writer.join();
    fill();
    std::thread loser([&] {
        CHECK(error_of(tested.write_at(other, left->number(), mem::UserIn::local("end"), scheme::kNoOffset,
                                       {})) == "EPIPE");
    });
    await_other_block();
    CHECK(error_of(right.close()) == "ok");
    loser.join();
}

TEST_CASE_FIXTURE(DgramFixture, "descriptors") {
    pair();
    std::vector<DescriptionRef> files{root};
    CHECK(*send_files(left, files) == 1);
    CHECK(*receive_files(right, 1) == std::vector<DescriptionRef>{root});
    CHECK(error_of(tested.fcntl(caller, right->number(), abi::FcntlCommand::kSetfl, OpenFlags::kNonblock)) ==
          "ok");
    CHECK(error_of(receive_files(right, 1)) == "EAGAIN");
    CHECK(*send_files(left, files) == 0);
    const DescriptionRef alone = socket();
    files = {root};
    CHECK(error_of(send_files(alone, files)) == "ENOTCONN");
    CHECK(files.size() == 1);
}

TEST_CASE_FIXTURE(DgramFixture, "events") {
    pair();
    CHECK(ready(left) == EventFlags::kEventWrite);
    CHECK(ready(socket()) == 0);
    const auto heard = watch(right);
    CHECK(*write(left, "x") == 1);
    CHECK(heard->take() == EventFlags::kEventRead);
    CHECK(ready(right) == kBoth);
}
