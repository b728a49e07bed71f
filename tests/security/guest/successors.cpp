// successors WHAT [control]: processes, schemes and tags that take the place of earlier ones. What was meant
// for those must not reach them. As the control, it is done to the ones that are there.

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "tests/guests/check.h"
#include "tests/guests/scheme_session.h"
#include "userland/rt/signal.h"

namespace halfcell::userland {
namespace {

constexpr int kAlive = 7;

void effect(std::string_view what) {
    out().print("EFFECT ", what, '\n');
}

// Lives until a byte comes, and then says that nothing has happened to it.
struct Survivor {
    Pipe pipe = need(make_pipe(), "pipe");
    std::uint32_t pid = need(start_child([this] {
                                 std::array<std::byte, 1> byte{};
                                 return sys_read(pipe.reader.fd(), byte) ? kAlive : 1;
                             }),
                             "a child that stays");

    [[nodiscard]] bool unharmed() const {
        constexpr std::byte kGo[1] = {};
        need(sys_write(pipe.writer.fd(), kGo), "tell it");
        return need(status_of(pid), "its end") == kAlive;
    }
};

// Numbers of processes that have been waited for: signals, waits and groups.
void processes(bool control) {
    constexpr int kGone = 200;
    std::vector<std::uint32_t> gone;
    for (int i = 0; i < kGone; ++i) {
        const std::uint32_t child = need(start_child([] { return 0; }), "fork");
        check(std::find(gone.begin(), gone.end(), child) == gone.end(), "a number that was used already");
        (void)need(status_of(child), "wait");
        gone.push_back(child);
    }
    const Survivor survivor;
    if (control) gone = {survivor.pid};
    for (const std::uint32_t pid : gone) {
        const auto target = static_cast<std::int64_t>(pid);
        for (const std::uint32_t signal : {Signal::kKill, Signal::kTerm, Signal::kStop})
            for (const std::int64_t whom : {target, -target})
                if (send_signal(whom, signal)) effect("a signal was taken");
        if (!control && wait_for_child(pid, 0)) effect("waited for twice");
        if (!control && set_process_group(survivor.pid, pid)) effect("a group that has ended was entered");
    }
    if (!control && !survivor.unharmed()) effect("a process of another number was hurt");
    if (control) (void)need(status_of(survivor.pid), "its end");
}

std::string content_of(const UniqueFd& file) {
    std::array<char, 16> bytes{};
    if (!sys_lseek(file.fd(), 0, abi::SeekWhence::kSet)) return "";
    const auto size = sys_read(file.fd(), std::as_writable_bytes(std::span(bytes)));
    return size ? std::string(bytes.data(), *size) : "";
}

// Handles of a scheme that has ended, while another server gives the same numbers.
void schemes(bool control) {
    constexpr int kRounds = 10;
    const auto put = [](const UniqueFd& file, std::string_view text) {
        return sys_write(file.fd(), std::as_bytes(std::span(text)));
    };
    for (int round = 0; round < kRounds; ++round) {
        // A name stays its scheme's when that ends.
        const std::string name = "succession" + std::string(1, static_cast<char>('0' + round));
        const SchemeSession first = need(SchemeSession::start(name), "a server");
        UniqueFd old = need(first.open("a"), "its file");
        need(put(old, "first"), "its content");
        if (!control) first.stop();
        const SchemeSession second = need(SchemeSession::start(name + "next"), "the next server");
        const UniqueFd file = need(second.open("a"), "its file");
        need(put(file, "second"), "its content");
        if (content_of(old) == (control ? "first" : "second")) effect("read through the old handle");
        if (put(old, "x") && content_of(file) != "second") effect("written through the old handle");
        const auto error = sys_fstat(old.fd());
        check(control || error.error() == Errno::kENODEV, "not ENODEV");
        old.reset();
        check(content_of(file) == "second", "a close of the old handle closed the new one");
        second.stop();
        if (control) first.stop();
    }
}

// Waits until a server has so many requests that it does not answer.
void await_silent(const SchemeSession& session, int count) {
    const std::string path = "silent " + std::string(1, static_cast<char>('0' + count));
    while (!session.open(path))
        sys_yield();
}

// A server that answers a caller who has gone: nobody else may take that for his answer.
void late_answers(bool control) {
    const SchemeSession session = need(SchemeSession::start("late"), "a server");
    const std::uint32_t first = need(start_opening(session, "silent"), "a caller");
    await_silent(session, 1);
    if (!control) {
        need(send_signal(first, Signal::kKill), "kill it");
        (void)need(status_of(first), "its end");
    }
    const std::uint32_t second = control ? 0 : need(start_opening(session, "silent"), "the next caller");
    if (!control) await_silent(session, 2);
    need(session.open("late"), "the answer to the first");
    session.stop();
    if (control && need(status_of(first), "its end") == static_cast<int>(Errno::kEPROTO)) effect("answered");
    if (!control && need(status_of(second), "its end") != static_cast<int>(Errno::kENODEV))
        effect("the next caller was answered");
}

// A server that answers every tag there is: the callers of another one wait on.
void lies(bool control) {
    constexpr int kCallers = 4;
    const SchemeSession honest = need(SchemeSession::start("honest"), "a server");
    const SchemeSession liar = need(SchemeSession::start("liar"), "a server");
    std::vector<std::uint32_t> callers;
    for (int i = 0; i < kCallers; ++i)
        callers.push_back(need(start_opening(control ? liar : honest, "silent"), "a caller"));
    await_silent(control ? liar : honest, kCallers);
    constexpr int kTimes = 20;
    for (int i = 0; i < kTimes; ++i) {
        const UniqueFd file = need(honest.open("a"), "a file");
        need(liar.open("lies"), "its lies");
        constexpr std::string_view kText = "honest";
        need(sys_write(file.fd(), std::as_bytes(std::span(kText))), "write");
        check(content_of(file) == kText, "an answer of the honest server is wrong");
    }
    honest.stop();
    liar.stop();
    for (const std::uint32_t caller : callers)
        if (need(status_of(caller), "its end") == static_cast<int>(Errno::kEPROTO))
            effect("answered by the liar");
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    constexpr std::pair<std::string_view, void (*)(bool)> kAll[] = {
        {"processes", processes}, {"schemes", schemes}, {"late-answers", late_answers}, {"lies", lies}};
    for (const auto& [name, run] : kAll) {
        if (arguments.empty() || arguments[0] != name) continue;
        run(arguments.size() > 1);
        return passed();
    }
    return 64;
}

}  // namespace halfcell::userland
