// Stands in for the dynamic linker: prints what it is told about the program, then jumps to it with the stack
// as it was found. Linked far up, as ld.so is; without the guest runtime, which would start a program of its
// own.

#include <cstddef>
#include <cstdint>

#include "abi/auxv.h"
#include "abi/number.h"

namespace {

using Word = std::uint64_t;

void print(const char* text) {
    std::size_t size = 0;
    while (text[size] != '\0')
        ++size;
    Word result = halfcell::abi::SYS_WRITE;
    __asm__ volatile("syscall" : "+a"(result) : "D"(1), "S"(text), "d"(size) : "rcx", "r11", "memory");
}

void print_value(const char* name, Word value) {
    char digits[19];
    for (int i = 0; i < 16; ++i)
        digits[i] = "0123456789abcdef"[value >> (60 - 4 * i) & 15];
    digits[16] = '\n';
    digits[17] = '\0';
    print(name);
    print(digits);
}

}  // namespace

// Returns where the program begins.
extern "C" __attribute__((used)) Word linker_start(const Word* stack) {
    using halfcell::abi::Auxv;
    print("linker for ");
    print(reinterpret_cast<const char*>(stack[1]));
    print("\n");
    const Word* word = stack + 1 + stack[0] + 1;
    while (*word != 0)
        ++word;
    Word entry = 0;
    for (++word; word[0] != Auxv::kNull; word += 2) {
        if (word[0] == Auxv::kBase) {
            print_value("base ", word[1]);
            const auto magic = *reinterpret_cast<const std::uint32_t*>(word[1] + 0x20000000);
            print_value("there ", magic);
        }
        if (word[0] == Auxv::kPhdr)
            print_value("first header ", *reinterpret_cast<const std::uint32_t*>(word[1]));
        if (word[0] == Auxv::kPhnum) print_value("headers ", word[1]);
        if (word[0] == Auxv::kEntry) entry = word[1];
    }
    print_value("entry ", entry);
    return entry;
}

__asm__(
    ".globl _start\n"
    "_start:\n"
    "    movq %rsp, %rbx\n"
    "    movq %rsp, %rdi\n"
    "    andq $-16, %rsp\n"
    "    call linker_start\n"
    "    movq %rbx, %rsp\n"
    "    jmp *%rax\n");
