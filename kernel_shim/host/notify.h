#pragma once

// The supervisor's end of a seccomp user-notification listener: receive a trapped call, check that its caller
// still waits, answer it. The host sits behind a two-method interface, so that what its odd errors mean is
// tested without it.

#include <linux/seccomp.h>

#include <cstdint>

#include "kernel_shim/host/unique_fd.h"

namespace halfcell::host {

using Notification = seccomp_notif;

class NotifyOs {
  public:
    virtual ~NotifyOs() = default;
    // ioctl(2): 0 or more, or a negative errno.
    virtual int control(int file, unsigned long request, void* argument) = 0;
    // poll(2) for reading; `wait` blocks until something shows. The bits seen.
    enum class Wait { kNo, kYes };
    virtual short poll(int file, Wait wait) = 0;
};

// The real one. Stateless.
NotifyOs& host_notify_os();

class Listener {
  public:
    // Takes the descriptor over. Asks the host to switch straight to the receiver and back (SYNC_WAKE_UP,
    // Linux 6.6); an older host goes on without.
    explicit Listener(UniqueFd file, NotifyOs& os = host_notify_os());

    // Waits for the next trapped call. False once no thread uses the filter any more, for ever after. Blocks.
    [[nodiscard]] bool receive(Notification& into);

    // Lets the caller run on with `value` in rax. False when the call was withdrawn: its thread is being
    // killed, or a signal took the call back and it will come again under a new id. Does not block.
    bool respond(std::uint64_t id, std::uint64_t value);

    // Lets the host execute the call natively. Right for the stub's own start-up only, never for a guest's.
    bool respond_continue(std::uint64_t id);

    // Whether the caller still waits for its answer. Any thread.
    [[nodiscard]] bool is_valid(std::uint64_t id) const;

    // Whether the host switches directly between the two sides.
    [[nodiscard]] bool has_sync_wake_up() const { return sync_wake_up_; }

  private:
    bool send(std::uint64_t id, std::uint64_t value, std::uint32_t flags);

    UniqueFd file_;
    NotifyOs& os_;
    bool sync_wake_up_ = false;
};

// Whether `file` is a listener at all; asks nothing that could disturb another kind of file. `os` as above.
[[nodiscard]] bool is_listener(int file, NotifyOs& os = host_notify_os());

// Set once, before any listener exists: whether RECV returns by itself when the last thread of a filter ends
// (Linux 6.11 does). Where it does not, every receive polls first, for a third of a microsecond.
void set_receive_wakes_on_death(bool wakes);

}  // namespace halfcell::host
