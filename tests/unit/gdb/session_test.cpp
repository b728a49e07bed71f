#include "kernel_shim/gdb/session.h"

#include "tests/unit/gdb/session_fixture.h"

using namespace halfcell;
using namespace halfcell::gdb;
using test::DebugSession;

TEST_CASE("packets are acknowledged until gdb wants no more of it") {
    test::FakeDebugTarget target;
    Session session(target);
    session.receive("$qC#b4");
    CHECK(session.take_output() == "+" + frame("QC1"));
    session.receive("$qC#00");
    CHECK(session.take_output() == "-");
    session.receive("-");
    CHECK(session.take_output() == frame("QC1"));
    session.receive(frame("QStartNoAckMode"));
    CHECK(session.take_output() == "+" + frame("OK"));
    session.receive(frame("qC"));
    CHECK(session.take_output() == frame("QC1"));
}

TEST_CASE("a packet asked for again and again is sent again once") {
    test::FakeDebugTarget target;
    Session session(target);
    session.receive(frame("qSupported"));
    const std::string answer = session.take_output().substr(1);
    session.receive(std::string(1000, '-'));
    CHECK(session.take_output() == answer);
    session.receive("-");
    CHECK(session.take_output() == answer);
}

TEST_CASE("what is not known has an empty answer") {
    DebugSession gdb;
    for (const char* const unknown :
         {"", "vMustReplyEmpty", "Z2,1000,4", "z1,1000,4", "qOffsets", "vRun;", "!", "qXfer:spu:read::0,10",
          "qXfer:features:write::0:x", "vFile:unlink:41", "c", "R00", "Hx1"})
        CHECK_MESSAGE(gdb.ask(unknown) == "", unknown);
}

TEST_CASE("packets that gdb would not send are errors") {
    DebugSession gdb;
    for (const char* const wrong : {"m",
                                    "m1000",
                                    "m1000,",
                                    "mx,1",
                                    "M1000,2:00",
                                    "M1000,1:0",
                                    "X1000,2:a",
                                    "X1000,1:}",
                                    "M1000,1",
                                    "G00",
                                    "P",
                                    "P0",
                                    "P0=00",
                                    "Pfff=00",
                                    "p",
                                    "pffff",
                                    "Z0,",
                                    "Z0,1000",
                                    "vCont;",
                                    "vCont;x",
                                    "vCont;C",
                                    "vCont;C1000",
                                    "vCont;r1",
                                    "vCont;r1,",
                                    "vCont;rx,1",
                                    "vCont;c:x",
                                    "vCont;c1",
                                    "T",
                                    "Tx",
                                    "Hg",
                                    "Hgx",
                                    "D;",
                                    "vKill;",
                                    "QCatchSyscalls:",
                                    "QCatchSyscalls:2",
                                    "QCatchSyscalls:1;x",
                                    "QPassSignals:x",
                                    "qXfer:features:read:target.xml:0",
                                    "qXfer:features:read:target.xml:x,10",
                                    "qXfer:features:read:other.xml:0,10"}) {
        const std::string answer = gdb.ask(wrong);
        if (std::string_view(wrong) == "vCont;")
            CHECK(answer == "N");
        else
            CHECK_MESSAGE((answer.size() == 3 && answer[0] == 'E'), wrong << " " << answer);
    }
}

TEST_CASE("threads are listed and chosen") {
    DebugSession gdb;
    gdb.target.add({1, 2});
    gdb.target.add({0x1a, 3});
    CHECK(gdb.ask("qfThreadInfo") == "mp1.1,p1.2,p1a.3");
    CHECK(gdb.ask("qsThreadInfo") == "l");
    CHECK(gdb.ask("qC") == "QCp1.1");
    CHECK(gdb.ask("Hgp1a.3") == "OK");
    CHECK(gdb.ask("qC") == "QCp1a.3");
    CHECK(gdb.ask("Hgp1a.9") == "E03");
    CHECK(gdb.ask("Hc-1") == "OK");
    CHECK(gdb.ask("Tp1.2") == "OK");
    CHECK(gdb.ask("Tp1.3") == "E03");
    CHECK(gdb.ask("qThreadExtraInfo,p1.2") == to_hex("thread <2>"));
    CHECK(gdb.ask("qXfer:threads:read::0,1000").find("<thread id=\"p1.2\">thread &lt;2></thread>") !=
          std::string::npos);
    CHECK(gdb.ask("qAttached:1a") == "0");
    gdb.target.processes[0x1a].attached = true;
    CHECK(gdb.ask("qAttached:1a") == "1");
}

TEST_CASE("long lists of threads come in pieces") {
    DebugSession gdb;
    for (std::uint64_t thread = 2; thread <= 1200; ++thread)
        gdb.target.add({1, thread});
    std::size_t found = 0;
    for (std::string answer = gdb.ask("qfThreadInfo"); answer != "l"; answer = gdb.ask("qsThreadInfo")) {
        CHECK(answer.size() < kPacketSize);
        found += 1 + static_cast<std::size_t>(std::ranges::count(answer, ','));
    }
    CHECK(found == 1200);
}

TEST_CASE("objects come in pieces and escaped") {
    DebugSession gdb;
    std::string xml;
    std::string answer;
    do {
        answer = gdb.ask("qXfer:features:read:target.xml:" + hex_number(xml.size()) + ",100");
        REQUIRE(answer.size() > 1);
        xml += *unescape(answer.substr(1));
    } while (answer[0] == 'm');
    CHECK(xml == RegisterFile(Vectors::kAvx).target_xml());
    CHECK(gdb.ask("qXfer:features:read:target.xml:fffff,100") == "l");
    CHECK(gdb.ask("qXfer:auxv:read::0,1000") == "l" + escape(std::string(20, '#')));
    CHECK(gdb.ask("qXfer:exec-file:read:1:0,100") == "l/bin/program");
    CHECK(gdb.ask("qXfer:exec-file:read::0,100") == "l/bin/program");
    CHECK(gdb.ask("qXfer:exec-file:read:7:0,100") == "E03");
}

TEST_CASE("registers are read and written, all or one") {
    DebugSession gdb;
    gdb.target.add({1, 2});
    gdb.target.all_registers[{1, 2}].general.rbx = 0x0102030405060708;
    CHECK(gdb.ask("Hgp1.2") == "OK");
    CHECK(gdb.ask("p1") == "0807060504030201");
    CHECK(gdb.ask("P1=1122334455667788") == "OK");
    CHECK(gdb.target.all_registers[{1, 2}].general.rbx == 0x8877665544332211);
    std::string all = gdb.ask("g");
    all.replace(16, 2, "ff");
    CHECK(gdb.ask("G" + all) == "OK");
    CHECK(gdb.target.all_registers[{1, 2}].general.rbx == 0x88776655443322ff);
    CHECK(gdb.target.all_registers[{1, 1}].general.rbx == 0);
}

TEST_CASE("memory is read up to the first byte that is none") {
    DebugSession gdb;
    gdb.target.memory(1, 0x1ffe) = std::byte{0xab};
    CHECK(gdb.ask("m1ffe,10") == "ab00");
    CHECK(gdb.ask("m2000,10") == "E0e");
    CHECK(gdb.ask("mffffffffffffffff,10") == "E0e");
    CHECK(gdb.ask("M1000,2:0a0b") == "OK");
    CHECK(gdb.ask("X1002,2:}\x03#") == "E16");
    CHECK(gdb.ask("X1002,2:}\x03z") == "OK");
    CHECK(gdb.ask("m1000,4") == "0a0b237a");
    CHECK(gdb.ask("X1000,0:") == "OK");
    CHECK(gdb.ask("X1fff,2:aa") == "E0e");
    CHECK(gdb.ask("m1000,ffffffff").size() == 2 * test::FakeDebugTarget::kMemorySize);
}

TEST_CASE("breakpoints are in the memory, and nobody sees them there") {
    DebugSession gdb;
    CHECK(gdb.ask("M1000,3:010203") == "OK");
    CHECK(gdb.ask("Z0,1001,1") == "OK");
    CHECK(gdb.ask("Z0,1001,1") == "OK");
    CHECK(gdb.ask("Z0,3000,1") == "E0e");
    CHECK(gdb.target.memory(1, 0x1001) == std::byte{0xcc});
    CHECK(gdb.ask("m1000,3") == "010203");
    CHECK(gdb.ask("m1001,1") == "02");
    CHECK(gdb.ask("M1000,3:0a0b0c") == "OK");
    CHECK(gdb.target.memory(1, 0x1001) == std::byte{0xcc});
    CHECK(gdb.ask("m1000,3") == "0a0b0c");
    CHECK(gdb.ask("z0,1001,1") == "OK");
    CHECK(gdb.ask("z0,1001,1") == "OK");
    CHECK(gdb.target.memory(1, 0x1001) == std::byte{0x0b});
}

TEST_CASE("a breakpoint over which the program has written is left alone") {
    DebugSession gdb;
    CHECK(gdb.ask("Z0,1001,1") == "OK");
    gdb.target.memory(1, 0x1001) = std::byte{0x90};
    CHECK(gdb.ask("m1001,1") == "90");
    CHECK(gdb.ask("z0,1001,1") == "OK");
    CHECK(gdb.target.memory(1, 0x1001) == std::byte{0x90});
}

TEST_CASE("files of the program are read") {
    DebugSession gdb;
    CHECK(gdb.ask("vFile:setfs:0") == "F0");
    CHECK(gdb.ask("vFile:open:" + to_hex("/nothing") + ",0,0") == "F-1,2");
    CHECK(gdb.ask("vFile:open:" + to_hex("/lib/file") + ",1,0") == "F-1,1e");
    CHECK(gdb.ask("vFile:open:zz,0,0") == "F-1,16");
    CHECK(gdb.ask("vFile:open:" + to_hex("/lib/file") + ",0,1c0") == "F0");
    CHECK(gdb.ask("vFile:pread:0,d,4") == "Fd;" + escape("bytes #} of a"));
    CHECK(gdb.ask("vFile:pread:0,5,1000") == "F0;");
    CHECK(gdb.ask("vFile:pread:1,5,0") == "F-1,9");
    const std::string status = gdb.ask("vFile:fstat:0");
    CHECK(status.starts_with("F40;"));
    CHECK(unescape(status.substr(4))->size() == 64);
    CHECK(unescape(status.substr(4))->substr(8, 4) == std::string("\0\0\x81\xa4", 4));
    CHECK(gdb.ask("vFile:close:0") == "F0");
    CHECK(gdb.ask("vFile:close:0") == "F-1,9");
    CHECK(gdb.ask("vFile:readlink:" + to_hex("/lib/link")) == "F4;file");
    CHECK(gdb.ask("vFile:setfs:7") == "F0");
    CHECK(gdb.ask("vFile:open:" + to_hex("/x") + ",0,0") == "F-1,2");
    CHECK(gdb.target.opened.back() == std::pair<std::uint64_t, std::string>{7, "/x"});
}

TEST_CASE("files cannot be opened without end") {
    DebugSession gdb;
    const std::string open = "vFile:open:" + to_hex("/lib/file") + ",0,0";
    std::string answer;
    int opened = 0;
    while ((answer = gdb.ask(open)) != "F-1,18")
        REQUIRE(++opened < 1000);
    CHECK(opened == 64);
}

TEST_CASE("calls and signals to stop at") {
    DebugSession gdb;
    CHECK(gdb.ask("QCatchSyscalls:1;7;4;22000003") == "OK");
    CHECK(gdb.target.processes[1].filter.any);
    CHECK(gdb.target.processes[1].filter.numbers ==
          std::vector<std::uint32_t>{0x10100007, 0x21000004, 0x22000003});
    CHECK(gdb.ask("QCatchSyscalls:1") == "OK");
    CHECK(gdb.target.processes[1].filter.any);
    CHECK(gdb.target.processes[1].filter.numbers.empty());
    CHECK(gdb.ask("QCatchSyscalls:0") == "OK");
    CHECK_FALSE(gdb.target.processes[1].filter.any);
    CHECK(gdb.ask("QPassSignals:e;14;7") == "OK");
    CHECK(gdb.target.passed == std::vector<std::uint32_t>{14, 17});  // there is no SIGEMT
}
