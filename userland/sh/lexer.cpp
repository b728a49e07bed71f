#include "userland/sh/lexer.h"

#include "userland/sh/characters.h"
#include "userland/sh/word_reader.h"

namespace halfcell::userland::sh {
std::string_view literal_text(const Word& word) {
    if (word.parts.size() != 1) return {};
    const WordPart& part = word.parts.front();
    return part.kind == WordPart::Kind::kText && !part.quoted ? std::string_view(part.text)
                                                              : std::string_view();
}

void Lexer::fail(std::string_view message, int line) {
    if (failed()) return;
    error_ = {line, std::string(message)};
}

void Lexer::clear() {
    error_ = {};
    documents_.clear();
    depth_ = 0;
}

void Lexer::skip_blanks_and_comments() {
    while (is_blank(source_.peek()))
        (void)source_.take();
    if (source_.peek() != '#') return;
    // A backslash at the end of a comment does not join lines.
    while (source_.peek_raw() != '\n' && source_.peek_raw() != Source::kEnd)
        (void)source_.take_raw();
}

Token Lexer::next() {
    Token token;
    skip_blanks_and_comments();
    token.line = source_.line();
    const int c = source_.peek();
    if (c == Source::kEnd) return token;
    if (c == '\n') {
        (void)source_.take();
        token.kind = TokenKind::kNewline;
        read_documents();
        return token;
    }
    if (read_operator(token)) return token;
    token.kind = TokenKind::kWord;
    token.word = WordReader(*this).read(WordReader::Mode::kWord);
    const int after = source_.peek();
    const std::string_view text = literal_text(token.word);
    if ((after == '<' || after == '>') && is_number(text) && text.size() < 6) {
        token.kind = TokenKind::kIoNumber;
        for (const char digit : text)
            token.number = token.number * 10 + (digit - '0');
    }
    return token;
}

bool Lexer::read_operator(Token& token) {
    const int c = source_.peek();
    if (!is_operator_start(c)) return false;
    (void)source_.take();
    switch (c) {
        case '&':
            token.kind = source_.accept('&') ? TokenKind::kAndIf : TokenKind::kAmpersand;
            break;
        case '|':
            token.kind = source_.accept('|') ? TokenKind::kOrIf : TokenKind::kPipe;
            break;
        case ';':
            token.kind = source_.accept(';') ? TokenKind::kCaseEnd : TokenKind::kSemicolon;
            break;
        case '(':
            token.kind = TokenKind::kOpen;
            break;
        case ')':
            token.kind = TokenKind::kClose;
            break;
        default:
            read_redirection(token, c == '>');
            break;
    }
    return true;
}

void Lexer::read_redirection(Token& token, bool output) {
    token.kind = TokenKind::kRedirection;
    token.output_side = output;
    token.number = output ? 1 : 0;
    if (source_.accept('&')) {
        token.redirection = Redirection::Kind::kDuplicate;
    } else if (output) {
        if (source_.accept('>')) {
            token.redirection = Redirection::Kind::kAppend;
        } else {
            token.redirection =
                source_.accept('|') ? Redirection::Kind::kClobber : Redirection::Kind::kOutput;
        }
    } else if (source_.accept('>')) {
        token.redirection = Redirection::Kind::kReadWrite;
    } else if (source_.accept('<')) {
        token.redirection = Redirection::Kind::kHereDocument;
        token.strip_tabs = source_.accept('-');
    }
}

void Lexer::read_documents() {
    // A document with substitutions is parsed by a lexer of its own, so this list does not grow meanwhile.
    std::vector<std::shared_ptr<HereDocument>> documents;
    documents.swap(documents_);
    for (const std::shared_ptr<HereDocument>& document : documents)
        read_document(*document);
}

void Lexer::read_document(HereDocument& document) {
    const int first_line = source_.line();
    std::string text;
    std::string line;
    while (source_.take_line(line)) {
        if (document.strip_tabs) line.erase(0, line.find_first_not_of('\t'));
        if (line == document.delimiter) break;
        text.append(line).push_back('\n');
    }
    if (document.literal) {
        WordPart part;
        part.quoted = true;
        part.text = std::move(text);
        document.body.parts.push_back(std::move(part));
        return;
    }
    document.body = substitutions_.parse_document(text, first_line);
}

Word Lexer::read_document_text() {
    return WordReader(*this).read(WordReader::Mode::kDocument);
}

}  // namespace halfcell::userland::sh
