#pragma once

// One connection to a server of the host, from its adoption to its end: moves requests from the scheme's
// queue to the ring, answers from the ring to those who wait, and descriptors both ways.

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kernel_shim/host/unique_fd.h"
#include "kernel_shim/scheme/registry.h"
#include "schemes/host_server/buffer_area.h"
#include "schemes/host_server/host_scheme.h"
#include "schemes/host_server/rings.h"

namespace halfcell::host_server {

class Connection : public std::enable_shared_from_this<Connection> {
  public:
    // Gives the server its rings and buffers over `socket`, and enters the scheme into `schemes`, which
    // outlives the connection. EIO (the server does not take them), EMFILE, ENOMEM, EAGAIN.
    static Result<std::shared_ptr<Connection>> adopt(std::string name, host::UniqueFd socket,
                                                     std::uint64_t root, scheme::SchemeRegistry& schemes,
                                                     std::shared_ptr<schemes::HostfdScheme> files);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { close(); }

    // The scheme's root handle. Its operations block as long as the server does; ENODEV after the end.
    [[nodiscard]] const scheme::DescriptionRef& root() const { return root_; }

    // Whether the server has gone, before anybody has taken notice. Asks the host.
    [[nodiscard]] bool hung_up() const;

    // --- for the thread that serves it.

    [[nodiscard]] int socket() const { return socket_.get(); }
    // Takes in what has come, up to what the ring and the socket can hold at once. False: the server has
    // gone, or lied about the rings; close the connection.
    bool serve();
    // We are about to wait for the socket. False where there is something to serve already.
    bool fall_asleep();
    // Who waits for an answer gets ENODEV, and so does every later use of the scheme's handles.
    void close();

    // Answers that nobody waits for, or that make no sense: they were ignored.
    [[nodiscard]] std::uint64_t lies() const { return lies_.load(); }

  private:
    struct Received {
        std::uint32_t tag;
        host::UniqueFd file;
    };
    // What a server may have under way: descriptors that no answer has named yet, and tokens.
    static constexpr std::size_t kMostReceived = 256;
    static constexpr std::size_t kMostTokens = 65536;
    // More than a socket holds.
    static constexpr std::size_t kMostPackets = 1024;

    Connection(host::UniqueFd socket, std::unique_ptr<Rings> rings, std::shared_ptr<HostScheme> scheme,
               scheme::SchemeRegistry& schemes, std::shared_ptr<schemes::HostfdScheme> files)
        : socket_(std::move(socket)),
          rings_(std::move(rings)),
          scheme_(std::move(scheme)),
          schemes_(schemes),
          files_(std::move(files)) {}

    void pump();
    void pump_once();
    void ring_bell();
    void give_up();
    bool receive_packets();
    bool take_answers();
    Result<void> complete(const abi::Cqe& cqe);
    Result<void> respond(std::uint32_t tag, user_scheme::Answer&& answer);
    Result<void> respond_with_descriptor(const abi::Cqe& cqe);
    Result<void> respond_with_descriptors(const abi::Cqe& cqe);
    Result<void> keep(const abi::Cqe& cqe);
    Result<void> move(const abi::Cqe& cqe);
    Result<scheme::DescriptionRef> take(std::uint64_t number, std::uint32_t tag);
    Result<scheme::DescriptionRef> take_received(std::uint32_t tag);

    const host::UniqueFd socket_;
    const std::unique_ptr<Rings> rings_;
    const std::shared_ptr<HostScheme> scheme_;
    scheme::SchemeRegistry& schemes_;
    const std::shared_ptr<schemes::HostfdScheme> files_;
    scheme::DescriptionRef root_;  // set by adopt, immutable then

    std::atomic<std::uint64_t> pumps_{0};  // who wants requests to be moved, while somebody does it
    std::atomic<bool> lost_{false};
    std::atomic<std::uint64_t> lies_{0};

    // All of the serving thread.
    std::deque<Received> received_;
    std::map<std::uint64_t, scheme::DescriptionRef> tokens_;
    std::map<std::uint32_t, std::vector<scheme::DescriptionRef>> moving_;  // by tag
    bool closed_ = false;
};

}  // namespace halfcell::host_server
