"""Peers of the control socket: who they say they are, what they send along, and what they do not do."""
import contextlib
import json
import os
import resource
import select
import socket
import struct

import harness
from control_peer import AUTH, PONG, Peer, as_other_user, own_files
from controlled import ShellRuns
from lab import Attack
from sent_files import MOST, all_gone, send_pipe

ABSTRACT = f"@halfcell-lab-{os.getpid()}"
_PLACES = 2048  # connections a run lets in
_SOON = 5  # seconds in which anybody else is to be answered


def attacks(lab):
    runs = ShellRuns(lab)
    running, waiting = runs.running, runs.waiting
    # A sanitizer keeps what is freed, and says little about memory.
    sanitized = runs.build.sanitized()

    # ---- who sends -------------------------------------------------------------------------------------------------

    root = os.getuid() == 0

    def claim(peer, process, user, group):
        words = struct.pack("iII", process, user, group)
        try:
            peer.socket.sendmsg([b"kill 2\n"], [(socket.SOL_SOCKET, socket.SCM_CREDENTIALS, words)])
        except PermissionError:
            return b"Linux refuses"
        return peer.rest()

    def claims(path, *whose):
        said = []
        for one in whose:
            with Peer(path) as peer:
                said.append(claim(peer, *one))
        return b"\n".join(said)

    def forged_senders():
        if not root:
            return False, "needs root"
        with running(*waiting, path=ABSTRACT) as (process, path):
            own = os.getpid()
            theirs = as_other_user(lambda: claims(path, (own, 0, 0), (os.getpid(), 0, 0), (process.pid, 0, 0)))
            with Peer(path) as peer:
                peer.many()
                handed = as_other_user(lambda: peer.say("kill 2\n"))
            given_up = claims(path, (own, 4242, 4242), (own, 4242, 0), (process.pid, 65534, 65534))
            harness.check(theirs.count(b"Linux refuses") == 3, f"{theirs}")
            harness.check(json.loads(handed) == AUTH and given_up.count(b'"AUTH"') == 3, f"{handed} {given_up}")
            return (False, "3 refused by Linux, 4 by AUTH") if runs.lives(process) else (True, "killed it")

    def true_sender():
        if not root:
            return "needs root"
        with running(*waiting, path=ABSTRACT) as (process, path):
            claims(path, (os.getpid(), 0, 0))
            return runs.killed(process), "killed it"

    @contextlib.contextmanager
    def holding(path, user):
        """Somebody, who may be another user, takes every place there is without a word."""
        reader, writer = os.pipe()
        ended, end = os.pipe()
        child = os.fork()
        if child == 0:
            if user:
                os.setgroups([])
                os.setresgid(user, user, user)
                os.setresuid(user, user, user)
            peers = []
            with contextlib.suppress(OSError):
                peers += [Peer(path) for _ in range(_PLACES)]
            os.write(writer, b"%d\n" % len(peers))
            os.close(end)
            os.read(ended, 1)
            os._exit(0)
        try:
            with os.fdopen(reader) as said:
                harness.check(int(said.readline()) == _PLACES, "not enough connections could be made")
                yield
        finally:
            for file in (writer, end, ended):
                os.close(file)
            os.waitpid(child, 0)

    def places_taken(user):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if not root or hard < 3000:
            return "needs root and 3,000 descriptors"
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
        with running(*waiting, path=ABSTRACT) as (_, path), holding(path, user), Peer(path) as peer:
            with contextlib.suppress(BrokenPipeError):
                peer.send("ping\n")
            answer = peer.answer()
            return answer != PONG, answer["msg"]

    def places_of_strangers():
        taken = places_taken(4242)
        return (False, taken) if isinstance(taken, str) else taken

    def descriptors_sent():
        with running(*waiting) as (process, path):
            before = own_files(process)
            pipes = []
            for data in (b"ping\n", b"p", b"\n", b"prompt i\n", b"kill 2\n", b"\0") * 8:
                with Peer(path) as peer:
                    pipes.append(send_pipe(peer.socket, data))
                    harness.check(json.loads(peer.rest()) == AUTH, f"{data!r} is taken")
            # And behind what has been taken, on a connection that is not read from.
            with Peer(path) as peer:
                peer.many()
                peer.send("stat\n" * 200)
                pipes += [send_pipe(peer.socket, b"ping\n") for _ in range(8)]
            count = len(pipes) * MOST
            harness.wait_until(lambda: own_files(process) == before, "the end of what was sent")
            if not all_gone(pipes, harness.GONE_WITHIN):
                return True, f"kept some of {count}"
            return (False, f"{count} sent, none kept") if runs.lives(process) else (True, "killed it")

    def descriptors_kept():
        ours, theirs = socket.socketpair()
        with ours, theirs:
            pipe = send_pipe(ours, b"ping\n")
            _, files, _, _ = socket.recv_fds(theirs, 16, MOST)
            kept = not select.select([pipe], [], [], 0)[0]
            for file in files:
                os.close(file)
            return kept and all_gone([pipe], _SOON), f"{len(files)} arrive where there is room"

    # ---- who waits -------------------------------------------------------------------------------------------------

    def served(path):
        """Whether somebody else is answered soon."""
        with Peer(path) as peer:
            peer.socket.settimeout(_SOON)
            try:
                peer.many()
                return peer.ask("ping") == PONG and peer.ask("ps")["err"] == 0
            except TimeoutError:
                return False

    def with_peers(count, prepare, then):
        """Many at once, each prepared; `then` has them and the run."""
        with running(*waiting) as (process, path), contextlib.ExitStack() as open_peers:
            peers = [open_peers.enter_context(Peer(path)) for _ in range(count)]
            for peer in peers:
                prepare(peer)
            return then(process, path, peers)

    def flood(peer):
        """Asks, and never reads."""
        peer.many()
        peer.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(1000):
                peer.socket.send(b"stat\nstats\nps\nmaps 2\n" * 250)
        peer.socket.settimeout(harness.DEADLINE)

    def others_wait(process, path, _):
        before = harness.memory_of(process.pid)[0]
        for _ in range(20):
            if not served(path):
                return True, "nobody else is answered"
        grown = harness.memory_of(process.pid)[0] - before
        return grown > 16384 and not sanitized, "others are answered"

    def readers_are_answered(_, __, peers):
        for peer in peers:
            harness.check(peer.answer()["err"] == 0, "not answered")
        return True, "answered once it reads"

    def half_a_line(peer):
        peer.send("pi")

    def whole_lines(_, __, peers):
        for peer in peers:
            peer.send("ng\n")
            harness.check(peer.answer() == PONG, "not answered")
        return True, f"{len(peers)} lines come to their end"

    return [
        Attack("senders that are somebody else", forged_senders, true_sender),
        Attack("strangers in every place", places_of_strangers, lambda: places_taken(None)),
        Attack("descriptors beside the lines", descriptors_sent, descriptors_kept),
        Attack("64 peers that never read", lambda: with_peers(64, flood, others_wait),
               lambda: with_peers(64, flood, readers_are_answered)),
        Attack("half a line for ever, 1,024 times", lambda: with_peers(1024, half_a_line, others_wait),
               lambda: with_peers(1024, half_a_line, whole_lines)),
    ]
