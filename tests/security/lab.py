"""Where attacks are tried: each as a guest of halfcell, and as its positive control where nothing guards."""
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile

import harness

_VICTIM = """
import ctypes, sys
ctypes.CDLL(None).prctl(0x59616D61, ctypes.c_ulong(-1), 0, 0, 0)
memory = ctypes.create_string_buffer(b"UNTOUCHED", 64)
print(ctypes.addressof(memory), flush=True)
for _ in sys.stdin:
    print(memory.value.decode(errors="replace"), flush=True)
"""


class Victim:
    """A process of the host that an attacker would like to kill or change."""

    def __enter__(self):
        self.process = harness.start([sys.executable, "-c", _VICTIM], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL)
        self.id = self.process.pid
        self.address = int(self.process.stdout.readline())
        return self

    def __exit__(self, *_):
        self.process.kill()
        harness.finish(self.process)

    def content(self):
        """What its memory holds now, or None where it is dead."""
        try:
            self.process.stdin.write(b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return None
        return self.process.stdout.readline().decode().strip() or None

    @property
    def alive(self):
        return self.content() is not None


class Lab:
    def __init__(self, halfcell, attack):
        self.halfcell, self.attack = halfcell, attack
        self.directory = tempfile.mkdtemp(prefix="halfcell-lab-")

    def close(self):
        subprocess.run(["chmod", "-R", "u+rwx", self.directory], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def fresh(self, name):
        path = os.path.join(self.directory, name)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        return path

    def guest(self, *words, options=(), **more):
        return harness.run([self.halfcell, "run", *options, "--", self.attack, *words], **more)

    def native(self, *words, **more):
        """The same bytes as an ordinary process of Linux."""
        return harness.run([self.attack, *words], preexec_fn=harness.without_address_randomisation, **more)


class Attack:
    """One row of the table.

    guarded() and control() make the attempt and say what came of it: a pair (succeeded, text). control() may return
    a string instead: why this host cannot show the attack at all.
    """

    def __init__(self, name, guarded, control):
        self.name, self.guarded, self.control = name, guarded, control


def effect_in(outcome):
    """What the attacker itself reports."""
    for line in outcome.text.splitlines():
        if line.startswith("EFFECT "):
            return True, line[7:]
    return False, ended(outcome)


def ended(outcome):
    """How a run ended, for the table."""
    if outcome.status < 0:
        return f"signal {-outcome.status}"
    if outcome.status > 128:
        return f"killed, {outcome.status}"
    return f"status {outcome.status}"


def unharmed(outcome):
    """No run of the supervisor may end by a signal or say that it is its own fault."""
    harness.check(outcome.status >= 0, f"the supervisor died\n{outcome}")
    for word in ("Sanitizer", "runtime error", "check failed", "terminate called"):
        harness.check(word not in outcome.message, f"the supervisor failed\n{outcome}")
    return outcome


# What an attempt may end with besides its result: a deadline of a socket and an answer of another form are failures.
_FAILURES = (harness.Failure, OSError, ValueError)


def try_all(attacks):
    """Prints the table; True when every guard held and every control worked."""
    good = True
    skipped = 0
    rows = [("attack", "as a guest", "control", "")]
    for attack in attacks:
        try:
            succeeded, text = attack.guarded()
            verdict = "FAIL: the attack succeeds" if succeeded else "ok"
        except _FAILURES as failure:
            text, verdict = "", f"FAIL: {failure}"
        try:
            control = attack.control()
        except _FAILURES as failure:
            control = (False, str(failure))
        if isinstance(control, str):
            skipped += 1
            rows.append((attack.name, text, f"not on this host: {control}", verdict))
        else:
            worked, control_text = control
            if not worked:
                verdict = f"FAIL: the control does nothing ({verdict})"
            rows.append((attack.name, text, control_text, verdict))
        good = good and verdict == "ok"
    widths = [max(len(row[column].splitlines()[0]) if row[column] else 0 for row in rows) for column in range(3)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0])).rstrip())
    print(f"{len(attacks)} attacks, {skipped} without a control on this host")
    return good
