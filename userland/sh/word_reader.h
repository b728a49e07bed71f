#pragma once

// One word at a time: quotes, escapes and substitutions. Part of the lexer. Pure; tested on the host.

#include "userland/sh/lexer.h"

namespace halfcell::userland::sh {

class WordReader {
  public:
    // What ends the text and which characters are special in it.
    enum class Mode : std::uint8_t {
        kWord,          // up to a blank or an operator
        kDoubleQuotes,  // up to '"'
        kBrace,         // ${x#…}: up to '}', quotes as outside
        kQuotedBrace,   // "${x-…}": up to '}', single quotes are plain
        kArithmetic,    // $((…)): up to the "))" that belongs to it
        kDocument       // up to the end
    };

    explicit WordReader(Lexer& lexer) : lexer_(lexer), source_(lexer.source_) {}

    // Reads up to what ends the mode. kWord leaves the end where it is, the others take it; a missing end is
    // an error of the lexer.
    Word read(Mode mode);

    // Where a kArithmetic text turned out not to be one: ")" without its second half.
    bool not_arithmetic() const { return not_arithmetic_; }

  private:
    bool at_end(Mode mode, int c);
    void read_quoted_inside(Word& word, Mode mode);
    void read_escape(Word& word, Mode mode);
    void read_single_quotes(Word& word);
    void read_dollar(Word& word, bool quoted);
    void read_brace(WordPart& part, bool quoted);
    void read_operation(WordPart& part, bool quoted);
    void read_backquotes(Word& word, bool quoted);
    bool read_arithmetic(WordPart& part);
    std::string read_name();

    Lexer& lexer_;
    Source& source_;
    int parentheses_ = 0;  // open ones in kArithmetic
    bool not_arithmetic_ = false;
};

// Adds text to a word, joined with a last part of its kind.
void add_text(Word& word, char c, bool quoted);

}  // namespace halfcell::userland::sh
