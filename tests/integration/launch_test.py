#!/usr/bin/env python3
"""Dynamic programs and scripts: what is loaded, what the guest can open, and what is said where something is missing."""
import os
import shutil
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check, expect

build = build_under_test()
suite = Suite()

LINKER = "/lib/ld64.so.1"
_HEADERS_AT, _HEADER_COUNT, _HEADER_SIZE = 32, 56, 56
_PT_INTERP, _PT_GNU_STACK = 3, 0x6474E551


def dynamic(path, linker=LINKER):
    """The probe with a header that asks for a linker."""
    with open(build.probe, "rb") as file:
        content = bytearray(file.read())
    at = struct.unpack_from("<Q", content, _HEADERS_AT)[0]
    for index in range(struct.unpack_from("<H", content, _HEADER_COUNT)[0]):
        if struct.unpack_from("<I", content, at + _HEADER_SIZE * index)[0] == _PT_GNU_STACK:
            text = linker.encode() + b"\0"
            struct.pack_into("<IIQQQQQQ", content, at + _HEADER_SIZE * index, _PT_INTERP, 4, len(content), 0, 0,
                             len(text), len(text), 1)
            content += text
    write(path, bytes(content))
    return path


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, 0o755)
    return path


def root(name):
    """A root with a linker and the tools."""
    directory = suite.fresh(name)
    for source, target in (("dynamic_linker", "lib/ld64.so.1"), ("echo", "bin/echo"), ("env", "bin/env")):
        os.makedirs(os.path.dirname(os.path.join(directory, target)), exist_ok=True)
        shutil.copy(os.path.join(build.directory, "userland", "bin", source), os.path.join(directory, target))
    return directory


@suite.test
def the_linker_is_told_about_the_program():
    program = dynamic(os.path.join(suite.fresh("there"), "program"))
    outcome = expect(build.run(program, "exit", 7, options=["--root", root("root")]), 7, err="")
    lines = dict(line.rsplit(" ", 1) for line in outcome.text.splitlines())
    check(lines["linker for"] == program, f"another argument 0\n{outcome}")
    check(int(lines["base"], 16) != 0 and int(lines["there"], 16) == 0x464C457F, f"no linker at AT_BASE\n{outcome}")
    check(int(lines["headers"], 16) == 3 and int(lines["first header"], 16) == 1, f"not its headers\n{outcome}")
    check(0x400000 <= int(lines["entry"], 16) < 0x500000, f"not its entry\n{outcome}")


@suite.test
def the_guest_can_open_the_program_by_its_argument():
    """As a linker does. Wherever the host's file lies, argument 0 is a path of the guest's."""
    tree = root("open")
    inside = dynamic(os.path.join(tree, "bin", "inside"))
    outside = dynamic(os.path.join(suite.fresh("elsewhere"), "outside"))
    bound = os.path.dirname(outside)
    for program, options, name in ((inside, [], "/bin/inside"), (outside, [], outside),
                                   (outside, ["--bind", f"{bound}:/b"], "/b/outside")):
        outcome = expect(build.run(program, "open", name, 1, options=["--root", tree, *options]), 0)
        check(f"linker for {name}\n" in outcome.text and outcome.text.endswith("\n1\n"), str(outcome))
    outcome = build.run("./outside", "exit", 0, options=["--root", tree], cwd=bound)
    check(f"linker for {outside}\n" in outcome.text, str(outcome))
    outcome = build.run("inside", "exit", 0, options=["--root", tree])
    check("linker for inside\n" in outcome.text, f"a name that PATH finds has changed\n{outcome}")
    check(sorted(os.listdir(tree)) == ["bin", "lib"], "the root has changed")


@suite.test
def the_program_that_is_shown_cannot_be_changed():
    program = dynamic(os.path.join(suite.fresh("shown"), "program"))
    before = os.stat(program)
    outcome = build.run(program, "fill", program, options=["--root", root("change")])
    check("open 30\n" in outcome.text, f"it opens for writing\n{outcome}")
    check(os.stat(program) == before or os.stat(program).st_mtime == before.st_mtime, "the file has changed")


@suite.test
def static_programs_stay_outside():
    expect(build.run(build.probe, "open", build.probe, 1), 0, out="0 then 2\n")


@suite.test
def a_linker_that_is_not_there():
    program = dynamic(os.path.join(suite.fresh("missing"), "program"))
    expect(build.run(program, "exit", 0), 126, out="", err=LINKER)
    expect(build.run(program, "exit", 0), 126, out="", err="--root")
    empty = suite.fresh("empty")
    expect(build.run(program, "exit", 0, options=["--root", empty]), 126, out="", err=LINKER)


@suite.test
def a_linker_that_is_none():
    tree = root("bad")
    program = dynamic(os.path.join(suite.fresh("asks"), "program"))
    write(os.path.join(tree, "lib/ld64.so.1"), b"text")
    expect(build.run(program, "exit", 0, options=["--root", tree]), 126, out="", err="ELF")
    dynamic(os.path.join(tree, "lib/ld64.so.1"))
    expect(build.run(program, "exit", 0, options=["--root", tree]), 126, out="", err="no linker")
    os.chmod(os.path.join(tree, "lib/ld64.so.1"), 0o644)
    expect(build.run(program, "exit", 0, options=["--root", tree]), 126, out="", err="EPERM")


@suite.test
def scripts():
    directory = suite.fresh("scripts")
    script = write(os.path.join(directory, "script"), b"#!/bin/echo  -n two words\nnever read\n")
    # What stands behind the interpreter is one argument.
    expect(build.run(script, "a", "b"), 0, out=f"-n two words {script} a b\n", err="")
    script = write(os.path.join(directory, "plain"), b"#! /bin/cat\ntext\n")
    expect(build.run(script), 0, out=b"#! /bin/cat\ntext\n", err="")
    tree = root("of-script")
    write(os.path.join(tree, "bin", "inside"), b"#!/bin/echo\n")
    expect(build.run("inside", "x", options=["--root", tree]), 0, out="/bin/inside x\n", err="")


@suite.test
def scripts_that_cannot_run():
    directory = suite.fresh("bad-scripts")
    for content, why in ((b"#!/no/such\n", "/no/such"), (b"#!\n", "no interpreter"), (b"#!/bin/inner\n", "ELF")):
        tree = root("of-bad-script")
        write(os.path.join(tree, "bin", "inner"), b"#!/bin/echo\n")
        script = write(os.path.join(directory, "script"), content)
        expect(build.run(script, options=["--root", tree]), 126, out="", err=why)


suite.main()
