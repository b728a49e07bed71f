#!/usr/bin/env python3
"""The control socket: its protocol, who may ask, and the lock."""
import array
import contextlib
import json
import os
import signal
import socket
import stat
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from control_peer import (ACK, AUTH, LOCKED, OTHER_USER, PONG, RATE, Peer, as_other_user, control_threads, own_files,
                          runs_with_socket, shell)
from harness import (DEADLINE, Suite, build_under_test, check, children, expect, finish, name_of, next_line, wait_gone,
                     wait_until)

build = build_under_test()
suite = Suite()
running = runs_with_socket(build, suite)


# ---- the protocol -----------------------------------------------------------------------------------------------------


@suite.test
def one_command_a_connection_unless_asked_otherwise():
    with running(*shell("read x")) as (_, path):
        with Peer(path) as peer:
            check(peer.ask("ping") == PONG, "no PONG")
            check(peer.rest() == b"", "more than one answer")
        with Peer(path) as peer:
            check(peer.ask("version") == {"major": 0, "minor": 1, "version": "0.1"}, "another version")
        with Peer(path) as peer:
            peer.many()
            for _ in range(3):
                check(peer.ask("ping") == PONG, "no PONG")
            check(peer.ask("quit") == ACK and peer.rest() == b"", "quit does not end it")
        with Peer(path) as peer:
            peer.send("prompt\nping\n\nprompt\n")
            check(peer.rest() == b'{"err":0,"msg":"ACK"}\n; {"err":0,"msg":"PONG"}\n; ; {"err":0,"msg":"ACK"}\n',
                  "not as HAProxy does it")


@suite.test
def half_closed_peers_get_their_answers():
    with running(*shell("read x")) as (_, path):
        for what, wanted in (("ping", b"PONG"), ("ps\n", b"processes"), ("prompt i\nping\nstats", b"uptime_ns")):
            with Peer(path) as peer:
                peer.send(what)
                peer.socket.shutdown(socket.SHUT_WR)
                check(wanted in peer.rest(), f"no answer to {what!r}")


@suite.test
def pieces_pipelines_and_rubbish():
    with running(*shell("read x")) as (_, path):
        with Peer(path) as peer:
            for byte in b"prompt i\npi":
                peer.send(bytes([byte]))
            peer.send(b"ng\n" + b"ping\n" * 2000)
            check(peer.answer() == ACK, "no ACK")
            for _ in range(2001):
                check(peer.answer() == PONG, "no PONG")
            peer.send(b"ps\nping\nfds 2\nping\n")
            kinds = [sorted(peer.answer()) for _ in range(4)]
            check(kinds[0] == ["err", "processes"] and kinds[1] == ["err", "msg"] and kinds[2] == ["descriptors", "err"],
                  f"answers out of order: {kinds}")
            check(peer.ask("pi\0ng")["err"] == 22, "a NUL is taken")
            check(peer.ask("\xff\xfe")["err"] == 38, "rubbish is taken")
            check(peer.ask("kill 0")["err"] == 3 and peer.ask("kill 1")["err"] == 3, "init can be killed")
            check(peer.ask("kill 99999")["err"] == 3, "a process that there is not can be killed")
            check(peer.ask("ping") == PONG, "the connection did not survive its mistakes")


@suite.test
def long_lines_are_refused_and_closed():
    with running(*shell("read x")) as (_, path):
        with Peer(path) as peer:
            peer.send("ping" + " " * 4091 + "\n")
            check(peer.answer() == PONG, "a line of 4096 bytes is refused")
        for size in (4096, 100_000):
            with Peer(path) as peer:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    peer.send("x" * size)
                check(peer.answer() == RATE and peer.rest() == b"", f"a line of {size} bytes is taken")
        with Peer(path) as peer:
            check(peer.ask("ping") == PONG, "nobody else is served")


# ---- who may ask --------------------------------------------------------------------------------------------------------


def keeper_of(process):
    return next(child for child in children(process.pid) if name_of(child) == "halfcell-doors")


@suite.test
def a_late_keeper_leaves_the_next_runs_socket_alone():
    # A file system gives the number of a file that has gone to the next one, and the keeper knew it by that.
    with running(*shell("read x")) as (process, path):
        keeper = keeper_of(process)
        os.kill(keeper, signal.SIGSTOP)
        process.kill()
        process.wait()
    os.unlink(path)
    with running(*shell("read x"), path=path):
        os.kill(keeper, signal.SIGCONT)
        check(wait_gone([keeper], DEADLINE) == [], "the keeper stays")
        check(os.path.exists(path), "the keeper of another run took it along")


@suite.test
def a_socket_file_is_its_users_and_goes_with_the_run():
    with running(*shell("read x")) as (process, path):
        status = os.lstat(path)
        check(stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o600, f"mode {status.st_mode:o}")
        check(os.listdir(os.path.dirname(path)) == ["s"], "other files are left")
        second = expect(build.run("true", options=["--control", path]), 125, out="", err="another run listens there")
        check(path in second.message, "the message does not say where")
        process.stdin.write(b"\n")
        process.stdin.flush()
        wait_until(lambda: not os.path.exists(path), "the socket's end")
    # A run that is killed takes it along, too.
    with running(*shell("read x"), path=path) as (process, path):
        process.kill()
        process.wait()
        wait_until(lambda: not os.path.exists(path), "the socket's end with a killed run")
    # What is left when its keeper is killed as well is replaced.
    with running(*shell("read x"), path=path) as (process, path):
        os.kill(keeper_of(process), signal.SIGKILL)
        process.kill()
        process.wait()
    check(os.path.exists(path), "there is nothing to replace")
    expect(build.run("true", options=["--control", path]), 0, err="")
    expect(build.run("true"), 0, err="")


@suite.test
def strangers_are_refused_by_every_message():
    if os.getuid() != 0:
        return "needs root"
    name = f"@halfcell-{os.getpid()}"

    def say(*messages):
        with Peer(name) as peer:
            return peer.say(*messages)

    with running(*shell("read x"), path=name):
        check(json.loads(as_other_user(lambda: say("ping\n"))) == AUTH, "a stranger is answered")
        with Peer(name) as peer:
            peer.many()
            # A connection made by root and handed to somebody else is still somebody else's message.
            said = as_other_user(lambda: (peer.send("ping\n"), peer.rest())[1])
            check(json.loads(said) == AUTH, "a stranger is answered on root's connection")

        def forge():
            with Peer(name) as peer:
                claim = struct.pack("iII", os.getpid(), 0, 0)
                peer.socket.sendmsg([b"ping\n"], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, claim)])
                return peer.rest()

        check(b"PermissionError" in as_other_user(forge), "credentials can be forged")
    with running(*shell("read x"), path=name, options=["--control-uid", str(OTHER_USER)]):
        check(json.loads(as_other_user(lambda: say("ping\n"))) == PONG, "the chosen user is refused")
        check(json.loads(as_other_user(lambda: say("ping\n"), user=OTHER_USER + 1)) == AUTH, "another is not")
        check(json.loads(say("ping\n")) == PONG, "root is refused")
    with running(*shell("read x"), path=name, options=["--control-gid", str(OTHER_USER)]):
        check(json.loads(as_other_user(lambda: say("ping\n"), user=OTHER_USER + 1)) == PONG, "the group is refused")


@suite.test
def strangers_are_not_let_in():
    if os.getuid() != 0:
        return "needs root"
    name = f"@halfcell-{os.getpid()}"

    def silent():
        # Without a message, whose sender could be looked at.
        with Peer(name) as peer:
            return peer.rest()

    with running(*shell("read x"), path=name):
        check(json.loads(as_other_user(silent)) == AUTH, "a stranger keeps a place")
        with Peer(name) as peer:
            state = peer.ask("stat")["control"]
            check(state["accepted"] == 1 and state["refused"] == 1, f"{state}")


@suite.test
def descriptors_that_somebody_sends_are_refused():
    with running(*shell("read x")) as (process, path):
        before = own_files(process)
        with Peer(path) as peer, open("/dev/null") as file:
            rights = array.array("i", [file.fileno()] * 10)
            peer.socket.sendmsg([b"ping\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
            check(peer.answer() == AUTH, "descriptors are taken")
        wait_until(lambda: own_files(process) == before, "the end of what was sent")


@suite.test
def no_socket_without_being_asked():
    process = build.start(*shell("read x"), stdin=-1, stdout=-1)
    try:
        next_line(process)
        own = {os.readlink(entry.path) for entry in os.scandir(f"/proc/{process.pid}/fd")}
        with open(f"/proc/{process.pid}/net/unix") as names:
            # Address, count, protocol, flags, type, state, inode, and a name where it has one.
            named = [fields for fields in map(str.split, names) if len(fields) > 7]
        check(not [fields for fields in named if f"socket:[{fields[6]}]" in own], "there is a socket")
        check(not control_threads(process), "a thread for it")
    finally:
        process.kill()
        finish(process)


@suite.test
def the_thread_has_no_files_but_its_own():
    with running(*shell("read x")) as (process, path):
        threads = control_threads(process)
        check(len(threads) == 1, f"{len(threads)} threads")
        _, status = threads[0]
        check(int(status["SigBlk"], 16) & 0x7FFF == 0x7FFF & ~(1 << 8), f"signals are not blocked: {status['SigBlk']}")
        files = own_files(process)
        # A sanitizer keeps standard error, to say what it has found.
        check(files == (4 if build.sanitized() else 3), f"{files} descriptors instead of three")
        with Peer(path), Peer(path):
            wait_until(lambda: own_files(process) == files + 2, "two more")
        wait_until(lambda: own_files(process) == files, "two less")


# ---- the lock -------------------------------------------------------------------------------------------------------------------


@suite.test
def once_locked_it_stays_locked():
    with running(*shell("read x; echo end")) as (process, path):
        with Peer(path) as other, Peer(path) as peer:
            other.many()
            peer.send("prompt i\nlock\nping\nkill 2\n")
            answers = [json.loads(line) for line in peer.rest().splitlines()]
            check(answers == [ACK, ACK, LOCKED, LOCKED], f"{answers}")
            check(other.rest() == b"", "a connection outlives the lock")
        try:
            Peer(path).socket.close()
            check(False, "somebody is let in")
        except ConnectionRefusedError:
            pass
        wait_until(lambda: not control_threads(process), "the thread's end")
        process.stdin.write(b"\n")
        process.stdin.flush()
        check(next_line(process) == b"end\n", "the run does not go on")
        check(process.wait(DEADLINE) == 0, "another end")


suite.main()
