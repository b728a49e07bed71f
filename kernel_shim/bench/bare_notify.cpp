#include "kernel_shim/bench/bare_notify.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <iterator>

#include "kernel_shim/host/cpu.h"
#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/notify.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::bench {

namespace {

// A number no Linux call has: only the filter ever sees it.
constexpr std::uint32_t kTrappedNumber = 0x7e00'0001;

// What the two processes share.
struct Exchange {
    int listener;               // the child's descriptor number, once `ready`
    std::uint32_t ready;        // 1: the filter is in place; 2: it could not be
    std::uint64_t nanoseconds;  // the child's result
};

int install_filter() {
    const sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kTrappedNumber, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    sock_fprog filter{};
    filter.len = static_cast<unsigned short>(std::size(program));
    filter.filter = const_cast<sock_filter*>(program);
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    return static_cast<int>(
        ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter));
}

[[noreturn]] void run_child(Exchange& exchange, std::uint64_t calls) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    exchange.listener = install_filter();
    __atomic_store_n(&exchange.ready, exchange.listener >= 0 ? 1U : 2U, __ATOMIC_RELEASE);
    if (exchange.listener < 0) ::_exit(1);
    ::syscall(kTrappedNumber);  // the first one waits for the parent to find the listener
    const std::uint64_t start = host::monotonic_nanoseconds();
    for (std::uint64_t i = 0; i < calls; ++i)
        ::syscall(kTrappedNumber);
    exchange.nanoseconds = host::monotonic_nanoseconds() - start;
    ::_exit(0);
}

Result<host::UniqueFd> take_listener(pid_t child, const Exchange& exchange) {
    while (__atomic_load_n(&exchange.ready, __ATOMIC_ACQUIRE) == 0)
        if (::waitpid(child, nullptr, WNOHANG) != 0) return fail(Errno::kESRCH);
    if (exchange.listener < 0) return fail(Errno::kEBUSY);
    const host::UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
    host::UniqueFd listener(
        static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), exchange.listener, 0)));
    if (!listener.is_open()) return fail(host::last_error());
    return listener;
}

}  // namespace

Result<double> measure_bare_notify(std::uint64_t calls) {
    void* const shared =
        ::mmap(nullptr, sizeof(Exchange), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return fail(host::last_error());
    auto& exchange = *static_cast<Exchange*>(shared);
    exchange = {};
    host::pin_thread(0, host::current_cpu());  // the child inherits it
    const pid_t child = ::fork();
    if (child < 0) return fail(host::last_error());
    if (child == 0) run_child(exchange, calls);

    Result<void> outcome;
    if (auto descriptor = take_listener(child, exchange)) {
        host::Listener listener(std::move(*descriptor));
        host::Notification notification{};
        while (listener.receive(notification))
            listener.respond(notification.id, 0);
    } else {
        outcome = fail(descriptor.error());
        ::kill(child, SIGKILL);
    }
    ::waitpid(child, nullptr, 0);
    const std::uint64_t nanoseconds = exchange.nanoseconds;
    ::munmap(shared, sizeof(Exchange));
    TRY(outcome);
    return static_cast<double>(nanoseconds) / static_cast<double>(calls);
}

}  // namespace halfcell::bench
