#!/usr/bin/env python3
"""Servers of the host that listen, for several runs at once: what one run does, and whoever else connects, is no other
run's trouble."""
import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from handshake_peer import (ANSWER_SLOTS, BELL, DESCRIPTOR, MAGIC, OFFER, PACKET, REQUEST_SLOTS, VERSION, Rings,
                            Supervisor, limit_descriptors, listens, seqpacket)
from harness import Suite, build_under_test, check, expect, finish, next_line, say, start, wait_until

build = build_under_test()
suite = Suite()
servers = os.path.join(build.directory, "schemes", "server", "bin")
own_servers = os.path.join(build.directory, "tests", "integration")
bind = ["--bind", f"{os.path.join(build.directory, 'userland', 'bin')}:/servers:ro"]


class Listener:
    """A server that listens as long as a with statement lasts."""

    def __init__(self, example, *arguments, programs=servers):
        self.path = os.path.join(suite.fresh(example), "socket")
        self.options = ["--scheme", f"served=unix:{self.path}", *bind]
        self.words = [os.path.join(programs, example), "--listen", self.path, *arguments]

    def __enter__(self):
        self.server = start(self.words, preexec_fn=limit_descriptors)
        wait_until(lambda: listens(self.path), "the server's socket")
        return self

    def __exit__(self, *_):
        self.server.terminate()
        finish(self.server)

    def shell(self, script):
        return build.run("sh", "-ec", script, options=self.options)

    def start(self, script):
        return build.start("sh", "-c", script, options=self.options, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@suite.test
def a_listening_server_serves_several_runs_at_once():
    with Listener("key_value") as listener:
        runs = [listener.start(f"echo {i} > /scheme/served/{i}; echo ready; read -r line; cat /scheme/served/*")
                for i in range(4)]
        for run in runs:
            check(run.stdout.readline() == b"ready\n", "a run does not begin while others go on")
        expect(listener.shell("ls /scheme/served"), 0, out="0\n1\n2\n3\n", err="")
        for run in runs:
            say(run, b"go\n")
            out = run.stdout.read()
            check(finish(run) == 0 and out == b"0\n1\n2\n3\n", f"{out!r}")


@suite.test
def what_one_run_does_another_one_waits_for():
    with Listener("key_value") as listener:
        waiting = listener.start("echo ready; : < /scheme/served/await/late; echo opened")
        check(waiting.stdout.readline() == b"ready\n", "the guest does not begin")
        expect(listener.shell("echo now > /scheme/served/late"), 0)
        out = waiting.stdout.read()
        check(finish(waiting) == 0 and out == b"opened\n", f"{out!r}")


@suite.test
def a_run_that_is_stopped_or_killed_is_no_other_runs_trouble():
    with Listener("key_value") as listener:
        stopped = listener.start("while :; do echo x > /scheme/served/x; done")
        killed = listener.start("echo ready; cat /scheme/served/await/never")
        check(killed.stdout.readline() == b"ready\n", "the guest does not begin")
        wait_until(lambda: listener.shell("ls /scheme/served").text == "x\n", "the other run's key")
        stopped.send_signal(signal.SIGSTOP)
        killed.kill()
        for _ in range(3):
            expect(listener.shell("cat /scheme/served/x"), 0, err="")
        stopped.send_signal(signal.SIGCONT)
        stopped.kill()
        finish(killed)
        finish(stopped)


@suite.test
def runs_that_share_a_server_share_no_descriptors():
    with Listener("shared_pages") as listener:
        holder = listener.start("/servers/server_client leave /scheme/served; read -r line")
        check(holder.stdout.readline() == b"PASS\n", "the guest does not begin")
        expect(listener.shell("/servers/server_client get_none /scheme/served"), 0, out="PASS\n", err="")
        say(holder, b"go\n")
        check(finish(holder) == 0, "the other run")


@suite.test
def a_listener_bears_those_who_connect_and_say_nothing():
    with Listener("key_value") as listener:
        silent = [seqpacket(listener.path) for _ in range(5)]
        silent[0].send(b"x")
        silent[1].close()
        expect(listener.shell("echo kept > /scheme/served/a; cat /scheme/served/a"), 0, out="kept\n", err="")


@suite.test
def a_listener_serves_while_many_say_nothing():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))
    if hard < 2000:
        return "needs 2,000 descriptors"
    with Listener("key_value") as listener, contextlib.ExitStack() as silent:
        for _ in range(1500):
            silent.enter_context(seqpacket(listener.path))
        outcome = listener.shell("echo kept > /scheme/served/a; cat /scheme/served/a")
        expect(outcome, 0, out="kept\n", err="")
        check(outcome.seconds < 4, f"it waited until they had had their five seconds\n{outcome}")


def descriptors_of(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


@suite.test
def a_listener_keeps_no_descriptors_it_did_not_want():
    with Listener("key_value") as listener, open("/dev/null") as null:
        before = descriptors_of(listener.server)
        for count in (2, 3, 4, 5, 100):
            for data in (b"", b"x", OFFER.pack(MAGIC, VERSION, b"token")):
                with Supervisor(listener.path) as supervisor:
                    supervisor.offer(data, [null.fileno()] * count)
                    check(supervisor.rendezvous.recv(1) == b"", f"{count} descriptors beside {data!r} are taken")
        wait_until(lambda: descriptors_of(listener.server) == before, "the end of what was sent")
        expect(listener.shell("echo kept > /scheme/served/a; cat /scheme/served/a"), 0, out="kept\n", err="")


@suite.test
def a_listener_does_not_map_memory_that_can_be_cut_short():
    with Listener("key_value") as listener, Supervisor(listener.path) as supervisor:
        supervisor.offer()
        check(supervisor.presented(), "the server does not present itself")
        files = [os.memfd_create("empty") for _ in range(3)]
        supervisor.adopt(files)
        for file in files:
            os.close(file)
        check(supervisor.ours.recv(100) == b"", "the connection is kept")
        expect(listener.shell("echo kept > /scheme/served/a; cat /scheme/served/a"), 0, out="kept\n", err="")


@suite.test
def a_listener_does_not_wait_for_a_connection_without_room():
    with Listener("key_value") as listener, Supervisor(listener.path) as supervisor:
        supervisor.theirs.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                supervisor.theirs.send(b"x" * 32)
        # It is the description that blocks or does not.
        supervisor.theirs.setblocking(True)
        supervisor.offer()
        expect(listener.shell("echo kept > /scheme/served/a; cat /scheme/served/a"), 0, out="kept\n", err="")


@suite.test
def a_listener_leaves_a_supervisor_that_breaks_the_rings_rules():
    with Listener("key_value") as listener, Supervisor(listener.path) as supervisor:
        supervisor.offer()
        check(supervisor.presented(), "the server does not present itself")
        with contextlib.closing(Rings()) as rings:
            rings.produced(REQUEST_SLOTS + 1)
            supervisor.adopt(rings.files)
            check(supervisor.ours.recv(100) == b"", "the connection is kept")
            check(rings.counters() == (0, 0), "requests are taken")
        expect(listener.shell("echo kept > /scheme/served/a; cat /scheme/served/a"), 0, out="kept\n", err="")


@suite.test
def a_listener_keeps_few_answers_for_who_takes_none():
    unknown = 77
    with Listener("key_value") as listener, Supervisor(listener.path) as supervisor:
        supervisor.offer()
        check(supervisor.presented(), "the server does not present itself")
        with contextlib.closing(Rings()) as rings:
            for slot in range(REQUEST_SLOTS):
                rings.request(slot, unknown, slot)
            supervisor.adopt(rings.files)
            supervisor.ours.setblocking(False)
            sent = 0
            # As many as are in the ring, and as many as may wait, and what of a batch is left.
            most = 2 * ANSWER_SLOTS + REQUEST_SLOTS

            def asks_on():
                nonlocal sent
                taken = rings.counters()[1]
                sent = taken + REQUEST_SLOTS
                rings.produced(sent)
                with contextlib.suppress(BlockingIOError):
                    supervisor.ours.send(PACKET.pack(BELL, 0, 0, b""))
                check(taken <= most, f"{taken} requests are taken, and no answers")
                return taken >= 2 * ANSWER_SLOTS

            wait_until(asks_on, "requests that are taken")
            for _ in range(20):
                expect(listener.shell("echo kept > /scheme/served/a; cat /scheme/served/a"), 0, out="kept\n", err="")
                asks_on()


@suite.test
def a_listener_does_not_wait_for_a_run_that_takes_no_files():
    real = suite.fresh("files")
    with open(os.path.join(real, "file"), "w") as file:
        file.write("from the host")
    with Listener("file_server", real, programs=own_servers) as listener, Supervisor(listener.path) as supervisor:
        supervisor.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        supervisor.offer()
        check(supervisor.presented(), "the server does not present itself")
        with contextlib.closing(Rings()) as rings:
            # All ask for the same: open "file", which is the first word of the buffers, for reading.
            os.pwrite(rings.files[2], b"file", 0)
            open_at = 29
            for slot in range(REQUEST_SLOTS):
                rings.request(slot, open_at, slot, (1, 0, 4, 1 << 16, 0, 0))
            supervisor.adopt(rings.files)
            rings.produced(REQUEST_SLOTS)
            supervisor.ours.send(PACKET.pack(BELL, 0, 0, b""))
            wait_until(lambda: rings.counters()[1] == REQUEST_SLOTS, "the last of the requests")
            expect(listener.shell("cat /scheme/served/file"), 0, out="from the host", err="")
            # It has them when it takes them.
            files = 0
            while files != REQUEST_SLOTS:
                packet, received, _, _ = socket.recv_fds(supervisor.ours, 100, 4)
                files += PACKET.unpack_from(packet)[0] == DESCRIPTOR
                for file in received:
                    check(os.pread(file, 100, 0) == b"from the host", "another file")
                    os.close(file)
            wait_until(lambda: rings.counters()[0] == REQUEST_SLOTS, "the last of the answers")


@suite.test
def a_listening_server_that_goes():
    with Listener("key_value") as listener:
        run = build.start("sh", "-c", "echo ready; read -r line", options=listener.options,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        check(next_line(run) == b"ready\n", "the guest does not begin")
        listener.server.kill()
        said = next_line(run, stream=run.stderr)
        check(said.startswith(b"halfcell run: the server of scheme served lost its connection"), f"{said!r}")
        say(run, b"go\n")
        check(finish(run) == 0, "the run")


suite.main()
