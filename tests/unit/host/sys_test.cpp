#include "kernel_shim/host/sys.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "kernel_shim/host/cpu.h"
#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/pidfd.h"

namespace halfcell::host {

TEST_CASE("every Linux errno has an answer, and those Redox renumbered are right") {
    for (int code = 1; code < 200; ++code) {
        const Errno error = translate_errno(code);
        CHECK(abi::errno_name(error) != nullptr);
        const bool known = code <= 133 && code != 41 && code != 58;
        if (known && code != ERFKILL && code != EHWPOISON) CHECK(static_cast<int>(error) == code);
        if (!known) CHECK(error == Errno::kEIO);
    }
    CHECK(translate_errno(EAGAIN) == Errno::kEAGAIN);
    CHECK(translate_errno(EDEADLK) == Errno::kEDEADLK);
    CHECK(translate_errno(ENOTSUP) == Errno::kEOPNOTSUPP);
    CHECK(translate_errno(0) == Errno::kEIO);
    CHECK(translate_errno(-1) == Errno::kEIO);
}

TEST_CASE("a memory file holds 2^60 bytes, reads as zero and takes holes") {
    const auto file = create_memory_file("test", std::uint64_t{1} << 60);
    REQUIRE(file);
    const std::array<std::byte, 4> text = {std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
    const std::uint64_t far = (std::uint64_t{1} << 60) - 4096;
    REQUIRE(write_fully_at(file->get(), text, far));
    std::array<std::byte, 4> back{};
    REQUIRE(read_fully_at(file->get(), back, far));
    CHECK(back == text);
    REQUIRE(punch_hole(file->get(), far, 4096));
    REQUIRE(read_fully_at(file->get(), back, far));
    CHECK(back == std::array<std::byte, 4>{});
    CHECK(read_fully_at(file->get(), back, std::uint64_t{1} << 60).error() == Errno::kEIO);
}

TEST_CASE("a sealed memory file cannot be changed but be mapped and run") {
    const auto file = create_memory_file("test", 4096);
    REQUIRE(file);
    const std::array<std::byte, 1> text = {std::byte{0xc3}};
    REQUIRE(write_fully_at(file->get(), text, 0));
    REQUIRE(seal_memory_file(file->get()));
    CHECK(write_fully_at(file->get(), text, 0).error() == Errno::kEPERM);
    CHECK(ftruncate(file->get(), 8192) == -1);
    CHECK(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file->get(), 0) == MAP_FAILED);
    void* const code = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, file->get(), 0);
    REQUIRE(code != MAP_FAILED);
    reinterpret_cast<void (*)()>(code)();
    munmap(code, 4096);
}

TEST_CASE("an event counts, and an empty one is EAGAIN where it does not block") {
    const auto event = create_event(Blocking::kNo);
    REQUIRE(event);
    CHECK(take_event(event->get()).error() == Errno::kEAGAIN);
    REQUIRE(signal_event(event->get(), 3));
    REQUIRE(signal_event(event->get(), 4));
    CHECK((*poll_one(event->get(), POLLIN, std::chrono::milliseconds(0)) & POLLIN) != 0);
    CHECK(take_event(event->get()) == 7U);
    CHECK(*poll_one(event->get(), POLLIN, std::chrono::milliseconds(1)) == 0);
}

TEST_CASE("a child is watched, signalled and reaped by descriptor") {
    const pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    const auto process = open_process(child);
    REQUIRE(process);
    CHECK_FALSE(reap(process->get())->ended);
    REQUIRE(send_signal(process->get(), SIGKILL));
    CHECK((*poll_one(process->get(), POLLIN, std::nullopt) & POLLIN) != 0);
    CHECK(reap(process->get())->status == SIGKILL);
    CHECK(reap(process->get()).error() == Errno::kECHILD);
    CHECK(send_signal(process->get(), SIGKILL).error() == Errno::kESRCH);
}

TEST_CASE("descriptors of another thread are taken by number") {
    const auto self = open_thread(gettid());
    REQUIRE(self);
    const auto event = create_event(Blocking::kNo);
    const auto copy = take_descriptor(self->get(), event->get());
    REQUIRE(copy);
    REQUIRE(signal_event(event->get(), 9));
    CHECK(take_event(copy->get()) == 9U);
    CHECK(take_descriptor(self->get(), 1 << 20).error() == Errno::kEBADF);
}

TEST_CASE("closed standard descriptors are occupied") {
    const pid_t child = fork();
    if (child == 0) {
        close(0);
        close(2);
        const bool done =
            occupy_standard_descriptors().has_value() && fcntl(0, F_GETFD) == 0 && fcntl(2, F_GETFD) == 0;
        _exit(done ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
}

TEST_CASE("a thread is pinned to a CPU it is allowed") {
    const auto cpus = allowed_cpus();
    REQUIRE_FALSE(cpus.empty());
    CHECK_FALSE(pin_thread(0, 8191));
    CHECK_FALSE(pin_thread(0, -1));
    const pid_t child = fork();
    if (child == 0) _exit(pin_thread(0, cpus.back()) && current_cpu() == cpus.back() ? 0 : 1);
    int status = -1;
    waitpid(child, &status, 0);
    CHECK(status == 0);
}

TEST_CASE("the kernel's version is compared by number") {
    CHECK(kernel_at_least(0, 0));
    CHECK(kernel_at_least(5, 99));
    CHECK_FALSE(kernel_at_least(1000, 0));
}

}  // namespace halfcell::host
