#include "schemes/host_server/handover.h"

#include <array>
#include <cerrno>
#include <cstring>

namespace halfcell::host_server {

namespace {

constexpr std::array<Decision, kHandoverKinds> kDecisions{{
    {Action::kAdopt, Errno::kEINVAL, "success", "the server has the connection"},
    {Action::kClientError, Errno::kEOPNOTSUPP, "unsupported platform", "no attempt can do better"},
    {Action::kClientError, Errno::kEACCES, "permission denied", "trying again would be guessing"},
    {Action::kReconnectQuietly, Errno::kENODEV, "socket unavailable", "servers restart"},
    {Action::kReconnectQuietly, Errno::kEAGAIN, "would block", "the server may catch up"},
    {Action::kClientError, Errno::kEIO, "send failed", "the host's trouble is not the server's"},
    {Action::kClientError, Errno::kETIMEDOUT, "acknowledgement timeout", "the caller has waited long enough"},
}};

}  // namespace

const Decision& decision_for(HandoverKind kind) {
    return kDecisions[static_cast<std::size_t>(kind)];
}

HandoverKind kind_of_host_error(int host_error) {
    switch (host_error) {
        case 0:
            return HandoverKind::kSuccess;
        case EOPNOTSUPP:
        case ENOSYS:
        case EAFNOSUPPORT:
        case EPROTONOSUPPORT:
        case ESOCKTNOSUPPORT:
        case EPROTOTYPE:
            return HandoverKind::kUnsupportedPlatform;
        case EACCES:
        case EPERM:
            return HandoverKind::kPermissionDenied;
        case ENOENT:
        case ENOTDIR:
        case ENOTSOCK:
        case ECONNREFUSED:
        case ECONNRESET:
        case ECONNABORTED:
        case ENOTCONN:
        case EPIPE:
            return HandoverKind::kSocketUnavailable;
        case EAGAIN:
        case EINPROGRESS:
        case ENOBUFS:
        case ETOOMANYREFS:
            return HandoverKind::kWouldBlock;
        case ETIMEDOUT:
            return HandoverKind::kAcknowledgementTimeout;
        default:
            return HandoverKind::kSendFailed;
    }
}

std::string host_error_text(int host_error) {
    std::string text = std::strerror(host_error);
    if (const char* const name = ::strerrorname_np(host_error)) text.append(" (").append(name).append(")");
    return text;
}

std::string describe(const HandoverOutcome& outcome) {
    std::string text = decision_for(outcome.kind).name;
    if (outcome.host_error != 0) text.append(": ").append(host_error_text(outcome.host_error));
    return text;
}

HandoverOutcome hand_over(Rendezvous& rendezvous, int own_end, int servers_end,
                          std::chrono::milliseconds patience) {
    const auto failed = [](int host_error) {
        return HandoverOutcome{.kind = kind_of_host_error(host_error), .host_error = host_error};
    };
    if (const int error = rendezvous.reach(); error != 0) return failed(error);
    const Clock::time_point deadline = Clock::now() + patience;
    auto token = OneTimeToken::issue(deadline);
    if (!token) return failed(EAGAIN);
    const server::HandoverOffer offer{.token = token->bytes()};
    if (const int error = rendezvous.send(offer, servers_end); error != 0) return failed(error);
    const Rendezvous::Presented presented = rendezvous.await(own_end, deadline);
    if (presented.host_error != 0) return failed(presented.host_error);
    // A packet of another kind is a guess like any other.
    const bool shown = presented.packet.kind == server::PacketKind::kPresent;
    switch (token->present(shown ? presented.packet.token : TokenBytes{}, Clock::now())) {
        case OneTimeToken::Verdict::kAccepted:
            return {.root = presented.packet.value};
        case OneTimeToken::Verdict::kExpired:
            return failed(ETIMEDOUT);
        case OneTimeToken::Verdict::kWrong:
        case OneTimeToken::Verdict::kUsed:
            break;
    }
    return {.kind = HandoverKind::kPermissionDenied};
}

}  // namespace halfcell::host_server
