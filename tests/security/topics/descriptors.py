"""Descriptors that were not given."""
import os

import harness
from lab import Attack, unharmed


def attacks(lab):
    def guest(*words, **options):
        return unharmed(lab.guest(*words, **options))

    def guesses(opened):
        outcome = guest("guess-descriptors", opened)
        harness.check("known: 7\n" in outcome.text, f"the program's own descriptors are not all there\n{outcome}")
        count = int(outcome.text.split("unknown: ")[1].split()[0])
        return count != opened, f"{count} found beside its own 7"

    def guesses_found():
        succeeded, text = guesses(5)
        return not succeeded, text

    def fills(name, *words, least, options=()):
        outcome = guest(name, *words, options=options)
        harness.check(outcome.status == 0, f"the guest did not live on\n{outcome}")
        held = int(outcome.text.split("held: ")[1].split()[0])
        harness.check("then: error 24\n" in outcome.text, f"not EMFILE\n{outcome}")
        harness.check(held >= least, f"only {held}\n{outcome}")
        return held > 65536, f"EMFILE after {held}"

    def dup_again():
        outcome = guest("exhaust-descriptors")
        return "again: 3\n" in outcome.text, "closing one makes room for one"

    def host_files():
        # Each open file of a bound directory costs the supervisor a descriptor of the host: its own limit is met as
        # EMFILE or ENFILE, and the program ends well.
        path = os.path.join(lab.fresh("bound"), "file")
        with open(path, "w") as file:
            file.write("x")
        outcome = guest("exhaust-files", "/b/file", options=["--bind", f"{os.path.dirname(path)}:/b"])
        harness.check(outcome.status == 0, f"the guest did not live on\n{outcome}")
        text = outcome.text
        harness.check("then: error 24\n" in text or "then: error 23\n" in text, f"neither EMFILE nor ENFILE\n{outcome}")
        held = int(text.split("held: ")[1].split()[0])
        return held > 65536, f"refused after {held}"

    return [
        Attack("guess the numbers of others", lambda: guesses(0), guesses_found),
        Attack("more descriptors than a table has", lambda: fills("exhaust-descriptors", least=60000), dup_again),
        Attack("more host files than the table has", host_files, dup_again),
    ]
