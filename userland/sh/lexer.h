#pragma once

// Characters to tokens: words with their substitutions, operators, newlines. Pure; tested on the host.
// Source of the rules: POSIX.1-2017, Shell Command Language, 2.2, 2.3, 2.6 and 2.7.4.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "userland/sh/source.h"
#include "userland/sh/syntax.h"

namespace halfcell::userland::sh {

enum class TokenKind : std::uint8_t {
    kWord,
    kIoNumber,
    kNewline,
    kEnd,
    kAndIf,       // &&
    kOrIf,        // ||
    kSemicolon,   // ;
    kCaseEnd,     // ;;
    kAmpersand,   // &
    kPipe,        // |
    kOpen,        // (
    kClose,       // )
    kRedirection  // `redirection` says which
};

struct Token {
    TokenKind kind = TokenKind::kEnd;
    Word word;
    int number = 0;  // of kIoNumber
    Redirection::Kind redirection = Redirection::Kind::kInput;
    bool output_side = false;  // of kDuplicate: ">&"
    bool strip_tabs = false;   // of kHereDocument: "<<-"
    int line = 0;
};

// What is wrong with a program, and where.
struct SyntaxError {
    int line = 0;
    std::string message;
};

// Parses the commands of "$(…)"; the lexer needs it and the parser is it.
class SubstitutionParser {
  public:
    virtual ~SubstitutionParser() = default;
    // The commands up to and with the ')'; null after an error.
    virtual ListPointer parse_substitution() = 0;
    // The commands of a text of their own, as between backquotes; null after an error.
    virtual ListPointer parse_text(std::string_view text, int line) = 0;
    // The text of a here-document: $, backquotes and backslashes work in it.
    virtual Word parse_document(std::string_view text, int line) = 0;
};

class Lexer {
  public:
    // How deep substitutions may nest; beyond it, programs are refused instead of overflowing the stack.
    static constexpr int kMaxDepth = 100;

    Lexer(Source& source, SubstitutionParser& substitutions)
        : source_(source), substitutions_(substitutions) {}

    // The next token. After a newline token the here-documents of its line have been read. After an error,
    // error() is set and the tokens mean nothing.
    Token next();

    // A document whose body begins behind the next newline.
    void expect_document(std::shared_ptr<HereDocument> document) {
        documents_.push_back(std::move(document));
    }

    bool failed() const { return !error_.message.empty(); }
    const SyntaxError& error() const { return error_; }
    void fail(std::string_view message) { fail(message, source_.line()); }
    void fail(std::string_view message, int line);
    void clear();
    // How deep in substitutions this lexer is; one for a text inside begins where the outer one stands.
    int depth() const { return depth_; }
    void set_depth(int depth) { depth_ = depth; }

    // All that is left, as the text of a here-document.
    Word read_document_text();

  private:
    friend class WordReader;

    void skip_blanks_and_comments();
    bool read_operator(Token& token);
    void read_redirection(Token& token, bool output);
    void read_documents();
    void read_document(HereDocument& document);

    Source& source_;
    SubstitutionParser& substitutions_;
    std::vector<std::shared_ptr<HereDocument>> documents_;
    SyntaxError error_;
    int depth_ = 0;
};

// The text of a word that is one unquoted literal; empty for any other word.
std::string_view literal_text(const Word& word);

}  // namespace halfcell::userland::sh
