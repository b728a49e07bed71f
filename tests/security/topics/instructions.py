"""Other doors into the kernel than `syscall`."""
import os

from lab import Attack, effect_in, ended, unharmed


def attacks(lab):
    def makes_file(name):
        def attempt(run):
            path = os.path.join(lab.fresh("made"), "made")
            outcome = run(name, path)
            return os.path.exists(path), "made a file" if os.path.exists(path) else ended(outcome)

        def control():
            worked, text = attempt(lab.native)
            # Not every processor has sysenter in 64-bit mode, and not every kernel the other tables.
            return (worked, text) if worked else f"natively {text}"

        return Attack(name, lambda: attempt(lambda *words: unharmed(lab.guest(*words))), control)

    def reads_time():
        worked, text = effect_in(lab.native("vsyscall-page"))
        return (worked, text) if worked else f"natively {text}"

    return [
        makes_file("interrupt-gate"),
        makes_file("far-return"),
        makes_file("fast-entry"),
        makes_file("x32-number"),
        Attack("vsyscall-page", lambda: effect_in(unharmed(lab.guest("vsyscall-page"))), reads_time),
    ]
