#include "userland/sh/parser.h"

namespace halfcell::userland::sh {
namespace {

constexpr std::string_view kReserved[] = {"!",    "{",  "}",   "case", "do", "done", "elif",  "else",
                                          "esac", "fi", "for", "if",   "in", "then", "until", "while"};

std::string describe(const Token& token) {
    switch (token.kind) {
        case TokenKind::kWord: {
            const std::string_view text = literal_text(token.word);
            if (is_reserved_word(text)) return "\"" + std::string(text) + "\"";
            return "word";
        }
        case TokenKind::kIoNumber:
        case TokenKind::kRedirection:
            return "redirection";
        case TokenKind::kNewline:
            return "newline";
        case TokenKind::kEnd:
            return "end of file";
        case TokenKind::kAndIf:
            return "\"&&\"";
        case TokenKind::kOrIf:
            return "\"||\"";
        case TokenKind::kSemicolon:
            return "\";\"";
        case TokenKind::kCaseEnd:
            return "\";;\"";
        case TokenKind::kAmpersand:
            return "\"&\"";
        case TokenKind::kPipe:
            return "\"|\"";
        case TokenKind::kOpen:
            return "\"(\"";
        case TokenKind::kClose:
            break;
    }
    return "\")\"";
}

std::string trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\n");
    if (first == std::string_view::npos) return {};
    const std::size_t last = text.find_last_not_of(" \t\n;&");
    return std::string(text.substr(first, last == std::string_view::npos ? 0 : last - first + 1));
}

}  // namespace

bool is_reserved_word(std::string_view word) {
    for (const std::string_view reserved : kReserved) {
        if (word == reserved) return true;
    }
    return false;
}

Parser::Outcome Parser::next(ListPointer& list) {
    lexer_.clear();
    token_.reset();
    depth_ = 0;
    source_.begin_command();
    const TokenKind first = peek().kind;
    if (!lexer_.failed() && first == TokenKind::kEnd) return Outcome::kEnd;
    if (!lexer_.failed() && first == TokenKind::kNewline) return Outcome::kEmpty;
    auto result = std::make_shared<List>();
    while (!lexer_.failed()) {
        result->items.push_back(and_or());
        if (lexer_.failed()) break;
        const TokenKind end = peek().kind;
        if (end == TokenKind::kNewline || end == TokenKind::kEnd) break;
        if (end == TokenKind::kSemicolon || end == TokenKind::kAmpersand) {
            (void)take();
            const TokenKind after = peek().kind;
            if (after == TokenKind::kNewline || after == TokenKind::kEnd) break;
            continue;
        }
        unexpected();
    }
    token_.reset();
    if (lexer_.failed()) {
        source_.discard_line();
        return Outcome::kError;
    }
    list = std::move(result);
    return Outcome::kCommand;
}

const Token& Parser::peek() {
    if (!token_) {
        const Source::Mark begin = source_.mark();
        Token token = lexer_.next();
        // Set afterwards: a substitution inside the token has tokens of its own.
        token_begin_ = begin;
        token_ = std::move(token);
    }
    return *token_;
}

Token Parser::take() {
    Token token = peek();
    token_.reset();
    return token;
}

bool Parser::accept(TokenKind kind) {
    if (peek().kind != kind) return false;
    token_.reset();
    return true;
}

bool Parser::at_reserved(std::string_view word) {
    return peek().kind == TokenKind::kWord && literal_text(peek().word) == word;
}

bool Parser::accept_reserved(std::string_view word) {
    if (!at_reserved(word)) return false;
    token_.reset();
    return true;
}

void Parser::expect_reserved(std::string_view word) {
    if (lexer_.failed() || accept_reserved(word)) return;
    lexer_.fail("Syntax error: " + describe(peek()) + " unexpected (expecting \"" + std::string(word) + "\")",
                peek().line);
}

void Parser::skip_newlines() {
    while (!lexer_.failed() && accept(TokenKind::kNewline)) {
    }
}

void Parser::unexpected() {
    lexer_.fail("Syntax error: " + describe(peek()) + " unexpected", peek().line);
}

bool Parser::at_list_end() {
    switch (peek().kind) {
        case TokenKind::kEnd:
        case TokenKind::kClose:
        case TokenKind::kCaseEnd:
            return true;
        case TokenKind::kWord: {
            const std::string_view text = literal_text(peek().word);
            return text == "then" || text == "else" || text == "elif" || text == "fi" || text == "do" ||
                   text == "done" || text == "esac" || text == "}";
        }
        default:
            return false;
    }
}

ListPointer Parser::compound_list() {
    auto list = std::make_shared<List>();
    if (++depth_ > kMaxDepth) lexer_.fail("Commands nested too deeply");
    skip_newlines();
    while (!lexer_.failed() && !at_list_end()) {
        list->items.push_back(and_or());
        if (lexer_.failed()) break;
        const TokenKind end = peek().kind;
        if (end != TokenKind::kSemicolon && end != TokenKind::kAmpersand && end != TokenKind::kNewline) break;
        (void)take();
        skip_newlines();
    }
    --depth_;
    if (!lexer_.failed() && list->items.empty()) unexpected();
    return list;
}

AndOr Parser::and_or() {
    AndOr result;
    (void)peek();
    // The first token has been read already: its text begins where it stands.
    const Source::Mark begin = token_begin_;
    result.items.push_back({AndOr::Join::kFirst, pipeline()});
    while (!lexer_.failed()) {
        const TokenKind kind = peek().kind;
        if (kind != TokenKind::kAndIf && kind != TokenKind::kOrIf) {
            result.background = kind == TokenKind::kAmpersand;
            break;
        }
        (void)take();
        skip_newlines();
        result.items.push_back(
            {kind == TokenKind::kAndIf ? AndOr::Join::kAnd : AndOr::Join::kOr, pipeline()});
    }
    if (!lexer_.failed()) result.text = trimmed(source_.text_between(begin, token_begin_));
    return result;
}

Pipeline Parser::pipeline() {
    Pipeline result;
    while (accept_reserved("!"))
        result.negated = !result.negated;
    result.commands.push_back(command());
    while (!lexer_.failed() && accept(TokenKind::kPipe)) {
        skip_newlines();
        result.commands.push_back(command());
    }
    return result;
}

CommandPointer Parser::command() {
    auto result = std::make_shared<Command>();
    result->line = peek().line;
    if (lexer_.failed()) return result;
    if (begins_compound()) {
        compound(*result);
        while (!lexer_.failed() && redirection(*result)) {
        }
    } else {
        simple(*result);
    }
    return result;
}

ListPointer Parser::parse_substitution() {
    // The lexer is in the middle of a token: what this parser looks ahead to is put aside meanwhile.
    std::optional<Token> outer = std::move(token_);
    token_.reset();
    skip_newlines();
    ListPointer list;
    if (peek().kind == TokenKind::kClose) {
        list = std::make_shared<List>();
    } else if (!lexer_.failed()) {
        list = compound_list();
    }
    if (!lexer_.failed() && !accept(TokenKind::kClose)) unexpected();
    token_ = std::move(outer);
    return list;
}

ListPointer Parser::parse_text(std::string_view text, int line) {
    StringInput input(text);
    Parser inner(input, line);
    inner.lexer_.set_depth(lexer_.depth());
    inner.depth_ = depth_;
    inner.skip_newlines();
    ListPointer list;
    if (inner.peek().kind == TokenKind::kEnd) {
        list = std::make_shared<List>();
    } else if (!inner.lexer_.failed()) {
        list = inner.compound_list();
        if (!inner.lexer_.failed() && inner.peek().kind != TokenKind::kEnd) inner.unexpected();
    }
    if (inner.lexer_.failed()) lexer_.fail(inner.error().message, inner.error().line);
    return list;
}

Word Parser::parse_document(std::string_view text, int line) {
    StringInput input(text);
    Parser inner(input, line);
    inner.lexer_.set_depth(lexer_.depth());
    inner.depth_ = depth_;
    Word word = inner.lexer_.read_document_text();
    if (inner.lexer_.failed()) lexer_.fail(inner.error().message, inner.error().line);
    return word;
}

bool Parser::whole_text(Word& word) {
    word = lexer_.read_document_text();
    return !lexer_.failed();
}

Word parse_expandable_text(const std::string& text) {
    StringInput input(text);
    Parser parser(input);
    Word word;
    if (parser.whole_text(word)) return word;
    WordPart part;
    part.quoted = true;
    part.text = text;
    Word literal;
    literal.parts.push_back(std::move(part));
    return literal;
}

}  // namespace halfcell::userland::sh
