#pragma once

// One connection to a server of the host, from its adoption to its end: moves requests from the scheme's
// queue to the ring, answers from the ring to those who wait, and descriptors both ways.
//
// One thread at a time takes answers, for everybody: the collector. A caller who finds that there is none is
// it until its own answer has come, or it has done its share for others, and sleeps on the bell; so a caller
// alone needs no third thread. While there is no collector the server's bells are packets, and wake the
// thread that watches the socket.

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kernel_shim/base/guarded.h"
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
    // An eventfd: a collector has left answers behind. Take it before serve().
    [[nodiscard]] int left_behind() const { return left_behind_.get(); }
    // Takes in what has come, up to what the ring and the socket can hold at once. False: the server has
    // gone, or lied about the rings; close the connection.
    bool serve();
    // Whether there is nothing to do but to wait for one of the two. Somebody else may be the collector.
    [[nodiscard]] bool idle() const { return collecting_.load() || !rings_->answers_wait(); }
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

    // Answers taken in one go.
    static constexpr std::size_t kBatch = 64;
    // What a caller takes at most before it leaves the rest to the thread that serves. Each answer is a
    // wake-up that it pays for with its own time on the CPU: the host's scheduler lets all those it has woken
    // go first.
    static constexpr std::size_t kShare = 8;

    Connection(host::UniqueFd socket, host::UniqueFd left_behind, std::unique_ptr<Rings> rings,
               std::shared_ptr<HostScheme> scheme, scheme::SchemeRegistry& schemes,
               std::shared_ptr<schemes::HostfdScheme> files)
        : socket_(std::move(socket)),
          left_behind_(std::move(left_behind)),
          rings_(std::move(rings)),
          scheme_(std::move(scheme)),
          schemes_(schemes),
          files_(std::move(files)) {}

    // A caller's thread: moves its request, and sleeps until it is answered.
    wait::Wake exchange(wait::Waiter& waiter);
    // The collector's work until the wait is over or its share done, and its end. become_collector: false
    // where there is one.
    bool become_collector();
    void collect(wait::Waiter& waiter);
    void leave();
    // Moves requests. `waited_for` by the calling thread.
    void pump(bool waited_for);
    void pump_once();
    std::uint32_t move_requests(std::uint32_t room);
    void wake_server();
    void give_up();
    bool receive_packets();
    // Takes so many at most, and a batch at most; their number. Collector only.
    std::size_t take_answers(std::size_t most);
    void drop_descriptors();
    Result<void> complete(const abi::Cqe& cqe);
    Result<void> respond(std::uint32_t tag, user_scheme::Answer&& answer);
    Result<void> respond_with_descriptor(const abi::Cqe& cqe);
    Result<void> respond_with_descriptors(const abi::Cqe& cqe);
    Result<void> keep(const abi::Cqe& cqe);
    Result<void> move(const abi::Cqe& cqe);
    Result<scheme::DescriptionRef> take(std::uint64_t number, std::uint32_t tag);
    Result<scheme::DescriptionRef> take_received(std::uint32_t tag);

    const host::UniqueFd socket_;
    const host::UniqueFd left_behind_;
    const std::unique_ptr<Rings> rings_;
    const std::shared_ptr<HostScheme> scheme_;
    scheme::SchemeRegistry& schemes_;
    const std::shared_ptr<schemes::HostfdScheme> files_;
    scheme::DescriptionRef root_;  // set by adopt, immutable then

    std::atomic<std::uint64_t> pumps_{0};  // who wants requests to be moved, while somebody does it
    std::atomic<bool> lost_{false};
    std::atomic<std::uint64_t> lies_{0};

    std::atomic<bool> closed_{false};
    // Whether there is a collector; it has what follows, and nobody has it for good after the end.
    std::atomic<bool> collecting_{false};
    std::map<std::uint64_t, scheme::DescriptionRef> tokens_;
    std::map<std::uint32_t, std::vector<scheme::DescriptionRef>> moving_;  // by tag

    // Descriptors that came, and whoever takes them from the socket.
    Guarded<std::deque<Received>, LockLevel::kObject> received_;
};

}  // namespace halfcell::host_server
