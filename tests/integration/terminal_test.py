#!/usr/bin/env python3
"""`halfcell run` on a terminal: the guest's own terminal in front of the host's, and what becomes of the host's."""
import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import (DEADLINE, Suite, build_under_test, check, descendants, disown, finish, own, state_of, wait_until)

build = build_under_test()
suite = Suite()

LOCAL_MODES = 3  # index in what tcgetattr returns
COOKED = termios.ICANON | termios.ECHO | termios.ISIG


def set_size(file, rows, columns):
    fcntl.ioctl(file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Screen:
    """halfcell as the foreground job of a terminal of ours."""

    def __init__(self, *words, command="run", options=(), **streams):
        self.master, terminal = os.openpty()
        set_size(terminal, 24, 80)
        self.before = termios.tcgetattr(terminal)
        streams = {name: streams.get(name, terminal) for name in ("stdin", "stdout", "stderr")}

        def on_terminal():
            os.setsid()
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

        self.process = own(subprocess.Popen([build.halfcell, command, *options, "--", *words], preexec_fn=on_terminal,
                                            pass_fds=(terminal,), **streams))
        # Kept open, so that its settings can be asked for when halfcell has gone.
        self.terminal = terminal
        self.text = b""

    def type(self, text):
        os.write(self.master, text)

    def read(self, seconds):
        """More of what is shown; False where nothing comes."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            part = os.read(self.master, 65536)
        except OSError:
            part = b""
        self.text += part
        return bool(part)

    def expect(self, wanted):
        """Waits until something is shown, and forgets it with what was before."""
        deadline = time.monotonic() + DEADLINE
        while wanted not in self.text:
            check(time.monotonic() < deadline and self.read(deadline - time.monotonic()),
                  f"no {wanted!r} on the screen, but {self.text[-500:]!r}")
        self.text = self.text[self.text.index(wanted) + len(wanted):]

    def line(self):
        """The next line that is shown."""
        deadline = time.monotonic() + DEADLINE
        while b"\r\n" not in self.text:
            check(time.monotonic() < deadline and self.read(deadline - time.monotonic()), "no line on the screen")
        line, self.text = self.text.split(b"\r\n", 1)
        return line

    def cooked(self):
        return termios.tcgetattr(self.terminal)[LOCAL_MODES] & COOKED == COOKED

    def await_raw(self):
        wait_until(lambda: not self.cooked(), "a raw terminal")

    def end(self, status):
        """Everything shown until the end, which must have this status and leave the terminal as it was."""
        deadline = time.monotonic() + DEADLINE
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read(0.02)
        while self.read(0):
            pass
        found = finish(self.process)
        after = termios.tcgetattr(self.terminal)
        self.close()
        check(found == status, f"status {found} instead of {status}; on the screen {self.text[-500:]!r}")
        check(after == self.before, "the terminal has other settings than before")
        return self.text

    def close(self):
        for file in (self.master, self.terminal):
            if file is not None:
                os.close(file)
        self.master = self.terminal = None


@suite.test
def lines_are_edited_and_echoed_by_the_guest():
    screen = Screen("cat")
    screen.await_raw()
    screen.type(b"hello\rwor\x7fld\r")
    screen.expect(b"hello\r\n")
    screen.expect(b"wor\b \bld\r\n")
    screen.expect(b"wold\r\n")
    screen.type(b"\x04")
    check(screen.end(0) == b"", "something was shown at the end")


@suite.test
def a_guest_has_a_name_a_size_a_kind_and_a_group_for_it():
    screen = Screen(build.probe, "terminal")
    screen.expect(b"24 80 2 /scheme/pty/1\r\n")
    screen.type(b"\x04")
    screen.end(0)
    shown = Screen("env", options=("--env", "A=1")).end(0)
    kind = os.environ.get("TERM", "xterm-256color").encode()
    check(b"TTY=/scheme/pty/1\r\n" in shown and b"TERM=" + kind + b"\r\n" in shown, repr(shown))
    shown = Screen("env", options=("--env", "TERM=vt52")).end(0)
    check(b"TERM=vt52\r\n" in shown and shown.count(b"TERM=") == 1, repr(shown))


@suite.test
def the_size_follows():
    screen = Screen(build.probe, "terminal")
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
    shown = Screen("cat", "/scheme/proc/ps").end(0).decode()
    rows = [line.split() for line in shown.splitlines()]
    first = next(row for row in rows if row[0] == "2")
    check(first[1:4] == ["2", "1", "2"], shown)


@suite.test
def keys_that_are_signals():
    for key, status in ((b"\x03", 130), (b"\x1c", 131)):
        screen = Screen("cat")
        screen.await_raw()
        screen.type(key)
        screen.end(status)


@suite.test
def a_program_that_does_not_read_can_be_interrupted():
    screen = Screen("sleep", "1000")
    screen.await_raw()
    screen.type(b"\r" * 100)
    screen.expect(b"\r\n" * 60)
    screen.type(b"\x03")
    screen.end(130)


@suite.test
def stopping_means_nothing_to_the_first_program():
    screen = Screen("cat")
    screen.await_raw()
    screen.type(b"\x1agoes on\r")
    screen.expect(b"goes on\r\ngoes on\r\n")
    screen.type(b"\x04")
    screen.end(0)


@suite.test
def the_terminal_is_restored_however_it_ends():
    screen = Screen(build.probe, "fault", "write")
    check(b"page fault" in screen.end(139), "the fault is not explained")
    for deadly in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGABRT, signal.SIGSEGV):
        screen = Screen("cat")
        screen.await_raw()
        screen.process.send_signal(deadly)
        screen.end(-deadly)
    Screen("no-such-program").end(127)


@suite.test
def a_stop_from_outside_gives_the_terminal_back():
    screen = Screen("cat")
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
    screen = Screen("cat")
    screen.await_raw()
    screen.close()
    check(finish(screen.process) != 0, "all is well without a terminal")


@suite.test
def much_output_arrives_whole():
    shown = Screen("seq", "30000").end(0)
    wanted = b"".join(b"%d\r\n" % number for number in range(1, 30001))
    check(shown == wanted, f"{len(shown)} bytes instead of {len(wanted)}")


@suite.test
def the_host_s_terminal_is_not_the_guest_s():
    screen = Screen("ls", "/scheme/stdio")
    check(b"No such device" in screen.end(2), "the scheme of the host's files can be opened")


@suite.test
def what_is_no_terminal_stays_the_host_s_file():
    path = os.path.join(suite.fresh("streams"), "error")
    with open(path, "wb") as error:
        screen = Screen("cat", "/no/such", stderr=error)
        check(screen.end(1) == b"", "an error on the screen")
    with open(path, "rb") as error:
        check(b"/no/such: " in error.read(), "no error in its file")
    for streams in ({"stdin": subprocess.PIPE}, {"stdout": subprocess.PIPE}):
        screen = Screen("cat", **streams)
        if "stdin" in streams:
            screen.process.stdin.write(b"piped\n")
            screen.process.stdin.close()
            screen.process.stdin = None
            check(screen.end(0) == b"piped\r\n", "not what was piped")
        else:
            # The host's terminal edits; its interrupt key reaches halfcell.
            screen.type(b"typed\n")
            check(screen.process.stdout.readline() == b"typed\n", "not what was typed")
            check(screen.cooked(), "a raw terminal although its output is a pipe")
            screen.type(b"\x03")
            screen.end(-signal.SIGINT)


@suite.test
def a_trace_keeps_its_lines():
    screen = Screen("echo", "hi", command="trace", options=("-e", "write"))
    shown = screen.end(0)
    check(b'"hi\\n"' in shown and b"\n" not in shown.replace(b"\r\n", b""), repr(shown))


@suite.test
def nothing_moves_while_nothing_happens():
    screen = Screen("cat")
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
