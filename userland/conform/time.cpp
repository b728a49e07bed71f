// Clocks, sleeps and the time scheme.

#include "userland/conform/areas.h"
#include "userland/conform/context.h"
#include "userland/conform/objects.h"

namespace halfcell::userland::conform {
namespace {

using enum Errno;

char buffer[128];

uint64_t clock(uint64_t id, abi::TimeSpec& time) {
    return sc(abi::SYS_CLOCK_GETTIME, id, &time);
}
uint64_t nanoseconds(const abi::TimeSpec& time) {
    return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}
uint64_t sleep(std::int64_t seconds, std::int32_t part, abi::TimeSpec* rest = nullptr) {
    const abi::TimeSpec time{seconds, part};
    return sc(abi::SYS_NANOSLEEP, &time, rest);
}
uint64_t open_time(std::string_view path) {
    return open_kernel(abi::GlobalSchemes::kTime, path);
}

constexpr Probe kProbes[] = {
    {"clocks", "kernel:src/syscall/time.rs clock_gettime",
     [] {
         abi::TimeSpec time{};
         for (uint64_t id = 0; id < 12; ++id)
             EXPECT(clock(id, time), id == 1 || id == 4 ? Answer(0) : Answer(kEINVAL));
         EXPECT(clock(uint64_t{1} << 32 | 4, time), kEINVAL);
     }},
    {"clock-padding", "kernel:src/syscall/time.rs clock_gettime",
     [] {
         abi::TimeSpec time{};
         std::memset(&time, 0xaa, sizeof time);
         EXPECT(clock(4, time), 0);
         EXPECT(time._padding, 0);
         EXPECT_TRUE(time.tv_nsec >= 0 && time.tv_nsec < 1'000'000'000);
     }},
    {"clock-goes-on", "kernel:src/time.rs monotonic",
     [] {
         abi::TimeSpec before{};
         abi::TimeSpec now{};
         EXPECT(clock(4, before), 0);
         EXPECT(sleep(0, 20'000'000), 0);
         EXPECT(clock(4, now), 0);
         EXPECT_TRUE(nanoseconds(now) - nanoseconds(before) >= 15'000'000);
     }},
    {"invalid-times", "kernel:src/syscall/time.rs nanosleep",
     [] {
         EXPECT(sleep(-1, 0), kEINVAL);
         EXPECT(sleep(0, 1'000'000'000), kEINVAL);
         EXPECT(sleep(0, -1), kEINVAL);
         EXPECT(sc(abi::SYS_NANOSLEEP, 0, 0), kEFAULT);
     }},
    {"zero-sleep", "kernel:src/syscall/time.rs nanosleep", [] { EXPECT(sleep(0, 0), 0); }},
    {"rest-of-a-whole-sleep", "kernel:src/syscall/time.rs nanosleep",
     [] {
         abi::TimeSpec rest{};
         std::memset(&rest, 0x55, sizeof rest);
         EXPECT(sleep(0, 1'000'000, &rest), 0);
         EXPECT(rest.tv_sec, 0);
         EXPECT(rest.tv_nsec, 0);
     }},
    {"rest-that-cannot-be-written", "kernel:src/syscall/time.rs nanosleep",
     [] {
         const abi::TimeSpec time{0, 0};
         EXPECT(sc(abi::SYS_NANOSLEEP, &time, kNowhere), kEFAULT);
     }},
    {"yield", "kernel:src/syscall/time.rs sched_yield", [] { EXPECT(sc(abi::SYS_YIELD), 0); }},
    {"scheme-names", "kernel:src/scheme/time.rs kopenat",
     [] {
         for (const std::string_view path :
              {"1", "4", "4/timer", "4/gettime", "4/getres", "1/getres", "4/timer/zz"})
             OK(open_time(path));
         for (const std::string_view path : {"0", "2", "4/bogus", "x", ""})
             EXPECT(open_time(path), kENOENT);
     }},
    {"scheme-reads", "kernel:src/scheme/time.rs kread",
     [] {
         const uint64_t file = OK(open_time("4"));
         EXPECT(read(file, buffer, 16), 16);
         EXPECT(read(file, buffer, 40), 32);
         EXPECT(read(file, buffer, 15), 0);
         abi::TimeSpec now{};
         abi::TimeSpec told{};
         EXPECT(read(file, &told, sizeof told), 16);
         EXPECT(clock(4, now), 0);
         EXPECT_TRUE(nanoseconds(now) - nanoseconds(told) < 10'000'000'000);
     }},
    {"scheme-resolution", "kernel:src/scheme/time.rs kread",
     [] {
         const uint64_t file = OK(open_time("4/getres"));
         abi::TimeSpec resolution{};
         EXPECT(read(file, &resolution, sizeof resolution), 16);
         EXPECT(resolution.tv_sec, 0);
         EXPECT_TRUE(resolution.tv_nsec > 0 && resolution.tv_nsec <= 10'000'000);
         EXPECT(write(file, &resolution, sizeof resolution), kEINVAL);
     }},
    {"scheme-path", "kernel:src/scheme/time.rs kfpath",
     [] {
         EXPECT(sc(abi::SYS_FPATH, OK(open_time("4")), buffer, 100), 15);
         EXPECT_TRUE(std::string_view(buffer, 15) == "/scheme/time/4/");
         EXPECT(sc(abi::SYS_FPATH, OK(open_time("1/getres")), buffer, 100), 21);
         EXPECT_TRUE(std::string_view(buffer, 21) == "/scheme/time/1/getres");
     }},
    {"scheme-other-operations", "kernel:src/scheme/mod.rs KernelScheme",
     [] {
         const uint64_t file = OK(open_time("4"));
         abi::Stat stat{};
         EXPECT(sc(abi::SYS_FSTAT, file, &stat, sizeof stat), kEBADF);
         EXPECT(sc(abi::SYS_FSYNC, file), 0);
         EXPECT(lseek(file, 0, 2), kESPIPE);
         EXPECT(openat(file, "4"), kEACCES);
     }},
    {"timers", "kernel:src/scheme/time.rs kwrite",
     [] {
         const uint64_t queue =
             OK(open_kernel(abi::GlobalSchemes::kEvent, "", Open::kRdwr | Open::kNonblock));
         const uint64_t timer = OK(open_time("4"));
         abi::Event event{timer, Ready::kEventRead, 77};
         EXPECT(write(queue, &event, sizeof event), sizeof event);
         EXPECT(read(queue, &event, sizeof event), kEAGAIN);
         abi::TimeSpec deadline{};
         EXPECT(clock(4, deadline), 0);
         EXPECT(write(timer, &deadline, 15), 0);
         deadline.tv_sec += 3600;
         EXPECT(write(timer, &deadline, sizeof deadline), 16);
         EXPECT(read(queue, &event, sizeof event), kEAGAIN);
         deadline = {0, 0};
         EXPECT(write(timer, &deadline, sizeof deadline), 16);
         EXPECT(fcntl(queue, Fcntl::kSetfl, 0), 0);
         EXPECT(read(queue, &event, sizeof event), sizeof event);
         EXPECT(event.id, timer);
         EXPECT(event.flags, Ready::kEventRead);
         EXPECT(event.data, 77);
     }},
};

}  // namespace

Area time_area() {
    return {"time", "clocks, sleeps and the time scheme", kProbes};
}

}  // namespace halfcell::userland::conform
