#include "schemes/host_server/handover.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <set>
#include <thread>

namespace halfcell::host_server {
namespace {

using namespace std::chrono_literals;
using server::PacketKind;

// A host, and a server behind it, that do what the test says.
class FakeRendezvous final : public Rendezvous {
  public:
    int reach() override { return reach_error; }
    int send(const server::HandoverOffer& offer, int descriptor) override {
        sent_descriptor = descriptor;
        token = offer.token;
        return send_error;
    }
    Presented await(int connection, Clock::time_point deadline) override {
        awaited_on = connection;
        if (late) std::this_thread::sleep_until(deadline);
        server::TokenBytes shown = token;
        if (wrong_token) shown[15] ^= 1;
        return {await_error, {.kind = kind, .value = 17, .token = shown}};
    }

    int reach_error = 0;
    int send_error = 0;
    int await_error = 0;
    bool wrong_token = false;
    bool late = false;
    PacketKind kind = PacketKind::kPresent;
    server::TokenBytes token{};
    int sent_descriptor = -1;
    int awaited_on = -1;
};

HandoverOutcome hand_over(FakeRendezvous& rendezvous) {
    return hand_over(rendezvous, 70, 71, 20ms);
}

}  // namespace

TEST_CASE("a server that shows the token gets the connection") {
    FakeRendezvous rendezvous;
    const HandoverOutcome outcome = hand_over(rendezvous);
    CHECK(outcome.kind == HandoverKind::kSuccess);
    CHECK(outcome.host_error == 0);
    CHECK(outcome.root == 17);
    CHECK(rendezvous.sent_descriptor == 71);
    CHECK(rendezvous.awaited_on == 70);
    const server::TokenBytes first = rendezvous.token;
    (void)hand_over(rendezvous);
    CHECK(first != rendezvous.token);
}

TEST_CASE("every failure of the host has its outcome, with the raw errno") {
    const std::pair<int, HandoverKind> expected[] = {{EOPNOTSUPP, HandoverKind::kUnsupportedPlatform},
                                                     {ENOSYS, HandoverKind::kUnsupportedPlatform},
                                                     {EAFNOSUPPORT, HandoverKind::kUnsupportedPlatform},
                                                     {EPROTOTYPE, HandoverKind::kUnsupportedPlatform},
                                                     {EACCES, HandoverKind::kPermissionDenied},
                                                     {EPERM, HandoverKind::kPermissionDenied},
                                                     {ENOENT, HandoverKind::kSocketUnavailable},
                                                     {ECONNREFUSED, HandoverKind::kSocketUnavailable},
                                                     {ECONNRESET, HandoverKind::kSocketUnavailable},
                                                     {EPIPE, HandoverKind::kSocketUnavailable},
                                                     {EAGAIN, HandoverKind::kWouldBlock},
                                                     {ENOBUFS, HandoverKind::kWouldBlock},
                                                     {EIO, HandoverKind::kSendFailed},
                                                     {ENOMEM, HandoverKind::kSendFailed},
                                                     {EMFILE, HandoverKind::kSendFailed},
                                                     {ETIMEDOUT, HandoverKind::kAcknowledgementTimeout}};
    for (const auto& [error, kind] : expected) {
        INFO("errno ", error);
        for (int FakeRendezvous::*where :
             {&FakeRendezvous::reach_error, &FakeRendezvous::send_error, &FakeRendezvous::await_error}) {
            FakeRendezvous rendezvous;
            rendezvous.*where = error;
            const HandoverOutcome outcome = hand_over(rendezvous);
            CHECK(outcome.kind == kind);
            CHECK(outcome.host_error == error);
        }
    }
}

TEST_CASE("a server that shows something else is refused") {
    FakeRendezvous rendezvous;
    rendezvous.wrong_token = true;
    CHECK(hand_over(rendezvous).kind == HandoverKind::kPermissionDenied);
    rendezvous.wrong_token = false;
    rendezvous.kind = PacketKind::kBell;
    CHECK(hand_over(rendezvous).kind == HandoverKind::kPermissionDenied);
}

TEST_CASE("a token that comes too late is no acknowledgement") {
    FakeRendezvous rendezvous;
    rendezvous.late = true;
    CHECK(hand_over(rendezvous).kind == HandoverKind::kAcknowledgementTimeout);
}

TEST_CASE("the table has a decision for every outcome") {
    CHECK(decision_for(HandoverKind::kSuccess).action == Action::kAdopt);
    for (const HandoverKind kind : {HandoverKind::kSocketUnavailable, HandoverKind::kWouldBlock})
        CHECK(decision_for(kind).action == Action::kReconnectQuietly);
    for (const HandoverKind kind : {HandoverKind::kUnsupportedPlatform, HandoverKind::kPermissionDenied,
                                    HandoverKind::kSendFailed, HandoverKind::kAcknowledgementTimeout})
        CHECK(decision_for(kind).action == Action::kClientError);
    CHECK(decision_for(HandoverKind::kUnsupportedPlatform).error == Errno::kEOPNOTSUPP);
    CHECK(decision_for(HandoverKind::kPermissionDenied).error == Errno::kEACCES);
    CHECK(decision_for(HandoverKind::kSocketUnavailable).error == Errno::kENODEV);
    CHECK(decision_for(HandoverKind::kWouldBlock).error == Errno::kEAGAIN);
    CHECK(decision_for(HandoverKind::kSendFailed).error == Errno::kEIO);
    CHECK(decision_for(HandoverKind::kAcknowledgementTimeout).error == Errno::kETIMEDOUT);
    std::set<std::string> names;
    for (std::size_t kind = 0; kind < kHandoverKinds; ++kind)
        names.insert(decision_for(static_cast<HandoverKind>(kind)).name);
    CHECK(names.size() == kHandoverKinds);
    CHECK(describe({.kind = HandoverKind::kPermissionDenied, .host_error = EACCES}) ==
          "permission denied: Permission denied (EACCES)");
}

TEST_CASE("a token is accepted once, in time, and nothing like it is") {
    using Verdict = OneTimeToken::Verdict;
    const Clock::time_point now = Clock::now();
    const auto fresh = [&] { return *OneTimeToken::issue(now + 1s); };

    OneTimeToken token = fresh();
    CHECK(token.present(token.bytes(), now) == Verdict::kAccepted);
    CHECK(token.present(token.bytes(), now) == Verdict::kUsed);

    OneTimeToken guessed = fresh();
    TokenBytes wrong = guessed.bytes();
    wrong[0] ^= 0x80;
    CHECK(guessed.present(wrong, now) == Verdict::kWrong);
    // A wrong guess was the only one.
    CHECK(guessed.present(guessed.bytes(), now) == Verdict::kUsed);

    OneTimeToken expired = fresh();
    CHECK(expired.present(expired.bytes(), now + 1s) == Verdict::kExpired);
    OneTimeToken in_time = fresh();
    CHECK(in_time.present(in_time.bytes(), now + 999ms) == Verdict::kAccepted);
    CHECK(fresh().bytes() != fresh().bytes());
}

TEST_CASE("equality looks at every byte") {
    std::vector<std::uint8_t> a(16, 7);
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::vector<std::uint8_t> b = a;
        CHECK(equal_in_constant_time(a, b));
        for (unsigned bit = 0; bit < 8; ++bit) {
            b[i] = static_cast<std::uint8_t>(a[i] ^ (1U << bit));
            CHECK(!equal_in_constant_time(a, b));
        }
    }
    CHECK(!equal_in_constant_time(a, std::span(a).first(15)));
}

}  // namespace halfcell::host_server
