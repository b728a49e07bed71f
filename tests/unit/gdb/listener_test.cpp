#include "kernel_shim/gdb/listener.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "kernel_shim/gdb/call_names.h"
#include "kernel_shim/gdb/connect_files.h"
#include "tests/support/temporary_directory.h"

using namespace halfcell;
using namespace halfcell::gdb;

namespace {

std::string socket_in(const test::TemporaryDirectory& directory) {
    return directory.path() + "/socket";
}

bool connects(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, path.data(), path.size());
    const host::UniqueFd file(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(file.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
}

}  // namespace

TEST_CASE("a socket is for this user alone, and goes with its listener") {
    const test::TemporaryDirectory directory;
    {
        const auto listener = Listener::open("unix:" + socket_in(directory));
        REQUIRE(listener);
        struct stat status {};
        REQUIRE(::stat(socket_in(directory).c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0600);
        CHECK(listener->address() == socket_in(directory));
        CHECK(connects(socket_in(directory)));
    }
    CHECK_FALSE(std::filesystem::exists(socket_in(directory)));
}

TEST_CASE("a socket nobody listens at is replaced, anything else is left alone") {
    const test::TemporaryDirectory directory;
    {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        std::memcpy(name.sun_path, socket_in(directory).data(), socket_in(directory).size());
        const host::UniqueFd old(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::bind(old.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    }
    {
        const auto listener = Listener::open("unix:" + socket_in(directory));
        REQUIRE(listener);
        CHECK_FALSE(Listener::open("unix:" + socket_in(directory)));  // somebody listens
        CHECK(connects(socket_in(directory)));
    }
    std::ofstream(socket_in(directory)) << "a file";
    CHECK_FALSE(Listener::open("unix:" + socket_in(directory)));
    CHECK(std::filesystem::exists(socket_in(directory)));
}

TEST_CASE("a listener that was replaced does not take its successor's socket away") {
    const test::TemporaryDirectory directory;
    {
        auto first = Listener::open("unix:" + socket_in(directory));
        REQUIRE(first);
        std::filesystem::remove(socket_in(directory));
        const auto second = Listener::open("unix:" + socket_in(directory));
        REQUIRE(second);
        { const Listener gone = std::move(*first); }
        CHECK(connects(socket_in(directory)));
    }
    CHECK_FALSE(std::filesystem::exists(socket_in(directory)));
}

TEST_CASE("a socket whose queue is full is not waited for") {
    const test::TemporaryDirectory directory;
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, socket_in(directory).data(), socket_in(directory).size());
    const auto* const address = reinterpret_cast<const sockaddr*>(&name);
    const host::UniqueFd deaf(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(deaf.get(), address, sizeof name) == 0);
    REQUIRE(::listen(deaf.get(), 0) == 0);
    std::vector<host::UniqueFd> queue;
    do
        queue.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    while (::connect(queue.back().get(), address, sizeof name) == 0);
    REQUIRE(errno == EAGAIN);
    CHECK_FALSE(Listener::open("unix:" + socket_in(directory)));
    CHECK(std::filesystem::exists(socket_in(directory)));
}

TEST_CASE("ports are of the loopback interface") {
    const auto listener = Listener::open("127.0.0.1:0");
    REQUIRE(listener);
    CHECK(listener->address().starts_with("127.0.0.1:"));
    CHECK(listener->address() != "127.0.0.1:0");
    for (const char* const where : {"0.0.0.0:0", "10.0.0.1:0", "example.org:0", "[::]:0", "0", "", "unix:",
                                    "127.0.0.1:", "127.0.0.1:-1", "127.0.0.1:65536", "127.0.0.1:1x"}) {
        const auto refused = Listener::open(where);
        REQUIRE_FALSE(refused);
        CHECK_MESSAGE(refused.error().find("127.0.0.1:PORT") != std::string::npos, where);
    }
}

TEST_CASE("the names of calls are where gdb looks for them, as long as a session lasts") {
    std::string data;
    {
        const auto files = ConnectFiles::create();
        REQUIRE(files);
        const std::string line = command_line(files->directory(), "/a b", "./it's");
        constexpr std::string_view kBegin = "gdb -iex 'set data-directory ";
        REQUIRE(line.starts_with(kBegin));
        data = line.substr(kBegin.size(), line.find('\'', kBegin.size()) - kBegin.size());
        CHECK(line == std::string(kBegin) + data +
                          "' -iex 'set can-use-hw-watchpoints 0' -ex 'target remote /a b' './it'\\''s'");
        std::ifstream names(data + "/" + kCallNamesFile);
        const std::string text((std::istreambuf_iterator<char>(names)), {});
        CHECK(text == call_names_xml());
        CHECK(files->socket().size() < sizeof(sockaddr_un::sun_path));
    }
    CHECK_FALSE(std::filesystem::exists(data));
}
