#include "kernel_shim/host/socket_file.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/temporary_directory.h"

namespace halfcell::host {

namespace {

namespace fs = std::filesystem;

UniqueFd socket_without_address() {
    return UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

// The current directory, for names that are no paths with slashes.
class CurrentDirectory {
  public:
    CurrentDirectory() : before_(fs::current_path()) { fs::current_path(directory_.path()); }
    ~CurrentDirectory() { fs::current_path(before_); }
    CurrentDirectory(const CurrentDirectory&) = delete;
    CurrentDirectory& operator=(const CurrentDirectory&) = delete;
    [[nodiscard]] std::size_t entries() const { return directory_.entries(); }

  private:
    const test::TemporaryDirectory directory_;
    const fs::path before_;
};

}  // namespace

TEST_CASE("a socket's file has no name before it is published, and goes if it never is") {
    const CurrentDirectory directory;
    {
        const UniqueFd socket = socket_without_address();
        const auto file = SocketFile::bind(socket.get(), "name");
        REQUIRE(file);
        CHECK_FALSE(fs::exists("name"));
        CHECK(fs::is_socket(file->path()));
    }
    CHECK(directory.entries() == 0);
}

TEST_CASE("a file called like an abstract name is a file") {
    const CurrentDirectory directory;
    const UniqueFd first = socket_without_address();
    auto file = SocketFile::bind(first.get(), "@name");
    REQUIRE(file);
    REQUIRE(::listen(first.get(), 1) == 0);
    REQUIRE(file->publish());
    CHECK(fs::is_socket("@name"));
    const UniqueFd second = socket_without_address();
    auto other = SocketFile::bind(second.get(), "@name");
    REQUIRE(other);
    CHECK_FALSE(other->publish());  // it is listened at
}

TEST_CASE("a file that was left stays when its owner ends") {
    const CurrentDirectory directory;
    const UniqueFd socket = socket_without_address();
    {
        auto file = SocketFile::bind(socket.get(), "name");
        REQUIRE(file);
        REQUIRE(file->publish());
        file->leave();
    }
    CHECK(fs::exists("name"));
}

}  // namespace halfcell::host
