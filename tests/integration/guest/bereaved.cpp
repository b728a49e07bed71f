// bereaved guest ROUNDS SEED | bereaved host PATH: clients of a server that is killed while they use it. A
// line for every round: how many nanoseconds after the kill the last of them knew (host: when that was), the
// longest call on a handle of the dead, and the errors they got.
//   guest: makes a server in every round, and kills it itself. PASS in the end, where what the kernel holds
//   is as before. host: the boxes at PATH are somebody else's, who is to be killed at any time after the line
//   "ready"; a line of standard input begins a round.

#include <algorithm>
#include <array>
#include <optional>
#include <random>
#include <vector>

#include "schemes/server/dispatcher.h"
#include "schemes/server/guest_transport.h"
#include "tests/guests/check.h"
#include "tests/integration/guest/client.h"
#include "tests/integration/guest/holdings.h"
#include "tests/integration/guest/shared_memory.h"
#include "userland/lib/number.h"
#include "userland/rt/child.h"
#include "userland/rt/file.h"
#include "userland/rt/fork.h"
#include "userland/rt/input.h"
#include "userland/rt/signal.h"
#include "userland/rt/thread.h"

namespace halfcell::userland {
namespace {

constexpr std::size_t kClients = 2 * kClientKinds;

struct Shared {
    std::atomic<bool> over;
    Client clients[kClients];
};

struct Task {
    std::uint32_t kind = 0;
    std::string_view path;
    Shared* shared = nullptr;
    Client* client = nullptr;
    void run() const { be_client(kind, path, shared->over, *client); }
};

// Half of the clients are processes, half threads of another one.
class Crowd {
  public:
    Crowd(Shared& shared, std::string_view path) : shared_(shared) {
        shared.over.store(false);
        for (std::size_t i = 0; i < kClients; ++i) {
            Client& client = shared.clients[i];
            client.ready.store(false);
            client.done.store(false);
            client.ended = client.longest = client.calls = 0;
            client.error = client.unexpected = 0;
            tasks_[i] = {static_cast<std::uint32_t>(i % kClientKinds), path, &shared, &client};
        }
        for (std::size_t i = 0; i < kClientKinds; ++i)
            start_child([this, i] { tasks_[i].run(); });
        start_child([this] { run_threads(); });
    }

    void await_ready() const {
        for (const Client& client : shared_.clients)
            await(client.ready);
    }
    // Until all have noticed, or cannot.
    void await_end() {
        for (std::size_t i = 0; i < kClients; ++i)
            if (i % kClientKinds != kClientKinds - 1) await(shared_.clients[i].done);
        shared_.over.store(true);
        for (const std::uint32_t child : children_)
            check(need(wait_for_child(child, 0), "wait").status == 0, "how a client ends");
    }

    [[nodiscard]] std::uint64_t last_end() const {
        std::uint64_t last = 0;
        for (const Client& client : shared_.clients)
            last = std::max(last, client.ended);
        return last;
    }
    void report(std::uint64_t end) const {
        std::uint64_t longest = 0;
        std::vector<std::uint32_t> errors;
        for (std::size_t i = 0; i < kClients; ++i) {
            const Client& client = shared_.clients[i];
            check(client.unexpected == 0,
                  concat("a client of kind ", i % kClientKinds, ": ", client.unexpected));
            longest = std::max(longest, client.longest);
            errors.push_back(client.error);
        }
        out().print(end, ' ', longest);
        for (const std::uint32_t error : errors)
            out().print(' ', error);
        out().print('\n');
        out().flush();
    }

  private:
    template <typename Body>
    void start_child(Body body) {
        children_.push_back(need(fork_process(), "fork"));
        if (children_.back() != 0) return;
        body();
        exit_now(0);
    }
    void run_threads() {
        std::vector<Thread> threads;
        for (std::size_t i = kClientKinds; i < kClients; ++i)
            threads.push_back(
                need(Thread::start([](void* task) { static_cast<const Task*>(task)->run(); }, &tasks_[i]),
                     "thread"));
        for (Thread& thread : threads)
            thread.join();
    }
    static void await(const std::atomic<bool>& flag) {
        const abi::TimeSpec moment{.tv_sec = 0, .tv_nsec = 100'000};
        while (!flag.load())
            (void)sys_nanosleep(moment);
    }
    Shared& shared_;
    std::array<Task, kClients> tasks_;
    std::vector<std::uint32_t> children_;
};

// In a child of its own, until it is killed.
std::uint32_t start_server(std::string_view name) {
    const Pipe ready = need(make_pipe(), "pipe");
    const std::uint32_t server = need(fork_process(), "fork");
    if (server == 0) {
        const auto scheme = server::make_scheme({});
        server::GuestTransport transport;
        constexpr std::byte kReady[1] = {};
        if (transport.create() && transport.register_as(name)) (void)sys_write(ready.writer.fd(), kReady);
        (void)server::Dispatcher(*scheme, transport).serve();
        exit_now(1);
    }
    std::byte byte{};
    need(sys_read(ready.reader.fd(), {&byte, 1}), "a server");
    return server;
}

void kill_servers(Shared& shared, std::uint64_t rounds, std::uint32_t seed) {
    std::minstd_rand random(seed);
    Holdings before;
    constexpr std::uint64_t kWarmUp = 3;
    for (std::uint64_t i = 0; i < kWarmUp + rounds; ++i) {
        if (i == kWarmUp) before = need(settled_holdings(), "sys");
        const std::uint32_t server = start_server("bereaved");
        Crowd crowd(shared, "/scheme/bereaved");
        crowd.await_ready();
        for (std::uint64_t wait = random() % 2000; wait > 0; --wait)
            sys_yield();
        const std::uint64_t kill = real_nanoseconds();
        need(send_signal(server, Signal::kKill), "kill");
        crowd.await_end();
        (void)need(wait_for_child(server, 0), "wait");
        need(sys_unlinkat(process().name_space, "/scheme/bereaved", 0), "the name");
        if (i >= kWarmUp) crowd.report(crowd.last_end() - kill);
    }
    const std::string more = need(await_no_more_than(before), "sys");
    check(more.empty(), concat("more is held than before: ", more));
}

void be_bereaved(Shared& shared, std::string_view path) {
    LineReader lines(Fd::kStdin);
    while (need(lines.next(), "input")) {
        Crowd crowd(shared, path);
        crowd.await_ready();
        out().print("ready\n");
        out().flush();
        crowd.await_end();
        // The next one is served again.
        (void)need(open_file(concat(path, "/x"), abi::OpenFlags::kRdwr), "open");
        crowd.report(crowd.last_end());
    }
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    Shared& shared = shared_memory<Shared>();
    if (arguments.size() == 3 && arguments[0] == "guest") {
        const auto rounds = parse_unsigned(arguments[1]);
        const auto seed = parse_unsigned(arguments[2]);
        check(rounds && seed, "numbers");
        kill_servers(shared, *rounds, static_cast<std::uint32_t>(*seed));
        return passed();
    }
    check(arguments.size() == 2 && arguments[0] == "host", "guest or host");
    be_bereaved(shared, arguments[1]);
    return passed();
}

}  // namespace halfcell::userland
