#include "userland/lib/mode.h"

#include "abi/flags.h"
#include "userland/lib/number.h"

namespace halfcell::userland {
namespace {

constexpr std::uint16_t kPermissions = 07777;

// The bits a class owns, with its special bit.
std::uint16_t class_mask(char letter) {
    switch (letter) {
        case 'u':
            return 04700;
        case 'g':
            return 02070;
        case 'o':
            return 01007;
        case 'a':
            return 07777;
        default:
            return 0;
    }
}

struct Context {
    std::uint16_t mode;
    bool directory;
    std::uint16_t umask;
};

// The bits letters such as "rwX" or "u" stand for, spread over all classes.
std::optional<std::uint16_t> permission_bits(std::string_view letters, const Context& context) {
    std::uint16_t bits = 0;
    for (const char letter : letters) {
        switch (letter) {
            case 'r':
                bits |= 0444;
                break;
            case 'w':
                bits |= 0222;
                break;
            case 'x':
                bits |= 0111;
                break;
            case 'X':
                if (context.directory || (context.mode & 0111) != 0) bits |= 0111;
                break;
            case 's':
                bits |= 06000;
                break;
            case 't':
                bits |= 01000;
                break;
            case 'u':
                bits = static_cast<std::uint16_t>(bits | ((context.mode >> 6) & 7) * 0111);
                break;
            case 'g':
                bits = static_cast<std::uint16_t>(bits | ((context.mode >> 3) & 7) * 0111);
                break;
            case 'o':
                bits = static_cast<std::uint16_t>(bits | (context.mode & 7) * 0111);
                break;
            default:
                return {};
        }
    }
    return bits;
}

// One clause: classes, then one or more of an operator with its permissions. False where it is none.
bool apply_clause(std::string_view clause, Context& context) {
    std::uint16_t who = 0;
    std::size_t at = 0;
    while (at < clause.size() && class_mask(clause[at]) != 0)
        who |= class_mask(clause[at++]);
    if (at == clause.size()) return false;
    const bool everyone = at == 0;
    if (everyone) who = kPermissions;
    while (at < clause.size()) {
        const char operation = clause[at++];
        if (operation != '+' && operation != '-' && operation != '=') return false;
        const std::size_t end = clause.find_first_of("+-=", at);
        const std::string_view letters = clause.substr(at, end == std::string_view::npos ? end : end - at);
        const std::optional<std::uint16_t> bits = permission_bits(letters, context);
        if (!bits) return false;
        auto affected = static_cast<std::uint16_t>(*bits & who);
        if (everyone) affected = static_cast<std::uint16_t>(affected & ~context.umask);
        if (operation == '-') {
            context.mode = static_cast<std::uint16_t>(context.mode & ~affected);
        } else if (operation == '+') {
            context.mode |= affected;
        } else {
            // Set-id bits of a directory stay unless they are named.
            const std::uint16_t kept = context.directory ? 06000 : 0;
            context.mode = static_cast<std::uint16_t>((context.mode & (~who | kept)) | affected);
        }
        at += letters.size();
    }
    return true;
}

}  // namespace

std::string mode_text(std::uint16_t mode) {
    using abi::Mode;
    std::string text(10, '-');
    switch (mode & Mode::kType) {
        case Mode::kDir:
            text[0] = 'd';
            break;
        case Mode::kSymlink:
            text[0] = 'l';
            break;
        case Mode::kChr:
            text[0] = 'c';
            break;
        case Mode::kFifo:
            text[0] = 'p';
            break;
        case Mode::kSock:
            text[0] = 's';
            break;
        case 0x6000:
            text[0] = 'b';
            break;
        default:
            break;
    }
    constexpr std::string_view kLetters = "rwxrwxrwx";
    for (std::size_t i = 0; i < 9; ++i) {
        if ((mode >> (8 - i) & 1) != 0) text[i + 1] = kLetters[i];
    }
    const auto special = [&text, mode](std::uint16_t bit, std::size_t at, char with_x, char without_x) {
        if ((mode & bit) != 0) text[at] = text[at] == 'x' ? with_x : without_x;
    };
    special(04000, 3, 's', 'S');
    special(02000, 6, 's', 'S');
    special(01000, 9, 't', 'T');
    return text;
}

std::string_view file_type_text(std::uint16_t mode, std::uint64_t size) {
    using abi::Mode;
    switch (mode & Mode::kType) {
        case Mode::kDir:
            return "directory";
        case Mode::kSymlink:
            return "symbolic link";
        case Mode::kChr:
            return "character special file";
        case Mode::kFifo:
            return "fifo";
        case Mode::kSock:
            return "socket";
        case 0x6000:
            return "block special file";
        case Mode::kFile:
            return size == 0 ? "regular empty file" : "regular file";
        default:
            return "weird file";
    }
}

bool is_mode_expression(std::string_view expression) {
    return apply_mode(expression, 0, false, 0).has_value();
}

std::optional<std::uint16_t> apply_mode(std::string_view expression, std::uint16_t mode, bool directory,
                                        std::uint16_t umask) {
    if (expression.find_first_not_of("01234567") == std::string_view::npos) {
        const std::optional<std::uint32_t> octal = parse_octal(expression);
        if (!octal || *octal > kPermissions) return {};
        return static_cast<std::uint16_t>(*octal);
    }
    Context context{static_cast<std::uint16_t>(mode & kPermissions), directory, umask};
    for (;;) {
        const std::size_t comma = expression.find(',');
        if (!apply_clause(expression.substr(0, comma), context)) return {};
        if (comma == std::string_view::npos) return context.mode;
        expression.remove_prefix(comma + 1);
    }
}

}  // namespace halfcell::userland
