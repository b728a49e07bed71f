#include "schemes/kernel/time.h"

#include "tests/unit/schemes/kernel/schemes_fixture.h"

using namespace halfcell;
using namespace halfcell::test;
using scheme::DescriptionRef;

namespace {

constexpr std::uint32_t kTime = 7;

abi::TimeSpec at(std::uint64_t nanoseconds) {
    return {static_cast<std::int64_t>(nanoseconds / 1'000'000'000),
            static_cast<std::int32_t>(nanoseconds % 1'000'000'000)};
}

struct TimeFixture : SchemesFixture {
    TimeFixture() { file = *open(kTime, "4"); }
    Result<std::uint64_t> arm(const DescriptionRef& timer, const abi::TimeSpec& when) {
        return write(timer, mem::UserIn::local(std::as_bytes(std::span(&when, 1))));
    }
    // A blocking queue that watches a file.
    DescriptionRef watch(const DescriptionRef& watched, std::uint64_t data) {
        DescriptionRef queue = *open(2, "");
        const abi::Event event{add_file(watched), 1, data};
        REQUIRE(*write(queue, mem::UserIn::local(std::as_bytes(std::span(&event, 1)))) == 24);
        return queue;
    }
    // Blocks until an event comes; its data word.
    std::uint64_t next(const DescriptionRef& queue) {
        abi::Event event{};
        REQUIRE(*read(queue, mem::UserOut::local(std::as_writable_bytes(std::span(&event, 1)))) == 24);
        return event.data;
    }
    std::uint64_t waiting() { return dynamic_cast<schemes::TimeScheme&>(*scheme(kTime)).timers().count(); }
    DescriptionRef file;
};

}  // namespace

// The section "time scheme" of recording p4.
TEST_CASE_FIXTURE(TimeFixture, "oracle p4: names, reads and paths") {
    CHECK(*read(file, guest.out(16)) == 16);
    CHECK(*read(file, guest.out(40)) == 32);
    CHECK(*read(file, guest.out(15)) == 0);
    CHECK(*fpath(file) == "/scheme/time/4/");
    const DescriptionRef resolution = *open(kTime, "4/getres");
    abi::TimeSpec time{};
    CHECK(*read(resolution, mem::UserOut::local(std::as_writable_bytes(std::span(&time, 1)))) == 16);
    CHECK(time.tv_nsec == 10);
    CHECK(error_of(open(kTime, "0", 0)) == "ENOENT");
    CHECK(error_of(open(kTime, "/4", 0)) == "ENOENT");
    CHECK(error_of(open(kTime, "4/bogus", 0)) == "ENOENT");
    CHECK(error_of(open(kTime, "4/timer/zz", 0)) == "ok");
    CHECK(error_of(arm(resolution, {})) == "EINVAL");
    CHECK(*write(file, guest.in(15)) == 0);
    CHECK(error_of(serving(file).fsync(guest.caller, file->number())) == "ok");
    CHECK(error_of(fstat(file)) == "EBADF");
}

TEST_CASE_FIXTURE(TimeFixture, "further names") {
    CHECK(*fpath(*open(kTime, "1/gettime")) == "/scheme/time/1/gettime");
    CHECK(*fpath(*open(kTime, "1/")) == "/scheme/time/1/");
    CHECK(error_of(open(kTime, "")) == "ENOENT");
    CHECK(error_of(open(kTime, "4x")) == "ENOENT");
    CHECK(error_of(open(kTime, "-4")) == "ENOENT");
    CHECK(error_of(open(kTime, "99999999999999999999")) == "ENOENT");
    CHECK(error_of(open_at(file, "4")) == "EACCES");
    const DescriptionRef timer = *open(kTime, "4/timer");
    CHECK(error_of(read(timer, guest.out(16))) == "EINVAL");
    CHECK(*read(timer, guest.out(8)) == 0);
    CHECK(error_of(arm(*open(kTime, "4/gettime"), {})) == "EINVAL");
    CHECK(read_text(*kernel.schemes.open_root(SchemeId{kTime}), 16) == "error EBADF");
}

TEST_CASE_FIXTURE(TimeFixture, "the clocks agree with the kernel's, and padding is zero") {
    std::array<std::uint64_t, 2> words{~0UL, ~0UL};
    const std::uint64_t before = kernel.clock.monotonic();
    REQUIRE(*read(file, mem::UserOut::local(std::as_writable_bytes(std::span(words)))) == 16);
    const std::uint64_t after = kernel.clock.monotonic();
    CHECK((words[1] >> 32) == 0);
    const std::uint64_t now = words[0] * 1'000'000'000 + words[1];
    CHECK(now >= before);
    CHECK(now <= after);
}

TEST_CASE_FIXTURE(TimeFixture, "bad buffers are EFAULT") {
    CHECK(error_of(read(file, guest.out_at(kWild, 16))) == "EFAULT");
    CHECK(error_of(write(file, guest.in_at(kWild, 16))) == "EFAULT");
}

TEST_CASE_FIXTURE(TimeFixture, "every unit written fires once, past times too") {
    const DescriptionRef queue = watch(file, 77);
    const abi::TimeSpec soon = at(kernel.clock.monotonic() + 2'000'000);
    CHECK(*arm(file, soon) == 16);
    CHECK(*arm(file, soon) == 16);
    CHECK(next(queue) == 77);
    CHECK(next(queue) == 77);
    CHECK(kernel.clock.monotonic() >=
          static_cast<std::uint64_t>(soon.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(soon.tv_nsec));
    CHECK(*arm(file, {}) == 16);
    CHECK(next(queue) == 77);
    CHECK(waiting() == 0);
}

TEST_CASE_FIXTURE(TimeFixture, "earlier timers overtake later ones, clocks do not disturb each other") {
    const DescriptionRef late = *open(kTime, "4/timer"), early = *open(kTime, "1/timer");
    const DescriptionRef queue = watch(late, 1);
    const abi::Event event{add_file(early), 1, 2};
    REQUIRE(*write(queue, mem::UserIn::local(std::as_bytes(std::span(&event, 1)))) == 24);
    arm(late, at(kernel.clock.monotonic() + 60'000'000));
    arm(early, at(kernel.clock.realtime() + 1'000'000));
    CHECK(next(queue) == 2);
    CHECK(next(queue) == 1);
}

TEST_CASE_FIXTURE(TimeFixture, "negative and inexpressible times never fire") {
    const DescriptionRef queue = watch(file, 5);
    arm(file, {-1, 0});
    arm(file, {0, -1});
    arm(file, {INT64_MIN, -1});
    arm(file, {INT64_MAX, 999'999'999});
    CHECK(waiting() == 4);
    // One more that is due ends the wait: by then the others would have fired.
    arm(file, {1, -999'999'999});
    CHECK(next(queue) == 5);
    CHECK(waiting() == 4);
    set_nonblocking(queue, true);
    CHECK(error_of(read(queue, guest.out(24))) == "EAGAIN");
}

TEST_CASE_FIXTURE(TimeFixture, "setting the clock makes real-time timers due") {
    const DescriptionRef timer = *open(kTime, "1");
    const DescriptionRef queue = watch(timer, 9);
    arm(timer, at(kernel.clock.realtime() + 3'600'000'000'000));
    kernel.clock.set_realtime_base(kernel.clock.realtime() + 7'200'000'000'000);
    dynamic_cast<schemes::TimeScheme&>(*scheme(kTime)).timers().clock_changed();
    CHECK(next(queue) == 9);
}

TEST_CASE_FIXTURE(TimeFixture, "closing drops what was armed, and there is a limit") {
    DescriptionRef timer = *open(kTime, "4");
    for (int i = 0; i < 3; ++i)
        arm(timer, {1'000'000, 0});
    arm(file, {1'000'000, 0});
    CHECK(waiting() == 4);
    timer.close();
    CHECK(waiting() == 1);
    const std::vector<abi::TimeSpec> many(schemes::Timers::kLimit, abi::TimeSpec{1'000'000, 0});
    CHECK(error_of(write(file, mem::UserIn::local(std::as_bytes(std::span(many))))) == "ENOMEM");
    CHECK(waiting() == schemes::Timers::kLimit);
}
