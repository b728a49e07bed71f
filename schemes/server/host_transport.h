#pragma once

// The rings that a Linux process shares with a supervisor (host_protocol.h).

#include <poll.h>
#include <sys/mman.h>

#include <deque>
#include <memory>
#include <variant>

#include "schemes/server/caller_cpu.h"
#include "schemes/server/host_bell.h"
#include "schemes/server/host_protocol.h"
#include "schemes/server/transport.h"

namespace halfcell::server {

class HostTransport final : public Transport {
  public:
    // Takes an offer from a rendezvous socket and makes the connection in it this process's own. Waits for
    // the other side, some seconds at most. ENODEV (it has gone), EPROTO (it speaks something else),
    // ETIMEDOUT.
    static userland::Result<std::unique_ptr<HostTransport>> accept(int rendezvous);
    ~HostTransport() override;

    // ENODEV once the supervisor has gone.
    userland::Result<std::size_t> receive(std::span<abi::Sqe> to) override;
    void complete(std::span<const abi::Cqe> completions) override;
    [[nodiscard]] std::optional<std::span<std::byte>> buffer(std::uint64_t address,
                                                             std::uint64_t size) override;
    // As tokens: nothing of a guest's becomes a descriptor here.
    userland::Result<std::vector<Descriptor>> obtain(std::uint32_t tag, std::uint64_t count) override;
    // EXDEV for tokens of another connection: no run gets what another one sent. Files wait here until the
    // supervisor takes some; EMFILE where too many do, EIO where one cannot be sent. The same for show().
    userland::Result<void> attach(std::uint32_t tag, std::vector<Descriptor> descriptors) override;
    userland::Result<std::uint64_t> give(std::uint32_t tag, Descriptor descriptor) override;
    userland::Result<Shown> show(std::uint32_t tag, const Pages& pages, std::uint64_t offset) override;

    // --- for who serves several connections.

    // Like receive(), but 0 where nothing has come.
    userland::Result<std::size_t> look(std::span<abi::Sqe> to);
    // We are about to wait for awaited(). False where there is something to do meanwhile.
    bool fall_asleep() { return fall_asleep(Sleep::kOnSocket); }
    // Undoes that, and forgets the bells that rang.
    void wake();
    // The socket, and what to wait for there.
    [[nodiscard]] pollfd awaited() const;

  private:
    friend class Handover;
    // What is shared with the supervisor; mapped as long as this is there.
    template <std::uint64_t size>
    struct Unmap {
        void operator()(const void* bytes) const { ::munmap(const_cast<void*>(bytes), size); }
    };
    struct Memory {
        std::unique_ptr<const RequestPage, Unmap<kRequestPageSize>> requests;
        std::unique_ptr<AnswerPage, Unmap<kAnswerPageSize>> answers;
        std::unique_ptr<std::byte, Unmap<kBuffersSize>> buffers;
    };
    HostTransport(Descriptor socket, Memory memory, std::uint32_t run)
        : socket_(std::move(socket)), memory_(std::move(memory)), run_(run) {}

    // A file that goes with the answer to the request `tag`.
    struct File {
        std::uint32_t tag = 0;
        Descriptor file;
    };
    using Backlogged = std::variant<abi::Cqe, File>;
    enum class Sent : std::uint8_t { kSent, kNoRoom, kFailed };

    [[nodiscard]] int socket() const { return static_cast<int>(socket_.number()); }
    std::size_t take(std::span<abi::Sqe> to);
    bool fall_asleep(Sleep where);
    void ring();
    [[nodiscard]] bool full() const;
    [[nodiscard]] bool file_waits() const;
    // The supervisor asks, and takes no answers.
    [[nodiscard]] bool behind() const { return backlog_.size() >= kAnswerSlots; }
    void put(const abi::Cqe& cqe);
    void push(const abi::Cqe& cqe);
    void push_backlog();
    bool push_out(const Backlogged& waiting);
    void push_forgotten();
    Sent send_now(std::uint32_t tag, int file);
    userland::Result<void> send_file(std::uint32_t tag, Descriptor file);
    userland::Result<std::uint64_t> hand_over(std::uint32_t tag, Descriptor& descriptor);

    const Descriptor socket_;
    const Memory memory_;             // outlives the bell, which looks at it
    const std::uint32_t run_;         // part of the names of tokens
    std::unique_ptr<HostBell> bell_;  // of a server with one connection: it sleeps on nothing else
    CallerCpu cpu_;
    std::uint32_t requests_taken_ = 0;
    std::uint32_t answers_made_ = 0;
    std::uint32_t next_token_ = 0;
    // What the ring or the socket has no room for, until the supervisor has taken something; in order, for a
    // file comes before the answer that names it.
    std::deque<Backlogged> backlog_;
    bool unsaid_ = false;  // the supervisor may not know how far we are
    bool gone_ = false;
};

}  // namespace halfcell::server
