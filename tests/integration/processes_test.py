#!/usr/bin/env python3
"""Many processes: at once, one after the other, more than there may be; and that nothing stays of them.

processes_test.py BUILD [TEST]; HALFCELL_SCALE=10 in the environment does ten times as much (scripts/soak)."""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check, children, expect, finish, next_line, wait_until

build = build_under_test()
suite = Suite()
family = os.path.join(build.directory, "userland", "bin", "family")
SCALE = int(os.environ.get("HALFCELL_SCALE", "1"))
EAGAIN = 11


def costs(supervisor):
    """What a supervisor holds of the host: descriptors, threads, child processes."""
    return (len(os.listdir(f"/proc/{supervisor}/fd")), len(os.listdir(f"/proc/{supervisor}/task")),
            len(children(supervisor)))


@suite.test
def a_hundred_processes_alive_at_once():
    count = 100 * SCALE
    process = build.start(family, "alive", count, options=("--process-limit", count + 10), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE)
    check(next_line(process) == b"%d\n" % count, "not all are born")
    # The zygote, the parent, and the children.
    wait_until(lambda: len(children(process.pid)) == count + 2, f"{count + 2} host processes")
    process.stdin.close()
    process.stdin = None
    check(finish(process) == 0, "the family ends badly")


@suite.test
def processes_one_after_the_other_leave_nothing():
    """The same supervisor, looked at before and after: nothing of a dead process stays."""
    process = build.start("sh", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          options=("--bind", f"{family}:/bin/family:ro"))

    def do(line, answer):
        process.stdin.write(line + b"\n")
        process.stdin.flush()
        got = next_line(process)
        check(got == answer + b"\n", f"{got!r} instead of {answer!r}")

    do(b"/bin/family short 20", b"20")
    do(b"echo warm", b"warm")
    before = costs(process.pid)
    do(b"/bin/family short %d" % (1000 * SCALE), b"%d" % (1000 * SCALE))
    do(b"echo done", b"done")
    wait_until(lambda: all(now <= then for now, then in zip(costs(process.pid), before)),
               f"descriptors, threads and children {costs(process.pid)} to fall to {before}")
    process.stdin.close()
    process.stdin = None
    check(finish(process) == 0, "the shell ends badly")


@suite.test
def a_fork_bomb_ends_in_eagain_at_the_limit():
    outcome = build.run(family, "bomb", 10000, options=("--process-limit", 50))
    expect(outcome, out=f"49\n{EAGAIN}\n", err="")


@suite.test
def a_thread_bomb_ends_in_eagain_at_the_limit():
    outcome = build.run(family, "threads", 10000, options=("--process-limit", 50))
    expect(outcome, out=f"49\n{EAGAIN}\n", err="")


@suite.test
def bombs_are_harmless_without_a_limit_of_the_users():
    """The default limit lies below what the host would give."""
    outcome = build.run(family, "threads", 1000000)
    expect(outcome, err="")
    check(outcome.text.endswith(f"\n{EAGAIN}\n"), f"no EAGAIN\n{outcome}")


@suite.test
def signals_between_two_processes_are_neither_lost_nor_doubled():
    count = 2000 * SCALE
    expect(build.run(family, "kills", count, deadline=60 * SCALE), out=f"{count}\n", err="")


suite.main()
