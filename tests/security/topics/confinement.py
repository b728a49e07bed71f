"""What somebody can do to the host who has taken the supervisor over: it confines itself."""
import os
import signal
import socket
import subprocess

import harness
from lab import Attack, Victim, ended

# Calls that a supervisor has no use for, by Linux's numbers. A program may ask for each: the control reaches Linux.
_NEVER = {"ptrace": 101, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "unshare": 272, "setns": 308,
          "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "io_uring_setup": 425, "keyctl": 250,
          "init_module": 175, "kexec_load": 246, "open_by_handle_at": 304, "execveat": 322, "vfork": 58, "setuid": 105,
          "setresuid": 117, "socket": 41, "connect": 42, "bind": 49, "listen": 50, "chmod": 90, "truncate": 76,
          "rename": 82, "creat": 85, "personality": 135, "acct": 163, "reboot": 169, "name_to_handle_at": 303,
          "process_madvise": 440, "pkey_mprotect": 329, "memfd_secret": 447, "fanotify_init": 300, "inotify_init1": 294,
          "landlock_create_ruleset": 444, "rt_sigqueueinfo": 129, "tkill": 200, "setpriority": 141, "arch_prctl": 158}


def attacks(lab):
    program = os.path.join(os.path.dirname(lab.halfcell), "tests", "security", "inside")

    def inside(mode, attempt, *words):
        shown, read_only = os.path.join(lab.directory, "shown"), os.path.join(lab.directory, "read-only")
        for directory in (shown, read_only):
            os.makedirs(directory, exist_ok=True)
            with open(os.path.join(directory, "mine"), "w") as file:
                file.write("x")
        stolen = os.path.join(shown, "stolen")
        if os.path.exists(stolen):
            os.remove(stolen)
        outcome = harness.run([program, mode, shown, read_only, attempt, *map(str, words)])
        for line in outcome.text.splitlines():
            harness.check(not line.startswith("cannot be confined"), line)
            if line.startswith("EFFECT "):
                return True, "done"
            if line.startswith("refused: "):
                return False, line[9:]
        return False, "ended by SIGSYS" if outcome.status == -signal.SIGSYS else ended(outcome)

    def both(name, attempt, *words):
        return Attack(name, lambda: inside("guarded", attempt, *words), lambda: inside("free", attempt, *words))

    def never(name, number):
        def control():
            worked, text = inside("free", "call", number)
            return "this Linux has no such call" if text == "Function not implemented" else (worked, text)

        return Attack(f"call {name}", lambda: inside("guarded", "call", number), control)

    def outside(name):
        return os.path.join(lab.fresh("outside"), name)

    def existing(name):
        path = outside(name)
        with open(path, "w") as file:
            file.write("secret")
        return path

    def with_path(name, attempt, path, *control_needs_root):
        def control():
            if control_needs_root and os.getuid() != 0:
                return "needs root"
            return inside("free", attempt, path())

        return Attack(name, lambda: inside("guarded", attempt, path()), control)

    def on_victim(name, attempt, effect):
        def attempt_on(mode):
            with Victim() as victim:
                succeeded, text = inside(mode, attempt, victim.id, victim.address)
                return (succeeded or effect(victim)), text

        return Attack(name, lambda: attempt_on("guarded"), lambda: attempt_on("free"))

    def abstract(mode):
        with socket.socket(socket.AF_UNIX) as server:
            name = f"halfcell-lab-{os.getpid()}"
            server.bind("\0" + name)
            server.listen()
            return inside(mode, "abstract-socket", name)

    def executes(mode):
        """Whether a script has run: its own words tell."""
        made = outside("made")
        script = os.path.join(lab.directory, "script")
        with open(script, "w") as file:
            file.write(f"#!/bin/sh\n: > {made}\n")
        os.chmod(script, 0o755)
        _, text = inside(mode, "execute", script)
        return os.path.exists(made), "executed" if os.path.exists(made) else text

    def allowed(name, attempt, path):
        """The other way round: what is shown must stay in reach."""

        def attempt_inside():
            succeeded, text = inside("guarded", attempt, path())
            return not succeeded, "still works" if succeeded else text

        return Attack(name, attempt_inside, lambda: inside("free", attempt, path()))

    def core(options):
        """A supervisor that crashes: the core limit it has then."""
        process = harness.start([lab.halfcell, "run", *options, "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            process.stdin.write(b"x\n")
            process.stdin.flush()
            harness.check(process.stdout.readline() == b"x\n", "the guest does not start")
            with open(f"/proc/{process.pid}/limits") as limits:
                line = next(line for line in limits if line.startswith("Max core file size"))
            return line.split()[4] != "0", f"core limit {line.split()[4]}"
        finally:
            process.kill()
            harness.finish(process)

    def core_control():
        succeeded, text = core(["--core-dumps"])
        return (succeeded, text) if succeeded else "this host's limit is 0"

    shown = os.path.join(lab.directory, "shown", "mine")
    read_only = os.path.join(lab.directory, "read-only", "mine")
    return [
        allowed("read a file that is shown", "read-file", lambda: shown),
        allowed("write a file that is shown", "write-file", lambda: shown),
        allowed("read a file shown read-only", "read-file", lambda: read_only),
        both("write a file shown read-only", "write-file", read_only),
        with_path("read another file", "read-file", lambda: existing("secret")),
        with_path("write another file", "write-file", lambda: existing("secret")),
        with_path("make another file", "make-file", lambda: outside("made")),
        with_path("list another directory", "list", lambda: lab.fresh("outside")),
        with_path("link a file into what is shown", "link-in", lambda: existing("secret")),
        with_path("move a file out of what is shown", "move-out", lambda: outside("moved")),
        with_path("make a device", "make-device", lambda: "", "root"),
        both("make a program that is root's", "change-owner-bits"),
        Attack("execute a program", lambda: executes("guarded"), lambda: executes("free")),
        both("fork", "fork"),
        both("clone a process", "clone-process"),
        both("a thread in a namespace of its own", "thread-in-namespace"),
        on_victim("kill a process of the user", "kill", lambda victim: not victim.alive),
        on_victim("terminate a process of the user", "terminate", lambda victim: not victim.alive),
        on_victim("read its memory", "read-memory", lambda victim: False),
        on_victim("change its memory", "write-memory", lambda victim: victim.content() != "UNTOUCHED"),
        on_victim("take a descriptor of it", "take-descriptor", lambda victim: False),
        on_victim("read its environment", "read-environment", lambda victim: False),
        both("a socket to the network", "internet-socket"),
        Attack("connect to an abstract socket", lambda: abstract("guarded"), lambda: abstract("free")),
        both("push keys into the terminal", "push-keys"),
        both("map memory to execute", "map-code"),
        both("make memory executable", "make-code"),
        both("take capabilities up again", "take-capabilities"),
        both("be dumpable again", "be-dumpable"),
        both("raise a limit", "raise-limit"),
        both("calls of 32-bit programs", "old-gate"),
        both("an older thread: a socket", "thread:internet-socket"),
        with_path("an older thread: another file", "thread:read-file", lambda: existing("secret")),
        *[never(name, number) for name, number in _NEVER.items()],
        Attack("a core file with the supervisor's memory", lambda: core([]), core_control),
    ]
