#include "schemes/server/host_bell.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <thread>
#include <utility>

#include "schemes/server/caller_cpu.h"

namespace halfcell::server {

TEST_CASE("a bell wakes, and so does the end of the other side") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    auto created = HostBell::create(ends[0]);
    REQUIRE(static_cast<bool>(created));
    const std::unique_ptr<HostBell> bell = std::move(*created);
    std::atomic<std::uint32_t> word{0};
    CHECK(bell->await(word, 7));
    std::thread ringer([&] { HostBell::ring(word); });
    while (word.load() == 0)
        CHECK(bell->await(word, 0));
    ringer.join();
    CHECK(word.load() == 1);
    ::close(ends[1]);
    while (bell->await(word, 1)) {
    }
    // And it stays so.
    CHECK_FALSE(bell->await(word, 1));
    CHECK_FALSE(bell->await(word, 0));
}

TEST_CASE("a bell that nobody rings ends without the other side") {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    CHECK(static_cast<bool>(HostBell::create(ends[0])));
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("a thread follows its callers as far as it may, and goes back") {
    std::thread([] {
        cpu_set_t before;
        cpu_set_t now;
        REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
        const int cpu = ::sched_getcpu();
        {
            CallerCpu caller;
            caller.follow(static_cast<std::uint32_t>(cpu));
            REQUIRE(::sched_getaffinity(0, sizeof now, &now) == 0);
            CHECK(CPU_COUNT(&now) == 1);
            CHECK(CPU_ISSET(cpu, &now));
            // No such CPU, and none that can be named.
            caller.follow(CPU_SETSIZE - 1);
            caller.follow(CPU_SETSIZE);
            CHECK(::sched_getcpu() == cpu);
            REQUIRE(::sched_getaffinity(0, sizeof now, &now) == 0);
            CHECK(CPU_COUNT(&now) == 1);
            caller.follow(kAnyCpu);
            REQUIRE(::sched_getaffinity(0, sizeof now, &now) == 0);
            CHECK(CPU_EQUAL(&now, &before));
            caller.follow(static_cast<std::uint32_t>(cpu));
        }
        REQUIRE(::sched_getaffinity(0, sizeof now, &now) == 0);
        CHECK(CPU_EQUAL(&now, &before));
    }).join();
}

TEST_CASE("a thread that has followed several callers goes back when they have gone") {
    std::thread([] {
        cpu_set_t before;
        cpu_set_t now;
        REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
        const auto cpu = static_cast<std::uint32_t>(::sched_getcpu());
        {
            std::optional<CallerCpu> first(std::in_place);
            first->follow(cpu);
            // Made while the thread is bound, and bound when the other one goes.
            CallerCpu second;
            first.reset();
            REQUIRE(::sched_getaffinity(0, sizeof now, &now) == 0);
            CHECK(CPU_EQUAL(&now, &before));
            second.follow(cpu);
            REQUIRE(::sched_getaffinity(0, sizeof now, &now) == 0);
            CHECK(CPU_COUNT(&now) == 1);
        }
        REQUIRE(::sched_getaffinity(0, sizeof now, &now) == 0);
        CHECK(CPU_EQUAL(&now, &before));
    }).join();
}

}  // namespace halfcell::server
