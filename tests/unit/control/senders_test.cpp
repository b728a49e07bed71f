#include "kernel_shim/control/senders.h"

#include <doctest/doctest.h>

#include <array>
#include <cstring>

namespace halfcell::control {

namespace {

constexpr uid_t kOwnUser = 1000;
constexpr uid_t kOtherUser = 1001;
constexpr gid_t kSomeGroup = 50;
constexpr gid_t kOtherGroup = 51;

ucred credentials(uid_t user, gid_t group = kOtherGroup) {
    return {.pid = 1, .uid = user, .gid = group};
}

// A message as recvmsg leaves it: some control data, and flags.
class Message {
  public:
    explicit Message(int flags = 0) { header_.msg_flags = flags; }
    template <typename Value>
    Message& with(int type, const Value& value) {
        header_.msg_control = control_.data();
        header_.msg_controllen = CMSG_SPACE(sizeof value);
        cmsghdr* const part = CMSG_FIRSTHDR(&header_);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = type;
        part->cmsg_len = CMSG_LEN(sizeof value);
        std::memcpy(CMSG_DATA(part), &value, sizeof value);
        return *this;
    }
    [[nodiscard]] const msghdr& header() const { return header_; }

  private:
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control_{};
    msghdr header_{};
};

}  // namespace

TEST_CASE("without a choice root and the run's own user may send commands") {
    const Senders senders({}, kOwnUser);
    CHECK(senders.may_order(credentials(0)));
    CHECK(senders.may_order(credentials(kOwnUser)));
    CHECK_FALSE(senders.may_order(credentials(kOtherUser)));
}

TEST_CASE("a chosen user or group takes the place of the run's own user, and not of root") {
    const Senders by_user({.user = kOtherUser, .group = {}}, kOwnUser);
    CHECK(by_user.may_order(credentials(0)));
    CHECK(by_user.may_order(credentials(kOtherUser)));
    CHECK_FALSE(by_user.may_order(credentials(kOwnUser, kSomeGroup)));
    const Senders by_group({.user = {}, .group = kSomeGroup}, kOwnUser);
    CHECK(by_group.may_order(credentials(0)));
    CHECK(by_group.may_order(credentials(kOtherUser, kSomeGroup)));
    CHECK_FALSE(by_group.may_order(credentials(kOwnUser)));
    const Senders by_either({.user = kOtherUser, .group = kSomeGroup}, kOwnUser);
    CHECK(by_either.may_order(credentials(kOtherUser)));
    CHECK(by_either.may_order(credentials(kOwnUser, kSomeGroup)));
    CHECK_FALSE(by_either.may_order(credentials(kOwnUser)));
}

TEST_CASE("a message counts with whole credentials and nothing else") {
    const Senders senders({}, kOwnUser);
    CHECK(senders.sent(Message().with(SCM_CREDENTIALS, credentials(kOwnUser)).header()));
    CHECK_FALSE(senders.sent(Message().with(SCM_CREDENTIALS, credentials(kOtherUser)).header()));
    CHECK_FALSE(senders.sent(Message().header()));
    CHECK_FALSE(senders.sent(Message(MSG_CTRUNC).with(SCM_CREDENTIALS, credentials(kOwnUser)).header()));
    CHECK_FALSE(senders.sent(Message().with(SCM_RIGHTS, 0).header()));
    CHECK_FALSE(senders.sent(Message().with(SCM_CREDENTIALS, 0).header()));
}

}  // namespace halfcell::control
