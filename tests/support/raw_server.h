#pragma once

// A server's end of a connection without any manners: writes to the shared pages whatever a test likes.

#include <poll.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "kernel_shim/base/check.h"
#include "kernel_shim/host/sys.h"
#include "schemes/host_server/packets.h"
#include "schemes/server/host_protocol.h"

namespace halfcell::host_server {

class RawServer {
  public:
    explicit RawServer(host::UniqueFd socket) : socket_(std::move(socket)) {}
    ~RawServer() {
        if (answers == nullptr) return;
        ::munmap(const_cast<server::RequestPage*>(requests), server::kRequestPageSize);
        ::munmap(answers, server::kAnswerPageSize);
        ::munmap(buffers, server::kBuffersSize);
    }

    // Takes a connection from a rendezvous socket and presents its token.
    static RawServer accept(int rendezvous, std::uint64_t root) {
        pollfd one{rendezvous, POLLIN, 0};
        HC_CHECK(::poll(&one, 1, 10'000) == 1, "an offer comes");
        server::HandoverOffer offer;
        std::vector<host::UniqueFd> connection;
        HC_CHECK(receive_packet(rendezvous, std::as_writable_bytes(std::span(&offer, 1)), connection) == 0,
                 "an offer is whole");
        RawServer accepted(std::move(connection.front()));
        accepted.send({.kind = server::PacketKind::kPresent, .value = root, .token = offer.token});
        one.fd = accepted.socket_.get();
        HC_CHECK(::poll(&one, 1, 10'000) == 1, "the connection is adopted");
        accepted.adopt();
        return accepted;
    }
    RawServer(RawServer&& other) noexcept
        : regions(std::move(other.regions)),
          requests(std::exchange(other.requests, nullptr)),
          answers(std::exchange(other.answers, nullptr)),
          buffers(other.buffers),
          socket_(std::move(other.socket_)) {}

    // Takes what the supervisor sends on adoption.
    void adopt() {
        server::Packet packet;
        HC_CHECK(receive_packet(socket_.get(), std::as_writable_bytes(std::span(&packet, 1)), regions) == 0,
                 "the supervisor keeps to the protocol");
        HC_CHECK(packet.kind == server::PacketKind::kAdopted, "the supervisor keeps to the protocol");
        HC_CHECK(regions.size() == server::kRegions, "the supervisor keeps to the protocol");
        const auto map = [&](std::size_t region, std::uint64_t size, int protection) {
            void* const bytes = ::mmap(nullptr, size, protection, MAP_SHARED, regions[region].get(), 0);
            HC_CHECK(bytes != MAP_FAILED, "the supervisor keeps to the protocol");
            return bytes;
        };
        requests = static_cast<const server::RequestPage*>(map(0, server::kRequestPageSize, PROT_READ));
        answers = static_cast<server::AnswerPage*>(map(1, server::kAnswerPageSize, PROT_READ | PROT_WRITE));
        // Every request is to come with a packet.
        answers->sleep.store(server::Sleep::kOnSocket);
        buffers = static_cast<std::byte*>(map(2, server::kBuffersSize, PROT_READ | PROT_WRITE));
    }

    // The next request, waiting for it.
    abi::Sqe next(int patience = 10'000) {
        while (requests->produced.load() == taken_)
            await_packet(patience);
        const abi::Sqe sqe = requests->requests[taken_++ % server::kRequestSlots];
        answers->requests_consumed.store(taken_);
        if (requests->wants_room.load() != 0) ring();
        return sqe;
    }
    bool has_next() const { return requests->produced.load() != taken_; }

    // Wakes whoever takes answers.
    void ring() {
        switch (requests->sleep.load()) {
            case server::Sleep::kAwake:
                return;
            case server::Sleep::kOnBell:
                return ring_bell();
            case server::Sleep::kOnSocket:
                send({.kind = server::PacketKind::kBell});
        }
    }

    void ring_bell() {
        answers->bell.fetch_add(1);
        host::wake_shared_futex(reinterpret_cast<std::uint32_t*>(&answers->bell));
    }

    // Puts a completion into the ring, and says so. Waits for room: what overruns the ring ends the
    // connection.
    void push(const abi::Cqe& cqe) {
        while (!has_room()) {
            ring();
            await_packet(10'000);
        }
        put(cqe);
        ring();
    }
    bool has_room() const { return made_ - requests->answers_consumed.load() < server::kAnswerSlots; }
    // Only puts them there, all at once, room or not.
    void put(std::span<const abi::Cqe> completions) {
        for (const abi::Cqe& cqe : completions)
            answers->answers[made_++ % server::kAnswerSlots] = cqe;
        answers->produced.store(made_);
    }
    void put(const abi::Cqe& cqe) { put(std::span(&cqe, 1)); }
    void push(abi::CqeOpcode opcode, std::uint32_t tag, std::uint64_t result) {
        push({.flags = static_cast<std::uint8_t>(opcode), .tag = tag, .result = result});
    }
    void answer(std::uint32_t tag, std::uint64_t result) {
        push(abi::CqeOpcode::kRespondRegular, tag, result);
    }
    void send(const server::Packet& packet, std::span<const int> files = {}) {
        HC_CHECK(send_packet(socket_.get(), std::as_bytes(std::span(&packet, 1)), files) == 0,
                 "the supervisor keeps to the protocol");
    }
    void send_raw(std::span<const std::byte> bytes) {
        HC_CHECK(send_packet(socket_.get(), bytes, {}) == 0, "the supervisor keeps to the protocol");
    }
    void hang_up() { socket_.reset(); }

    std::vector<host::UniqueFd> regions;
    const server::RequestPage* requests = nullptr;
    server::AnswerPage* answers = nullptr;
    std::byte* buffers = nullptr;

  private:
    // Of bells; nothing else comes after the adoption.
    void await_packet(int patience) {
        pollfd one{socket_.get(), POLLIN, 0};
        HC_CHECK(::poll(&one, 1, patience) == 1, "the supervisor keeps to the protocol");
        server::Packet packet;
        std::vector<host::UniqueFd> none;
        HC_CHECK(receive_packet(socket_.get(), std::as_writable_bytes(std::span(&packet, 1)), none) == 0,
                 "the supervisor keeps to the protocol");
    }

    host::UniqueFd socket_;
    std::uint32_t taken_ = 0;
    std::uint32_t made_ = 0;
};

}  // namespace halfcell::host_server
