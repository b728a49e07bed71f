// links: halfcell_gdb halfcell_test_support
//
// What a debugger may send: packets that are nearly right, bytes that are no packets, and stops that come at
// any time. Nothing may crash; every whole packet gets one answer at once or, where it lets something run,
// none; and the answers are packets.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "kernel_shim/base/check.h"
#include "kernel_shim/gdb/session.h"
#include "tests/fuzz/input.h"
#include "tests/support/fake_debug_target.h"

namespace {

using namespace halfcell;
using namespace halfcell::fuzz;
using gdb::Stop;

std::uint64_t packets = 0;

constexpr std::string_view kWords[] = {"?",
                                       "g",
                                       "G",
                                       "p",
                                       "P1=",
                                       "P",
                                       "m1000,",
                                       "m",
                                       "M1000,2:",
                                       "X1000,2:",
                                       "Z0,1000,1",
                                       "z0,1000,1",
                                       "Z0,",
                                       "vCont;",
                                       "vCont?",
                                       "vKill;",
                                       "D;",
                                       "k",
                                       "T",
                                       "Hg",
                                       "Hc",
                                       "qC",
                                       "qfThreadInfo",
                                       "qsThreadInfo",
                                       "qXfer:",
                                       "features:read:target.xml:",
                                       "threads:read::",
                                       "libraries-svr4:read::",
                                       "auxv:read::",
                                       "exec-file:read:1:",
                                       "0,1000",
                                       "qSupported:multiprocess+;swbreak+;fork-events+;exec-events+",
                                       "QCatchSyscalls:1;",
                                       "QPassSignals:",
                                       "vFile:open:",
                                       "vFile:pread:0,",
                                       "vFile:close:",
                                       "vFile:fstat:",
                                       "vFile:readlink:",
                                       "vFile:setfs:",
                                       "2f6c69622f66696c65",
                                       ",0,0",
                                       "c:p1.1",
                                       "s:p1.2",
                                       "C0b",
                                       "S",
                                       "t",
                                       ";",
                                       ":",
                                       ",",
                                       "p1.1",
                                       "p-1.-1",
                                       "-1",
                                       "0",
                                       "ffffffffffffffff",
                                       "}",
                                       "=",
                                       "00",
                                       "qThreadExtraInfo,",
                                       "qAttached:1"};

// Words of the protocol and other bytes, so that neither ends a packet before its time.
std::string any_payload(Input& input) {
    std::string payload;
    for (int parts = input.byte() % 6; parts >= 0; --parts) {
        if (input.chance(80))
            payload += input.one_of(kWords);
        else
            for (int bytes = input.byte() % 12; bytes > 0; --bytes)
                payload.push_back(static_cast<char>(input.byte()));
    }
    std::erase_if(payload, [](char byte) { return byte == '#' || byte == '$'; });
    return payload;
}

Stop any_stop(test::FakeDebugTarget& target, Input& input) {
    Stop stop;
    if (!target.names.empty()) stop.name = target.names[input.byte() % target.names.size()];
    stop.cause = static_cast<Stop::Cause>(input.byte() % 11);
    stop.number = input.chance(80) ? input.byte() % 80U : input.word();
    if (stop.cause == Stop::Cause::kForked) {
        stop.child = {1U + input.byte() % 8U, 100U + input.byte()};
        target.add(stop.child);
    }
    if (stop.cause == Stop::Cause::kExited || stop.cause == Stop::Cause::kKilled)
        target.remove(stop.name.process);
    return stop;
}

// The answers are packets and acknowledgements, and nothing else.
std::size_t count_answers(const std::string& output) {
    gdb::PacketReader reader;
    std::vector<gdb::Incoming> incoming;
    reader.feed(output, incoming);
    std::size_t answers = 0;
    for (const auto& item : incoming) {
        HC_CHECK(!std::holds_alternative<gdb::GarbledPacket>(item), "an answer is no packet");
        answers += std::holds_alternative<gdb::Packet>(item) ? 1 : 0;
    }
    return answers;
}

void report_count() {
    std::printf("%llu packets\n", static_cast<unsigned long long>(packets));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    [[maybe_unused]] static const int registered = std::atexit(report_count);
    Input input(data, size);
    test::FakeDebugTarget target;
    target.add({1, 2});
    target.add({2, 3});
    gdb::Session session(target);
    if (input.chance(50)) session.receive(gdb::frame("QStartNoAckMode"));
    (void)session.take_output();
    while (!input.empty()) {
        const std::uint8_t choice = input.byte();
        if (choice < 200) {
            const bool was_over = session.finished();
            session.receive(gdb::frame(any_payload(input)));
            ++packets;
            const std::size_t answers = count_answers(session.take_output());
            const bool silent = was_over || session.running() || session.finished();
            HC_CHECK(answers == 1 || (answers == 0 && silent), "not one answer to a packet");
        } else if (choice < 230) {
            target.happens(any_stop(target, input));
            session.on_event();
            HC_CHECK(count_answers(session.take_output()) <= 1, "two reports of one event");
        } else {
            std::string bytes;
            for (int left = input.byte() % 16; left > 0; --left)
                bytes.push_back(static_cast<char>(input.byte()));
            session.receive(bytes);
            (void)count_answers(session.take_output());
            // Whatever was left open is closed.
            session.receive("#00");
            (void)session.take_output();
        }
    }
    session.on_disconnect();
    return 0;
}
