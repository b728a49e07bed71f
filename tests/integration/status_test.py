#!/usr/bin/env python3
"""What the exit status of `halfcell run` says: the program's, 128+n, or why nothing ran."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check, expect, run

build = build_under_test()
suite = Suite()


@suite.test
def the_program_s_own_status():
    for status in (0, 1, 7, 127, 255):
        expect(build.run(build.probe, "exit", status), status, out="", err="")
    expect(build.run("true"), 0)
    expect(build.run("false"), 1)


@suite.test
def a_status_beyond_a_byte_is_cut():
    expect(build.run(build.probe, "exit", 256 + 3), 3)


@suite.test
def a_fatal_fault_is_128_and_its_signal():
    signals = {"write": 11, "jump": 11, "undefined": 4, "breakpoint": 5, "divide": 8, "privilege": 11, "address": 11}
    for kind, number in signals.items():
        outcome = build.run(build.probe, "fault", kind)
        check(outcome.status == 128 + number, f"{kind}: {outcome.status} instead of {128 + number}\n{outcome}")


@suite.test
def a_program_with_threads_in_every_kind_of_wait_ends_with_its_status():
    for activity in ("pipe", "futex", "sleep", "spin", "calls", "map", "threads", "files"):
        expect(build.run(build.probe, "leave", 2, activity), 5)
    expect(build.run(build.probe, "leave", 2, "pipe", "futex", "sleep", "spin", "calls", "map"), 5)


@suite.test
def no_such_program_is_127():
    expect(build.run("/no/such/program"), 127, out="", err="/no/such/program")
    expect(build.run("no-such-program"), 127, out="", err="no-such-program")


@suite.test
def a_program_that_cannot_run_is_126():
    directory = suite.fresh("cannot")
    expect(build.run(directory), 126, out="", err=directory)
    text = os.path.join(directory, "text")
    with open(text, "w") as file:
        file.write("just words\n")
    os.chmod(text, 0o755)
    expect(build.run(text), 126, out="", err=text)


@suite.test
def mistakes_on_the_command_line_are_125():
    for words in ([], ["frobnicate"], ["run"], ["run", "--no-such-option", "true"], ["run", "--root", "/no/such/dir", "true"],
                  ["run", "--bind", "nonsense", "true"], ["run", "--bind", "/no/such:/x", "true"],
                  ["run", "--memory-limit", "much", "true"], ["run", "--cwd", "/no/such", "true"]):
        outcome = run([build.halfcell, *words])
        check(outcome.status == 125, f"status {outcome.status} instead of 125\n{outcome}")
        check(outcome.err != b"", f"nothing on standard error\n{outcome}")


@suite.test
def arguments_arrive_as_they_are():
    words = ["one", "", "two words", "--option", "-x", "ünï", "*", "a\nb", "--"]
    expected = "".join(f"argument {word}\n" for word in words) + "directory /\n"
    outcome = expect(build.run(build.probe, "show", *words))
    kept = "".join(line for line in outcome.text.splitlines(True) if not line.startswith("environment "))
    check(kept == expected, f"other arguments\n{outcome}")


@suite.test
def two_hundred_kilobytes_of_arguments():
    words = ["x" * 1000] * 200
    outcome = expect(build.run(build.probe, "show", *words))
    check(outcome.text.count("x" * 1000) == 200, f"arguments are missing\n{outcome}")


suite.main()
