"""More than the supervisor could bear, of what it keeps itself."""
import harness
from lab import Attack, effect_in, unharmed

_MEGABYTE = 1 << 20


def attacks(lab):
    def floods(name, total, limit, most):
        """`most`: what may be held under that limit, in the attack's own unit."""
        outcome = unharmed(lab.guest(name, total, options=[f"--memory-limit={limit}M"]))
        harness.check(outcome.status == 0, f"the guest did not live on\n{outcome}")
        succeeded, text = effect_in(outcome)
        held = int(outcome.text.split("held: ")[1].split()[0])
        if not succeeded:
            harness.check("then: error 12\n" in outcome.text, f"not ENOMEM\n{outcome}")
            harness.check(most // 2 < held <= most, f"{held} held, and {most} may be\n{outcome}")
            text = f"ENOMEM after {held}"
        return succeeded, text

    def flood(title, name, total, unit):
        return Attack(title, lambda: floods(name, total, 32, 32 * unit), lambda: floods(name, total, 256, 256 * unit))

    def together(threads):
        outcome = unharmed(lab.guest("flood-together", threads))
        harness.check(outcome.status == 0, f"the guest did not live on\n{outcome}")
        harness.check("then: error 24\n" in outcome.text, f"not EMFILE\n{outcome}")
        return int(outcome.text.split("held: ")[1].split()[0])

    def more_together():
        alone, many = together(1), together(8)
        # Every thread costs its own three descriptors before the table is full.
        return many > alone, f"{many} by eight, {alone} by one"

    return [
        flood("bytes in pipes", "flood-pipes", 128 * _MEGABYTE, _MEGABYTE),
        flood("bytes in connections", "flood-sockets", 128 * _MEGABYTE, _MEGABYTE),
        flood("pipes within pipes", "flood-nested", 100_000, 1024),
        Attack("eight threads fill one table", more_together, lambda: (together(8) > 60_000, "the table is filled")),
    ]
