// links: halfcell_host_server halfcell_test_support
// inputs: 4000
//
// What a server of the host may do while a connection is handed over to it: tokens that are wrong, old, or
// shown twice, packets that are too short, too long, empty, of another kind or with files nobody asked for,
// on the wrong socket, too late, and the end of either socket at any point. Whoever did not show the token of
// this very offer first gets no connection, one outcome says why, and no descriptor is left.

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "kernel_shim/base/check.h"
#include "kernel_shim/scheme/registry.h"
#include "schemes/host_server/connection.h"
#include "schemes/host_server/packets.h"
#include "schemes/host_server/server_link.h"
#include "tests/fuzz/host_files.h"
#include "tests/fuzz/input.h"
#include "tests/support/fake_machine.h"

namespace {

using namespace halfcell;
using namespace halfcell::fuzz;
using host_server::HandoverKind;
using host_server::ServerLink;
using server::HandoverOffer;
using server::Packet;
using server::PacketKind;
using server::TokenBytes;

constexpr int kMostAttempts = 24;
std::uint64_t attempts = 0;
std::uint64_t packets_sent = 0;
std::uint64_t adopted = 0;
std::array<std::uint64_t, host_server::kHandoverKinds> outcomes{};

host::UniqueFd any_file() {
    return host::UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC));
}

// Both ends of a rendezvous: the supervisor's link, and a server that does its part, or something else, as
// soon as the offer has been sent.
class HostileLink final : public ServerLink {
  public:
    HostileLink(Input& input, TokenBytes& last_token) : input_(input), last_token_(last_token) {}

    int reach() override {
        constexpr int kErrors[] = {ENOENT, ECONNREFUSED, EACCES, EMFILE, EAGAIN, ENOSYS};
        if (input_.chance(2)) return input_.one_of(kErrors);
        int ends[2];
        HC_CHECK(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "no sockets");
        ours_ = host::UniqueFd(ends[0]);
        theirs_ = host::UniqueFd(ends[1]);
        if (input_.chance(2)) theirs_.reset();
        // A server that takes nothing: what was offered before fills the socket.
        if (input_.chance(1))
            while (send_with_files(ours_.get(), std::as_bytes(std::span(&kNoOffer, 1)), {})) {
            }
        return 0;
    }
    int send(const HandoverOffer& offer, int descriptor) override {
        const int error = ServerLink::send(offer, descriptor);
        if (error == 0) receive_offer();
        return error;
    }
    void let_go() override {
        ours_.reset();
        theirs_.reset();
    }

    host::UniqueFd take_rendezvous() override { return std::exchange(ours_, {}); }

    // Whether what was sent first on the connection is what has to be sent.
    [[nodiscard]] bool shown() const { return right_.value_or(false); }
    // After the attempt, whatever came of it.
    void too_late() {
        if (connection_.is_open() && input_.chance(50)) present();
        if (input_.chance(50)) connection_.reset();
    }
    [[nodiscard]] int connection() const { return connection_.get(); }

  private:
    static constexpr HandoverOffer kNoOffer{};
    [[nodiscard]] int rendezvous() const override { return ours_.get(); }

    void receive_offer() {
        if (!theirs_.is_open()) return;
        if (input_.chance(3)) return theirs_.reset();
        std::vector<host::UniqueFd> files;
        HandoverOffer offer;
        if (host_server::receive_packet(theirs_.get(), std::as_writable_bytes(std::span(&offer, 1)), files) !=
                0 ||
            files.size() != 1)
            return theirs_.reset();
        connection_ = std::move(files.front());
        token_ = offer.token;
        for (int packets = input_.chance(90) ? 1 : input_.byte() % 4; packets > 0; --packets)
            present();
        if (input_.chance(4)) connection_.reset();
        // Nothing may be left to wait for, or the attempt takes its time.
        if (!right_ || input_.chance(10)) theirs_.reset();
        last_token_ = token_;
    }
    void present() {
        Packet packet{.kind = PacketKind::kPresent, .value = input_.byte(), .token = token_};
        std::size_t size = sizeof packet;
        std::size_t count = 0;
        bool right = true;
        switch (input_.byte() % 16) {
            case 0:
                packet.token[input_.byte() % packet.token.size()] ^=
                    static_cast<std::uint8_t>(1 << input_.byte() % 8);
                right = false;
                break;
            case 1:
                packet.token = last_token_;
                right = false;
                break;
            case 2:
                packet.token = {};
                right = false;
                break;
            case 3:
                size = input_.byte() % 64U;
                right = size == sizeof packet;
                break;
            case 4:
                packet.kind = static_cast<PacketKind>(input_.byte());
                right = packet.kind == PacketKind::kPresent;
                break;
            case 5:
                count = input_.byte() % 7U;
                right = count <= host_server::kMostDescriptors;
                break;
            case 6:
                // On the rendezvous, where nobody looks.
                (void)send_with_files(theirs_.get(), std::as_bytes(std::span(&packet, 1)), {});
                return;
            default:
                break;
        }
        std::array<std::byte, 64> bytes{};
        std::memcpy(bytes.data(), &packet, sizeof packet);
        std::vector<host::UniqueFd> files;
        std::vector<int> numbers;
        for (std::size_t i = 0; i < count; ++i) {
            files.push_back(input_.chance(50) ? any_file() : host::UniqueFd(::dup(connection_.get())));
            numbers.push_back(files.back().get());
        }
        ++packets_sent;
        if (send_with_files(connection_.get(), std::span(bytes).first(size), numbers) && !right_)
            right_ = right;
    }

    Input& input_;
    TokenBytes& last_token_;  // of the attempt before
    TokenBytes token_{};
    host::UniqueFd ours_;
    host::UniqueFd theirs_;
    host::UniqueFd connection_;  // the server's
    std::optional<bool> right_;  // the first packet on the connection
};

void report() {
    std::printf("%llu attempts, %llu packets from servers, %llu adopted; outcomes:",
                static_cast<unsigned long long>(attempts), static_cast<unsigned long long>(packets_sent),
                static_cast<unsigned long long>(adopted));
    for (const std::uint64_t count : outcomes)
        std::printf(" %llu", static_cast<unsigned long long>(count));
    std::printf("\n");
}

void attempt(Input& input, TokenBytes& last_token) {
    ++attempts;
    int ends[2];
    HC_CHECK(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0, "no sockets");
    host::UniqueFd ours(ends[0]);
    host::UniqueFd servers(ends[1]);
    HostileLink link(input, last_token);
    const auto outcome = host_server::hand_over(link, ours.get(), servers.get(),
                                                std::chrono::milliseconds(input.chance(98) ? 500 : 0));
    ++outcomes[static_cast<std::size_t>(outcome.kind)];
    const bool success = outcome.kind == HandoverKind::kSuccess;
    HC_CHECK(!success || link.shown(), "a connection without its token");
    HC_CHECK(!host_server::describe(outcome).empty(), "an outcome has words");
    servers.reset();
    link.too_late();
    if (!success) return link.let_go();
    // The connection it got, with whatever else it has sent.
    test::FakePool pool;
    scheme::EventRegistry events;
    scheme::SchemeRegistry schemes{events};
    auto files = std::make_shared<schemes::HostfdScheme>(pool);
    schemes.add(SchemeId{1}, files);
    auto made = host_server::Connection::adopt("fuzzed", std::move(ours), outcome.root, schemes, files);
    if (!made) return link.let_go();
    ++adopted;
    for (int rounds = 0; rounds < 3; ++rounds)
        if (!(*made)->serve()) break;
    (*made)->close();
    link.let_go();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    [[maybe_unused]] static const int registered = std::atexit(report);
    static const std::size_t open_before = files_open();
    const Input own(data, size);
    TokenBytes last_token{};
    {
        Input input = own;
        for (int i = 0; i < kMostAttempts && !input.empty(); ++i) {
            const Burst burst(input);
            Input choices = burst.input();
            attempt(choices, last_token);
        }
    }
    HC_CHECK(files_open() == open_before, "a descriptor was left behind");
    return 0;
}
