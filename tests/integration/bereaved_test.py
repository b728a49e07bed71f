#!/usr/bin/env python3
"""Servers that are killed while many clients use them in all the ways there are: everybody is told, soon, and nothing
of the server or of what was under way stays.

bereaved_test.py BUILD [TEST]; HALFCELL_SCALE=10 in the environment does ten times as much, HALFCELL_RANDOM
another order (scripts/soak)."""
import os
import random
import select
import signal
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import (DEADLINE, Costs, Suite, build_under_test, check, descendants, finish, memory_of, name_of, next_line,
                     wait_to_fall_to)

build = build_under_test()
suite = Suite()
bereaved = os.path.join(build.directory, "userland", "bin", "bereaved")
box = os.path.join(build.directory, "schemes", "server", "bin", "box")
SCALE = float(os.environ.get("HALFCELL_SCALE", "1"))
SEED = int(os.environ.get("HALFCELL_RANDOM", "1"))
# A thousand of each kind at SCALE 50.
ROUNDS = max(1, round(20 * SCALE))
WARM_UP = 3
# The most that anybody may wait after the kill. Where other programs want the CPUs it is theirs to keep it longer, so
# single rounds may.
SOON = 100_000_000
ENODEV = 19
# What a call says whose buffer was to be shown to a server that has just lost its memory.
ESRCH = 3


class Rounds:
    """Of every round how long after the kill the last client was told, and the longest call on a dead handle."""

    def __init__(self):
        self.told = []
        self.longest = []

    def add(self, told, longest, errors):
        # Who opens and closes may have missed it.
        wrong = set(errors) - {ENODEV, ESRCH, 0}
        check(not wrong, f"clients got the errors {errors}")
        check(errors.count(0) <= 2, "a client has noticed nothing")
        self.told.append(told)
        self.longest.append(longest)

    def report(self):
        late = sum(told > SOON for told in self.told)
        print(f"     {len(self.told)} kills; the last is told after {statistics.median(self.told) / 1e6:.1f} ms, "
              f"{max(self.told) / 1e6:.1f} ms at most, {late} times late; the longest call on a dead handle takes "
              f"{max(self.longest) / 1e6:.1f} ms", flush=True)
        check(statistics.median(self.told) < SOON, "clients are told late")
        check(max(self.told) < 20 * SOON, "a client is told very late")


def line_of(process):
    line = next_line(process, 2 * DEADLINE).decode().split()
    check(line and all(word.isdigit() for word in line), f"another answer: {line}")
    return [int(word) for word in line]


def check_memory(before, process):
    own, guests = (now - then for now, then in zip(memory_of(process), before))
    print(f"     {own} KiB and {guests} KiB of guests' memory more in the supervisor", flush=True)
    if build.sanitized():
        return
    # A page a round would show.
    check(own < 4096 + ROUNDS, "the supervisor has grown")
    check(guests < 4096 + ROUNDS, "guests' memory has not come back")


@suite.test
def a_server_of_the_kit_is_killed():
    # The guest kills, so it knows when that was; and it looks at what the kernel holds.
    process = build.start(bereaved, "guest", ROUNDS, SEED, stdout=subprocess.PIPE)
    rounds = Rounds()
    before = None
    for number in range(ROUNDS):
        told, longest, *errors = line_of(process)
        rounds.add(told, longest, errors)
        if number == 0:
            before = memory_of(process.pid)
        if number == ROUNDS - 1:
            check_memory(before, process.pid)
    check(next_line(process) == b"PASS\n", "something stays")
    check(finish(process) == 0, "a bad end")
    rounds.report()


@suite.test
def a_server_of_the_host_is_killed():
    chance = random.Random(SEED)
    process = build.start(bereaved, "host", "/scheme/boxes", options=["--scheme", f"boxes={box}"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    rounds = Rounds()
    before = memory = None
    for number in range(WARM_UP + ROUNDS):
        if number == WARM_UP:
            before, memory = Costs(process.pid), memory_of(process.pid)
        process.stdin.write(b"go\n")
        process.stdin.flush()
        said = next_line(process, 2 * DEADLINE)
        check(said == b"ready\n", f"the clients do not begin: {said}")
        select.select([process.stdout], [], [], chance.uniform(0, 0.01))
        (server,) = [child for child in descendants(process.pid) if name_of(child) == "box"]
        killed = time.time_ns()
        os.kill(server, signal.SIGKILL)
        ended, longest, *errors = line_of(process)
        if number >= WARM_UP:
            rounds.add(ended - killed, longest, errors)
    wait_to_fall_to(before, process.pid)
    check_memory(memory, process.pid)
    process.stdin.close()
    process.stdin = None
    check(next_line(process) == b"PASS\n" and finish(process) == 0, "a bad end")
    rounds.report()


suite.main()
