"""halfcell on a terminal of the test's own: what is typed, what is shown."""
import fcntl
import os
import select
import struct
import subprocess
import termios
import time

from harness import DEADLINE, check, finish, own, wait_until

LOCAL_MODES = 3  # index in what tcgetattr returns
COOKED = termios.ICANON | termios.ECHO | termios.ISIG


def set_size(file, rows, columns):
    fcntl.ioctl(file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Screen:
    """halfcell as the foreground job of a terminal of ours."""

    def __init__(self, build, *words, command="run", options=(), **streams):
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
