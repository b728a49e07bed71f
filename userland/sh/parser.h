#pragma once

// Tokens to command trees: lists and pipelines in parser.cpp, commands in parser_*.cpp. Pure; tested on the
// host. Source of the grammar: POSIX.1-2017, Shell Command Language, 2.10.

#include <optional>
#include <string_view>

#include "userland/sh/lexer.h"

namespace halfcell::userland::sh {

class Parser final : private SubstitutionParser {
  public:
    explicit Parser(LineInput& input, int line = 1) : source_(input, line), lexer_(source_, *this) {}
    Parser(const Parser&) = delete;
    Parser& operator=(const Parser&) = delete;

    enum class Outcome { kCommand, kEmpty, kEnd, kError };

    // Reads one complete command: all up to the end of a line that ends no construct early. kEmpty is a line
    // without a command. After kError, error() says what is wrong and the rest of the line is skipped. Blocks
    // as the input does.
    Outcome next(ListPointer& list);

    const SyntaxError& error() const { return lexer_.error(); }

    // All of the input as one text of a here-document; false after a mistake.
    bool whole_text(Word& word);

  private:
    ListPointer parse_substitution() override;
    ListPointer parse_text(std::string_view text, int line) override;
    Word parse_document(std::string_view text, int line) override;

    static constexpr int kMaxDepth = 200;

    const Token& peek();
    Token take();
    bool accept(TokenKind kind);
    // Whether the next token is this reserved word; only where one may stand.
    bool at_reserved(std::string_view word);
    bool accept_reserved(std::string_view word);
    void expect_reserved(std::string_view word);
    void skip_newlines();
    void unexpected();

    // Lists up to a token that cannot continue them. `least_one`: an empty list is an error.
    ListPointer compound_list();
    bool at_list_end();
    AndOr and_or();
    Pipeline pipeline();
    CommandPointer command();
    void compound(Command& command);
    bool begins_compound();
    GroupCommand group();
    SubshellCommand subshell();
    IfCommand if_command();
    LoopCommand loop(bool until);
    ForCommand for_command();
    CaseCommand case_command();
    CaseCommand::Item case_item();
    ListPointer do_group();
    void simple(Command& command);
    bool redirection(Command& command);
    void function(Command& command, std::string name);

    Source source_;
    Lexer lexer_;
    std::optional<Token> token_;
    // Where the token to be taken next begins.
    Source::Mark token_begin_{};
    int depth_ = 0;
};

// A text with parameters and substitutions in it, as a here-document's; literal after a mistake in it.
Word parse_expandable_text(const std::string& text);

// Whether a word may only stand where a command ends or goes on: "then", "}", "esac"…
bool is_reserved_word(std::string_view word);

// Splits "NAME=value" where the word begins with a literal name and '='.
std::optional<Assignment> as_assignment(const Word& word);

}  // namespace halfcell::userland::sh
