#include "tests/security/guest/world.h"

#include "abi/auxv.h"
#include "abi/data.h"
#include "abi/flags.h"
#include "abi/number.h"
#include "abi/proc_call.h"

namespace halfcell::attack {

namespace {

constinit World the_world;

Word parse_number(const char* text) {
    const bool hex = text[0] == '0' && text[1] == 'x';
    Word value = 0;
    for (const char* at = hex ? text + 2 : text; *at != 0; ++at) {
        const Word digit = static_cast<Word>(*at <= '9' ? *at - '0' : (*at | 0x20) - 'a' + 10);
        value = value * (hex ? 16 : 10) + digit;
    }
    return value;
}

Word write_words(Word thread, std::string_view name, const Word* words, Word count) {
    const Word handle = call(abi::SYS_DUP, thread, word(name.data()), name.size());
    if (is_error(handle)) return handle;
    const Word written = call(abi::SYS_WRITE, handle, word(words), count * sizeof(Word));
    const Word closed = call(abi::SYS_CLOSE, handle);
    return is_error(written) ? written : closed;
}

struct ThreadStart {
    void (*entry)(void*);
    void* argument;
};

extern "C" __attribute__((used)) void attack_thread_main(ThreadStart* start) {
    start->entry(start->argument);
    for (;;)
        call(abi::SYS_YIELD);
}
extern "C" void attack_thread_entry();
__asm__(
    ".globl attack_thread_entry\n"
    "attack_thread_entry:\n"
    "    cld\n"
    "    movq %rsi, %rdi\n"
    "    call attack_thread_main\n"
    "    ud2\n");

}  // namespace

const World& world() {
    return the_world;
}

const char* text_argument(int index) {
    return index + 2 < the_world.argument_count ? the_world.arguments[index + 2] : "";
}

Word number_argument(int index) {
    return parse_number(text_argument(index));
}

void say(std::string_view text) {
    write_file(1, text.data(), text.size());
}

void say_number(Word value) {
    char digits[24];
    char* at = digits + sizeof digits;
    do {
        *--at = static_cast<char>('0' + value % 10);
        value /= 10;
    } while (value != 0);
    say({at, static_cast<std::size_t>(digits + sizeof digits - at)});
}

void say_hex(Word value) {
    char digits[24];
    char* at = digits + sizeof digits;
    do {
        *--at = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value != 0);
    say("0x");
    say({at, static_cast<std::size_t>(digits + sizeof digits - at)});
}

void say_result(std::string_view name, Word result) {
    say(name);
    if (is_error(result)) {
        say(": error ");
        say_number(static_cast<Word>(error_of(result)));
    } else {
        say(": ");
        say_number(result);
    }
    say("\n");
}

void say_effect(std::string_view what) {
    say("EFFECT ");
    say(what);
    say("\n");
}

void leave(int status) {
    if (!the_world.guest) call(linux_call::kExitGroup, static_cast<Word>(status));
    const Word words[] = {static_cast<Word>(abi::ProcCall::kExit), static_cast<Word>(status)};
    call(abi::SYS_CALL, the_world.process, 0, 0, 2, word(words));
    __builtin_trap();
}

Word map_memory(Word address, Word size, bool executable) {
    if (!the_world.guest) {
        constexpr Word kPrivateAnonymous = 0x22;
        constexpr Word kFixedNoReplace = 0x100000;
        return call(linux_call::kMmap, address, size, executable ? 7 : 3,
                    kPrivateAnonymous | (address != 0 ? kFixedNoReplace : 0), ~Word{0}, 0);
    }
    using Flags = abi::MapFlags;
    const abi::Map map{.offset = 0,
                       .size = size,
                       .flags = Flags::kProtRead | Flags::kProtWrite | Flags::kMapPrivate |
                                (executable ? Flags::kProtExec : 0) |
                                (address != 0 ? Flags::kMapFixedNoreplace : 0),
                       .address = address};
    return call(abi::SYS_FMAP, ~Word{0}, word(&map), sizeof map);
}

Word open_path(std::string_view path, bool writing) {
    if (!the_world.guest) return call(linux_call::kOpen, word(path.data()), writing ? 2 : 0, 0);
    const Word directory = path.starts_with('/') ? the_world.name_space : the_world.directory;
    return call(abi::SYS_OPENAT, directory, word(path.data()), path.size(),
                writing ? abi::OpenFlags::kRdwr : abi::OpenFlags::kRdonly, 0);
}

Word read_file(Word descriptor, void* buffer, Word size) {
    return call(the_world.guest ? abi::SYS_READ : linux_call::kRead, descriptor, word(buffer), size);
}

Word write_file(Word descriptor, const void* buffer, Word size) {
    return call(the_world.guest ? abi::SYS_WRITE : linux_call::kWrite, descriptor, word(buffer), size);
}

Word close_file(Word descriptor) {
    return call(the_world.guest ? abi::SYS_CLOSE : linux_call::kClose, descriptor);
}

Word start_thread(void (*entry)(void*), void* argument) {
    constexpr Word kStackSize = 64 * 1024;
    const Word stack = map_memory(0, kStackSize, false);
    if (is_error(stack)) return stack;
    auto* const start = reinterpret_cast<ThreadStart*>(stack);
    *start = {entry, argument};
    const Word thread = call(abi::SYS_DUP, the_world.process, word("new-thread"), 10);
    if (is_error(thread)) return thread;
    const Word space = call(abi::SYS_DUP, the_world.thread, word("addrspace"), 9);
    const Word table = call(abi::SYS_DUP, the_world.thread, word("filetable"), 9);
    const Word image[] = {space, stack + kStackSize - 16, reinterpret_cast<Word>(&attack_thread_entry),
                          stack};
    Word result = write_words(thread, "current-addrspace", image, 4);
    if (!is_error(result)) result = write_words(thread, "current-filetable", &table, 1);
    if (!is_error(result)) {
        const Word handle = call(abi::SYS_DUP, thread, word("start"), 5);
        result = is_error(handle) ? handle : call(abi::SYS_WRITE, handle, word("x"), 1);
        close_file(handle);
    }
    close_file(space);
    close_file(table);
    return is_error(result) ? result : thread;
}

extern "C" [[noreturn]] void attack_jump(Word address, const Registers* registers);
__asm__(
    ".globl attack_jump\n"
    "attack_jump:\n"
    "    movq %rdi, %r11\n"
    "    movq %rsi, %rcx\n"
    "    movq 0(%rcx), %rax\n"
    "    movq 8(%rcx), %rbx\n"
    "    movq 16(%rcx), %rdi\n"
    "    movq 24(%rcx), %rsi\n"
    "    movq 32(%rcx), %rdx\n"
    "    movq 40(%rcx), %r10\n"
    "    movq 48(%rcx), %r8\n"
    "    movq 56(%rcx), %r9\n"
    "    movq 64(%rcx), %r12\n"
    "    movq 72(%rcx), %r13\n"
    "    movq 80(%rcx), %r14\n"
    "    movq 88(%rcx), %r15\n"
    "    movq 96(%rcx), %rbp\n"
    "    movq 104(%rcx), %rsp\n"
    "    jmpq *%r11\n");

void jump(Word address, const Registers& registers) {
    attack_jump(address, &registers);
}

extern "C" __attribute__((used)) void attack_start(Word* stack) {
    the_world.argument_count = static_cast<int>(stack[0]);
    the_world.arguments = reinterpret_cast<char**>(stack + 1);
    Word* at = stack + 1 + stack[0] + 1;
    while (*at != 0)
        ++at;
    for (const auto* entry = reinterpret_cast<const abi::AuxvEntry*>(at + 1); entry->key != abi::Auxv::kNull;
         ++entry) {
        if (entry->key == abi::Auxv::kRedoxProcFd) {
            the_world.guest = true;
            the_world.process = entry->value;
        }
        if (entry->key == abi::Auxv::kRedoxThrFd) the_world.thread = entry->value;
        if (entry->key == abi::Auxv::kRedoxNsFd) the_world.name_space = entry->value;
        if (entry->key == abi::Auxv::kRedoxCwdFd) the_world.directory = entry->value;
    }
    leave(run_attack(the_world.argument_count > 1 ? the_world.arguments[1] : ""));
}

__asm__(
    ".globl _start\n"
    "_start:\n"
    "    xorl %ebp, %ebp\n"
    "    movq %rsp, %rdi\n"
    "    andq $-16, %rsp\n"
    "    cld\n"
    "    call attack_start\n"
    "    ud2\n");

}  // namespace halfcell::attack
