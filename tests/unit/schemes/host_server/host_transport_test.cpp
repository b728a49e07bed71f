// The other end of a connection, as the server kit has it: files that go out while the supervisor takes
// nothing, because it has been stopped, or has no mind to.

#include "schemes/server/host_transport.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <future>
#include <optional>

#include "schemes/host_server/buffer_area.h"
#include "schemes/host_server/packets.h"
#include "schemes/host_server/rings.h"

namespace halfcell::server {

namespace {

constexpr std::chrono::seconds kDeadline{30};
// More than the socket holds.
constexpr std::uint32_t kFiles = 100;

// The supervisor's side of a connection, and the transport at its other end.
struct TransportFixture {
    TransportFixture() {
        int rendezvous[2];
        int connection[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, rendezvous) == 0);
        REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, connection) == 0);
        const int little = 1;
        REQUIRE(::setsockopt(connection[1], SOL_SOCKET, SO_SNDBUF, &little, sizeof little) == 0);
        const host::UniqueFd theirs(connection[1]);
        ours.reset(connection[0]);
        const host::UniqueFd from(rendezvous[0]);
        const host::UniqueFd to(rendezvous[1]);
        const HandoverOffer offer;
        const int offered = theirs.get();
        REQUIRE(host_server::send_packet(from.get(), std::as_bytes(std::span(&offer, 1)),
                                         std::span(&offered, 1)) == 0);
        const std::array<int, kRegions> regions{rings->request_file(), rings->answer_file(), area->file()};
        send_packet({.kind = PacketKind::kAdopted}, regions);
        auto accepted = HostTransport::accept(to.get());
        REQUIRE(static_cast<bool>(accepted));
        transport = std::move(*accepted);
        CHECK(receive()->kind == PacketKind::kPresent);
    }

    void send_packet(const Packet& packet, std::span<const int> files) const {
        REQUIRE(host_server::send_packet(ours.get(), std::as_bytes(std::span(&packet, 1)), files) == 0);
    }
    // The next packet, if there is one, with a file where it says so.
    [[nodiscard]] std::optional<Packet> receive() const {
        Packet packet;
        std::vector<host::UniqueFd> files;
        const int error =
            host_server::receive_packet(ours.get(), std::as_writable_bytes(std::span(&packet, 1)), files);
        if (error == EAGAIN) return std::nullopt;
        CHECK(error == 0);
        CHECK(files.size() == (packet.kind == PacketKind::kDescriptor ? 1 : 0));
        return packet;
    }
    // Answers a request with a file.
    void give(std::uint32_t tag) const {
        const int file = ::eventfd(0, EFD_CLOEXEC);
        REQUIRE(file >= 0);
        const auto word = transport->give(tag, Descriptor(static_cast<std::uint64_t>(file)));
        REQUIRE(static_cast<bool>(word));
        const abi::Cqe cqe{
            .flags = static_cast<std::uint8_t>(abi::CqeOpcode::kRespondWithFd), .tag = tag, .result = *word};
        transport->complete(std::span(&cqe, 1));
    }
    // The same with all of them. Where nothing is taken this may fail to end, and then so does the
    // connection.
    bool give_all() {
        auto given = std::async(std::launch::async, [this] {
            for (std::uint32_t tag = 0; tag < kFiles; ++tag)
                give(tag);
        });
        const bool ended = given.wait_for(kDeadline) == std::future_status::ready;
        if (!ended) ours.reset();
        given.get();
        return ended;
    }
    void take_files() {
        while (const auto packet = receive())
            if (packet->kind == PacketKind::kDescriptor) CHECK(packet->tag == files_taken++);
    }
    // As a supervisor does: by the time an answer is there, so is the file it names.
    void take() {
        take_files();
        std::array<abi::Cqe, kFiles> answered;
        const std::size_t count = *rings->take(answered);
        take_files();
        for (const abi::Cqe& cqe : std::span(answered).first(count))
            CHECK(cqe.tag == answers_taken++);
        CHECK(answers_taken <= files_taken);
    }

    std::unique_ptr<host_server::Rings> rings = *host_server::Rings::create();
    std::shared_ptr<host_server::BufferArea> area = *host_server::BufferArea::create(kBuffersSize);
    host::UniqueFd ours;
    std::unique_ptr<HostTransport> transport;
    std::uint32_t files_taken = 0;
    std::uint32_t answers_taken = 0;
};

}  // namespace

TEST_CASE_FIXTURE(TransportFixture, "a run that takes no files does not hold its server up") {
    REQUIRE(give_all());
    // What waits is sent as soon as there is room, in order.
    while (answers_taken != kFiles) {
        take();
        pollfd one = transport->awaited();
        if (answers_taken != kFiles) REQUIRE(::poll(&one, 1, 30'000) == 1);
        CHECK(*transport->look({}) == 0);
    }
    CHECK(files_taken == kFiles);
    CHECK(transport->awaited().events == POLLIN);
}

TEST_CASE_FIXTURE(TransportFixture,
                  "a server that has files to send sleeps until there is room or a request") {
    REQUIRE(give_all());
    std::array<abi::Sqe, 4> requests;
    auto received = std::async(std::launch::async, [&] { return transport->receive(requests); });
    SUBCASE("the files go out") {
        pollfd one{ours.get(), POLLIN, 0};
        while (answers_taken != kFiles) {
            REQUIRE(::poll(&one, 1, 30'000) == 1);
            take();
        }
        CHECK(files_taken == kFiles);
    }
    SUBCASE("nothing is taken") {}
    const abi::Sqe request{};
    rings->push(std::span(&request, 1));
    const Sleep sleep = rings->server_sleep();
    if (sleep == Sleep::kOnBell) rings->ring();
    if (sleep == Sleep::kOnSocket) send_packet({.kind = PacketKind::kBell}, {});
    const auto count = received.get();
    REQUIRE(static_cast<bool>(count));
    CHECK(*count == 1);
}

TEST_CASE_FIXTURE(TransportFixture, "a run that takes no files does not use up its server's descriptors") {
    std::uint32_t kept = 0;
    for (;; ++kept) {
        const int file = ::eventfd(0, EFD_CLOEXEC);
        REQUIRE(file >= 0);
        const auto word = transport->give(kept, Descriptor(static_cast<std::uint64_t>(file)));
        if (word) continue;
        CHECK(word.error() == abi::Errno::kEMFILE);
        break;
    }
    CHECK(kept >= kFiles);
}

TEST_CASE_FIXTURE(TransportFixture, "a server that has files to send sees the run go") {
    REQUIRE(give_all());
    ours.reset();
    std::array<abi::Sqe, 4> requests;
    CHECK(transport->receive(requests).error() == abi::Errno::kENODEV);
}

}  // namespace halfcell::server
