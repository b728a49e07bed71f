#include "kernel_shim/bench/control_run.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "kernel_shim/base/json.h"
#include "kernel_shim/bench/child.h"
#include "kernel_shim/control/client.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::bench {

namespace {

using control::Client;

// The first process of a run.
const std::string kFirst = "2";
constexpr std::uint64_t kInMillisecond = 1'000'000;  // nanoseconds

struct Run {
    Child child;
    std::string where;

    // A connection for many commands.
    [[nodiscard]] Result<Client> connect() const {
        auto client = Client::connect(where);
        if (!client) return fail(Errno::kEIO);
        TRY(client->ask("prompt i"));
        return std::move(*client);
    }
};

Result<Run> start_run(const std::vector<std::string>& program) {
    static unsigned runs = 0;
    std::string where = "@halfcell-bench-" + std::to_string(::getpid()) + "-" + std::to_string(runs++);
    std::vector<std::string> words{own_program(), "run", "--control", where};
    words.insert(words.end(), program.begin(), program.end());
    Child child = TRY(spawn(std::move(words)));
    return Run{std::move(child), std::move(where)};
}

// A shell that says that it is there, and runs `command` in its place when told to.
Result<Run> start_waiting(const std::string& command) {
    Run run = TRY(start_run({"sh", "-c", "echo; read go; exec " + command}));
    char ready = 0;
    if (::read(run.child.output.get(), &ready, 1) == 1) return run;
    put_down(std::move(run.child));
    return fail(Errno::kEIO);
}

// A slice of a run of `speed slices`: nanoseconds per call.
Result<double> measure_slice(const Run& run) {
    if (::write(run.child.input.get(), "\n", 1) != 1) return fail(Errno::kEIO);
    std::string line;
    for (char next = 0; next != '\n'; line += next)
        if (::read(run.child.output.get(), &next, 1) != 1) return fail(Errno::kEIO);
    return std::strtod(line.c_str(), nullptr);
}

// A run that does slices of so many calls, and has done one: its socket is there, and its caches are warm.
Result<Run> start_slices(std::uint64_t count) {
    Run run = TRY(start_run({"speed", "slices", std::to_string(count)}));
    if (measure_slice(run)) return run;
    put_down(std::move(run.child));
    return fail(Errno::kEIO);
}

// What the calls of one guest cost while something is so, over what they cost while it is not: the median of
// pairs of slices, one right after the other. A busy machine slows both of a pair.
// `begin` and `end` return when it is so, and when it is not any more.
template <typename Begin, typename End>
Result<double> compare_slices(const Run& run, int pairs, Begin begin, End end) {
    std::vector<double> quotients;
    for (int pair = 0; pair < pairs; ++pair) {
        const double without = TRY(measure_slice(run));
        TRY(begin());
        const double with = TRY(measure_slice(run));
        TRY(end());
        quotients.push_back(with / without);
    }
    std::ranges::nth_element(quotients, quotients.begin() + pairs / 2);
    return quotients[pairs / 2];
}

Result<void> expect_success(Client& client, const std::string& command) {
    const auto answer = parse_json(TRY(client.ask(command)));
    if (!answer || !answer->is_object() || !answer->contains("err") || (*answer)["err"] != 0)
        return fail(Errno::kEIO);
    return {};
}

Result<double> time_commands(const Run& run, std::uint64_t count) {
    Client client = TRY(run.connect());
    const std::uint64_t start = host::monotonic_nanoseconds();
    for (std::uint64_t i = 0; i < count; ++i)
        TRY(client.ask("ping"));
    return static_cast<double>(host::monotonic_nanoseconds() - start) / static_cast<double>(count);
}

Result<double> time_switch(const Run& run) {
    Client client = TRY(run.connect());
    if (::write(run.child.input.get(), "\n", 1) != 1) return fail(Errno::kEIO);
    // The shell has become the program when that makes calls of its own.
    const std::uint64_t start = host::monotonic_nanoseconds();
    TRY(expect_success(client, "trace " + kFirst + " on"));
    for (;;) {
        const auto answer = parse_json(TRY(client.ask("tail " + kFirst + " 1")));
        const std::uint64_t spent = host::monotonic_nanoseconds() - start;
        if (!answer || !answer->contains("calls")) return fail(Errno::kEIO);
        if (!(*answer)["calls"].empty()) return static_cast<double>(spent) / kInMillisecond;
        if (spent > 1000 * kInMillisecond) return fail(Errno::kETIMEDOUT);
    }
}

// Connections to a run, all the time new ones.
class Flood {
  public:
    Flood(const Run& run, unsigned connections) : where_(run.where), clients_(connections) {
        for (unsigned i = 0; i < connections; ++i)
            complete_ = renew(i) && complete_;
        thread_ = std::thread([this] {
            for (unsigned next = 0; !ending_.load();
                 next = (next + 1) % static_cast<unsigned>(clients_.size()))
                (void)renew(next);
        });
    }
    ~Flood() {
        ending_.store(true);
        thread_.join();
    }
    Flood(const Flood&) = delete;
    Flood& operator=(const Flood&) = delete;

    // Whether all could be made at first.
    [[nodiscard]] bool complete() const { return complete_; }

  private:
    bool renew(unsigned index) {
        clients_[index].reset();
        auto client = Client::connect(where_);
        if (!client || !client->ask("prompt i") || (index % 2 == 0 && !client->send("ping"))) return false;
        clients_[index].emplace(std::move(*client));
        return true;
    }

    const std::string where_;
    std::vector<std::optional<Client>> clients_;
    std::atomic<bool> ending_{false};
    bool complete_ = true;
    std::thread thread_;
};

}  // namespace

Result<double> measure_control_commands(std::uint64_t count) {
    Run run = TRY(start_waiting("true"));
    const auto time = time_commands(run, count);
    put_down(std::move(run.child));
    return time;
}

Result<double> measure_ring_trace(std::uint64_t count) {
    Run run = TRY(start_slices(count));
    const auto compare = [&]() -> Result<double> {
        Client client = TRY(run.connect());
        const auto turn = [&](const std::string& way) {
            return [&client, command = "trace " + kFirst + " " + way] {
                return expect_success(client, command);
            };
        };
        return compare_slices(run, 15, turn("on"), turn("off"));
    };
    const Result<double> ratio = compare();
    put_down(std::move(run.child));
    return ratio;
}

Result<double> measure_trace_switch() {
    Run run = TRY(start_waiting("speed null 10000000"));
    const auto time = time_switch(run);
    put_down(std::move(run.child));
    return time;
}

Result<double> measure_flood(std::uint64_t count, unsigned connections) {
    host::raise_descriptor_limit();
    Run run = TRY(start_slices(count));
    std::optional<Flood> flood;
    const auto begin = [&]() -> Result<void> {
        flood.emplace(run, connections);
        if (!flood->complete()) return fail(Errno::kEIO);
        return {};
    };
    const auto end = [&]() -> Result<void> {
        flood.reset();
        return {};
    };
    const Result<double> ratio = compare_slices(run, 9, begin, end);
    put_down(std::move(run.child));
    return ratio;
}

}  // namespace halfcell::bench
