#include "kernel_shim/control/thread_files.h"

#include <linux/close_range.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <vector>

#include "kernel_shim/host/host_errno.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HALFCELL_SANITIZED 1
#else
#define HALFCELL_SANITIZED 0
#endif

namespace halfcell::control {

Result<void> keep_only(const ThreadFiles& files) {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
    if (::unshare(CLONE_FILES) != 0) return fail(host::last_error());
    std::vector<unsigned> kept{static_cast<unsigned>(files.listener), static_cast<unsigned>(files.poller),
                               static_cast<unsigned>(files.wake)};
    if (HALFCELL_SANITIZED) kept.push_back(STDERR_FILENO);
    std::ranges::sort(kept);
    unsigned first = 0;
    for (const unsigned file : kept) {
        if (file > first && ::close_range(first, file - 1, 0) != 0) return fail(host::last_error());
        first = file + 1;
    }
    if (::close_range(first, UINT_MAX, 0) != 0) return fail(host::last_error());
    return {};
}

}  // namespace halfcell::control
