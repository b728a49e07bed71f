#pragma once

// A supervisor's side of a connection to a server of the host, with clients, and what such a server has to
// send.

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "schemes/host_server/connection.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/scheme_world.h"
#include "tests/support/raw_server.h"

namespace halfcell::fuzz {

using host_server::Connection;
using host_server::RawServer;

// Files of every kind that a server could send, open as long as the program runs.
class Files {
  public:
    Files() {
        add(::memfd_create("plain", MFD_CLOEXEC));
        if (::ftruncate(list_.back(), 3 * 4096) != 0) std::abort();
        add(::open(("/proc/self/fd/" + std::to_string(list_.back())).c_str(), O_RDONLY | O_CLOEXEC));
        add(::open(("/proc/self/fd/" + std::to_string(list_.front())).c_str(), O_WRONLY | O_CLOEXEC));
        add(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        add(::open("/", O_PATH | O_CLOEXEC));
        add(::open("/dev/null", O_RDWR | O_CLOEXEC));
        add(::open("/dev/zero", O_RDWR | O_CLOEXEC));
        add(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
        add(::eventfd(0, EFD_CLOEXEC));
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
        add(ends[0]);
        add(ends[1]);
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
        add(ends[0]);
        add(ends[1]);
    }
    [[nodiscard]] int any(Input& input) const { return list_[input.byte() % list_.size()]; }

  private:
    void add(int file) {
        if (file < 0) std::abort();
        list_.push_back(file);
    }
    std::vector<int> list_;
};

// Three clients, one connection at a time, and the pages they share.
class RingWorld : public KernelOfWorld {
  public:
    RingWorld() {
        kernel_.schemes.add(SchemeId{1}, files_);
        for (auto& client : clients)
            client = std::make_unique<Party>(kernel_, pool_, machines_);
        connect();
    }
    ~RingWorld() {
        end_connection();
        for (auto& client : clients)
            client.reset();
        files_.reset();
        HC_CHECK(pool_.used() == 0, "memory was left behind");
    }
    RingWorld(const RingWorld&) = delete;
    RingWorld& operator=(const RingWorld&) = delete;

    // The supervisor's thread takes in what has come; a server that is found out gets a new connection.
    void serve() {
        if (connection->serve()) return;
        lost = true;
    }
    void connect() {
        lost = false;
        int ends[2];
        HC_CHECK(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "no sockets");
        server.emplace(host::UniqueFd(ends[1]));
        socket = ends[1];
        auto adopted = Connection::adopt("ring", host::UniqueFd(ends[0]), 42, kernel_.schemes, files_);
        HC_CHECK(adopted.has_value(), "a connection is made");
        connection = std::move(*adopted);
        server->adopt();
        scheme = std::dynamic_pointer_cast<host_server::HostScheme>(*connection->root()->shared_scheme());
        root = connection->root();
    }
    // Whoever waits hears of it, and nothing stays of a request.
    void end_connection() {
        connection->close();
        for (auto& client : clients)
            client->finish();
        HC_CHECK(scheme->channel().in_use() == 0, "a request was left behind");
        scheme.reset();
        connection.reset();
        server.reset();
    }
    std::shared_ptr<schemes::HostfdScheme> files() const { return files_; }

  private:
    std::shared_ptr<schemes::HostfdScheme> files_ = std::make_shared<schemes::HostfdScheme>(pool_);

  public:
    std::array<std::unique_ptr<Party>, 3> clients;
    std::optional<RawServer> server;
    std::shared_ptr<Connection> connection;
    std::shared_ptr<host_server::HostScheme> scheme;
    scheme::DescriptionRef root;
    int socket = -1;  // the server's end
    bool lost = false;
};

}  // namespace halfcell::fuzz
