#!/usr/bin/env python3
"""Descriptors that travel between programs, by every way there is: what everybody holds is the same afterwards.

transfers_test.py BUILD [TEST]; HALFCELL_SCALE=10 in the environment does ten times as much, HALFCELL_RANDOM
another order (scripts/soak)."""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import DEADLINE, Costs, Suite, build_under_test, check, finish, memory_of, next_line, wait_to_fall_to

build = build_under_test()
suite = Suite()
programs = os.path.join(build.directory, "userland", "bin")
box = os.path.join(build.directory, "schemes", "server", "bin", "box")
SCALE = float(os.environ.get("HALFCELL_SCALE", "1"))
# Each way does its part of a million at SCALE 40.
COUNT = max(1, round(1_000_000 / 40 / 6 * SCALE))
SEED = int(os.environ.get("HALFCELL_RANDOM", "1"))


def transfers(kind, path="", begin="", options=()):
    """Two shells' lines: one to warm up, one that counts. The guest compares what the kernel holds, we what the
    supervisor does of the host."""
    shell = build.start("sh", options=["--bind", f"{programs}:/programs:ro", *options], stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE)

    def do(line):
        shell.stdin.write(line.encode() + b"\n")
        shell.stdin.flush()
        said = []
        while True:
            line = next_line(shell, max(DEADLINE, 4 * DEADLINE * SCALE)).decode()
            said.append(line.strip())
            if not line or line.startswith("end "):
                check(said[-2:] == ["PASS", "end 0"], "\n".join(said))
                return said

    do(f"{begin}\n/programs/transfers {kind} 1000 {SEED} {path}; echo end $?")
    before, memory = Costs(shell.pid), memory_of(shell.pid)[0]
    said = do(f"/programs/transfers {kind} {COUNT} {SEED} {path}; echo end $?")
    wait_to_fall_to(before, shell.pid)
    grown = memory_of(shell.pid)[0] - memory
    print(f"     {said[-3]}, {grown} KiB more in the supervisor", flush=True)
    # What one description costs, for one in a hundred transfers.
    check(build.sanitized() or grown < 2048 + COUNT / 100 * 0.2, f"the supervisor has grown by {grown} KiB")
    shell.stdin.close()
    shell.stdin = None
    check(finish(shell) == 0, "the shell ends badly")


@suite.test
def over_a_server_of_the_kit():
    transfers("box", "/scheme/boxes", begin="/programs/box boxes")


@suite.test
def over_a_server_of_the_host():
    transfers("box", "/scheme/boxes", options=("--scheme", f"boxes={box}"))


@suite.test
def over_a_server_that_obtains_one_by_one():
    transfers("ram")


@suite.test
def over_pipes():
    transfers("pipe")


@suite.test
def over_stream_sockets():
    transfers("stream")


@suite.test
def over_datagram_sockets():
    transfers("dgram")


suite.main()
