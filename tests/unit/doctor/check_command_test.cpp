#include "kernel_shim/doctor/check_command.h"

#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>

#include "kernel_shim/base/json.h"
#include "kernel_shim/doctor/probes.h"

namespace halfcell::doctor {

namespace {

const Finding* find(const Findings& findings, const std::string& feature) {
    for (const Finding& finding : findings)
        if (finding.feature == feature) return &finding;
    return nullptr;
}

// Runs the examination in a fork that was spoiled first; true when `judge` likes what it found.
bool examined_after(const std::function<void()>& spoil, const std::function<bool(const Findings&)>& judge) {
    const pid_t child = fork();
    if (child == 0) {
        spoil();
        _exit(judge(examine()) ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status == 0;
}

void install_filter(unsigned number, std::uint32_t action, unsigned flags) {
    std::array<sock_filter, 4> program = {{
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, action),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    }};
    sock_fprog record{static_cast<unsigned short>(program.size()), program.data()};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &record);
}

bool is_missing(const Findings& findings, const std::string& feature, int error, const std::string& advice) {
    const Finding* finding = find(findings, feature);
    return finding != nullptr && finding->verdict == Verdict::kMissing && finding->host_error == error &&
           finding->advice.find(advice) != std::string::npos && find(findings, "engine") == nullptr;
}

}  // namespace

// ThreadSanitizer does not let a fork of a program with threads start threads, and neither sanitizer lives
// with an address-space limit.
#ifdef __SANITIZE_THREAD__
constexpr bool kForkMayHaveThreads = false;
#else
constexpr bool kForkMayHaveThreads = true;
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool kAddressSpaceMayBeLimited = false;
#else
constexpr bool kAddressSpaceMayBeLimited = true;
#endif

TEST_CASE("sessions scheduled as groups limit guests on the Linux where they starved") {
    CHECK(scheduling_groups(true, "6.18.44").verdict == Verdict::kLimited);
    CHECK(scheduling_groups(false, "6.18.44").verdict == Verdict::kOk);
    CHECK(scheduling_groups(true, "6.9.1").verdict == Verdict::kOk);
}

TEST_CASE("a host that runs these tests is fit, the engine included" * doctest::skip(!kForkMayHaveThreads)) {
    CHECK(examined_after([] {},
                         [](const Findings& findings) {
                             const Finding* engine = find(findings, "engine");
                             bool fit = engine != nullptr && engine->verdict == Verdict::kOk;
                             for (const Finding& finding : findings)
                                 fit = fit && finding.verdict != Verdict::kMissing;
                             return fit;
                         }));
}

TEST_CASE("a sandbox with a listener around us is named") {
    CHECK(examined_after(
        [] { install_filter(0x7fff'fff0, SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER); },
        [](const Findings& findings) {
            return is_missing(findings, "seccomp user notification", EBUSY, "sandbox around halfcell");
        }));
}

TEST_CASE("a profile without pidfd_getfd is named") {
    CHECK(examined_after([] { install_filter(SYS_pidfd_getfd, SECCOMP_RET_ERRNO | EPERM, 0); },
                         [](const Findings& findings) {
                             return is_missing(findings, "taking descriptors", EPERM, "pidfd_getfd");
                         }));
}

TEST_CASE("a host without openat2 is named") {
    CHECK(examined_after(
        [] { install_filter(SYS_openat2, SECCOMP_RET_ERRNO | ENOSYS, 0); },
        [](const Findings& findings) { return is_missing(findings, "openat2", ENOSYS, "Linux 5.6"); }));
}

TEST_CASE("a host without thread descriptors is named") {
    CHECK(examined_after([] { install_filter(SYS_pidfd_open, SECCOMP_RET_ERRNO | EINVAL, 0); },
                         [](const Findings& findings) {
                             return is_missing(findings, "thread descriptors", EINVAL, "Linux 6.9");
                         }));
}

TEST_CASE("an address-space limit is named" * doctest::skip(!kAddressSpaceMayBeLimited)) {
    CHECK(examined_after(
        [] {
            const rlimit limit{std::uint64_t{8} << 30, std::uint64_t{8} << 30};
            setrlimit(RLIMIT_AS, &limit);
        },
        [](const Findings& findings) { return is_missing(findings, "memory files", ENOMEM, "ulimit -v"); }));
}

TEST_CASE("findings are lines for people") {
    const Findings findings = {{.feature = "this", .tried = "worked"},
                               {.feature = "that thing",
                                .verdict = Verdict::kMissing,
                                .tried = "was refused",
                                .host_error = EPERM,
                                .advice = "ask for it"}};
    CHECK(render(findings, {}) ==
          "ok       this        worked\n"
          "missing  that thing  was refused (EPERM); ask for it\n"
          "halfcell cannot run here\n");
    CHECK(render({findings[0]}, {}).ends_with("halfcell can run here\n"));
    CHECK(render({findings[0]}, {.colour = true}).starts_with("\033[32mok"));
}

TEST_CASE("findings are JSON for machines") {
    const Findings findings = {
        {.feature = "a", .verdict = Verdict::kLimited, .tried = "b", .host_error = EINVAL}};
    const auto parsed = parse_json(render(findings, {.json = true}));
    REQUIRE(parsed);
    CHECK((*parsed)["can_run"] == true);
    CHECK((*parsed)["features"][0]["verdict"] == "limited");
    CHECK((*parsed)["features"][0]["errno"] == "EINVAL");
    CHECK_FALSE((*parsed)["features"][0].contains("advice"));
}

}  // namespace halfcell::doctor
