"""What a call is told changes while it reads it."""
import os

import harness
from lab import Attack, effect_in, unharmed

_ROUNDS = 1500
_STUB_CODE = 0x7FFF_E000_0000
_FREE = 0x6FFF_0000_0000


def attacks(lab):
    def guest(*words, **options):
        return unharmed(lab.guest(*words, **options))

    outside = lab.fresh("outside")
    with open(os.path.join(outside, "file"), "w") as file:
        file.write("SECRET of the host")
    inside = lab.fresh("inside")
    os.makedirs(os.path.join(inside, "plain"))
    with open(os.path.join(inside, "plain", "file"), "w") as file:
        file.write("inside")
    os.symlink(outside, os.path.join(inside, "leave"))

    def number(outcome, name):
        return int(outcome.text.split(f"{name}: ")[1].split()[0])

    def turns(*binds):
        """The control binds the other directory too: then its name leads somewhere, and the race reaches it."""
        options = [word for bind in binds for word in ("--bind", bind)]
        outcome = guest("race-path", _ROUNDS, "/b/plain/file", "/b/leave/file" if len(binds) == 1 else "/o-other/file",
                        options=options)
        harness.check(outcome.status == 0, f"the guest did not live on\n{outcome}")
        harness.check(number(outcome, "opened") > 0, f"never opened anything\n{outcome}")
        succeeded, text = effect_in(outcome)
        if not succeeded:
            harness.check(number(outcome, "refused") > 0, f"never met the other name\n{outcome}")
            text = f"{number(outcome, 'refused')} of {_ROUNDS} refused"
        return succeeded, text

    def maps(address):
        outcome = guest("race-map", _ROUNDS, hex(address))
        harness.check(outcome.status == 0, f"the guest did not live on\n{outcome}")
        harness.check(number(outcome, "mapped elsewhere") > 0, f"never mapped anything\n{outcome}")
        succeeded, text = effect_in(outcome)
        if not succeeded:
            harness.check(number(outcome, "refused") > 0, f"never met the other address\n{outcome}")
            text = f"{number(outcome, 'refused')} of {_ROUNDS} refused"
        return succeeded, text

    def protects(*words):
        outcome = guest("race-protection", _ROUNDS, *words)
        harness.check(outcome.status == 0, f"the guest did not live on\n{outcome}")
        succeeded, text = effect_in(outcome)
        harness.check(succeeded or number(outcome, "stored") == 0, f"a call says that it stored\n{outcome}")
        return succeeded, text if succeeded else "never stored"

    def comes_and_goes():
        outcome = guest("race-mapping", _ROUNDS)
        harness.check(outcome.status == 0, f"the guest did not live on\n{outcome}")
        succeeded, text = effect_in(outcome)
        counts = number(outcome, "done"), number(outcome, "faults")
        harness.check(sum(counts) == 4 * _ROUNDS or succeeded, f"some calls are missing\n{outcome}")
        return succeeded, text if succeeded else f"{counts[0]} done, {counts[1]} EFAULT"

    def meets_it():
        succeeded, text = comes_and_goes()
        return not succeeded and not text.endswith(" 0 EFAULT") and not text.startswith("0 "), text

    return [
        Attack("a name that turns while it is opened", lambda: turns(f"{inside}:/b"),
               lambda: turns(f"{inside}:/b", f"{outside}:/o-other")),
        Attack("an address that turns to the stub's", lambda: maps(_STUB_CODE), lambda: maps(_FREE)),
        Attack("a page that is accessible at times", protects, lambda: protects("writable")),
        Attack("a page that comes and goes", comes_and_goes, meets_it),
    ]
