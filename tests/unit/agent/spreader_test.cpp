// Guest threads begin together and are moved apart only where that makes something faster.

#include "kernel_shim/agent/spreader.h"

#include <sched.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "kernel_shim/host/cpu.h"
#include "tests/unit/agent/engine_fixture.h"

namespace halfcell::agent {

namespace {

constexpr std::array kTwo{0, 1};

constexpr PairLook kBlocked{.cpu = 0};
constexpr PairLook kTalking{.cpu = 0, .active = true};
constexpr PairLook kNew{.cpu = 0, .active = true, .movable = true};
constexpr PairLook kComputing{.cpu = 0, .active = true, .computing = true, .movable = true};

std::size_t moves_of(std::vector<PairLook> looks) {
    const auto moves = spread(looks, kTwo);
    for (const PairMove& move : moves) {
        CHECK(looks[move.pair].movable);
        CHECK(move.cpu != looks[move.pair].cpu);
        looks[move.pair].cpu = move.cpu;
    }
    CHECK(spread(looks, kTwo).empty());
    return moves.size();
}

// The CPU a Linux thread is pinned to; nullopt where it may use several or is gone.
std::optional<int> pinned_to(pid_t thread) {
    cpu_set_t set;
    if (sched_getaffinity(thread, sizeof set, &set) != 0 || CPU_COUNT(&set) != 1) return std::nullopt;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &set)) return cpu;
    return std::nullopt;
}

// The guest threads of the process made last: all but its agent.
std::vector<pid_t> newest_guest_threads() {
    std::ifstream children("/proc/self/task/" + std::to_string(getpid()) + "/children");
    pid_t newest = 0;
    for (pid_t child = 0; children >> child;)
        newest = child;
    std::vector<pid_t> threads;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(newest) + "/task"))
        if (const pid_t thread = std::stoi(entry.path().filename()); thread != newest)
            threads.push_back(thread);
    return threads;
}

}  // namespace

TEST_CASE("two that compute on one CPU are separated, and then stay") {
    CHECK(moves_of({kComputing, kComputing}) == 1);
    CHECK(moves_of({kComputing, kComputing, kComputing}) == 1);
    CHECK(moves_of({kComputing, kComputing, kComputing, kComputing}) == 2);
}

TEST_CASE("one that computes leaves those who talk, but not those who sleep") {
    CHECK(moves_of({kComputing, kTalking, kTalking}) == 1);
    CHECK(moves_of({kComputing, kBlocked, kBlocked}) == 0);
}

TEST_CASE("those who talk to each other stay together") {
    CHECK(moves_of({kTalking, kTalking, kTalking}) == 0);
}

TEST_CASE("new threads are given room where their maker goes on, not where it waits") {
    CHECK(moves_of({kTalking, kNew}) == 1);
    CHECK(moves_of({kBlocked, kNew}) == 0);
    CHECK(moves_of(std::vector<PairLook>(64, kNew)) == 32);
}

TEST_CASE("with one CPU nothing moves") {
    const std::array<int, 1> cpus{0};
    const std::array<PairLook, 3> looks{kComputing, kComputing, kNew};
    CHECK(spread(looks, cpus).empty());
}

TEST_CASE("processes that compute come to use two CPUs (compute-shares-one-cpu)") {
    const auto& cpus = kTestCpus;
    if (cpus.size() < 2) {
        MESSAGE("skipped: needs two CPUs");
        return;
    }
    // A worker of its own for each guest, as in life; both start where their maker is.
    std::array<std::thread, 2> workers;
    std::array<std::unique_ptr<Guest>, 2> guests;
    std::array<std::unique_ptr<machine::GuestThread>, 2> threads;
    std::array<pid_t, 2> ids{};
    // What follows pins its thread, as every worker is pinned.
    std::thread([&] {
        host::pin_thread(0, cpus[0]);
        for (std::size_t i = 0; i < 2; ++i) {
            guests[i] = std::make_unique<Guest>();
            threads[i] = guests[i]->start(start_at(guest_spin));
            ids[i] = newest_guest_threads().at(0);
            CHECK(pinned_to(ids[i]) == cpus[0]);
            workers[i] = std::thread([thread = threads[i].get()] { CHECK(is_gone(thread->next())); });
        }
    }).join();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (pinned_to(ids[0]) == pinned_to(ids[1]) && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    CHECK(pinned_to(ids[0]).has_value());
    CHECK(pinned_to(ids[0]) != pinned_to(ids[1]));
    for (auto& guest : guests)
        guest->machine().kill();
    for (auto& worker : workers)
        worker.join();
}

}  // namespace halfcell::agent
