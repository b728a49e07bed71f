#!/usr/bin/env python3
"""What fifty runs cost: no process, no descriptor, no thread more than one."""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import (IDLE_WORKERS, Suite, build_under_test, check, children, expect, finish, name_of, next_line,
                     wait_until)

build = build_under_test()
suite = Suite()


def strays():
    """Processes of halfcell without a supervisor above them: children of ours or of init."""
    found = 0
    for entry in os.listdir("/proc"):
        if entry.isdigit() and name_of(entry) == "halfcell-guest":
            with open(f"/proc/{entry}/stat") as file:
                if int(file.read().rsplit(")", 1)[1].split()[1]) in (1, os.getpid()):
                    found += 1
    return found


@suite.test
def fifty_runs_leave_nothing():
    before = (strays(), len(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else 0,
              sum(name.startswith("halfcell") for name in os.listdir("/tmp")))
    for number in range(50):
        expect(build.run(build.probe, "exit", number), number)
    after = (strays(), len(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else 0,
             sum(name.startswith("halfcell") for name in os.listdir("/tmp")))
    check(after[0] <= before[0], f"{after[0]} guest processes instead of {before[0]}")
    check(after[1] <= before[1], "files in /dev/shm")


@suite.test
def one_supervisor_through_fifty_programs():
    shell = build.start("sh", stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def do(command):
        """Runs a program that prints a line, and another one that shows its end."""
        shell.stdin.write(f"{command}; /bin/echo end\n".encode())
        shell.stdin.flush()
        check(next_line(shell) != b"" and next_line(shell) == b"end\n", f"another answer to {command!r}")

    def costs():
        return (len(os.listdir(f"/proc/{shell.pid}/fd")), len(os.listdir(f"/proc/{shell.pid}/task")),
                len(children(shell.pid)))

    for _ in range(10):
        do("/bin/echo warm")
    # A program's last threads may end a moment after its last output.
    descriptors, threads, processes = costs()
    before = (descriptors, threads + IDLE_WORKERS, processes)
    for _ in range(50):
        do("head -n 1 /scheme/sys/uname")
        do("seq 1 3 | tail -n 1")
    wait_until(lambda: all(now <= then for now, then in zip(costs(), before)),
               f"descriptors, threads and children {costs()} to fall to {before}")
    shell.stdin.close()
    shell.stdin = None
    check(finish(shell) == 0, "the shell fails")


suite.main()
