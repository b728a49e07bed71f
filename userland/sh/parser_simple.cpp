// Simple commands with their assignments and redirections, and what begins like one: functions.

#include "userland/sh/characters.h"
#include "userland/sh/parser.h"

namespace halfcell::userland::sh {

std::optional<Assignment> as_assignment(const Word& word) {
    if (word.parts.empty()) return {};
    const WordPart& first = word.parts.front();
    if (first.kind != WordPart::Kind::kText || first.quoted) return {};
    const std::size_t equals = first.text.find('=');
    if (equals == std::string::npos || !is_name(std::string_view(first.text).substr(0, equals))) return {};
    Assignment assignment{first.text.substr(0, equals), word};
    WordPart& rest = assignment.value.parts.front();
    rest.text.erase(0, equals + 1);
    if (rest.text.empty()) assignment.value.parts.erase(assignment.value.parts.begin());
    return assignment;
}

bool Parser::redirection(Command& command) {
    int number = -1;
    if (peek().kind == TokenKind::kIoNumber) {
        number = take().number;
        if (peek().kind != TokenKind::kRedirection) {
            unexpected();
            return false;
        }
    }
    if (peek().kind != TokenKind::kRedirection) return false;
    const Token sign = take();
    Redirection result;
    result.kind = sign.redirection;
    result.descriptor = number >= 0 ? number : sign.number;
    if (peek().kind != TokenKind::kWord && peek().kind != TokenKind::kIoNumber) {
        unexpected();
        return false;
    }
    result.target = take().word;
    if (result.kind == Redirection::Kind::kHereDocument) {
        auto document = std::make_shared<HereDocument>();
        document->strip_tabs = sign.strip_tabs;
        for (const WordPart& part : result.target.parts) {
            document->literal = document->literal || part.quoted;
            document->delimiter.append(part.text);
        }
        result.document = document;
        lexer_.expect_document(std::move(document));
    }
    command.redirections.push_back(std::move(result));
    return !lexer_.failed();
}

void Parser::simple(Command& command) {
    SimpleCommand result;
    bool any = false;
    for (; !lexer_.failed(); any = true) {
        if (peek().kind == TokenKind::kWord) {
            if (!any && is_reserved_word(literal_text(peek().word))) break;
            Word word = take().word;
            if (result.words.empty()) {
                if (std::optional<Assignment> assignment = as_assignment(word)) {
                    result.assignments.push_back(std::move(*assignment));
                    continue;
                }
            }
            result.words.push_back(std::move(word));
            if (!any && !lexer_.failed() && peek().kind == TokenKind::kOpen) {
                function(command, std::string(literal_text(result.words.front())));
                return;
            }
            continue;
        }
        if (!redirection(command)) break;
    }
    if (lexer_.failed()) return;
    if (!any) {
        unexpected();
        return;
    }
    command.body = std::move(result);
}

// The name has been taken and '(' is next.
void Parser::function(Command& command, std::string name) {
    (void)take();
    if (!accept(TokenKind::kClose)) {
        unexpected();
        return;
    }
    if (!is_name(name)) {
        lexer_.fail("Syntax error: Bad function name", command.line);
        return;
    }
    skip_newlines();
    if (lexer_.failed()) return;
    if (!begins_compound()) {
        unexpected();
        return;
    }
    command.body = FunctionDefinition{std::move(name), this->command()};
}

}  // namespace halfcell::userland::sh
