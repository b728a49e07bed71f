// Who takes answers: a caller for itself and others, or the thread that serves (here: serve(), called by
// hand).

#include <doctest/doctest.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "kernel_shim/host/cpu.h"
#include "tests/unit/schemes/host_server/connection_fixture.h"

namespace halfcell::host_server {

using abi::CqeOpcode;
using abi::Opcode;
using server::Sleep;

namespace {

// Many answers at once, and a tag that no request has.
constexpr std::size_t kCrowd = 100;
constexpr std::uint32_t kNobody = 4711;

bool readable(int file) {
    pollfd one{file, POLLIN, 0};
    return ::poll(&one, 1, 0) == 1;
}

// Waits for what no descriptor announces. What does not come ends the program: threads that wait, too, could
// not be joined.
template <typename Condition>
void await_condition(Condition condition) {
    constexpr std::chrono::seconds kPatience{30};
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) {
            std::fputs("collector_test: what it waits for does not come\n", stderr);
            std::abort();
        }
        std::this_thread::yield();
    }
}

// Does something again and again on a thread of its own.
class Pestering {
  public:
    template <typename Act>
    explicit Pestering(Act act)
        : thread_([this, act] {
              while (!stop_.load())
                  act();
          }) {}
    ~Pestering() {
        stop_ = true;
        thread_.join();
    }

  private:
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

struct CollectorFixture : ConnectionFixture {
    // As the thread that serves does when it has been woken.
    void serve_when_woken() {
        await_condition(
            [&] { return readable(connection->socket()) || readable(connection->left_behind()); });
        CHECK(connection->serve());
    }
    void await_sleep(Sleep sleep) {
        await_condition([&] { return server->requests->sleep.load() == sleep; });
    }
    // A read and its answer, without the thread that serves.
    void read_alone() {
        PendingRead read(served(), 10);
        server->answer(server->next().tag, 3);
        CHECK(read.join() == 3);
    }
};

}  // namespace

TEST_CASE_FIXTURE(CollectorFixture, "a caller alone takes its own answer, and nobody else is woken") {
    for (int i = 0; i < 100; ++i)
        read_alone();
    CHECK_FALSE(readable(connection->socket()));
    CHECK_FALSE(readable(connection->left_behind()));
    CHECK(connection->idle());
}

TEST_CASE_FIXTURE(CollectorFixture, "a caller that waits longer takes the answers of others meanwhile") {
    PendingRead first(served(), 10);
    const std::uint32_t slow = server->next().tag;
    for (int i = 0; i < 3; ++i)
        read_alone();
    PendingRead second(served(), 10);
    PendingRead third(served(), 10);
    const std::uint32_t one = server->next().tag;
    const std::uint32_t other = server->next().tag;
    // All with one bell: the collector's own comes first, and it does not leave the others behind.
    const abi::Cqe answers[] = {
        {.tag = slow, .result = 1}, {.tag = one, .result = 2}, {.tag = other, .result = 2}};
    server->put(answers);
    server->ring();
    CHECK(first.join() == 1);
    CHECK(second.join() == 2);
    CHECK(third.join() == 2);
    CHECK(connection->lies() == 0);
}

TEST_CASE_FIXTURE(CollectorFixture,
                  "a collector that has its answer leaves what is behind it to the thread") {
    PendingRead read(served(), 10);
    // Its own comes first, and so much with it that it is never the last.
    const abi::Cqe own{.tag = server->next().tag, .result = 1};
    std::vector<abi::Cqe> answers(kCrowd, abi::Cqe{.tag = kNobody});
    answers.front() = own;
    server->put(answers);
    server->ring();
    CHECK(read.join() == 1);
    CHECK(connection->lies() < kCrowd / 2);
    CHECK(readable(connection->left_behind()));
    CHECK(connection->serve());
    CHECK(connection->lies() == kCrowd - 1);
    CHECK(connection->idle());
}

TEST_CASE_FIXTURE(CollectorFixture, "a collector that has done its share waits like others") {
    PendingRead read(served(), 10);
    const std::uint32_t tag = server->next().tag;
    await_sleep(Sleep::kOnBell);
    server->put(std::vector<abi::Cqe>(kCrowd, abi::Cqe{.tag = kNobody}));
    server->ring();
    await_condition([&] { return readable(connection->left_behind()) || connection->lies() >= kCrowd; });
    CHECK(connection->lies() < kCrowd / 2);
    CHECK(connection->serve());
    CHECK(connection->lies() == kCrowd);
    SUBCASE("for its answer") {
        server->answer(tag, 1);
        serve_when_woken();
        CHECK(read.join() == 1);
    }
    SUBCASE("and is the collector again when it is interrupted") {
        await_condition([&] { return read.waiter.interrupt(); });
        CHECK(server->next().opcode == static_cast<int>(Opcode::kCancel));
        await_sleep(Sleep::kOnBell);
        server->answer(tag, abi::mux_error(Errno::kECANCELED));
        CHECK(error_of(read.join()) == "EINTR");
    }
    SUBCASE("for its kill") {
        read.waiter.kill();
        CHECK(error_of(read.join()) == "EINTR");
    }
    SUBCASE("for the end of the connection") {
        server->hang_up();
        await_condition([&] { return !connection->serve(); });
        connection->close();
        CHECK(error_of(read.join()) == "ENODEV");
    }
}

TEST_CASE_FIXTURE(CollectorFixture, "a server hears that there is room for answers where there was none") {
    server->answers->sleep.store(Sleep::kOnBell);
    const std::uint32_t bell = server->requests->bell.load();
    server->put(std::vector<abi::Cqe>(server::kAnswerSlots - 1, abi::Cqe{.tag = kNobody}));
    CHECK(connection->serve());
    CHECK(server->requests->bell.load() == bell);
    server->put(std::vector<abi::Cqe>(server::kAnswerSlots, abi::Cqe{.tag = kNobody}));
    CHECK(connection->serve());
    CHECK(server->requests->bell.load() != bell);
}

TEST_CASE_FIXTURE(CollectorFixture, "once the collector has its answer, others get theirs all the same") {
    PendingRead first(served(), 10);
    const std::uint32_t tag = server->next().tag;
    PendingRead second(served(), 10);
    const std::uint32_t other = server->next().tag;
    server->answer(tag, 1);
    CHECK(first.join() == 1);
    // Nobody collects now: the thread that serves is told.
    CHECK(server->requests->sleep.load() == Sleep::kOnSocket);
    SUBCASE("by the thread that serves") {
        server->answer(other, 2);
        serve_when_woken();
    }
    SUBCASE("by the next caller") {
        PendingRead third(served(), 10);
        const std::uint32_t newest = server->next().tag;
        await_sleep(Sleep::kOnBell);
        server->answer(other, 2);
        CHECK(second.join() == 2);
        server->answer(newest, 3);
        CHECK(third.join() == 3);
        return;
    }
    CHECK(second.join() == 2);
}

TEST_CASE_FIXTURE(CollectorFixture, "a collector that is interrupted or killed hurts nobody") {
    PendingRead first(served(), 10);
    const std::uint32_t tag = server->next().tag;
    PendingRead second(served(), 10);
    const std::uint32_t other = server->next().tag;
    SUBCASE("interrupted") {
        await_condition([&] { return first.waiter.interrupt(); });
        CHECK(server->next().opcode == static_cast<int>(Opcode::kCancel));
        // It collects again.
        await_sleep(Sleep::kOnBell);
        server->answer(other, 2);
        CHECK(second.join() == 2);
        server->answer(tag, abi::mux_error(Errno::kECANCELED));
        CHECK(error_of(first.join()) == "EINTR");
    }
    SUBCASE("killed") {
        first.waiter.kill();
        CHECK(error_of(first.join()) == "EINTR");
        server->answer(other, 2);
        serve_when_woken();
        CHECK(second.join() == 2);
        server->answer(tag, 1);
        serve_when_woken();
    }
    CHECK(connection->lies() == 0);
    read_alone();
}

TEST_CASE_FIXTURE(CollectorFixture, "what nobody waits for comes to the thread that serves") {
    read_alone();
    server->push(CqeOpcode::kSendFevent, abi::EventFlags::kEventRead, 9);
    CHECK(readable(connection->socket()));
    CHECK_FALSE(connection->idle());
    CHECK(connection->serve());
    CHECK(connection->idle());
    CHECK(connection->lies() == 0);
}

TEST_CASE_FIXTURE(CollectorFixture, "a server that never stops answering keeps nobody") {
    PendingRead read(served(), 10);
    const std::uint32_t tag = server->next().tag;
    std::atomic<bool> answer{false};
    {
        const Pestering flood([&] {
            if (server->has_room())
                server->put(answer.exchange(false) ? abi::Cqe{.tag = tag, .result = 1}
                                                   : abi::Cqe{.tag = kNobody});
            if (server->requests->sleep.load() == Sleep::kOnBell) server->ring_bell();
        });
        const Pestering thread([&] { (void)connection->serve(); });
        await_condition([&] { return connection->lies() >= 1000; });
        SUBCASE("from being killed") {
            read.waiter.kill();
            CHECK(error_of(read.join()) == "EINTR");
        }
        SUBCASE("from the answer that is there") {
            answer = true;
            CHECK(read.join() == 1);
        }
        // Nor the thread that serves: it ends.
    }
    await_condition([&] {
        if (!connection->idle()) CHECK(connection->serve());
        return connection->idle();
    });
    read_alone();
}

// A server that overran the ring would have broken its rules and lost the connection, as hostile_server once
// did when it answered the next request.
TEST_CASE_FIXTURE(CollectorFixture, "the answer after a flood waits until the ring has room") {
    server->put(std::vector<abi::Cqe>(server::kAnswerSlots, abi::Cqe{.tag = kNobody}));
    std::thread answering([&] { server->push({.tag = kNobody}); });
    serve_when_woken();
    answering.join();
    serve_when_woken();
    CHECK(connection->lies() == server::kAnswerSlots + 1);
    read_alone();
}

TEST_CASE_FIXTURE(CollectorFixture, "a server that never stops ringing keeps nobody") {
    PendingRead read(served(), 10);
    const std::uint32_t tag = server->next().tag;
    const Pestering storm([&] { server->ring_bell(); });
    SUBCASE("from being killed") {
        read.waiter.kill();
        CHECK(error_of(read.join()) == "EINTR");
    }
    SUBCASE("from its answer") {
        server->answer(tag, 1);
        CHECK(read.join() == 1);
    }
}

TEST_CASE_FIXTURE(CollectorFixture, "the end of the connection ends the collector's wait") {
    PendingRead first(served(), 10);
    PendingRead second(served(), 10);
    (void)server->next();
    (void)server->next();
    server->hang_up();
    await_condition([&] { return !connection->serve(); });
    connection->close();
    CHECK(error_of(first.join()) == "ENODEV");
    CHECK(error_of(second.join()) == "ENODEV");
}

TEST_CASE_FIXTURE(CollectorFixture, "a caller behind a full ring is let in by the bell") {
    for (std::uint64_t i = 0; i < server::kRequestSlots; ++i)
        (void)served().close(HandleNumber{i});
    PendingRead read(served(), 10);
    abi::Sqe sqe = server->next();
    while (sqe.opcode == static_cast<int>(Opcode::kCloseMsg))
        sqe = server->next();
    CHECK(sqe.opcode == static_cast<int>(Opcode::kRead));
    server->answer(sqe.tag, 4);
    CHECK(read.join() == 4);
}

TEST_CASE_FIXTURE(CollectorFixture,
                  "the server is told where its callers wait, once they have settled there") {
    CHECK(server->requests->cpu.load() == server::kAnyCpu);
    std::thread([&] {
        const int cpu = host::allowed_cpus().back();
        if (!host::pin_thread(0, cpu)) return;
        read_alone();
        CHECK(server->requests->cpu.load() == server::kAnyCpu);
        for (int i = 0; i < 10; ++i)
            read_alone();
        CHECK(server->requests->cpu.load() == static_cast<std::uint32_t>(cpu));
    }).join();
}

}  // namespace halfcell::host_server
