#include "kernel_shim/supervisor/exception_text.h"

#include <cinttypes>
#include <cstdio>

namespace halfcell::supervisor {

namespace {

constexpr std::uint64_t kPageFault = 14;
// Bits of a page fault's error code.
constexpr std::uint64_t kPresent = 1;
constexpr std::uint64_t kWrite = 2;
constexpr std::uint64_t kFetch = 16;

const char* vector_name(std::uint64_t vector) {
    switch (vector) {
        case 0:
            return "divide error";
        case 1:
            return "debug trap";
        case 3:
            return "breakpoint";
        case 4:
            return "overflow";
        case 5:
            return "bound range exceeded";
        case 6:
            return "invalid opcode";
        case 13:
            return "general protection fault";
        case 16:
            return "x87 floating-point error";
        case 17:
            return "alignment check";
        case 19:
            return "SIMD floating-point error";
        default:
            return "CPU exception";
    }
}

}  // namespace

std::string describe_exception(const abi::Exception& exception) {
    char text[160];
    if (exception.kind == kPageFault) {
        const char* const access = (exception.code & kFetch) != 0   ? "execution of"
                                   : (exception.code & kWrite) != 0 ? "write to"
                                                                    : "read of";
        const char* const why =
            (exception.code & kPresent) != 0 ? "its grant does not allow that" : "nothing is mapped there";
        std::snprintf(text, sizeof text, "page fault: %s 0x%" PRIx64 " (%s)", access, exception.address, why);
    } else {
        std::snprintf(text, sizeof text, "%s (exception %" PRIu64 ", code %" PRIu64 ")",
                      vector_name(exception.kind), exception.kind, exception.code);
    }
    return text;
}

}  // namespace halfcell::supervisor
