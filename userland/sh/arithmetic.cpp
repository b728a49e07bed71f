#include "userland/sh/arithmetic.h"

#include "userland/lib/number.h"
#include "userland/sh/characters.h"

namespace halfcell::userland::sh {
namespace {

constexpr int kMaxDepth = 100;

// Longer ones first, so that the first that fits is the right one.
constexpr std::string_view kOperators[] = {
    "<<=", ">>=", "&&", "||", "<<", ">>", "<=", ">=", "==", "!=", "+=", "-=",
    "*=",  "/=",  "%=", "&=", "^=", "|=", "+",  "-",  "*",  "/",  "%",  "<",
    ">",   "=",   "!",  "~",  "&",  "|",  "^",  "?",  ":",  "(",  ")"};

struct Binary {
    std::string_view sign;
    int precedence;
};
constexpr Binary kBinary[] = {{"||", 1}, {"&&", 2}, {"|", 3},  {"^", 4},  {"&", 5},  {"==", 6},
                              {"!=", 6}, {"<", 7},  {"<=", 7}, {">", 7},  {">=", 7}, {"<<", 8},
                              {">>", 8}, {"+", 9},  {"-", 9},  {"*", 10}, {"/", 10}, {"%", 10}};

int precedence_of(std::string_view sign) {
    for (const Binary& binary : kBinary) {
        if (binary.sign == sign) return binary.precedence;
    }
    return 0;
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n';
}

class Evaluator {
  public:
    Evaluator(std::string_view text, ArithmeticVariables& variables, std::string& error)
        : text_(text), variables_(variables), error_(error) {
        advance();
    }

    std::optional<std::int64_t> run() {
        if (operator_.empty() && at_ == text_.size() && operand_.empty() && error_.empty()) return 0;
        const std::int64_t value = assignment();
        if (error_.empty() && !at_end()) fail("expecting EOF");
        if (!error_.empty()) return {};
        return value;
    }

  private:
    void fail(std::string_view what) {
        if (!error_.empty()) return;
        error_ = "arithmetic expression: " + std::string(what) + ": \"" + std::string(text_) + "\"";
    }
    bool at_end() const { return operator_.empty() && operand_.empty(); }

    // Takes the next token: an operator, a number or a name.
    void advance() {
        operator_ = {};
        operand_ = {};
        while (at_ < text_.size() && is_space(text_[at_]))
            ++at_;
        if (at_ == text_.size()) return;
        const std::size_t begin = at_;
        while (at_ < text_.size() && is_name_character(static_cast<unsigned char>(text_[at_])))
            ++at_;
        operand_ = text_.substr(begin, at_ - begin);
        if (!operand_.empty()) return;
        for (const std::string_view sign : kOperators) {
            if (!text_.substr(at_).starts_with(sign)) continue;
            operator_ = sign;
            at_ += sign.size();
            return;
        }
        fail("expecting primary");
    }
    bool accept(std::string_view sign) {
        if (operator_ != sign) return false;
        advance();
        return true;
    }

    // NAME = value and its relatives; they bind less than all else and to the right.
    std::int64_t assignment() {
        if (++depth_ > kMaxDepth) fail("nested too deeply");
        std::int64_t value = 0;
        if (error_.empty()) value = assignment_or_condition();
        --depth_;
        return value;
    }
    std::int64_t assignment_or_condition() {
        const std::size_t at = at_;
        const std::string_view name = operand_;
        if (!is_name(name)) return condition();
        advance();
        const std::string_view sign = operator_;
        const bool assigns = sign == "=" || (sign.size() >= 2 && sign.back() == '=' && sign != "==" &&
                                             sign != "!=" && sign != "<=" && sign != ">=");
        if (!assigns) {
            at_ = at;
            operator_ = {};
            operand_ = name;
            return condition();
        }
        advance();
        std::int64_t value = assignment();
        if (!error_.empty() || !evaluating()) return value;
        if (sign != "=") value = apply(sign.substr(0, sign.size() - 1), variable(name), value);
        if (error_.empty()) (void)variables_.assign_arithmetic(name, value, error_);
        return value;
    }

    std::int64_t condition() {
        const std::int64_t test = binary(1);
        if (!accept("?")) return test;
        if (test == 0) ++skipping_;
        const std::int64_t yes = assignment();
        if (test == 0) --skipping_;
        if (!accept(":")) fail("expecting ':'");
        if (test != 0) ++skipping_;
        const std::int64_t no = condition_operand();
        if (test != 0) --skipping_;
        return test != 0 ? yes : no;
    }
    std::int64_t condition_operand() {
        if (++depth_ > kMaxDepth) fail("nested too deeply");
        const std::int64_t value = error_.empty() ? condition() : 0;
        --depth_;
        return value;
    }

    std::int64_t binary(int least) {
        std::int64_t left = unary();
        while (error_.empty()) {
            const std::string_view sign = operator_;
            const int precedence = precedence_of(sign);
            if (precedence < least || precedence == 0) break;
            advance();
            // The right side of && and || is not evaluated where the left one decides.
            const bool skip = (sign == "&&" && left == 0) || (sign == "||" && left != 0);
            if (skip) ++skipping_;
            const std::int64_t right = binary(precedence + 1);
            if (skip) --skipping_;
            if (error_.empty()) left = apply(sign, left, right);
        }
        return left;
    }

    std::int64_t unary() {
        if (++depth_ > kMaxDepth) fail("nested too deeply");
        std::int64_t value = 0;
        if (!error_.empty()) {
            value = 0;
        } else if (accept("-")) {
            value = static_cast<std::int64_t>(~static_cast<std::uint64_t>(unary()) + 1);
        } else if (accept("+")) {
            value = unary();
        } else if (accept("!")) {
            value = unary() == 0 ? 1 : 0;
        } else if (accept("~")) {
            value = ~unary();
        } else {
            value = primary();
        }
        --depth_;
        return value;
    }

    std::int64_t primary() {
        if (accept("(")) {
            const std::int64_t value = assignment();
            if (!accept(")")) fail("expecting ')'");
            return value;
        }
        const std::string_view operand = operand_;
        if (operand.empty()) {
            fail("expecting primary");
            return 0;
        }
        advance();
        if (is_name(operand)) return variable(operand);
        const auto number = parse_shell_integer(operand);
        if (!number) fail("expecting EOF");
        return number.value_or(0);
    }

    std::int64_t variable(std::string_view name) {
        if (!evaluating()) return 0;
        const auto text = variables_.arithmetic_value(name, error_);
        if (!error_.empty() || !text || text->empty()) return 0;
        const auto value = parse_shell_integer(*text);
        if (!value) error_ = "Illegal number: " + *text;
        return value.value_or(0);
    }

    bool evaluating() const { return skipping_ == 0; }

    // Wraps around as the hardware does.
    std::int64_t apply(std::string_view sign, std::int64_t left, std::int64_t right) {
        const auto a = static_cast<std::uint64_t>(left);
        const auto b = static_cast<std::uint64_t>(right);
        if (sign == "*") return static_cast<std::int64_t>(a * b);
        if (sign == "/" || sign == "%") return divide(sign == "/", left, right);
        if (sign == "+") return static_cast<std::int64_t>(a + b);
        if (sign == "-") return static_cast<std::int64_t>(a - b);
        if (sign == "<<") return static_cast<std::int64_t>(a << (b & 63));
        if (sign == ">>") return left >> (b & 63);
        if (sign == "<") return left < right ? 1 : 0;
        if (sign == "<=") return left <= right ? 1 : 0;
        if (sign == ">") return left > right ? 1 : 0;
        if (sign == ">=") return left >= right ? 1 : 0;
        if (sign == "==") return left == right ? 1 : 0;
        if (sign == "!=") return left != right ? 1 : 0;
        if (sign == "&") return static_cast<std::int64_t>(a & b);
        if (sign == "^") return static_cast<std::int64_t>(a ^ b);
        if (sign == "|") return static_cast<std::int64_t>(a | b);
        if (sign == "&&") return left != 0 && right != 0 ? 1 : 0;
        return left != 0 || right != 0 ? 1 : 0;
    }
    std::int64_t divide(bool quotient, std::int64_t left, std::int64_t right) {
        if (!evaluating()) return 0;
        if (right == 0) {
            fail("division by zero");
            return 0;
        }
        // The one quotient that does not fit.
        if (right == -1)
            return quotient ? static_cast<std::int64_t>(~static_cast<std::uint64_t>(left) + 1) : 0;
        return quotient ? left / right : left % right;
    }

    std::string_view text_;
    ArithmeticVariables& variables_;
    std::string& error_;
    std::size_t at_ = 0;
    std::string_view operator_;
    std::string_view operand_;
    int depth_ = 0;
    int skipping_ = 0;
};

}  // namespace

std::optional<std::int64_t> parse_shell_integer(std::string_view text) {
    while (!text.empty() && is_space(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_space(text.back()))
        text.remove_suffix(1);
    const bool negative = text.starts_with('-');
    if (negative || text.starts_with('+')) text.remove_prefix(1);
    unsigned base = 10;
    if (text.starts_with("0x") || text.starts_with("0X")) {
        base = 16;
        text.remove_prefix(2);
    } else if (text.size() > 1 && text.starts_with('0')) {
        base = 8;
    }
    if (text.empty() || text.front() == '+' || text.front() == '-') return {};
    const auto magnitude = parse_base(text, base);
    if (!magnitude) return {};
    // What is too large is the largest number, as strtoimax has it.
    constexpr std::uint64_t kLargest = ~std::uint64_t{0} >> 1;
    if (negative)
        return *magnitude > kLargest ? -static_cast<std::int64_t>(kLargest) - 1
                                     : -static_cast<std::int64_t>(*magnitude);
    return static_cast<std::int64_t>(*magnitude > kLargest ? kLargest : *magnitude);
}

std::optional<std::int64_t> evaluate_arithmetic(std::string_view expression, ArithmeticVariables& variables,
                                                std::string& error) {
    error.clear();
    return Evaluator(expression, variables, error).run();
}

}  // namespace halfcell::userland::sh
