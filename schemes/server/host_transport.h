#pragma once

// The rings that a Linux process shares with a supervisor (host_protocol.h).

#include <memory>

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
    userland::Result<void> attach(std::uint32_t tag, std::vector<Descriptor> descriptors) override;
    userland::Result<std::uint64_t> give(std::uint32_t tag, Descriptor descriptor) override;
    userland::Result<Shown> show(std::uint32_t tag, const Pages& pages, std::uint64_t offset) override;

  private:
    struct Memory {
        const RequestPage* requests = nullptr;
        AnswerPage* answers = nullptr;
        std::byte* buffers = nullptr;
        void unmap() const;
    };
    HostTransport(int socket, const Memory& memory, std::unique_ptr<HostBell> bell)
        : socket_(socket), memory_(memory), bell_(std::move(bell)) {}

    std::size_t take(std::span<abi::Sqe> to);
    // Sleeps on the bell as long as `idle()`, looked at last, says so; false: the supervisor has gone.
    template <typename Idle>
    bool sleep_while(Idle idle);
    void ring();
    void push(const abi::Cqe& cqe);
    void push_forgotten();
    userland::Result<void> send_file(std::uint32_t tag, int file);
    userland::Result<std::uint64_t> hand_over(std::uint32_t tag, Descriptor& descriptor);

    const int socket_;
    const Memory memory_;
    std::unique_ptr<HostBell> bell_;
    CallerCpu cpu_;
    std::uint32_t requests_taken_ = 0;
    std::uint32_t answers_made_ = 0;
    std::uint32_t next_token_ = 0;
    bool unsaid_ = false;  // the supervisor may not know of answers
    bool gone_ = false;
};

}  // namespace halfcell::server
