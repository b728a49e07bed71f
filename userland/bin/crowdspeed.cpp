// crowdspeed: how evenly many clients of one server are served; a guest half of `halfcell bench`.

#include <algorithm>
#include <atomic>
#include <vector>

#include "userland/lib/monotonic_clock.h"
#include "userland/lib/number.h"
#include "userland/lib/speed_server.h"
#include "userland/lib/tool.h"
#include "userland/rt/child.h"
#include "userland/rt/fork.h"
#include "userland/rt/thread.h"

namespace halfcell::userland {
namespace {

constexpr Usage kUsage{
    "crowdspeed",
    "processes|threads CLIENTS MILLISECONDS [FILE]",
    "So many clients read 64 bytes at a time from FILE (/scheme/speed/x, which speedscheme serves unless "
    "somebody else does), all at once, each one read after the other. Prints the longest wait as a multiple "
    "of the median one, then nanoseconds (median, p99, max) and how many reads each client had.",
    {}};

constexpr std::size_t kMostSamples = 1 << 16;
constexpr std::uint64_t kMostClients = 1024;

template <typename Value>
Value or_give_up(Result<Value> result, std::string_view what) {
    if (!result) give_up(1, what, ": ", error_sentence(result.error()));
    return std::move(*result);
}

// The processor's clock: asking the kernel's would be a call between any two that are measured.
std::uint64_t ticks() {
    return __builtin_ia32_rdtsc();
}

// Shared by all clients, who each write to a part of their own.
struct Client {
    std::atomic<bool> ready;
    std::atomic<bool> done;
    std::uint64_t served;
    std::uint64_t failed;
    std::uint32_t waits[kMostSamples];  // in ticks
};

struct Crowd {
    Client* clients = nullptr;
    std::uint64_t size = 0;
    std::string_view path;
    std::uint64_t ticks_to_run = 0;
    // Clients read here until the beginning, and again until all have done: what it costs to end must not
    // show in what others wait.
    Fd start = Fd::kNone;
    Fd leave = Fd::kNone;
};

void wait_for_end_of(Fd pipe) {
    std::byte byte{};
    (void)sys_read(pipe, {&byte, 1});
}

void read_and_measure(const Crowd& crowd, Client& client, Fd file) {
    std::byte buffer[64];
    const std::uint64_t end = ticks() + crowd.ticks_to_run;
    for (std::uint64_t before = ticks(); before < end && client.served < kMostSamples;) {
        const auto got = sys_read(file, buffer);
        const std::uint64_t after = ticks();
        client.failed += got && *got == sizeof buffer ? 0 : 1;
        client.waits[client.served++] =
            static_cast<std::uint32_t>(std::min<std::uint64_t>(after - before, UINT32_MAX));
        before = after;
    }
}

void be_client(const Crowd& crowd, Client& client) {
    const auto file = sys_openat(process().name_space, crowd.path, abi::OpenFlags::kRdonly);
    client.failed = file ? 0 : 1;
    client.ready.store(true);
    wait_for_end_of(crowd.start);
    if (file) read_and_measure(crowd, client, *file);
    client.done.store(true);
    wait_for_end_of(crowd.leave);
    if (file) (void)sys_close(*file);
}

// Clients between their beginning and their end, whatever they are.
class Gates {
  public:
    explicit Gates(Crowd& crowd)
        : crowd_(crowd), start_(or_give_up(make_pipe(), "pipe")), leave_(or_give_up(make_pipe(), "pipe")) {
        crowd.start = start_.reader.fd();
        crowd.leave = leave_.reader.fd();
    }
    // In a client that has a file table of its own.
    void let_go() {
        start_.writer.reset();
        leave_.writer.reset();
    }
    // Until all have done.
    void run() {
        wait_for_all(&Client::ready);
        start_.writer.reset();
        wait_for_all(&Client::done);
        leave_.writer.reset();
    }

  private:
    void wait_for_all(std::atomic<bool> Client::*what) const {
        const abi::TimeSpec moment{.tv_sec = 0, .tv_nsec = 1'000'000};
        for (std::uint64_t i = 0; i < crowd_.size; ++i)
            while (!(crowd_.clients[i].*what).load())
                (void)sys_nanosleep(moment);
    }
    Crowd& crowd_;
    Pipe start_;
    Pipe leave_;
};

void run_processes(Crowd& crowd) {
    Gates gates(crowd);
    for (std::uint64_t i = 0; i < crowd.size; ++i) {
        if (or_give_up(fork_process(), "fork") != 0) continue;
        gates.let_go();
        be_client(crowd, crowd.clients[i]);
        exit_now(0);
    }
    gates.run();
    for (std::uint64_t i = 0; i < crowd.size; ++i)
        (void)or_give_up(wait_for_child(0, 0), "wait");
}

void run_threads(Crowd& crowd) {
    Gates gates(crowd);
    static Crowd& shared = crowd;
    std::vector<Thread> threads;
    for (std::uint64_t i = 0; i < crowd.size; ++i)
        threads.push_back(
            or_give_up(Thread::start([](void* client) { be_client(shared, *static_cast<Client*>(client)); },
                                     &crowd.clients[i]),
                       "thread"));
    gates.run();
    for (Thread& thread : threads)
        thread.join();
}

Client* shared_memory(std::uint64_t clients) {
    constexpr std::uint64_t kPage = 4096;
    abi::Map map{};
    map.size = (clients * sizeof(Client) + kPage - 1) / kPage * kPage;
    map.flags = abi::MapFlags::kMapShared | abi::MapFlags::kProtRead | abi::MapFlags::kProtWrite;
    return reinterpret_cast<Client*>(or_give_up(sys_fmap(Fd::kNone, map), "memory"));
}

double ticks_per_nanosecond() {
    constexpr std::uint64_t kLong = 10'000'000;
    const std::uint64_t first_tick = ticks();
    const std::uint64_t begin = monotonic_nanoseconds();
    std::uint64_t now = begin;
    while (now - begin < kLong)
        now = monotonic_nanoseconds();
    return static_cast<double>(ticks() - first_tick) / static_cast<double>(now - begin);
}

void report(const Crowd& crowd, double rate) {
    std::vector<std::uint32_t> waits;
    std::uint64_t failed = 0;
    for (std::uint64_t i = 0; i < crowd.size; ++i) {
        const Client& client = crowd.clients[i];
        waits.insert(waits.end(), client.waits, client.waits + client.served);
        failed += client.failed;
    }
    if (waits.empty()) give_up(1, "nobody was served");
    std::sort(waits.begin(), waits.end());
    const std::uint64_t median = waits[waits.size() / 2];
    const auto nanoseconds = [rate](std::uint64_t tick) {
        return static_cast<std::uint64_t>(static_cast<double>(tick) / rate);
    };
    const std::uint64_t tenths = std::uint64_t{waits.back()} * 10 / median;
    out().print(tenths / 10, '.', tenths % 10, " times the median\n");
    out().print("median ", nanoseconds(median), "\np99 ", nanoseconds(waits[waits.size() * 99 / 100]),
                "\nmax ", nanoseconds(waits.back()), "\nfailed ", failed, "\nserved");
    for (std::uint64_t i = 0; i < crowd.size; ++i)
        out().print(' ', crowd.clients[i].served);
    out().print('\n');
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 3, 4);
    const std::string_view kind = line.operands[0];
    const auto clients = parse_unsigned(line.operands[1]);
    const auto milliseconds = parse_unsigned(line.operands[2]);
    if (!clients || *clients == 0 || *clients > kMostClients)
        usage_error(concat("invalid number of clients '", line.operands[1], "'"));
    if (!milliseconds) usage_error(concat("invalid time '", line.operands[2], "'"));
    if (kind != "processes" && kind != "threads") usage_error(concat("no clients '", kind, "'"));
    const double rate = ticks_per_nanosecond();
    Crowd crowd{.clients = shared_memory(*clients),
                .size = *clients,
                .path = line.operands.size() > 3 ? line.operands[3] : kSpeedFile,
                .ticks_to_run = static_cast<std::uint64_t>(static_cast<double>(*milliseconds) * 1e6 * rate)};
    if (line.operands.size() < 4) start_speed_server_unless_there();
    if (kind == "processes") {
        run_processes(crowd);
    } else {
        run_threads(crowd);
    }
    report(crowd, rate);
    return 0;
}

}  // namespace halfcell::userland
