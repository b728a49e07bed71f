#include "userland/rt/fork.h"

#include <array>

#include "abi/proc_call.h"
#include "userland/rt/process_state.h"
#include "userland/rt/signal.h"
#include "userland/rt/signal_state.h"

namespace halfcell::userland {
namespace {

// What the child needs to know, in a place of the stack that its copy still has.
struct ForkFrame {
    std::uint32_t mxcsr;
    std::uint32_t control_word;
    std::uint64_t file_table;
    std::uint64_t child_process;
    std::uint64_t child_thread;
};

extern "C" {
// The pid, or a negative errno; runs halfcell_fork_parent with the address of its frame.
std::int64_t halfcell_fork();
void halfcell_fork_child_entry();
}

// Two spaces at once, the second one the first one's copy.
struct SpaceCopy {
    UniqueFd original;
    ForeignSpace copy;
};

Result<SpaceCopy> copy_space() {
    UniqueFd original = RT_TRY(dup_to_upper(process().thread, "addrspace"));
    // The signal pages are in the copy as they are at its moment: what waits for the parent is not for the
    // child, which must find it gone before anybody can send it something of its own.
    const bool waited = signals_wait();
    ForeignSpace copy(RT_TRY(dup_to_upper(original.fd(), "exclusive")));
    if (waited || signals_wait()) RT_TRY(forget_signals(copy));
    return SpaceCopy{std::move(original), std::move(copy)};
}

// The name of the handle on the file behind a grant: "grant-fd-" and sixteen hexadecimal digits.
struct GrantName {
    std::array<char, 25> text;
    explicit GrantName(std::uint64_t base) {
        constexpr std::string_view kPrefix = "grant-fd-";
        std::size_t at = 0;
        for (const char c : kPrefix)
            text[at++] = c;
        for (int shift = 60; shift >= 0; shift -= 4)
            text[at++] = "0123456789abcdef"[base >> shift & 15];
    }
};

// Shared mappings of files are not in the copy: they are made anew on the same files.
Result<void> map_shared_files(const SpaceCopy& spaces) {
    std::array<abi::GrantDesc, 16> grants;
    for (;;) {
        const std::size_t size =
            RT_TRY(sys_read(spaces.original.fd(), std::as_writable_bytes(std::span(grants))));
        if (size == 0) return {};
        for (const abi::GrantDesc& grant : std::span(grants).first(size / sizeof(abi::GrantDesc))) {
            if ((grant.flags & abi::GrantFlags::kGrantScheme) == 0 ||
                (grant.flags & abi::GrantFlags::kGrantShared) == 0)
                continue;
            const GrantName name(grant.base);
            const UniqueFd file = RT_TRY(
                dup_to_upper(spaces.original.fd(), std::string_view(name.text.data(), name.text.size())));
            std::uint64_t flags = abi::MapFlags::kMapShared | abi::MapFlags::kMapFixedNoreplace;
            if ((grant.flags & abi::GrantFlags::kGrantRead) != 0) flags |= abi::MapFlags::kProtRead;
            if ((grant.flags & abi::GrantFlags::kGrantWrite) != 0) flags |= abi::MapFlags::kProtWrite;
            if ((grant.flags & abi::GrantFlags::kGrantExec) != 0) flags |= abi::MapFlags::kProtExec;
            const std::uint64_t words[] = {
                abi::AddrspaceOp::kMmap, word(file.fd()), grant.offset, grant.base, grant.size, flags};
            RT_TRY(sys_write(spaces.copy.fd(), std::as_bytes(std::span(words))));
        }
    }
}

// A handle on a thread that takes one write of words and applies it when it is closed.
Result<void> write_handle(Fd thread, std::string_view name, std::span<const std::uint64_t> words) {
    const UniqueFd handle(RT_TRY(sys_dup(thread, name)));
    RT_TRY(sys_write(handle.fd(), std::as_bytes(words)));
    return {};
}

Result<void> give_memory(Fd child, ForkFrame* frame) {
    const UniqueFd selection(RT_TRY(sys_dup(child, "current-addrspace")));
    // The frame is complete: from here on the child has a copy of it.
    const SpaceCopy spaces = RT_TRY(copy_space());
    RT_TRY(map_shared_files(spaces));
    const std::uint64_t image[] = {word(spaces.copy.fd()), word(frame),
                                   reinterpret_cast<std::uint64_t>(&halfcell_fork_child_entry), word(frame)};
    RT_TRY(sys_write(selection.fd(), std::as_bytes(std::span(image))));
    return {};
}

Result<void> give_registers(Fd child) {
    std::array<std::byte, 16> registers{};
    {
        const UniqueFd own(RT_TRY(sys_dup(process().thread, "regs/env")));
        RT_TRY(sys_read(own.fd(), registers));
    }
    const UniqueFd theirs(RT_TRY(sys_dup(child, "regs/env")));
    RT_TRY(sys_write(theirs.fd(), registers));
    return {};
}

Result<void> give_descriptors(Fd child, Fd file_table) {
    const UniqueFd copy(RT_TRY(sys_dup(file_table, "copy")));
    const std::uint64_t words[] = {word(copy.fd())};
    return write_handle(child, "current-filetable", words);
}

Result<std::uint32_t> make_child(ForkFrame* frame) {
    const UniqueFd child_process = RT_TRY(dup_to_upper(process().process, "fork"));
    const UniqueFd child_thread = RT_TRY(dup_to_upper(child_process.fd(), "thread-0"));
    abi::ProcMeta meta{};
    RT_TRY(sys_read(child_process.fd(), std::as_writable_bytes(std::span(&meta, 1))));
    const UniqueFd file_table(RT_TRY(sys_dup(process().thread, "filetable")));
    frame->file_table = word(file_table.fd());
    frame->child_process = word(child_process.fd());
    frame->child_thread = word(child_thread.fd());
    RT_TRY(give_memory(child_thread.fd(), frame));
    RT_TRY(register_signals(child_thread.fd(), child_process.fd()));
    RT_TRY(give_registers(child_thread.fd()));
    RT_TRY(give_descriptors(child_thread.fd(), file_table.fd()));
    constexpr std::byte kGo[1] = {};
    const UniqueFd start(RT_TRY(sys_dup(child_thread.fd(), "start")));
    RT_TRY(sys_write(start.fd(), kGo));
    return meta.pid;
}

extern "C" {
__attribute__((used)) std::int64_t halfcell_fork_parent(ForkFrame* frame) {
    const Result<std::uint32_t> pid = make_child(frame);
    return pid ? static_cast<std::int64_t>(*pid) : -static_cast<std::int64_t>(pid.error());
}

// The child's first steps: it takes its own descriptors and lets go of the parent's.
__attribute__((used)) void halfcell_fork_child(const ForkFrame* frame) {
    Process& state = process_state();
    (void)sys_close(Fd{frame->file_table});
    (void)sys_close(state.process);
    (void)sys_close(state.thread);
    state.process = Fd{frame->child_process};
    state.thread = Fd{frame->child_thread};
}
}

// Both come back from halfcell_fork: the parent by its call, the child from its entry, which finds the stack
// pointer at the frame and its address in rsi. 40 bytes are the frame and what aligns the stack.
__asm__(
    ".globl halfcell_fork\n"
    "halfcell_fork:\n"
    "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n    pushq %r13\n    pushq %r14\n    pushq %r15\n"
    "    subq $40, %rsp\n"
    "    stmxcsr (%rsp)\n"
    "    fnstcw 4(%rsp)\n"
    "    movq %rsp, %rdi\n"
    "    call halfcell_fork_parent\n"
    "5:  addq $40, %rsp\n"
    "    popq %r15\n    popq %r14\n    popq %r13\n    popq %r12\n    popq %rbx\n    popq %rbp\n"
    "    ret\n"
    ".globl halfcell_fork_child_entry\n"
    "halfcell_fork_child_entry:\n"
    "    cld\n"
    "    ldmxcsr (%rsp)\n"
    "    fldcw 4(%rsp)\n"
    "    movq %rsi, %rdi\n"
    "    call halfcell_fork_child\n"
    "    xorl %eax, %eax\n"
    "    jmp 5b\n");
static_assert(sizeof(ForkFrame) <= 40);

}  // namespace

Result<std::uint32_t> fork_process() {
    // No handler may run in the child before it knows itself.
    const SignalsHeld held;
    const std::int64_t result = halfcell_fork();
    if (result < 0) return static_cast<Errno>(-result);
    return static_cast<std::uint32_t>(result);
}

}  // namespace halfcell::userland
