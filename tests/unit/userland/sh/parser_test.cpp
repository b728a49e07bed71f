#include "userland/sh/parser.h"

#include <doctest/doctest.h>

#include <string>

using namespace halfcell::userland::sh;

namespace {

std::string shown(const List& list);

// A word with its structure visible: 'quoted', {parameter}, $(commands).
std::string shown(const Word& word) {
    constexpr const char* kOperations[] = {"", "#", "-", "=", "?", "+", "#", "##", "%", "%%"};
    std::string text;
    for (const WordPart& part : word.parts) {
        std::string piece;
        switch (part.kind) {
            case WordPart::Kind::kText:
                piece = part.text;
                break;
            case WordPart::Kind::kParameter:
                piece = "{" + part.text;
                if (part.operation != ParameterOperation::kPlain)
                    piece += std::string(part.null_too ? " :" : " ") +
                             kOperations[static_cast<int>(part.operation)];
                if (part.operand) piece += " " + shown(*part.operand);
                piece += "}";
                break;
            case WordPart::Kind::kCommand:
                piece = "$(" + shown(*part.commands) + ")";
                break;
            case WordPart::Kind::kArithmetic:
                piece = "$((" + shown(*part.operand) + "))";
                break;
            case WordPart::Kind::kBad:
                piece = "BAD";
                break;
        }
        text += part.quoted ? "'" + piece + "'" : piece;
    }
    return text;
}

std::string shown(const ListPointer& list) {
    return list ? shown(*list) : "nothing";
}

std::string shown(const Command& command);

struct Printer {
    std::string operator()(const SimpleCommand& command) const {
        std::string text;
        for (const Assignment& assignment : command.assignments)
            text += assignment.name + ":=" + shown(assignment.value) + " ";
        for (const Word& word : command.words)
            text += shown(word) + " ";
        if (text.ends_with(' ')) text.pop_back();
        return text;
    }
    std::string operator()(const GroupCommand& command) const { return "{ " + shown(command.body) + " }"; }
    std::string operator()(const SubshellCommand& command) const { return "( " + shown(command.body) + " )"; }
    std::string operator()(const IfCommand& command) const {
        std::string text = "if";
        for (const IfCommand::Branch& branch : command.branches)
            text += " [" + shown(branch.condition) + " => " + shown(branch.body) + "]";
        if (command.otherwise) text += " else [" + shown(command.otherwise) + "]";
        return text;
    }
    std::string operator()(const LoopCommand& command) const {
        return std::string(command.until ? "until" : "while") + " [" + shown(command.condition) + " => " +
               shown(command.body) + "]";
    }
    std::string operator()(const ForCommand& command) const {
        std::string text = "for " + command.variable;
        if (command.over_arguments) text += " @";
        for (const Word& word : command.words)
            text += " " + shown(word);
        return text + " [" + shown(command.body) + "]";
    }
    std::string operator()(const CaseCommand& command) const {
        std::string text = "case " + shown(command.subject);
        for (const CaseCommand::Item& item : command.items) {
            text += " [";
            for (const Word& pattern : item.patterns)
                text += shown(pattern) + " ";
            text += "=> " + shown(item.body) + "]";
        }
        return text;
    }
    std::string operator()(const FunctionDefinition& command) const {
        return "function " + command.name + " " + shown(*command.body);
    }
};

std::string shown(const Command& command) {
    std::string text = std::visit(Printer{}, command.body);
    for (const Redirection& redirection : command.redirections) {
        constexpr const char* kSigns[] = {"<", ">", ">|", ">>", "<>", "&", "<<"};
        text += " " + std::to_string(redirection.descriptor) + kSigns[static_cast<int>(redirection.kind)];
        text +=
            redirection.document ? "[" + shown(redirection.document->body) + "]" : shown(redirection.target);
    }
    return text;
}

std::string shown(const List& list) {
    std::string text;
    for (const AndOr& and_or : list.items) {
        if (!text.empty()) text += "; ";
        for (const AndOr::Item& item : and_or.items) {
            if (item.join == AndOr::Join::kAnd) text += " && ";
            if (item.join == AndOr::Join::kOr) text += " || ";
            if (item.pipeline.negated) text += "! ";
            for (std::size_t i = 0; i < item.pipeline.commands.size(); ++i)
                text += (i > 0 ? " | " : "") + shown(*item.pipeline.commands[i]);
        }
        if (and_or.background) text += " &";
    }
    return text;
}

// All complete commands of a program, one a line, or the error.
std::string parsed(std::string_view program) {
    StringInput input(program);
    Parser parser(input);
    std::string text;
    for (;;) {
        ListPointer list;
        switch (parser.next(list)) {
            case Parser::Outcome::kEnd:
                return text;
            case Parser::Outcome::kEmpty:
                continue;
            case Parser::Outcome::kError:
                return text + "error in line " + std::to_string(parser.error().line) + ": " +
                       parser.error().message;
            case Parser::Outcome::kCommand:
                text += (text.empty() ? "" : "\n") + shown(*list);
        }
    }
}

}  // namespace

TEST_CASE("simple commands, pipelines and lists") {
    CHECK(parsed("echo hello  world\n") == "echo hello world");
    CHECK(parsed("a | b|c\n") == "a | b | c");
    CHECK(parsed("a && b || ! c; d & e\n") == "a && b || ! c; d &; e");
    CHECK(parsed("a &&\n\n b\n") == "a && b");
    CHECK(parsed("x=1 y=$z cmd a=b\n") == "x:=1 y:={z} cmd a=b");
    CHECK(parsed("echo a#b # comment\n#another\nb") == "echo a#b\nb");
    CHECK(parsed("a\\\nb c\n") == "ab c");
    CHECK(parsed("\n\n") == "");
    CHECK(parsed("# only a comment \\\n") == "");
}

TEST_CASE("quotes and escapes") {
    CHECK(parsed("echo 'a b'\"c d\"\\ e\n") == "echo 'a b''c d 'e");
    CHECK(parsed("echo \"\" ''\n") == "echo '' ''");
    CHECK(parsed("echo \"a\\$b\\c\\\\\"\n") == "echo 'a$b\\c\\'");
    CHECK(parsed("echo 'a\nb'\n") == "echo 'a\nb'");
    CHECK(parsed("\\if\n") == "'i'f");
    CHECK(parsed("echo $ a$\n") == "echo $ a$");
}

TEST_CASE("parameters") {
    CHECK(parsed("$x ${y} $1 ${10} $@ \"$@\" $# $$\n") == "{x} {y} {1} {10} {@} '{@}' {#} {$}");
    CHECK(parsed("${#x} ${#} ${#@} ${##}\n") == "{x #} {#} {@ #} {# #}");
    CHECK(parsed("${x:-a b}${x=$y} ${x#*/} ${x%%'*'}\n") == "{x :- a b}{x = {y}} {x # */} {x %% '*'}");
    CHECK(parsed("\"${x-'a'}\" \"${x#'a'}\"\n") == "'{x - ''a''}' '{x # 'a'}'");
    CHECK(parsed("${x:-${y:-}}\n") == "{x :- {y :- }}");
    CHECK(parsed("${x+\"}\"}\n") == "{x + '}'}");
    CHECK(parsed("$10 ${x!}\n") == "{1}0 BAD");
}

TEST_CASE("substitutions") {
    CHECK(parsed("echo $(a | b; c)x\n") == "echo $(a | b; c)x");
    CHECK(parsed("echo \"$(a \"b c\")\"\n") == "echo '$(a 'b c')'");
    CHECK(parsed("echo `a \\`b\\``\n") == "echo $(a $(b))");
    CHECK(parsed("echo $(case x in a) b;; (c) d; esac)\n") == "echo $(case x [a => b] [c => d])");
    CHECK(parsed("echo $((1 + (2*3)))\n") == "echo $(('1 + (2*3)'))");
    CHECK(parsed("echo $(($x+$(y)))\n") == "echo $(('{x}''+''$(y)'))");
    CHECK(parsed("echo $((a); b)\n") == "echo $(( a ); b)");
    CHECK(parsed("echo $()\n") == "echo $()");
    CHECK(parsed("echo $(# comment )\na)\n") == "echo $(a)");
}

TEST_CASE("compound commands") {
    CHECK(parsed("if a; then b; elif c\nthen d; else e; fi\n") == "if [a => b] [c => d] else [e]");
    CHECK(parsed("while a; do b; done >x\n") == "while [a => b] 1>x");
    CHECK(parsed("until a\ndo\nb\ndone\n") == "until [a => b]");
    CHECK(parsed("for i in a $b \"c\"; do e; done\n") == "for i a {b} 'c' [e]");
    CHECK(parsed("for i do e; done; for i; do e; done\n") == "for i @ [e]; for i @ [e]");
    CHECK(parsed("for i\nin a\ndo e; done\n") == "for i a [e]");
    CHECK(parsed("case $x in\na|b) c;;\n*) ;;\nesac\n") == "case {x} [a b => c] [* => nothing]");
    CHECK(parsed("case x in esac\n") == "case x");
    CHECK(parsed("(a; b) | { c; }\n") == "( a; b ) | { c }");
    CHECK(parsed("f() { a; } 2>x\n") == "function f { a } 2>x");
    CHECK(parsed("f ()\n(a)\n") == "function f ( a )");
    CHECK(parsed("echo if then } !\n") == "echo if then } !");
    CHECK(parsed("! ! a\n") == "a");
}

TEST_CASE("redirections and here-documents") {
    CHECK(parsed("a <b >c 2>>d 3<>e >|f 2>&1 <&-\n") == "a 0<b 1>c 2>>d 3<>e 1>|f 2&1 0&-");
    CHECK(parsed("a 2 >b x2>c\n") == "a 2 x2 1>b 1>c");
    CHECK(parsed("a <<E b\nx $y\nE\nc\n") == "a b 0<<['x ''{y}''\n']\nc");
    CHECK(parsed("a <<'E'\nx $y\nE\n") == "a 0<<['x $y\n']");
    CHECK(parsed("a <<-E\n\tx\n\t\ty\n\tE\n") == "a 0<<['x\ny\n']");
    CHECK(parsed("a <<A <<B\n1\nA\n2\nB\n") == "a 0<<['1\n'] 0<<['2\n']");
    CHECK(parsed("a <<E && b\n\"q\" \\$x `c`\nE\n") == "a 0<<['\"q\" $x ''$(c)''\n'] && b");
    CHECK(parsed("a <<E\nunfinished\n") == "a 0<<['unfinished\n']");
    CHECK(parsed("x=$(cat <<E\nin\nE\n)\n") == "x:=$(cat 0<<['in\n'])");
}

TEST_CASE("mistakes name their line") {
    CHECK(parsed("a\nif b; fi\n") ==
          "aerror in line 2: Syntax error: \"fi\" unexpected (expecting \"then\")");
    CHECK(parsed("a )\n") == "error in line 1: Syntax error: \")\" unexpected");
    CHECK(parsed("(a\n") == "error in line 2: Syntax error: end of file unexpected");
    CHECK(parsed("echo 'abc\n\n") == "error in line 1: Unterminated quoted string");
    CHECK(parsed("a | ;\n") == "error in line 1: Syntax error: \";\" unexpected");
    CHECK(parsed("while a; do\ndone\n") == "error in line 2: Syntax error: \"done\" unexpected");
    CHECK(parsed("1x() { a; }\n") == "error in line 1: Syntax error: Bad function name");
    CHECK(parsed("for 1 in a; do b; done\n") == "error in line 1: Syntax error: Bad for loop variable");
}

TEST_CASE("nesting without end is refused, not overflowed") {
    std::string program;
    for (int i = 0; i < 100000; ++i)
        program += "$(";
    CHECK(parsed(program).starts_with("error in line 1"));
    CHECK(parsed(std::string(100000, '(')).starts_with("error in line 1"));
    std::string loops;
    for (int i = 0; i < 100000; ++i)
        loops += "while ";
    CHECK(parsed(loops).starts_with("error in line 1"));
    std::string operands;
    for (int i = 0; i < 100000; ++i)
        operands += "${x-";
    CHECK(parsed(operands).starts_with("error in line 1"));
}

TEST_CASE("lines are asked for when they are needed") {
    struct Counted final : LineInput {
        std::string_view lines[4] = {"echo a\n", "if b\n", "then c; fi\n", "d\n"};
        std::size_t given = 0;
        std::string continued;
        bool next_line(std::string& text, bool inside) override {
            if (given == 4) return false;
            text.append(lines[given++]);
            continued += inside ? 'c' : '-';
            return true;
        }
    } input;
    Parser parser(input);
    ListPointer list;
    CHECK(parser.next(list) == Parser::Outcome::kCommand);
    CHECK(input.given == 1);
    CHECK(parser.next(list) == Parser::Outcome::kCommand);
    CHECK(input.given == 3);
    CHECK(input.continued == "--c");
    CHECK(list->items[0].text == "if b\nthen c; fi");
}

TEST_CASE("the text of a job is what was written") {
    StringInput input("a  | b 'c' &  d&&e ; (f)\n");
    Parser parser(input);
    ListPointer list;
    REQUIRE(parser.next(list) == Parser::Outcome::kCommand);
    REQUIRE(list->items.size() == 3);
    CHECK(list->items[0].text == "a  | b 'c'");
    CHECK(list->items[1].text == "d&&e");
    CHECK(list->items[2].text == "(f)");
}
