#!/usr/bin/env python3
"""What fifty runs cost: no process, no descriptor, no thread more than one."""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check, children, expect, finish, name_of, start, wait_until

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
    session = start([build.halfcell, "session"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL)

    def do(command, answer):
        session.stdin.write(command.encode() + b"\n")
        session.stdin.flush()
        while True:
            line = session.stdout.readline()
            check(line != b"", f"the session ends at {command!r}")
            if answer.encode() in line:
                return

    def costs():
        return (len(os.listdir(f"/proc/{session.pid}/fd")), len(os.listdir(f"/proc/{session.pid}/task")),
                len(children(session.pid)))

    for number in range(10):
        do(f"echo warm-{number}", f"warm-{number}")
    do("echo before", "before")
    # A program's last threads may end a moment after its last output.
    before = costs()
    for number in range(50):
        do(f"cat /scheme/sys/uname", "")
        do(f"echo round-{number}", f"round-{number}")
    do("echo after", "after")
    wait_until(lambda: all(now <= then for now, then in zip(costs(), before)),
               f"descriptors, threads and children {costs()} to fall to {before}")
    session.stdin.close()
    session.stdin = None
    check(finish(session) == 0, "the session fails")


suite.main()
