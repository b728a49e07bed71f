#pragma once

// A session of which a test is the debugger.

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "kernel_shim/gdb/session.h"
#include "tests/support/fake_debug_target.h"

namespace halfcell::test {

struct DebugSession {
    FakeDebugTarget target;
    gdb::Session session{target};
    bool acknowledging = true;

    // What a gdb of today says first.
    DebugSession() {
        ask("qSupported:multiprocess+;swbreak+;fork-events+;exec-events+;no-resumed+");
        ask("QStartNoAckMode");
        acknowledging = false;
    }

    // The answer's payload; empty also where there is none yet.
    std::string ask(std::string_view payload) {
        session.receive(gdb::frame(payload));
        return answer();
    }
    std::string answer() {
        std::string output = session.take_output();
        if (acknowledging) {
            REQUIRE(output.starts_with("+"));
            output.erase(0, 1);
        }
        if (output.empty()) return "";
        REQUIRE(output.size() >= 4);
        const std::string payload = output.substr(1, output.size() - 4);
        CHECK(output == gdb::frame(payload));
        return payload;
    }
    // Something happens while the program runs: what gdb is told.
    std::string when(gdb::Stop stop) {
        target.happens(std::move(stop));
        session.on_event();
        return answer();
    }
};

}  // namespace halfcell::test
