#include "kernel_shim/confine/privileges.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "kernel_shim/host/host_errno.h"

namespace halfcell::confine {

namespace {

Result<void> drop_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> held{};
    if (::syscall(SYS_capget, &header, held.data()) != 0) return fail(host::last_error());
    std::array<__user_cap_data_struct, 2> kept{};
    kept[0].permitted = held[0].permitted & (1U << CAP_SYS_RAWIO);
    // The ambient ones go with their permission.
    if (::syscall(SYS_capset, &header, kept.data()) != 0) return fail(host::last_error());
    return {};
}

}  // namespace

Result<void> give_up_privileges(CoreDumps dumps) {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail(host::last_error());
    TRY(drop_capabilities());
    if (dumps == CoreDumps::kAllowed) return {};
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_CORE, &none) != 0) return fail(host::last_error());
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail(host::last_error());
    return {};
}

}  // namespace halfcell::confine
