#!/usr/bin/env python3
"""`halfcell gdb --pid`: the real gdb, and none, at processes of a run that goes on."""
import json
import os
import re
import socket
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from control_peer import runs_with_socket
from harness import DEADLINE, Suite, build_under_test, check, expect, next_line, run, wait_until
from real_gdb import gdb_words, needs_gdb, run_gdb, said

build = build_under_test()
suite = Suite()
running = runs_with_socket(build, suite)
PROGRAM = os.path.join(build.directory, "userland", "bin", "debuggee")
PIE = os.path.join(build.directory, "userland", "bin", "debuggee_pie")
FIRST = 2  # the first process of a run


def ask(path, *words):
    return json.loads(run([build.halfcell, "ctl", "--json", path, *words], clean=False).text)


def let_in(path, pid=FIRST, *options):
    """The line that connects gdb to a process."""
    return expect(run([build.halfcell, "gdb", "--pid", str(pid), "--control", path, *options], clean=False), 0,
                  err="").text.strip()


def gdb(line, program, *commands):
    """What gdb prints for these commands."""
    return run_gdb([*gdb_words(line, *commands), program])


def address_in(line):
    return re.search(r"target remote ([^']*)'", line).group(1)


def state_of(path, pid=FIRST):
    return [one for one in ask(path, "ps")["processes"] if one["pid"] == pid][0]


def attach_by_hand(line):
    """A connection at which the process has stopped."""
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(DEADLINE)
    peer.connect(address_in(line))
    peer.sendall(b"+$?#3f")
    answer = b""
    while b"#" not in answer:
        more = peer.recv(4096)
        check(more, f"the connection was closed, after {answer!r}")
        answer += more
    check(answer.startswith(b"+$T"), f"the process has not stopped: {answer!r}")
    return peer


@suite.test
@needs_gdb
def a_program_that_runs_is_stopped_looked_at_and_let_go():
    for program in (PROGRAM, PIE):
        with running(program, "spin", ready=b"spinning\n") as (process, path):
            text = gdb(let_in(path), program, "backtrace", "print global_counter", "set variable global_counter = 1",
                       "detach")
            said(text, r"main_program", r"\$1 = 0\n", r"detached")
            check(next_line(process) == b"released\n", "it does not go on")
            check(process.wait(DEADLINE) == 0, "another end")


@suite.test
@needs_gdb
def all_its_threads_are_there():
    with running(PROGRAM, "spin-threads", ready=b"spinning\n") as (process, path):
        text = gdb(let_in(path), PROGRAM, "info threads", "thread apply all backtrace",
                   "set variable threads_may_end = 1", "continue")
        check(len(re.findall(r"^[* ] \d +Thread ", text, re.M)) == 4, f"not four threads:\n{text}")
        check(text.count("wait_in_thread (") >= 3, f"not three threads in wait_in_thread:\n{text}")
        said(text, r"exited normally")
        check(process.wait(DEADLINE) == 0, "another end")


@suite.test
@needs_gdb
def one_that_sleeps_in_a_call_sleeps_on():
    with running("sh", "-c", "echo ready; read line; echo $line") as (process, path):
        wait_until(lambda: state_of(path)["threads"][0]["state"] == "blocked", "the read")
        said(gdb(let_in(path), os.path.join(build.directory, "userland/bin/sh"), "info registers rip"), r"rip +0x", r"detached")
        process.stdin.write(b"something\n")
        process.stdin.flush()
        check(next_line(process) == b"something\n", "the call has come to nothing")


@suite.test
def who_goes_without_a_word_leaves_the_process_running():
    with running("sh", "-c", "echo ready; read x; echo end") as (process, path):
        attach_by_hand(let_in(path)).close()

        def free():
            return "command" in ask(path, "gdb", str(FIRST))

        wait_until(free, "the end of the visit")
        process.stdin.write(b"\n")
        process.stdin.flush()
        check(next_line(process) == b"end\n", "the process does not go on")
        check(process.wait(DEADLINE) == 0, "another end")


@suite.test
def the_end_of_the_run_waits_for_no_debugger():
    with running("sh", "-c", "sleep 600 & echo ready; read x") as (process, path):
        wait_until(lambda: len(ask(path, "ps")["processes"]) == 2, "the second process")
        other = max(one["pid"] for one in ask(path, "ps")["processes"])
        with attach_by_hand(let_in(path, other)):
            let_in(path, FIRST)  # where nobody comes
            process.stdin.write(b"\n")
            process.stdin.flush()
            check(process.wait(DEADLINE) == 0, "another end")


@suite.test
def the_end_of_the_run_waits_for_no_debugger_that_does_not_read():
    with running("sh", "-c", "sleep 600 & echo ready; read x") as (process, path):
        wait_until(lambda: len(ask(path, "ps")["processes"]) == 2, "the second process")
        other = max(one["pid"] for one in ask(path, "ps")["processes"])
        with attach_by_hand(let_in(path, other)) as peer:
            peer.setblocking(False)
            try:
                while True:
                    peer.sendall(b"$g#67" * 1000)
            except BlockingIOError:
                pass
            process.stdin.write(b"\n")
            process.stdin.flush()
            check(process.wait(DEADLINE) == 0, "another end")


@suite.test
def a_port_and_what_is_refused():
    with running("sh", "-c", "echo ready; read x") as (_, path):
        check(re.search(r"target remote 127\.0\.0\.1:[1-9]\d*'", let_in(path, FIRST, "--listen", "127.0.0.1:0")), "no port")
        attempts = {(FIRST, "0.0.0.0:1234"): "127.0.0.1:PORT", (99, "127.0.0.1:0"): "No such process"}
        for (pid, where), complaint in attempts.items():
            expect(run([build.halfcell, "gdb", "--pid", str(pid), "--control", path, "--listen", where], clean=False), 1,
                   out="", err=complaint)
        with attach_by_hand(let_in(path)):
            expect(run([build.halfcell, "gdb", "--pid", str(FIRST), "--control", path], clean=False), 1, out="",
                   err="has a tracer")
        refusals = [ask(path, "gdb", str(FIRST)) for _ in range(20)]
        check(any("let in already" in one.get("msg", "") for one in refusals), f"no end to visits: {refusals[-1]}")
    expect(run([build.halfcell, "gdb", "--pid", "2"], clean=False), 125, err="--pid and --control go together")
    expect(run([build.halfcell, "gdb", "--pid", "2", "--control", path, "sh"], clean=False), 125, err="exclude")


suite.main()
