#include "tests/guests/child.h"

#include <array>

#include "abi/proc_call.h"
#include "userland/rt/process.h"

namespace halfcell::userland {

namespace {

constexpr std::size_t kStackSize = 256 * 1024;

// What the child finds in its copy of memory.
struct Start {
    int (*entry)(void*);
    void* argument;
    Fd process;
};

Result<void> write_handle(Fd thread, std::string_view name, std::span<const std::uint64_t> words) {
    const UniqueFd handle(RT_TRY(sys_dup(thread, name)));
    RT_TRY(sys_write(handle.fd(), std::as_bytes(words)));
    return {};
}

extern "C" {
void halfcell_child_entry();

__attribute__((used)) void halfcell_child_main(const Start* start) {
    const auto status = static_cast<std::uint64_t>(start->entry(start->argument)) & 0xff;
    const std::array<std::uint64_t, 2> words{static_cast<std::uint64_t>(abi::ProcCall::kExit), status};
    (void)sys_call(start->process, {}, 0, words);
    __builtin_trap();
}
}

__asm__(
    ".globl halfcell_child_entry\n"
    "halfcell_child_entry:\n"
    "    xorl %ebp, %ebp\n"
    "    cld\n"
    "    movq %rsi, %rdi\n"
    "    call halfcell_child_main\n"
    "    ud2\n");

Result<std::uint64_t> process_call(std::span<std::byte> payload, std::span<const std::uint64_t> words) {
    return sys_call(process().process, payload, 0, words);
}

}  // namespace

Result<Child> start_child(int (*entry)(void* argument), void* argument) {
    const Fd thread = process().thread;
    std::byte* const stack = RT_TRY(map_anonymous(kStackSize));
    const UniqueFd child(RT_TRY(sys_dup(process().process, "fork")));
    const UniqueFd child_thread(RT_TRY(sys_dup(child.fd(), "thread-0")));
    auto* const start = reinterpret_cast<Start*>(stack);
    *start = {entry, argument, child.fd()};
    abi::ProcMeta meta{};
    RT_TRY(sys_read(child.fd(), std::as_writable_bytes(std::span(&meta, 1))));

    const UniqueFd files(RT_TRY(sys_dup(thread, "filetable")));
    const UniqueFd files_copy(RT_TRY(sys_dup(files.fd(), "copy")));
    const std::array<std::uint64_t, 1> file_words{word(files_copy.fd())};
    RT_TRY(write_handle(child_thread.fd(), "current-filetable", file_words));

    const UniqueFd space(RT_TRY(sys_dup(thread, "addrspace")));
    const UniqueFd space_copy(RT_TRY(sys_dup(space.fd(), "exclusive")));
    const std::array<std::uint64_t, 4> image{word(space_copy.fd()), word(stack + kStackSize) - 16,
                                             reinterpret_cast<std::uint64_t>(&halfcell_child_entry),
                                             word(start)};
    RT_TRY(write_handle(child_thread.fd(), "current-addrspace", image));
    const UniqueFd go(RT_TRY(sys_dup(child_thread.fd(), "start")));
    constexpr std::byte kGo[1] = {};
    RT_TRY(sys_write(go.fd(), kGo));
    RT_TRY(unmap(stack, kStackSize));
    return Child{meta.pid};
}

Result<int> wait_for(Child child) {
    std::int32_t status = 0;
    const std::array<std::uint64_t, 3> words{static_cast<std::uint64_t>(abi::ProcCall::kWaitpid), child.pid,
                                             0};
    RT_TRY(process_call(std::as_writable_bytes(std::span(&status, 1)), words));
    return (status & 0x7f) == 0 ? status >> 8 & 0xff : 256 + (status & 0x7f);
}

Result<void> kill(Child child) {
    constexpr std::uint64_t kSigkill = 9;
    const std::array<std::uint64_t, 3> words{static_cast<std::uint64_t>(abi::ProcCall::kKill), child.pid,
                                             kSigkill};
    RT_TRY(process_call({}, words));
    return {};
}

}  // namespace halfcell::userland
