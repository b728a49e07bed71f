// deadlock HOW: says that it is ready, and waits for good: two processes for each other ("pipes"), one for
// nobody ("futex"), a caller for a server that does not answer ("server"). With "none", two processes talk to
// each other.

#include <array>

#include "tests/guests/scheme_session.h"
#include "userland/rt/child.h"
#include "userland/rt/fork.h"
#include "userland/rt/output.h"
#include "userland/rt/process.h"

namespace halfcell::userland {
namespace {

void say_ready() {
    out().write("ready\n");
    out().flush();
}

// Both ends of both pipes as the two processes use them.
struct Talk {
    Fd from;
    Fd to;
};

int wait_for_each_other(Talk talk) {
    std::array<std::byte, 1> byte{};
    return sys_read(talk.from, byte) ? 0 : 1;
}

int talk_on(Talk talk, bool begins) {
    std::array<std::byte, 1> byte{};
    for (bool writes = begins;; writes = !writes) {
        const auto done = writes ? sys_write(talk.to, byte) : sys_read(talk.from, byte);
        if (!done || *done == 0) return 1;
    }
}

template <typename Each>
int with_two(Each each) {
    Pipe forth = *make_pipe();
    Pipe back = *make_pipe();
    const auto child = fork_process();
    if (!child) return 2;
    if (*child == 0) {
        forth.writer = UniqueFd();
        back.reader = UniqueFd();
        exit_now(each(Talk{forth.reader.fd(), back.writer.fd()}, false));
    }
    forth.reader = UniqueFd();
    back.writer = UniqueFd();
    say_ready();
    return each(Talk{back.reader.fd(), forth.writer.fd()}, true);
}

int wait_for_a_server() {
    const auto session = SchemeSession::start("silent");
    if (!session) return 2;
    const auto caller = start_child([&] { return session->open("silent") ? 0 : 1; });
    if (!caller) return 3;
    say_ready();
    return *status_of(*caller);
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const std::string_view how = arguments.size() == 1 ? arguments[0] : "";
    if (how == "pipes") return with_two([](Talk talk, bool) { return wait_for_each_other(talk); });
    if (how == "none") return with_two(talk_on);
    if (how == "server") return wait_for_a_server();
    if (how != "futex") return 64;
    static std::uint32_t word = 0;
    say_ready();
    for (;;)
        futex_wait(&word, 0);
}

}  // namespace halfcell::userland
