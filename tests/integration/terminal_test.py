#!/usr/bin/env python3
"""`halfcell run` on a terminal: the guest's own terminal in front of the host's, and what becomes of the host's."""
import os
import select
import signal
import subprocess
import sys
import termios
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import (DEADLINE, Suite, build_under_test, check, descendants, disown, finish, next_line, own, state_of,
                     wait_until)
from screen import Screen, set_size

build = build_under_test()
suite = Suite()


@suite.test
def lines_are_edited_and_echoed_by_the_guest():
    screen = Screen(build, "cat")
    screen.await_raw()
    screen.type(b"hello\rwor\x7fld\r")
    screen.expect(b"hello\r\n")
    screen.expect(b"wor\b \bld\r\n")
    screen.expect(b"wold\r\n")
    screen.type(b"\x04")
    check(screen.end(0) == b"", "something was shown at the end")


@suite.test
def a_guest_has_a_name_a_size_a_kind_and_a_group_for_it():
    screen = Screen(build, build.probe, "terminal")
    screen.expect(b"24 80 2 /scheme/pty/1\r\n")
    screen.type(b"\x04")
    screen.end(0)
    shown = Screen(build, "env", options=("--env", "A=1")).end(0)
    kind = os.environ.get("TERM", "xterm-256color").encode()
    check(b"TTY=/scheme/pty/1\r\n" in shown and b"TERM=" + kind + b"\r\n" in shown, repr(shown))
    shown = Screen(build, "env", options=("--env", "TERM=vt52")).end(0)
    check(b"TERM=vt52\r\n" in shown and shown.count(b"TERM=") == 1, repr(shown))


@suite.test
def the_size_follows():
    screen = Screen(build, build.probe, "terminal")
    screen.expect(b"24 80 2 /scheme/pty/1\r\n")
    set_size(screen.master, 50, 132)
    # The signal and the key race, so ask until it has arrived.
    deadline = time.monotonic() + DEADLINE
    shown = b""
    while shown != b"50 132 2 /scheme/pty/1":
        check(time.monotonic() < deadline, f"the guest's terminal has {shown!r}")
        screen.type(b"\r")
        screen.line()  # the echo
        shown = screen.line()
    screen.type(b"\x04")
    screen.end(0)


@suite.test
def the_first_program_leads_its_session():
    shown = Screen(build, "cat", "/scheme/proc/ps").end(0).decode()
    rows = [line.split() for line in shown.splitlines()]
    first = next(row for row in rows if row[0] == "2")
    check(first[1:4] == ["2", "1", "2"], shown)


@suite.test
def keys_that_are_signals():
    for key, status in ((b"\x03", 130), (b"\x1c", 131)):
        screen = Screen(build, "cat")
        screen.await_raw()
        screen.type(key)
        screen.end(status)


@suite.test
def a_program_that_does_not_read_can_be_interrupted():
    screen = Screen(build, "sleep", "1000")
    screen.await_raw()
    screen.type(b"\r" * 100)
    screen.expect(b"\r\n" * 60)
    screen.type(b"\x03")
    screen.end(130)


@suite.test
def stopping_means_nothing_to_the_first_program():
    screen = Screen(build, "cat")
    screen.await_raw()
    screen.type(b"\x1agoes on\r")
    screen.expect(b"goes on\r\ngoes on\r\n")
    screen.type(b"\x04")
    screen.end(0)


@suite.test
def a_stopped_job_s_read_takes_no_line():
    screen = Screen(build, "sh", options=("--env", "PS1=ready> "))
    screen.expect(b"ready> ")
    screen.type(b"cat\r")
    screen.expect(b"cat\r\n")
    # Its line shows that it reads by now.
    screen.type(b"read by cat\r")
    screen.expect(b"read by cat\r\nread by cat\r\n")
    screen.type(b"\x1a")
    screen.expect(b"Stopped")
    screen.expect(b"ready> ")
    screen.type(b"echo shell $((1 + 1))\r")
    screen.expect(b"shell 2\r\n")
    screen.expect(b"ready> ")
    screen.type(b"fg\r")
    screen.expect(b"fg\r\ncat\r\n")
    screen.type(b"cat again\r")
    screen.expect(b"cat again\r\ncat again\r\n")
    screen.type(b"\x04")
    screen.expect(b"ready> ")
    screen.type(b"exit 4\r")
    screen.end(4)


@suite.test
def the_terminal_is_restored_however_it_ends():
    screen = Screen(build, build.probe, "fault", "write")
    check(b"page fault" in screen.end(139), "the fault is not explained")
    for deadly in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGABRT, signal.SIGSEGV):
        screen = Screen(build, "cat")
        screen.await_raw()
        screen.process.send_signal(deadly)
        screen.end(-deadly)
    Screen(build, "no-such-program").end(127)


@suite.test
def a_stop_from_outside_gives_the_terminal_back():
    screen = Screen(build, "cat")
    for stop in (signal.SIGTSTP, signal.SIGSTOP):
        screen.await_raw()
        screen.process.send_signal(stop)
        wait_until(lambda: state_of(screen.process.pid) == "T", "the stop")
        if stop == signal.SIGTSTP:
            check(screen.cooked(), "stopped with a raw terminal")
        # What the shell that gets the terminal back would do.
        termios.tcsetattr(screen.terminal, termios.TCSANOW, screen.before)
        screen.process.send_signal(signal.SIGCONT)
    screen.await_raw()
    screen.type(b"again\r")
    screen.expect(b"again\r\nagain\r\n")
    screen.type(b"\x04")
    screen.end(0)


@suite.test
def a_terminal_that_goes_away_ends_the_program():
    screen = Screen(build, "cat")
    screen.await_raw()
    screen.close()
    check(finish(screen.process) != 0, "all is well without a terminal")


@suite.test
def much_output_arrives_whole():
    shown = Screen(build, "seq", "30000").end(0)
    wanted = b"".join(b"%d\r\n" % number for number in range(1, 30001))
    check(shown == wanted, f"{len(shown)} bytes instead of {len(wanted)}")


@suite.test
def the_host_s_terminal_is_not_the_guest_s():
    screen = Screen(build, "ls", "/scheme/stdio")
    check(b"No such device" in screen.end(2), "the scheme of the host's files can be opened")


@suite.test
def what_is_no_terminal_stays_the_host_s_file():
    path = os.path.join(suite.fresh("streams"), "error")
    with open(path, "wb") as error:
        screen = Screen(build, "cat", "/no/such", stderr=error)
        check(screen.end(1) == b"", "an error on the screen")
    with open(path, "rb") as error:
        check(b"/no/such: " in error.read(), "no error in its file")
    for streams in ({"stdin": subprocess.PIPE}, {"stdout": subprocess.PIPE}):
        screen = Screen(build, "cat", **streams)
        if "stdin" in streams:
            screen.process.stdin.write(b"piped\n")
            screen.process.stdin.close()
            screen.process.stdin = None
            check(screen.end(0) == b"piped\r\n", "not what was piped")
        else:
            # The host's terminal edits; its interrupt key reaches halfcell.
            screen.type(b"typed\n")
            check(next_line(screen.process) == b"typed\n", "not what was typed")
            check(screen.cooked(), "a raw terminal although its output is a pipe")
            screen.type(b"\x03")
            screen.end(-signal.SIGINT)


@suite.test
def a_trace_keeps_its_lines():
    screen = Screen(build, "echo", "hi", command="trace", options=("-e", "write"))
    shown = screen.end(0)
    check(b'"hi\\n"' in shown and b"\n" not in shown.replace(b"\r\n", b""), repr(shown))


@suite.test
def nothing_moves_while_nothing_happens():
    screen = Screen(build, "cat")
    screen.await_raw()
    screen.type(b"x\r")
    screen.expect(b"x\r\nx\r\n")

    def switches():
        total = 0
        for process in [screen.process.pid] + descendants(screen.process.pid):
            for thread in os.listdir(f"/proc/{process}/task"):
                with open(f"/proc/{process}/task/{thread}/status") as status:
                    total += sum(int(line.split()[1]) for line in status if "ctxt_switches" in line)
        return total

    # Until it has come to rest, and then for a while.
    wait_until(lambda: switches() == (select.select([], [], [], 0.1), switches())[1], "rest")
    before = switches()
    select.select([], [], [], 1.0)
    check(switches() - before < 5, f"{switches() - before} context switches in an idle second")
    screen.type(b"\x04")
    screen.end(0)


suite.main()
