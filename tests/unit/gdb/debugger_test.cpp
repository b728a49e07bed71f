// A connection that is served, and a gdb at its other end that does not read what it is sent.

#include "kernel_shim/gdb/debugger.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <future>
#include <string>

#include "kernel_shim/host/sys.h"
#include "tests/support/fake_debug_target.h"

namespace halfcell::gdb {

namespace {

constexpr std::chrono::seconds kEnd{60};  // of the test's own patience

struct ServedFixture {
    ServedFixture() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        peer.reset(ends[0]);
        connection.reset(ends[1]);
        const int little = 1;
        REQUIRE(::setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &little, sizeof little) == 0);
    }
    // Where it does not end, a peer that goes makes it end.
    bool served(const Patience& patience) {
        auto serving =
            std::async(std::launch::async, [&] { serve(target, connection.get(), leave.get(), patience); });
        const bool ended = serving.wait_for(kEnd) == std::future_status::ready;
        if (!ended) peer.reset();
        serving.get();
        return ended;
    }
    // Asks for memory as long as there is room to ask; how often.
    int ask_and_ask() const {
        const std::string question = frame("m1000,800");
        int asked = 0;
        while (::send(peer.get(), question.data(), question.size(), MSG_DONTWAIT) > 0)
            ++asked;
        CHECK(errno == EAGAIN);
        return asked;
    }

    test::FakeDebugTarget target;
    host::UniqueFd peer;
    host::UniqueFd connection;
    host::UniqueFd leave = *host::create_event(host::Blocking::kNo);
};

}  // namespace

TEST_CASE_FIXTURE(ServedFixture, "a gdb that does not read its answers is gone") {
    (void)ask_and_ask();
    const Patience short_one{.stalled = std::chrono::milliseconds(50), .last = std::chrono::milliseconds(50)};
    SUBCASE("what was started for it is killed") {
        CHECK(served(short_one));
        CHECK(target.killed == std::vector<std::uint64_t>{1});
    }
    SUBCASE("what it was attached to goes on") {
        target.processes[1].attached = true;
        CHECK(served(short_one));
        CHECK(target.detached == std::vector<std::uint64_t>{1});
    }
}

TEST_CASE_FIXTURE(ServedFixture, "the end does not wait for a gdb that does not read") {
    const Patience patient{.stalled = std::chrono::hours(1), .last = std::chrono::milliseconds(50)};
    SUBCASE("of the visit") {
        (void)ask_and_ask();
        REQUIRE(host::signal_event(leave.get(), 1));
    }
    SUBCASE("of the programs") {
        const std::string questions = frame("m1000,800") + frame("m1000,800") + frame("k");
        REQUIRE(::send(peer.get(), questions.data(), questions.size(), 0) > 0);
    }
    CHECK(served(patient));
}

TEST_CASE_FIXTURE(ServedFixture, "a gdb that reads late has all its answers") {
    const int asked = ask_and_ask();
    REQUIRE(::shutdown(peer.get(), SHUT_WR) == 0);
    auto reading = std::async(std::launch::async, [&] {
        std::string all;
        std::array<char, 1000> bytes;
        for (;;) {
            const ssize_t size = ::recv(peer.get(), bytes.data(), bytes.size(), 0);
            if (size <= 0) return all;
            all.append(bytes.data(), static_cast<std::size_t>(size));
        }
    });
    CHECK(served({}));
    connection.reset();
    const std::string answer = "+" + frame(std::string(std::size_t{2} * 0x800, '0'));
    const std::string all = reading.get();
    CHECK(all.size() == static_cast<std::size_t>(asked) * answer.size());
    CHECK(all.ends_with(answer));
}

}  // namespace halfcell::gdb
