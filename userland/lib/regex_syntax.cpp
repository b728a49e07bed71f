#include "userland/lib/regex_syntax.h"

#include <optional>

namespace halfcell::userland {
namespace {

constexpr std::uint32_t kLargestCount = 32767;  // RE_DUP_MAX

bool is_letter(unsigned c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool in_class(std::string_view name, unsigned c) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool lower = c >= 'a' && c <= 'z';
    const bool digit = c >= '0' && c <= '9';
    const bool graphic = c > 32 && c < 127;
    if (name == "alpha") return upper || lower;
    if (name == "digit") return digit;
    if (name == "alnum") return upper || lower || digit;
    if (name == "upper") return upper;
    if (name == "lower") return lower;
    if (name == "space") return c == ' ' || (c >= 9 && c <= 13);
    if (name == "blank") return c == ' ' || c == '\t';
    if (name == "punct") return graphic && !upper && !lower && !digit;
    if (name == "print") return graphic || c == ' ';
    if (name == "graph") return graphic;
    if (name == "cntrl") return c < 32 || c == 127;
    return name == "xdigit" && (digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
}

class RegexParser {
  public:
    RegexParser(RegexTree& tree, std::string_view text, RegexSyntax syntax, bool ignore_case)
        : tree_(tree), text_(text), extended_(syntax == RegexSyntax::kExtended), ignore_case_(ignore_case) {}

    std::uint32_t parse() {
        const std::uint32_t root = parse_alternation();
        if (tree_.error.empty() && at_ < text_.size()) tree_.error = "Unmatched ) or \\)";
        return root;
    }

    std::uint32_t literal() {
        std::vector<std::uint32_t> bytes;
        for (const char c : text_)
            bytes.push_back(add_byte(static_cast<unsigned char>(c)));
        return add_list(RegexNode::Kind::kConcatenation, std::move(bytes));
    }

  private:
    std::uint32_t add(RegexNode node) {
        tree_.nodes.push_back(std::move(node));
        return static_cast<std::uint32_t>(tree_.nodes.size() - 1);
    }
    std::uint32_t add_empty() { return add({}); }
    std::uint32_t add_set(ByteSet bytes) {
        if (ignore_case_) {
            for (unsigned c = 0; c < 256; ++c) {
                if (is_letter(c) && bytes[c]) bytes.set(c ^ 0x20);
            }
        }
        RegexNode node;
        node.kind = RegexNode::Kind::kBytes;
        node.bytes = bytes;
        return add(std::move(node));
    }
    std::uint32_t add_byte(unsigned char byte) {
        ByteSet set;
        set.set(byte);
        return add_set(set);
    }
    std::uint32_t add_assertion(Assertion assertion) {
        RegexNode node;
        node.kind = RegexNode::Kind::kAssertion;
        node.assertion = assertion;
        return add(std::move(node));
    }
    std::uint32_t add_list(RegexNode::Kind kind, std::vector<std::uint32_t> children) {
        if (children.size() == 1) return children[0];
        RegexNode node;
        node.kind = children.empty() ? RegexNode::Kind::kEmpty : kind;
        node.children = std::move(children);
        return add(std::move(node));
    }
    std::uint32_t fail(std::string_view message) {
        if (tree_.error.empty()) tree_.error = message;
        at_ = text_.size();
        return add_empty();
    }

    bool looking_at(std::string_view token) const { return text_.substr(at_).starts_with(token); }
    bool at_bar() const { return extended_ ? looking_at("|") : looking_at("\\|"); }
    bool at_close() const { return looking_at(extended_ ? ")" : "\\)"); }
    bool accept(std::string_view token) {
        if (!looking_at(token)) return false;
        at_ += token.size();
        return true;
    }

    std::uint32_t parse_alternation() {
        std::vector<std::uint32_t> branches{parse_branch()};
        while (at_bar()) {
            at_ += extended_ ? 1 : 2;
            branches.push_back(parse_branch());
        }
        return add_list(RegexNode::Kind::kAlternation, std::move(branches));
    }

    std::uint32_t parse_branch() {
        std::vector<std::uint32_t> parts;
        bool first = true;
        while (at_ < text_.size() && !at_bar() && !at_close()) {
            if (!extended_ && first && accept("^")) {
                parts.push_back(add_assertion(Assertion::kLineStart));
                continue;
            }
            std::uint32_t part = parse_atom(first);
            first = false;
            while (parse_repetition(part)) {
            }
            parts.push_back(part);
        }
        return add_list(RegexNode::Kind::kConcatenation, std::move(parts));
    }

    // Whether a '$' here ends a branch of a basic expression, where alone it is an anchor.
    bool dollar_is_anchor() const {
        if (extended_) return true;
        const std::string_view rest = text_.substr(at_ + 1);
        return rest.empty() || rest.starts_with("\\)") || rest.starts_with("\\|");
    }

    std::uint32_t parse_atom(bool first) {
        const char c = text_[at_];
        if (c == '\\') return parse_escape();
        if (c == '[') return parse_bracket();
        if (c == '.') {
            ++at_;
            ByteSet all;
            all.set();
            all.reset('\n');
            return add_set(all);
        }
        if (c == '$' && dollar_is_anchor()) {
            ++at_;
            return add_assertion(Assertion::kLineEnd);
        }
        if (extended_) {
            if (c == '^') {
                ++at_;
                return add_assertion(Assertion::kLineStart);
            }
            if (c == '(') {
                ++at_;
                return parse_group(")");
            }
            // An operator without an operand repeats nothing.
            if (first && (c == '*' || c == '+' || c == '?')) return add_empty();
        }
        ++at_;
        return add_byte(static_cast<unsigned char>(c));
    }

    std::uint32_t parse_group(std::string_view close) {
        const std::uint32_t inner = parse_alternation();
        if (!accept(close)) return fail("Unmatched ( or \\(");
        return inner;
    }

    std::uint32_t word_set(bool inverted) {
        ByteSet set;
        for (unsigned c = 0; c < 256; ++c)
            set[c] = is_word_byte(static_cast<unsigned char>(c)) != inverted;
        return add_set(set);
    }
    std::uint32_t space_set(bool inverted) {
        ByteSet set;
        for (unsigned c = 0; c < 256; ++c)
            set[c] = in_class("space", c) != inverted;
        return add_set(set);
    }

    std::uint32_t parse_escape() {
        if (at_ + 1 == text_.size()) return fail("Trailing backslash");
        const char c = text_[at_ + 1];
        at_ += 2;
        switch (c) {
            case '<':
                return add_assertion(Assertion::kWordStart);
            case '>':
                return add_assertion(Assertion::kWordEnd);
            case 'b':
                return add_assertion(Assertion::kWordBoundary);
            case 'B':
                return add_assertion(Assertion::kNotWordBoundary);
            case '`':
                return add_assertion(Assertion::kLineStart);
            case '\'':
                return add_assertion(Assertion::kLineEnd);
            case 'w':
            case 'W':
                return word_set(c == 'W');
            case 's':
            case 'S':
                return space_set(c == 'S');
            default:
                break;
        }
        if (c >= '1' && c <= '9') return fail("back-references are not supported");
        if (!extended_ && c == '(') return parse_group("\\)");
        if (!extended_ && c == '{') return fail("Invalid preceding regular expression");
        return add_byte(static_cast<unsigned char>(c));
    }

    // Name inside "[:name:]", "[=c=]" or "[.c.]" at the cursor, which then stands behind it.
    std::optional<std::string_view> bracket_item(char kind) {
        const std::string_view rest = text_.substr(at_);
        if (rest.size() < 2 || rest[0] != '[' || rest[1] != kind) return {};
        const char end[] = {kind, ']'};
        const std::size_t close = rest.find(std::string_view(end, 2), 2);
        if (close == std::string_view::npos) return {};
        at_ += close + 2;
        return rest.substr(2, close - 2);
    }

    // A single byte of a bracket expression, plain or as "[.c.]".
    std::optional<unsigned char> bracket_byte() {
        if (const auto named = bracket_item('.')) {
            if (named->size() != 1) return {};
            return static_cast<unsigned char>((*named)[0]);
        }
        if (at_ == text_.size()) return {};
        return static_cast<unsigned char>(text_[at_++]);
    }

    std::uint32_t parse_bracket() {
        ++at_;
        const bool inverted = accept("^");
        ByteSet set;
        for (bool first = true; first || !looking_at("]"); first = false) {
            if (at_ == text_.size()) return fail("Unmatched [, [^, [:, [., or [=");
            if (const auto name = bracket_item(':')) {
                if (!add_class(*name, set)) return fail("Invalid character class name");
                continue;
            }
            if (const auto equivalent = bracket_item('=')) {
                if (equivalent->size() != 1) return fail("Invalid collation character");
                set.set(static_cast<unsigned char>((*equivalent)[0]));
                continue;
            }
            const auto low = bracket_byte();
            if (!low) return fail("Invalid collation character");
            auto high = low;
            if (looking_at("-") && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
                ++at_;
                high = bracket_byte();
                if (!high) return fail("Invalid collation character");
                if (*high < *low) return fail("Invalid range end");
            }
            for (unsigned c = *low; c <= *high; ++c)
                set.set(c);
        }
        ++at_;
        if (!inverted) return add_set(set);
        if (ignore_case_) {
            for (unsigned c = 0; c < 256; ++c) {
                if (is_letter(c) && set[c]) set.set(c ^ 0x20);
            }
        }
        RegexNode node;
        node.kind = RegexNode::Kind::kBytes;
        node.bytes = ~set;
        node.bytes.reset('\n');
        return add(std::move(node));
    }

    static bool add_class(std::string_view name, ByteSet& set) {
        bool any = false;
        for (unsigned c = 0; c < 256; ++c) {
            if (!in_class(name, c)) continue;
            set.set(c);
            any = true;
        }
        return any;
    }

    void repeat(std::uint32_t& part, std::uint32_t least, std::uint32_t most) {
        RegexNode node;
        node.kind = RegexNode::Kind::kRepetition;
        node.children = {part};
        node.least = least;
        node.most = most;
        part = add(std::move(node));
    }

    // Applies a repetition operator behind `part`; false where there is none.
    bool parse_repetition(std::uint32_t& part) {
        constexpr std::uint32_t kUnlimited = RegexNode::kUnlimited;
        if (accept("*")) {
            repeat(part, 0, kUnlimited);
        } else if (accept(extended_ ? "+" : "\\+")) {
            repeat(part, 1, kUnlimited);
        } else if (accept(extended_ ? "?" : "\\?")) {
            repeat(part, 0, 1);
        } else if (looking_at(extended_ ? "{" : "\\{")) {
            return parse_interval(part);
        } else {
            return false;
        }
        return true;
    }

    std::optional<std::uint32_t> parse_count() {
        if (at_ == text_.size() || text_[at_] < '0' || text_[at_] > '9') return {};
        std::uint32_t value = 0;
        while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
            if (value <= kLargestCount) value = value * 10 + static_cast<std::uint32_t>(text_[at_] - '0');
            ++at_;
        }
        return value;
    }

    bool parse_interval(std::uint32_t& part) {
        const std::size_t begin = at_;
        at_ += extended_ ? 1 : 2;
        const auto least = parse_count();
        auto most = least;
        bool valid = least.has_value();
        if (accept(",")) {
            most = parse_count();
            if (!most) most = RegexNode::kUnlimited;
            valid = true;
        }
        if (!valid || !accept(extended_ ? "}" : "\\}")) {
            if (!extended_) {
                fail("Unmatched \\{");
                return true;
            }
            // A brace that starts no interval stands for itself.
            at_ = begin;
            return false;
        }
        const std::uint32_t from = least.value_or(0);
        const bool too_big =
            from > kLargestCount || (*most != RegexNode::kUnlimited && *most > kLargestCount);
        if (*most < from) {
            fail("Invalid content of \\{\\}");
        } else if (too_big) {
            fail("Regular expression too big");
        } else {
            repeat(part, from, *most);
        }
        return true;
    }

    RegexTree& tree_;
    std::string_view text_;
    bool extended_;
    bool ignore_case_;
    std::size_t at_ = 0;
};

}  // namespace

bool is_word_byte(unsigned char byte) {
    return is_letter(byte) || (byte >= '0' && byte <= '9') || byte == '_';
}

RegexTree parse_regex(const std::vector<std::string_view>& patterns, RegexSyntax syntax, bool ignore_case) {
    RegexTree tree;
    RegexNode all;
    // No pattern matches nothing: a set without bytes, which no text contains.
    all.kind = patterns.empty() ? RegexNode::Kind::kBytes : RegexNode::Kind::kAlternation;
    for (const std::string_view pattern : patterns) {
        RegexParser parser(tree, pattern, syntax, ignore_case);
        const std::uint32_t branch = syntax == RegexSyntax::kFixed ? parser.literal() : parser.parse();
        all.children.push_back(branch);
        if (!tree.error.empty()) return tree;
    }
    tree.nodes.push_back(std::move(all));
    tree.root = static_cast<std::uint32_t>(tree.nodes.size() - 1);
    return tree;
}

}  // namespace halfcell::userland
