#include "kernel_shim/agent/zygote.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "kernel_shim/agent/protocol.h"
#include "kernel_shim/agent/signal_mask.h"
#include "kernel_shim/base/scope_exit.h"
#include "kernel_shim/host/host_errno.h"
#include "kernel_shim/host/pidfd.h"

namespace halfcell::agent {

namespace {

constexpr int kLastSignal = 64;
constexpr std::size_t kKernelMaskSize = 8;
// What <signal.h> does not have: we bring a restorer of our own.
constexpr std::uint64_t kSaRestorer = 0x0400'0000;
// Signals whose handler is the stub's: the park request, and whatever a faulting instruction raises.
constexpr std::array kHandledSignals = {kParkSignal, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};

// The kernel's own struct sigaction.
struct KernelSigaction {
    std::uint64_t handler;
    std::uint64_t flags;
    std::uint64_t restorer;
    std::uint64_t mask;
};

struct Birth {
    pid_t supervisor;
    std::uint64_t entry;
    std::uint64_t code_file, table_file, command_file, command_offset;
    StubAddresses stub;
};

// A second mapping of the stub's page that survives until the copy of the supervisor has been emptied. It
// must not lie where the stub is going to live.
class LandingPage {
  public:
    static Result<LandingPage> create(int code_file) {
        // The reserved range is 256 MiB, and the host places from the top down: at most one try falls into it
        // unless something holds the rest of the address space.
        std::array<void*, 4> tries{};
        void* good = MAP_FAILED;
        for (auto& page : tries) {
            page = mmap(nullptr, HC_STUB_CODE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, code_file, 0);
            if (page == MAP_FAILED) break;
            if (machine::kReservedRange.contains(reinterpret_cast<std::uint64_t>(page))) continue;
            good = std::exchange(page, nullptr);
            break;
        }
        for (void* page : tries)
            if (page != nullptr && page != MAP_FAILED) munmap(page, HC_STUB_CODE_SIZE);
        if (good == MAP_FAILED) return fail(Errno::kENOMEM);
        return LandingPage(good);
    }
    LandingPage(LandingPage&& other) noexcept : page_(std::exchange(other.page_, nullptr)) {}
    LandingPage(const LandingPage&) = delete;
    LandingPage& operator=(const LandingPage&) = delete;
    ~LandingPage() {
        if (page_ != nullptr) munmap(page_, HC_STUB_CODE_SIZE);
    }
    [[nodiscard]] std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(page_); }

  private:
    explicit LandingPage(void* page) : page_(page) {}
    void* page_;
};

#define HC_IN_CHILD __attribute__((noinline, no_sanitize("address", "thread", "undefined")))

// The restartable-sequence area of glibc lies in memory that is about to vanish; Linux would kill us at the
// next preemption. Its length is not published by this glibc, so the possible ones are tried.
HC_IN_CHILD bool forget_rseq() {
    if (__rseq_size == 0) return true;
    constexpr int kUnregister = 1;
    char* const area = static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset;
    for (unsigned length = 32; length <= 1024; length += 32)
        if (syscall(SYS_rseq, area, length, kUnregister, RSEQ_SIG) == 0) return true;
    return false;
}

// All signals blocked (a guest thread's first frame opens them), the stub's handler where it belongs, the
// default everywhere else.
HC_IN_CHILD bool set_signals(const Birth& birth) {
    std::uint64_t all = ~std::uint64_t{0};
    if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, nullptr, kKernelMaskSize) != 0) return false;
    KernelSigaction usual{0, 0, 0, 0};
    for (int signal = 1; signal <= kLastSignal; ++signal)
        syscall(SYS_rt_sigaction, signal, &usual, nullptr, kKernelMaskSize);
    KernelSigaction park{birth.stub.handler,
                         static_cast<std::uint64_t>(SA_SIGINFO | SA_ONSTACK | SA_RESTART) | kSaRestorer,
                         birth.stub.restorer, all};
    for (const int signal : kHandledSignals)
        if (syscall(SYS_rt_sigaction, signal, &park, nullptr, kKernelMaskSize) != 0) return false;
    return true;
}

// Keeps, where there is one, the right to map pages below vm.mmap_min_addr: Redox lets a program have them,
// and its bootstrap lives there. Without system calls of its own a guest can do nothing else with it.
HC_IN_CHILD bool drop_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> held{};
    if (syscall(SYS_capget, &header, held.data()) != 0) return false;
    std::array<__user_cap_data_struct, 2> kept{};
    kept[0].permitted = held[0].permitted & (1U << CAP_SYS_RAWIO);
    kept[0].effective = kept[0].permitted;
    return syscall(SYS_capset, &header, kept.data()) == 0;
}

// When the host runs out of memory, a guest goes before the supervisor and all guests with it. Not being able
// to say so is no reason to fail.
HC_IN_CHILD void offer_to_oom_killer() {
    const long file = syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
    if (file < 0) return;
    syscall(SYS_write, file, "900", 3);
    syscall(SYS_close, file);
}

// In the fork, still with the supervisor's memory. Only raw calls: other threads' locks are frozen here.
[[noreturn]] HC_IN_CHILD void become_zygote(const Birth& birth) {
    rlimit no_core{0, 0};
    const bool ready = syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
                       syscall(SYS_getppid) == birth.supervisor &&
                       syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                       syscall(SYS_prctl, PR_SET_NAME, "halfcell-guest", 0, 0, 0) == 0 &&
                       syscall(SYS_prlimit64, 0, RLIMIT_CORE, &no_core, nullptr) == 0 &&
                       drop_capabilities() &&
                       // Capabilities or not, the supervisor must be able to take descriptors out of us.
                       syscall(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0) == 0 && forget_rseq() &&
                       syscall(SYS_set_robust_list, nullptr, 24) == 0 && set_signals(birth);
    if (!ready) {
        syscall(SYS_exit_group, 1);
        __builtin_unreachable();
    }
    syscall(SYS_set_tid_address, nullptr);
    offer_to_oom_killer();
    // Signals from the terminal are the supervisor's business. A session of our own would do it as well, but
    // Linux gives every session a scheduling group, and a switch between groups makes each call 14 % slower.
    syscall(SYS_setpgid, 0, 0);
    register std::uint64_t code asm("r12") = birth.code_file;
    register std::uint64_t table asm("r13") = birth.table_file;
    register std::uint64_t command asm("r14") = birth.command_file;
    register std::uint64_t offset asm("r15") = birth.command_offset;
    asm volatile("jmp *%0" : : "r"(birth.entry), "r"(code), "r"(table), "r"(command), "r"(offset) : "memory");
    __builtin_unreachable();
}

// Exit signal 0: our guests raise no SIGCHLD and no plain wait() of anybody sees them.
constexpr unsigned long kProcessFlags = CLONE_FILES;

}  // namespace

Result<std::shared_ptr<AgentProcess>> start_zygote(const StubImage& image, std::shared_ptr<SlotFile> pages) {
    const auto zygote = TRY(AgentProcess::prepare(std::move(pages)));
    const LandingPage landing = TRY(LandingPage::create(image.code.get()));
    const StubAddresses& stub = stub_addresses();
    const Birth birth{
        .supervisor = getpid(),
        .entry = landing.address() + stub.empty_process_offset,
        .code_file = static_cast<std::uint64_t>(image.code.get()),
        .table_file = static_cast<std::uint64_t>(image.table.get()),
        .command_file = static_cast<std::uint64_t>(zygote->command_file()),
        .command_offset = zygote->command_offset(),
        .stub = stub,
    };
    int descriptor = -1;
    const long process =
        syscall(SYS_clone, kProcessFlags | CLONE_PIDFD, nullptr, &descriptor, nullptr, nullptr);
    if (process < 0) return fail(host::last_error());
    if (process == 0) become_zygote(birth);
    zygote->born(static_cast<pid_t>(process), host::UniqueFd(descriptor), AgentClient::kNotPinned);
    return zygote;
}

Result<std::shared_ptr<AgentProcess>> fork_process(AgentProcess& parent, std::shared_ptr<SlotFile> pages,
                                                   Reaper& reaper) {
    const auto process = TRY(AgentProcess::prepare(std::move(pages)));
    Command fork;
    fork.operation = HC_OPERATION_FORK;
    fork.arguments = {kProcessFlags | CLONE_PARENT, static_cast<std::uint64_t>(process->command_file()),
                      process->command_offset(), static_cast<std::uint64_t>(getpid())};
    TRY(parent.before_fork());
    const auto reported = parent.client().run_for_process({&fork, 1});
    if (!reported) {
        if (reported.error() == Errno::kESRCH) parent.abandoned();
        return fail(reported.error());
    }
    const pid_t id = reported->process;
    AgentProcess::adopted(id);
    // Nobody else can reap it, so the number is still its own.
    auto descriptor = host::open_process(id);
    if (!descriptor) {
        host::kill_and_reap(id);
        return fail(Errno::kEAGAIN);
    }
    process->born(id, std::move(*descriptor), reported->cpu);
    const auto watched = reaper.watch(process);
    if (!watched) {
        host::kill_and_reap(id);
        return fail(watched.error());
    }
    return process;
}

}  // namespace halfcell::agent
