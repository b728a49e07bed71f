#include "kernel_shim/control/conversation.h"

#include <doctest/doctest.h>

#include <string>

namespace halfcell::control {

namespace {

using Step = Conversation::Step;

// All that is written until the conversation wants something else.
std::string read_all(Conversation& talk, Step& step, bool locked = false) {
    std::string text;
    for (;;) {
        step = talk.next(locked);
        if (step != Step::kWrite) return text;
        // A peer that takes a byte at a time gets the same.
        text += talk.output().front();
        talk.wrote(1);
    }
}

std::string say(Conversation& talk, std::string_view bytes, Step& step) {
    CHECK(talk.next(false) == Step::kRead);
    talk.feed(bytes);
    return read_all(talk, step);
}

}  // namespace

TEST_CASE("one command, one answer, and it is over") {
    Conversation talk;
    Step step{};
    CHECK(say(talk, "ping\nping\n", step) == "{\"err\":0,\"msg\":\"PONG\"}\n");
    CHECK(step == Step::kClose);
}

TEST_CASE("a line may come in pieces, and more than one at once") {
    Conversation talk;
    Step step{};
    CHECK(say(talk, "prompt", step).empty());
    CHECK(say(talk, " i\r\npi", step) == "{\"err\":0,\"msg\":\"ACK\"}\n");
    CHECK(say(talk, "ng\n\n  \nping\n", step) ==
          "{\"err\":0,\"msg\":\"PONG\"}\n{\"err\":0,\"msg\":\"PONG\"}\n");
    CHECK(step == Step::kRead);
}

TEST_CASE("the prompt, as in HAProxy") {
    Conversation talk;
    Step step{};
    CHECK(say(talk, "prompt\n", step) == "{\"err\":0,\"msg\":\"ACK\"}\n; ");
    CHECK(say(talk, "\n", step) == "; ");
    CHECK(say(talk, "prompt i\n", step) == "{\"err\":0,\"msg\":\"ACK\"}\n");
    CHECK(say(talk, "prompt p\n", step) == "{\"err\":0,\"msg\":\"ACK\"}\n; ");
    CHECK(step == Step::kRead);
    CHECK(say(talk, "prompt\n", step) == "{\"err\":0,\"msg\":\"ACK\"}\n");
    CHECK(step == Step::kClose);
}

TEST_CASE("the version, and an end") {
    Conversation talk;
    Step step{};
    CHECK(say(talk, "prompt i\nversion\nquit\nping\n", step) ==
          "{\"err\":0,\"msg\":\"ACK\"}\n{\"major\":0,\"minor\":1,\"version\":\"0.1\"}\n{\"err\":0,\"msg\":"
          "\"ACK\"}\n");
    CHECK(step == Step::kClose);
}

TEST_CASE("the longest line, and one byte more") {
    for (const std::size_t size : {kLongestLine - 1, kLongestLine}) {
        Conversation talk;
        Step step{};
        std::string line(size, ' ');
        line.replace(0, 4, "ping");
        CHECK(talk.next(false) == Step::kRead);
        talk.feed(line);
        std::string answer = read_all(talk, step);
        if (step == Step::kRead) {
            talk.feed("\n");
            answer += read_all(talk, step);
        }
        CHECK(answer ==
              (size < kLongestLine ? "{\"err\":0,\"msg\":\"PONG\"}\n" : "{\"err\":7,\"msg\":\"RATE\"}\n"));
        CHECK(step == Step::kClose);
    }
}

TEST_CASE("what a peer left unfinished is a line, too") {
    Conversation talk;
    Step step{};
    CHECK(say(talk, "ping", step).empty());
    CHECK(step == Step::kRead);
    talk.end_of_input();
    CHECK(read_all(talk, step) == "{\"err\":0,\"msg\":\"PONG\"}\n");
    CHECK(step == Step::kClose);
    Conversation silent;
    silent.end_of_input();
    CHECK(silent.next(false) == Step::kClose);
}

TEST_CASE("mistakes are answered, and a conversation goes on after them") {
    Conversation talk;
    Step step{};
    (void)say(talk, "prompt i\n", step);
    CHECK(say(talk, "frobnicate\n", step) ==
          "{\"err\":38,\"msg\":\"no command is called 'frobnicate'; try help\"}\n");
    CHECK(say(talk, "kill\n", step) == "{\"err\":22,\"msg\":\"usage: kill PID\"}\n");
    CHECK(say(talk, "gdb 2 unix:/x y\n", step) == "{\"err\":22,\"msg\":\"usage: gdb PID [LISTEN]\"}\n");
    CHECK(say(talk, "kill 99999999999\n", step) == "{\"err\":22,\"msg\":\"usage: kill PID\"}\n");
    CHECK(say(talk, "kill -1\n", step) == "{\"err\":22,\"msg\":\"usage: kill PID\"}\n");
    CHECK(say(talk, std::string_view("pi\0ng\n", 6), step) ==
          "{\"err\":22,\"msg\":\"a NUL is no part of a command\"}\n");
    CHECK(say(talk, "\xff\xfe\n", step).starts_with("{\"err\":38"));
    CHECK(step == Step::kRead);
}

TEST_CASE("an order is made once, and what follows it waits") {
    Conversation talk;
    Step step{};
    (void)say(talk, "prompt i\n", step);
    CHECK(say(talk, "trace 7 openat,read\nping\n", step).empty());
    REQUIRE(step == Step::kOrder);
    CHECK(talk.request().verb == Verb::kTrace);
    CHECK(talk.request().pid == 7);
    CHECK(talk.request().text == "openat,read");
    CHECK(talk.next(false) == Step::kWait);
    CHECK(talk.next(false) == Step::kWait);
    talk.answer(success_line());
    CHECK(read_all(talk, step) == "{\"err\":0,\"msg\":\"ACK\"}\n{\"err\":0,\"msg\":\"PONG\"}\n");
    CHECK(step == Step::kRead);
}

TEST_CASE("once it is locked, every command is refused") {
    Conversation talk;
    Step step{};
    (void)say(talk, "prompt i\n", step);
    talk.feed("ping\nlock\nprompt n\n");
    const std::string refusal = "{\"err\":1,\"msg\":\"LOCKED\"}\n";
    CHECK(read_all(talk, step, true) == refusal + refusal + refusal);
    CHECK(step == Step::kRead);
}

TEST_CASE("help tells of every command") {
    Conversation talk;
    Step step{};
    const std::string text = say(talk, "help\n", step);
    for (const CommandRow& row : command_rows())
        CHECK(text.find(std::string(row.name)) != std::string::npos);
    CHECK(text.ends_with("\n\n"));
}

TEST_CASE("who does not read is not read from") {
    Conversation talk;
    Step step{};
    (void)say(talk, "prompt i\n", step);
    std::string many;
    while (many.size() + 5 < kLongestLine)
        many += "help\n";
    talk.feed(many);
    // The output stops growing although commands are left.
    CHECK(talk.next(false) == Step::kWrite);
    CHECK(talk.output().size() < 32 * 1024);
    const std::uint64_t read_before = talk.commands();
    CHECK(talk.next(false) == Step::kWrite);
    CHECK(talk.commands() == read_before);
    (void)read_all(talk, step);
    CHECK(talk.commands() == 1 + many.size() / 5);
}

}  // namespace halfcell::control
