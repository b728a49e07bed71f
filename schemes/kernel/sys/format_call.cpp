#include "schemes/kernel/sys/format_call.h"

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <utility>

#include "abi/data.h"
#include "abi/names.h"
#include "abi/number.h"
#include "kernel_shim/base/utf8.h"
#include "kernel_shim/mem/user_slice.h"

namespace halfcell::schemes::sys {

namespace {

using Args = std::array<std::uint64_t, 6>;

std::string decimal(std::uint64_t value) {
    return std::to_string(value);
}
// Rust's {:#X} and {:#x}.
std::string upper_hex(std::uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%" PRIX64, value);
    return text;
}
std::string lower_hex(std::uint64_t value) {
    char text[24];
    std::snprintf(text, sizeof text, "0x%" PRIx64, value);
    return text;
}

// Bytes in quotes, escaped as Rust's ascii::escape_default does.
std::string quoted(std::string_view bytes) {
    std::string text = "\"";
    for (const char c : bytes) {
        constexpr std::string_view kSpecial = "\t\r\n'\"\\";
        constexpr std::string_view kLetters = "trn'\"\\";
        if (const std::size_t at = kSpecial.find(c); at != std::string_view::npos) {
            text.append("\\").append(1, kLetters[at]);
        } else if (c >= 0x20 && c < 0x7f) {
            text += c;
        } else {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\x%02x",
                          static_cast<unsigned>(static_cast<unsigned char>(c)));
            text += escape;
        }
    }
    return text + "\"";
}

// Rust's Debug form of a Result whose value is already text.
std::string debug(const Result<std::string>& result) {
    if (result) return "Ok(" + *result + ")";
    return std::string("Err(") + abi::errno_text(result.error()) + ")";
}

// A flag set as the bitflags crate prints it: names in the order of their declaration, what has none in hex.
template <typename Set>
std::string flag_text(std::uint64_t bits) {
    std::string text;
    std::uint64_t rest = bits;
    const auto add = [&text](std::string_view part) { text.append(text.empty() ? "" : " | ").append(part); };
    for (const abi::NamedValue& flag : abi::names_of<Set>()) {
        if ((bits & flag.value) != flag.value || (rest & flag.value) == 0) continue;
        add(flag.name);
        rest &= ~flag.value;
    }
    if (rest != 0 || bits == 0) add(lower_hex(rest));
    return text;
}

// What the reader's memory holds where the caller's pointers point.
class Memory {
  public:
    explicit Memory(mem::AddressSpace& space) : space_(space) {}

    [[nodiscard]] Result<std::string> bytes(std::uint64_t address, std::uint64_t size) const {
        constexpr std::uint64_t kMost = 4096;
        const mem::UserIn from = TRY(mem::UserIn::create(space_, address, size));
        std::string text(std::min(size, kMost), '\0');
        TRY(from.read(0, std::as_writable_bytes(std::span(text))));
        return text;
    }
    [[nodiscard]] std::string path(std::uint64_t address, std::uint64_t size) const {
        const auto read = [&]() -> Result<std::string> {
            constexpr std::uint64_t kLongestPath = 4096;
            if (size > kLongestPath) return fail(Errno::kENAMETOOLONG);
            const std::string text = TRY(bytes(address, size));
            if (!is_utf8(text)) return fail(Errno::kEINVAL);
            return quoted(text);
        };
        return debug(read());
    }
    [[nodiscard]] std::string buffer(std::uint64_t address, std::uint64_t size) const {
        return debug(bytes(address, size).map([](const std::string& text) { return quoted(text); }));
    }
    // A struct, or the error that reading it gives.
    template <typename T>
    [[nodiscard]] Result<T> read(std::uint64_t address, std::uint64_t size = sizeof(T)) const {
        const mem::UserIn from = TRY(mem::UserIn::create(space_, address, size));
        return from.read_exact<T>();
    }

  private:
    mem::AddressSpace& space_;
};

std::string text_of(const abi::TimeSpec& time) {
    return "TimeSpec { tv_sec: " + std::to_string(time.tv_sec) +
           ", tv_nsec: " + std::to_string(time.tv_nsec) + " }";
}

std::string text_of(const abi::Map& map) {
    return "Map { offset: " + decimal(map.offset) + ", size: " + decimal(map.size) + ", flags: MapFlags(" +
           flag_text<abi::MapFlags>(map.flags) + "), address: " + decimal(map.address) + " }";
}

std::string text_of(const abi::Stat& stat) {
    const std::pair<const char*, std::uint64_t> fields[] = {
        {"st_dev", stat.st_dev},
        {"st_ino", stat.st_ino},
        {"st_mode", stat.st_mode},
        {"st_nlink", stat.st_nlink},
        {"st_uid", stat.st_uid},
        {"st_gid", stat.st_gid},
        {"st_size", stat.st_size},
        {"st_blksize", stat.st_blksize},
        {"st_blocks", stat.st_blocks},
        {"st_mtime", stat.st_mtime_sec},
        {"st_mtime_nsec", stat.st_mtime_nsec},
        {"st_atime", stat.st_atime_sec},
        {"st_atime_nsec", stat.st_atime_nsec},
        {"st_ctime", stat.st_ctime_sec},
        {"st_ctime_nsec", stat.st_ctime_nsec},
    };
    std::string text = "Stat { ";
    for (const auto& [name, value] : fields)
        text.append(text.size() > 7 ? ", " : "").append(name).append(": ").append(decimal(value));
    return text + " }";
}

template <typename T>
std::string debug_struct(const Result<T>& value) {
    return debug(value.map([](const T& read) { return text_of(read); }));
}

// The flags of READ2 and WRITE2; all bits set stands for "as stored".
std::string rw_flags(std::uint64_t word) {
    if (word == UINT64_MAX) return "None";
    return "Some(RwFlags(" + flag_text<abi::RwFlags>(static_cast<std::uint32_t>(word)) + "))";
}

// None where a bit is set that has no name.
std::string protection_text(std::uint64_t flags) {
    std::uint64_t known = 0;
    for (const abi::NamedValue& flag : abi::names_of<abi::MapFlags>())
        known |= flag.value;
    if ((flags & ~known) != 0) return "None";
    return "Some(MapFlags(" + flag_text<abi::MapFlags>(flags) + "))";
}

std::string fcntl_name(std::uint64_t command) {
    const char* const name = abi::names_of<abi::FcntlCommand>().name_of(command);
    return name != nullptr ? name : "UNKNOWN";
}
std::string whence_name(std::uint64_t whence) {
    const char* const name = abi::names_of<abi::SeekWhence>().name_of(whence);
    return name != nullptr ? name : "UNKNOWN";
}

std::string octal(std::uint64_t value) {
    char text[32];
    std::snprintf(text, sizeof text, "0o%" PRIo64, value);
    return text;
}

std::string times_text(const Memory& memory, std::uint64_t address, std::uint64_t size) {
    const auto read = [&]() -> Result<std::string> {
        const auto first = TRY(memory.read<abi::TimeSpec>(address, size));
        std::string text = "[" + text_of(first);
        if (size >= sizeof(abi::TimeSpec)) {
            const std::uint64_t rest = size - sizeof(abi::TimeSpec);
            const auto second = TRY(memory.read<abi::TimeSpec>(address + sizeof(abi::TimeSpec), rest));
            text += ", " + text_of(second);
        }
        return text + "]";
    };
    return debug(read());
}

std::string metadata_text(const Memory& memory, std::uint64_t address, std::uint64_t count) {
    const auto read = [&]() -> Result<std::string> {
        const std::string bytes = TRY(memory.bytes(address, count * sizeof(std::uint64_t)));
        std::string text = "[";
        for (std::size_t at = 0; at + sizeof(std::uint64_t) <= bytes.size(); at += sizeof(std::uint64_t)) {
            std::uint64_t word = 0;
            std::memcpy(&word, bytes.data() + at, sizeof word);
            char digits[24];
            std::snprintf(digits, sizeof digits, "%" PRIx64, word);
            text.append(text.size() > 1 ? ", " : "").append(digits);
        }
        return text + "]";
    };
    return debug(read());
}

std::string call_text(const Memory& memory, const Args& a) {
    char range[48];
    std::snprintf(range, sizeof range, "%" PRIx64 "+%" PRIu64, a[1], a[2]);
    const std::uint64_t flags = a[3] & ~std::uint64_t{0xff};
    // The missing parenthesis is upstream's.
    return "call(" + decimal(a[0]) + ", " + range + ", CallFlags(" + flag_text<abi::CallFlags>(flags) +
           "), " + metadata_text(memory, a[4], a[3] & 0xff);
}

std::string futex_text(const Memory& memory, const Args& a) {
    const Result<std::string> word =
        memory.read<std::uint32_t>(a[0]).map([](std::uint32_t value) { return std::to_string(value); });
    return "futex(" + upper_hex(a[0]) + " [" + debug(word) + "], " + decimal(a[1]) + ", " + decimal(a[2]) +
           ", " + decimal(a[3]) + ", " + decimal(a[4]) + ")";
}

// "name(arg, arg)" with decimal arguments, those in `hex` as {:#X}.
std::string plain(const char* name, const Args& a, std::size_t count, unsigned hex = 0) {
    std::string text = std::string(name) + "(";
    for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) text += ", ";
        text += (hex >> i & 1) != 0 ? upper_hex(a[i]) : decimal(a[i]);
    }
    return text + ")";
}

std::string at_text(const char* name, const Memory& memory, const Args& a) {
    return std::string(name) + "(" + decimal(a[0]) + " " + memory.path(a[1], a[2]) + ", " + lower_hex(a[3]) +
           ", " + decimal(a[4]) + ", " + decimal(a[5]) + ")";
}

std::string transfer2_text(const char* name, const Args& a) {
    return std::string(name) + "(" + decimal(a[0]) + ", " + upper_hex(a[1]) + ", " + decimal(a[2]) + ", " +
           decimal(a[3]) + ", " + rw_flags(a[4]) + ")";
}

std::string unknown_text(std::uint64_t number, const Args& a) {
    std::string text = "UNKNOWN" + decimal(number) + " " + upper_hex(number) + "(";
    for (std::size_t i = 0; i < a.size(); ++i)
        text += (i > 0 ? ", " : "") + upper_hex(a[i]);
    return text + ")";
}

}  // namespace

std::string format_call(mem::AddressSpace& reader, std::uint64_t number, const Args& a) {
    const Memory memory(reader);
    switch (number) {
        case abi::SYS_OPENAT:
            return at_text("openat", memory, a);
        case abi::SYS_UNLINKAT:
            return at_text("unlinkat", memory, a);
        case abi::SYS_CLOSE:
            return plain("close", a, 1);
        case abi::SYS_DUP:
            return "dup(" + decimal(a[0]) + ", " + memory.buffer(a[1], a[2]) + ")";
        case abi::SYS_DUP2:
            return "dup2(" + decimal(a[0]) + ", " + decimal(a[1]) + ", " + memory.buffer(a[2], a[3]) + ")";
        case abi::SYS_SENDFD:
            return "sendfd(" + decimal(a[0]) + ", " + decimal(a[1]) + ", " + lower_hex(a[2]) + " " +
                   lower_hex(a[3]) + " " + lower_hex(a[4]) + ")";
        case abi::SYS_READ:
            return plain("read", a, 3, 0b010);
        case abi::SYS_WRITE:
            return plain("write", a, 3, 0b010);
        case abi::SYS_READ2:
            return transfer2_text("read2", a);
        case abi::SYS_WRITE2:
            return transfer2_text("write2", a);
        case abi::SYS_LSEEK:
            return "lseek(" + decimal(a[0]) + ", " + std::to_string(static_cast<std::int64_t>(a[1])) + ", " +
                   whence_name(a[2]) + " (" + decimal(a[2]) + "))";
        case abi::SYS_FCHMOD:
            return "fchmod(" + decimal(a[0]) + ", " + octal(a[1]) + ")";
        case abi::SYS_FCHOWN:
            return plain("fchown", a, 3);
        case abi::SYS_FCNTL:
            return "fcntl(" + decimal(a[0]) + ", " + fcntl_name(a[1]) + " (" + decimal(a[1]) + "), " +
                   upper_hex(a[2]) + ")";
        case abi::SYS_FMAP:
            return "fmap(" + decimal(a[0]) + ", " + debug_struct(memory.read<abi::Map>(a[1], a[2])) + ")";
        case abi::SYS_FUNMAP:
            return plain("funmap", a, 2, 0b11);
        case abi::SYS_FLINK:
            return "flink(" + decimal(a[0]) + ", " + memory.path(a[1], a[2]) + ")";
        case abi::SYS_FRENAME:
            return "frename(" + decimal(a[0]) + ", " + memory.path(a[1], a[2]) + ")";
        case abi::SYS_FPATH:
            return plain("fpath", a, 3, 0b010);
        case abi::SYS_FSTAT:
            return "fstat(" + decimal(a[0]) + ", " + debug_struct(memory.read<abi::Stat>(a[1], a[2])) + ")";
        case abi::SYS_FSTATVFS:
            return plain("fstatvfs", a, 3, 0b010);
        case abi::SYS_FSYNC:
            return plain("fsync", a, 1);
        case abi::SYS_FTRUNCATE:
            return plain("ftruncate", a, 2);
        case abi::SYS_FUTIMENS:
            return "futimens(" + decimal(a[0]) + ", " + times_text(memory, a[1], a[2]) + ")";
        case abi::SYS_CALL:
            return call_text(memory, a);
        case abi::SYS_CLOCK_GETTIME:
            return "clock_gettime(" + decimal(a[0]) + ", " + debug_struct(memory.read<abi::TimeSpec>(a[1])) +
                   ")";
        case abi::SYS_FUTEX:
            return futex_text(memory, a);
        case abi::SYS_MKNS:
            return "mkns(" + lower_hex(a[0]) + " len: " + decimal(a[1]) + ")";
        case abi::SYS_MPROTECT:
            return "mprotect(" + upper_hex(a[0]) + ", " + decimal(a[1]) + ", " + protection_text(a[2]) + ")";
        case abi::SYS_MREMAP:
            return plain("mremap", a, 5, 0b11111);
        case abi::SYS_NANOSLEEP:
            return "nanosleep(" + debug_struct(memory.read<abi::TimeSpec>(a[0])) + ", (" + decimal(a[1]) +
                   ", " + decimal(a[2]) + "))";
        case abi::SYS_YIELD:
            return "yield()";
        default:
            return unknown_text(number, a);
    }
}

}  // namespace halfcell::schemes::sys
