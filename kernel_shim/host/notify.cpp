#include "kernel_shim/host/notify.h"

#include <poll.h>
#include <sys/ioctl.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "kernel_shim/host/sys.h"

namespace halfcell::host {

namespace {

// Newer than the headers of Debian 12. Source: linux:include/uapi/linux/seccomp.h.
constexpr std::uint64_t kSyncWakeUp = 1;
constexpr unsigned long kSetFlags = SECCOMP_IOW(4, __u64);
// ID_VALID was declared with the wrong direction until Linux 5.17; kernels accept both numbers or the old
// one.
constexpr unsigned long kIdValid = SECCOMP_IOW(2, __u64);
constexpr unsigned long kIdValidOld = SECCOMP_IOR(2, __u64);

static_assert(sizeof(seccomp_notif) == 80 && sizeof(seccomp_notif_resp) == 24);

std::atomic<bool> receive_wakes_on_death{true};

class HostNotifyOs final : public NotifyOs {
  public:
    int control(int file, unsigned long request, void* argument) override {
        const int status = ioctl(file, request, argument);
        return status < 0 ? -errno : status;
    }
    short poll(int file, Wait wait) override {
        pollfd entry{file, POLLIN, 0};
        const int count = retry_interrupted([&] { return ::poll(&entry, 1, wait == Wait::kYes ? -1 : 0); });
        return count > 0 ? entry.revents : short{0};
    }
};

int check_id(int file, NotifyOs& os, std::uint64_t id) {
    int status = os.control(file, kIdValid, &id);
    if (status == -EINVAL || status == -ENOTTY) status = os.control(file, kIdValidOld, &id);
    return status;
}

}  // namespace

NotifyOs& host_notify_os() {
    static HostNotifyOs os;
    return os;
}

void set_receive_wakes_on_death(bool wakes) {
    receive_wakes_on_death = wakes;
}

Listener::Listener(UniqueFd file, NotifyOs& os) : file_(std::move(file)), os_(os) {
    // The argument is the flag word itself, not a pointer to it.
    void* const flags = reinterpret_cast<void*>(kSyncWakeUp);
    sync_wake_up_ = os_.control(file_.get(), kSetFlags, flags) == 0;
}

bool Listener::receive(Notification& into) {
    for (;;) {
        if (!receive_wakes_on_death.load(std::memory_order_relaxed)) {
            const short seen = os_.poll(file_.get(), NotifyOs::Wait::kYes);
            if ((seen & POLLIN) == 0 && (seen & (POLLHUP | POLLNVAL | POLLERR)) != 0) return false;
        }
        // The host refuses a record that is not zero.
        std::memset(&into, 0, sizeof into);
        const int status = os_.control(file_.get(), SECCOMP_IOCTL_NOTIF_RECV, &into);
        if (status >= 0) return true;
        if (status == -EINTR) continue;
        // ENOENT has two meanings: a queued call was withdrawn by a signal before we took it (more will
        // come), or the filter has no users left. Only a hang-up tells them apart. Any other error is a
        // listener that can never work again.
        if (status != -ENOENT) return false;
        if ((os_.poll(file_.get(), NotifyOs::Wait::kNo) & (POLLHUP | POLLNVAL)) != 0) return false;
    }
}

bool Listener::send(std::uint64_t id, std::uint64_t value, std::uint32_t flags) {
    seccomp_notif_resp response{};
    response.id = id;
    response.val = static_cast<__s64>(value);
    response.flags = flags;
    for (;;) {
        const int status = os_.control(file_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);
        if (status != -EINTR) return status >= 0;
    }
}

bool Listener::respond(std::uint64_t id, std::uint64_t value) {
    return send(id, value, 0);
}

bool Listener::respond_continue(std::uint64_t id) {
    return send(id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

bool Listener::is_valid(std::uint64_t id) const {
    return check_id(file_.get(), os_, id) == 0;
}

// Ids start at a random 64-bit number; that 0 waits right now is as good as impossible, and then the answer
// is still "a listener".
bool is_listener(int file, NotifyOs& os) {
    const int status = check_id(file, os, 0);
    return status == 0 || status == -ENOENT;
}

}  // namespace halfcell::host
