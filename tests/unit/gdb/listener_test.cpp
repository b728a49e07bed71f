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

using namespace halfcell;
using namespace halfcell::gdb;

namespace {

class ListenerDirectory {
  public:
    ListenerDirectory() {
        std::string pattern = "/tmp/halfcell-listener-XXXXXX";
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    ListenerDirectory(const ListenerDirectory&) = delete;
    ListenerDirectory& operator=(const ListenerDirectory&) = delete;
    ~ListenerDirectory() { std::filesystem::remove_all(path_); }
    [[nodiscard]] std::string socket() const { return path_ + "/socket"; }

  private:
    std::string path_;
};

bool connects(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, path.data(), path.size());
    const host::UniqueFd file(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(file.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
}

}  // namespace

TEST_CASE("a socket is for this user alone, and goes with its listener") {
    const ListenerDirectory directory;
    {
        const auto listener = Listener::open("unix:" + directory.socket());
        REQUIRE(listener);
        struct stat status {};
        REQUIRE(::stat(directory.socket().c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0600);
        CHECK(listener->address() == directory.socket());
        CHECK(connects(directory.socket()));
    }
    CHECK_FALSE(std::filesystem::exists(directory.socket()));
}

TEST_CASE("a socket nobody listens at is replaced, anything else is left alone") {
    const ListenerDirectory directory;
    {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        std::memcpy(name.sun_path, directory.socket().data(), directory.socket().size());
        const host::UniqueFd old(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::bind(old.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    }
    {
        const auto listener = Listener::open("unix:" + directory.socket());
        REQUIRE(listener);
        CHECK_FALSE(Listener::open("unix:" + directory.socket()));  // somebody listens
        CHECK(connects(directory.socket()));
    }
    std::ofstream(directory.socket()) << "a file";
    CHECK_FALSE(Listener::open("unix:" + directory.socket()));
    CHECK(std::filesystem::exists(directory.socket()));
}

TEST_CASE("a listener that was replaced does not take its successor's socket away") {
    const ListenerDirectory directory;
    {
        auto first = Listener::open("unix:" + directory.socket());
        REQUIRE(first);
        std::filesystem::remove(directory.socket());
        const auto second = Listener::open("unix:" + directory.socket());
        REQUIRE(second);
        { const Listener gone = std::move(*first); }
        CHECK(connects(directory.socket()));
    }
    CHECK_FALSE(std::filesystem::exists(directory.socket()));
}

TEST_CASE("a socket whose queue is full is not waited for") {
    const ListenerDirectory directory;
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path, directory.socket().data(), directory.socket().size());
    const auto* const address = reinterpret_cast<const sockaddr*>(&name);
    const host::UniqueFd deaf(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(deaf.get(), address, sizeof name) == 0);
    REQUIRE(::listen(deaf.get(), 0) == 0);
    std::vector<host::UniqueFd> queue;
    do
        queue.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    while (::connect(queue.back().get(), address, sizeof name) == 0);
    REQUIRE(errno == EAGAIN);
    CHECK_FALSE(Listener::open("unix:" + directory.socket()));
    CHECK(std::filesystem::exists(directory.socket()));
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
