#include "userland/conform/probe.h"

#include <algorithm>
#include <array>

#include "userland/conform/verdict.h"
#include "userland/rt/output.h"

namespace halfcell::userland::conform {

namespace {

// Of the one probe that runs in this context; its helper contexts report by the same means.
constinit Fd report_pipe = Fd::kNone;
void (*leave_context)() = nullptr;
constinit bool deviates = false;
constinit bool careful = false;

[[noreturn]] void finish(Verdict verdict, std::string_view detail) {
    std::array<char, kLongestDetail + 1> record{};
    record[0] = static_cast<char>(verdict);
    const std::size_t size = std::min(detail.size(), kLongestDetail);
    std::copy_n(detail.begin(), size, record.begin() + 1);
    (void)sys_write(report_pipe, std::as_bytes(std::span(record).first(size + 1)));
    leave_context();
    __builtin_trap();
}

std::string text_of(Answer answer) {
    std::array<char, 64> buffer;
    return std::string(describe(answer, buffer));
}

}  // namespace

std::string_view name_of(Deviation deviation) {
    switch (deviation) {
        case Deviation::kNone:
            break;
        case Deviation::kSafer:
            return "safer";
        case Deviation::kResurrected:
            return "resurrected";
        case Deviation::kHost:
            return "host";
    }
    return "";
}

std::string_view describe(Answer answer, std::span<char, 64> buffer) {
    if (const std::int32_t code = abi::demux_errno(answer.raw); code != 0)
        return abi::errno_name(static_cast<Errno>(code));
    constexpr std::uint64_t kLargestDecimal = 65536;
    std::string text;
    if (answer.raw <= kLargestDecimal) {
        append(text, answer.raw);
    } else {
        text = "0x";
        int shift = 60;
        while ((answer.raw >> shift) == 0)
            shift -= 4;
        for (; shift >= 0; shift -= 4)
            text += "0123456789abcdef"[answer.raw >> shift & 15];
    }
    const std::size_t size = text.copy(buffer.data(), buffer.size());
    return {buffer.data(), size};
}

void expect(std::string_view what, Answer got, Answer wanted) {
    if (got.raw == wanted.raw) return;
    fail(concat(what, ": ", text_of(got), ", expected ", text_of(wanted)));
}

void expect_deviation(std::string_view what, Answer got, Answer upstream, Answer here) {
    if (got.raw == upstream.raw) return;
    if (got.raw != here.raw)
        fail(concat(what, ": ", text_of(got), ", expected ", text_of(upstream), " or, deviating, ",
                    text_of(here)));
    deviates = true;
}

void expect_true(std::string_view what, bool holds) {
    if (!holds) fail(concat("not so: ", what));
}

std::uint64_t expect_success(std::string_view what, Answer got) {
    if (abi::demux_errno(got.raw) != 0) fail(concat(what, ": ", text_of(got), ", expected success"));
    return got.raw;
}

void be_careful() {
    careful = true;
}

void beware(std::string_view what_redox_does) {
    if (careful) skip(concat("Redox's kernel ", what_redox_does));
}

void skip(std::string_view reason) {
    finish(Verdict::kSkip, reason);
}

void fail(std::string_view detail) {
    finish(Verdict::kFail, detail);
}

void run_and_report(void (*probe)(), Fd pipe, void (*leave)()) {
    report_pipe = pipe;
    leave_context = leave;
    probe();
    finish(deviates ? Verdict::kDeviates : Verdict::kPass, "");
}

}  // namespace halfcell::userland::conform
