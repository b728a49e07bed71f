"""The real gdb, in batch mode."""
import re
import shlex
import shutil

from harness import DEADLINE, check, run

GDB = shutil.which("gdb")


def needs_gdb(test):
    """A test that is skipped where there is no gdb."""
    def wrapped():
        return "gdb is not installed" if GDB is None else test()
    wrapped.__name__ = test.__name__
    return wrapped


def gdb_words(line, *commands):
    """The command line that connects gdb, by the line halfcell prints for it, and has it do these commands."""
    words = shlex.split(line)
    check(words[:1] == ["gdb"], f"no line to connect gdb: {line!r}")
    for command in commands:
        words += ["-ex", command]
    return [GDB, "-nx", "-batch", "-iex", "set width 0", "-iex", "set confirm off", *words[1:]]


def run_gdb(words):
    """What gdb prints."""
    outcome = run(words, deadline=DEADLINE, clean=False)
    return (outcome.out + outcome.err).decode(errors="replace")


def said(text, *patterns):
    """Checks that gdb printed these, in this order."""
    at = 0
    for pattern in patterns:
        found = re.compile(pattern).search(text, at)
        check(found, f"gdb did not say {pattern!r} (in this order):\n{text}")
        at = found.end()
