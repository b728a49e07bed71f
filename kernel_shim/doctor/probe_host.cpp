#include <linux/openat2.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <fcntl.h>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <string>

#include "kernel_shim/agent/protocol.h"
#include "kernel_shim/doctor/in_child.h"
#include "kernel_shim/doctor/probes.h"
#include "kernel_shim/host/sys.h"

namespace halfcell::doctor {

namespace {

constexpr std::uint64_t kPoolSize = std::uint64_t{1} << 60;
constexpr std::uint64_t kWindow = std::uint64_t{1} << 40;

// Errors arrive as host errnos here: the fork hands them over as its exit status.
int map_pool() {
    const int file = memfd_create("halfcell-check", MFD_CLOEXEC);
    if (file < 0) return errno;
    if (ftruncate(file, static_cast<off_t>(kPoolSize)) != 0) return errno;
    void* const window = mmap(nullptr, kWindow, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
    return window == MAP_FAILED ? errno : 0;
}

int run_memory_file() {
    const int file = memfd_create("halfcell-check", MFD_CLOEXEC);
    if (file < 0) return errno;
    const unsigned char ret = 0xc3;
    if (write(file, &ret, 1) != 1) return errno;
    void* const code = mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
    if (code == MAP_FAILED) return errno;
    reinterpret_cast<void (*)()>(code)();
    return 0;
}

int use_segment_bases() {
    std::uint64_t base = 0;
    asm volatile("rdfsbase %0" : "=r"(base));
    asm volatile("wrfsbase %0" : : "r"(base));
    return 0;
}

// A path that leaves its root must be refused, with exactly this error.
int resolve_beneath() {
    const int root = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) return errno;
    open_how how{};
    how.flags = O_PATH | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    const long escaped = syscall(SYS_openat2, root, "../etc", &how, sizeof how);
    if (escaped >= 0) return EPROTO;
    return errno == EXDEV ? 0 : errno;
}

Finding signal_frame() {
    const unsigned long size = getauxval(AT_MINSIGSTKSZ);
    Finding finding{.feature = "signal frame",
                    .tried = "the processor's registers take " + std::to_string(size) + " bytes of " +
                             std::to_string(agent::kThreadAreaSize)};
    if (size + 1024 > agent::kThreadAreaSize) {
        finding.verdict = Verdict::kMissing;
        finding.advice = "this processor has more register state than halfcell sets aside";
    }
    return finding;
}

Finding lowest_address() {
    std::ifstream file("/proc/sys/vm/mmap_min_addr");
    std::uint64_t lowest = 0;
    file >> lowest;
    Finding finding{.feature = "lowest address", .tried = "vm.mmap_min_addr is " + std::to_string(lowest)};
    if (lowest > 4096) {
        finding.verdict = Verdict::kLimited;
        finding.advice =
            "programs linked below that address do not load; Redox's bootstrap needs 4096 (sysctl "
            "vm.mmap_min_addr=4096)";
    }
    return finding;
}

Finding user_namespaces() {
    const int error = in_child([] { return unshare(CLONE_NEWUSER) == 0 ? 0 : errno; });
    if (error == 0)
        return {.feature = "user namespaces", .tried = "one was made; halfcell does not need them"};
    return {.feature = "user namespaces",
            .tried = "none can be made; halfcell does not need them",
            .host_error = error};
}

Finding scheduling_groups_here() {
    std::ifstream file("/proc/sys/kernel/sched_autogroup_enabled");
    int enabled = 0;
    file >> enabled;
    utsname linux_system{};
    ::uname(&linux_system);
    return scheduling_groups(enabled != 0, linux_system.release);
}

}  // namespace

// Seen on 6.18.44: what shares a CPU with a busy session starved until that ended, Linux's own threads first.
Finding scheduling_groups(bool enabled, const std::string& release) {
    Finding finding{.feature = "scheduling groups",
                    .tried = std::string("sessions are ") + (enabled ? "" : "not ") +
                             "scheduled as groups, by Linux " + release};
    if (enabled && release.starts_with("6.18.")) {
        finding.verdict = Verdict::kLimited;
        finding.advice =
            "guests that compute for seconds may starve all others, and the host's own threads, on this "
            "Linux (sysctl kernel.sched_autogroup_enabled=0)";
    }
    return finding;
}

void probe_host(Findings& findings) {
    findings.push_back(judge({.feature = "memory files",
                              .worked = "a nameless file of 2^60 bytes with a window of 2^40",
                              .advice = "raise the address-space limit (ulimit -v unlimited)"},
                             in_child(map_pool)));
    findings.push_back(
        judge({.feature = "running memory files",
               .worked = "an instruction in a nameless file was executed",
               .advice = "a security module forbids executable memory files: allow them for halfcell"},
              in_child(run_memory_file)));
    findings.push_back(
        judge({.feature = "FSGSBASE",
               .worked = "segment bases were read and written by instructions",
               .advice = "needs an Ivy Bridge or Zen processor and Linux 5.9, without nofsgsbase"},
              in_child(use_segment_bases)));
    findings.push_back(signal_frame());
    findings.push_back(
        judge({.feature = "openat2",
               .worked = "a path that leaves its root was refused (RESOLVE_BENEATH)",
               .advice = "needs Linux 5.6 or later, or a container profile that allows openat2"},
              in_child(resolve_beneath)));
    findings.push_back(lowest_address());
    findings.push_back(scheduling_groups_here());
    findings.push_back(user_namespaces());
}

}  // namespace halfcell::doctor
