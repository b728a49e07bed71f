#include "kernel_shim/supervisor/help.h"

#include <array>

namespace halfcell::supervisor {

namespace {

constexpr const char* kMainFooter =
    "Every command has help of its own: halfcell run --help.\n"
    "\n"
    "  halfcell run ls -l /scheme/sys              a program that halfcell carries\n"
    "  halfcell run ./my-redox-program             a file of the host\n"
    "  halfcell run sh                             a shell\n";

constexpr const char* kRunFooter =
    "A PROGRAM with a slash is a file of the host; any other name is looked up in the guest's PATH,\n"
    "which ends in the programs halfcell carries (ls, cat, cp, grep, …: halfcell run ls "
    "/scheme/initfs/bin).\n"
    "The exit status is the program's; 128+n when a fault or signal n ended it; 125 when halfcell failed,\n"
    "126 when PROGRAM cannot run, 127 when it was not found.\n"
    "\n"
    "  halfcell run ls -l /scheme/sys\n"
    "  halfcell run --bind \"$PWD:/src:ro\" grep -r main /src\n"
    "  halfcell run --root ./redox-root ./my-redox-program\n"
    "  halfcell run --schemes file,null ./my-redox-program\n"
    "  halfcell run --bind . --cwd . --env 'RUST_*' ./my-redox-program\n"
    "  halfcell run --scheme 'keys=./key_value' ls /scheme/keys\n";

constexpr const char* kTraceFooter =
    "A word of -e is a call (openat), a group of calls (%file: those with a path, %fd: with a descriptor;\n"
    "%path, %descriptor, %transfer, %metadata, %memory, %time), ! and one of these for all but them, or\n"
    "scheme=NAME for calls on descriptors of that scheme. PROGRAM is looked for as by halfcell run.\n"
    "\n"
    "  halfcell trace -e openat cat /etc/passwd\n"
    "  halfcell trace -e %file,close -e scheme=file ls /\n"
    "  halfcell trace --json -o calls.json ./my-redox-program\n";

constexpr const char* kGdbFooter =
    "PROGRAM starts stopped before its first instruction; the line that connects gdb is printed. For "
    "symbols,\n"
    "build with -g. gdb knows Redox's calls by name: catch syscall openat, catch syscall group:path.\n"
    "\n"
    "  halfcell gdb ./my-redox-program one two\n"
    "  halfcell gdb --listen 127.0.0.1:0 --root ./redox-root /bin/ls /\n"
    "  halfcell gdb --pid 2 --control /tmp/run.sock    attach to a process of another run\n"
    "\n"
    "In gdb, as everywhere: break main (main_program in the tools halfcell carries), continue, backtrace, "
    "step,\n"
    "finish, print, watch, info threads, info registers, info sharedlibrary, info auxv, catch fork, catch "
    "exec,\n"
    "set follow-fork-mode child, detach, kill.\n"
    "Ctrl-C in gdb stops all threads. When gdb goes without detaching, the program is killed, but not one\n"
    "that it was attached to.\n";

constexpr const char* kBootFooter =
    "IMAGE gets what Redox's bootstrap gets of its kernel, and nothing else: no standard files, no "
    "arguments.\n"
    "\n"
    "  halfcell boot --trace ./bootstrap.elf\n";

constexpr const char* kCheckFooter =
    "The exit status is 1 when something that is needed is missing; its line says what to do.\n";

constexpr const char* kAbiFooter =
    "  halfcell abi --json > ours.json\n"
    "  halfcell abi --diff theirs.json\n";

constexpr const char* kBenchFooter =
    "Rows come first, then ratios of them beside the bars they have to meet. All takes a minute or more.\n"
    "\n"
    "  halfcell bench --filter read64\n"
    "  halfcell bench --json --repetitions 3 > figures.json\n";

constexpr const char* kConformFooter =
    "Each probe makes a few calls as a guest and compares every answer with the real kernel's. \"deviating\" "
    "says\n"
    "that it is another one on purpose, as halfcell's table of deviations has it. The exit status is 1 when "
    "a "
    "probe\n"
    "failed. The probes are a program made for Redox, which prints TAP: build/userland/bin/conform runs on "
    "other\n"
    "kernels too (--careful leaves out what hangs Redox's), and as the first program of one.\n"
    "\n"
    "  halfcell conform                         everything, some seconds\n"
    "  halfcell conform pipe futex -v           two areas, a line for every probe\n"
    "  halfcell conform --list | grep 'mod.rs'  what is tried, and where Redox decides it\n"
    "  halfcell conform --json > results.json\n"
    "  halfcell conform --junit results.xml\n"
    "  halfcell trace conform pipe/full-pipe    the calls of one probe\n";

constexpr const char* kCtlFooter =
    "COMMAND is one of the socket's (halfcell ctl PATH help). Without one, lines of standard input are "
    "commands,\n"
    "with history and completion on a terminal. The exit status is 1 when a command failed, 125 when there "
    "is\n"
    "nobody to ask.\n"
    "\n"
    "  halfcell run --control /tmp/run.sock sh &\n"
    "  halfcell ctl /tmp/run.sock ps\n"
    "  halfcell ctl /tmp/run.sock trace 2 openat,read\n"
    "  halfcell ctl /tmp/run.sock tail 2\n"
    "  halfcell ctl /tmp/run.sock blocked\n"
    "  halfcell ctl /tmp/run.sock\n";

constexpr std::string_view kProgram = " [--] PROGRAM [ARGUMENT]...";

constexpr std::array<CommandHelp, 10> kHelp{{
    {"halfcell", "", kMainFooter},
    {"run", kProgram, kRunFooter},
    {"trace", kProgram, kTraceFooter},
    {"gdb", kProgram, kGdbFooter},
    {"boot", "", kBootFooter},
    {"check", "", kCheckFooter},
    {"abi", "", kAbiFooter},
    {"bench", "", kBenchFooter},
    {"conform", "", kConformFooter},
    {"ctl", " [COMMAND [ARGUMENT]...]", kCtlFooter},
}};

}  // namespace

const CommandHelp* help_of(std::string_view command) {
    for (const CommandHelp& help : kHelp)
        if (help.command == command) return &help;
    return nullptr;
}

}  // namespace halfcell::supervisor
