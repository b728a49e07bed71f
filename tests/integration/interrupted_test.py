#!/usr/bin/env python3
"""Calls that are blocked when their threads are killed: every one ends, soon, and no answer goes to another thread.

interrupted_test.py BUILD [TEST]; HALFCELL_SCALE=10 in the environment does ten times as much, HALFCELL_RANDOM another
order, and HALFCELL_BAR=10 also fails where one call in a hundred takes more milliseconds (scripts/soak). `halfcell check`
says whether this Linux starves what waits beside guests that compute: then a few calls may take minutes."""
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import (DEADLINE, SKIPPED, Suite, build_under_test, check, children, finish, next_line, run,
                     say, wait_until)
from stuck_files import StuckFiles

build = build_under_test()
suite = Suite()
programs = os.path.join(build.directory, "userland", "bin")
few_ids = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support", "few_ids.py")
SCALE = float(os.environ.get("HALFCELL_SCALE", "1"))
SEED = int(os.environ.get("HALFCELL_RANDOM", "1"))
BAR = float(os.environ.get("HALFCELL_BAR", "inf"))
KINDS = ["pipe", "futex", "sleep", "wait", "scheme"]
DEADLINE_OF_ALL = max(2 * DEADLINE, 10 * DEADLINE * SCALE)
place = tempfile.mkdtemp(prefix="halfcell-stuck-")
try:
    stuck = StuckFiles(place)
except OSError:
    stuck = None


def scaled(count):
    return max(1, round(count * SCALE))


def table(title, rows):
    """`rows`: by kind how many, and the median, the 99th percentile and the most in microseconds."""
    print(f"     {title:24}  calls   median us      p99 us      max us")
    for kind, numbers in rows.items():
        print(f"     {kind:24} {numbers[0]:6} {numbers[1]:11.0f} {numbers[2]:11.0f} {numbers[3]:11.0f}", flush=True)
    late = [kind for kind, numbers in rows.items() if numbers[2] > BAR * 1000]
    check(not late, f"p99 is over {BAR:.0f} ms: {', '.join(late)}")


@suite.test
def blocked_calls_of_processes_that_a_guest_kills():
    kinds, options, more = list(KINDS), [], {"stdin": subprocess.DEVNULL}
    if stuck is not None:
        # Its bytes say the guest when a read has begun.
        stuck.forget()
        kinds.append("/f/stuck")
        options, more = ["--bind", f"{stuck.directory}:/f"], {"stdin": stuck.waiting}
    process = build.start(os.path.join(programs, "interrupted"), "guest", scaled(60 / len(kinds)), *kinds,
                          options=options, stdout=subprocess.PIPE, **more)
    rows = {}
    for kind in kinds:
        said, *numbers = next_line(process, DEADLINE_OF_ALL).decode().split()
        check(said == kind, f"{said} {' '.join(numbers)} instead of a line about {kind}")
        rows[kind] = [int(number) for number in numbers]
    check(next_line(process) == b"PASS\n" and finish(process) == 0, "a bad end")
    table("killed by a guest", rows)


@suite.test
def blocked_calls_of_processes_that_the_host_kills():
    rounds = scaled(30 / len(KINDS))
    process = build.start(os.path.join(programs, "interrupted"), "host", rounds, *KINDS, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE)
    check(next_line(process) == b"ready\n", "the guest does not start")
    others = children(process.pid)
    took = {kind: [] for kind in KINDS}
    for kind in rounds * KINDS:
        say(process, b"\n")
        said = next_line(process)
        check(said == f"blocked {kind}\n".encode(), f"{said} instead of a blocked {kind}")
        # Behind the one that waits for a child comes that child, which ends by itself then.
        victim, *_ = [child for child in children(process.pid) if child not in others]
        killed = time.time_ns()
        os.kill(victim, signal.SIGKILL)
        took[kind].append((int(next_line(process)) - killed) / 1000)
        wait_until(lambda: set(children(process.pid)) <= set(others), "the end of what it started")
    check(next_line(process) == b"PASS\n" and finish(process) == 0, "a bad end")
    table("killed by the host", {kind: [len(all), statistics.median(all), sorted(all)[len(all) * 99 // 100], max(all)]
                                 for kind, all in took.items()})


@suite.test
def every_answer_is_the_caller_s_own():
    """While threads are killed and started all the time, and get the ids of others that have just ended."""
    outcome = run([few_ids, build.halfcell, "run", "--", os.path.join(programs, "own_answers"), scaled(50), SEED],
                  deadline=DEADLINE_OF_ALL)
    if outcome.status == SKIPPED:
        return "no namespaces of process ids here"
    check(outcome.status == 0 and outcome.text.endswith("PASS\n"), str(outcome))
    print(f"     {outcome.text.splitlines()[0]}; {outcome.message.splitlines()[-1]}", flush=True)
    return None


try:
    suite.main()
finally:
    if stuck is not None:
        stuck.close()
    os.rmdir(place)
