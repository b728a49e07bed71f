// Processes and threads come to be and end without leaving anything behind.

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <future>
#include <string>
#include <thread>

#include "kernel_shim/host/pidfd.h"
#include "kernel_shim/host/sys.h"
#include "tests/unit/agent/engine_fixture.h"

namespace halfcell::agent {

namespace {

std::size_t entries_of(const std::string& directory) {
    std::size_t count = 0;
    DIR* const open = opendir(directory.c_str());
    REQUIRE(open != nullptr);
    while (readdir(open) != nullptr)
        ++count;
    closedir(open);
    return count;
}

// The children of every thread of this process, as the host lists them.
std::string children() {
    std::ifstream file("/proc/self/task/" + std::to_string(getpid()) + "/children");
    std::string line;
    std::getline(file, line);
    return line;
}

pid_t newest_child_of(pid_t process) {
    std::ifstream file("/proc/self/task/" + std::to_string(process) + "/children");
    pid_t last = 0;
    for (pid_t child = 0; file >> child;)
        last = child;
    return last;
}

}  // namespace

TEST_CASE("the lowest mappable address is the first that can be mapped") {
    Guest guest;
    const std::uint64_t lowest = test_factory().lowest_mappable();
    REQUIRE(lowest >= machine::kPageSize);
    const auto page = Guest::allocate(machine::kPageSize);
    const auto map = [&](std::uint64_t address) {
        return guest.machine().map({address, machine::kPageSize}, *page, 0, {}, machine::Populate::kOnTouch);
    };
    CHECK(map(lowest));
    if (lowest > machine::kPageSize) CHECK(map(0).error() == Errno::kENOMEM);
}

TEST_CASE("a guest killed while it is in a call is gone for its worker") {
    Guest guest;
    const auto thread = guest.start(start_at(guest_end));
    expect_end(*thread);
    CHECK(thread->still_waiting());
    std::promise<void> dead;
    guest.machine().on_death([&] { dead.set_value(); });
    guest.machine().kill();
    dead.get_future().wait();
    CHECK_FALSE(thread->still_waiting());
    thread->reply(0);
    CHECK(is_gone(thread->next()));
    CHECK(is_gone(thread->next()));
}

TEST_CASE("a worker that waits for a spinning guest is released when the guest is killed") {
    Guest guest;
    const auto thread = guest.start(start_at(guest_spin));
    std::promise<void> dead;
    guest.machine().on_death([&] { dead.set_value(); });
    auto worker = std::async(std::launch::async, [&] { return is_gone(thread->next()); });
    guest.machine().kill();
    CHECK(worker.get());
    dead.get_future().wait();
    bool late = false;
    guest.machine().on_death([&] { late = true; });
    CHECK(late);
}

TEST_CASE("commands to a dead machine answer ESRCH and do not hang") {
    Guest guest;
    std::promise<void> dead;
    guest.machine().on_death([&] { dead.set_value(); });
    guest.machine().kill();
    dead.get_future().wait();
    const auto memory = Guest::allocate(4096);
    CHECK(guest.machine().map({0x600000, 4096}, *memory, 0, {}, machine::Populate::kOnTouch).error() ==
          Errno::kESRCH);
    CHECK(guest.machine().unmap({0x600000, 4096}).error() == Errno::kESRCH);
    CHECK(guest.machine().start_thread(start_at(guest_end)).error() == Errno::kESRCH);
}

TEST_CASE("commands under way when the machine is killed answer ESRCH and do not hang") {
    for (int round = 0; round < 20; ++round) {
        Guest guest;
        const auto memory = Guest::allocate(4096);
        std::atomic<bool> going{false};
        auto commander = std::async(std::launch::async, [&] {
            for (;;) {
                const auto mapped = guest.machine().map({0x600000, 4096}, *memory, 0, {.write = true},
                                                        machine::Populate::kOnTouch);
                going = true;
                going.notify_one();
                if (!mapped) return mapped.error();
            }
        });
        going.wait(false);
        guest.machine().kill();
        CHECK(commander.get() == Errno::kESRCH);
    }
}

TEST_CASE("a thread ends alone in every state, and its siblings go on") {
    Guest guest;
    const auto survivor = guest.start(start_at(guest_end));
    expect_end(*survivor);
    SUBCASE("in a call") {
        const auto thread = guest.start(start_at(guest_end));
        expect_end(*thread);
        thread->end();
        CHECK(is_gone(thread->next()));
    }
    SUBCASE("parked") {
        const auto thread = guest.start(start_at(guest_spin));
        thread->request_park();
        expect_park(*thread, machine::ParkTrap::Cause::kRequested);
        thread->end();
        CHECK(is_gone(thread->next()));
    }
    SUBCASE("running") {
        const auto thread = guest.start(start_at(guest_spin));
        thread->request_park();
        expect_park(*thread, machine::ParkTrap::Cause::kRequested);
        thread->resume();
        thread->end();
        CHECK(is_gone(thread->next()));
    }
    SUBCASE("never started") {
        const auto thread = guest.start(start_at(guest_spin));
        thread->end();
        CHECK(is_gone(thread->next()));
    }
    SUBCASE("making calls all the time") {
        auto registers = start_at(guest_bench);
        registers.rbx = ~std::uint64_t{0};
        const auto thread = guest.start(registers);
        for (int i = 0; i < 100; ++i) {
            expect_call(*thread);
            thread->reply(0);
        }
        thread->end();
        CHECK(is_gone(thread->next()));
    }
    survivor->reply(0);
    expect_end(*survivor);
}

TEST_CASE("threads that follow each other use the same area") {
    Guest guest;
    for (int i = 0; i < 200; ++i) {
        const auto thread = guest.start(start_at(guest_end));
        expect_end(*thread);
        thread->end();
    }
}

TEST_CASE("new guests come after old ones have died") {
    for (int i = 0; i < 50; ++i) {
        Guest guest;
        const auto thread = guest.start(start_at(guest_end));
        expect_end(*thread);
        if (i % 2 == 0) guest.machine().kill();
    }
}

TEST_CASE("nothing is left of a guest: no process, no descriptor, no memory") {
    { Guest warm_up; }
    const std::size_t descriptors = entries_of("/proc/self/fd");
    const std::string processes = children();
    const std::uint64_t memory = test_pool().used();
    REQUIRE_FALSE(processes.empty());  // the zygote: the list itself works
    for (int i = 0; i < 10; ++i) {
        Guest guest;
        std::vector<std::unique_ptr<machine::GuestThread>> threads;
        for (int j = 0; j < 5; ++j)
            threads.push_back(guest.start(start_at(j % 2 == 0 ? guest_spin : guest_end)));
        expect_end(*threads[1]);
        CHECK(entries_of("/proc/self/fd") > descriptors);
        CHECK(children() != processes);
    }
    CHECK(entries_of("/proc/self/fd") == descriptors);
    CHECK(children() == processes);
    CHECK(test_pool().used() == memory);
}

// The supervisor of this test is a fork of the test program with a factory of its own. ThreadSanitizer does
// not let a fork of a program with threads start threads.
#ifdef __SANITIZE_THREAD__
constexpr bool kForkMayHaveThreads = false;
#else
constexpr bool kForkMayHaveThreads = true;
#endif

TEST_CASE("all guests die with the supervisor, whatever they do" * doctest::skip(!kForkMayHaveThreads)) {
    std::array<int, 2> pipe_ends{};
    REQUIRE(pipe(pipe_ends.data()) == 0);
    const pid_t supervisor = fork();
    if (supervisor == 0) {
        auto factory = create_machine_factory();
        auto pool = host::create_memory_pool({.window = std::uint64_t{1} << 32});
        if (!factory || !pool) _exit(1);
        const auto code = (*pool)->allocate(4096);
        std::memcpy((*code)->direct(), guest_begin, 4096);
        auto blocked = (*factory)->create();
        auto spinning = (*factory)->create();
        if (!blocked || !spinning) _exit(2);
        for (auto* guest : {&*blocked, &*spinning})
            if (!(*guest)->map({kGuestCode, 4096}, **code, 0, {.execute = true}, machine::Populate::kOnTouch))
                _exit(3);
        const auto blocked_thread = (*blocked)->start_thread(start_at(guest_end));
        const auto spinning_thread = (*spinning)->start_thread(start_at(guest_spin));
        if (!blocked_thread || !spinning_thread) _exit(4);
        (*blocked_thread)->next();
        (*spinning_thread)->request_park();
        (*spinning_thread)->next();
        (*spinning_thread)->resume();
        const std::string list = children();
        if (write(pipe_ends[1], list.c_str(), list.size() + 1) < 0) _exit(5);
        for (;;)
            pause();
    }
    close(pipe_ends[1]);
    std::array<char, 256> list{};
    REQUIRE(read(pipe_ends[0], list.data(), list.size()) > 0);
    close(pipe_ends[0]);
    std::vector<host::UniqueFd> guests;
    char* at = list.data();
    for (;;) {
        char* end = nullptr;
        const long process = std::strtol(at, &end, 10);
        if (end == at) break;
        auto descriptor = host::open_process(static_cast<pid_t>(process));
        REQUIRE(descriptor);
        guests.push_back(std::move(*descriptor));
        at = end;
    }
    CHECK(guests.size() == 3);  // two guests and the zygote
    for (const auto& guest : guests)
        CHECK(*host::poll_one(guest.get(), POLLIN, std::chrono::milliseconds(0)) == 0);
    kill(supervisor, SIGKILL);
    for (const auto& guest : guests)
        CHECK((*host::poll_one(guest.get(), POLLIN, std::chrono::seconds(10)) & POLLIN) != 0);
    waitpid(supervisor, nullptr, 0);
}

TEST_CASE("a host without descriptors gives errors, keeps nothing and recovers" *
          doctest::skip(!kForkMayHaveThreads)) {
    const pid_t supervisor = fork();
    if (supervisor == 0) {
        auto factory = create_machine_factory();
        if (!factory) _exit(1);
        const std::string before = children();
        const std::size_t open = entries_of("/proc/self/fd");
        // Room for a few descriptors only; every step of every birth gets its turn at failing.
        for (rlim_t room = 0; room < 24; ++room) {
            rlimit limit{};
            getrlimit(RLIMIT_NOFILE, &limit);
            limit.rlim_cur = open + room;
            setrlimit(RLIMIT_NOFILE, &limit);
            {
                std::vector<std::unique_ptr<machine::Machine>> machines;
                std::vector<std::unique_ptr<machine::GuestThread>> threads;
                for (;;) {
                    auto machine = (*factory)->create();
                    if (!machine) {
                        if (machine.error() != Errno::kEMFILE && machine.error() != Errno::kEAGAIN) _exit(2);
                        break;
                    }
                    machines.push_back(std::move(*machine));
                    auto thread = machines.back()->start_thread(start_at(guest_spin));
                    if (thread)
                        threads.push_back(std::move(*thread));
                    else if (thread.error() != Errno::kEAGAIN)
                        _exit(3);
                }
            }
            limit.rlim_cur = open + 100;
            setrlimit(RLIMIT_NOFILE, &limit);
            if (entries_of("/proc/self/fd") != open) _exit(4);
            if (children() != before) _exit(5);
            auto machine = (*factory)->create();
            if (!machine || !(*machine)->start_thread(start_at(guest_end))) _exit(6);
        }
        factory->reset();
        _exit(children().empty() ? 0 : 7);
    }
    int status = -1;
    waitpid(supervisor, &status, 0);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a host without processes gives EAGAIN and recovers" * doctest::skip(!kForkMayHaveThreads)) {
    const pid_t supervisor = fork();
    if (supervisor == 0) {
        // An ordinary user whom nobody else's processes count against.
        if (getuid() == 0 && setresuid(61234, 61234, 61234) != 0) _exit(77);
        auto factory = create_machine_factory();
        if (!factory) _exit(1);
        rlimit limit{};
        getrlimit(RLIMIT_NPROC, &limit);
        const rlimit plenty = limit;
        limit.rlim_cur = 1;
        setrlimit(RLIMIT_NPROC, &limit);
        // The limit does not hold for root, not even for one behind the numbers of a user namespace.
        const pid_t forked = fork();
        if (forked == 0) _exit(0);
        if (forked > 0) _exit(77);
        prlimit(newest_child_of(getpid()), RLIMIT_NPROC, &limit, nullptr);
        const auto refused = (*factory)->create();
        if (refused || refused.error() != Errno::kEAGAIN) _exit(2);
        prlimit(newest_child_of(getpid()), RLIMIT_NPROC, &plenty, nullptr);
        auto machine = (*factory)->create();
        if (!machine) _exit(3);
        const pid_t guest = newest_child_of(getpid());
        prlimit(guest, RLIMIT_NPROC, &limit, nullptr);
        const auto thread = (*machine)->start_thread(start_at(guest_end));
        if (thread || thread.error() != Errno::kEAGAIN) _exit(4);
        prlimit(guest, RLIMIT_NPROC, &plenty, nullptr);
        const auto first = (*machine)->start_thread(start_at(guest_end));
        const auto second = (*machine)->start_thread(start_at(guest_end));
        if (!first || !second) _exit(5);
        _exit(0);
    }
    int status = -1;
    waitpid(supervisor, &status, 0);
    REQUIRE(WIFEXITED(status));
    if (WEXITSTATUS(status) != 77) CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace halfcell::agent
