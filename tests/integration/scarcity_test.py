#!/usr/bin/env python3
"""When the host runs out: an errno for the guest or one clear line, no hang, nothing left behind."""
import os
import re
import resource
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check, expect, run

build = build_under_test()
suite = Suite()
_ENOMEM, _EAGAIN, _ENFILE, _EMFILE, _ENOSPC = 12, 11, 23, 24, 28
_SANITIZED = build.sanitized()


def limited(number, value):
    return lambda: resource.setrlimit(number, (value, value))


def clear_end(outcome, allowed=(0, 125, 126)):
    """The program ran, or one line says why not."""
    check(outcome.status in allowed or outcome.status == 128 + 9, f"ends otherwise\n{outcome}")
    if outcome.status == 125:
        check(outcome.message.count("\n") == 1, f"not one line\n{outcome}")
    return outcome


@suite.test
def a_full_file_system():
    # A mount namespace of the test's own holds a file system of 1 MiB.
    directory = suite.fresh("small")
    script = f'mount -t tmpfs -o size=1M none {directory} && exec "$0" run --bind {directory}:/s -- "$1" fill /s/file'
    command = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-rm"]
    if subprocess.run([*command, "mount", "-t", "tmpfs", "none", directory], capture_output=True).returncode:
        return "this host lets nobody mount a file system"
    outcome = expect(run([*command, "sh", "-c", script, build.halfcell, build.probe]))
    written, _, error = outcome.text.split()
    check(int(error) == _ENOSPC, f"not ENOSPC\n{outcome}")
    check(0 < int(written) <= 1 << 20, f"{written} bytes on 1 MiB")
    return None


@suite.test
def few_descriptors_of_the_host():
    path = os.path.join(suite.fresh("files"), "file")
    with open(path, "w") as file:
        file.write("x")
    for limit in (3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 100):
        outcome = build.run(build.probe, "open", "/b/file", 200, options=["--bind", f"{os.path.dirname(path)}:/b"],
                            preexec_fn=limited(resource.RLIMIT_NOFILE, limit))
        # With fewer than a handful not even the C library starts.
        clear_end(outcome, allowed=(0, 125, 126, 127))
        if outcome.status == 0:
            check(f"then {_EMFILE}" in outcome.text or f"then {_ENFILE}" in outcome.text or outcome.text == "200\n",
                  f"another error\n{outcome}")
    check(outcome.status == 0, f"100 descriptors are not enough to start\n{outcome}")


@suite.test
def a_guest_that_opens_everything_leaves_the_supervisor_its_own():
    """With the host's descriptors used up by files, threads and mappings still give errors, not an end."""
    directory = suite.fresh("everything")
    with open(os.path.join(directory, "file"), "w") as file:
        file.write("x")
    outcome = build.run(build.probe, "open", "/b/file", 100000, options=["--bind", f"{directory}:/b"],
                        preexec_fn=limited(resource.RLIMIT_NOFILE, 256))
    expect(outcome, 0)
    check("then" in outcome.text, f"no end of descriptors\n{outcome}")


@suite.test
def few_threads_of_the_host():
    """RLIMIT_NPROC binds no privileged user, so an ordinary one tries."""
    if os.getuid() == 0 and subprocess.run(["setpriv", "--reuid=65534", "true"], capture_output=True).returncode:
        return "this host lets nobody become another user"
    prefix = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups"] if os.getuid() == 0 else []
    halfcell, probe = copies()
    for limit in (1, 2, 3, 4, 6, 8, 12, 20, 40):
        command = ["prlimit", f"--nproc={limit}", halfcell, "run", probe, "crowd", 100]
        outcome = run(prefix + command)
        clear_end(outcome)
        if outcome.status == 0:
            check(f"then {_EAGAIN}" in outcome.text or f"then {_ENOMEM}" in outcome.text, f"another error\n{outcome}")
    return None


@suite.test
def little_memory_of_the_host():
    if _SANITIZED:
        return "a sanitizer needs all of the address space"
    for megabytes in (1, 8, 32, 64, 128, 512, 4096):
        outcome = build.run(build.probe, "hold", 64 << 20,
                            preexec_fn=limited(resource.RLIMIT_AS, megabytes << 20))
        # Below some size not even the C library starts: 127 is the loader's, -11 its crash.
        if megabytes < 64 and outcome.status in (127, -11, -6):
            continue
        clear_end(outcome)


@suite.test
def a_memory_limit():
    outcome = expect(build.run(build.probe, "hold", 256 << 20, options=["--memory-limit", "32M"]))
    held, _, error = outcome.text.split()
    check(int(error) == _ENOMEM and (16 << 20) <= int(held) <= (32 << 20), f"another limit\n{outcome}")
    expect(build.run(build.probe, "hold", 64 << 20, options=["--memory-limit", "256M"]), 0, out=f"{64 << 20}\n")
    # Too little for the program itself.
    outcome = build.run(build.probe, "exit", 0, options=["--memory-limit", "4096"])
    check(outcome.status in (125, 126) and outcome.message.count("\n") == 1, f"no clear line\n{outcome}")


@suite.test
def a_limit_of_threads():
    outcome = expect(build.run(build.probe, "crowd", 100, options=["--process-limit", "10"]))
    check(outcome.text == f"9 then {_EAGAIN}\n", f"another limit\n{outcome}")


@suite.test
def a_limit_of_processes():
    limit = ["--process-limit", "10"]
    for verb in ("unborn", "zombies"):
        outcome = expect(build.run(build.probe, verb, 100, options=limit))
        check(outcome.text == f"9 then {_EAGAIN}\n", f"another limit of {verb}\n{outcome}")


@suite.test
def a_limit_of_processes_that_nobody_asked_for():
    """The default leaves the host half of its own limits, and says what it is."""
    help_text = run([build.halfcell, "run", "--help"]).text
    default = int(re.search(r"default here: (\d+)", help_text).group(1))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    check(16 <= default <= 4096 and default < hard, f"a strange default\n{help_text}")
    low = run([build.halfcell, "run", "--help"], preexec_fn=limited(resource.RLIMIT_NOFILE, 600)).text
    check("default here: 100)" in " ".join(low.split()), f"600 descriptors do not make 100 threads\n{low}")
    outcome = expect(build.run(build.probe, "unborn", 500, preexec_fn=limited(resource.RLIMIT_NOFILE, 600)))
    check(outcome.text == f"99 then {_EAGAIN}\n", f"the default does not bind\n{outcome}")


@suite.test
def a_limit_of_file_size():
    # The guest's memory is a file to the host: with so little the supervisor says that it cannot run.
    expect(build.run("true", preexec_fn=limited(resource.RLIMIT_FSIZE, 1 << 20)), 125, out="", err="EFBIG")


def copies():
    """The two programs where every user can reach them."""
    directory = suite.fresh("copies")
    os.chmod(suite.directory, 0o755)
    os.chmod(directory, 0o755)
    for path in (build.halfcell, build.probe):
        subprocess.run(["install", "-m", "755", path, directory], check=True)
    return os.path.join(directory, "halfcell"), os.path.join(directory, "probe")


suite.main()
