#include "userland/sh/expansion.h"

#include <doctest/doctest.h>

#include <map>

#include "userland/sh/parser.h"

using namespace halfcell::userland::sh;

namespace {

struct FakeShell final : ExpansionHost, Directories {
    std::map<std::string, std::string, std::less<>> variables;
    std::vector<std::string> given;
    std::map<std::string, std::vector<std::string>, std::less<>> tree;
    bool no_unset = false;
    bool patterns = true;

    std::optional<std::string> parameter(std::string_view name) override {
        const auto at = variables.find(name);
        if (at == variables.end()) return {};
        return at->second;
    }
    bool set_variable(std::string_view name, std::string_view value, std::string& error) override {
        if (name == "fixed") {
            error = "fixed: is read only";
            return false;
        }
        variables[std::string(name)] = value;
        return true;
    }
    std::span<const std::string> arguments() override { return given; }
    bool command_output(const List& commands, std::string& output, std::string&) override {
        // The words of the commands, by a line each: enough to see what was run.
        for (const AndOr& item : commands.items)
            output += item.text + "\n";
        return true;
    }
    std::optional<std::string> home_of(std::string_view user) override {
        if (user.empty()) return "/home/me";
        if (user == "root") return "/root";
        return {};
    }
    Directories& directories() override { return *this; }
    bool refuses_unset() override { return no_unset; }
    bool expands_patterns() override { return patterns; }

    std::vector<std::string> names_in(const std::string& directory) override {
        const auto at = tree.find(directory);
        return at == tree.end() ? std::vector<std::string>() : at->second;
    }
    bool exists(const std::string& path) override {
        const std::size_t slash = path.rfind('/');
        const std::string directory = slash == std::string::npos ? "" : path.substr(0, slash + 1);
        const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
        if (name.empty()) return tree.contains(directory);
        for (const std::string& known : names_in(directory)) {
            if (known == name) return true;
        }
        return false;
    }
};

// The fields of "x WORDS", in brackets; or the error.
std::string expanded(std::string_view words, FakeShell& shell) {
    const std::string program = "x " + std::string(words) + "\n";
    StringInput input(program);
    Parser parser(input);
    ListPointer list;
    if (parser.next(list) != Parser::Outcome::kCommand) return "parse error: " + parser.error().message;
    const Command& command = *list->items[0].items[0].pipeline.commands[0];
    Expander expander(shell);
    std::string text;
    const auto& simple = std::get<SimpleCommand>(command.body);
    for (std::size_t i = 1; i < simple.words.size(); ++i) {
        std::vector<std::string> fields;
        if (!expander.fields(simple.words[i], fields)) return "error: " + expander.error();
        for (const std::string& field : fields)
            text += "[" + field + "]";
    }
    return text;
}

std::string assigned(std::string_view words, FakeShell& shell) {
    const std::string program = "x=" + std::string(words) + "\n";
    StringInput input(program);
    Parser parser(input);
    ListPointer list;
    REQUIRE(parser.next(list) == Parser::Outcome::kCommand);
    const auto& simple = std::get<SimpleCommand>(list->items[0].items[0].pipeline.commands[0]->body);
    std::string text;
    Expander expander(shell);
    REQUIRE(expander.assigned(simple.assignments[0].value, text));
    return text;
}

}  // namespace

TEST_CASE("fields split at IFS where nothing is quoted") {
    FakeShell shell;
    shell.variables["v"] = "  a  b c ";
    CHECK(expanded("$v", shell) == "[a][b][c]");
    CHECK(expanded("\"$v\"", shell) == "[  a  b c ]");
    CHECK(expanded("x$v'y'", shell) == "[x][a][b][c][y]");
    shell.variables["empty"] = "";
    CHECK(expanded("$empty", shell).empty());
    CHECK(expanded("\"$empty\" ''", shell) == "[][]");
    CHECK(expanded("$empty\"$empty\"", shell) == "[]");
    shell.variables["IFS"] = ":";
    shell.variables["path"] = "a::b:";
    CHECK(expanded("$path", shell) == "[a][][b]");
    CHECK(expanded("$v", shell) == "[  a  b c ]");
    shell.variables["IFS"] = " :";
    shell.variables["path"] = " a : b :: c";
    CHECK(expanded("$path", shell) == "[a][b][][c]");
    shell.variables["path"] = ":a";
    CHECK(expanded("$path", shell) == "[][a]");
    shell.variables["IFS"] = "";
    CHECK(expanded("$v", shell) == "[  a  b c ]");
    CHECK(assigned("$v", shell) == "  a  b c ");
}

TEST_CASE("the positional parameters") {
    FakeShell shell;
    shell.given = {"a b", "", "c"};
    CHECK(expanded("\"$@\"", shell) == "[a b][][c]");
    CHECK(expanded("$@", shell) == "[a][b][c]");
    CHECK(expanded("$*", shell) == "[a][b][c]");
    CHECK(expanded("\"$*\"", shell) == "[a b  c]");
    CHECK(expanded("\"x$@y\"", shell) == "[xa b][][cy]");
    CHECK(expanded("$# ${#} $1 \"$2\" $3 $4 ${12}", shell) == "[3][3][a][b][][c]");
    CHECK(assigned("$@", shell) == "a b  c");
    shell.variables["IFS"] = ":";
    CHECK(expanded("\"$*\"", shell) == "[a b::c]");
    CHECK(assigned("$*", shell) == "a b::c");
    shell.given.clear();
    CHECK(expanded("\"$@\" $@ \"$*\"", shell) == "[]");
    CHECK(expanded("\"\"$@", shell) == "[]");
    CHECK(expanded("${1+\"$@\"}", shell).empty());
    shell.given = {"a b", "c"};
    CHECK(expanded("${1+\"$@\"}", shell) == "[a b][c]");
}

TEST_CASE("operations on parameters") {
    FakeShell shell;
    shell.variables["x"] = "value";
    shell.variables["null"] = "";
    CHECK(expanded("${x-d} ${null-d} ${null:-d} ${no-d} ${no:-a b} \"${no:-a b}\"", shell) ==
          "[value][d][d][a][b][a b]");
    CHECK(expanded("${x+s} ${null+s} ${null:+s} ${no+s}", shell) == "[s][s]");
    CHECK(expanded("\"${null:+s}\" \"${no-}\"", shell) == "[][]");
    CHECK(expanded("${new:=a$x} $new", shell) == "[avalue][avalue]");
    CHECK(expanded("${no?}", shell) == "error: no: parameter not set");
    CHECK(expanded("${null:?}", shell) == "error: null: parameter not set or null");
    CHECK(expanded("${no?my $x}", shell) == "error: no: my value");
    CHECK(expanded("${fixed=1}", shell) == "error: fixed: is read only");
    CHECK(expanded("${1=x}", shell) == "error: 1: bad variable name");
    CHECK(expanded("${#x} ${#null} ${#no}", shell) == "[5][0][0]");
    CHECK(expanded("${x!}", shell) == "error: Bad substitution");
    shell.variables["p"] = "/usr/lib/a.tar.gz";
    CHECK(expanded("${p#*/} ${p##*/} ${p%.*} ${p%%.*}", shell) ==
          "[usr/lib/a.tar.gz][a.tar.gz][/usr/lib/a.tar][/usr/lib/a]");
    CHECK(expanded("${p#/usr} ${p%nothing} \"${p##*'/'}\"", shell) ==
          "[/lib/a.tar.gz][/usr/lib/a.tar.gz][a.tar.gz]");
    shell.variables["star"] = "*b";
    CHECK(expanded("\"${star#'*'}\" \"${star#*}\" \"${star##*}\" \"${star#\\*}\"", shell) == "[b][*b][][b]");
    shell.no_unset = true;
    CHECK(expanded("$no", shell) == "error: no: parameter not set");
    CHECK(expanded("${no-d} \"$@\"", shell) == "[d]");
}

TEST_CASE("commands and arithmetic") {
    FakeShell shell;
    shell.variables["n"] = "4";
    CHECK(expanded("$(a b) \"$(a b)\" `c`", shell) == "[a][b][a b][c]");
    CHECK(expanded("x$((n * 2))y $((m = n + 1)) $m", shell) == "[x8y][5][5]");
    CHECK(expanded("$(( $n$n ))", shell) == "[44]");
    CHECK(expanded("$((1/0))", shell).starts_with("error: "));
    shell.variables["IFS"] = "1";
    CHECK(expanded("$((212))", shell) == "[2][2]");
}

TEST_CASE("home directories") {
    FakeShell shell;
    CHECK(expanded("~ ~/x ~root/y ~nobody a~ '~' \\~ ~\"root\"", shell) ==
          "[/home/me][/home/me/x][/root/y][~nobody][a~][~][~][~root]");
    CHECK(assigned("~/a:~root:b~", shell) == "/home/me/a:/root:b~");
    CHECK(expanded("a=~ x:~", shell) == "[a=~][x:~]");
    shell.variables["HOME"] = "~";
    CHECK(expanded("$HOME ${no-~}", shell) == "[~][/home/me]");
}

TEST_CASE("file names") {
    FakeShell shell;
    shell.tree[""] = {"b.c", "a.c", ".hidden", "dir", "x*y", "[z"};
    shell.tree["dir/"] = {"one", "two"};
    shell.tree["/"] = {"etc"};
    shell.tree["/etc/"] = {"passwd"};
    CHECK(expanded("*.c", shell) == "[a.c][b.c]");
    CHECK(expanded("'*'.c \\*.c \"*\".c", shell) == "[*.c][*.c][*.c]");
    CHECK(expanded(".h*", shell) == "[.hidden]");
    CHECK(expanded("d*/t* */one dir/*", shell) == "[dir/two][dir/one][dir/one][dir/two]");
    CHECK(expanded("*.none ?", shell) == "[*.none][?]");
    CHECK(expanded("[ab].c [!a].c x'*'?", shell) == "[a.c][b.c][b.c][x*y]");
    CHECK(expanded("/e*/p* /e*", shell) == "[/etc/passwd][/etc]");
    CHECK(expanded("d*/ a*/", shell) == "[dir/][a*/]");
    CHECK(expanded("[z", shell) == "[[z]");
    shell.variables["v"] = "*.c";
    CHECK(expanded("$v \"$v\"", shell) == "[a.c][b.c][*.c]");
    shell.patterns = false;
    CHECK(expanded("*.c", shell) == "[*.c]");
}

TEST_CASE("lines as read splits them") {
    const auto split = [](std::string_view line, std::string_view ifs, std::size_t count) {
        std::string text;
        for (const std::string& field : split_line(line, std::vector<bool>(line.size()), ifs, count))
            text += "[" + field + "]";
        return text;
    };
    CHECK(split("  a b  c ", " \t\n", 2) == "[a][b  c]");
    CHECK(split("a", " ", 3) == "[a]");
    CHECK(split(" ", " ", 1).empty());
    CHECK(split("a:b:c", ":", 2) == "[a][b:c]");
    CHECK(split("a:b:", ":", 2) == "[a][b]");
    CHECK(split("a:b:c:", ":", 2) == "[a][b:c:]");
    CHECK(split(":a", ":", 2) == "[][a]");
    CHECK(split("a : b", ": ", 2) == "[a][b]");
    std::vector<bool> escaped(5);
    escaped[1] = true;
    CHECK(split_line("a b c", escaped, " ", 2) == std::vector<std::string>{"a b", "c"});
}
