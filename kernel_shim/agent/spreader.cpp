#include "kernel_shim/agent/spreader.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <system_error>
#include <utility>

#include "kernel_shim/host/cpu.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::agent {

namespace {

constexpr std::chrono::milliseconds kBetweenLooks{10};
// Traps and answers between two looks up to which a guest that runs counts as computing: a thousand calls a
// second would not notice were each of them a wake-up across CPUs.
constexpr std::uint32_t kFewSteps = 20;

constexpr int kComputingLoad = 2;
constexpr int kActiveLoad = 1;

int load_of(const PairLook& look) {
    if (look.computing) return kComputingLoad;
    return look.active ? kActiveLoad : 0;
}

}  // namespace

std::vector<PairMove> spread(std::span<const PairLook> looks, std::span<const int> cpus) {
    std::map<int, int> loads;
    for (const int cpu : cpus)
        loads[cpu] = 0;
    for (const PairLook& look : looks)
        loads[look.cpu] += load_of(look);
    std::vector<PairMove> moves;
    for (std::size_t i = 0; i < looks.size(); ++i) {
        const PairLook& look = looks[i];
        const int load = load_of(look);
        if (!look.movable || load == 0) continue;
        const int best = *std::min_element(cpus.begin(), cpus.end(),
                                           [&](int left, int right) { return loads[left] < loads[right]; });
        if (loads[best] + load >= loads[look.cpu]) continue;
        loads[look.cpu] -= load;
        loads[best] += load;
        moves.push_back({i, best});
    }
    return moves;
}

Result<std::unique_ptr<Spreader>> Spreader::create(std::vector<int> cpus) {
    host::UniqueFd event = TRY(host::create_event(host::Blocking::kNo));
    std::unique_ptr<Spreader> spreader(new Spreader(std::move(cpus), std::move(event)));
    try {
        spreader->thread_ = std::thread([self = spreader.get()] { self->loop(); });
    } catch (const std::system_error&) {
        return fail(Errno::kEAGAIN);
    }
    return spreader;
}

Spreader::Spreader(std::vector<int> cpus, host::UniqueFd event)
    : cpus_(std::move(cpus)), event_(std::move(event)) {}

Spreader::~Spreader() {
    if (!thread_.joinable()) return;
    quit_ = true;
    (void)host::signal_event(event_.get(), 1);
    thread_.join();
}

void Spreader::add(const std::shared_ptr<ThreadPair>& pair) {
    const bool company = pairs_.with([&](Pairs& pairs) {
        pair->worker_ = gettid();
        pair->index_ = pairs.list.size();
        pairs.list.push_back(pair);
        host::pin_thread(0, pair->cpu_);
        return pairs.list.size() > 1 && std::exchange(pairs.alone, false);
    });
    if (company) (void)host::signal_event(event_.get(), 1);
}

int Spreader::remove(ThreadPair& pair) {
    return pairs_.with([&](Pairs& pairs) {
        if (pair.worker_ == 0) return pair.cpu_;  // its worker has not even begun
        pair.worker_ = 0;
        pairs.list.back()->index_ = pair.index_;
        std::swap(pairs.list[pair.index_], pairs.list.back());
        pairs.list.pop_back();
        return pair.cpu_;
    });
}

void Spreader::wake() {
    if (asleep_.exchange(false)) (void)host::signal_event(event_.get(), 1);
}

void Spreader::loop() {
    pthread_setname_np(pthread_self(), "spreader");
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    while (!quit_) {
        const Seen seen = look();
        // A guest that runs on between the look and this store is noticed at its next trap.
        asleep_ = seen == Seen::kQuiet;
        const bool rest = seen != Seen::kActive;
        (void)host::poll_one(event_.get(), POLLIN, rest ? std::nullopt : std::optional(kBetweenLooks));
        (void)host::take_event(event_.get());
    }
}

Spreader::Seen Spreader::look() {
    return pairs_.with([&](Pairs& pairs) {
        pairs.alone = pairs.list.size() < 2;
        if (pairs.alone) return Seen::kAlone;
        std::vector<PairLook> looks;
        looks.reserve(pairs.list.size());
        bool active = false;
        for (const auto& pair : pairs.list) {
            const std::uint32_t steps = pair->steps_.load(std::memory_order_relaxed);
            const std::uint32_t made = steps - std::exchange(pair->steps_seen_, steps);
            const bool runs = steps % 2 == 0;
            const bool computing = runs && made <= kFewSteps;
            const bool computed = std::exchange(pair->computed_, computing);
            looks.push_back({.cpu = pair->cpu_,
                             .active = runs || made > 0,
                             .computing = computing,
                             .movable = pair->unsettled_ || (computing && computed)});
            active = active || looks.back().active;
            if (looks.back().active) pair->unsettled_ = false;
        }
        for (const PairMove& move : spread(looks, cpus_)) {
            ThreadPair& pair = *pairs.list[move.pair];
            if (!host::pin_thread(pair.guest_, move.cpu)) continue;
            host::pin_thread(pair.worker_, move.cpu);
            pair.cpu_ = move.cpu;
        }
        return active ? Seen::kActive : Seen::kQuiet;
    });
}

}  // namespace halfcell::agent
