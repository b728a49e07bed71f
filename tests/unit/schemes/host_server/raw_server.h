#pragma once

// A server's end of a connection without any manners: writes to the shared pages whatever a test likes.

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <vector>

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

    // Takes what the supervisor sends on adoption.
    void adopt() {
        server::Packet packet;
        REQUIRE(receive_packet(socket_.get(), std::as_writable_bytes(std::span(&packet, 1)), regions) == 0);
        REQUIRE(packet.kind == server::PacketKind::kAdopted);
        REQUIRE(regions.size() == server::kRegions);
        const auto map = [&](std::size_t region, std::uint64_t size, int protection) {
            void* const bytes = ::mmap(nullptr, size, protection, MAP_SHARED, regions[region].get(), 0);
            REQUIRE(bytes != MAP_FAILED);
            return bytes;
        };
        requests = static_cast<const server::RequestPage*>(map(0, server::kRequestPageSize, PROT_READ));
        answers = static_cast<server::AnswerPage*>(map(1, server::kAnswerPageSize, PROT_READ | PROT_WRITE));
        // Every request is to ring.
        answers->sleeps.store(1);
        buffers = static_cast<std::byte*>(map(2, server::kBuffersSize, PROT_READ | PROT_WRITE));
    }

    // The next request, waiting for it.
    abi::Sqe next() {
        while (requests->produced.load() == taken_) {
            pollfd one{socket_.get(), POLLIN, 0};
            REQUIRE(::poll(&one, 1, 10'000) == 1);
            server::Packet packet;
            std::vector<host::UniqueFd> none;
            REQUIRE(receive_packet(socket_.get(), std::as_writable_bytes(std::span(&packet, 1)), none) == 0);
        }
        const abi::Sqe sqe = requests->requests[taken_++ % server::kRequestSlots];
        answers->requests_consumed.store(taken_);
        return sqe;
    }
    bool has_next() const { return requests->produced.load() != taken_; }

    void push(const abi::Cqe& cqe) {
        answers->answers[made_++ % server::kAnswerSlots] = cqe;
        answers->produced.store(made_);
    }
    void push(abi::CqeOpcode opcode, std::uint32_t tag, std::uint64_t result) {
        push({.flags = static_cast<std::uint8_t>(opcode), .tag = tag, .result = result});
    }
    void answer(std::uint32_t tag, std::uint64_t result) {
        push(abi::CqeOpcode::kRespondRegular, tag, result);
    }
    void send(const server::Packet& packet, std::span<const int> files = {}) {
        REQUIRE(send_packet(socket_.get(), std::as_bytes(std::span(&packet, 1)), files) == 0);
    }
    void send_raw(std::span<const std::byte> bytes) { REQUIRE(send_packet(socket_.get(), bytes, {}) == 0); }
    void hang_up() { socket_.reset(); }

    std::vector<host::UniqueFd> regions;
    const server::RequestPage* requests = nullptr;
    server::AnswerPage* answers = nullptr;
    std::byte* buffers = nullptr;

  private:
    host::UniqueFd socket_;
    std::uint32_t taken_ = 0;
    std::uint32_t made_ = 0;
};

}  // namespace halfcell::host_server
