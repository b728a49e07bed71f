#!/usr/bin/env python3
"""Many clients of one server at once: nobody starves, whoever serves and whatever the clients are."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check

build = build_under_test()
suite = Suite()
CLIENTS = 32
MILLISECONDS = 200
# A strange program that takes a CPU for a moment makes all clients wait, so not every run says something about us.
TRIES = 20


class Crowd:
    """What crowdspeed says of one run."""

    def __init__(self, kind, options):
        outcome = build.run("crowdspeed", kind, CLIENTS, MILLISECONDS, options=options)
        check(outcome.status == 0, str(outcome))
        lines = [line.split() for line in outcome.text.splitlines()]
        numbers = {line[0]: [int(word) for word in line[1:]] for line in lines[1:]}
        (self.median,), (self.p99,), (self.longest,) = numbers["median"], numbers["p99"], numbers["max"]
        (self.failed,) = numbers["failed"]
        self.served = numbers["served"]

    @property
    def even(self):
        """Whether all are served alike, over enough reads to tell. Those that have a CPU with less on it get more. How
        long the longest wait is depends on what else wants the CPUs; `halfcell bench` has it."""
        return max(self.served) <= 10 * min(self.served) and min(self.served) >= 20

    def __str__(self):
        return (f"median {self.median / 1000:.0f} us, p99 {self.p99 / self.median:.1f}, "
                f"max {self.longest / self.median:.1f} times that; reads {min(self.served)} to {max(self.served)} each")


def nobody_starves(kind, *options):
    """Everybody is served in every run, and in a good one evenly."""
    runs = []
    while not runs or not runs[-1].even:
        check(len(runs) < TRIES, "\n".join(["somebody waits too long:", *map(str, runs)]))
        crowd = Crowd(kind, options)
        check(crowd.failed == 0, f"{crowd.failed} reads failed")
        check(len(crowd.served) == CLIENTS and min(crowd.served) > 0, f"somebody gets nothing: {crowd}")
        runs.append(crowd)
    print(f"     {runs[-1]}", flush=True)


host_server = "speed=" + os.path.join(build.directory, "schemes", "server", "bin", "speedscheme")


@suite.test
def processes_of_a_guest_server():
    nobody_starves("processes")


@suite.test
def threads_of_a_guest_server():
    nobody_starves("threads")


@suite.test
def processes_of_a_host_server():
    nobody_starves("processes", "--scheme", host_server)


@suite.test
def threads_of_a_host_server():
    nobody_starves("threads", "--scheme", host_server)


suite.main()
