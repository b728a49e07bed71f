#!/usr/bin/env python3
"""Peers of the control socket that hang, flood it, or do not read."""
import contextlib
import os
import resource
import select
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from control_peer import PONG, Peer, own_files, runs_with_socket, shell, threads_of
from harness import DEADLINE, Suite, build_under_test, check, wait_until

build = build_under_test()
suite = Suite()
running = runs_with_socket(build, suite)
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(_soft, 4096), _hard), _hard))


def when_calm(count):
    """A number, as soon as it is the same twice."""
    seen = [count()]

    def same():
        seen.append(count())
        return seen[-1] == seen[-2]

    wait_until(same, "calm")
    return seen[-1]


def wakeups(process):
    return sum(int(one["voluntary_ctxt_switches"]) for one in threads_of(process).values())


def memory_kib(process):
    with open(f"/proc/{process.pid}/status") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("RssAnon:"))


@suite.test
def idle_connections_cost_nothing():
    with running(*shell("read x")) as (process, path):
        with Peer(path) as peer:
            check(peer.ask("ping") == PONG, "no PONG")
        before = memory_kib(process)
        peers = []
        try:
            for _ in range(1024):
                peers.append(Peer(path))
            with Peer(path) as peer:
                # Asked last, so all of them have been let in.
                check(peer.ask("stat")["control"]["connections"] == 1025, "not all were let in")
            grown = memory_kib(process) - before
            check(build.sanitized() or grown < 2048, f"{grown} KiB for 1,024 connections")
            settled = when_calm(lambda: wakeups(process))
            select.select([], [], [], 0.5)
            # Once at most: where the last of them came many at a time, that pause ends.
            # A sanitizer may have a thread of its own that wakes.
            check(build.sanitized() or wakeups(process) - settled <= 1, "idle connections wake somebody")
            check(peers[1000].ask("ping") == PONG, "an idle connection is not served")
        finally:
            for peer in peers:
                peer.socket.close()


@suite.test
def there_is_an_end_to_connections():
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 3000:
        return "needs 3,000 descriptors"
    with running(*shell("read x")) as (_, path):
        peers = []
        try:
            for _ in range(2048):
                peers.append(Peer(path))
            with Peer(path) as one_more:
                answer = one_more.answer()
                check(answer["err"] == 11 and "2048" in answer["msg"], f"{answer}")
                check(one_more.rest() == b"", "it is not closed")
            peers.pop().socket.close()

            def let_in():
                with Peer(path) as peer:
                    with contextlib.suppress(BrokenPipeError):
                        peer.send("ping\n")
                    return peer.answer() == PONG

            wait_until(let_in, "the place of one that has gone")
        finally:
            for peer in peers:
                peer.socket.close()


@suite.test
def a_slow_reader_blocks_nobody_and_is_not_stored_for():
    with running(*shell("read x")) as (process, path):
        before = memory_kib(process)
        with Peer(path) as slow, Peer(path) as quick:
            slow.many()
            quick.many()
            slow.socket.setblocking(False)
            sent = 0
            with contextlib.suppress(BlockingIOError):
                while sent < 64 << 20:
                    sent += slow.socket.send(b"stat\n" * 1000)
            check(sent < 16 << 20, "commands are taken without end from somebody who does not read")
            for _ in range(100):
                check(quick.ask("ping") == PONG and quick.ask("ps")["err"] == 0, "another is not served")
            check(memory_kib(process) - before < 8192, "answers pile up")
            slow.socket.settimeout(DEADLINE)
            for _ in range(100):
                check(slow.answer()["err"] == 0, "the slow one is forgotten")


@suite.test
def many_opens_and_a_flood():
    with running(*shell("read x")) as (process, path):
        files = own_files(process)
        for number in range(1_000):
            with Peer(path) as peer:
                if number % 4 == 1:
                    peer.send("pi")
                elif number % 4 == 2:
                    peer.send("ps\nps\nps\n")
                elif number % 4 == 3:
                    peer.send("ping\n")
        problems = []

        def flood():
            try:
                for _ in range(15):
                    with Peer(path) as peer:
                        peer.many()
                        peer.send("ping\n" * 200 + "blocked\n")
            except Exception as problem:  # shown below
                problems.append(problem)

        threads = [threading.Thread(target=flood) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        check(not problems, f"{problems[:1]}")
        with Peer(path) as peer:
            peer.many()
            wait_until(lambda: peer.ask("stat")["control"]["connections"] == 1, "the end of the others")
            check(peer.ask("stat")["control"]["accepted"] >= 1_301, "not all were let in")
        wait_until(lambda: own_files(process) == files, "the end of all descriptors")


suite.main()
