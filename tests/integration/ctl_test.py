#!/usr/bin/env python3
"""`halfcell ctl`, the client of the control socket."""
import contextlib
import json
import os
import pty
import select
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from control_peer import runs_with_socket, shell
from harness import DEADLINE, Suite, build_under_test, check, expect, run, wait_until

build = build_under_test()
suite = Suite()
running = runs_with_socket(build, suite)


def ctl(path, *words, options=(), **more):
    return run([build.halfcell, "ctl", *options, path, *words], clean=False, **more)


@suite.test
def the_client():
    with running(*shell("read x")) as (_, path):
        expect(ctl(path, "ping"), 0, out="PONG\n", err="")
        expect(ctl(path, "ping", options=["--json"]), 0, out='{"err":0,"msg":"PONG"}\n', err="")
        expect(ctl(path, "tail", "2"), 1, out="", err="tail 2: it is not traced; ask for that first: trace PID on")
        expect(ctl(path, "trace", "2", "on"), 0, out="ACK\n", err="")
        expect(ctl(path, "tail", "2"), 0, out="calls  none\n", err="")
        check("sh" in expect(ctl(path, "ps"), 0, err="").text, "no sh")
        check("ping" in expect(ctl(path, "help"), 0, err="").text, "no help")
        check("uptime_ns" in expect(ctl(path, "stats"), 0, err="").text, "no state")
        expect(ctl(path, "kill", "99"), 1, out="",
               err="halfcell ctl: kill 99: No such process (ESRCH); ps shows which there are")
        expect(ctl(path, "tail", "99"), 1, out="", err="tail 99: No such process (ESRCH)")
        expect(ctl(path, "frobnicate"), 1, out="", err="no command is called 'frobnicate'")
        outcome = expect(ctl(path, stdin=b"ping\n\nversion\nkill 99\nping\nquit\nping\n", options=["--json"]), 1)
        check([json.loads(line).get("err") for line in outcome.text.splitlines()] == [0, None, 3, 0, 0], f"{outcome}")
    expect(ctl("/no/such/socket", "ping"), 125, out="", err="cannot ask /no/such/socket: connect: No such file")
    check("start one with halfcell run --control" in ctl("/no/such/socket", "ping").message, "no advice")
    expect(ctl("/etc/passwd", "ping"), 125, out="", err="no run listens there")
    expect(ctl("x" * 200, "ping"), 125, out="", err="longer than")


@suite.test
def the_client_on_a_terminal():
    with running(*shell("read x")) as (_, path):
        child, terminal = pty.fork()
        if child == 0:
            os.environ["TERM"] = "xterm"
            os.execv(build.halfcell, [build.halfcell, "ctl", path])
        screen = b""

        def see(what):
            nonlocal screen
            deadline = time.monotonic() + DEADLINE
            while what not in screen:
                ready, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
                check(ready, f"no {what!r} on the screen: {screen!r}")
                screen += os.read(terminal, 4096)
            screen = screen[screen.index(what) + len(what):]

        see(b"; ")
        os.write(terminal, b"pi\t\n")
        see(b"PONG")
        see(b"; ")
        os.write(terminal, b"vers\t\n")
        see(b"0.1")
        see(b"; ")
        os.write(terminal, b"\x1b[A\x1b[A\n")
        see(b"PONG")
        see(b"; ")
        ended = []

        def gone():
            # Again and again: libedit shows its prompt before it takes the terminal over, and what is typed in
            # between is no Ctrl-D to it. Ctrl-U takes back what became of that.
            with contextlib.suppress(OSError):
                os.write(terminal, b"\x15\x04")
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                ended.append(os.waitstatus_to_exitcode(status))
            return bool(pid)

        try:
            wait_until(gone, "the client's end")
        finally:
            if not ended:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            os.close(terminal)
        check(ended == [0], f"another end: {ended}")


suite.main()
