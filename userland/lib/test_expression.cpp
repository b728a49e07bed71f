#include "userland/lib/test_expression.h"

#include "userland/lib/number.h"
#include "userland/lib/tool.h"
#include "userland/rt/file.h"

namespace halfcell::userland {
namespace {

bool is_unary(std::string_view word) {
    constexpr std::string_view kLetters = "bcdefgGhkLNnOprsStuwxz";
    return word.size() == 2 && word[0] == '-' && kLetters.find(word[1]) != std::string_view::npos;
}

bool is_binary(std::string_view word) {
    for (const std::string_view known :
         {"=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"}) {
        if (word == known) return true;
    }
    return false;
}

// Whether the file may be opened for something: asked of whoever decides, by opening it.
bool may_open(std::string_view path, std::uint64_t flags) {
    return static_cast<bool>(open_file(path, flags | abi::OpenFlags::kCloexec));
}

bool may_write(std::string_view path, const abi::Stat& stat) {
    if (is_directory(stat)) return (stat.st_mode & 0222) != 0;
    return may_open(path, abi::OpenFlags::kWronly);
}

bool test_file(char letter, std::string_view path) {
    const bool link = letter == 'h' || letter == 'L';
    const Result<abi::Stat> stat = stat_file(path, link ? FollowLinks::kNo : FollowLinks::kYes);
    if (!stat) return false;
    const std::uint16_t type = stat->st_mode & abi::Mode::kType;
    switch (letter) {
        case 'b':
            return type == 0x6000;
        case 'c':
            return type == abi::Mode::kChr;
        case 'd':
            return type == abi::Mode::kDir;
        case 'f':
            return type == abi::Mode::kFile;
        case 'h':
        case 'L':
            return type == abi::Mode::kSymlink;
        case 'p':
            return type == abi::Mode::kFifo;
        case 'S':
            return type == abi::Mode::kSock;
        case 'g':
            return (stat->st_mode & 02000) != 0;
        case 'k':
            return (stat->st_mode & 01000) != 0;
        case 'u':
            return (stat->st_mode & 04000) != 0;
        case 's':
            return stat->st_size > 0;
        case 'r':
            return may_open(path, abi::OpenFlags::kRdonly);
        case 'w':
            return may_write(path, *stat);
        case 'x':
            return (stat->st_mode & 0111) != 0;
        case 'N':
            return std::pair(stat->st_mtime_sec, stat->st_mtime_nsec) >
                   std::pair(stat->st_atime_sec, stat->st_atime_nsec);
        default:
            // -e, and -O and -G: a guest owns what it sees, as far as it can tell.
            return true;
    }
}

class Evaluator {
  public:
    Evaluator(std::span<const std::string_view> words, std::string& error) : words_(words), error_(error) {}

    // POSIX decides short expressions by their number of words.
    bool run() {
        switch (words_.size()) {
            case 0:
                return false;
            case 1:
                return !words_[0].empty();
            case 2:
                return two_words(0);
            case 3:
                return three_words(0);
            case 4:
                if (words_[0] == "!") return !three_words(1);
                if (words_[0] == "(" && words_[3] == ")") return two_words(1);
                break;
            default:
                break;
        }
        const bool value = disjunction();
        if (at_ < words_.size()) fail(concat("extra argument ", quoted(words_[at_])));
        return value;
    }

  private:
    // The first mistake counts; evaluation goes on, as nothing depends on its result any more.
    bool fail(std::string_view message) {
        if (error_.empty()) error_ = message;
        return false;
    }

    bool two_words(std::size_t at) {
        if (words_[at] == "!") return words_[at + 1].empty();
        if (is_unary(words_[at])) return unary(words_[at], words_[at + 1]);
        return fail(concat(quoted(words_[at]), ": unary operator expected"));
    }

    bool three_words(std::size_t at) {
        const std::string_view operation = words_[at + 1];
        if (is_binary(operation)) return binary(words_[at], operation, words_[at + 2]);
        if (words_[at] == "!") return !two_words(at + 1);
        if (words_[at] == "(" && words_[at + 2] == ")") return !words_[at + 1].empty();
        if (operation == "-a") return !words_[at].empty() && !words_[at + 2].empty();
        if (operation == "-o") return !words_[at].empty() || !words_[at + 2].empty();
        return fail(concat(quoted(operation), ": binary operator expected"));
    }

    bool disjunction() {
        bool value = conjunction();
        while (accept("-o"))
            value = conjunction() || value;
        return value;
    }
    bool conjunction() {
        bool value = negation();
        while (accept("-a"))
            value = negation() && value;
        return value;
    }
    bool negation() {
        if (at_ + 1 < words_.size() && accept("!")) return !negation();
        return primary();
    }

    bool primary() {
        if (at_ == words_.size()) return fail(concat("missing argument after ", quoted(words_.back())));
        const bool binary_follows = at_ + 2 < words_.size() && is_binary(words_[at_ + 1]);
        if (words_[at_] == "(" && !binary_follows) {
            ++at_;
            const bool value = disjunction();
            if (!accept(")")) return fail("')' expected");
            return value;
        }
        if (binary_follows) {
            at_ += 3;
            return binary(words_[at_ - 3], words_[at_ - 2], words_[at_ - 1]);
        }
        if (at_ + 1 < words_.size() && is_unary(words_[at_])) {
            at_ += 2;
            return unary(words_[at_ - 2], words_[at_ - 1]);
        }
        return !words_[at_++].empty();
    }

    bool accept(std::string_view word) {
        if (at_ == words_.size() || words_[at_] != word) return false;
        ++at_;
        return true;
    }

    bool unary(std::string_view operation, std::string_view operand) {
        switch (operation[1]) {
            case 'n':
                return !operand.empty();
            case 'z':
                return operand.empty();
            case 't': {
                const auto fd = parse_unsigned(operand);
                if (!fd) return fail(concat("invalid integer ", quoted(operand)));
                return is_terminal(Fd{*fd});
            }
            default:
                return test_file(operation[1], operand);
        }
    }

    static std::string_view trimmed(std::string_view text) {
        while (text.starts_with(' ') || text.starts_with('\t'))
            text.remove_prefix(1);
        while (text.ends_with(' ') || text.ends_with('\t'))
            text.remove_suffix(1);
        return text;
    }

    bool check_integer(std::string_view text) {
        std::string_view digits = trimmed(text);
        if (digits.starts_with('-') || digits.starts_with('+')) digits.remove_prefix(1);
        if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) {
            return fail(concat("invalid integer ", quoted(text)));
        }
        return true;
    }

    bool binary(std::string_view left, std::string_view operation, std::string_view right) {
        if (operation == "=" || operation == "==") return left == right;
        if (operation == "!=") return left != right;
        if (operation == "<") return left < right;
        if (operation == ">") return left > right;
        if (operation == "-nt" || operation == "-ot" || operation == "-ef")
            return files(left, operation, right);
        if (!check_integer(left) || !check_integer(right)) return false;
        std::string_view a = trimmed(left);
        std::string_view b = trimmed(right);
        if (a.starts_with('+')) a.remove_prefix(1);
        if (b.starts_with('+')) b.remove_prefix(1);
        const int order = compare_numbers(a, b);
        if (operation == "-eq") return order == 0;
        if (operation == "-ne") return order != 0;
        if (operation == "-lt") return order < 0;
        if (operation == "-le") return order <= 0;
        if (operation == "-gt") return order > 0;
        return order >= 0;
    }

    static bool files(std::string_view left, std::string_view operation, std::string_view right) {
        const Result<abi::Stat> a = stat_file(left);
        const Result<abi::Stat> b = stat_file(right);
        if (operation == "-ef") return a && b && same_file(*a, *b);
        const auto time = [](const abi::Stat& stat) {
            return std::pair(stat.st_mtime_sec, stat.st_mtime_nsec);
        };
        // A file that exists is newer than one that does not.
        if (operation == "-nt") return a && (!b || time(*a) > time(*b));
        return b && (!a || time(*a) < time(*b));
    }

    std::span<const std::string_view> words_;
    std::string& error_;
    std::size_t at_ = 0;
};

}  // namespace

int evaluate_test(std::span<const std::string_view> arguments, std::string& error) {
    const bool holds = Evaluator(arguments, error).run();
    if (!error.empty()) return 2;
    return holds ? 0 : 1;
}

}  // namespace halfcell::userland
