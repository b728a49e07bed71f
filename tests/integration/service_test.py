#!/usr/bin/env python3
"""The tool service: daemons that are ready as those of Redox are, and what becomes of the names they take."""
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check, expect

build = build_under_test()
suite = Suite()
bind = ["--bind", os.path.join(build.directory, "userland", "bin") + ":/programs:ro"]


def shell(script, **more):
    return build.run("sh", "-c", script, options=bind, **more)


@suite.test
def a_daemon_that_writes_a_byte_is_ready():
    expect(shell("service /programs/daemon notify; echo $?; ps | grep -c 'programs/daemon'"), 0, "0\n1\n", "")


@suite.test
def the_root_that_a_daemon_sends_is_registered():
    script = "service -s made /programs/daemon root; echo $?; ls /scheme | grep made; cat /scheme/made/file"
    expect(shell(script), 1, "0\nmade\n", "Function not implemented")


@suite.test
def a_daemon_that_ends_before_it_is_ready_is_an_error():
    for options in ("", "-s made "):
        outcome = shell(f"service {options}/programs/daemon silent; echo $?; ls /scheme | grep -c made")
        expect(outcome, 1, "1\n0\n", "ended before it was ready")


@suite.test
def a_program_that_is_not_there_is_an_error():
    outcome = shell("service /programs/nothing; echo $?")
    check(outcome.text == "1\n", str(outcome))


@suite.test
def a_name_that_is_taken_stays_unless_it_is_replaced():
    script = "service -s null /programs/daemon root; echo $?; cat /scheme/null"
    expect(shell(script), 0, "125\n", "File exists")
    script = "service -r null,nothing -s null /programs/daemon root; echo $?; cat /scheme/null"
    expect(shell(script), 1, "0\n", "Function not implemented")


@suite.test
def touch_names_the_time_to_servers_that_do_not_know_now():
    # As redoxfs and ramfs, which take libc's UTIME_NOW for a number of nanoseconds.
    outcome = expect(shell("service -s made /programs/daemon root; touch /scheme/made/file"), 0, err="")
    for line in outcome.text.splitlines():
        seconds, nanoseconds = map(int, line.split())
        check(abs(seconds - time.time()) < 100 and nanoseconds < 10**9, str(outcome))
    check(outcome.text.count("\n") == 2, str(outcome))


suite.main()
