// speed: measures one kind of call from inside a guest; the guest half of `halfcell bench`.

#include <algorithm>
#include <atomic>
#include <optional>

#include "userland/lib/monotonic_clock.h"
#include "userland/lib/number.h"
#include "userland/lib/speed_server.h"
#include "userland/lib/tool.h"
#include "userland/rt/thread.h"

namespace halfcell::userland {
namespace {

constexpr Usage kUsage{
    "speed",
    "ROW COUNT [FILE]",
    "Makes COUNT calls of the kind ROW (null, close, read64, read4k, read1m, openclose, fmap64k, "
    "threads64, idle; slices: COUNT read64 for each line of the input; served64, servedopen, served1m: of "
    "/scheme/speed, which speedscheme serves unless somebody else does) and prints nanoseconds per call, or "
    "MiB per second for read1m and served1m. "
    "Rows about a file use FILE where one is given.",
    {}};

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::string_view kMeasured = "/scheme/file/measured";
constexpr std::string_view kZero = "/scheme/zero";
constexpr std::size_t kThreads = 64;

Fd open_or_give_up(std::string_view path) {
    const auto file = sys_openat(process().name_space, path, abi::OpenFlags::kRdonly);
    if (!file) give_up(1, path, ": ", error_sentence(file.error()));
    return *file;
}

// Runs `operation(i)` count times and returns the nanoseconds it took.
template <typename Operation>
std::uint64_t time_of(std::uint64_t count, Operation operation) {
    const std::uint64_t start = monotonic_nanoseconds();
    for (std::uint64_t i = 0; i < count; ++i)
        operation(i);
    return monotonic_nanoseconds() - start;
}

// Whole-buffer reads at offsets that go round the measured file.
std::uint64_t time_reads(std::uint64_t count, std::size_t size, std::string_view path) {
    const Fd file = open_or_give_up(path);
    std::byte* const buffer = *map_anonymous(size);
    const auto end = sys_lseek(file, 0, abi::SeekWhence::kEnd);
    if (!end || *end < size) give_up(1, path, ": less than one buffer");
    const std::uint64_t round = *end / size * size;
    return time_of(count, [&](std::uint64_t i) {
        const std::uint64_t offset = i * size % round;
        const std::uint64_t got =
            raw_syscall(abi::SYS_READ2, word(file), word(buffer), size, offset, ~std::uint64_t{0});
        if (got != size) give_up(1, "short read");
    });
}

// Reads of as many bytes from what a server serves.
std::uint64_t time_served_reads(std::uint64_t count, std::size_t size) {
    start_speed_server_unless_there();
    const Fd file = open_or_give_up(kSpeedFile);
    constexpr std::size_t kPage = 4096;
    std::byte* const buffer = *map_anonymous(std::max(size, kPage));
    return time_of(count, [&](std::uint64_t) {
        const auto got = sys_read(file, {buffer, size});
        if (!got || *got != size) give_up(1, "short read");
    });
}

struct Race {
    std::atomic<std::uint32_t> go{0};
    std::uint64_t calls = 0;
};

void run_racer(void* argument) {
    auto& race = *static_cast<Race*>(argument);
    while (race.go.load() == 0)
        futex_wait(reinterpret_cast<const std::uint32_t*>(&race.go), 0);
    for (std::uint64_t i = 0; i < race.calls; ++i)
        sys_yield();
}

// Calls of 64 threads at once: wall time over the number of all calls.
std::uint64_t time_threads(std::uint64_t calls_each) {
    static Race race;
    race.calls = calls_each;
    static std::optional<Thread> threads[kThreads];
    for (auto& thread : threads) {
        auto started = Thread::start(run_racer, &race);
        if (!started) give_up(1, "cannot start a thread: ", error_sentence(started.error()));
        thread.emplace(std::move(*started));
    }
    const std::uint64_t start = monotonic_nanoseconds();
    race.go.store(1);
    futex_wake(reinterpret_cast<const std::uint32_t*>(&race.go), kThreads);
    for (auto& thread : threads)
        thread->join();
    return (monotonic_nanoseconds() - start) / kThreads;
}

void idle() {
    out().write("r");
    out().flush();
    std::byte byte{};
    (void)sys_read(Fd{0}, {&byte, 1});
}

// What is printed of a time, per call.
std::string per_call(std::uint64_t nanoseconds, std::uint64_t count) {
    const std::uint64_t picoseconds = nanoseconds * 1000 / count;
    return concat(decimal(picoseconds / 1000), ".", decimal(picoseconds / 100 % 10), "\n");
}

std::uint64_t time_small_reads(std::uint64_t count, std::string_view path) {
    const Fd file = open_or_give_up(path);
    static std::byte buffer[64];
    const std::uint64_t time = time_of(count, [&](std::uint64_t) { (void)sys_read(file, buffer); });
    (void)sys_close(file);
    return time;
}

// Measures when told to, so that what changes meanwhile can be compared.
void measure_slices(std::uint64_t count, std::string_view path) {
    std::byte byte{};
    for (;;) {
        const auto got = sys_read(Fd{0}, {&byte, 1});
        if (!got || *got == 0) return;
        out().write(per_call(time_small_reads(count, path), count));
        out().flush();
    }
}

std::uint64_t measure(std::string_view row, std::uint64_t count, std::string_view file) {
    if (row == "null") return time_of(count, [](std::uint64_t) { sys_yield(); });
    if (row == "close") return time_of(count, [](std::uint64_t) { raw_syscall(abi::SYS_CLOSE, 9999); });
    if (row == "read64") return time_small_reads(count, file.empty() ? kZero : file);
    if (file.empty()) file = kMeasured;
    if (row == "read4k") return time_reads(count, 4096, file);
    if (row == "openclose")
        return time_of(count, [file](std::uint64_t) { (void)sys_close(open_or_give_up(file)); });
    if (row == "fmap64k")
        return time_of(count, [](std::uint64_t) {
            constexpr std::size_t kSize = 64 << 10;
            std::byte* const bytes = *map_anonymous(kSize);
            for (std::size_t at = 0; at < kSize; at += 4096)
                *const_cast<volatile std::byte*>(bytes + at) = std::byte{1};
            (void)unmap(bytes, kSize);
        });
    if (row == "threads64") return time_threads(count);
    if (row == "served64") return time_served_reads(count, 64);
    if (row == "servedopen") {
        start_speed_server_unless_there();
        return time_of(count, [](std::uint64_t) { (void)sys_close(open_or_give_up(kSpeedFile)); });
    }
    usage_error(concat("no row '", row, "'"));
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    const CommandLine line = parse_or_exit(kUsage, arguments);
    check_operand_count(line, 2, 3);
    const std::string_view row = line.operands[0];
    const auto count = parse_unsigned(line.operands[1]);
    if (!count || *count == 0) usage_error(concat("invalid count '", line.operands[1], "'"));
    const std::string_view file = line.operands.size() > 2 ? line.operands[2] : "";
    if (row == "idle") {
        idle();
        return 0;
    }
    if (row == "slices") {
        measure_slices(*count, file.empty() ? kZero : file);
        return 0;
    }
    if (row == "read1m" || row == "served1m") {
        constexpr std::size_t kSize = 1 << 20;
        const std::uint64_t nanoseconds = row == "read1m"
                                              ? time_reads(*count, kSize, file.empty() ? kMeasured : file)
                                              : time_served_reads(*count, kSize);
        out().write(concat(decimal(*count * kSecond / nanoseconds), "\n"));
    } else {
        out().write(per_call(measure(row, *count, file), *count));
    }
    return 0;
}

}  // namespace halfcell::userland
