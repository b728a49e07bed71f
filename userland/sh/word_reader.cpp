#include "userland/sh/word_reader.h"

#include "userland/sh/characters.h"

namespace halfcell::userland::sh {
namespace {

using Mode = WordReader::Mode;

bool inside_quotes(Mode mode) {
    return mode != Mode::kWord && mode != Mode::kBrace;
}

// The characters a backslash takes the meaning from where most backslashes are plain.
bool escapable(Mode mode, int c) {
    switch (mode) {
        case Mode::kDoubleQuotes:
        case Mode::kArithmetic:
            return c == '$' || c == '`' || c == '"' || c == '\\';
        case Mode::kQuotedBrace:
            return c == '$' || c == '`' || c == '"' || c == '\\' || c == '}';
        case Mode::kDocument:
            return c == '$' || c == '`' || c == '\\';
        default:
            return true;
    }
}

std::string_view missing_end(Mode mode) {
    switch (mode) {
        case Mode::kDoubleQuotes:
            return "Unterminated quoted string";
        case Mode::kArithmetic:
            return "Missing '))'";
        default:
            return "Missing '}'";
    }
}

// Counts a nesting level for as long as it lives.
class Nesting {
  public:
    explicit Nesting(int& depth) : depth_(depth) { ++depth_; }
    ~Nesting() { --depth_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

  private:
    int& depth_;
};

}  // namespace

void add_text(Word& word, char c, bool quoted) {
    if (word.parts.empty() || word.parts.back().kind != WordPart::Kind::kText ||
        word.parts.back().quoted != quoted) {
        WordPart part;
        part.quoted = quoted;
        word.parts.push_back(std::move(part));
    }
    word.parts.back().text.push_back(c);
}

namespace {

// Quotes that hold nothing are something all the same: an empty field.
void add_empty_quotes(Word& word) {
    WordPart part;
    part.quoted = true;
    word.parts.push_back(std::move(part));
}

}  // namespace

bool WordReader::at_end(Mode mode, int c) {
    switch (mode) {
        case Mode::kWord:
            return c == Source::kEnd || is_blank(c) || c == '\n' || is_operator_start(c);
        case Mode::kDoubleQuotes:
            return c == '"';
        case Mode::kBrace:
        case Mode::kQuotedBrace:
            return c == '}';
        case Mode::kArithmetic:
            return c == ')' && parentheses_ == 0;
        default:
            return c == Source::kEnd;
    }
}

Word WordReader::read(Mode mode) {
    Word word;
    word.line = source_.line();
    const Nesting nesting(lexer_.depth_);
    if (lexer_.depth_ > Lexer::kMaxDepth) {
        lexer_.fail("Substitutions nested too deeply");
        return word;
    }
    const bool quoted = inside_quotes(mode);
    const int first_line = source_.line();
    while (!lexer_.failed() && !not_arithmetic_) {
        const int c = source_.peek();
        if (at_end(mode, c)) break;
        if (c == Source::kEnd) {
            lexer_.fail(missing_end(mode), first_line);
            break;
        }
        if (c == '\\') {
            read_escape(word, mode);
        } else if (c == '$') {
            (void)source_.take();
            read_dollar(word, quoted);
        } else if (c == '`') {
            (void)source_.take();
            read_backquotes(word, quoted);
        } else if (c == '\'' && !quoted) {
            read_single_quotes(word);
        } else if (c == '"' && mode != Mode::kDocument) {
            (void)source_.take();
            read_quoted_inside(word, mode);
        } else {
            if (mode == Mode::kArithmetic && c == '(') ++parentheses_;
            if (mode == Mode::kArithmetic && c == ')') --parentheses_;
            add_text(word, static_cast<char>(source_.take()), quoted);
        }
    }
    if (lexer_.failed() || mode == Mode::kWord || mode == Mode::kDocument) return word;
    (void)source_.take();
    if (mode == Mode::kArithmetic && !source_.accept(')')) not_arithmetic_ = true;
    return word;
}

// A '"' has been taken.
void WordReader::read_quoted_inside(Word& word, Mode mode) {
    if (mode == Mode::kArithmetic) return;  // Quotes mean nothing in an expression.
    Word inner = WordReader(lexer_).read(Mode::kDoubleQuotes);
    if (inner.parts.empty()) add_empty_quotes(word);
    for (WordPart& part : inner.parts)
        word.parts.push_back(std::move(part));
}

void WordReader::read_escape(Word& word, Mode mode) {
    (void)source_.take();
    const int c = source_.peek_raw();
    if (c == Source::kEnd) {
        add_text(word, '\\', true);
        return;
    }
    if (!escapable(mode, c)) {
        add_text(word, '\\', true);
        return;
    }
    add_text(word, static_cast<char>(source_.take_raw()), true);
}

void WordReader::read_single_quotes(Word& word) {
    const int first_line = source_.line();
    (void)source_.take_raw();
    add_empty_quotes(word);
    for (;;) {
        const int c = source_.take_raw();
        if (c == '\'') return;
        if (c == Source::kEnd) {
            lexer_.fail(missing_end(Mode::kDoubleQuotes), first_line);
            return;
        }
        word.parts.back().text.push_back(static_cast<char>(c));
    }
}

std::string WordReader::read_name() {
    std::string name;
    while (is_name_character(source_.peek()))
        name.push_back(static_cast<char>(source_.take()));
    return name;
}

// A '$' has been taken.
void WordReader::read_dollar(Word& word, bool quoted) {
    const int c = source_.peek();
    WordPart part;
    part.quoted = quoted;
    if (is_name_start(c)) {
        part.kind = WordPart::Kind::kParameter;
        part.text = read_name();
    } else if (is_special_parameter(c) || is_digit(c)) {
        part.kind = WordPart::Kind::kParameter;
        part.text.push_back(static_cast<char>(source_.take()));
    } else if (c == '{') {
        (void)source_.take();
        part.kind = WordPart::Kind::kParameter;
        read_brace(part, quoted);
    } else if (c == '(') {
        (void)source_.take();
        if (source_.peek() != '(' || !read_arithmetic(part)) {
            part.kind = WordPart::Kind::kCommand;
            part.commands = lexer_.substitutions_.parse_substitution();
        }
    } else {
        add_text(word, '$', quoted);
        return;
    }
    word.parts.push_back(std::move(part));
}

// Behind "$(" stands another '('. False, and nothing taken, where it begins a subshell.
bool WordReader::read_arithmetic(WordPart& part) {
    const Source::Mark mark = source_.mark();
    (void)source_.take();
    WordReader reader(lexer_);
    Word expression = reader.read(Mode::kArithmetic);
    if (reader.not_arithmetic()) {
        source_.reset(mark);
        return false;
    }
    part.kind = WordPart::Kind::kArithmetic;
    part.operand = std::make_shared<const Word>(std::move(expression));
    return true;
}

// "${" has been taken.
void WordReader::read_brace(WordPart& part, bool quoted) {
    const int c = source_.peek();
    const int second = c == '#' ? source_.peek_second() : 0;
    if (c == '#' && (is_name_character(second) || is_special_parameter(second))) {
        // "${#}" is the number of arguments, "${#-x}" an operation on it, "${#-}" the length of "$-".
        const Source::Mark mark = source_.mark();
        (void)source_.take();
        std::string name = read_name();
        if (name.empty()) name.push_back(static_cast<char>(source_.take()));
        if (source_.accept('}')) {
            part.operation = ParameterOperation::kLength;
            part.text = std::move(name);
            return;
        }
        source_.reset(mark);
    }
    if (is_name_start(c)) {
        part.text = read_name();
    } else if (is_digit(c)) {
        while (is_digit(source_.peek()))
            part.text.push_back(static_cast<char>(source_.take()));
    } else if (is_special_parameter(c)) {
        part.text.push_back(static_cast<char>(source_.take()));
    } else {
        part.kind = WordPart::Kind::kBad;
    }
    read_operation(part, quoted);
}

void WordReader::read_operation(WordPart& part, bool quoted) {
    if (part.kind != WordPart::Kind::kBad && source_.accept('}')) return;
    part.null_too = source_.accept(':');
    const int c = source_.peek();
    bool trims = false;
    switch (c) {
        case '-':
            part.operation = ParameterOperation::kDefault;
            break;
        case '=':
            part.operation = ParameterOperation::kAssign;
            break;
        case '?':
            part.operation = ParameterOperation::kError;
            break;
        case '+':
            part.operation = ParameterOperation::kAlternative;
            break;
        case '#':
        case '%':
            trims = true;
            if (part.null_too) part.kind = WordPart::Kind::kBad;
            break;
        default:
            part.kind = WordPart::Kind::kBad;
            break;
    }
    if (part.kind != WordPart::Kind::kBad) (void)source_.take();
    if (trims && part.kind != WordPart::Kind::kBad) {
        const bool longest = source_.accept(static_cast<char>(c));
        if (c == '#')
            part.operation =
                longest ? ParameterOperation::kLongestPrefix : ParameterOperation::kShortestPrefix;
        if (c == '%')
            part.operation =
                longest ? ParameterOperation::kLongestSuffix : ParameterOperation::kShortestSuffix;
    }
    // Patterns are read as outside of quotes even where the whole is quoted.
    const Mode mode = quoted && !trims ? Mode::kQuotedBrace : Mode::kBrace;
    part.operand = std::make_shared<const Word>(WordReader(lexer_).read(mode));
}

// A '`' has been taken. Inside, a backslash escapes '$', '`', '\' and, in double quotes, '"'.
void WordReader::read_backquotes(Word& word, bool quoted) {
    const int first_line = source_.line();
    std::string text;
    for (;;) {
        int c = source_.take_raw();
        if (c == '`') break;
        if (c == '\\') {
            const int escaped = source_.peek_raw();
            if (escaped == '$' || escaped == '`' || escaped == '\\' || (quoted && escaped == '"')) {
                c = source_.take_raw();
            }
        }
        if (c == Source::kEnd) {
            lexer_.fail("EOF in backquote substitution", first_line);
            return;
        }
        text.push_back(static_cast<char>(c));
    }
    WordPart part;
    part.kind = WordPart::Kind::kCommand;
    part.quoted = quoted;
    part.commands = lexer_.substitutions_.parse_text(text, first_line);
    word.parts.push_back(std::move(part));
}

}  // namespace halfcell::userland::sh
