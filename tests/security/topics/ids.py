"""Numbers that somebody else has had before: processes, threads, descriptors, handles, schemes, tags."""
import os

import harness
from control_peer import Peer, runs_with_socket
from lab import Attack, effect_in, unharmed


def attacks(lab):
    running = runs_with_socket(harness.Build(os.path.dirname(lab.halfcell)), lab)
    successors = os.path.join(os.path.dirname(lab.attack), "successors")

    def guest(*words):
        outcome = unharmed(lab.guest(*words))
        harness.check(outcome.status == 0, f"the guest did not live on\n{outcome}")
        return outcome

    def succeeds(what, *control):
        outcome = unharmed(harness.run([lab.halfcell, "run", "--", successors, what, *control]))
        harness.check(outcome.text.endswith("PASS\n"), f"it did not come to its end\n{outcome}")
        return effect_in(outcome)

    def succession(title, what):
        return Attack(title, lambda: succeeds(what), lambda: succeeds(what, "control"))

    def renumbers(name):
        """Gives the number away when the run says that the call waits."""
        with running(lab.attack, name, ready=b"waiting\n") as (process, path):
            with Peer(path) as peer:
                peer.many()
                # Its first thread waits for input.
                harness.wait_until(lambda: len(peer.ask("blocked")["waits"]) == 2, "a call that waits")
            process.stdin.write(b"\n")
            process.stdin.flush()
            said = process.stdout.read().decode()
            harness.check(process.wait(harness.DEADLINE) == 0, f"the guest did not live on: {said}")
        return said.startswith("EFFECT"), said.strip().removeprefix("EFFECT ") or "what it was made on"

    def renumbered(title, name):
        return Attack(title, lambda: renumbers(name), lambda: effect_in(guest(name, "after")))

    def watched(*control):
        return effect_in(guest("renumber-watched", 500, *control))

    def replaced():
        outcome = guest("replace-thread", 200)
        harness.check("taken by the dead: 0\n" in outcome.text, f"a dead thread has read something\n{outcome}")
        return effect_in(outcome)

    return [
        succession("processes that were waited for", "processes"),
        renumbered("a read whose descriptor becomes another", "renumber-read"),
        renumbered("a write whose descriptor becomes another", "renumber-write"),
        renumbered("a wait for events likewise", "renumber-events"),
        Attack("a watched descriptor becomes another", watched, lambda: watched("watched")),
        Attack("threads killed in their calls, and the next", replaced,
               lambda: effect_in(guest("replace-thread", 1, "own"))),
        succession("handles of a scheme that has ended", "schemes"),
        succession("an answer to a caller who has gone", "late-answers"),
        succession("a server that answers every tag", "lies"),
    ]
