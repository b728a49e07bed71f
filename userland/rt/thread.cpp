#include "userland/rt/thread.h"

#include <array>

#include "userland/rt/process.h"

namespace halfcell::userland {

// Shared by the thread and who joins it; freed by the join.
struct ThreadControl {
    Thread::Entry entry = nullptr;
    void* argument = nullptr;
    std::byte* stack = nullptr;
    std::size_t stack_size = 0;
    Fd thread = Fd::kNone;
    // 0 while the entry function runs, 1 afterwards; the joiner's futex.
    std::uint32_t finished = 0;
};

namespace {

constexpr std::uint64_t kForceKill = ~std::uint64_t{0};

// A kernel handle on a thread that takes one write, and applies it when it is closed.
Result<void> write_handle(Fd thread, std::string_view name, std::span<const std::uint64_t> words) {
    const UniqueFd handle(RT_TRY(sys_dup(thread, name)));
    RT_TRY(sys_write(handle.fd(), std::as_bytes(words)));
    return {};
}

extern "C" {
void halfcell_thread_entry();

__attribute__((used)) void halfcell_thread_main(ThreadControl* control) {
    control->entry(control->argument);
    const std::uint64_t stack = word(control->stack);
    const std::uint64_t stack_size = control->stack_size;
    const Result<Fd> status = sys_dup(control->thread, "status");
    (void)sys_close(control->thread);
    // From the store on, the joiner may free the control block; the stack stays until the last write unmaps
    // it.
    __atomic_store_n(&control->finished, 1U, __ATOMIC_RELEASE);
    futex_wake(&control->finished, 1);
    if (status) {
        const std::array<std::uint64_t, 3> verb{kForceKill, stack, stack_size};
        (void)sys_write(*status, std::as_bytes(std::span(verb)));
    }
    for (;;)
        sys_yield();
}
}

// A new context starts with its argument in rsi and nothing else defined.
__asm__(
    ".globl halfcell_thread_entry\n"
    "halfcell_thread_entry:\n"
    "    xorl %ebp, %ebp\n"
    "    cld\n"
    "    movq %rsi, %rdi\n"
    "    call halfcell_thread_main\n"
    "    ud2\n");

Result<void> launch(ThreadControl& control) {
    const Process& self = process();
    UniqueFd thread(RT_TRY(sys_dup(self.process, "new-thread")));
    const UniqueFd space(RT_TRY(sys_dup(self.thread, "addrspace")));
    const UniqueFd table(RT_TRY(sys_dup(self.thread, "filetable")));
    control.thread = thread.fd();
    const std::uint64_t top = word(control.stack + control.stack_size) - 16;
    const std::array<std::uint64_t, 4> image{
        word(space.fd()), top, reinterpret_cast<std::uint64_t>(&halfcell_thread_entry), word(&control)};
    RT_TRY(write_handle(thread.fd(), "current-addrspace", image));
    const std::array<std::uint64_t, 1> files{word(table.fd())};
    RT_TRY(write_handle(thread.fd(), "current-filetable", files));
    const UniqueFd start(RT_TRY(sys_dup(thread.fd(), "start")));
    constexpr std::byte kGo[1] = {};
    RT_TRY(sys_write(start.fd(), kGo));
    // The thread closes its own descriptor when it ends.
    (void)thread.release();
    return {};
}

}  // namespace

Result<Thread> Thread::start(Entry entry, void* argument, std::size_t stack_size) {
    auto* const control = new ThreadControl{entry, argument, nullptr, stack_size, Fd::kNone, 0};
    const Result<std::byte*> stack = map_anonymous(stack_size);
    if (!stack) {
        delete control;
        return stack.error();
    }
    control->stack = *stack;
    const Result<void> launched = launch(*control);
    if (!launched) {
        (void)unmap(control->stack, stack_size);
        delete control;
        return launched.error();
    }
    return Thread(control);
}

void Thread::join() {
    while (__atomic_load_n(&control_->finished, __ATOMIC_ACQUIRE) == 0)
        futex_wait(&control_->finished, 0);
    delete control_;
    control_ = nullptr;
}

Thread::~Thread() {
    // A thread left running would use memory its creator takes for its own again.
    if (control_ != nullptr) join();
}

}  // namespace halfcell::userland
