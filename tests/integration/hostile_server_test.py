#!/usr/bin/env python3
"""A server of the host that does everything it must not: only who asked for it may be hurt. The control of each attack
is the same server's good file, before and after, and a scheme of another server beside it."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check

build = build_under_test()
suite = Suite()
hostile = os.path.join(build.directory, "tests", "integration", "hostile_server")
other = os.path.join(build.directory, "schemes", "server", "bin", "key_value")
programs = os.path.join(build.directory, "userland", "bin")
options = ["--scheme", f"evil={hostile}", "--scheme", f"other={other}", "--bind", f"{programs}:/programs:ro"]


def attacked(name, attack, status, message=""):
    """Runs an attack between controls: its status and what it says."""
    outcome = build.run("sh", "-c", f"""
        echo beside > /scheme/other/key
        cat /scheme/evil/good
        {attack} > /tmp/out 2>&1
        echo status $?
        cat /scheme/evil/good
        cat /scheme/other/key
        cat /tmp/out
        """, options=options)
    lines = outcome.text.splitlines()
    check(outcome.status == 0 and len(lines) >= 4, str(outcome))
    check(lines[0] == "good" and lines[2] == "good" and lines[3] == "beside", f"a control fails\n{outcome}")
    check(lines[1] == f"status {status}", f"not status {status}\n{outcome}")
    check(message in "\n".join(lines[4:]), f"no {message!r}\n{outcome}")
    check(f"did {name}" in outcome.message, f"the attack was not made\n{outcome}")


def an_attack(name, status, message, how="cat /scheme/evil/"):
    def test():
        attacked(name, how + name, status, message)
    test.__name__ = f"attack_{name}"
    suite.test(test)


an_attack("twice", 0, "good")
an_attack("stale", 0, "good")
an_attack("long", 1, "I/O error")
an_attack("crash", 1, "No such device")
an_attack("hangup", 1, "No such device")
an_attack("counter", 1, "No such device")
an_attack("consumed", 1, "No such device")
an_attack("garbage", 1, "No such device")
an_attack("nofd", 1, "I/O error")
an_attack("token", 1, "I/O error")
an_attack("dirfd", 1, "I/O error")
an_attack("stall", 137, "", "timeout -s KILL 0.5 cat /scheme/evil/")
an_attack("storm", 137, "", "timeout -s KILL 0.5 cat /scheme/evil/")
an_attack("flood", 137, "", "timeout -s KILL 0.5 cat /scheme/evil/")
an_attack("short", 1, "", "/programs/server_client map /scheme/evil/")
an_attack("address", 1, "errno 5", "/programs/server_client map /scheme/evil/")


@suite.test
def a_good_mapping():
    attacked("good", "/programs/server_client map /scheme/evil/good", 0, "PASS")


@suite.test
def a_mapping_that_ends_too_early():
    # A fault of the program that looks, and nobody else's.
    client = os.path.join(programs, "server_client")
    outcome = build.run(client, "map", "/scheme/evil/short", options=options)
    check(outcome.status == 139 and "page fault" in outcome.message, str(outcome))


@suite.test
def a_server_that_never_presents_its_token():
    script = os.path.join(suite.directory, "silent")
    with open(script, "w") as file:
        file.write("#!/bin/sh\nexec sleep 1000\n")
    os.chmod(script, 0o755)
    outcome = build.run("true", options=["--scheme", f"silent={script}"])
    check(outcome.status == 125 and "acknowledgement timeout" in outcome.message, str(outcome))


suite.main()
