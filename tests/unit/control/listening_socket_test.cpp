#include "kernel_shim/control/listening_socket.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/temporary_directory.h"

namespace halfcell::control {

namespace {

struct Folder : test::TemporaryDirectory {
    [[nodiscard]] std::string file() const { return path() + "/socket"; }
};

bool connects(const std::string& where) {
    const auto address = host::socket_address(where);
    const host::UniqueFd file(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(file.get(), reinterpret_cast<const sockaddr*>(&address->address), address->size) == 0;
}

}  // namespace

TEST_CASE("a socket is its user's alone, whatever the umask, and goes with its run") {
    const Folder folder;
    const mode_t before = ::umask(0);
    {
        const auto socket = ListeningSocket::open(folder.file(), {});
        REQUIRE(socket);
        struct stat status {};
        REQUIRE(::lstat(folder.file().c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0600);
        CHECK(S_ISSOCK(status.st_mode));
        CHECK(folder.entries() == 1);
        CHECK(connects(folder.file()));
    }
    ::umask(before);
    CHECK(folder.entries() == 0);
}

TEST_CASE("a dead run's socket is replaced, a live one's is not") {
    const Folder folder;
    {
        // What a run leaves behind that is killed: a file nobody listens at.
        const auto address = host::socket_address(folder.file());
        const host::UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&address->address), address->size) == 0);
    }
    const auto socket = ListeningSocket::open(folder.file(), {});
    REQUIRE(socket);
    CHECK(connects(folder.file()));
    const auto second = ListeningSocket::open(folder.file(), {});
    REQUIRE_FALSE(second);
    CHECK(second.error().find("another run listens there") != std::string::npos);
    CHECK(folder.entries() == 1);
    CHECK(connects(folder.file()));
}

TEST_CASE("files that are no sockets, and names that cannot be, are refused and left alone") {
    const Folder folder;
    { const host::UniqueFd file(::open(folder.file().c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)); }
    const auto socket = ListeningSocket::open(folder.file(), {});
    REQUIRE_FALSE(socket);
    CHECK(socket.error().find("no socket") != std::string::npos);
    CHECK(folder.entries() == 1);
    CHECK_FALSE(ListeningSocket::open(folder.file() + std::string(200, 'x'), {}));
    CHECK_FALSE(ListeningSocket::open("@", {}));
    CHECK_FALSE(ListeningSocket::open("/no/such/folder/socket", {}));
}

TEST_CASE("a run that was replaced does not take its successor's socket away") {
    const Folder folder;
    {
        auto first = ListeningSocket::open(folder.file(), {});
        REQUIRE(first);
        std::filesystem::remove(folder.file());
        const auto second = ListeningSocket::open(folder.file(), {});
        REQUIRE(second);
        { const ListeningSocket gone = std::move(*first); }
        CHECK(connects(folder.file()));
    }
    CHECK(folder.entries() == 0);
}

TEST_CASE("abstract names leave no file, and are taken once") {
    const std::string name = "@halfcell-test-" + std::to_string(::getpid());
    const auto socket = ListeningSocket::open(name, {});
    REQUIRE(socket);
    CHECK(connects(name));
    CHECK_FALSE(ListeningSocket::open(name, {}));
}

}  // namespace halfcell::control
