#!/usr/bin/env python3
"""Tracing from one guest to another: how fast its stops are, and that a hundred thousand steps are all there.

ptrace_test.py BUILD [TEST]; the rate of steps is printed beside that of gdbserver on a program of the host."""
import os
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check

build = build_under_test()
suite = Suite()
STEPS = 100_000
GDBSERVER_STEPS = 2_000
NULL_CALLS_A_BREAKPOINT = 20


def nanoseconds(*words):
    done = subprocess.run([build.halfcell, "run", *words], capture_output=True, text=True, timeout=300)
    check(done.returncode == 0, f"{words}: {done.returncode}\n{done.stderr}")
    return float(done.stdout)


class RemoteStub:
    """As much of gdb's remote protocol as steps need, over a program's standard input and output."""

    def __init__(self, words):
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL, bufsize=0)

    def ask(self, packet):
        body = packet.encode()
        self._process.stdin.write(b"$" + body + b"#%02x" % (sum(body) % 256))
        return self._packet()

    def _packet(self):
        while self._byte() != b"$":
            pass
        answer = b""
        while (byte := self._byte()) != b"#":
            answer += byte
        self._byte(), self._byte()
        self._process.stdin.write(b"+")
        return answer.decode()

    def _byte(self):
        byte = self._process.stdout.read(1)
        check(byte, "gdbserver has ended")
        return byte

    def kill(self):
        self._process.kill()
        self._process.wait()


@suite.test
def a_hundred_thousand_steps():
    each = nanoseconds("procspeed", "step", str(STEPS))
    print(f"     {STEPS} steps, none lost: {1e9 / each:,.0f} a second")
    if shutil.which("gdbserver") is None:
        print("     not compared: no gdbserver (apt-get install gdbserver)")
        return
    stub = RemoteStub(["gdbserver", "--once", "-", "/bin/sleep", "1000"])
    try:
        check(stub.ask("?")[0] == "T", "gdbserver does not show a stopped program")
        start = time.monotonic()
        for _ in range(GDBSERVER_STEPS):
            check(stub.ask("s")[0] == "T", "gdbserver lost a step")
        rate = GDBSERVER_STEPS / (time.monotonic() - start)
    finally:
        stub.kill()
    print(f"     gdbserver on a program of the host: {rate:,.0f} a second")


@suite.test
def a_breakpoint_costs_few_calls():
    ratios = []
    for _ in range(3):
        null = nanoseconds("speed", "null", "20000")
        ratios.append(nanoseconds("procspeed", "breakpoint", "5000") / null)
    print(f"     hit, registers read, resumed: {min(ratios):.1f} null calls")
    check(min(ratios) <= NULL_CALLS_A_BREAKPOINT, f"{ratios} null calls")


suite.main()
