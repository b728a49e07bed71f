"""Linux's own call numbers."""
import os
import socket

import harness
from lab import Attack, Victim, effect_in, ended, unharmed


def attacks(lab):
    def makes_files(name, *more):
        """An attack that leaves files behind: which ones it left."""

        def attempt(run):
            directory = lab.fresh("made")
            existing = os.path.join(directory, "existing")
            with open(existing, "w") as file:
                file.write("x")
            outcome = run(name, os.path.join(directory, "made-"), *[existing for _ in more])
            made = sorted(entry for entry in os.listdir(directory) if entry.startswith("made-"))
            return bool(made), f"{len(made)} files made" if made else ended(outcome)

        return Attack(name, lambda: attempt(guest), lambda: attempt(lab.native))

    def guest(*words, **options):
        return unharmed(lab.guest(*words, **options))

    def reports(name, *words):
        return Attack(name, lambda: effect_in(guest(name, *words)), lambda: effect_in(lab.native(name, *words)))

    def connects(run):
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0)
            outcome = run("connect", server.getsockname()[1])
            try:
                peer, _ = server.accept()
                peer.close()
                return True, "connected"
            except BlockingIOError:
                return False, ended(outcome)

    def kills(run):
        with Victim() as victim:
            outcome = run("kill", victim.id)
            return not victim.alive, "killed it" if not victim.alive else ended(outcome)

    def kills_supervisor():
        # The shell becomes the supervisor, so the attacker knows whom to kill.
        outcome = harness.run(["sh", "-c", 'exec "$0" run -- "$1" kill $$', lab.halfcell, lab.attack])
        return outcome.status < 0, ended(outcome)

    def kills_own_parent():
        outcome = harness.run(["sh", "-c", '"$1" kill $$; exit 0', lab.halfcell, lab.attack])
        return outcome.status < 0, ended(outcome)

    def writes(name):
        def attempt(run):
            with Victim() as victim:
                outcome = run(name, victim.id, victim.address)
                content = victim.content()
                return content != "UNTOUCHED", f"memory says {content}" if content != "UNTOUCHED" else ended(outcome)

        def control():
            worked, text = attempt(lab.native)
            return (worked, text) if worked else f"this host forbids it to everybody ({text})"

        return Attack(name, lambda: attempt(guest), control)

    def sweeps():
        # 0 to 460, then numbers of no Linux: each must be unknown, whatever its arguments.
        for first, last in ((0, 460), (461, 1100), (0x7E00_0000, 0x7E00_0010), (0x7F00_0000, 0x7F00_0010)):
            outcome = guest("sweep-numbers", first, last)
            if "answered: 0\n" not in outcome.text:
                return True, outcome.text
        return False, "all unknown"

    def trampolines():
        # The host ends the caller before any filter is asked; it must look like a fault of the guest.
        seen = set()
        for number in (335, 336):
            outcome = guest("trampoline-number", number)
            harness.check(outcome.status in (0, 128 + 4), f"ends otherwise\n{outcome}")
            if effect_in(outcome)[0]:
                return True, "Linux did it"
            seen.add(ended(outcome) + outcome.text.strip())
        return False, ", ".join(sorted(seen))

    return [
        makes_files("create-files"),
        makes_files("link-files", "existing"),
        makes_files("execute"),
        Attack("connect", lambda: connects(guest), lambda: connects(lab.native)),
        Attack("kill a stranger", lambda: kills(guest), lambda: kills(lab.native)),
        Attack("kill the supervisor", kills_supervisor, kills_own_parent),
        writes("write-process-memory"),
        writes("trace-process"),
        reports("make-ring"),
        reports("make-thread"),
        reports("map-executable"),
        reports("set-segment-base"),
        Attack("sweep-numbers", sweeps, lambda: effect_in(lab.native("sweep-harmless"))),
        Attack("the numbers of Linux's probes", trampolines, lambda: "no process may make these calls"),
    ]
