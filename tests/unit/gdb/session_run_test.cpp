// Running, stopping, and what gdb hears of it.

#include "tests/unit/gdb/session_fixture.h"

using namespace halfcell;
using namespace halfcell::gdb;
using test::DebugSession;
using Cause = Stop::Cause;

namespace {

// A report without its registers: they have a test of their own.
std::string plain(std::string report) {
    for (const char* const number : {"06:", "07:", "10:"}) {
        const std::size_t at = report.find(number);
        if (at != std::string::npos) report.erase(at, 3 + 16 + 1);
    }
    return report;
}

std::string resumed(const DebugSession& gdb) {
    std::string text;
    for (const Resumption& resumption : gdb.target.resumed)
        text += to_text(resumption.name, true) + (resumption.kind == Resumption::Kind::kStep ? "s" : "c") +
                std::to_string(resumption.signal) + " ";
    return text;
}

}  // namespace

TEST_CASE("gdb is told why the program stands") {
    DebugSession gdb;
    gdb.target.all_registers[{1, 1}].general.rip = 0x1234;
    gdb.target.all_registers[{1, 1}].general.rsp = 0x5678;
    CHECK(gdb.ask("?") == "T0506:0000000000000000;07:7856000000000000;10:3412000000000000;thread:p1.1;");
    CHECK(gdb.ask("?").starts_with("T05"));
}

TEST_CASE("the first action that fits a thread is for it") {
    DebugSession gdb;
    gdb.target.add({1, 2});
    gdb.target.add({2, 3});
    CHECK(gdb.ask("vCont?") == "vCont;c;C;s;S;t;r");
    CHECK(gdb.ask("vCont;s:p1.2;c:p1.-1") == "");
    CHECK(resumed(gdb) == "p1.1c0 p1.2s0 ");
    CHECK(plain(gdb.when({.name = {1, 2}, .cause = Cause::kStep})) == "T05thread:p1.2;");
    CHECK(gdb.ask("vCont;S0f:p1.2;t:p1.1;C1e") == "");
    CHECK(resumed(gdb) == "p1.2s15 p2.3c10 ");
    CHECK(gdb.when({.name = {1, 2}, .cause = Cause::kStep}).starts_with("T05"));
    CHECK(gdb.ask("vCont;r1000,1010:p1.1") == "");
    CHECK(resumed(gdb) == "p1.1s0 ");
    CHECK(gdb.target.resumed[0].range_begin == 0x1000);
    CHECK(gdb.target.resumed[0].range_end == 0x1010);
}

TEST_CASE("each kind of stop has its report") {
    DebugSession gdb;
    gdb.target.add({1, 2});
    const auto after_running = [&](Stop stop) {
        CHECK(gdb.ask("vCont;c") == "");
        return plain(gdb.when(std::move(stop)));
    };
    CHECK(after_running({.name = {1, 2}, .cause = Cause::kSignal, .number = 7}) == "T0athread:p1.2;");
    CHECK(after_running({.name = {1, 2}, .cause = Cause::kTrap}) == "T05thread:p1.2;");
    CHECK(after_running({.name = {1, 1}, .cause = Cause::kCallEntry, .number = 0x21000004}) ==
          "T05syscall_entry:4;thread:p1.1;");
    CHECK(after_running({.name = {1, 1}, .cause = Cause::kCallReturn, .number = 0x10100007}) ==
          "T05syscall_return:7;thread:p1.1;");
    CHECK(after_running({.name = {1, 1}, .cause = Cause::kExecuted, .path = "/bin/x"}) ==
          "T05exec:2f62696e2f78;thread:p1.1;");
    gdb.target.add({2, 3});
    CHECK(after_running({.name = {1, 1}, .cause = Cause::kForked, .child = {2, 3}}) ==
          "T05fork:p2.3;thread:p1.1;");
    gdb.target.remove(2);
    CHECK(after_running({.name = {2, 3}, .cause = Cause::kKilled, .number = 10}) == "X1e;process:2");
    CHECK_FALSE(gdb.session.finished());
    CHECK(after_running({.cause = Cause::kNothingRuns}) == "N");
    gdb.target.remove(1);
    CHECK(gdb.ask("?") == "W00");
}

TEST_CASE("the end of the last process ends the session") {
    DebugSession gdb;
    CHECK(gdb.ask("vCont;c") == "");
    gdb.target.remove(1);
    CHECK(gdb.when({.name = {1, 1}, .cause = Cause::kExited, .number = 0x103}) == "W03;process:1");
    CHECK(gdb.session.finished());
}

TEST_CASE("nothing to run is said so") {
    DebugSession gdb;
    CHECK(gdb.ask("vCont;c:p7.-1") == "N");
    CHECK(gdb.target.resumes == 0);
}

TEST_CASE("gdb's breakpoints are told from the program's own") {
    DebugSession gdb;
    CHECK(gdb.ask("Z0,1001,1") == "OK");
    CHECK(gdb.ask("vCont;c") == "");
    gdb.target.all_registers[{1, 1}].general.rip = 0x1001;
    CHECK(plain(gdb.when({.name = {1, 1}, .cause = Cause::kTrap})) == "T05swbreak:;thread:p1.1;");
    CHECK(gdb.target.all_registers[{1, 1}].general.rip == 0x1001);
    CHECK(gdb.ask("vCont;c") == "");
    gdb.target.all_registers[{1, 1}].general.rip = 0x1005;
    CHECK(plain(gdb.when({.name = {1, 1}, .cause = Cause::kTrap})) == "T05thread:p1.1;");
    CHECK(gdb.target.all_registers[{1, 1}].general.rip == 0x1006);
}

TEST_CASE("a second thread at a breakpoint meets it again, or not if it is gone") {
    DebugSession gdb;
    gdb.target.add({1, 2});
    CHECK(gdb.ask("Z0,1001,1") == "OK");
    CHECK(gdb.ask("vCont;c") == "");
    for (const std::uint64_t thread : {1, 2})
        gdb.target.all_registers[{1, thread}].general.rip = 0x1001;
    gdb.target.happens({.name = {1, 2}, .cause = Cause::kTrap});
    CHECK(plain(gdb.when({.name = {1, 1}, .cause = Cause::kTrap})) == "T05swbreak:;thread:p1.2;");
    CHECK(gdb.target.all_registers[{1, 1}].general.rip == 0x1001);
    CHECK(gdb.ask("vCont;c") == "");
    CHECK(gdb.target.resumes == 2);
}

TEST_CASE("gdb hears nothing while everything runs on") {
    DebugSession gdb;
    CHECK(gdb.ask("vCont;c") == "");
    gdb.session.on_event();
    CHECK(gdb.answer() == "");
    CHECK(gdb.session.running());
    CHECK(gdb.target.resumes == 1);
}

TEST_CASE("what happened meanwhile is reported when its thread is to run") {
    DebugSession gdb;
    gdb.target.add({1, 2});
    CHECK(gdb.ask("vCont;c") == "");
    gdb.target.happens({.name = {1, 1}, .cause = Cause::kSignal, .number = 10});
    CHECK(plain(gdb.when({.name = {1, 2}, .cause = Cause::kSignal, .number = 12})) == "T1ethread:p1.1;");
    CHECK(gdb.ask("vCont;s:p1.1") == "");
    CHECK(plain(gdb.when({.name = {1, 1}, .cause = Cause::kSignal, .number = 10})) == "T1ethread:p1.1;");
    // The order's signal is not lost: it is given as soon as the thread runs.
    CHECK(plain(gdb.ask("vCont;C0f:p1.1;c")) == "T1fthread:p1.2;");
    CHECK(gdb.target.resumes == 2);
    CHECK(gdb.ask("vCont;c") == "");
    CHECK(resumed(gdb) == "p1.1c15 p1.2c0 ");
    CHECK(plain(gdb.when({.name = {1, 1}, .cause = Cause::kStep})) == "T05thread:p1.1;");
    CHECK(gdb.ask("vCont;c") == "");
    CHECK(resumed(gdb) == "p1.1c0 p1.2c0 ");
}

TEST_CASE("a step that ends beside another stop is not told") {
    DebugSession gdb;
    gdb.target.add({1, 2});
    for (const bool step_first : {true, false}) {
        CHECK(gdb.ask("vCont;s:p1.1;c") == "");
        const Stop step{.name = {1, 1}, .cause = Cause::kStep};
        const Stop signal{.name = {1, 2}, .cause = Cause::kSignal, .number = 12};
        gdb.target.happens(step_first ? step : signal);
        CHECK(plain(gdb.when(step_first ? signal : step)) == "T1fthread:p1.2;");
    }
}

TEST_CASE("an interruption is SIGINT, and is over with any stop") {
    DebugSession gdb;
    gdb.session.receive("\3");
    CHECK(gdb.target.interrupts == 0);
    CHECK(gdb.ask("vCont;c") == "");
    gdb.session.receive("\3");
    CHECK(gdb.target.interrupts == 1);
    CHECK(plain(gdb.when({.name = {1, 1}, .cause = Cause::kInterrupted})) == "T02thread:p1.1;");
    CHECK(gdb.ask("vCont;c") == "");
    CHECK(gdb.ask("g") == "E10");  // not while it runs
    gdb.session.receive("\3");
    gdb.target.happens({.name = {1, 1}, .cause = Cause::kInterrupted});
    CHECK(plain(gdb.when({.name = {1, 1}, .cause = Cause::kSignal, .number = 10})) == "T1ethread:p1.1;");
    CHECK(gdb.ask("vCont;c") == "");
    CHECK(gdb.target.resumes == 3);
}

TEST_CASE("a forked child has the breakpoints, and none that are gone") {
    DebugSession gdb;
    CHECK(gdb.ask("M1000,3:010203") == "OK");
    CHECK(gdb.ask("Z0,1000,1") == "OK");
    CHECK(gdb.ask("Z0,1001,1") == "OK");
    CHECK(gdb.ask("vCont;c") == "");
    gdb.target.add({2, 2});
    gdb.target.processes[2].memory = gdb.target.processes[1].memory;
    CHECK(gdb.when({.name = {1, 1}, .cause = Cause::kStep}).starts_with("T05"));
    CHECK(gdb.ask("z0,1001,1") == "OK");
    CHECK(gdb.ask("vCont;c:p1.-1") == "");
    CHECK(plain(gdb.when({.name = {1, 1}, .cause = Cause::kForked, .child = {2, 2}})) ==
          "T05fork:p2.2;thread:p1.1;");
    CHECK(gdb.target.memory(2, 0x1000) == std::byte{0xcc});
    CHECK(gdb.target.memory(2, 0x1001) == std::byte{2});
    CHECK(gdb.ask("D;2") == "OK");
    CHECK(gdb.target.detached == std::vector<std::uint64_t>{2});
    CHECK_FALSE(gdb.session.finished());
}

TEST_CASE("detached memory has no breakpoints") {
    DebugSession gdb;
    gdb.target.processes[1].attached = true;
    CHECK(gdb.ask("M1000,1:07") == "OK");
    CHECK(gdb.ask("Z0,1000,1") == "OK");
    gdb.target.add({2, 2});
    CHECK(gdb.ask("Hgp2.2") == "OK");
    CHECK(gdb.ask("Z0,1000,1") == "OK");
    CHECK(gdb.ask("D;2") == "OK");
    CHECK(gdb.target.memory(1, 0x1000) == std::byte{0xcc});
    CHECK(gdb.ask("D;1") == "OK");
    CHECK(gdb.session.finished());
}

TEST_CASE("a gdb that does not follow forks never hears of children") {
    test::FakeDebugTarget target;
    Session session(target);
    session.receive(frame("vCont;c"));
    target.add({2, 2});
    target.happens({.name = {1, 1}, .cause = Cause::kForked, .child = {2, 2}});
    session.on_event();
    CHECK(session.take_output() == "+");
    CHECK(target.detached == std::vector<std::uint64_t>{2});
    CHECK(target.resumes == 2);
    CHECK(session.running());
}

TEST_CASE("killing has its answers") {
    DebugSession gdb;
    gdb.target.add({2, 2});
    CHECK(gdb.ask("vKill;2") == "OK");
    CHECK_FALSE(gdb.session.finished());
    CHECK(gdb.ask("k") == "");
    CHECK(gdb.target.killed == std::vector<std::uint64_t>{2, 1});
    CHECK(gdb.session.finished());
}

TEST_CASE("a lost connection kills what was started for gdb and lets others go") {
    DebugSession gdb;
    gdb.target.add({2, 2});
    gdb.target.processes[2].attached = true;
    gdb.session.on_disconnect();
    CHECK(gdb.target.killed == std::vector<std::uint64_t>{1});
    CHECK(gdb.target.detached == std::vector<std::uint64_t>{2});
}
