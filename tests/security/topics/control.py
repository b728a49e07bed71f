"""The control socket: lines that are none, names, processes that have ended, debuggers, and guests that look for it."""
import contextlib
import json
import os
import shutil
import socket

import harness
from control_peer import ACK, PONG, RATE, Peer, await_process, process_named, shell
from controlled import ShellRuns
from lab import Attack
from topics import control_senders
from topics.control_senders import ABSTRACT

_SOON = 5  # seconds in which an order is to be answered
_NAMES = [name if isinstance(name, bytes) else name.encode() for name in (
    '"},{"pid":2,"name":"forged"', 'a\n{"err":0,"msg":"PONG"}\n\n; ', "esc\x1b]0;taken\x07\x1b[2J\x7f",
    "two\u009b31m\u0090\u0085", '\\u0000\\\\"\\', "x" * 255, b"bad\xff\xfe\xc3(\xed\xa0\x80\xf4\x90\x80\x80")]


def attacks(lab):
    runs = ShellRuns(lab)
    running, waiting, by_words, kills_by = runs.running, runs.waiting, runs.by_words, runs.kills_by

    # ---- lines ----------------------------------------------------------------------------------------------------

    def too_long():
        def send(path):
            for line in (b"kill 2".ljust(4096) + b"\n", b"kill 2\0".ljust(5000) + b"\n", b"kill 2 " * 150_000,
                         b"\0" * 4096, b" " * 100_000 + b"kill 2\n"):
                with Peer(path) as peer:
                    said = peer.say(line)
                harness.check(json.loads(said) == RATE, f"{line[:10]!r}…: {said!r}")
            return "RATE, and closed"

        return by_words(send)

    def rubbish():
        between = [bytes([byte]) for byte in range(256) if byte not in b"\t\n\r "]
        lines = [b"kill" + byte + b"2" for byte in between] + [b"kill 2" + byte for byte in between if byte > b"9"]
        lines += [b"\0kill 2", b"kill 2\0", b"KILL 2", b"k\xc4\xb1ll 2", b"kill \xef\xbc\x92", b"\xff\xfekill 2",
                  b"kill 2 2", b"kill 2;", b'{"kill":2}', b"kill", b"prompt i kill 2", b"lock 2", b"ping\v"]

        def send(path):
            with Peer(path) as peer:
                peer.many()
                for line in lines:
                    peer.send(line + b"\n")
                    answer = json.loads(peer.line().decode("utf-8"))
                    harness.check(answer["err"] in (22, 38), f"{line!r}: {answer}")
                harness.check(peer.ask("ping") == PONG, "the connection did not live on")
            return f"{len(lines)} lines refused"

        return by_words(send)

    def numbers():
        wrong = ["-1", "-2", "0", "1", "+2", "0x2", "2.0", "2e0", "2,3", "4294967298", "4294967295", "2147483650",
                 "-4294967294", "18446744073709551618", "2" * 4000, "2'", "%d", "*"]
        commands = ["kill {}", "stop {}", "cont {}", "trace {} on", "gdb {}", "fds {}", "maps {}", "tail 2 {} x"]

        def send(path):
            with Peer(path) as peer:
                peer.many()
                for number in wrong:
                    for command in commands:
                        answer = peer.ask(command.format(number))
                        harness.check(answer["err"] in (3, 22), f"{command.format(number)[:40]}: {answer}")
                    harness.check(peer.ask(f"tail {number}").get("calls", []) == [], f"calls of {number}")
                harness.check("not traced" in peer.ask("tail 2 18446744073709551615")["msg"], "calls without a trace")
            return f"{len(wrong) * len(commands)} refused"

        return by_words(send)

    def locked():
        with running(*waiting) as (process, path):
            with Peer(path) as other, Peer(path) as idle, Peer(path) as peer:
                other.many()
                peer.send("prompt i\nlock\nkill 2\nkill 2\n")
                said = other.say("kill 2\n") + idle.say("kill 2\n") + peer.rest()
            refused = said.count(b"LOCKED")
            with contextlib.suppress(ConnectionRefusedError):
                with Peer(path) as late:
                    late.say("kill 2\n")
            return (False, f"{refused} refused, others closed") if runs.lives(process) else (True, "killed it")

    # ---- processes -------------------------------------------------------------------------------------------------

    def named(look):
        """A run for each name, of a program and of a file it has, with its calls in a trace."""
        directory = os.fsencode(lab.fresh("named"))
        # Paths are UTF-8, so not every name can be a file's; a program's may be any.
        script = 'true > "/tmp/$1" && exec 5>"/tmp/$1"; echo ready; while read x; do true < "/tmp/$1"; done'
        for name in _NAMES:
            program = os.path.join(directory, name)
            shutil.copy(os.path.join(os.path.dirname(lab.attack), "sh"), program)
            with running(os.fsdecode(program), "-c", script, "sh", os.fsdecode(name)) as (process, path):
                with Peer(path) as peer:
                    harness.check(peer.many().ask("trace 2 on") == ACK, "not traced")
                    process.stdin.write(b"\n")
                    process.stdin.flush()
                    harness.wait_until(lambda: any("/tmp/" in one for one in peer.ask("tail 2 100")["calls"]),
                                       "its call in the trace")
                    look(name, peer, path)

    def printable(text):
        """Whether it is UTF-8 without control characters, of one byte or of two."""
        try:
            return all(character == "\n" or ord(character) >= 0x20 and not 0x7F <= ord(character) < 0xA0
                       for character in text.decode("utf-8"))
        except UnicodeDecodeError:
            return False

    def speak():
        broken = []

        def look(name, peer, path):
            for report in ("ps", "fds 2", "blocked", "stat", "schemes", "maps 2", "tail 2 100"):
                peer.send(report + "\nping\n")
                answer = json.loads(peer.line().decode("utf-8"))
                if answer["err"] != 0 or "msg" in answer or peer.answer() != PONG:
                    broken.append(name)
            peer.send("stats\nping\n")
            lines = []
            while line := peer.line():
                lines.append(line)
            if not printable(b"\n".join(lines)) or peer.answer() != PONG:
                broken.append(name)
            for report in ("ps", "fds 2", "blocked", "tail 2 100", "stats"):
                shown = harness.run([lab.halfcell, "ctl", path, *report.split()], clean=False)
                if shown.status != 0 or not printable(shown.out):
                    broken.append(name)

        named(look)
        return bool(broken), f"{broken[0]!r}" if broken else f"{len(_NAMES)} names do nothing"

    def arrive():
        arrived = []

        def look(name, peer, _):
            text = name.decode("utf-8", errors="replace").split("\ufffd")[0]
            shown = peer.ask("ps")["processes"][0]["name"].rpartition("/")[2]
            files = [one.get("path", "") for one in peer.ask("fds 2")["descriptors"]]
            arrived.append(shown.startswith(text) and (text == "bad" or f"/scheme/file/tmp/{text}" in files))

        named(look)
        return all(arrived), f"{len(arrived)} names arrive"

    with_past = shell("sleep 1000 & read x; echo end").copy()
    with_past[-1] = "for i in $(seq 100); do true & done; wait; " + with_past[-1]

    def ended():
        with running(*with_past) as (process, path):
            with Peer(path) as peer:
                peer.many()
                sleeper = await_process(peer, "sleep")["pid"]
                gone = range(3, sleeper)
                for pid in gone:
                    for command in ("kill", "stop", "cont", "fds", "maps", "gdb"):
                        answer = peer.ask(f"{command} {pid}")
                        harness.check(answer["err"] == 3, f"{command} {pid}: {answer}")
                    harness.check(peer.ask(f"trace {pid} on")["err"] == 3, f"{pid} is traced")
                unharmed = process_named(peer, "sleep")["state"] == "running" == process_named(peer, "sh")["state"]
                harness.check(peer.ask("stat")["trace"]["processes"] == [], "somebody is traced")
            return not unharmed, f"{len(gone)} that have ended: ESRCH"

    def sleeping():
        with running(*with_past) as (_, path):
            with Peer(path) as peer:
                sleeper = await_process(peer.many(), "sleep")["pid"]
                harness.check(peer.ask(f"kill {sleeper}") == ACK, "not killed")
                harness.wait_until(lambda: (process_named(peer, "sleep") or {"state": "exited"})["state"] == "exited",
                                   "its end")
            return True, "the one that lives is killed"

    # ---- where debuggers are let in ------------------------------------------------------------------------------------

    def let_in_at(where):
        with running(*waiting) as (_, path):
            with Peer(path) as peer:
                peer.socket.settimeout(_SOON)
                peer.many()
                try:
                    answers = [peer.ask(f"gdb 2 {one}") for one in where(path)]
                    peer.ask("ps")
                except TimeoutError:
                    return None
                return answers

    def deaf():
        path = os.path.join(lab.fresh("deaf"), "s")
        with socket.socket(socket.AF_UNIX) as listener, contextlib.ExitStack() as queue:
            listener.bind(path)
            listener.listen(0)
            with contextlib.suppress(BlockingIOError):
                while True:
                    waiter = queue.enter_context(socket.socket(socket.AF_UNIX))
                    waiter.setblocking(False)
                    waiter.connect(path)
            answers = let_in_at(lambda _: [f"unix:{path}"])
            return answers is None, "an error" if answers else "nobody is answered any more"

    def places_of_others():
        directory = lab.fresh("places")
        kept = os.path.join(directory, "file")
        with open(kept, "w") as file:
            file.write("kept")
        os.symlink(kept, os.path.join(directory, "link"))
        os.symlink("nowhere", os.path.join(directory, "dangling"))
        before = sorted(os.listdir(directory))
        where = [f"unix:{kept}", f"unix:{directory}/link", f"unix:{directory}/dangling", f"unix:{directory}",
                 "unix:/dev/null", "unix:", f"unix:{directory}/no/such", "unix:/" + "x" * 200, "0.0.0.0:0",
                 "127.0.0.1:65536", "127.0.0.1:-1", "[::]:0", "/tmp/x"]
        answers = let_in_at(lambda path: [*where, f"unix:{path}"])
        harness.check(answers is not None, "nobody is answered any more")
        took = [one for one, answer in zip([*where, "its own"], answers) if answer["err"] == 0]
        with open(kept) as file:
            same = file.read() == "kept" and sorted(os.listdir(directory)) == before
        return bool(took) or not same, f"{len(answers)} places refused" if same and not took else f"took {took}"

    def free_place():
        path = os.path.join(lab.fresh("free"), "s")
        answers = let_in_at(lambda _: [f"unix:{path}"])
        return bool(answers) and "command" in answers[0], "listens at a free one"

    # ---- guests ---------------------------------------------------------------------------------------------------------

    def reaches(name, attempt):
        """Whether somebody who knows the socket's name gets its run locked."""
        path = name or os.path.join(lab.fresh("reached"), "s")
        return attempt(path)

    def as_guest(path):
        directory = os.path.dirname(path) if path.startswith("/") else lab.fresh("empty")
        inside = f"/b/{os.path.basename(path)}" if path.startswith("/") else path
        with running(lab.attack, "reach-socket", inside, path, options=["--bind", f"{directory}:/b"],
                     path=path) as (process, _):
            said = harness.next_line(process)
            harness.check(said == b"done\n", f"{said!r}")
            try:
                with Peer(path) as peer:
                    state = peer.ask("stat")
            except ConnectionRefusedError:
                return True, "locked it"
            return state["control"]["accepted"] != 1, "never connected"

    def as_process(path):
        with running(*waiting, path=path) as (_, __):
            lab.native("reach-socket", path, path)
            try:
                with Peer(path) as peer:
                    peer.ask("ping")
            except (ConnectionRefusedError, harness.Failure):
                return True, "locked it"
            return False, "never connected"

    return [
        Attack("lines of more than 4,096 bytes", too_long, lambda: kills_by(b"kill 2".ljust(4095) + b"\n")),
        Attack("bytes that are no words", rubbish, lambda: kills_by(b"\t kill\t  2 \r\n")),
        Attack("numbers beyond every process", numbers, lambda: kills_by("prompt i\nkill 2147483649\nkill 02\n")),
        Attack("orders after the lock", locked, lambda: kills_by("prompt i\nkill 2\nlock\n")),
        *control_senders.attacks(lab),
        Attack("names that break answers and terminals", speak, arrive),
        Attack("processes that have ended", ended, sleeping),
        Attack("gdb at a socket that accepts nobody", deaf, free_place),
        Attack("gdb at the places of others", places_of_others, free_place),
        Attack("a guest that has the socket's directory", lambda: reaches("", as_guest),
               lambda: reaches("", as_process)),
        Attack("a guest that knows its abstract name", lambda: reaches(ABSTRACT, as_guest),
               lambda: reaches(ABSTRACT, as_process)),
    ]
