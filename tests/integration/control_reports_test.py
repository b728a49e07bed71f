#!/usr/bin/env python3
"""What the control socket tells of a run, and what it does to its processes."""
import os
import re
import select
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from control_peer import ACK, PONG, Peer, await_process, process_named, runs_with_socket, shell
from harness import DEADLINE, Suite, build_under_test, check, next_line, wait_until

build = build_under_test()
suite = Suite()
running = runs_with_socket(build, suite)
DEADLOCK = os.path.join(build.directory, "userland", "bin", "deadlock")


@suite.test
def processes_descriptors_maps_and_schemes():
    with running(*shell("exec cat")) as (_, path):
        with Peer(path) as peer:
            peer.many()
            cat = await_process(peer, "cat", "blocked")
            check(cat["pid"] == 2 and cat["parent"] == 1 and cat["state"] == "running", f"not the first: {cat}")
            check(cat["threads"][0]["call"] == "read", f"not in a read: {cat}")
            fds = peer.ask(f"fds {cat['pid']}")
            standard = {one["fd"]: one for one in fds["descriptors"] if not one.get("upper")}
            check(standard[0]["path"] == "/scheme/stdio/0" and standard[0]["scheme"] == "stdio", f"{standard.get(0)}")
            maps = peer.ask(f"maps {cat['pid']}")["maps"]
            check(any(one["rights"] == "r-x" for one in maps), "no code is mapped")
            check(all(one["size"] % 4096 == 0 and one["kind"] for one in maps), "a grant without a size or kind")
            names = {one["name"]: one for one in peer.ask("schemes")["schemes"]}
            check(names["file"]["served_by"] == "halfcell" and names["pipe"]["id"] == 4, f"{sorted(names)}")
            for command in ("fds 4711", "maps 4711", "stop 4711", "cont 4711", "trace 4711 on"):
                check(peer.ask(command)["err"] == 3, f"{command} is answered")


@suite.test
def a_guests_own_scheme_has_its_server():
    server = os.path.join(build.directory, "schemes/server/bin/key_value")
    if not os.path.exists(server):
        return "the example servers are not built"
    with running(*shell("read x"), options=["--scheme", f"keys={server}"]) as (_, path):
        with Peer(path) as peer:
            schemes = {one["name"]: one for one in peer.ask("schemes")["schemes"]}
            check(schemes["keys"]["served_by"] == "a program outside", f"{schemes.get('keys')}")


@suite.test
def the_whole_state():
    with running(*shell("read x")) as (_, path):
        with Peer(path) as peer:
            state = peer.many().ask("stat")
            check(state["err"] == 0 and state["version"] == "0.1", f"{state}")
            check(state["kernel"]["contexts"]["alive"] >= 1 and state["kernel"]["memory"]["used"] > 0, "no counters")
            check(state["control"]["connections"] == 1 and state["control"]["commands"] == 2, f"{state['control']}")
            check({"processes", "schemes", "deadlocks", "trace"} <= set(state), f"{sorted(state)}")
            peer.send("stats\nping\n")
            lines = []
            while line := peer.line():
                lines.append(line.decode())
            check(any(line.startswith("version") for line in lines), f"{lines}")
            check(any("contexts" in line for line in lines) and peer.answer() == PONG, f"{lines}")


@suite.test
def stop_go_on_and_kill():
    with running(*shell("while :; do echo tick; sleep 0.01; done")) as (process, path):
        with Peer(path) as peer:
            peer.many()
            check(next_line(process) == b"tick\n", "no tick")
            check(peer.ask("stop 2") == ACK, "stop is refused")
            await_process(peer, "sh", "stopped")
            check(process_named(peer, "sh")["state"] == "stopped", "the process is not stopped")
            # What was written before may still be there; then nothing comes.
            while select.select([process.stdout], [], [], 0.5)[0]:
                check(os.read(process.stdout.fileno(), 65536), "it ended")
            check(peer.ask("cont 2") == ACK, "cont is refused")
            check(next_line(process).endswith(b"tick\n"), "it does not go on")
            check(peer.ask("kill 2") == ACK, "kill is refused")
            check(process.wait(DEADLINE) == 128 + signal.SIGKILL, "another end")


# ---- the wait-for graph -----------------------------------------------------------------------------------------------------


@suite.test
def who_waits_for_whom():
    with running(*shell("cat | cat; echo done")) as (process, path):
        with Peer(path) as peer:
            peer.many()

            def pipe_wait():
                found = [one for one in peer.ask("blocked")["waits"] if one["reason"] == "PipeRead::read"]
                return found[0] if found else None

            wait_until(pipe_wait, "a read of the pipe")
            answer = peer.ask("blocked")
            reader = next(one for one in answer["waits"] if one["reason"] == "PipeRead::read")
            check(reader["name"].endswith("cat") and reader["call"] == "read", f"{reader}")
            check(reader["waits_for"] and all(one["pid"] != reader["pid"] for one in reader["waits_for"]), f"{reader}")
            shells = [one for one in answer["waits"] if one["reason"] == "waitpid"]
            check(shells and {one["pid"] for one in shells[0]["waits_for"]} <= {reader["pid"], reader["pid"] - 1},
                  f"the shell does not wait for its children: {shells}")
            # The first cat waits for the host, so nobody is stuck.
            check(answer["deadlocks"] == [], f"{answer['deadlocks']}")


@suite.test
def deadlocks_are_named():
    with running(DEADLOCK, "pipes") as (_, path):
        with Peer(path) as peer:
            peer.many()
            wait_until(lambda: peer.ask("blocked")["deadlocks"], "a deadlock")
            named = peer.ask("blocked")["deadlocks"]
            check(len(named) == 1 and named[0].count("PipeRead::read") == 2, f"{named}")
            check(named[0].count(" waits for ") == 2, f"{named}")
            check(peer.ask("stat")["deadlocks"] == named, "stat does not tell")
    with running(DEADLOCK, "none") as (_, path):
        with Peer(path) as peer:
            peer.many()
            for _ in range(200):
                found = peer.ask("blocked")["deadlocks"]
                check(found == [], f"two that talk to each other are no deadlock: {found}")


@suite.test
def futexes_nobody_will_wake():
    with running(DEADLOCK, "futex") as (_, path):
        with Peer(path) as peer:
            peer.many()
            wait_until(lambda: peer.ask("blocked")["deadlocks"], "a deadlock")
            named = peer.ask("blocked")["deadlocks"]
            check(len(named) == 1 and "(futex) waits for nobody there is" in named[0], f"{named}")


@suite.test
def callers_wait_for_their_server():
    with running(DEADLOCK, "server") as (_, path):
        with Peer(path) as peer:
            peer.many()

            def caller():
                return [one for one in peer.ask("blocked")["waits"] if one["reason"] == "UserInner::call"]

            wait_until(caller, "a caller of the scheme")
            waits = caller()[0]["waits_for"]
            check(len(waits) == 1 and waits[0]["pid"] != caller()[0]["pid"], f"{waits}")


# ---- tracing ------------------------------------------------------------------------------------------------------------------


@suite.test
def tracing_is_switched_on_and_off_at_once():
    with running(*shell("while :; do cat /scheme/sys/uname > /scheme/null; done")) as (_, path):
        with Peer(path) as peer:
            peer.many()
            check(peer.ask("tail 2")["err"] == 22, "traced without being asked")
            check(peer.ask("trace 2 on") == ACK, "trace is refused")
            began = time.monotonic()
            while not peer.ask("tail 2")["calls"]:
                check(time.monotonic() - began < 5, "nothing is traced")
            calls = peer.ask("tail 2 50")["calls"]
            check(all(re.match(r"^\[2:\d+\] \w+\(.*\) = .* <\d+\.\d{6}>$", line) for line in calls), f"{calls[:3]}")
            check(peer.ask("trace 2 close,dup") == ACK, "a filter is refused")
            check(peer.ask("trace 2 nonsense")["err"] == 22, "a bad filter is taken")
            check(peer.ask("stat")["trace"]["processes"] == [2], "stat does not tell")
            check(peer.ask("trace 2 off") == ACK, "off is refused")
            state = peer.ask("stat")
            newest = max(one["pid"] for one in state["processes"])
            wait_until(lambda: any(one["pid"] > newest + 3 for one in peer.ask("ps")["processes"]), "more of its calls")
            # The call in which the shell was may still be recorded, at its end.
            recorded = peer.ask("stat")["trace"]["recorded"] - state["trace"]["recorded"]
            check(recorded <= 1, f"{recorded} more calls are traced")


@suite.test
def processes_that_have_gone_make_room_to_trace_others():
    with running(*shell("for i in $(seq 64); do sleep 1000 & done; wait; read x")) as (_, path):
        with Peer(path) as peer:
            peer.many()

            def sleepers():
                return [one["pid"] for one in peer.ask("ps")["processes"] if one["name"].endswith("sleep")]

            wait_until(lambda: len(sleepers()) == 64, "64 processes")
            pids = sleepers()
            for pid in pids:
                check(peer.ask(f"trace {pid} on") == ACK, "trace is refused")
            check("already" in peer.ask("trace 2 on")["msg"], "there is room for more than 64")
            for pid in pids:
                check(peer.ask(f"kill {pid}") == ACK, "kill is refused")
            wait_until(lambda: not sleepers(), "their end")
            check(peer.ask("trace 2 on") == ACK, "those that have gone are still traced")
            check(peer.ask("stat")["trace"]["processes"] == [2], "stat does not tell")


suite.main()
