#!/usr/bin/env python3
"""The trace: one line a call, JSON, filters, and where it goes."""
import json
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check, expect, run

build = build_under_test()
suite = Suite()
_LINE = re.compile(r"^\[\d+:\d+\] (\w+)\((.*)\) = (-?\w+.*) <\d+\.\d+>$")


def trace(*words, options=()):
    return expect(run([build.halfcell, "trace", *options, "--", *words]))


def names(lines):
    found = []
    for line in lines:
        match = _LINE.match(line)
        # The call that ends the program has no result.
        if match is None and line.startswith("[") and "= ?" in line:
            continue
        check(match, f"not a line of a trace: {line!r}")
        found.append(match.group(1))
    return found


@suite.test
def a_line_for_each_call_on_standard_error():
    outcome = trace("echo", "hello")
    check(outcome.text == "hello\n", f"the program's output is not its own\n{outcome}")
    lines = outcome.message.splitlines()
    check("write" in names(lines), f"no write\n{outcome}")
    shown = next(line for line in lines if " write(1<" in line)
    check('"hello\\n"' in shown and "/scheme/stdio/1" in shown, f"neither bytes nor path: {shown}")


@suite.test
def names_of_errors_and_flags():
    outcome = run([build.halfcell, "trace", "-e", "openat", "--", "cat", "/no/such"])
    line = next((line for line in outcome.message.splitlines() if "/no/such" in line and " openat(" in line), "")
    check("ENOENT" in line and "O_RDONLY" in line, f"neither errno nor flags by name\n{outcome}")


@suite.test
def filters_by_call():
    outcome = trace("cat", "/scheme/sys/uname", options=["-e", "openat,read"])
    check(set(names(outcome.message.splitlines())) == {"openat", "read"}, f"other calls\n{outcome}")
    outcome = trace("cat", "/scheme/sys/uname", options=["-e", "openat", "-e", "read"])
    check(set(names(outcome.message.splitlines())) == {"openat", "read"}, f"other calls\n{outcome}")


@suite.test
def filters_by_scheme():
    outcome = trace("cat", "/scheme/sys/uname", options=["-e", "scheme=sys"])
    lines = outcome.message.splitlines()
    check(lines and all("/scheme/sys" in line for line in lines), f"other schemes, or nothing\n{outcome}")


@suite.test
def a_scheme_that_no_call_went_to_is_told_of():
    def told(scheme, *words):
        return expect(run([build.halfcell, "trace", "-e", f"scheme={scheme}", "--", *words]))
    check("halfcell trace: scheme=ssy: no call had a descriptor of that scheme, and there is none; did you mean sys?\n"
          == told("ssy", "cat", "/scheme/sys/uname").message, "a name that is none")
    check("halfcell trace: scheme=pty: no call had a descriptor of that scheme\n" == told("pty", "true").message,
          "a scheme that is not used")
    check("no call" not in told("sys", "cat", "/scheme/sys/uname").message, "a scheme that is used")


@suite.test
def json_is_one_object_a_line():
    outcome = trace("cat", "/scheme/sys/uname", options=["--json"])
    objects = []
    for line in outcome.message.splitlines():
        try:
            objects.append(json.loads(line))
        except ValueError:
            check(False, f"not JSON: {line!r}")
    check(len(objects) > 3 and all(isinstance(one, dict) for one in objects), "no objects")
    check(any("openat" in one.values() for one in objects), f"no call says openat: {objects[0]}")


@suite.test
def bytes_that_are_no_text_stay_in_their_line():
    content = bytes(range(256))
    outcome = run([build.halfcell, "trace", "-e", "write", "--", "cat"], stdin=content)
    check(outcome.out == content, f"other output\n{outcome}")
    check(all(line.startswith("[") for line in outcome.message.splitlines()), f"a broken line\n{outcome}")
    outcome = run([build.halfcell, "trace", "--json", "-e", "write", "--", "cat"], stdin=content)
    for line in outcome.err.decode().splitlines():
        json.loads(line)


@suite.test
def to_a_file():
    path = os.path.join(suite.fresh("trace"), "out")
    expect(run([build.halfcell, "trace", "-o", path, "--", "echo", "hello"]), 0, out="hello\n", err="")
    with open(path) as file:
        check("write" in names(file.read().splitlines()), "no write in the file")
    expect(run([build.halfcell, "run", f"--trace={path}2", "--", "true"]), 0, out="", err="")
    check(os.path.getsize(path + "2") > 0, "nothing in the file")
    outcome = run([build.halfcell, "trace", "-o", "/no/such/file", "--", "true"])
    expect(outcome, 125, out="", err="/no/such/file")


@suite.test
def many_threads_do_not_mix_their_lines():
    outcome = expect(run([build.halfcell, "trace", "-e", "yield", "--", build.probe, "count", 500, 4]))
    found = names(outcome.message.splitlines())
    check(found.count("yield") == 2000, f"{found.count('yield')} lines instead of 2000")


@suite.test
def hostile_pointers_and_numbers():
    attack = os.path.join(build.directory, "userland", "bin", "attack")
    outcome = run([build.halfcell, "trace", "--", attack, "sweep-numbers", 0, 300])
    check("answered: 0\n" in outcome.text, f"tracing changes the answers\n{outcome}")


suite.main()
