#include "schemes/pty/line_discipline.h"

#include <doctest/doctest.h>

#include "abi/proc_call.h"
#include "abi/sigabi.h"

using namespace halfcell;
using schemes::LineDiscipline;
using Cc = abi::ControlCharacter;
using abi::InputMode;
using abi::LocalMode;
using abi::OutputMode;
using abi::Signal;
using Packets = std::vector<std::string>;
using Signals = std::vector<std::uint32_t>;

namespace {

constexpr LineDiscipline::Time kTenth = 100'000'000;

struct Tty {
    LineDiscipline it;

    void set(auto&& change) {
        abi::Termios settings = it.settings();
        change(settings);
        it.set_settings(settings);
    }
    void raw(std::uint8_t least, std::uint8_t tenths) {
        set([&](abi::Termios& settings) {
            settings.c_lflag = 0;
            settings.c_cc[Cc::kMin] = least;
            settings.c_cc[Cc::kTime] = tenths;
        });
    }
    Signals type(std::string_view bytes, LineDiscipline::Time now = 0) { return it.type(bytes, now); }
    Packets input() {
        Packets packets;
        while (it.has_input())
            packets.push_back(it.take_input());
        return packets;
    }
    // What the master saw, without the packets' first bytes.
    std::string shown() {
        std::string text;
        while (it.has_output()) {
            const std::string packet = it.take_output();
            CHECK(packet.front() == LineDiscipline::kData);
            text += packet.substr(1);
        }
        return text;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Tty, "a line is delivered at its end and echoed as it is typed") {
    CHECK(type("hel").empty());
    CHECK_FALSE(it.has_input());
    CHECK(shown() == "hel");
    type("lo\rnext");
    CHECK(input() == Packets{"hello\n"});
    CHECK(shown() == "lo\r\nnext");
}

TEST_CASE_FIXTURE(Tty, "every echoed byte is a packet of its own") {
    type("ab");
    CHECK(it.take_output() == std::string("\0a", 2));
    CHECK(it.take_output() == std::string("\0b", 2));
}

TEST_CASE_FIXTURE(Tty, "end of file delivers what is there, at the start of a line nothing") {
    type("ab\004\004");
    CHECK(input() == Packets{"ab", ""});
    CHECK(shown() == "ab");
}

TEST_CASE_FIXTURE(Tty, "two further characters may end a line, and stay in it") {
    set([](abi::Termios& settings) {
        settings.c_cc[Cc::kEol] = ';';
        settings.c_cc[Cc::kEol2] = '!';
    });
    type("a;b!");
    CHECK(input() == Packets{"a;", "b!"});
    CHECK(shown() == "a;b!");
}

TEST_CASE_FIXTURE(Tty, "erase takes one byte back and rubs it out") {
    type("ab\177c\n");
    CHECK(input() == Packets{"ac\n"});
    CHECK(shown() == "ab\b \bc\r\n");
    type("\177\n");
    CHECK(input() == Packets{"\n"});
    CHECK(shown() == "\r\n");
}

TEST_CASE_FIXTURE(Tty, "without ECHOE an erase shows nothing; a disabled character is an ordinary one") {
    set([](abi::Termios& settings) { settings.c_lflag &= ~LocalMode::kEchoe; });
    type("ab\177\n");
    CHECK(input() == Packets{"a\n"});
    CHECK(shown() == "ab\r\n");
    set([](abi::Termios& settings) { settings.c_cc[Cc::kErase] = 0; });
    type("a\177\n");
    CHECK(input() == Packets{"a\177\n"});
}

TEST_CASE_FIXTURE(Tty, "kill takes the line back, word erase its last word") {
    type("one two \027");
    CHECK(shown() ==
          "one two "
          "\b \b\b \b\b \b\b \b");
    type("\025x\n");
    CHECK(input() == Packets{"x\n"});
    CHECK(shown() ==
          "\b \b\b \b\b \b\b \b"
          "x\r\n");
}

TEST_CASE_FIXTURE(Tty, "word erase needs IEXTEN") {
    set([](abi::Termios& settings) { settings.c_lflag &= ~LocalMode::kIexten; });
    type("a\027\n");
    CHECK(input() == Packets{"a\027\n"});
}

TEST_CASE_FIXTURE(Tty, "reprint, start, stop, literal next and discard mean nothing and are not passed on") {
    type("a\022\021\023\026\017b\n");
    CHECK(input() == Packets{"ab\n"});
    set([](abi::Termios& settings) {
        settings.c_lflag &= ~LocalMode::kIexten;
        settings.c_iflag &= ~InputMode::kIxon;
    });
    type("\022\021\023\026\017\n");
    CHECK(input() == Packets{"\022\021\023\026\017\n"});
}

TEST_CASE_FIXTURE(Tty, "signal keys are signals, in order, and leave nothing behind but the line") {
    CHECK(type("a\003\034\032") == Signals{Signal::kInt, Signal::kQuit, Signal::kTstp});
    type("b\n");
    CHECK(input() == Packets{"b\n"});
    CHECK(shown() == "ab\r\n");
}

TEST_CASE_FIXTURE(Tty, "a signal throws away what was typed before it, unless NOFLSH says otherwise") {
    type("line\nrest\003\n");
    CHECK(input() == Packets{"\n"});
    set([](abi::Termios& settings) { settings.c_lflag |= LocalMode::kNoflsh; });
    type("line\nrest\003\n");
    CHECK(input() == Packets{"line\n", "rest\n"});
}

TEST_CASE_FIXTURE(Tty, "without ISIG the keys are input") {
    set([](abi::Termios& settings) { settings.c_lflag &= ~LocalMode::kIsig; });
    CHECK(type("\003\n").empty());
    CHECK(input() == Packets{"\003\n"});
    CHECK_FALSE(it.signal_of_key('\003'));
}

TEST_CASE_FIXTURE(Tty, "carriage return and newline are mapped, ignored or left alone") {
    set([](abi::Termios& settings) { settings.c_iflag = 0; });
    type("a\rb\n");
    CHECK(input() == Packets{"a\rb\n"});
    set([](abi::Termios& settings) { settings.c_iflag = InputMode::kIgncr | InputMode::kIcrnl; });
    type("a\rb\n");
    CHECK(input() == Packets{"ab\n"});
    set([](abi::Termios& settings) { settings.c_iflag = InputMode::kInlcr; });
    type("a\n");
    CHECK(input().empty());
}

TEST_CASE_FIXTURE(Tty, "NUL is never passed on") {
    raw(1, 0);
    type(std::string_view("a\0b", 3));
    CHECK(input() == Packets{"ab"});
}

TEST_CASE_FIXTURE(Tty, "a newline is echoed for ECHONL alone") {
    set([](abi::Termios& settings) {
        settings.c_lflag &= ~LocalMode::kEcho;
        settings.c_lflag |= LocalMode::kEchonl;
    });
    type("ab\n");
    CHECK(shown() == "\r\n");
}

TEST_CASE_FIXTURE(Tty, "output gets its line ends, one packet a call") {
    it.print("a\nb\n");
    CHECK(it.take_output() == std::string("\0a\r\nb\r\n", 7));
    it.print("");
    CHECK(it.take_output() == std::string("\0", 1));
    set([](abi::Termios& settings) { settings.c_oflag &= ~OutputMode::kOpost; });
    it.print("a\n");
    CHECK(it.take_output() == std::string("\0a\n", 3));
    it.mark_synced();
    CHECK(it.take_output() == std::string("\1", 1));
}

TEST_CASE_FIXTURE(Tty, "VMIN alone: nothing before that many bytes") {
    raw(3, 0);
    type("ab");
    CHECK_FALSE(it.has_input());
    CHECK_FALSE(it.deadline());
    type("cd");
    CHECK(input() == Packets{"abcd"});
}

TEST_CASE_FIXTURE(Tty, "VTIME alone: what comes, or nothing when the time is over") {
    raw(0, 2);
    it.update(kTenth);  // a read begins
    CHECK_FALSE(it.has_input());
    CHECK(it.deadline() == 3 * kTenth);
    it.update(3 * kTenth - 1);
    CHECK_FALSE(it.has_input());
    it.update(3 * kTenth);
    CHECK(input() == Packets{""});
    type("a", 4 * kTenth);
    CHECK(input() == Packets{"a"});
}

TEST_CASE_FIXTURE(Tty, "both: the time runs from the last byte") {
    raw(3, 2);
    it.update(0);
    CHECK_FALSE(it.deadline());
    type("a", kTenth);
    type("b", 2 * kTenth);
    CHECK(it.deadline() == 4 * kTenth);
    it.update(4 * kTenth - 1);
    CHECK_FALSE(it.has_input());
    it.update(4 * kTenth);
    CHECK(input() == Packets{"ab"});
    CHECK_FALSE(it.deadline());
    type("abc", 5 * kTenth);
    CHECK(input() == Packets{"abc"});
}

TEST_CASE_FIXTURE(Tty, "neither: a read never waits, and a watcher hears so ten times in a second") {
    raw(0, 0);
    it.update_for_watcher(kTenth);
    CHECK_FALSE(it.has_input());
    CHECK(it.deadline() == 2 * kTenth);
    it.update(2 * kTenth);
    CHECK(input() == Packets{""});
    CHECK_FALSE(it.deadline());
    type("ab");
    CHECK(input() == Packets{"ab"});
}

TEST_CASE_FIXTURE(Tty, "a watcher costs nothing once there is something to read") {
    raw(0, 2);
    type("a");
    it.update_for_watcher(0);
    it.update(9 * kTenth);
    it.update_for_watcher(9 * kTenth);
    CHECK_FALSE(it.deadline());
    CHECK(input() == Packets{"a"});
}

TEST_CASE_FIXTURE(Tty, "what was typed in one mode is read in the other") {
    type("ab");
    raw(1, 0);
    it.update(0);
    CHECK(input() == Packets{"ab"});
}

TEST_CASE_FIXTURE(Tty, "writers are held back, lines and echo have an end") {
    for (std::size_t i = 0; i < LineDiscipline::kMostPackets; ++i) {
        CHECK(it.accepts_input());
        type("\n");
    }
    CHECK_FALSE(it.accepts_input());
    CHECK_FALSE(it.accepts_output());
    input();
    shown();
    type(std::string(LineDiscipline::kLongestLine + 5, 'x'));
    CHECK(it.accepts_input());
    CHECK(shown().size() == LineDiscipline::kMostEchoes);
    type("\n");
    CHECK(input() == Packets{std::string(LineDiscipline::kLongestLine, 'x') + "\n"});
    raw(0, 0);
    it.update(0);  // an empty packet that nobody reads
    type(std::string(LineDiscipline::kLongestLine, 'x'));
    CHECK_FALSE(it.accepts_input());
}
