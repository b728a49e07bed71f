// Sockets with a name, on the host and in memory.

#include "abi/socket_call.h"
#include "tests/support/fake_scheme.h"
#include "tests/unit/schemes/file/file_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using scheme::DescriptionRef;

namespace {

// Sockets as far as files need them: handle 1 is bound, 2 has no path, 3 is something else.
class FakeSockets final : public RecordingScheme {
  public:
    Result<std::uint64_t> fpath(const scheme::Caller&, HandleNumber number, const mem::UserOut& to) override {
        return to.write_common(number.value() == 2 ? "/scheme/uds_stream/" : "/scheme/uds_stream/tmp/s");
    }
    Result<void> fstat(const scheme::Caller&, HandleNumber number, const mem::UserOut& to) override {
        abi::Stat status{};
        status.st_mode = number.value() == 3 ? abi::Mode::kFile : abi::Mode::kSock;
        return to.write_exact(status);
    }
    Result<std::uint64_t> call(const scheme::Caller&, HandleNumber, const mem::UserInOut& payload,
                               std::uint64_t, std::span<const std::uint64_t> metadata) override {
        CHECK(metadata.size() == 1);
        CHECK(metadata[0] == static_cast<std::uint64_t>(abi::SocketCall::kGetToken));
        TRY(payload.out().write_exact(std::uint64_t{4711}));
        return 8;
    }
};

struct SocketGuest : Guest {
    using Guest::Guest;

    Result<std::uint64_t> bind(HandleNumber directory, std::vector<DescriptionRef>& files) {
        return scheme->fd_write(caller, directory, std::move(files), 0, 0, {});
    }
    Result<std::uint64_t> bind(std::string_view directory, const DescriptionRef& socket) {
        std::vector<DescriptionRef> files{socket};
        return bind(*open(directory, OpenFlags::kRdonly | OpenFlags::kDirectory), files);
    }
    // The token a client would get.
    Result<std::uint64_t> token(std::string_view path, std::uint64_t word = 0) {
        const HandleNumber file = TRY(open(path, OpenFlags::kRdwr));
        std::uint64_t answer = 0;
        const std::array words{word};
        const auto payload = mem::UserInOut::local(std::as_writable_bytes(std::span(&answer, 1)));
        const auto size = scheme->call(caller, file, payload, 0, words);
        CHECK(scheme->close(file));
        CHECK(TRY(size) == 8);
        return answer;
    }
    RegisteredScheme<FakeSockets> sockets;
};

}  // namespace

TEST_CASE_TEMPLATE("a bound socket gets a file that leads to it", Kind, OnHost, InMemory) {
    Kind kind;
    SocketGuest guest(kind.volume());
    const DescriptionRef socket = guest.sockets.open(1);
    REQUIRE(guest.bind("", socket));
    CHECK((guest.stat("s").st_mode & abi::Mode::kType) == abi::Mode::kSock);
    CHECK(guest.list("").at("s") == abi::DirentKind::kSocket);
    CHECK(*guest.token("s") == 4711);
    CHECK(error_of(guest.token("s", 1)) == Errno::kEINVAL);
    guest.make_file("f");
    CHECK(error_of(guest.token("f")) == Errno::kEBADF);

    const HandleNumber file = *guest.open("s", OpenFlags::kRdwr);
    CHECK(error_of(guest.read(file)) == Errno::kEBADF);
    CHECK(error_of(guest.write(file, "x")) == Errno::kEBADF);
    CHECK(error_of(guest.scheme->ftruncate(guest.caller, file, 0)) == Errno::kEBADF);
    REQUIRE(guest.rename("s", "renamed"));
    CHECK(*guest.token("renamed") == 4711);
}

TEST_CASE_TEMPLATE("what cannot be bound stays the sender's", Kind, OnHost, InMemory) {
    Kind kind;
    SocketGuest guest(kind.volume());
    guest.make_file("s");
    guest.make_directory("d");
    const auto attempt = [&](std::string_view directory, std::uint64_t handle) {
        std::vector<DescriptionRef> files{guest.sockets.open(handle)};
        const auto result = guest.bind(*guest.open(directory, OpenFlags::kRdonly), files);
        CHECK(files.size() == 1);
        return error_of(result);
    };
    CHECK(attempt("", 1) == Errno::kEEXIST);
    CHECK(attempt("s", 1) == Errno::kENOTDIR);
    CHECK(attempt("d", 2) == Errno::kEINVAL);
    CHECK(attempt("d", 3) == Errno::kEINVAL);
    std::vector<DescriptionRef> two{guest.sockets.open(1), guest.sockets.open(1)};
    CHECK(error_of(guest.bind(*guest.open("d", OpenFlags::kRdonly), two)) == Errno::kEINVAL);
    REQUIRE(guest.scheme->fchmod(guest.caller, *guest.open("d", OpenFlags::kStat), 0555));
    CHECK(attempt("d", 1) == Errno::kEACCES);
    REQUIRE(guest.scheme->fchmod(guest.caller, *guest.open("d", OpenFlags::kStat), 0755));
}

TEST_CASE_TEMPLATE("every name leads to the socket, until the last is gone", Kind, OnHost, InMemory) {
    Kind kind;
    SocketGuest guest(kind.volume());
    const DescriptionRef socket = guest.sockets.open(1);
    REQUIRE(guest.bind("", socket));
    REQUIRE(guest.link("s", "second"));
    REQUIRE(guest.unlink("s"));
    CHECK(*guest.token("second") == 4711);
    // Opened while it had a name.
    const HandleNumber file = *guest.open("second", OpenFlags::kRdwr);
    guest.make_file("f");
    REQUIRE(guest.rename("f", "second"));
    CHECK(error_of(guest.token("second")) == Errno::kEBADF);
    const std::array<std::uint64_t, 1> connect{0};
    CHECK(error_of(guest.scheme->call(guest.caller, file, mem::UserInOut::local({}), 0, connect)) ==
          Errno::kECONNREFUSED);
    REQUIRE(guest.unlink("second"));
    REQUIRE(guest.bind("", socket));
    CHECK(*guest.token("s") == 4711);
}

TEST_CASE_TEMPLATE("a file does not keep its socket: who is gone refuses", Kind, OnHost, InMemory) {
    Kind kind;
    SocketGuest guest(kind.volume());
    DescriptionRef socket = guest.sockets.open(1);
    REQUIRE(guest.bind("", socket));
    CHECK(guest.sockets.scheme->closed().empty());
    socket = {};
    CHECK(guest.sockets.scheme->closed() == std::vector<std::uint64_t>{1});
    CHECK(error_of(guest.token("s")) == Errno::kECONNREFUSED);
    CHECK((guest.stat("s").st_mode & abi::Mode::kType) == abi::Mode::kSock);
    REQUIRE(guest.unlink("s"));
}

TEST_CASE_TEMPLATE("nothing is bound where nothing may be written", Kind, OnHost, InMemory) {
    Kind kind;
    SocketGuest guest(kind.read_only());
    CHECK(error_of(guest.bind("", guest.sockets.open(1))) == Errno::kEROFS);
}
