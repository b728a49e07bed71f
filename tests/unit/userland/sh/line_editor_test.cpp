#include "userland/sh/line_editor.h"

#include <doctest/doctest.h>

#include <cctype>
#include <map>

#include "userland/sh/completion.h"

using namespace halfcell::userland::sh;

namespace {

class Tree final : public Directories {
  public:
    explicit Tree(std::map<std::string, std::vector<std::string>> names) : names_(std::move(names)) {}
    std::vector<std::string> names_in(const std::string& directory) override { return names_[directory]; }
    bool exists(const std::string& path) override { return names_.contains(path); }

  private:
    std::map<std::string, std::vector<std::string>> names_;
};

// As much of a terminal as the editor makes use of: its last row, and where the cursor is.
struct Terminal {
    std::string row;
    std::size_t column = 0;
    std::size_t rows = 0;

    void show(std::string_view text) {
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] == '\x1b') {
                std::size_t number = 0;
                for (i += 2; std::isdigit(static_cast<unsigned char>(text[i])); ++i)
                    number = number * 10 + static_cast<std::size_t>(text[i] - '0');
                if (text[i] == 'K') row.resize(column);
                if (text[i] == 'C') column += number;
                if (text[i] == 'J') row.clear();
                if (text[i] == 'H') column = 0;
            } else if (text[i] == '\r') {
                column = 0;
            } else if (text[i] == '\n') {
                row.clear();
                column = 0;
                ++rows;
            } else if (text[i] != '\a') {
                row.resize(std::max(row.size(), column + 1), ' ');
                row[column++] = text[i];
            }
        }
    }
};

// An editor with a user in front of it.
struct Session {
    Tree tree{{{"", {".", "..", ".hidden", "one", "other", "a b"}}, {"one/", {"in"}}}};
    LineEditor editor{tree};
    Terminal terminal;
    LineEditor::Outcome outcome = LineEditor::Outcome::kMore;

    explicit Session(std::size_t columns = 40) {
        editor.begin("$ ", columns);
        terminal.show(editor.take_output());
    }
    void type(std::string_view keys) {
        for (const char byte : keys)
            outcome = editor.type(byte);
        terminal.show(editor.take_output());
    }
    // The line that these keys and Enter make.
    std::string line(std::string_view keys) {
        type(keys);
        type("\r");
        CHECK(outcome == LineEditor::Outcome::kLine);
        const std::string result = editor.take_line();
        editor.begin("$ ", 40);
        terminal.show(editor.take_output());
        return result;
    }
};

constexpr std::string_view kUp = "\x1b[A";
constexpr std::string_view kDown = "\x1b[B";
constexpr std::string_view kLeft = "\x1b[D";

std::string keys(std::initializer_list<std::string_view> parts) {
    std::string text;
    for (const std::string_view part : parts)
        text += part;
    return text;
}

}  // namespace

TEST_CASE("keys move and change the line") {
    Session session;
    CHECK(session.line("echo") == "echo");
    CHECK(session.line(keys({"ac", kLeft, "b"})) == "abc");
    CHECK(session.line("bc\001a\005d") == "abcd");
    CHECK(session.line("abc\002\002x\006y") == "axbyc");
    CHECK(session.line("abx\177c") == "abc");
    CHECK(session.line("abx\bc") == "abc");
    CHECK(session.line("\177\177a") == "a");
    CHECK(session.line("xab\001\004") == "ab");
    CHECK(session.line("xab\033[H\033[3~") == "ab");
    CHECK(session.line("ab\033OHx\033OFy\033[1~z\033[4~.") == "zxaby.");
    CHECK(session.line("lost\025kept") == "kept");
    CHECK(session.line("kept lost\027found") == "kept found");
    CHECK(session.line("kept lost  \027") == "kept ");
    CHECK(session.line("abc\002\002\013d") == "ad");
    CHECK(session.line("a\033[15~\033[1;5Pb\001\005\037") == "ab");
}

TEST_CASE("characters of several bytes are one") {
    Session session;
    CHECK(session.line("a\xc3\xa9\177b") == "ab");
    CHECK(session.line(keys({"\xc3\xa9", kLeft, "a"})) == "a\xc3\xa9");
    CHECK(session.line("\xe2\x82\xac\001\004x") == "x");
}

TEST_CASE("lines come back") {
    Session session;
    CHECK(session.line("first") == "first");
    CHECK(session.line("second") == "second");
    CHECK(session.line("second") == "second");
    CHECK(session.line(" ") == " ");
    CHECK(session.line(kUp) == "second");
    CHECK(session.line(keys({kUp, kUp})) == "first");
    CHECK(session.line(keys({kUp, kUp, kUp, kUp, "!"})) == "first!");
    CHECK(session.line(keys({"new", kUp, kUp, kDown, kDown, kDown, "er"})) == "newer");
    CHECK(session.line("\020\020\016") == "newer");
    session.type("given up");
    session.editor.forget_line();
    CHECK(session.line("") == "");
    CHECK(session.line(kUp) == "newer");
}

TEST_CASE("the end of input is the key on an empty line") {
    Session session;
    session.type("a\177\004");
    CHECK(session.outcome == LineEditor::Outcome::kEnd);
}

TEST_CASE("the terminal shows the line and the cursor") {
    Session session;
    session.type("abc");
    CHECK(session.terminal.row == "$ abc");
    CHECK(session.terminal.column == 5);
    session.type("\001x");
    CHECK(session.terminal.row == "$ xabc");
    CHECK(session.terminal.column == 3);
    session.type("\005\177\177");
    CHECK(session.terminal.row == "$ xa");
    session.type("\014");
    CHECK(session.terminal.row == "$ xa");
    CHECK(session.terminal.column == 4);
    session.type("\001\r");
    CHECK(session.terminal.rows == 1);
}

TEST_CASE("a line longer than the row scrolls in it") {
    Session session(20);
    std::string text;
    for (int i = 0; i < 50; ++i)
        text.push_back(static_cast<char>('a' + i % 26));
    session.type(text);
    CHECK(session.terminal.rows == 0);
    CHECK(session.terminal.row == "$ " + text.substr(33));
    CHECK(session.terminal.column == 19);
    session.type("\001");
    CHECK(session.terminal.row == "$ " + text.substr(0, 17));
    CHECK(session.terminal.column == 2);
    CHECK(session.line("") == text);
}

TEST_CASE("a prompt of several lines and colours") {
    Session session;
    session.editor.begin("above\n\x1b[1m> \x1b[0m", 40);
    session.type("ab\001c");
    CHECK(session.terminal.row == "> cab");
    CHECK(session.terminal.column == 3);
}

TEST_CASE("names are completed") {
    Session session;
    CHECK(session.line("cat on\tx") == "cat one/x");
    CHECK(session.line("cat one/\t|") == "cat one/in |");
    CHECK(session.line("cat a\t|") == "cat a\\ b |");
    CHECK(session.line("cat a\\ \t|") == "cat a\\ b |");
    CHECK(session.line("cat .h\t|") == "cat .hidden |");
    CHECK(session.line("x=ot\t|") == "x=other |");
    CHECK(session.line("ot\001cat \005\t|") == "cat other |");
    CHECK(session.line("cat none\t|") == "cat none|");
    session.type("cat o\t");
    CHECK(session.terminal.row == "$ cat o");
    CHECK(session.terminal.rows == 10);
    CHECK(session.line("t\t") == "cat other ");
}

TEST_CASE("what several names have in common is added") {
    Tree tree({{"d/", {"name1", "name2", "nothing"}}});
    CHECK(complete_path("ls d/na", tree).added == "me");
    CHECK(complete_path("ls d/name", tree).added.empty());
    CHECK(complete_path("ls d/name", tree).names == std::vector<std::string>{"name1", "name2"});
    CHECK(complete_path("ls d/x", tree).names.empty());
    CHECK(complete_path("ls e/", tree).names.empty());
}
