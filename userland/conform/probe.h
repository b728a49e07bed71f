#pragma once

// A conformance probe: a few calls and the exact answers of Redox's kernel. Each runs in a context of its
// own, so it may leave behind what it likes, crash, or hang.

#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>

#include "userland/rt/result.h"

namespace halfcell::userland::conform {

// Why an implementation may answer differently on purpose. The words are those of the compatibility table.
enum class Deviation { kNone, kSafer, kResurrected, kHost };
std::string_view name_of(Deviation deviation);

// What a probe needs to be around it.
enum class Surroundings {
    kUserland,  // a process manager and namespaces: an ordinary program
    kBoot,      // the capabilities of the first context, and nothing else
};

struct Probe {
    std::string_view name;
    std::string_view upstream;  // where Redox decides it: REPOSITORY:PATH FUNCTION
    void (*run)();
    Deviation deviation = Deviation::kNone;
};

// The probes of one topic.
struct Area {
    std::string_view name;
    std::string_view question;  // one line for lists
    std::span<const Probe> probes;
    Surroundings surroundings = Surroundings::kUserland;
};

// What a call left in rax: a value or a negated errno.
struct Answer {
    Answer(Errno error) : raw(abi::mux_error(error)) {}
    template <std::integral Number>
    Answer(Number value) : raw(static_cast<std::uint64_t>(value)) {}
    std::uint64_t raw;
};

// The four ways to look at an answer; `what` is the call as written. Each ends the probe where it does not
// hold.
void expect(std::string_view what, Answer got, Answer wanted);
// As `upstream` says, or else, which the report then shows as the probe's deviation, as `here` says.
void expect_deviation(std::string_view what, Answer got, Answer upstream, Answer here);
void expect_true(std::string_view what, bool holds);
// The value of a call that must succeed.
std::uint64_t expect_success(std::string_view what, Answer got);

// Ends the probe: it cannot run here, and why.
[[noreturn]] void skip(std::string_view reason);
// For a probe that hangs or ruins Redox's kernel: skips it where the run was asked to be careful.
void beware(std::string_view what_redox_does);
// Asks for that.
void be_careful();
// Ends the probe: it failed.
[[noreturn]] void fail(std::string_view detail);

// "EBADF", "0x7f000", "42".
std::string_view describe(Answer answer, std::span<char, 64> buffer);

#define EXPECT(call, ...) ::halfcell::userland::conform::expect(#call, (call), (__VA_ARGS__))
#define EXPECT_DEVIATION(call, upstream, here) \
    ::halfcell::userland::conform::expect_deviation(#call, (call), (upstream), (here))
#define EXPECT_TRUE(condition) ::halfcell::userland::conform::expect_true(#condition, (condition))
#define OK(call) ::halfcell::userland::conform::expect_success(#call, (call))

}  // namespace halfcell::userland::conform
