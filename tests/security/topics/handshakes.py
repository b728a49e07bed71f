"""The hand-over of servers of the host: servers that are somebody else, and strangers at a server that listens."""
import contextlib
import fcntl
import os
import resource
import select
import socket
import threading

import harness
from handshake_peer import (ADOPTED, ANSWER_PAGE, BELL, BUFFERS, DESCRIPTOR, PACKET, PRESENT, REQUEST_PAGE, REQUEST_SLOTS,
                            Rings, RogueServer, Supervisor, limit_descriptors, listens, memory, regions, seqpacket)
from lab import Attack, ended, unharmed
from sent_files import MOST, all_gone, send_pipe

_PATIENCE = 5  # seconds a server has to show its token
_TAKEN = 4  # descriptors that a packet may have


def attacks(lab):
    build = os.path.dirname(lab.halfcell)
    key_value = os.path.join(build, "schemes", "server", "bin", "key_value")
    hostile = os.path.join(build, "tests", "integration", "hostile_server")

    # ---- servers, of a run -------------------------------------------------------------------------------------------

    def meets(forge):
        """A run with a scheme that a rogue is to serve."""
        path = os.path.join(lab.fresh("rogue"), "s")
        command = [lab.halfcell, "run", "--scheme", f"evil=unix:{path}", "true"]
        with RogueServer(path, forge) as rogue:
            return rogue, unharmed(harness.run(command))

    def all_refused(forgeries, reason):
        """`forgeries`: what to do with each offer, by name."""
        for name, forge in forgeries.items():
            rogue, outcome = meets(lambda offered, forge=forge: (forge(offered), offered.adopted())[1])
            if rogue.adoptions != 0:
                return True, f"adopted: {name}"
            harness.check(rogue.offers > 0, f"no offer: {name}")
            harness.check(outcome.status == 125 and reason in outcome.message, f"{name}: {outcome}")
        return False, f"{len(forgeries)}: {reason}"

    def adopted(forge=lambda offered: offered.present()):
        rogue, outcome = meets(lambda offered: (forge(offered), offered.adopted(), offered.hold())[1])
        return rogue.adoptions == 1 and outcome.status == 0, "adopted"

    def wrong_tokens():
        seen = []
        meets(lambda offered: seen.append(offered.token))

        def flipped(at):
            return lambda offered: offered.present(bytes(byte ^ (at == index) for index, byte in enumerate(offered.token)))

        forgeries = {f"byte {at}": flipped(at) for at in (0, 8, 15)}
        forgeries["zeros"] = lambda offered: offered.present(bytes(16))
        forgeries["ones"] = lambda offered: offered.present(b"\xff" * 16)
        forgeries["another run's"] = lambda offered: offered.present(seen[0])
        forgeries["a guess first"] = lambda offered: (offered.present(bytes(16)), offered.present())
        return all_refused(forgeries, "permission denied")

    def pieces():
        def in_pieces(size, times=1):
            def forge(offered):
                whole = PACKET.pack(PRESENT, 0, 0, offered.token) * 2
                for at in range(times):
                    offered.connection.send(whole[at * size:(at + 1) * size])

            return forge

        forgeries = {f"{size} bytes": in_pieces(size) for size in (1, 16, 31, 33, 64)}
        forgeries["byte by byte"] = in_pieces(1, PACKET.size)
        forgeries["two halves"] = in_pieces(PACKET.size // 2, 2)
        forgeries["much behind it"] = lambda offered: offered.present(tail=b"x" * 60_000)
        return all_refused(forgeries, "send failed")

    def disorder():
        forgeries = {f"kind {kind}": lambda offered, kind=kind: (offered.present(kind=kind), offered.present())
                     for kind in (0, ADOPTED, BELL, DESCRIPTOR, 5, 0xFFFFFFFF)}
        return all_refused(forgeries, "permission denied")

    def elsewhere():
        def at_rendezvous(offered):
            offered.rendezvous.send(PACKET.pack(PRESENT, 0, 0, offered.token))
            offered.rendezvous.shutdown(socket.SHUT_RDWR)

        def nothing(offered):
            offered.connection.send(b"")

        return all_refused({"at the rendezvous": at_rendezvous, "an empty packet": nothing}, "socket unavailable")

    def late():
        def forge(offered):
            over = select.poll()
            over.register(offered.connection, 0)
            harness.check(over.poll(10 * _PATIENCE * 1000), "the supervisor waits for ever")
            offered.present()

        return all_refused({"after its end": forge}, "acknowledgement timeout")

    def after_a_while():
        return adopted(lambda offered: (select.select([offered.connection], [], [], 1), offered.present()))

    @contextlib.contextmanager
    def lives_beside(forge, script=""):
        """A run that goes on, with a rogue beside an honest server; fails where the run is hurt. What the script says."""
        path = os.path.join(lab.fresh("rogue"), "s")
        command = [lab.halfcell, "run", "--scheme", f"other={key_value}", "--scheme", f"evil=unix:{path}", "--", "sh", "-c",
                   f"echo ready; read x; {script} echo a > /scheme/other/a; cat /scheme/other/a"]
        said = []
        with RogueServer(path, forge):
            run = harness.start(command, stdin=-1, stdout=-1, stderr=-1)
            try:
                harness.check(harness.next_line(run) == b"ready\n", "the run does not begin")
                yield said
                run.stdin.write(b"\n")
                run.stdin.flush()
                said += run.stdout.read().splitlines()
                harness.check(said[-1:] == [b"a"], f"the honest server is not served, but {said}")
            finally:
                run.kill()
                harness.finish(run)

    def connections(then):
        """What `then` makes of each connection of a run that opens twice; the first one stays until the run has begun."""
        begun = threading.Event()
        came = []

        def forge(offered):
            offered.present()
            harness.check(offered.adopted(), "not adopted")
            begun.wait(harness.DEADLINE)
            came.append(then(offered))

        with lives_beside(forge, "cat /scheme/evil/x 2>&1; cat /scheme/evil/x 2>&1;") as said:
            begun.set()
        harness.check(all(b"No such device" in line for line in said[:2]), f"{said}")
        return came

    def twice():
        again = connections(lambda offered: (offered.present(), offered.adopted())[1])
        return any(again), f"adopted once, then ENODEV, {len(again)} times"

    def each_once():
        count = len(connections(lambda offered: None))
        return count >= 2, f"{count} tokens of as many offers"

    def descriptors(count, patience):
        """Whether a run that lives keeps some of those that come with a token, and behind it for requests there are not."""
        kept, sent = os.pipe()
        begun = threading.Event()
        finished = []

        def forge(offered):
            with open(sent, "wb", buffering=0):
                offered.present(files=[sent] * _TAKEN)
                taken = offered.adopted()
                # A run whose server is lost before it has begun does not begin.
                begun.wait(harness.DEADLINE)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    for number in range(count):
                        socket.send_fds(offered.connection, [PACKET.pack(DESCRIPTOR, number, 0, b"")], [sent])
            finished.append(taken)
            offered.hold()

        with lives_beside(forge):
            begun.set()
            harness.wait_until(lambda: finished, "all that is sent")
            gone = all_gone([kept], patience)
        return not gone, f"{count + _TAKEN} sent, {'none' if gone else 'some'} kept"

    def too_many_beside_the_token():
        def beside(count):
            return lambda offered: all_gone([send_pipe(offered.connection, PACKET.pack(PRESENT, 0, 0, offered.token),
                                                       count)], 0)

        return all_refused({f"{count} descriptors": beside(count) for count in (_TAKEN + 1, 16, MOST)}, "send failed")

    # ---- strangers, at a server that listens --------------------------------------------------------------------------------

    def serves(path):
        outcome = unharmed(harness.run([lab.halfcell, "run", "--scheme", f"kept=unix:{path}", "--", "sh", "-c",
                                        "echo a > /scheme/kept/a; cat /scheme/kept/a"]))
        harness.check(outcome.text == "a\n", f"a run is not served\n{outcome}")

    @contextlib.contextmanager
    def listening():
        """A server that listens, at the end of which a run must still be served, and nothing be left."""
        path = os.path.join(lab.fresh("listening"), "s")

        server = harness.start([key_value, "--listen", path], preexec_fn=limit_descriptors, stderr=-3)
        try:
            harness.wait_until(lambda: listens(path), "the server's socket")
            before = len(os.listdir(f"/proc/{server.pid}/fd"))
            yield path
            serves(path)
            harness.check(server.poll() is None, "the server has died")
            harness.wait_until(lambda: len(os.listdir(f"/proc/{server.pid}/fd")) <= before, "the end of descriptors")
        finally:
            server.terminate()
            harness.finish(server)

    def no_regions():
        """Sets of regions, by name, of which none may be mapped."""
        shrinkable, sealed = fcntl.F_SEAL_GROW, fcntl.F_SEAL_SHRINK
        sets = {"unsealed": [memory(size, 0) for size in (REQUEST_PAGE, ANSWER_PAGE, BUFFERS)],
                "sealed against growth": [memory(size, shrinkable) for size in (REQUEST_PAGE, ANSWER_PAGE, BUFFERS)],
                "one byte short": [memory(size - 1, sealed) for size in (REQUEST_PAGE, ANSWER_PAGE, BUFFERS)],
                "short buffers": [memory(REQUEST_PAGE), memory(ANSWER_PAGE), memory(4096)],
                "empty": [memory(0, sealed) for _ in range(3)],
                "another order": regions()[::-1], "two": regions()[:2], "four": [*regions(), memory(1)], "none": []}
        for path in ("/dev/null", "/dev/zero", "/", "/proc/self/mem", __file__):
            sets[path] = [os.open(path, os.O_RDONLY) for _ in range(3)]
        sets["events"] = [os.eventfd(0) for _ in range(3)]
        sets["processes"] = [os.pidfd_open(os.getpid()) for _ in range(3)]
        sets["write-sealed"] = [memory(size, sealed | fcntl.F_SEAL_WRITE) for size in (REQUEST_PAGE, ANSWER_PAGE, BUFFERS)]
        return sets

    def false_regions():
        sets = no_regions()
        try:
            with listening() as path:
                for name, files in sets.items():
                    with Supervisor(path) as supervisor:
                        supervisor.offer()
                        harness.check(supervisor.presented(), "the server does not present itself")
                        supervisor.adopt(files)
                        try:
                            supervisor.ours.settimeout(harness.GONE_WITHIN)
                            supervisor.ours.recv(1)
                        except ConnectionResetError:
                            pass
                        except TimeoutError:
                            return True, f"adopted: {name}"
                        for file in files:
                            with contextlib.suppress(OSError):
                                os.truncate(file, 0)
        finally:
            for file in sum(sets.values(), []):
                os.close(file)
        return False, f"{len(sets)} refused"

    def true_regions():
        with listening() as path, Supervisor(path) as supervisor, contextlib.closing(Rings()) as rings:
            supervisor.offer()
            harness.check(supervisor.presented(), "the server does not present itself")
            rings.request(0, 77)
            rings.produced(1)
            supervisor.adopt(rings.files)
            harness.wait_until(lambda: rings.counters() == (1, 1), "an answer")
        return True, "a request is answered"

    def false_offers():
        """Connections that are none, and descriptors beside what is no offer."""
        count = 0
        with listening() as path:
            with socket.socket(socket.AF_UNIX) as deaf, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as lone:
                files = [deaf.fileno(), lone.fileno(), memory(4096), os.eventfd(0), os.open("/dev/null", os.O_RDWR),
                         os.open("/", os.O_RDONLY)]
                for sent in ([one] for one in files):
                    with Supervisor(path) as supervisor:
                        supervisor.offer(files=sent)
                        harness.check(supervisor.rendezvous.recv(1) == b"", f"{sent} is a connection")
                        count += 1
                for data in (b"", b"x", bytes(24), b"\xff" * 24, bytes(25)):
                    for number in (0, 1, 2, 3, 4, 5, MOST):
                        with Supervisor(path) as supervisor:
                            supervisor.offer(data, files[:1] * number)
                            harness.check(supervisor.rendezvous.recv(1) == b"", f"{data!r} is an offer")
                            count += 1
                for file in files[2:]:
                    os.close(file)
        return False, f"{count} refused"

    def without_a_word():
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))
        with listening() as path, contextlib.ExitStack() as silent:
            for _ in range(1500):
                silent.enter_context(seqpacket(path))
            serves(path)
        return False, "a run is served all the same"

    def with_a_word():
        with listening() as path, contextlib.ExitStack() as supervisors:
            presented = 0
            for _ in range(100):
                supervisor = supervisors.enter_context(Supervisor(path))
                supervisor.offer()
                presented += supervisor.presented()
            supervisors.close()
        return presented == 100, "100 of 100 offers are taken"

    # ---- memory and rings -----------------------------------------------------------------------------------------------------

    def beyond_the_ring():
        with listening() as path:
            for ahead in (REQUEST_SLOTS + 1, 1 << 31, 0xFFFFFFFF):
                with Supervisor(path) as supervisor, contextlib.closing(Rings()) as rings:
                    supervisor.offer()
                    harness.check(supervisor.presented(), "the server does not present itself")
                    rings.produced(ahead)
                    supervisor.adopt(rings.files)
                    harness.check(supervisor.ours.recv(1) == b"" and rings.counters() == (0, 0), f"{ahead} are taken")
        for name in ("counter", "consumed"):
            outcome = by_hostile("cat", f"/scheme/evil/{name}")
            harness.check(outcome.status == 1 and "No such device" in outcome.message, f"{name}: {outcome}")
        return False, "5 connections end"

    def by_hostile(*words):
        return unharmed(harness.run([lab.halfcell, "run", "--scheme", f"evil={hostile}", "--", *words]))

    def shrinks():
        outcome = by_hostile(lab.attack, "lose-pages", "/scheme/evil/shrinking")
        harness.check("ftruncate: 0\n" in outcome.text, f"it does not shrink\n{outcome}")
        harness.check("the calls came back\n" in outcome.text, f"a call did not come back\n{outcome}")
        harness.check(outcome.status in (0, 128 + 7, 128 + 11), f"ends otherwise\n{outcome}")
        return False, ended(outcome)

    def does_not_shrink():
        client = os.path.join(os.path.dirname(lab.attack), "server_client")
        return by_hostile(client, "map", "/scheme/evil/good").text == "PASS\n", "what stays is mapped and read"

    return [
        Attack("tokens that are not the offer's", wrong_tokens, adopted),
        Attack("tokens in pieces, and with more behind", pieces, adopted),
        Attack("packets of another kind first", disorder, adopted),
        Attack("tokens elsewhere", elsewhere, adopted),
        Attack("a token after its time", late, after_a_while),
        Attack("a token for the second time", twice, each_once),
        Attack("descriptors beside a token", too_many_beside_the_token, lambda: adopted(
            lambda offered: send_pipe(offered.connection, PACKET.pack(PRESENT, 0, 0, offered.token), _TAKEN))),
        Attack("descriptors nobody asked for", lambda: descriptors(20_000, harness.GONE_WITHIN),
               lambda: descriptors(10, 0.2)),
        Attack("offers and connections that are none", false_offers, with_a_word),
        Attack("1,500 connections without a word", without_a_word, with_a_word),
        Attack("memory that is none, or can be cut short", false_regions, true_regions),
        Attack("counters beyond the rings", beyond_the_ring, true_regions),
        Attack("memory that a server cuts short", shrinks, does_not_shrink),
    ]
