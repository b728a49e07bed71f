#pragma once

// A connection between a supervisor's side that tests serve by hand and a server without manners, and callers
// on threads of their own.

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "abi/flags.h"
#include "schemes/host_server/connection.h"
#include "tests/support/fake_machine.h"
#include "tests/support/raw_server.h"

namespace halfcell::host_server {

struct ConnectionFixture {
    ConnectionFixture() {
        schemes.add(SchemeId{1}, files);
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
        server.emplace(host::UniqueFd(ends[1]));
        connection = *Connection::adopt("tested", host::UniqueFd(ends[0]), 5, schemes, files);
        server->adopt();
        root = connection->root();
    }
    scheme::Scheme& served() { return **root->scheme(); }
    // The server sends a file that goes with an answer to that tag.
    void send_file(std::uint32_t tag, int file) {
        server->send({.kind = server::PacketKind::kDescriptor, .tag = tag}, std::span(&file, 1));
    }
    // The same, and moves it to the request.
    void move_file(std::uint32_t tag, int file) {
        send_file(tag, file);
        server->push({.flags = server::kMoveFd, .tag = tag, .result = server::kNextDescriptor});
    }
    std::string name_of(Errno error) { return abi::errno_name(error); }
    template <typename T>
    std::string error_of(const Result<T>& result) {
        return result ? "ok" : abi::errno_name(result.error());
    }

    test::FakePool pool;
    scheme::EventRegistry events;
    scheme::SchemeRegistry schemes{events};
    std::shared_ptr<schemes::HostfdScheme> files = std::make_shared<schemes::HostfdScheme>(pool);
    std::optional<RawServer> server;
    std::shared_ptr<Connection> connection;
    scheme::DescriptionRef root;
};

// A read on a thread of its own.
class PendingRead {
  public:
    PendingRead(scheme::Scheme& scheme, std::size_t size) : buffer(size, '.') {
        thread_ = std::thread([this, &scheme] {
            const scheme::Caller caller{ContextId{}, 77, 5, 6, waiter};
            result_.emplace(scheme.read_at(caller, HandleNumber{9},
                                           mem::UserOut::local(std::as_writable_bytes(std::span(buffer))), 0,
                                           {}));
        });
    }
    ~PendingRead() {
        if (thread_.joinable()) thread_.join();
    }
    Result<std::uint64_t> join() {
        thread_.join();
        return *result_;
    }
    wait::Waiter waiter;
    std::string buffer;

  private:
    std::optional<Result<std::uint64_t>> result_;
    std::thread thread_;
};

class PendingOpen {
  public:
    explicit PendingOpen(scheme::Scheme& scheme) {
        thread_ = std::thread([this, &scheme] {
            const scheme::Caller caller{ContextId{}, 77, 5, 6, waiter};
            result_.emplace(scheme.openat(caller, HandleNumber{5}, "path", abi::OpenFlags::kRdwr, 0));
        });
    }
    ~PendingOpen() {
        if (thread_.joinable()) thread_.join();
    }
    Result<scheme::OpenResult> join() {
        thread_.join();
        return std::move(*result_);
    }
    wait::Waiter waiter;

  private:
    std::optional<Result<scheme::OpenResult>> result_;
    std::thread thread_;
};

// Asks for one descriptor.
class PendingReceive {
  public:
    explicit PendingReceive(scheme::Scheme& scheme) {
        thread_ = std::thread([this, &scheme] {
            const scheme::Caller caller{ContextId{}, 77, 5, 6, waiter};
            result_.emplace(scheme.fd_read(caller, HandleNumber{9}, sizeof(std::uint64_t), 0, {}));
        });
    }
    ~PendingReceive() {
        if (thread_.joinable()) thread_.join();
    }
    Result<std::vector<scheme::DescriptionRef>> join() {
        thread_.join();
        return std::move(*result_);
    }
    wait::Waiter waiter;

  private:
    std::optional<Result<std::vector<scheme::DescriptionRef>>> result_;
    std::thread thread_;
};

}  // namespace halfcell::host_server
