#!/usr/bin/env python3
"""`halfcell gdb` with the real gdb, in batch mode."""
import os
import re
import signal
import stat
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import DEADLINE, Suite, build_under_test, check, expect, finish, next_line, run, start
from real_gdb import gdb_words, needs_gdb, run_gdb, said

build = build_under_test()
suite = Suite()
PROGRAM = os.path.join(build.directory, "userland", "bin", "debuggee")
PIE = os.path.join(build.directory, "userland", "bin", "debuggee_pie")


class Debugged:
    """A program that waits for gdb."""

    def __init__(self, *words, program=PROGRAM, options=()):
        self.process = start([build.halfcell, "gdb", *options, "--", program, *words],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        first = next_line(self.process, stream=self.process.stderr).decode()
        check("waits for gdb" in first, f"not what halfcell gdb says first: {first!r}")
        self.line = next_line(self.process, stream=self.process.stderr).decode().strip()

    def command(self, *commands):
        return gdb_words(self.line, *commands)

    def gdb(self, *commands):
        """What gdb prints for these commands."""
        return run_gdb(self.command(*commands))

    def ends(self, status, out=None):
        process = self.process
        said, complaints = process.communicate(timeout=DEADLINE)
        got = finish(process)
        check(got == status, f"status {got} instead of {status}: {said!r} {complaints!r}")
        if out is not None:
            check(said.decode() == out, f"printed {said!r} instead of {out!r}")


@suite.test
@needs_gdb
def breakpoints_and_variables():
    for program in (PROGRAM, PIE):
        debugged = Debugged("values", program=program)
        text = debugged.gdb("break innermost", "continue", "backtrace", "print depth", "next", "print product", "finish",
                            "delete", "continue")
        said(text, r"Breakpoint 1, innermost \(depth=(depth@entry=)?4\)", r"#0  innermost \(depth=(depth@entry=)?4\)", r"#1 .* middle \(depth=(depth@entry=)?3\)",
             r"#2 .*show_values", r"#3 .*main_program", r"\$1 = 4\n", r"\$2 = 24\n", r"Value returned is \$3 = 25",
             r"exited normally")
        debugged.ends(0, "total 136\n")


@suite.test
@needs_gdb
def steps():
    debugged = Debugged("values")
    text = debugged.gdb("break middle", "continue", "step", "step", "info frame", "stepi", "stepi 20", "print $rip",
                        "tbreak show_values", "delete 1", "continue")
    said(text, r"Breakpoint 1, middle \(depth=(depth@entry=)?3\)", r"innermost \(depth=(depth@entry=)?4\)", r"rip = 0x[0-9a-f]+ in innermost",
         r"exited normally")
    debugged.ends(0)


@suite.test
@needs_gdb
def watchpoints():
    debugged = Debugged("values")
    text = debugged.gdb("break middle", "continue", "watch global_counter", "continue", "kill")
    said(text, r"atchpoint 2: global_counter", r"Old value = 0\nNew value = 24\n", r"innermost")
    debugged.ends(128 + signal.SIGKILL)


@suite.test
@needs_gdb
def functions_are_called_by_gdb():
    debugged = Debugged("values")
    text = debugged.gdb("break middle", "continue", "print innermost(5)", "print depth", "delete", "continue")
    said(text, r"\$1 = 31\n", r"\$2 = 3\n", r"exited normally")
    debugged.ends(0, "total 136\n")


@suite.test
@needs_gdb
def registers():
    debugged = Debugged("values")
    text = debugged.gdb("break innermost", "continue", "print $rdi", "print $fs_base + $gs_base >= 0", "print/x $cs", "info registers",
                        "print $eflags", "print $st0", "print $fctrl", "print $mxcsr", "set $rbx = 0x1234567890",
                        "print/x $rbx", "kill")
    said(text, r"\$1 = 4\n", r"\$2 = (1|true)\n", r"\$3 = 0x2b\n", r"rip .* <innermost", r"\$5 = ", r"\$6 = 895\n", r"\$7 = \[ .*IM", r"\$8 = 0x1234567890\n")
    debugged.ends(128 + signal.SIGKILL)


@suite.test
@needs_gdb
def what_is_mapped():
    debugged = Debugged("values")
    text = debugged.gdb("info proc mappings", "info auxv", "kill")
    said(text, r"0x400000 .* r-xp", r"rw-p", r"AT_PHDR .* 0x400040", r"AT_ENTRY ")
    check("warning" not in text, f"gdb warns:\n{text}")
    debugged.ends(128 + signal.SIGKILL)


@suite.test
@needs_gdb
def vector_registers():
    if "avx" not in open("/proc/cpuinfo").read().split():
        return "this CPU has no ymm registers"
    debugged = Debugged("vectors")
    text = debugged.gdb("break vectors_are_loaded", "continue", "print $ymm5.v4_int64", "print $xmm5.v2_int64",
                        "set $ymm5.v4_int64[3] = 44", "continue")
    said(text, r"\$1 = \{1, 2, 3, 4\}", r"\$2 = \{1, 2\}", r"exited normally")
    debugged.ends(0, "vector 44\n")


@suite.test
@needs_gdb
def threads():
    debugged = Debugged("threads")
    text = debugged.gdb("break all_threads_are_here", "continue", "info threads", "thread apply all backtrace",
                        "thread 3", "print number", "delete", "continue")
    said(text, r"Breakpoint 1, all_threads_are_here", r"\* 1 ")
    check(len(re.findall(r"^[* ] \d +Thread ", text, re.M)) >= 4, f"not four threads:\n{text}")
    check(text.count("wait_in_thread (") >= 3, f"not three threads in wait_in_thread:\n{text}")
    debugged.ends(0, "sum 60\n")


@suite.test
@needs_gdb
def calls_are_caught_by_name():
    debugged = Debugged("values")
    text = debugged.gdb("break show_values", "continue", "catch syscall write", "continue", "backtrace 1", "continue", "print $rax", "delete",
                        "continue")
    said(text, r"Catchpoint 2 \(syscall 'write' \[4\]\)", r"call to syscall write", r"returned from syscall write",
         r"\$1 = 10\n", r"exited normally")
    debugged.ends(0, "total 136\n")
    debugged = Debugged("values")
    said(debugged.gdb("catch syscall group:transfer", "catch syscall 12345", "continue", "kill"),
         r"'write' \[4\]", r"call to syscall ")
    debugged.ends(128 + signal.SIGKILL)


@suite.test
@needs_gdb
def forks():
    # The child is held from its first instruction; the parent stops a little after it started it, in fork or behind.
    debugged = Debugged("fork")
    said(debugged.gdb("catch fork", "continue", "delete", "continue"),
         r"Catchpoint 1 \(forked process \d+\)", r"exited normally")
    debugged.ends(0, "child 7\n")
    # The child does not have the parent's breakpoints when gdb lets it go, and has them when gdb follows it.
    debugged = Debugged("fork")
    said(debugged.gdb("break innermost", "continue"), r"Detaching after fork", r"exited normally")
    debugged.ends(0, "child 7\n")
    debugged = Debugged("fork")
    said(debugged.gdb("set follow-fork-mode child", "break innermost", "continue", "backtrace 2", "delete", "continue"),
         r"Breakpoint 1.*, innermost \(depth=(depth@entry=)?1\)", r"make_child", r"exited with code 07")
    debugged.ends(0, "child 7\n")


@suite.test
@needs_gdb
def new_programs():
    debugged = Debugged("exec", "/scheme/initfs/bin/echo", "hello")
    said(debugged.gdb("catch exec", "continue", "info registers rip", "delete", "continue"), r"Catchpoint 1 \(exec'd .*echo\)",
         r"exited normally")
    debugged.ends(0)


@suite.test
@needs_gdb
def faults_and_signals():
    debugged = Debugged("crash")
    said(debugged.gdb("continue", "print $_siginfo", "backtrace", "continue"), r"received signal SIGSEGV", r"main_program",
         r"terminated with signal SIGSEGV")
    debugged.ends(128 + signal.SIGSEGV)
    debugged = Debugged("signal")
    said(debugged.gdb("continue", "break signal_arrived", "continue", "continue"), r"received signal SIGUSR1",
         r"Breakpoint 1, signal_arrived \(signal=(signal@entry=)?10\)", r"exited normally")
    debugged.ends(0, "signal 10\n")
    debugged = Debugged("signal")
    said(debugged.gdb("continue", "signal 0"), r"received signal SIGUSR1", r"exited normally")
    debugged.ends(0, "signal 0\n")


@suite.test
@needs_gdb
def detached_programs_go_on():
    for before in ((), ("break innermost", "continue"), ("catch syscall write", "continue")):
        debugged = Debugged("values")
        said(debugged.gdb(*before, "detach"), r"Detaching|detached")
        debugged.ends(0, "total 136\n")


@suite.test
@needs_gdb
def killed_programs_end():
    debugged = Debugged("values")
    debugged.gdb("kill")
    debugged.ends(128 + signal.SIGKILL, "")


@suite.test
@needs_gdb
def interruptions():
    for verb, words in (("spin", b"spinning\n"), ("sleep", b"sleeping\n")):
        debugged = Debugged(verb)
        gdb = start(debugged.command("continue", "backtrace", "kill"), stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        check(next_line(debugged.process) == words, "the program does not run")
        gdb.send_signal(signal.SIGINT)
        text = gdb.communicate(timeout=DEADLINE)[0].decode(errors="replace")
        finish(gdb)
        said(text, r"received signal SIGINT", r"main_program")
        debugged.ends(128 + signal.SIGKILL)


@suite.test
@needs_gdb
def a_lost_debugger_takes_the_program_with_it():
    debugged = Debugged("spin")
    gdb = start(debugged.command("continue"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
    check(next_line(debugged.process) == b"spinning\n", "the program does not run")
    gdb.kill()
    finish(gdb)
    debugged.ends(128 + signal.SIGKILL)


@suite.test
@needs_gdb
def at_a_port_of_the_loopback_interface():
    debugged = Debugged("values", options=("--listen", "127.0.0.1:0"))
    check(re.search(r"target remote 127\.0\.0\.1:[1-9]\d*'", debugged.line), f"no port: {debugged.line}")
    said(debugged.gdb("continue"), r"exited normally")
    debugged.ends(0, "total 136\n")


@suite.test
def where_gdb_may_connect():
    path = os.path.join(suite.fresh("socket"), "gdb")
    debugged = Debugged("values", options=("--listen", "unix:" + path))
    check(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "others can reach the socket")
    debugged.process.kill()
    finish(debugged.process)
    for where in ("0.0.0.0:1234", "192.168.1.1:1", "1234", "unix:", "host:1", "127.0.0.1:port", "127.0.0.1:70000"):
        expect(run([build.halfcell, "gdb", "--listen", where, PROGRAM, "values"]), 125, err="127.0.0.1:PORT")
    expect(run([build.halfcell, "gdb"]), 125, err="no PROGRAM")


suite.main()
