#!/usr/bin/env python3
"""Files that are no program of Redox: one clear line, status 126, nothing left behind."""
import os
import random
import shutil
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check, expect

build = build_under_test()
suite = Suite()
with open(build.probe, "rb") as file:
    good = file.read()

_HEADER_COUNT = 56  # e_phnum
_HEADERS_AT = 32  # e_phoff


def refused(name, content, word=""):
    path = os.path.join(suite.directory, name)
    with open(path, "wb") as file_:
        file_.write(content)
    os.chmod(path, 0o755)
    expect(build.run(path, "exit", 0), 126, out="", err=word or path)


def patched(offset, layout, *values):
    content = bytearray(good)
    struct.pack_into(layout, content, offset, *values)
    return bytes(content)


def first_load():
    at = struct.unpack_from("<Q", good, _HEADERS_AT)[0]
    for index in range(struct.unpack_from("<H", good, _HEADER_COUNT)[0]):
        if struct.unpack_from("<I", good, at + 56 * index)[0] == 1:
            return at + 56 * index
    raise AssertionError("the probe has no segment")


@suite.test
def a_good_program_runs():
    expect(build.run(build.probe, "exit", 3), 3, out="", err="")


@suite.test
def programs_of_linux():
    for path in ("/bin/true", "/bin/sh", sys.executable, build.halfcell):
        if os.path.exists(path):
            expect(build.run(path), 126, out="", err="Linux")


@suite.test
def programs_of_linux_that_a_guest_starts():
    directory = suite.fresh("foreign")
    shutil.copy("/bin/true", os.path.join(directory, "dynamic"))
    path = os.path.join(directory, "static")
    with open(path, "wb") as file_:
        file_.write(patched(7, "<B", 3))
    os.chmod(path, 0o755)
    for name in ("dynamic", "static"):
        for start in (f"/foreign/{name}", f"env /foreign/{name}", f"exec /foreign/{name}",
                      f"nice() {{ xargs /foreign/{name} < /dev/null; }}; nice"):
            outcome = build.run("sh", "-c", start, options=["--bind", f"{directory}:/foreign"])
            expect(outcome, 126, out="", err="a Linux program; only programs made for Redox run here")


@suite.test
def other_machines_and_kinds():
    refused("arm", patched(18, "<H", 183))
    refused("i386", patched(18, "<H", 3))
    refused("class32", patched(4, "<B", 1))
    refused("big endian", patched(5, "<B", 2))
    refused("relocatable", patched(16, "<H", 1))
    refused("core", patched(16, "<H", 4))


@suite.test
def not_elf_at_all():
    refused("empty", b"")
    refused("one byte", b"\x7f")
    refused("magic only", b"\x7fELF")
    refused("zeros", bytes(65536))
    refused("noise", random.Random(1).randbytes(65536))


@suite.test
def truncated_anywhere():
    cuts = sorted(random.Random(2).sample(range(1, len(good) - 4096), 12)) + [63, 64, 65, 119, 120]
    for cut in cuts:
        refused(f"cut at {cut}", good[:cut])


@suite.test
def hostile_headers():
    load = first_load()
    page = 4096
    for name, offset, layout, value in (
            ("no headers", _HEADER_COUNT, "<H", 0), ("65535 headers", _HEADER_COUNT, "<H", 65535),
            ("headers far away", _HEADERS_AT, "<Q", 1 << 63), ("headers wrap", _HEADERS_AT, "<Q", (1 << 64) - 8),
            ("header size", 54, "<H", 1), ("file offset", load + 8, "<Q", (1 << 64) - page),
            ("address in the kernel", load + 16, "<Q", 0xFFFF_8000_0000_0000),
            ("address on the stub", load + 16, "<Q", 0x7FFF_E000_0000), ("address on the last page", load + 16, "<Q", (1 << 47) - page),
            ("address zero", load + 16, "<Q", 0), ("address wraps", load + 16, "<Q", (1 << 64) - page),
            ("file size", load + 32, "<Q", 1 << 40), ("memory below file size", load + 40, "<Q", 1),
            ("memory size", load + 40, "<Q", 1 << 62), ("memory size wraps", load + 40, "<Q", (1 << 64) - 1)):
        refused(name, patched(offset, layout, value))


@suite.test
def an_entry_that_is_no_code_is_a_fault_of_the_guest():
    for entry in (0, 0x7FFF_E000_0000, 0xFFFF_8000_0000_0000, 1 << 46):
        path = os.path.join(suite.directory, "entry")
        with open(path, "wb") as file_:
            file_.write(patched(24, "<Q", entry))
        outcome = build.run(path, "exit", 0)
        # Refused as a file, or killed by its own fault or by the engine.
        check(outcome.status in (126, 128 + 11, 128 + 4, 128 + 9), f"ends otherwise\n{outcome}")


@suite.test
def random_damage():
    """A file with flipped bytes in its headers is refused, or runs until its own fault. The supervisor lives."""
    chance = random.Random(3)
    path = os.path.join(suite.directory, "damaged")
    for _ in range(60):
        content = bytearray(good)
        for _ in range(chance.randint(1, 4)):
            content[chance.randrange(0, 64 + 56 * 4)] = chance.randrange(256)
        with open(path, "wb") as file_:
            file_.write(content)
        outcome = build.run(path, "exit", 0)
        fine = outcome.status in (0, 126) or outcome.status in (128 + 11, 128 + 4, 128 + 5, 128 + 8, 128 + 7, 128 + 9)
        check(fine, f"ends otherwise\n{outcome}")


@suite.test
def special_files():
    fifo = os.path.join(suite.directory, "fifo")
    os.mkfifo(fifo)
    # Nobody writes to it: reading it would never end.
    expect(build.run(fifo), 126, out="", err=fifo)
    expect(build.run("/dev/zero"), 126, out="", err="/dev/zero")
    expect(build.run("/dev/null"), 126, out="", err="/dev/null")


@suite.test
def a_program_without_permission():
    path = os.path.join(suite.directory, "unreadable")
    shutil.copy(build.probe, path)
    os.chmod(path, 0)
    if os.access(path, os.R_OK):
        return "root reads everything"
    expect(build.run(path, "exit", 0), 126, out="", err=path)
    return None


suite.main()
