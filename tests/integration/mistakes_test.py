#!/usr/bin/env python3
"""What halfcell says of a mistake in its command line: one line, with the command, what is wrong and what to do next;
and what its help says of each command."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check, expect, run

build = build_under_test()
suite = Suite()
COMMANDS = ("run", "trace", "gdb", "boot", "check", "abi", "bench", "conform", "ctl")


def halfcell(*words, **more):
    return run([build.halfcell, *words], **more)


def refused(words, *parts):
    """One line, which has all the parts, in this order."""
    outcome = expect(halfcell(*words), 125, out="", err=parts[0])
    at = 0
    for part in parts:
        at = outcome.message.find(part, at)
        check(at >= 0, f"no {part!r} there\n{outcome}")


@suite.test
def a_word_that_is_no_command():
    refused(["rnu", "ls"], "halfcell: ", "'rnu'", "did you mean run?", "halfcell --help")
    refused(["conf"], "'conf'", "did you mean conform?")
    # Whoever means a program is told how to run it, and what commands there are.
    refused(["ls", "/"], "'ls'", *COMMANDS[1:], "halfcell run ls", "halfcell --help")
    refused([], "halfcell: no command given", *COMMANDS, "halfcell --help")
    refused(["--root", "/", "run", "ls"], "halfcell: ", "halfcell run --root", "halfcell --help")
    refused(["--nosuch"], "halfcell: unknown option --nosuch", "halfcell --help")


@suite.test
def options_that_a_command_does_not_have():
    for command in COMMANDS[:-1]:
        refused([command, "--nosuch", "x"], f"halfcell {command}: unknown option --nosuch",
                f"see halfcell {command} --help")
    refused(["run", "--memory=3", "ls"], "halfcell run: unknown option --memory; did you mean --memory-limit?",
            "halfcell run --help")
    refused(["boot", "a", "b"], "halfcell boot: ", "'b'", "halfcell boot --help")


@suite.test
def values_that_an_option_does_not_take():
    for options, *parts in (
            (["--memory-limit", "abc"], "--memory-limit", "64M", "'abc'"),
            (["--memory-limit", "-1"], "--memory-limit", "64M", "'-1'"),
            (["--process-limit", "-4"], "--process-limit", "number", "'-4'"),
            (["--control-uid", "me"], "--control-uid", "number", "'me'"),
            (["--root", "/nonexistent"], "--root", "/nonexistent"),
            (["--bind", "a:b"], "--bind", "absolute", "'b'"),
            (["--env", "A B"], "--env", "'A B'", "NAME="),
            (["--env", "A-*"], "--env", "'A-*'", "NAME="),
            (["--env", ""], "--env", "''", "NAME="),
            (["--env", "=1"], "--env", "name before '='", "'=1'"),
            (["--scheme", "a"], "--scheme", "NAME=COMMAND", "'a'")):
        refused(["run", *options, "ls"], "halfcell run: ", *parts, "see halfcell run --help")
    refused(["run", "--schemes", "nosuch", "ls"], "halfcell run: --schemes: there is no nosuch", "zero")
    refused(["boot", "--base", "here", "image"], "halfcell boot: --base", "number", "halfcell boot --help")
    refused(["gdb", "--pid", "x"], "halfcell gdb: --pid", "number", "halfcell gdb --help")
    refused(["bench", "--repetitions", "0"], "halfcell bench: --repetitions", "halfcell bench --help")
    refused(["abi", "--diff", "/nonexistent"], "halfcell abi: --diff", "halfcell abi --help")


@suite.test
def what_is_missing():
    for command in ("run", "trace", "gdb"):
        refused([command], f"halfcell {command}: no PROGRAM given", f"halfcell {command} sh",
                f"see halfcell {command} --help")
    refused(["ctl"], "halfcell ctl: PATH is required", "see halfcell ctl --help")
    refused(["boot"], "halfcell boot: IMAGE is required", "see halfcell boot --help")
    refused(["gdb", "--pid", "2"], "halfcell gdb: --pid and --control", "see halfcell gdb --help")


@suite.test
def measurements_that_there_are_not():
    refused(["bench", "--filter", "nosuch"], "halfcell bench: --filter: ", "'nosuch'", "idle", "null_call_ns", "read64_ns")


@suite.test
def each_command_has_help_of_its_own():
    texts = {}
    for command in COMMANDS:
        texts[command] = expect(halfcell(command, "--help"), 0, err="").text
        check(f"Usage: halfcell {command} [OPTIONS]" in texts[command], texts[command])
        footer = texts[command].rstrip().rsplit("\n\n", 1)[1]
        check(all(footer not in text for name, text in texts.items() if name != command),
              f"{command} ends as another one does\n{footer}")
    for command in ("run", "trace", "gdb"):
        check(" [--] PROGRAM [ARGUMENT]...\n" in texts[command], texts[command])
    check("PATH [COMMAND [ARGUMENT]...]\n" in texts["ctl"] and "PROGRAM" not in texts["ctl"], texts["ctl"])
    text = expect(halfcell("--help"), 0, err="").text
    check("COMMAND\n" in text and all(f"\n  {command} " in text for command in COMMANDS), text)


suite.main()
