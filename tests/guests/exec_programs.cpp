// Tests that a process becomes another program: arguments, environment, descriptors, scripts, errors.

#include <string>
#include <vector>

#include "tests/guests/check.h"
#include "userland/lib/number.h"
#include "userland/rt/child.h"
#include "userland/rt/exec.h"
#include "userland/rt/file.h"
#include "userland/rt/fork.h"
#include "userland/rt/input.h"
#include "userland/rt/signal.h"
#include "userland/rt/syscall.h"
#include "userland/rt/thread.h"

namespace halfcell::userland {
namespace {

using abi::OpenFlags;

const std::string kEcho = "/scheme/initfs/bin/echo";

// What a program writes to standard output, and its status.
struct Ran {
    std::string output;
    std::int32_t status = 0;
};

Ran run(const std::string& path, const std::vector<std::string>& arguments,
        const std::vector<std::string>& environment = {}, const std::string& directory = "/") {
    Pipe pipe = need(make_pipe(), "pipe");
    const std::uint32_t child = need(fork_process(), "fork");
    if (child == 0) {
        if (!sys_dup2(pipe.writer.fd(), Fd::kStdout) || !change_directory(directory)) exit_now(99);
        exit_now(100 + static_cast<int>(exec_program(path, arguments, environment)));
    }
    pipe.writer.reset();
    Ran ran;
    need(read_rest(pipe.reader.fd(), ran.output), "read the program's output");
    ran.status = need(wait_for_child(child, 0), "wait").status;
    return ran;
}

void write_file(std::string_view path, std::string_view text, std::uint16_t mode) {
    const UniqueFd file =
        need(open_file(path, OpenFlags::kWronly | OpenFlags::kCreat | OpenFlags::kTrunc, mode), path);
    need(write_all(file.fd(), text), path);
    need(sys_fchmod(file.fd(), mode), path);
}

void test_arguments() {
    const Ran ran = run(kEcho, {"echo", "one", "", "two words"});
    check(ran.status == 0 && ran.output == "one  two words\n", "arguments arrive");
    const Ran environment = run("/scheme/initfs/bin/env", {"env"}, {"A=1", "B=two words", "C="});
    check(environment.output == "A=1\nB=two words\nC=\n", "the environment arrives");
    need(make_directory("/below", 0755), "make a directory");
    const Ran directory = run("/scheme/initfs/bin/pwd", {"pwd"}, {}, "below");
    check(directory.output == "/below\n", "the working directory is kept");
    const Ran relative = run("/scheme/initfs/bin/ls", {"ls", "-d", "."}, {}, "/below");
    check(relative.output == ".\n", "relative paths work in it");
    std::vector<std::string> many{"echo"};
    for (int i = 0; i < 5000; ++i)
        many.emplace_back("argument");
    check(run(kEcho, many).output.size() == 5000 * 9, "thousands of arguments");
    check(run("/scheme/initfs/bin/false", {"false"}).status == 0x100, "the new program's status");
}

// A thread of the program that was.
void sleep_for_ever(void*) {
    for (;;)
        (void)sys_nanosleep({.tv_sec = 3600, .tv_nsec = 0});
}

void test_threads_end() {
    Pipe pipe = need(make_pipe(), "pipe");
    const std::uint32_t child = need(fork_process(), "fork");
    if (child == 0) {
        const Thread first = need(Thread::start(sleep_for_ever, nullptr), "thread");
        const Thread second = need(Thread::start(sleep_for_ever, nullptr), "thread");
        if (!sys_dup2(pipe.writer.fd(), Fd::kStdout)) exit_now(99);
        // They end on their own time. One line of the list is a thread: its pid comes first.
        const std::string alone =
            "while [ $(grep -c \"^$$ \" /scheme/sys/context) != 1 ]; do sleep 0.01; done; echo alone";
        const std::vector<std::string> arguments{"sh", "-c", alone};
        const std::vector<std::string> environment{"PATH=/scheme/initfs/bin"};
        exit_now(100 + static_cast<int>(exec_program("/scheme/initfs/bin/sh", arguments, environment)));
    }
    pipe.writer.reset();
    std::string output;
    need(read_rest(pipe.reader.fd(), output), "read the program's output");
    check(need(wait_for_child(child, 0), "wait").status == 0, "the program ends well");
    check(output == "alone\n", "the threads of the program before it have ended");
}

void test_errors() {
    check(run("/nowhere", {"x"}).status == (100 + 2) << 8, "ENOENT for no file");
    check(run("/", {"x"}).status == (100 + 13) << 8, "EACCES for a directory");
    write_file("/plain", "text\n", 0644);
    check(run("/plain", {"x"}).status == (100 + 13) << 8, "EACCES without execute permission");
    write_file("/text", "text\n", 0755);
    check(run("/text", {"x"}).status == (100 + 8) << 8, "ENOEXEC for text");
    write_file("/empty", "", 0755);
    check(run("/empty", {"x"}).status == (100 + 8) << 8, "ENOEXEC for an empty file");
    write_file("/short",
               "\x7F"
               "ELF\x02\x01",
               0755);
    check(run("/short", {"x"}).status == (100 + 8) << 8, "ENOEXEC for the beginning of a program");
    std::vector<std::string> many{"echo", std::string(100, 'x')};
    many.resize(40000, "x");
    check(run(kEcho, many).status == (100 + 7) << 8, "E2BIG for more arguments than a stack holds");
}

void test_scripts() {
    write_file("/script", "#!/scheme/initfs/bin/echo  with one \nrest\n", 0755);
    check(run("/script", {"ignored", "a", "b"}).output == "with one /script a b\n", "a script's first line");
    write_file("/bare", "#!/scheme/initfs/bin/echo\n", 0755);
    check(run("/bare", {"ignored", "a"}).output == "/bare a\n", "a script without an argument");
    write_file("/lost", "#!/nowhere\n", 0755);
    check(run("/lost", {"x"}).status == (100 + 2) << 8, "ENOENT for a lost interpreter");
    write_file("/nobody", "#! \n", 0755);
    check(run("/nobody", {"x"}).status == (100 + 8) << 8, "ENOEXEC for no interpreter");
}

// What this program does when it is started again by test_descriptors.
int probe(std::span<const std::string_view> arguments) {
    const auto is_open = [&](std::size_t i) {
        return static_cast<bool>(sys_fstat(Fd{parse_unsigned(arguments[i]).value_or(0)}));
    };
    const bool kept = is_open(1);
    const bool closed = !is_open(2);
    const bool ignored = signal_is_ignored(Signal::kHup) && !signal_is_ignored(Signal::kTerm);
    const bool blocked = blocked_signals() == abi::signal_bit(Signal::kUsr1);
    return (kept ? 0 : 1) | (closed ? 0 : 2) | (ignored ? 0 : 4) | (blocked ? 0 : 8) |
           (process().umask == 027 ? 0 : 16);
}

void test_inheritance(const std::string& self) {
    const UniqueFd kept = need(open_file("/plain", OpenFlags::kRdonly), "open");
    const UniqueFd closed = need(open_file("/plain", OpenFlags::kRdonly | OpenFlags::kCloexec), "open");
    const std::uint32_t child = need(fork_process(), "fork");
    if (child == 0) {
        ignore_signal(Signal::kHup);
        handle_signal(Signal::kTerm, [](std::uint32_t) {});
        set_blocked_signals(abi::signal_bit(Signal::kUsr1));
        set_umask(027);
        const std::vector<std::string> arguments{self, "probe", decimal(word(kept.fd())),
                                                 decimal(word(closed.fd()))};
        exit_now(100 + static_cast<int>(exec_program(self, arguments, {})));
    }
    const ChildNews news = need(wait_for_child(child, 0), "wait");
    if (news.status != 0) out().print("probe's status is ", news.status >> 8, '\n');
    check(news.status == 0, "what a new program inherits");
}

void test_search() {
    check(need(find_program("echo", "/nowhere:/scheme/initfs/bin"), "find") == kEcho, "a program in a path");
    check(find_program("echo", "/nowhere").error() == Errno::kENOENT, "no program in a path");
    check(find_program("plain", "/").error() == Errno::kEACCES, "a file that may not run");
    const std::vector<std::string> command{"sleep", "0"};
    const std::uint32_t child = need(spawn_program(command, inherited_environment()), "spawn");
    check(need(wait_for_child(child, 0), "wait").status == 0, "a spawned program");
}

// A signal that comes while a process becomes another program reaches the new one.
void test_signal_on_the_way() {
    Pipe ready = need(make_pipe(), "pipe");
    Pipe sent = need(make_pipe(), "pipe");
    const std::uint32_t child = need(fork_process(), "fork");
    if (child == 0) {
        const SignalsHeld held;
        (void)write_all(ready.writer.fd(), "x");
        sent.writer.reset();
        std::byte byte{};
        // Ends with the signal, or with the pipe after it.
        (void)sys_read(sent.reader.fd(), std::span(&byte, 1));
        const std::vector<std::string> command{"sleep", "1000"};
        exit_now(100 + static_cast<int>(exec_program("/scheme/initfs/bin/sleep", command, {})));
    }
    std::byte byte{};
    need(read_some(ready.reader.fd(), std::span(&byte, 1)), "the child is ready");
    need(send_signal(child, Signal::kTerm), "kill");
    sent.writer.reset();
    check(need(wait_for_child(child, 0), "wait").status == static_cast<std::int32_t>(Signal::kTerm),
          "a signal that came before the new program was ready");
}

}  // namespace

int main_program(std::span<const std::string_view> arguments) {
    if (!arguments.empty() && arguments[0] == "probe") return probe(arguments);
    test_arguments();
    test_threads_end();
    test_errors();
    test_scripts();
    test_search();
    test_signal_on_the_way();
    const std::string self(environment_variable("SELF"));
    check(!self.empty(), "SELF says where this program is in the guest");
    test_inheritance(self);
    return passed();
}

}  // namespace halfcell::userland
