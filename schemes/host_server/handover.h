#pragma once

// Handing a connection over to a server: an offer with a token goes over the rendezvous socket, and the
// connection is adopted when the server presents that token on it. Everything that can happen is an outcome,
// and what follows from an outcome stands in one table.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "kernel_shim/base/result.h"
#include "kernel_shim/host/unique_fd.h"
#include "schemes/host_server/one_time_token.h"

namespace halfcell::host_server {

enum class HandoverKind : std::uint8_t {
    kSuccess,
    kUnsupportedPlatform,     // the host cannot pass descriptors that way
    kPermissionDenied,        // it may not, or the server could not show the token
    kSocketUnavailable,       // nobody is there, or went away meanwhile
    kWouldBlock,              // the server does not take what was offered before
    kSendFailed,              // anything else, see `host_error`
    kAcknowledgementTimeout,  // the server took the offer and never presented the token
};
inline constexpr std::size_t kHandoverKinds = 7;

struct HandoverOutcome {
    HandoverKind kind = HandoverKind::kSuccess;
    int host_error = 0;      // the raw errno behind a failure, 0 where there is none
    std::uint64_t root = 0;  // kSuccess: the server's root handle
};

// What to do about an outcome.
enum class Action : std::uint8_t {
    kAdopt,             // use the connection
    kReconnectQuietly,  // begin again with the server; nobody is told unless that goes on
    kClientError,       // whoever opens the scheme gets `error`
};
struct Decision {
    Action action;
    // What clients see: of kClientError at once, of kReconnectQuietly once the attempts are used up.
    Errno error;
    const char* name;
    const char* reason;
};
// The table. Never blocks.
[[nodiscard]] const Decision& decision_for(HandoverKind kind);

// The outcome of a connect or send that failed with this errno.
[[nodiscard]] HandoverKind kind_of_host_error(int host_error);

// "Permission denied (EACCES)": an errno of the host's.
[[nodiscard]] std::string host_error_text(int host_error);

// "send failed: Permission denied (EACCES)": for whoever started the run.
[[nodiscard]] std::string describe(const HandoverOutcome& outcome);

// The host's side, for tests to replace. Errnos are the host's, 0 is success.
class Rendezvous {
  public:
    virtual ~Rendezvous() = default;

    // Reaches the server, starting it where need be. May block for the host's work, not for the server.
    virtual int reach() = 0;
    // Sends the offer with one descriptor, without waiting; the sender's stays open.
    virtual int send(const server::HandoverOffer& offer, int descriptor) = 0;
    // How the server shows itself on our end of the connection.
    struct Presented {
        int host_error = 0;  // ETIMEDOUT, ECONNRESET (it has gone), …
        server::Packet packet;
    };
    virtual Presented await(int connection, Clock::time_point deadline) = 0;
};

// One attempt. `own_end` is ours of the pair, `servers_end` is passed; both stay the caller's. Blocks until
// the server has answered, `patience` at most.
HandoverOutcome hand_over(Rendezvous& rendezvous, int own_end, int servers_end,
                          std::chrono::milliseconds patience);

}  // namespace halfcell::host_server
