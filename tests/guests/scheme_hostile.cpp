// Tests what happens to callers of a server that answers twice, not at all, or ends in the middle.

#include <array>

#include "tests/guests/expect.h"
#include "tests/guests/scheme_session.h"
#include "userland/rt/signal.h"

namespace halfcell::userland {
namespace {

Result<void> kill(std::uint32_t child) {
    constexpr std::uint32_t kSigkill = 9;
    return send_signal(child, kSigkill);
}

// Whether the server still answers: its queue is served in order, so everything before has been read.
bool answers(const SchemeSession& session) {
    const auto file = session.open("alive");
    return file && sys_write(file->fd(), std::as_bytes(std::span("x", 1)));
}

}  // namespace

int main_program(std::span<const std::string_view>) {
    const Result<SchemeSession> session = SchemeSession::start("hostile");
    if (!session) {
        out().print("FAIL: no server, errno ", static_cast<int>(session.error()), '\n');
        return 1;
    }
    expect_error(session->open("twice"), Errno::kEPERM, "the first of two answers counts");
    expect(answers(*session), "answers after answering twice");

    const auto killed = start_opening(*session, "silent");
    expect(static_cast<bool>(killed), "a caller that gets no answer");
    expect(answers(*session), "answers others");
    if (killed) {
        expect(static_cast<bool>(kill(*killed)), "kill it");
        const auto status = status_of(*killed);
        expect(status && *status == 128 + 9, "it ends at once");
    }
    expect(answers(*session), "answers after a caller was killed");

    constexpr int kWaiters = 5;
    std::array<Result<std::uint32_t>, kWaiters> waiters{
        start_opening(*session, "silent"), start_opening(*session, "silent"),
        start_opening(*session, "cancellable"), start_opening(*session, "silent"),
        start_opening(*session, "cancellable")};
    expect(answers(*session), "answers while five wait");
    session->stop();
    for (const auto& waiter : waiters) {
        const auto status = waiter ? status_of(*waiter) : Result<int>(-1);
        expect(status && *status == static_cast<int>(Errno::kENODEV),
               "a waiter is told that the server is gone");
        if (status && *status != static_cast<int>(Errno::kENODEV)) out().print("  status ", *status, '\n');
    }

    // A server that is killed outright.
    const Result<SchemeSession> second = SchemeSession::start("hostile2");
    if (!second) return verdict() + 1;
    const auto waiter = start_opening(*second, "silent");
    expect(answers(*second), "the second server answers");
    expect(static_cast<bool>(kill(second->server())), "kill the server");
    const auto server_status = status_of(second->server());
    expect(server_status && *server_status == 128 + 9, "the server ends");
    const auto status = waiter ? status_of(*waiter) : Result<int>(-1);
    expect(status && *status == static_cast<int>(Errno::kENODEV), "its caller is told");
    return verdict();
}

}  // namespace halfcell::userland
