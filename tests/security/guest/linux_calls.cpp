// Attacks with Linux's own call numbers and arguments, made by a plain `syscall` instruction.

#include <cstring>

#include "tests/security/guest/world.h"

namespace halfcell::attack {

namespace {

using namespace linux_call;

constexpr Word kCurrentDirectory = static_cast<Word>(-100);
constexpr Word kWriteCreate = 0101;  // O_WRONLY | O_CREAT
constexpr Word kSigkill = 9;

// The path given as first argument with a letter behind it.
struct MarkedPath {
    explicit MarkedPath(char mark) {
        const char* const base = text_argument(0);
        std::size_t size = 0;
        while (base[size] != 0 && size < sizeof text - 2)
            ++size;
        std::memcpy(text, base, size);
        text[size] = mark;
        text[size + 1] = 0;
    }
    [[nodiscard]] Word address() const { return word(text); }
    char text[512]{};
};

// PATH: makes PATHa, PATHb… in every way Linux has.
int create_files() {
    const MarkedPath a('a'), b('b'), c('c'), d('d'), e('e'), f('f');
    call(kOpen, a.address(), kWriteCreate, 0644);
    call(kCreat, b.address(), 0644);
    call(kOpenat, kCurrentDirectory, c.address(), kWriteCreate, 0644);
    const Word how[3] = {kWriteCreate, 0644, 0};
    call(kOpenat2, kCurrentDirectory, d.address(), word(how), sizeof how);
    call(kMkdir, e.address(), 0755);
    call(kMkdirat, kCurrentDirectory, f.address(), 0755);
    return 0;
}

// PATH EXISTING: links, symbolic links and renames to PATHl, PATHm, PATHn. 265 is also Redox's clock_gettime.
int link_files() {
    const MarkedPath l('l'), m('m'), n('n');
    const Word existing = word(text_argument(1));
    call(kLinkat, kCurrentDirectory, existing, kCurrentDirectory, l.address(), 0);
    call(kLink, existing, m.address());
    call(kSymlink, existing, n.address());
    return 0;
}

// PATH: lets a shell make PATH.
int execute() {
    const char* const arguments[] = {"/bin/sh", "-c", "echo > \"$0\"", text_argument(0), nullptr};
    const char* const environment[] = {nullptr};
    call(kExecve, word(arguments[0]), word(arguments), word(environment));
    call(kExecveat, kCurrentDirectory, word(arguments[0]), word(arguments), word(environment), 0);
    return 0;
}

// PORT: connects to it on the loop-back interface and sends a byte.
int connect_to() {
    constexpr Word kInet = 2, kStream = 1;
    const Word port = number_argument(0);
    const std::uint8_t address[16] = {
        2, 0, static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port), 127, 0, 0, 1};
    const Word socket = call(kSocket, kInet, kStream, 0);
    call(kConnect, socket, word(address), sizeof address);
    call(kSendto, socket, word("x"), 1, 0, 0, 0);
    return 0;
}

// PID: kills it in every way.
int kill_process() {
    const Word target = number_argument(0);
    call(kTgkill, target, target, kSigkill);
    call(kTkill, target, kSigkill);
    const Word handle = call(kPidfdOpen, target, 0);
    call(kPidfdSendSignal, handle, kSigkill, 0, 0);
    call(kKill, target, kSigkill);
    return 0;
}

// PID ADDRESS: overwrites eight bytes there.
int write_process_memory() {
    const Word text = 0x4445'4b43'4154'5441;  // "ATTACKED"
    const Word local[2] = {word(&text), sizeof text};
    const Word remote[2] = {number_argument(1), sizeof text};
    call(kProcessVmWritev, number_argument(0), word(local), 1, word(remote), 1, 0);
    return 0;
}

// PID ADDRESS: the same by ptrace.
int trace_process() {
    constexpr Word kAttach = 16, kPoke = 4, kDetach = 17;
    const Word target = number_argument(0);
    if (is_error(call(kPtrace, kAttach, target, 0, 0))) return 0;
    constexpr Word kWaitAll = 0x4000'0000;
    call(kWait4, target, 0, kWaitAll, 0);
    call(kPtrace, kPoke, target, number_argument(1), 0x4445'4b43'4154'5441);
    call(kPtrace, kDetach, target, 0, 0);
    return 0;
}

// A ring whose submission queue can be mapped and says how long it is.
int make_ring() {
    std::uint32_t parameters[30]{};
    const Word ring = call(kIoUringSetup, 8, word(parameters));
    constexpr Word kShared = 1, kReadWrite = 3;
    const Word queue = call(kMmap, 0, 4096, kReadWrite, kShared, ring, 0);
    if (is_error(ring) || is_error(queue)) return 0;
    const std::uint32_t entries_at = parameters[10 + 3];
    if (*reinterpret_cast<const std::uint32_t*>(queue + entries_at) == 8) say_effect("a ring of 8 entries");
    return 0;
}

// A second thread of Linux's, which leaves a mark in shared memory.
constinit volatile Word mark_of_child = 0;
alignas(16) constinit std::uint8_t child_stack[8192]{};

int make_thread() {
    constexpr Word kSharedMemory = 0x100;  // CLONE_VM
    constexpr Word kChildSignal = 17;
    Word result = kClone;
    register Word none __asm__("r10") = 0;
    __asm__ volatile(
        "syscall\n"
        "test %%rax, %%rax\n"
        "jnz 1f\n"
        "movq $1, (%%rbx)\n"
        "movl $60, %%eax\n"
        "xorl %%edi, %%edi\n"
        "syscall\n"
        "ud2\n"
        "1:\n"
        : "+a"(result)
        : "D"(kSharedMemory | kChildSignal), "S"(child_stack + sizeof child_stack), "d"(0), "r"(none),
          "b"(&mark_of_child)
        : "rcx", "r11", "memory");
    constexpr Word kWaitAll = 0x4000'0000;
    if (!is_error(result)) call(kWait4, result, 0, kWaitAll, 0);
    if (mark_of_child == 1) say_effect("a thread of Linux's ran");
    return 0;
}

// Memory that the supervisor knows nothing of.
int map_executable() {
    constexpr Word kAddress = 0x7000'0000;
    constexpr Word kPrivateAnonymousFixed = 0x32;
    const Word result = call(kMmap, kAddress, 4096, 7, kPrivateAnonymousFixed, ~Word{0}, 0);
    if (result != kAddress) return 0;
    *reinterpret_cast<volatile std::uint8_t*>(kAddress) = 0xc3;
    reinterpret_cast<void (*)()>(kAddress)();
    say_effect("unbooked executable memory");
    return 0;
}

// 158 is arch_prctl to Linux and yield to Redox.
int set_segment_base() {
    constexpr Word kSetFs = 0x1002;
    static Word segment[2] = {0x5345'474d'454e'5421, 0};
    call(kArchPrctl, kSetFs, word(segment));
    Word base;
    __asm__ volatile("rdfsbase %0" : "=r"(base));
    if (base == word(segment)) say_effect("arch_prctl moved the FS base");
    return 0;
}

// Linux lets these two through every seccomp filter, and ends who makes them anywhere but in a trampoline of
// its own. See trampoline_number.
constexpr Word kUretprobe = 335, kUprobe = 336;

// FIRST LAST: each number with arguments nothing can be done with, but for those Redox has too. What does not
// answer ENOSYS is named; the last line counts the calls.
int sweep_numbers() {
    constexpr int kNotImplemented = 38;
    Word made = 0, other = 0;
    for (Word number = number_argument(0); number <= number_argument(1); ++number) {
        const bool of_redox = number == 125 || number == 155 || number == 158 || number == 162 ||
                              number == 240 || number == 265;
        if (of_redox || number == kUretprobe || number == kUprobe) continue;
        for (const Word argument : {Word{0}, ~Word{0}, word(text_argument(0))}) {
            ++made;
            const Word result = call(number, argument, argument, argument, argument, argument, argument);
            if (error_of(result) == kNotImplemented) continue;
            ++other;
            say("number ");
            say_number(number);
            say_result("", result);
        }
    }
    say_result("calls", made);
    say_result("answered", other);
    return 0;
}

// NUMBER: one of those two.
int trampoline_number() {
    const Word result = call(number_argument(0));
    if (!is_error(result)) say_effect("Linux did it");
    say_result("", result);
    return 0;
}

// Numbers that do no harm to who makes them; says whether Linux answers them.
int sweep_harmless() {
    Word answered = 0;
    for (const Word number : {Word{39}, Word{110}, Word{102}, Word{104}, Word{24}, Word{186}})
        if (!is_error(call(number))) ++answered;
    if (answered == 6) say_effect("Linux answered getpid and its like");
    return 0;
}

constexpr Attack kAttacks[] = {
    {"create-files", create_files},
    {"link-files", link_files},
    {"execute", execute},
    {"connect", connect_to},
    {"kill", kill_process},
    {"write-process-memory", write_process_memory},
    {"trace-process", trace_process},
    {"make-ring", make_ring},
    {"make-thread", make_thread},
    {"map-executable", map_executable},
    {"set-segment-base", set_segment_base},
    {"sweep-numbers", sweep_numbers},
    {"trampoline-number", trampoline_number},
    {"sweep-harmless", sweep_harmless},
};

}  // namespace

std::span<const Attack> linux_call_attacks() {
    return kAttacks;
}

}  // namespace halfcell::attack
