// Compound commands: groups, conditions, loops, case.

#include "userland/sh/characters.h"
#include "userland/sh/parser.h"

namespace halfcell::userland::sh {

bool Parser::begins_compound() {
    if (peek().kind == TokenKind::kOpen) return true;
    if (peek().kind != TokenKind::kWord) return false;
    const std::string_view text = literal_text(peek().word);
    return text == "{" || text == "if" || text == "while" || text == "until" || text == "for" ||
           text == "case";
}

void Parser::compound(Command& command) {
    if (++depth_ > kMaxDepth) {
        lexer_.fail("Commands nested too deeply");
    } else if (accept(TokenKind::kOpen)) {
        command.body = subshell();
    } else if (accept_reserved("{")) {
        command.body = group();
    } else if (accept_reserved("if")) {
        command.body = if_command();
    } else if (accept_reserved("while")) {
        command.body = loop(false);
    } else if (accept_reserved("until")) {
        command.body = loop(true);
    } else if (accept_reserved("for")) {
        command.body = for_command();
    } else {
        (void)take();
        command.body = case_command();
    }
    --depth_;
}

GroupCommand Parser::group() {
    GroupCommand result{compound_list()};
    expect_reserved("}");
    return result;
}

SubshellCommand Parser::subshell() {
    SubshellCommand result{compound_list()};
    if (!lexer_.failed() && !accept(TokenKind::kClose)) unexpected();
    return result;
}

IfCommand Parser::if_command() {
    IfCommand result;
    do {
        IfCommand::Branch branch;
        branch.condition = compound_list();
        expect_reserved("then");
        if (!lexer_.failed()) branch.body = compound_list();
        result.branches.push_back(std::move(branch));
    } while (!lexer_.failed() && accept_reserved("elif"));
    if (!lexer_.failed() && accept_reserved("else")) result.otherwise = compound_list();
    expect_reserved("fi");
    return result;
}

LoopCommand Parser::loop(bool until) {
    LoopCommand result;
    result.until = until;
    result.condition = compound_list();
    if (!lexer_.failed()) result.body = do_group();
    return result;
}

ListPointer Parser::do_group() {
    expect_reserved("do");
    if (lexer_.failed()) return nullptr;
    ListPointer body = compound_list();
    expect_reserved("done");
    return body;
}

ForCommand Parser::for_command() {
    ForCommand result;
    const Token name = take();
    result.variable = std::string(literal_text(name.word));
    if (name.kind != TokenKind::kWord || !is_name(result.variable)) {
        lexer_.fail("Syntax error: Bad for loop variable", name.line);
        return result;
    }
    // "for x; do", "for x do" and "for x NEWLINE do" go over the arguments.
    const bool separated = accept(TokenKind::kSemicolon);
    skip_newlines();
    if (!separated && accept_reserved("in")) {
        while (peek().kind == TokenKind::kWord && !lexer_.failed())
            result.words.push_back(take().word);
        if (!accept(TokenKind::kSemicolon) && peek().kind != TokenKind::kNewline) unexpected();
        skip_newlines();
    } else {
        result.over_arguments = true;
    }
    result.body = do_group();
    return result;
}

CaseCommand Parser::case_command() {
    CaseCommand result;
    if (peek().kind != TokenKind::kWord) {
        unexpected();
        return result;
    }
    result.subject = take().word;
    skip_newlines();
    expect_reserved("in");
    skip_newlines();
    while (!lexer_.failed() && !at_reserved("esac")) {
        result.items.push_back(case_item());
        if (lexer_.failed() || !accept(TokenKind::kCaseEnd)) break;
        skip_newlines();
    }
    expect_reserved("esac");
    return result;
}

CaseCommand::Item Parser::case_item() {
    CaseCommand::Item item;
    (void)accept(TokenKind::kOpen);
    do {
        if (peek().kind != TokenKind::kWord) {
            unexpected();
            return item;
        }
        item.patterns.push_back(take().word);
    } while (!lexer_.failed() && accept(TokenKind::kPipe));
    if (!lexer_.failed() && !accept(TokenKind::kClose)) {
        unexpected();
        return item;
    }
    skip_newlines();
    if (!lexer_.failed() && peek().kind != TokenKind::kCaseEnd && !at_reserved("esac")) {
        item.body = compound_list();
    }
    return item;
}

}  // namespace halfcell::userland::sh
