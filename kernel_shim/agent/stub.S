// The only Linux code in a guest: the agent's command loop, the birth of threads and of processes, and the signal
// handler that parks a thread. One page, mapped readable and executable at HC_STUB_CODE.
//
// No instruction here uses a stack or writes memory, but for two words of the signal frame: guest threads share the
// address space, so any memory the agent wrote could be forged. Guests may jump anywhere into this page; they gain
// nothing, since filter G turns every `syscall` of theirs into a notification wherever it stands, except one
// rt_sigreturn and one exit, which harm only their caller.
//
// Linux preserves every register over a call but rax, rcx and r11. Registers of the agent:
//   r15 command page   r14d last sequence seen   r13 current command   r12d commands left

#include "kernel_shim/agent/protocol.h"

#define NR_write 1
#define NR_mmap 9
#define NR_munmap 11
#define NR_rt_sigreturn 15
#define NR_clone 56
#define NR_exit 60
#define NR_close 3
#define NR_getppid 110
#define NR_sigaltstack 131
#define NR_prctl 157
#define NR_futex 202
#define NR_exit_group 231
#define NR_seccomp 317
#define NR_close_range 436

#define PROT_READ 1
#define PROT_READ_EXEC 5
#define MAP_SHARED_FIXED 0x11
#define MAP_PRIVATE_FIXED 0x12
#define PR_SET_PDEATHSIG 1
#define SIGKILL 9
#define SECCOMP_SET_MODE_FILTER 1
#define FILTER_NEW_LISTENER_WAIT_KILLABLE 0x28
#define CLOSE_RANGE_UNSHARE 2
#define LOWEST_ERROR -4095

        .intel_syntax noprefix
        .section .rodata.halfcell_stub, "a", @progbits
        .globl  hc_stub_begin, hc_stub_end, hc_stub_empty_process, hc_stub_handler, hc_stub_restorer
        .globl  hc_stub_after_hello, hc_stub_after_park, hc_stub_after_sigreturn, hc_stub_after_exit
        .balign 4096
hc_stub_begin:

// ---- A fresh fork of the supervisor becomes an agent ------------------------------------------------------------
// Runs in a second mapping of this page that lies wherever the host put it, outside the reserved range.
//   r12 stub file   r13 table file   r14 command file   r15 offset of our command page
hc_stub_empty_process:
        lea     rbx, [rip + hc_stub_begin]
        xor     edi, edi
        mov     rsi, rbx
        mov     eax, NR_munmap
        syscall                                 // all below us
        test    eax, eax
        jnz     die
        lea     rdi, [rbx + HC_STUB_CODE_SIZE]
        movabs  rsi, HC_TASK_END
        sub     rsi, rdi
        mov     eax, NR_munmap
        syscall                                 // all above us
        test    eax, eax
        jnz     die
        movabs  rdi, HC_STUB_CODE
        mov     esi, HC_STUB_CODE_SIZE
        mov     edx, PROT_READ_EXEC
        mov     r10d, MAP_PRIVATE_FIXED
        mov     r8, r12
        xor     r9d, r9d
        mov     eax, NR_mmap
        syscall
        cmp     rax, rdi
        jne     die
        movabs  rdi, HC_STUB_TABLE
        mov     esi, HC_STUB_TABLE_SIZE
        mov     edx, PROT_READ
        mov     r8, r13
        mov     eax, NR_mmap
        syscall
        cmp     rax, rdi
        jne     die
        movabs  rdi, HC_COMMAND_PAGE
        mov     esi, HC_COMMAND_PAGE_SIZE
        mov     r10d, MAP_SHARED_FIXED
        mov     r8, r14
        mov     r9, r15
        mov     eax, NR_mmap
        syscall
        cmp     rax, rdi
        jne     die
        movabs  rax, HC_STUB_CODE
        lea     rcx, [rip + at_home]
        sub     rcx, rbx
        add     rax, rcx
        jmp     rax
at_home:                                        // the other mapping goes
        mov     rdi, rbx
        mov     esi, HC_STUB_CODE_SIZE
        mov     eax, NR_munmap
        syscall
        test    eax, eax
        jnz     die
        mov     edi, SECCOMP_SET_MODE_FILTER
        xor     esi, esi
        movabs  rdx, HC_TABLE_AGENT_FILTER
        mov     eax, NR_seccomp
        syscall
        test    eax, eax
        jnz     die
        movabs  r15, HC_COMMAND_PAGE
        xor     r14d, r14d

// ---- The agent: wait, run a batch, report -----------------------------------------------------------------------
agent_wait:
        mov     eax, [r15 + HC_COMMAND_SEQUENCE]
        cmp     eax, r14d
        jne     agent_batch
        lea     rdi, [r15 + HC_COMMAND_SEQUENCE]
        xor     esi, esi                        // FUTEX_WAIT, shared between processes
        mov     edx, r14d
        xor     r10d, r10d
        mov     eax, NR_futex
        syscall
        jmp     agent_wait
agent_batch:
        mov     r14d, eax
        mov     r12d, [r15 + HC_COMMAND_COUNT]
        lea     r13, [r15 + HC_COMMAND_BATCH]
agent_next:
        mov     rax, [r13 + HC_COMMAND_OPERATION]
        mov     rdi, [r13 + HC_COMMAND_ARGUMENTS]
        mov     rsi, [r13 + HC_COMMAND_ARGUMENTS + 8]
        mov     rdx, [r13 + HC_COMMAND_ARGUMENTS + 16]
        mov     r10, [r13 + HC_COMMAND_ARGUMENTS + 24]
        mov     r8, [r13 + HC_COMMAND_ARGUMENTS + 32]
        mov     r9, [r13 + HC_COMMAND_ARGUMENTS + 40]
        cmp     eax, HC_OPERATION_THREAD
        je      agent_thread
        cmp     eax, HC_OPERATION_FORK
        je      agent_fork
        syscall
agent_done:
        cmp     rax, LOWEST_ERROR
        jae     agent_failed
        add     r13, HC_COMMAND_SIZE
        dec     r12d
        jnz     agent_next
        xor     eax, eax
agent_failed:                                   // eax: 0 or a negated errno
        test    eax, eax
        jz      agent_report
        mov     ebx, eax                        // how many commands were left, the failed one among them
        movabs  rsi, HC_REPORT_MIDDLE
        mov     eax, r12d
        lea     rsi, [rsi + rax * 8]
        mov     edx, 8
        mov     rdi, [r15 + HC_COMMAND_REPORT]
        mov     eax, NR_write
        syscall
        mov     eax, ebx
agent_report:
        neg     eax
        movabs  rsi, HC_REPORT_LOW
        lea     rsi, [rsi + rax * 8]
        mov     edx, 8
        mov     rdi, [r15 + HC_COMMAND_REPORT]
        mov     eax, NR_write
        syscall
        jmp     agent_wait

agent_clone:                                    // shared tail: an id or an error is in rax
        cmp     rax, LOWEST_ERROR
        jae     agent_failed
        mov     ebx, eax
        mov     eax, ebx
        shr     eax, 12
        movabs  rsi, HC_REPORT_MIDDLE
        lea     rsi, [rsi + rax * 8]
        mov     edx, 8
        mov     rdi, [r15 + HC_COMMAND_REPORT]
        mov     eax, NR_write
        syscall
        mov     eax, ebx
        and     eax, 0xfff
        movabs  rsi, HC_REPORT_HIGH
        lea     rsi, [rsi + rax * 8]
        mov     eax, NR_write
        syscall
        xor     eax, eax
        jmp     agent_done

// ---- Birth of a process: a fork of the zygote, or of a guest with all its mappings -------------------------------
// It takes its own command page, and lets go of the thread areas: they belong to the threads it was not given.
agent_fork:
        mov     rbx, rsi                        // command file
        mov     rbp, rdx                        // offset in it
        mov     r9, r10                         // the supervisor's pid
        xor     esi, esi
        xor     edx, edx
        xor     r10d, r10d
        xor     r8d, r8d
        mov     eax, NR_clone
        syscall
        test    rax, rax
        jnz     agent_clone
        mov     edi, PR_SET_PDEATHSIG
        mov     esi, SIGKILL
        mov     eax, NR_prctl
        syscall
        mov     eax, NR_getppid                 // it may have died before we asked to die with it
        syscall
        cmp     eax, r9d
        jne     die
        movabs  rdi, HC_COMMAND_PAGE
        mov     esi, HC_COMMAND_PAGE_SIZE
        mov     edx, PROT_READ
        mov     r10d, MAP_SHARED_FIXED
        mov     r8, rbx
        mov     r9, rbp
        mov     eax, NR_mmap
        syscall
        cmp     rax, rdi
        jne     die
        movabs  rdi, HC_THREAD_AREAS
        movabs  rsi, HC_THREAD_AREAS_SIZE
        mov     eax, NR_munmap
        syscall
        test    eax, eax
        jnz     die
        xor     r14d, r14d
        jmp     agent_wait
die:
        mov     edi, 1
        mov     eax, NR_exit_group
        syscall
        ud2

// ---- Birth of a guest thread ------------------------------------------------------------------------------------
// The supervisor leaves the command page alone until it holds the listener, so r13 stays good. All signals are
// blocked until the first frame is restored.
agent_thread:
        mov     rbp, rsi                        // the first frame
        xor     esi, esi
        xor     edx, edx
        xor     r10d, r10d
        xor     r8d, r8d
        mov     eax, NR_clone
        syscall
        test    rax, rax
        jnz     agent_clone
        xor     edi, edi
        mov     esi, -1
        mov     edx, CLOSE_RANGE_UNSHARE
        mov     eax, NR_close_range
        syscall                                 // a table of our own, and empty
        test    eax, eax
        jnz     thread_exit
        lea     rdi, [r13 + HC_COMMAND_ARGUMENTS + 16]
        xor     esi, esi
        mov     eax, NR_sigaltstack
        syscall
        test    eax, eax
        jnz     thread_exit
        mov     edi, SECCOMP_SET_MODE_FILTER
        mov     esi, FILTER_NEW_LISTENER_WAIT_KILLABLE
        movabs  rdx, HC_TABLE_GUEST_FILTER
        mov     eax, NR_seccomp
        syscall                                 // the listener is descriptor 0 of our empty table
        test    eax, eax
        js      thread_exit
        mov     edi, eax
        mov     eax, NR_close
        syscall                                 // the first notification: the supervisor says "continue"
hc_stub_after_hello:
        mov     rdx, rbp
        jmp     resume

// ---- The signal handler: park -----------------------------------------------------------------------------------
// edi signal number, rdx the frame's ucontext. The worker reads and edits the frame while we wait in PARK and
// answers 0 to go on or 1 to end. All signals are blocked in here.
        .balign 64
hc_stub_handler:
        rdfsbase rax
        mov     [rdx + HC_FRAME_FS_BASE], rax
        rdgsbase rax
        mov     [rdx + HC_FRAME_GS_BASE], rax
        mov     eax, HC_CALL_PARK
        syscall
hc_stub_after_park:
        test    eax, eax
        jnz     thread_exit
resume:
        mov     rax, [rdx + HC_FRAME_FS_BASE]
        wrfsbase rax
        mov     rax, [rdx + HC_FRAME_GS_BASE]
        wrgsbase rax
        mov     rsp, rdx                        // the very frame the worker saw
hc_stub_restorer:
        mov     eax, NR_rt_sigreturn
        syscall
hc_stub_after_sigreturn:
        ud2
thread_exit:
        xor     edi, edi
        mov     eax, NR_exit
        syscall
hc_stub_after_exit:
        ud2
hc_stub_end:
        .balign 4096, 0xcc

        .section .note.GNU-stack, "", @progbits
