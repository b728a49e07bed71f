#include "kernel_shim/confine/call_list.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <vector>

namespace halfcell::confine {

namespace {

using part::kEngine;
using part::kFiles;
using part::kServers;
using part::kTerminal;
using part::kVisitors;

// Newer than Debian 12's headers. Source: linux:include/uapi/linux/seccomp.h, arch/x86/entry/syscalls.
constexpr std::uint64_t kListenerFlags = SECCOMP_IOW(4, __u64);
constexpr std::uint64_t kIdValid = SECCOMP_IOW(2, __u64);
constexpr std::uint64_t kIdValidOld = SECCOMP_IOR(2, __u64);
constexpr int kFchmodat2 = 452;

// Linux looks at 32 bits of what it declares as int.
constexpr std::uint64_t kInt = 0xffff'ffff;

constexpr ArgumentCheck is(int index, std::uint64_t value) {
    return {.index = index, .mask = kInt, .value = value & kInt};
}
constexpr ArgumentCheck is_null(int index) {
    return {.index = index, .value = 0};
}
constexpr ArgumentCheck has_none_of(int index, std::uint64_t bits) {
    return {.index = index, .mask = bits, .value = 0};
}
constexpr ArgumentCheck only(int index, std::uint64_t bits) {
    return {.index = index, .mask = kInt & ~bits, .value = 0};
}

// A thread, and never a process: no namespace, no tracer, nothing of its own but a stack.
constexpr std::uint64_t kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
constexpr std::uint64_t kCloneNewTime = 0x80;
constexpr std::uint64_t kNeverInThreads =
    CLONE_VFORK | CLONE_PARENT | CLONE_PTRACE | CLONE_UNTRACED | CLONE_PIDFD | CLONE_NEWNS | CLONE_NEWCGROUP |
    CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_IO | kCloneNewTime;
// O_TMPFILE without the O_DIRECTORY that is part of it.
constexpr std::uint64_t kNameless = O_TMPFILE & ~O_DIRECTORY;
constexpr std::uint64_t kWriting = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND | kNameless;

std::vector<AllowedCall> make_list(const CallerIdentity& own) {
    return {
        // A guest's call, and its answer.
        {SYS_ioctl, kEngine, {is(1, SECCOMP_IOCTL_NOTIF_RECV)}},
        {SYS_ioctl, kEngine, {is(1, SECCOMP_IOCTL_NOTIF_SEND)}},
        {SYS_ioctl, kEngine, {is(1, kIdValid)}},
        {SYS_ioctl, kEngine, {is(1, kIdValidOld)}},
        {SYS_ioctl, kEngine, {is(1, kListenerFlags)}},
        {SYS_futex, kEngine},
        {SYS_poll, kEngine},
        {SYS_ppoll, kEngine},

        // What the agents are told, and their memory.
        {SYS_read, kEngine},
        {SYS_write, kEngine},
        {SYS_pread64, kEngine},
        {SYS_pwrite64, kEngine},
        {SYS_close, kEngine},
        {SYS_lseek, kEngine},
        {SYS_fallocate, kEngine},
        {SYS_process_vm_readv, kEngine},
        {SYS_process_vm_writev, kEngine},
        {SYS_eventfd2, kEngine},
        {SYS_pidfd_open, kEngine},
        {SYS_pidfd_getfd, kEngine},
        {SYS_pidfd_send_signal, kEngine, {is(1, SIGKILL)}},
        {SYS_waitid, kEngine},
        {SYS_wait4, kEngine},
        {SYS_setpgid, kEngine},
        {SYS_sched_setaffinity, kEngine},
        {SYS_sched_getaffinity, kEngine},
        // The park request of any guest; any signal to ourselves, and death to a guest and its group.
        {SYS_tgkill, kEngine, {is(2, SIGUSR1)}},
        {SYS_tgkill, kEngine, {is(0, own.process)}},
        {SYS_kill, kEngine, {is(1, SIGKILL)}},
        // What a guest does that hides from a park request: /proc is all that Landlock leaves of it.
        {SYS_openat, kEngine, {is(0, static_cast<std::uint64_t>(AT_FDCWD)), is(2, O_RDONLY | O_CLOEXEC)}},

        // Waiting for several things.
        {SYS_epoll_create1, kEngine},
        {SYS_epoll_ctl, kEngine},
        {SYS_epoll_wait, kEngine},
        {SYS_timerfd_settime, kEngine},

        // Memory of our own, none of it executable.
        {SYS_mmap, kEngine, {has_none_of(2, PROT_EXEC)}},
        {SYS_mprotect, kEngine, {has_none_of(2, PROT_EXEC)}},
        {SYS_munmap, kEngine},
        {SYS_mremap, kEngine},
        {SYS_madvise, kEngine},
        {SYS_brk, kEngine},

        // Threads of our own.
        {SYS_clone,
         kEngine,
         {ArgumentCheck{.index = 0, .mask = kThread | kNeverInThreads, .value = kThread}}},
        {SYS_set_robust_list, kEngine},
        {SYS_rseq, kEngine},
        {SYS_sched_yield, kEngine},
        {SYS_gettid, kEngine},
        {SYS_getpid, kEngine},
        {SYS_prctl, kEngine, {is(0, PR_SET_NAME)}},
        // A thread with less to do than others may give up more.
        {SYS_prctl, kEngine, {is(0, PR_SET_NO_NEW_PRIVS)}},
        {SYS_seccomp, kEngine, {is(0, SECCOMP_SET_MODE_FILTER)}},
        {SYS_rt_sigprocmask, kEngine},
        {SYS_rt_sigaction, kEngine},
        {SYS_rt_sigreturn, kEngine},
        {SYS_sigaltstack, kEngine},
        {SYS_restart_syscall, kEngine},
        {SYS_exit, kEngine},
        {SYS_exit_group, kEngine},

        // The machine: clocks, sizes, random numbers.
        {SYS_clock_gettime, kEngine},
        {SYS_clock_getres, kEngine},
        {SYS_clock_nanosleep, kEngine},
        {SYS_getrandom, kEngine},
        {SYS_sysinfo, kEngine},
        {SYS_uname, kEngine},
        {SYS_getrusage, kEngine},
        {SYS_getcpu, kEngine},
        {SYS_prlimit64, kEngine, {is(0, 0), is_null(2)}},

        // The three files we were started with; sockets among them are used, none is made.
        {SYS_newfstatat, kEngine},
        {SYS_fstat, kEngine},
        {SYS_fcntl, kEngine, {is(1, F_DUPFD_CLOEXEC)}},
        {SYS_fcntl, kEngine, {is(1, F_GETFL)}},
        {SYS_fcntl, kEngine, {is(1, F_GETFD)}},
        {SYS_recvfrom, kEngine, {is_null(4)}},
        {SYS_sendto, kEngine, {is_null(4)}},
        {SYS_ioctl, kEngine, {is(1, TCGETS)}},
        {SYS_fsync, kEngine},
        {SYS_ftruncate, kEngine},
        {SYS_memfd_create, kEngine},

        // Files below what is shown. openat2 has its flags behind a pointer; Landlock bounds what it finds.
        {SYS_openat2, kFiles},
        {SYS_openat, kFiles, {has_none_of(2, kWriting)}},
        {SYS_getdents64, kFiles},
        {SYS_readlinkat, kFiles},
        {SYS_readlink, kFiles},
        {SYS_statx, kFiles},
        {SYS_fstatfs, kFiles},
        {SYS_faccessat2, kFiles},
        {SYS_faccessat, kFiles},
        {SYS_pwritev2, kFiles},
        {SYS_mkdirat, kFiles},
        {SYS_mknodat, kFiles, {ArgumentCheck{.index = 2, .mask = S_IFMT, .value = S_IFSOCK}}},
        {SYS_unlinkat, kFiles},
        {SYS_renameat, kFiles},
        {SYS_renameat2, kFiles},
        {SYS_linkat, kFiles},
        {SYS_symlinkat, kFiles},
        {kFchmodat2, kFiles, {has_none_of(2, S_ISUID)}},
        {SYS_fchownat, kFiles},
        {SYS_utimensat, kFiles},

        // Connections to servers, over sockets that have no address.
        {SYS_socketpair, kServers, {is(0, AF_UNIX)}},
        {SYS_futex_waitv, kServers},
        {SYS_sendmsg, kServers | kVisitors},
        {SYS_recvmsg, kServers | kVisitors},
        {SYS_shutdown, kServers},
        {SYS_fcntl, kServers, {is(1, F_ADD_SEALS)}},
        {SYS_fcntl, kServers, {is(1, F_SETFL), only(2, O_ACCMODE | O_NONBLOCK | O_APPEND | O_LARGEFILE)}},

        // Those who come in: sockets that listen are there, and what is asked of their connections is fixed.
        {SYS_accept4, kVisitors, {is_null(1)}},
        {SYS_getsockopt, kVisitors, {is(1, SOL_SOCKET), is(2, SO_PEERCRED)}},
        {SYS_setsockopt, kVisitors, {is(1, SOL_SOCKET), is(2, SO_PASSCRED)}},
        {SYS_setsockopt, kVisitors, {is(1, IPPROTO_TCP), is(2, TCP_NODELAY)}},

        // The terminal we took over: its settings, its size, and stopping with it.
        {SYS_ioctl, kTerminal, {is(1, TCSETSW)}},
        {SYS_ioctl, kTerminal, {is(1, TIOCGWINSZ)}},
        {SYS_ioctl, kTerminal, {is(1, TIOCGPGRP)}},
        {SYS_getpgrp, kTerminal},
        {SYS_getpgid, kTerminal},
        {SYS_kill, kTerminal, {is(0, own.process), is(1, SIGSTOP)}},
    };
}

}  // namespace

std::span<const AllowedCall> allowed_calls(const CallerIdentity& own) {
    static const std::vector<AllowedCall> list = make_list(own);
    return list;
}

std::span<const AllowedCall> interrupter_calls(const CallerIdentity& own, int signal) {
    static const std::array list = {
        AllowedCall{SYS_futex, kEngine},
        AllowedCall{SYS_tgkill, kEngine, {is(0, own.process), is(2, static_cast<std::uint64_t>(signal))}},
        AllowedCall{SYS_ioctl, kEngine, {is(1, kIdValid)}},
        AllowedCall{SYS_ioctl, kEngine, {is(1, kIdValidOld)}},
        // What the C library does at a thread's end: its stack is given back.
        AllowedCall{SYS_madvise, kEngine, {is(2, MADV_DONTNEED)}},
        AllowedCall{SYS_rt_sigprocmask, kEngine},
        AllowedCall{SYS_exit, kEngine},
    };
    return list;
}

std::span<const AllowedCall> control_calls() {
    static const std::array list = {
        AllowedCall{SYS_epoll_wait, kVisitors},
        AllowedCall{SYS_epoll_ctl, kVisitors},
        AllowedCall{SYS_accept4, kVisitors, {is_null(1)}},
        AllowedCall{SYS_getsockopt, kVisitors, {is(1, SOL_SOCKET), is(2, SO_PEERCRED)}},
        AllowedCall{SYS_setsockopt, kVisitors, {is(1, SOL_SOCKET), is(2, SO_PASSCRED)}},
        AllowedCall{SYS_recvmsg, kVisitors},
        AllowedCall{SYS_sendmsg, kVisitors},
        AllowedCall{SYS_close, kVisitors},
        // The event that wakes it.
        AllowedCall{SYS_read, kVisitors},
        AllowedCall{SYS_write, kVisitors},
        AllowedCall{SYS_futex, kVisitors},
        AllowedCall{SYS_clock_gettime, kVisitors},
        // The C library's heap, which counts the processors once.
        AllowedCall{SYS_mmap, kVisitors, {has_none_of(2, PROT_EXEC)}},
        AllowedCall{SYS_mprotect, kVisitors, {has_none_of(2, PROT_EXEC)}},
        AllowedCall{SYS_munmap, kVisitors},
        AllowedCall{SYS_mremap, kVisitors},
        AllowedCall{SYS_madvise, kVisitors},
        AllowedCall{SYS_brk, kVisitors},
        AllowedCall{SYS_sched_getaffinity, kVisitors},
        AllowedCall{SYS_rt_sigprocmask, kVisitors},
        AllowedCall{SYS_exit, kVisitors},
    };
    return list;
}

}  // namespace halfcell::confine
