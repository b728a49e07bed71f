#!/usr/bin/env python3
"""Many processes: at once, one after the other, more than there may be; and that nothing stays of them.

processes_test.py BUILD [TEST]; HALFCELL_SCALE=10 in the environment does ten times as much (scripts/soak)."""
import os
import random
import select
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import (DEADLINE, Costs, Suite, build_under_test, check, children, expect, finish, next_line,
                     wait_to_fall_to, wait_until)

build = build_under_test()
suite = Suite()
family = os.path.join(build.directory, "userland", "bin", "family")
forkstorm = os.path.join(build.directory, "userland", "bin", "forkstorm")
SCALE = float(os.environ.get("HALFCELL_SCALE", "1"))
EAGAIN = 11


def scaled(count):
    return max(1, round(count * SCALE))


def kill(process):
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return 0
    return 1


class Shell:
    """A shell in a supervisor, told what to do line by line."""

    def __init__(self, *options, **more):
        self.process = build.start("sh", stdin=subprocess.PIPE, stdout=subprocess.PIPE, options=options, **more)

    def do(self, line, answer):
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()
        got = next_line(self.process, max(DEADLINE, scaled(60)))
        check(got == answer + b"\n", f"{got!r} instead of {answer!r}")

    def end(self):
        self.process.stdin.close()
        self.process.stdin = None
        check(finish(self.process) == 0, "the shell ends badly")


@suite.test
def a_hundred_processes_alive_at_once():
    count = scaled(100)
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
    shell = Shell("--bind", f"{family}:/bin/family:ro")
    shell.do(b"/bin/family short 20", b"20")
    shell.do(b"echo warm", b"warm")
    before = Costs(shell.process.pid)
    count = scaled(1000)
    shell.do(b"/bin/family short %d" % count, b"%d" % count)
    shell.do(b"echo done", b"done")
    wait_to_fall_to(before, shell.process.pid)
    shell.end()


@suite.test
def guests_are_killed_at_random_while_they_fork_exec_and_exit():
    """From outside, in all they do. No worker stays behind for them, no zombie, and the shell goes on."""
    chance = random.Random(6)
    shell = Shell(stderr=subprocess.DEVNULL)
    supervisor = shell.process.pid
    shell.do(b"for i in 1 2 3 4 5 6; do (env true | cat) & done; wait; echo warm", b"warm")
    # The zygote and the shell.
    wait_until(lambda: len(children(supervisor)) == 2, "what ran to end")
    spared = set(children(supervisor))
    before = Costs(supervisor)
    until = time.monotonic() + scaled(3)
    kills = rounds = 0
    while time.monotonic() < until:
        shell.do(b"for i in 1 2 3 4; do (while :; do env true; (exit 3); seq 3 | cat >/dev/null; done) & done; "
                 b"echo started", b"started")
        for _ in range(60):
            # The youngest, most often: those live on that start others.
            select.select([shell.process.stdout], [], [], chance.uniform(0, 0.02))
            victims = [child for child in children(supervisor) if child not in spared]
            if not victims:
                break
            kills += kill(max(victims) if chance.random() < 0.9 else chance.choice(victims))
        while victims:
            kills += sum(kill(victim) for victim in victims)
            victims = [child for child in children(supervisor) if child not in spared]
        shell.do(b"wait; echo over", b"over")
        wait_to_fall_to(before, supervisor)
        rounds += 1
    shell.end()
    print(f"     {kills} kills in {rounds} rounds", flush=True)


@suite.test
def forks_lose_and_leak_no_store_of_busy_threads():
    """Stores of threads and of the kernel, while pages are forked, moved, aliased, and change their rights."""
    expect(build.run(forkstorm, "stores", scaled(20)), out="intact\n", err="")


@suite.test
def descendants_have_what_was_stored_before_they_were_born():
    expect(build.run(forkstorm, "chain", 30), out="intact\n", err="")


@suite.test
def wakes_do_not_cross_a_fork():
    expect(build.run(forkstorm, "futex", 5), out="intact\n", err="")


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
    count = scaled(2000)
    expect(build.run(family, "kills", count, deadline=max(60, 60 * SCALE)), out=f"{count}\n", err="")


suite.main()
