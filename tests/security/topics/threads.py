"""Many threads, and threads against each other."""
import harness
from lab import Attack, effect_in, ended, unharmed


def attacks(lab):
    def guest(*words, **options):
        return unharmed(lab.guest(*words, **options))

    def bombs(limit):
        outcome = guest("bomb", 40, options=[f"--process-limit={limit}"])
        harness.check(outcome.status == 0, f"the guest did not live on\n{outcome}")
        succeeded, text = effect_in(outcome)
        if not succeeded:
            harness.check("then: error 11\n" in outcome.text, f"not EAGAIN\n{outcome}")
            text = "EAGAIN after " + outcome.text.split("started: ")[1].split()[0]
        return succeeded, text

    def leaves():
        outcome = guest("leave-spinning", 3)
        harness.check(outcome.status == 9, f"ends otherwise\n{outcome}")
        return False, ended(outcome)

    def scribbles(*words):
        outcome = guest("scribble-frames", 300, *words)
        return outcome

    def overwrites():
        # The guest may die of what it does to itself. The supervisor may not.
        seen = {ended(scribbles("scribble")) for _ in range(5)}
        return False, "the guest: " + ", ".join(sorted(seen))

    return [
        Attack("more threads than --process-limit", lambda: bombs(10), lambda: bombs(100)),
        Attack("threads that spin when the program ends", leaves, lambda: (leaves()[1] == "status 9", "status 9")),
        Attack("overwrite the frames of parked threads", overwrites, lambda: effect_in(scribbles())),
    ]
