"""What the suites that drive the program `halfcell` share: running it, and noticing what it leaves behind.

A process that outlives its supervisor becomes a child of the test (the test is a subreaper), so nothing escapes the
count. Waiting is always for an event, with a deadline: no test sleeps to give something time.
"""
import collections
import ctypes
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
DEADLINE = 60.0  # seconds any one run may take before it counts as hanging
GONE_WITHIN = 10.0  # seconds a process may need to die after what it depends on

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_PTRACER = 0x59616D61
_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Failure(Exception):
    """What a test says when it fails."""


def check(condition, message):
    if not condition:
        raise Failure(message)


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(SKIPPED)


def without_address_randomisation():
    """For a child before exec: addresses the stub uses are free in it."""
    _libc.personality(0x0040000)


def allow_any_tracer():
    _libc.prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)


# ---- processes ------------------------------------------------------------------------------------------------------


def children(process):
    """Ids of the children of all threads of a process."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{process}/task"):
            with open(f"/proc/{process}/task/{thread}/children") as file:
                found += [int(word) for word in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def descendants(process):
    found = []
    for child in children(process):
        found += [child] + descendants(child)
    return found


def name_of(process):
    try:
        with open(f"/proc/{process}/comm") as file:
            return file.read().strip()
    except OSError:
        return "?"


def state_of(process):
    """The state letter of a process, or None where there is none."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return None


def wait_gone(processes, seconds=GONE_WITHIN):
    """Waits until all are dead (maybe not reaped); the ones that live on."""
    deadline = time.monotonic() + seconds
    alive = []
    for process in processes:
        try:
            handle = os.pidfd_open(process)
        except ProcessLookupError:
            continue
        try:
            ready, _, _ = select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                alive.append(process)
        finally:
            os.close(handle)
    return alive


def wait_until(condition, what, seconds=GONE_WITHIN):
    """Polls a condition that no descriptor announces; fails after the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}")
        select.select([], [], [], 0.002)


_own = set()  # helpers of the test, which may live


def own(process):
    """Marks a subprocess.Popen as the test's: it is no left-over."""
    _own.add(process.pid)
    return process


def disown(process):
    _own.discard(process.pid)


def left_overs(seconds=GONE_WITHIN):
    """Processes of ended runs that do not end: adopted children that are not the test's own. Reaps the dead."""
    mine = [child for child in children(os.getpid()) if child not in _own]
    alive = wait_gone(mine, seconds)
    for child in mine:
        if child not in alive:
            try:
                os.waitpid(child, os.WNOHANG)
            except ChildProcessError:
                pass
    return alive


def expect_nothing_left():
    alive = left_overs()
    names = ", ".join(f"{process} ({name_of(process)})" for process in alive)
    for process in alive:
        os.kill(process, signal.SIGKILL)
    check(not alive, f"left behind: {names}")


# ---- what a supervisor holds -----------------------------------------------------------------------------------------

# So many threads wait for the next guest thread at most (kernel_shim/task/worker.h).
IDLE_WORKERS = 16


class Costs:
    """What a supervisor holds of the host: descriptors by what they are of, threads, child processes."""

    def __init__(self, supervisor):
        self.descriptors = collections.Counter(self._target(f"/proc/{supervisor}/fd/{number}")
                                               for number in os.listdir(f"/proc/{supervisor}/fd"))
        self.threads = len(os.listdir(f"/proc/{supervisor}/task"))
        self.children = len(children(supervisor))

    @staticmethod
    def _target(link):
        try:
            # Without the number that tells one socket from another.
            return re.sub(r":\[\d+\]$", "", os.readlink(link))
        except OSError:
            return "closed meanwhile"

    def more_than(self, before):
        """In words, or "" where it is not."""
        # A shell that waits for its standard input has an eventfd that it has not between two waits.
        allowed = collections.Counter({"anon_inode:[eventfd]": 1})
        found = self.descriptors - before.descriptors - allowed
        more = [f"{count} {target}" for target, count in found.items()]
        if self.threads > before.threads + IDLE_WORKERS:
            more.append(f"{self.threads - before.threads} threads")
        if self.children > before.children:
            more.append(f"{self.children - before.children} child processes")
        return ", ".join(more)


def wait_to_fall_to(before, supervisor):
    """Until a supervisor holds no more than before."""
    more = ""

    def no_more():
        nonlocal more
        more = Costs(supervisor).more_than(before)
        return not more

    try:
        wait_until(no_more, "")
    except Failure:
        raise Failure(f"what stays: {more}")


def memory_of(process):
    """KiB of memory that are a supervisor's own, and that guests have filled."""
    with open(f"/proc/{process}/status") as file:
        fields = dict(line.split(":", 1) for line in file)
    return int(fields["RssAnon"].split()[0]), int(fields["RssShmem"].split()[0])


# ---- runs -----------------------------------------------------------------------------------------------------------


class Outcome:
    def __init__(self, status, out, err, seconds, command):
        self.status, self.out, self.err, self.seconds, self.command = status, out, err, seconds, command

    @property
    def text(self):
        return self.out.decode(errors="replace")

    @property
    def message(self):
        return self.err.decode(errors="replace")

    def __str__(self):
        return (f"{' '.join(self.command)}\n  status {self.status}\n  stdout {self.out[-600:]!r}"
                f"\n  stderr {self.err[-600:]!r}")


def run(command, stdin=b"", deadline=DEADLINE, clean=True, **options):
    """Runs a command to its end. Status is negative for a signal, as with subprocess. `clean`: no process may be left
    behind."""
    command = [str(word) for word in command]
    start = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.PIPE if stdin is not None else None, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **options) as process:
        own(process)
        try:
            out, err = process.communicate(stdin, timeout=deadline)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise Failure(f"hangs: {' '.join(command)}\n  stdout {out[-600:]!r}\n  stderr {err[-600:]!r}")
        finally:
            disown(process)
    outcome = Outcome(process.returncode, out, err, time.monotonic() - start, command)
    if clean:
        expect_nothing_left()
    return outcome


def start(command, **options):
    """Starts a command that goes on beside the test."""
    return own(subprocess.Popen([str(word) for word in command], **options))


def say(process, line):
    """Writes a line of bytes to its standard input."""
    process.stdin.write(line)
    process.stdin.flush()


def next_line(process, seconds=DEADLINE, stream=None):
    """The next line of its standard output (or another of its pipes), or what comes before the end; fails after the
    deadline. It goes past the stream's buffer, so whoever reads lines this way must read nothing but lines."""
    file = (stream or process.stdout).fileno()
    deadline = time.monotonic() + seconds
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([file], [], [], max(0.0, deadline - time.monotonic()))
        check(ready, f"no line after {seconds:.0f} s, only {line!r}")
        byte = os.read(file, 1)
        if not byte:
            break
        line += byte
    return line


def finish(process, deadline=DEADLINE):
    """Waits for such a command's end: its status."""
    try:
        return process.wait(deadline)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise Failure(f"hangs: {process.args}")
    finally:
        disown(process)
        for stream in (process.stdin, process.stdout, process.stderr):
            try:
                if stream:
                    stream.close()
            except BrokenPipeError:
                pass  # what was still buffered has no reader any more


class Build:
    """The programs of a build directory."""

    def __init__(self, directory):
        self.directory = os.path.abspath(directory)
        self.halfcell = os.path.join(self.directory, "halfcell")
        self.probe = os.path.join(self.directory, "userland", "bin", "probe")

    def sanitized(self):
        """Whether a sanitizer is in the supervisor: it keeps what is freed, and may have a file and a thread of its own."""
        names = subprocess.run(["nm", self.halfcell], capture_output=True, check=False).stdout
        return b"__asan" in names or b"__tsan" in names

    def run(self, *words, options=(), **more):
        """`halfcell run OPTIONS -- WORDS`."""
        return run([self.halfcell, "run", *options, "--", *words], **more)

    def start(self, *words, options=(), **more):
        return start([self.halfcell, "run", *options, "--", *words], **more)


def build_under_test():
    """The build directory is the first argument of every driver; the second keeps the tests whose name contains it."""
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} BUILD_DIRECTORY [TEST]")
    return Build(sys.argv[1])


def only():
    return sys.argv[2] if len(sys.argv) > 2 else None


def expect(outcome, status=0, out=None, err=None):
    """The outcome, checked: status, the whole of standard output, and whether standard error is one line with `err`
    in it (or empty, where `err` is "")."""
    check(outcome.status == status, f"status {outcome.status} instead of {status}\n{outcome}")
    if out is not None:
        wanted = out if isinstance(out, bytes) else out.encode()
        check(outcome.out == wanted, f"other output than {wanted[:300]!r}\n{outcome}")
    if err == "":
        check(outcome.err == b"", f"something on standard error\n{outcome}")
    elif err is not None:
        check(err in outcome.message, f"no {err!r} on standard error\n{outcome}")
        check(outcome.message.count("\n") == 1, f"not one line on standard error\n{outcome}")
    return outcome


# ---- suites ---------------------------------------------------------------------------------------------------------


class Suite:
    """Named tests, each run to its end: OK, FAIL or SKIP a line, and how to run a failed one again."""

    def __init__(self):
        self._tests = []
        self._cleanup = []
        self.directory = tempfile.mkdtemp(prefix="halfcell-test-")

    def test(self, function):
        self._tests.append(function)
        return function

    def fresh(self, name):
        """An empty directory."""
        path = os.path.join(self.directory, name)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        return path

    def main(self):
        failed = []
        ran = 0
        for function in self._tests:
            name = function.__name__.replace("_", " ")
            if only() and only() not in function.__name__:
                continue
            began = time.monotonic()
            try:
                reason = function()
                expect_nothing_left()
            except Failure as failure:
                failed.append(function.__name__)
                print(f"FAIL {name}")
                for line in str(failure).splitlines():
                    print(f"     {line}")
                print(f"     again: {sys.argv[0]} {' '.join(sys.argv[1:2])} {function.__name__}", flush=True)
                continue
            if reason:
                print(f"SKIP {name}: {reason}", flush=True)
            else:
                ran += 1
                print(f"OK   {name} ({time.monotonic() - began:.1f} s)", flush=True)
        subprocess.run(["chmod", "-R", "u+rwx", self.directory], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)
        print(f"{ran} passed, {len(failed)} failed")
        if failed:
            sys.exit(1)
        sys.exit(0 if ran else SKIPPED)
