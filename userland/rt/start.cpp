// Entry of every guest program: from the initial stack to main_program.
//
// The stack holds argc, argv, 0, envp, 0 and the auxiliary vector, upwards from rsp. Registers are undefined
// otherwise. Source: relibc:src/crt0/src/lib.rs, relibc:src/start.rs.

#include "abi/auxv.h"
#include "abi/proc_call.h"
#include "userland/rt/output.h"
#include "userland/rt/process_state.h"
#include "userland/rt/signal_state.h"
#include "userland/rt/syscall.h"

#ifdef HALFCELL_GUEST_PIE
#include "userland/rt/relocate.h"
#endif

namespace halfcell::userland {
namespace {

constinit Process the_process;

std::size_t count_pointers(char** list) {
    std::size_t count = 0;
    while (list[count] != nullptr)
        ++count;
    return count;
}

// The views live as long as the process: nothing frees them.
std::span<const std::string_view> make_views(char** list, std::size_t count) {
    auto* const views = new std::string_view[count + 1];
    for (std::size_t i = 0; i < count; ++i)
        views[i] = std::string_view(list[i]);
    return {views, count};
}

void read_auxiliary_vector(const abi::AuxvEntry* entry) {
    const char* directory_text = "/";
    std::size_t directory_size = 1;
    std::uint64_t blocked = 0;
    std::uint64_t ignored = 0;
    for (; entry->key != abi::Auxv::kNull; ++entry) {
        switch (entry->key) {
            case abi::Auxv::kRedoxThrFd:
                the_process.thread = Fd{entry->value};
                break;
            case abi::Auxv::kRedoxProcFd:
                the_process.process = Fd{entry->value};
                break;
            case abi::Auxv::kRedoxNsFd:
                the_process.name_space = Fd{entry->value};
                break;
            case abi::Auxv::kRedoxCwdFd:
                the_process.directory = Fd{entry->value};
                break;
            case abi::Auxv::kRedoxUmask:
                the_process.umask = static_cast<std::uint16_t>(entry->value & 0777);
                break;
            case abi::Auxv::kRedoxInheritedSigprocmask:
                blocked = entry->value;
                break;
            case abi::Auxv::kRedoxInheritedSigignmask:
                ignored = entry->value;
                break;
            case abi::Auxv::kRedoxInitialCwdPtr:
                directory_text = reinterpret_cast<const char*>(entry->value);
                break;
            case abi::Auxv::kRedoxInitialCwdLen:
                directory_size = entry->value;
                break;
            default:
                break;
        }
    }
    the_process.working_directory.assign(directory_text, directory_size);
    start_signals(blocked, ignored);
}

extern "C" {
using Initializer = void (*)();
extern Initializer __init_array_start[] __attribute__((visibility("hidden")));
extern Initializer __init_array_end[] __attribute__((visibility("hidden")));

// Called from _start only.
[[noreturn]] __attribute__((used)) void halfcell_start(std::uint64_t* stack) {
#ifdef HALFCELL_GUEST_PIE
    relocate_self();
#endif
    const std::size_t count = stack[0];
    char** const arguments = reinterpret_cast<char**>(stack + 1);
    char** const environment = arguments + count + 1;
    const std::size_t environment_count = count_pointers(environment);
    read_auxiliary_vector(reinterpret_cast<const abi::AuxvEntry*>(environment + environment_count + 1));

    const std::span<const std::string_view> all = make_views(arguments, count);
    if (!all.empty()) {
        the_process.program_path = all.front();
        the_process.arguments = all.subspan(1);
    }
    the_process.environment = make_views(environment, environment_count);
    for (Initializer* initializer = __init_array_start; initializer != __init_array_end; ++initializer) {
        (*initializer)();
    }
    exit_program(main_program(the_process.arguments));
}
}

__asm__(
    ".globl _start\n"
    ".type _start, @function\n"
    "_start:\n"
    "    xorl %ebp, %ebp\n"
    "    movq %rsp, %rdi\n"
    "    andq $-16, %rsp\n"
    "    cld\n"
    // MXCSR 0x1F80 and x87 control word 0x037F: all exceptions masked, round to nearest.
    "    subq $16, %rsp\n"
    "    movl $0x1F80, (%rsp)\n"
    "    ldmxcsr (%rsp)\n"
    "    movw $0x037F, (%rsp)\n"
    "    fldcw (%rsp)\n"
    "    addq $16, %rsp\n"
    "    call halfcell_start\n"
    "    ud2\n");

}  // namespace

const Process& process() {
    return the_process;
}

Process& process_state() {
    return the_process;
}

std::string_view environment_variable(std::string_view name) {
    for (const std::string_view entry : the_process.environment) {
        if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name)) {
            return entry.substr(name.size() + 1);
        }
    }
    return {};
}

void exit_now(int status) {
    const std::uint64_t metadata[] = {static_cast<std::uint64_t>(abi::ProcCall::kExit),
                                      static_cast<std::uint64_t>(status) & 0xFF};
    (void)sys_call(the_process.process, {}, 0, metadata);
    // The call does not return to the process that exits; should it fail, nothing sensible is left to do.
    __builtin_trap();
}

void exit_program(int status) {
    out().flush();
    exit_now(out().failed() && status == 0 ? 1 : status);
}

}  // namespace halfcell::userland
