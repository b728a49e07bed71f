#include "kernel_shim/bench/native_process.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel_shim/base/scope_exit.h"
#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::bench {

namespace {

constexpr std::size_t kPage = 4096;

}  // namespace

Result<double> measure_native_fork(std::size_t size, std::uint64_t rounds) {
    void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return fail(host::last_error());
    const ScopeExit unmap([&] { ::munmap(memory, size); });
    // Guests' memory consists of small pages, too.
    ::madvise(memory, size, MADV_NOHUGEPAGE);
    std::uint64_t spent = 0;
    for (std::uint64_t i = 0; i < rounds; ++i) {
        for (std::size_t at = 0; at < size; at += kPage)
            static_cast<volatile char*>(memory)[at] = 1;
        const std::uint64_t start = host::monotonic_nanoseconds();
        const pid_t child = ::fork();
        if (child < 0) return fail(host::last_error());
        if (child == 0) ::_exit(0);
        ::waitpid(child, nullptr, 0);
        spent += host::monotonic_nanoseconds() - start;
    }
    return static_cast<double>(spent) / static_cast<double>(rounds);
}

Result<double> measure_native_thread(std::uint64_t rounds) {
    const std::uint64_t start = host::monotonic_nanoseconds();
    for (std::uint64_t i = 0; i < rounds; ++i) {
        pthread_t thread{};
        const int error = ::pthread_create(
            &thread, nullptr, [](void* nothing) { return nothing; }, nullptr);
        if (error != 0) return fail(host::translate_errno(error));
        ::pthread_join(thread, nullptr);
    }
    return static_cast<double>(host::monotonic_nanoseconds() - start) / static_cast<double>(rounds);
}

}  // namespace halfcell::bench
