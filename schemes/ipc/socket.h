#pragma once

// What every kind of socket has: a name, settings, and a queue of what waits to be received.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kernel_shim/scheme/copy_turn.h"
#include "kernel_shim/wait/wait_queue.h"
#include "schemes/common/rooted_scheme.h"
#include "schemes/ipc/packet_queue.h"
#include "schemes/ipc/socket_lock.h"

namespace halfcell::ipc {

struct Socket {
    Socket(HandleNumber the_number, std::uint64_t the_flags, const std::shared_ptr<MemoryBudget>& memory)
        : number(the_number), flags(the_flags), incoming(memory) {}
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    virtual ~Socket() = default;

    const HandleNumber number;
    schemes::HandleFlags flags;

    // --- guarded by the lock of its scheme's sockets.
    std::optional<std::string> path;
    std::optional<std::uint64_t> token;  // what names it once it is bound
    bool passes_credentials = false;     // SO_PASSCRED: receivers are told of senders
    PacketQueue incoming;
    scheme::CopyTurn receiving;  // whose turn it is to copy out of `incoming`
    wait::WaitQueue changed;     // wait for anything about the socket
};

// How an operation may wait.
struct Patience {
    bool nonblocking;
    wait::Waiter& waiter;
};

// Sleeps until something about the socket changes. EAGAIN where that is not wanted; EINTR. The lock must be
// held, and is held again.
Result<void> await_change(SocketLock& lock, Socket& socket, const Patience& patience, const char* reason);

// Copies received packets out, without a lock: makes bytes or a message of them and returns what the call
// answers. `descriptors_told` says whether the receiver can know of those that belong to the packets; it
// begins as true.
using CopyOut = std::function<Result<std::uint64_t>(const Received& received, bool passes_credentials,
                                                    bool& descriptors_told)>;
// Lets `copy_out` have what `received` shows of socket.incoming. The lock must be held, and is held again; it
// is this thread's turn to receive. Afterwards the caller consumes the packets, unless this failed;
// descriptors nobody was told of are dropped already.
Result<std::uint64_t> hand_out(SocketLock& lock, Socket& socket, const Received& received,
                               const CopyOut& copy_out);

// A CopyOut of bytes alone.
[[nodiscard]] CopyOut copy_bytes_to(const mem::UserOut& to);

}  // namespace halfcell::ipc
