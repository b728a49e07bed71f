#pragma once

// The two worlds an attack runs in. As a guest of halfcell it must gain nothing; as an ordinary Linux
// process, with the very same bytes, it must succeed: that is its positive control.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace halfcell::attack {

using Word = std::uint64_t;

// Results from here on are negated error numbers, in both worlds.
inline constexpr Word kLowestError = static_cast<Word>(-4095);
constexpr bool is_error(Word result) {
    return result >= kLowestError;
}
constexpr int error_of(Word result) {
    return is_error(result) ? static_cast<int>(-static_cast<std::int64_t>(result)) : 0;
}

// Linux's numbers, for attacks and for the control.
namespace linux_call {
inline constexpr Word kRead = 0, kWrite = 1, kOpen = 2, kClose = 3, kMmap = 9, kMunmap = 11, kIoctl = 16,
                      kSendto = 44, kSocket = 41, kConnect = 42, kClone = 56, kFork = 57, kVfork = 58,
                      kExecve = 59, kExit = 60, kKill = 62, kRename = 82, kMkdir = 83, kCreat = 85,
                      kLink = 86, kSymlink = 88, kPtrace = 101, kArchPrctl = 158, kTkill = 200,
                      kExitGroup = 231, kTgkill = 234, kOpenat = 257, kMkdirat = 258, kLinkat = 265,
                      kSetitimer = 38, kProcessVmReadv = 310, kProcessVmWritev = 311, kExecveat = 322,
                      kPidfdSendSignal = 424, kIoUringSetup = 425, kPidfdOpen = 434, kClone3 = 435,
                      kOpenat2 = 437, kRtSigreturn = 15, kRtSigaction = 13, kGetpid = 39, kWait4 = 61,
                      kSchedYield = 24, kPersonality = 135;
}  // namespace linux_call

inline Word call(Word number, Word a = 0, Word b = 0, Word c = 0, Word d = 0, Word e = 0, Word f = 0) {
    Word result = number;
    register Word r10 __asm__("r10") = d;
    register Word r8 __asm__("r8") = e;
    register Word r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

inline Word word(const volatile void* address) {
    return reinterpret_cast<Word>(address);
}

// What the program was started with.
struct World {
    bool guest = false;  // the auxiliary vector names a Redox process
    int argument_count = 0;
    char** arguments = nullptr;
    Word process = ~Word{0};
    Word thread = ~Word{0};
    Word name_space = ~Word{0};
    Word directory = ~Word{0};
};
const World& world();

// The argument behind the attack's name, or an empty string.
const char* text_argument(int index);
// As a decimal or 0x number; 0 where it is missing.
Word number_argument(int index);

// Writes to standard output, unbuffered: what was said before a crash has been said.
void say(std::string_view text);
void say_number(Word value);
void say_hex(Word value);
// "NAME: VALUE", the value decimal, or "error N".
void say_result(std::string_view name, Word result);
// The line the runner looks for where only the attacker can see that it succeeded.
void say_effect(std::string_view what);

[[noreturn]] void leave(int status);

// Memory, readable, writable and executable or not, at `address` or anywhere (0), in either world.
Word map_memory(Word address, Word size, bool executable);
// The file's descriptor; `writing` opens it for that too.
Word open_path(std::string_view path, bool writing = false);
Word read_file(Word descriptor, void* buffer, Word size);
Word write_file(Word descriptor, const void* buffer, Word size);
Word close_file(Word descriptor);

// Starts `entry` on a stack of 64 KiB in the same address space: the new context's descriptor, or an error.
// Guest world only.
Word start_thread(void (*entry)(void*), void* argument);

// The registers an attack jumps with.
struct Registers {
    Word rax = 0, rbx = 0, rdi = 0, rsi = 0, rdx = 0, r10 = 0, r8 = 0, r9 = 0, r12 = 0, r13 = 0, r14 = 0,
         r15 = 0, rbp = 0, rsp = 0;
};
[[noreturn]] void jump(Word address, const Registers& registers);

// Runs the attack of that name; its result is the exit status. 64 where there is none.
int run_attack(std::string_view name);

// One attack of the program. Each file of attacks is one list.
struct Attack {
    std::string_view name;
    int (*run)();
};
std::span<const Attack> linux_call_attacks();
std::span<const Attack> instruction_attacks();
std::span<const Attack> stub_attacks();
std::span<const Attack> frame_attacks();
std::span<const Attack> memory_attacks();
std::span<const Attack> descriptor_attacks();
std::span<const Attack> path_attacks();
std::span<const Attack> thread_attacks();
std::span<const Attack> race_attacks();
std::span<const Attack> flood_attacks();
std::span<const Attack> control_attacks();
std::span<const Attack> id_attacks();

}  // namespace halfcell::attack
