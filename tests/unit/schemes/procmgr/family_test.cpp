// Parents and children: fork, waiting, stops, orphans. spec/userland-contract 2.1, 2.2, 2.5, 2.6.

#include <atomic>
#include <thread>
#include <vector>

#include "tests/unit/schemes/procmgr/procmgr_fixture.h"

namespace halfcell::test {
namespace {

using abi::ProcCall;
using abi::Signal;

constexpr std::uint64_t kNohang = 1;
constexpr std::uint64_t kUntraced = 2;
constexpr std::uint64_t kContinued = 8;

struct Child {
    std::int64_t process = -1;
    std::int64_t thread = -1;
    std::uint32_t pid = 0;
    std::shared_ptr<task::Context> context;
};

struct FamilyFixture : ProcmgrFixture {
    Child fork(std::int64_t parent) {
        Child child;
        child.process = dup(parent, "fork");
        REQUIRE(child.process >= 0);
        child.thread = dup(child.process, "thread-0");
        child.context = kernel.contexts.all().back();
        child.pid = meta_of(child.process).pid;
        return child;
    }
    Child running_child(std::int64_t parent) {
        Child child = fork(parent);
        REQUIRE(write_to(child.thread, "start", {}) == 0);
        return child;
    }
    abi::ProcMeta meta_of(std::int64_t fd) {
        abi::ProcMeta result{};
        REQUIRE(read(fd, &result, sizeof result) == 44);
        return result;
    }
    std::int64_t call_as(std::int64_t fd, ProcCall verb, std::vector<std::uint64_t> words = {}) {
        words.insert(words.begin(), static_cast<std::uint64_t>(verb));
        return call(fd, std::move(words));
    }
    // Waitpid by `fd`; the status goes to last_status.
    std::int64_t wait(std::int64_t fd, std::uint64_t target, std::uint64_t flags,
                      ProcCall verb = ProcCall::kWaitpid) {
        std::array<std::int32_t, 2> payload{-1, -1};
        const std::int64_t result = call(fd, {static_cast<std::uint64_t>(verb), target, flags},
                                         std::as_writable_bytes(std::span(payload)));
        last_status = payload[0];
        CHECK(payload[1] == -1);
        return result;
    }
    void exit(const Child& child, std::uint64_t word) {
        CHECK(call_as(child.process, ProcCall::kExit, {word}) == 0);
        // The end is the worker's; it has come when the context has.
        while (child.context->state() != task::RunState::kDead)
            std::this_thread::yield();
    }
    // A child that has ended and whose news have come.
    void await_news(std::int64_t fd, const Child& child) {
        while (wait(fd, child.pid, kNohang) == 0)
            std::this_thread::yield();
    }

    std::int32_t last_status = 0;
};

TEST_CASE_FIXTURE(FamilyFixture, "a fork inherits who its parent is") {
    CHECK(call(ProcCall::kSetsid) == 0);
    CHECK(call(ProcCall::kSetProcPriority, {0, 7}) == 0);
    const Child child = fork(process);
    const abi::ProcMeta meta = meta_of(child.process);
    CHECK(meta.pid == pid + 1);
    CHECK(meta.ppid == pid);
    CHECK(meta.pgid == pid);
    CHECK(meta.ruid == 5);
    CHECK(meta.egid == 6);
    CHECK(call_as(child.process, ProcCall::kGetsid, {0}) == pid);
    CHECK(call_as(child.process, ProcCall::kGetProcPriority, {0}) == 7);
    CHECK(child.context->attributes().name == "first");
    CHECK(child.context->attributes().pid == child.pid);
    CHECK(status(child.thread) == 2);
    CHECK(dup(child.process, "thread-1") == error(Errno::kENOENT));
}

TEST_CASE_FIXTURE(FamilyFixture, "a fork nobody started goes with its last descriptor, without news") {
    const Child child = fork(process);
    CHECK(close(child.thread) == 0);
    CHECK(wait(process, 0, kNohang) == 0);
    CHECK(close(child.process) == 0);
    CHECK(wait(process, 0, kNohang) == error(Errno::kECHILD));
    CHECK(child.context->state() == task::RunState::kDead);
}

TEST_CASE_FIXTURE(FamilyFixture, "a process that is forked while it ends leaves no child to a zombie") {
    constexpr int kRounds = 300;
    for (int round = 0; round < kRounds; ++round) {
        const Child child = running_child(process);
        std::vector<std::int64_t> grandchildren;
        std::atomic<bool> forking{false};
        std::thread forker([&] {
            for (;;) {
                const std::int64_t grandchild = dup(child.process, "fork");
                forking = true;
                if (grandchild < 0) break;
                grandchildren.push_back(grandchild);
            }
        });
        while (!forking)
            std::this_thread::yield();
        exit(child, 0);
        await_news(process, child);
        forker.join();
        for (const std::int64_t grandchild : grandchildren) {
            // It ends with its parent, a moment later, and is init's until then.
            abi::ProcMeta meta{};
            if (read(grandchild, &meta, sizeof meta) >= 0) CHECK(meta.ppid == 1);
            CHECK(close(grandchild) == 0);
        }
        CHECK(close(child.thread) == 0);
        CHECK(close(child.process) == 0);
    }
}

TEST_CASE_FIXTURE(FamilyFixture, "past the limit there is EAGAIN, whether the others run or have ended") {
    kernel.contexts.set_limit(3);
    const Child first = fork(process);
    const Child second = fork(process);
    CHECK(dup(process, "fork") == error(Errno::kEAGAIN));
    CHECK(dup(process, "new-thread") == error(Errno::kEAGAIN));
    exit(first, 0);
    CHECK(dup(process, "fork") == error(Errno::kEAGAIN));  // a zombie
    CHECK(dup(process, "new-thread") >= 0);
    CHECK(wait(process, first.pid, 0) == first.pid);
    exit(second, 0);
    CHECK(wait(process, second.pid, 0) == second.pid);
    CHECK(dup(process, "fork") >= 0);
}

TEST_CASE_FIXTURE(FamilyFixture, "an ended child is a zombie until somebody waits for it") {
    const Child child = running_child(process);
    CHECK(wait(process, child.pid, kNohang) == 0);
    exit(child, 42);
    await_news(process, child);
    CHECK(last_status == 42 << 8);
    CHECK(wait(process, child.pid, kNohang) == error(Errno::kECHILD));
    CHECK(call(ProcCall::kKill, {child.pid, 0}) == error(Errno::kESRCH));
}

TEST_CASE_FIXTURE(FamilyFixture, "unstarted-thread-hang: a thread nobody started does not keep a process") {
    const Child child = running_child(process);
    const std::int64_t unstarted = dup(child.process, "new-thread");
    const auto context = kernel.contexts.all().back();
    REQUIRE(close(unstarted) == 0);
    kernel.workers.kill(child.context, true);
    await_news(process, child);
    CHECK(last_status == 9);
    kernel.workers.wait_all();  // the news come before the last worker has cleaned up
    CHECK(context->state() == task::RunState::kDead);
}

TEST_CASE_FIXTURE(FamilyFixture,
                  "unstarted-child-leak: a child goes with the parent that was about to start it") {
    const Child parent = running_child(process);
    const Child child = fork(parent.process);
    // As late as can be: its own copy of the file table has its own process in it.
    REQUIRE(child.context->files()->add({file(child.process), false}));
    REQUIRE(close(child.process) == 0);
    REQUIRE(close(child.thread) == 0);
    CHECK(child.context->state() == task::RunState::kNotStarted);
    kernel.workers.kill(parent.context, true);
    await_news(process, parent);
    kernel.workers.wait_all();
    CHECK(child.context->state() == task::RunState::kDead);
    CHECK(call(ProcCall::kKill, {child.pid, 0}) == error(Errno::kESRCH));
}

TEST_CASE_FIXTURE(FamilyFixture, "how a child ended shows in its status") {
    const Child killed = running_child(process);
    CHECK(call(ProcCall::kKill, {killed.pid, Signal::kKill}) == 0);
    await_news(process, killed);
    CHECK(last_status == 9);
    const Child signalled = running_child(process);
    exit(signalled, 11 << 8);
    await_news(process, signalled);
    CHECK(last_status == 11);
    const Child faulty = running_child(process);
    script(2).fault({.cause = machine::ParkTrap::Cause::kFault, .trap_number = 14});
    await_news(process, faulty);
    CHECK(last_status == 1 << 8);
}

TEST_CASE_FIXTURE(FamilyFixture, "a wait sleeps until a child ends") {
    const Child child = running_child(process);
    std::thread ending([&] {
        while (caller_context->waiter().reason() == nullptr)
            std::this_thread::yield();
        CHECK(std::string(caller_context->waiter().reason()) == "waitpid");
        exit(child, 3);
    });
    CHECK(wait(process, 0, 0) == child.pid);
    CHECK(last_status == 3 << 8);
    ending.join();
}

TEST_CASE_FIXTURE(FamilyFixture, "a signal breaks a wait, but not the one that tells of the news") {
    const Child child = running_child(process);
    abi::SigProcControl& page = register_signals();
    page.actions[Signal::kChld - 1].first = 0x1000;
    allow(Signal::kChld);
    SUBCASE("another one") {
        allow(Signal::kUsr1);
        std::thread sender([&] {
            while (caller_context->waiter().reason() == nullptr)
                std::this_thread::yield();
            // Made by the same context, though for another process.
            CHECK(call_as(child.process, ProcCall::kKill, {pid, Signal::kUsr1}) == error(Errno::kERESTART));
        });
        CHECK(wait(process, 0, 0) == error(Errno::kEINTR));
        sender.join();
    }
    SUBCASE("pending before the wait") {
        allow(Signal::kUsr1);
        page.pending = abi::signal_bit(Signal::kUsr1);
        CHECK(wait(process, 0, 0) == error(Errno::kEINTR));
    }
    SUBCASE("its own") {
        std::thread ending([&] {
            while (caller_context->waiter().reason() == nullptr)
                std::this_thread::yield();
            exit(child, 0);
        });
        CHECK(wait(process, 0, 0) == child.pid);
        ending.join();
        CHECK(page.pending == abi::signal_bit(Signal::kChld));
        CHECK(page.sender_infos[Signal::kChld - 1] == (std::uint64_t{5} << 32 | child.pid));
    }
    kernel.workers.kill(child.context, true);
    kernel.workers.wait_all();
}

TEST_CASE_FIXTURE(FamilyFixture, "groups choose among children") {
    const Child first = running_child(process);
    const Child second = running_child(process);
    CHECK(call(ProcCall::kSetpgid, {second.pid, 0}) == 0);
    CHECK(wait(process, 77, kNohang, ProcCall::kWaitpgid) == error(Errno::kECHILD));
    exit(first, 1);
    exit(second, 2);
    await_news(process, first);
    CHECK(wait(process, 0, kNohang, ProcCall::kWaitpgid) == error(Errno::kECHILD));
    while (wait(process, second.pid, kNohang, ProcCall::kWaitpgid) == 0)
        std::this_thread::yield();
    CHECK(last_status == 2 << 8);
}

TEST_CASE_FIXTURE(FamilyFixture, "stops and continuations are news for those who ask") {
    // In a session of its own, so that the child's group has a tie to its parent.
    CHECK(call(ProcCall::kSetsid) == 0);
    const Child child = running_child(process);
    CHECK(call(ProcCall::kSetpgid, {child.pid, 0}) == 0);
    CHECK(call(ProcCall::kKill, {child.pid, Signal::kTstp}) == 0);
    CHECK(status(child.thread) == 5);
    CHECK(wait(process, 0, kNohang) == 0);
    CHECK(wait(process, 0, kNohang | kContinued) == 0);
    CHECK(wait(process, 0, kUntraced) == child.pid);
    CHECK(last_status == (0x7f | Signal::kTstp << 8));
    CHECK(wait(process, 0, kNohang | kUntraced) == 0);
    CHECK(call(ProcCall::kKill, {child.pid, Signal::kCont}) == 0);
    CHECK(status(child.thread) == 0);
    CHECK(wait(process, 0, kNohang | kUntraced) == 0);
    CHECK(wait(process, 0, kNohang | kContinued) == child.pid);
    CHECK(last_status == 0xffff);
    CHECK(call(ProcCall::kKill, {child.pid, Signal::kKill}) == 0);
    await_news(process, child);
}

TEST_CASE_FIXTURE(FamilyFixture, "nobody stops an orphaned group but SIGSTOP") {
    const Child child = running_child(process);  // in the group of its parent, and of init
    CHECK(call(ProcCall::kKill, {child.pid, Signal::kTstp}) == 0);
    CHECK(status(child.thread) == 0);
    CHECK(call(ProcCall::kKill, {child.pid, Signal::kStop}) == 0);
    CHECK(status(child.thread) == 5);
    CHECK(call(ProcCall::kKill, {child.pid, Signal::kKill}) == 0);
    await_news(process, child);
}

TEST_CASE_FIXTURE(FamilyFixture, "orphans go to init, and zombies of the dead are forgotten") {
    CHECK(call(ProcCall::kSetsid) == 0);
    const Child middle = running_child(process);
    const Child living = running_child(middle.process);
    const Child zombie = running_child(middle.process);
    exit(zombie, 1);
    while (meta_of(zombie.process).ppid == middle.pid &&
           call(ProcCall::kGetProcPriority, {zombie.pid}) >= 0 && kernel.contexts.all().size() > 3)
        std::this_thread::yield();
    exit(middle, 0);
    await_news(process, middle);
    CHECK(call_as(living.process, ProcCall::kGetppid) == 1);
    abi::ProcMeta gone{};
    CHECK(read(zombie.process, &gone, sizeof gone) == error(Errno::kESRCH));
    // Nobody waits for it, so nothing stays of it.
    exit(living, 0);
    kernel.workers.wait_all();
    CHECK(read(living.process, &gone, sizeof gone) == error(Errno::kESRCH));
}

TEST_CASE_FIXTURE(FamilyFixture, "a stopped group that loses its parent is continued and hung up") {
    CHECK(call(ProcCall::kSetsid) == 0);
    const Child middle = running_child(process);
    const Child stopped = running_child(middle.process);
    CHECK(call_as(middle.process, ProcCall::kSetpgid, {stopped.pid, 0}) == 0);
    CHECK(call(ProcCall::kKill, {stopped.pid, Signal::kStop}) == 0);
    CHECK(status(stopped.thread) == 5);
    exit(middle, 0);
    await_news(process, middle);
    // Without pages of its own the hang-up ends it.
    kernel.workers.wait_all();
    CHECK(stopped.context->state() == task::RunState::kDead);
}

TEST_CASE_FIXTURE(FamilyFixture, "init signals whom it likes") {
    CHECK(manager->signal_as_init(99, Signal::kHup).error() == Errno::kESRCH);
    const Child child = running_child(process);
    CHECK(call(ProcCall::kSetpgid, {child.pid, 0}) == 0);
    CHECK(manager->signal_as_init(-static_cast<std::int64_t>(child.pid), Signal::kTerm).has_value());
    await_news(process, child);
    CHECK(last_status == 15);
}

}  // namespace
}  // namespace halfcell::test
