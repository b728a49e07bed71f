#include "kernel_shim/confine/call_filter.h"

#include <seccomp.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "kernel_shim/host/host_errno.h"

namespace halfcell::confine {

namespace {

struct Release {
    void operator()(void* context) const { seccomp_release(context); }
};
using Context = std::unique_ptr<void, Release>;

std::uint32_t action_for(OnViolation violation) {
    switch (violation) {
        case OnViolation::kKill:
            return SCMP_ACT_KILL_PROCESS;
        case OnViolation::kSay:
            return SCMP_ACT_TRAP;
        case OnViolation::kLog:
            return SCMP_ACT_LOG;
    }
    return SCMP_ACT_KILL_PROCESS;
}

// libseccomp returns negative errnos of the host.
Result<void> outcome(int status) {
    if (status < 0) return fail(host::translate_errno(-status));
    return {};
}

Result<void> add(void* context, const AllowedCall& call) {
    std::array<scmp_arg_cmp, 3> comparisons{};
    unsigned count = 0;
    for (const ArgumentCheck& check : call.checks) {
        if (check.index < 0) continue;
        comparisons[count++] = {.arg = static_cast<unsigned>(check.index),
                                .op = SCMP_CMP_MASKED_EQ,
                                .datum_a = check.mask,
                                .datum_b = check.value};
    }
    return outcome(
        seccomp_rule_add_exact_array(context, SCMP_ACT_ALLOW, call.number, count, comparisons.data()));
}

Result<Context> new_filter(OnViolation violation) {
    Context context(seccomp_init(action_for(violation)));
    if (context == nullptr) return fail(Errno::kENOMEM);
    TRY(outcome(seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS)));
    return context;
}

}  // namespace

Result<void> restrict_calls(Parts parts, OnViolation violation) {
    if (violation == OnViolation::kSay) name_refused_calls();
    const Context context = TRY(new_filter(violation));
    void* const filter = context.get();
    TRY(outcome(seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1)));
    // What is allowed whatever its arguments costs nothing: Linux remembers that by number. The filter runs
    // for the others only, most of all for a guest's call and its answer, so those are looked for first.
    TRY(outcome(seccomp_syscall_priority(filter, SCMP_SYS(ioctl), 255)));
    // glibc asks for it first, and its flags are behind a pointer; with clone they are in sight.
    TRY(outcome(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0)));
    for (const AllowedCall& call : allowed_calls({.process = static_cast<std::uint64_t>(::getpid())}))
        if ((call.parts & parts) != 0) TRY(add(filter, call));
    return outcome(seccomp_load(filter));
}

Result<void> restrict_this_thread(std::span<const AllowedCall> calls, OnViolation violation) {
    const Context context = TRY(new_filter(violation));
    for (const AllowedCall& call : calls)
        TRY(add(context.get(), call));
    return outcome(seccomp_load(context.get()));
}

const char* call_name(int number) {
    const char* const name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
    return name != nullptr ? name : "?";
}

}  // namespace halfcell::confine
