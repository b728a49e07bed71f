#include "abi/sigabi.h"

#include <doctest/doctest.h>

using namespace halfcell::abi;

TEST_CASE("a pending signal counts only when it is allowed") {
    Sigcontrol thread{};
    SigProcControl process{};
    CHECK(pending_unblocked(thread, process) == 0);
    CHECK_FALSE(raise_for_thread(thread, Signal::kUsr1));
    CHECK(pending_unblocked(thread, process) == 0);
    thread.word[0] |= signal_bit(Signal::kUsr1) << 32;
    CHECK(pending_unblocked(thread, process) == signal_bit(Signal::kUsr1));
    CHECK(raise_for_thread(thread, Signal::kUsr1));
}

TEST_CASE("the process' pending set counts in both halves") {
    Sigcontrol thread{};
    SigProcControl process{};
    process.pending = signal_bit(2) | signal_bit(32) | signal_bit(33) | signal_bit(64);
    thread.word[0] = (signal_bit(2) | signal_bit(32)) << 32;
    thread.word[1] = std::uint64_t{1} << 63 | std::uint64_t{1} << 32;
    CHECK(pending_unblocked(thread, process) == process.pending);
    CHECK(allowed_set(thread) == process.pending);
    thread.word[1] = std::uint64_t{1} << 63;
    CHECK(pending_unblocked(thread, process) == (signal_bit(2) | signal_bit(32) | signal_bit(64)));
}

TEST_CASE("a signal above 32 goes to the second word") {
    Sigcontrol thread{};
    raise_for_thread(thread, 64);
    CHECK(thread.word[0] == 0);
    CHECK(thread.word[1] == 0x80000000);
}

TEST_CASE("the action word decides about ignoring and stopping") {
    SigProcControl process{};
    process.actions[Signal::kTerm - 1].first = ActionBits::kIgnored;
    CHECK(signal_will_ignore(process, Signal::kTerm, false));
    CHECK_FALSE(signal_will_ignore(process, Signal::kInt, false));
    process.actions[Signal::kChld - 1].first = ActionBits::kSigSpecific;
    CHECK(signal_will_ignore(process, Signal::kChld, true));
    CHECK_FALSE(signal_will_ignore(process, Signal::kChld, false));
    process.actions[Signal::kTstp - 1].first = ActionBits::kSigSpecific;
    process.actions[Signal::kStop - 1].first = ActionBits::kSigSpecific;
    CHECK(signal_will_stop(process, Signal::kTstp));
    CHECK_FALSE(signal_will_stop(process, Signal::kStop));
    CHECK_FALSE(signal_will_stop(process, Signal::kTtin));
}

TEST_CASE("sender infos are pid and ruid in one word") {
    CHECK(sender_info_raw({7, 1000}) == (std::uint64_t{1000} << 32 | 7));
    CHECK(sender_info_from_raw(std::uint64_t{1000} << 32 | 7).ruid == 1000);
}
