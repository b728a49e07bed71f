#include "kernel_shim/host/notify.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <vector>

namespace halfcell::host {

namespace {

constexpr unsigned long kSetFlags = SECCOMP_IOW(4, __u64);
constexpr unsigned long kIdValid = SECCOMP_IOW(2, __u64);
constexpr unsigned long kIdValidOld = SECCOMP_IOR(2, __u64);

// Answers from a script; requests it has no script for succeed.
class FakeOs final : public NotifyOs {
  public:
    int control(int, unsigned long request, void* argument) override {
        requests.push_back(request);
        if (request == kSetFlags) return set_flags;
        if (request == SECCOMP_IOCTL_NOTIF_RECV) {
            auto& record = *static_cast<seccomp_notif*>(argument);
            const seccomp_notif zero{};
            record_was_zero = record_was_zero && std::memcmp(&record, &zero, sizeof zero) == 0;
            const int status = take(receives);
            record.id = status < 0 ? 0xdead : 7;  // what a failed receive leaves behind must not matter
            return status;
        }
        if (request == SECCOMP_IOCTL_NOTIF_SEND) {
            sent = *static_cast<seccomp_notif_resp*>(argument);
            return take(sends);
        }
        return take(request == kIdValid ? ids : old_ids);
    }
    short poll(int, Wait wait) override {
        if (wait == Wait::kYes) ++waits;
        return polls.empty() ? short{0} : static_cast<short>(take(polls));
    }

    template <typename T>
    static int take(std::deque<T>& script) {
        if (script.empty()) return 0;
        const auto first = script.front();
        script.pop_front();
        return first;
    }

    int set_flags = 0;
    std::deque<int> receives, sends, ids, old_ids;
    std::deque<int> polls;
    std::vector<unsigned long> requests;
    seccomp_notif_resp sent{};
    bool record_was_zero = true;
    int waits = 0;
};

UniqueFd any_file() {
    return UniqueFd(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

}  // namespace

TEST_CASE("receive retries after EINTR and after a call that was withdrawn") {
    FakeOs os;
    os.receives = {-EINTR, -ENOENT, -ENOENT, 0};
    os.polls = {0, POLLIN};  // alive both times
    Listener listener(any_file(), os);
    Notification notification;
    CHECK(listener.receive(notification));
    CHECK(notification.id == 7);
    CHECK(os.record_was_zero);
}

TEST_CASE("receive ends when ENOENT comes with a hang-up") {
    FakeOs os;
    os.receives = {-ENOENT, -ENOENT};
    os.polls = {0, POLLHUP};
    Listener listener(any_file(), os);
    Notification notification;
    CHECK_FALSE(listener.receive(notification));
    CHECK(os.receives.empty());
}

TEST_CASE("receive ends on an error that cannot pass") {
    FakeOs os;
    os.receives = {-EBADF};
    Listener listener(any_file(), os);
    Notification notification;
    CHECK_FALSE(listener.receive(notification));
}

TEST_CASE("where RECV would sleep past the death of its guests, receive polls first") {
    FakeOs os;
    set_receive_wakes_on_death(false);
    os.polls = {POLLIN, POLLHUP};
    Listener listener(any_file(), os);
    Notification notification;
    CHECK(listener.receive(notification));
    CHECK_FALSE(listener.receive(notification));
    CHECK(os.waits == 2);
    set_receive_wakes_on_death(true);
    CHECK(listener.receive(notification));
    CHECK(os.waits == 2);
}

TEST_CASE("a call that is waiting when its filter's last other thread ends is still received") {
    FakeOs os;
    set_receive_wakes_on_death(false);
    os.polls = {POLLIN | POLLHUP};
    Listener listener(any_file(), os);
    Notification notification;
    CHECK(listener.receive(notification));
    set_receive_wakes_on_death(true);
}

TEST_CASE("respond sends the whole value and reports a withdrawn call") {
    FakeOs os;
    os.sends = {-EINTR, 0, -ENOENT};
    Listener listener(any_file(), os);
    CHECK(listener.respond(5, 0xfedcba9876543210));
    CHECK(os.sent.id == 5);
    CHECK(static_cast<std::uint64_t>(os.sent.val) == 0xfedcba9876543210);
    CHECK(os.sent.error == 0);
    CHECK(os.sent.flags == 0);
    CHECK_FALSE(listener.respond(5, 0));
    CHECK(listener.respond_continue(6));
    CHECK(os.sent.flags == SECCOMP_USER_NOTIF_FLAG_CONTINUE);
    CHECK(os.sent.val == 0);
}

TEST_CASE("both numbers of ID_VALID are understood") {
    FakeOs os;
    Listener listener(any_file(), os);
    os.ids = {-EINVAL, -ENOTTY, 0, -ENOENT};
    os.old_ids = {0, -ENOENT};
    CHECK(listener.is_valid(1));
    CHECK_FALSE(listener.is_valid(1));
    CHECK(os.old_ids.empty());
    CHECK(listener.is_valid(1));
    CHECK_FALSE(listener.is_valid(1));
    CHECK(os.requests.back() == kIdValid);
    CHECK(kIdValid != kIdValidOld);
}

TEST_CASE("a host without SYNC_WAKE_UP is no error") {
    FakeOs os;
    os.set_flags = -EINVAL;
    CHECK_FALSE(Listener(any_file(), os).has_sync_wake_up());
    os.set_flags = 0;
    CHECK(Listener(any_file(), os).has_sync_wake_up());
}

TEST_CASE("only a listener passes for one") {
    FakeOs os;
    os.ids = {-ENOENT, 0, -ENOTTY, -EINVAL};
    os.old_ids = {-ENOTTY, -EINVAL};
    CHECK(is_listener(3, os));
    CHECK(is_listener(3, os));
    CHECK_FALSE(is_listener(3, os));
    CHECK_FALSE(is_listener(3, os));
    const UniqueFd file = any_file();
    CHECK_FALSE(is_listener(file.get()));
}

}  // namespace halfcell::host
