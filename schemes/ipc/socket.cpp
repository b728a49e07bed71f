#include "schemes/ipc/socket.h"

#include <algorithm>

namespace halfcell::ipc {

Result<void> await_change(SocketLock& lock, Socket& socket, const Patience& patience, const char* reason) {
    if (patience.nonblocking) return fail(Errno::kEAGAIN);
    return socket.changed.wait(lock, patience.waiter, reason);
}

Result<std::uint64_t> hand_out(SocketLock& lock, Socket& socket, const Received& received,
                               const CopyOut& copy_out) {
    const bool passes_credentials = socket.passes_credentials;
    socket.receiving.begin();
    lock.unlock();
    bool descriptors_told = true;
    const Result<std::uint64_t> copied = copy_out(received, passes_credentials, descriptors_told);
    lock.lock();
    socket.receiving.end();
    if (copied && !descriptors_told) lock.drop(socket.incoming.take_descriptors(received.descriptors));
    return copied;
}

CopyOut copy_bytes_to(const mem::UserOut& to) {
    // Descriptors stay queued: whoever reads may still ask for them.
    return [to](const Received& received, bool, bool&) -> Result<std::uint64_t> {
        std::uint64_t done = 0;
        for (const auto& bytes : received.bytes) {
            const std::uint64_t count = std::min<std::uint64_t>(bytes.size(), to.size() - done);
            TRY(to.write(done, bytes.first(count)));
            done += count;
        }
        return done;
    };
}

}  // namespace halfcell::ipc
