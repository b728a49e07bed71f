#!/usr/bin/env python3
"""What Linux says of a running supervisor: no privileges, and a filter over every thread."""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check, finish

build = build_under_test()
suite = Suite()


@suite.test
def every_thread_is_filtered_and_two_more_than_others():
    socket = os.path.join(suite.fresh("socket"), "s")
    process = build.start("cat", options=["--control", socket], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(b"x\n")
    process.stdin.flush()
    check(process.stdout.readline() == b"x\n", "no guest")
    filters = {}
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{thread}/status") as file:
            status = dict(line.split(":", 1) for line in file)
        check(status["NoNewPrivs"].strip() == "1", f"{status['Name']} may gain privileges")
        check(int(status["CapEff"], 16) == 0, f"{status['Name']} has capabilities")
        check(int(status["CapPrm"], 16) & ~(1 << 17) == 0, f"{status['Name']} may take capabilities up")
        check(status["Seccomp"].strip() == "2", f"{status['Name']} has no filter")
        filters[status["Name"].strip()] = int(status["Seccomp_filters"])
    process.kill()
    finish(process)
    inherited = min(filters.values())
    for thread in ("interrupter", "control"):
        check(filters.pop(thread) == inherited + 1, f"{thread} is as free as others: {filters}")
    check(set(filters.values()) == {inherited}, f"filters differ: {filters}")


@suite.test
def an_unconfined_run_says_so():
    outcome = build.run("true", options=["--unconfined"])
    check(outcome.status == 0 and outcome.message.count("\n") == 1 and "unconfined" in outcome.message, str(outcome))
    check(build.run("true").err == b"", "a confined run says something")


suite.main()
