"""The page of Linux code every guest has."""
import os

from lab import Attack, Victim, effect_in, ended, unharmed


def attacks(lab):
    def guest(*words):
        return unharmed(lab.guest(*words))

    sites = int(lab.native("stub-sites").text.split()[1])

    def at_every_site(operation, attempt):
        def all_sites(run):
            hits = []
            for site in range(sites):
                hit, _ = attempt(run, site)
                if hit:
                    hits.append(site)
            return bool(hits), f"{len(hits)} of {sites} sites"

        return Attack(f"{operation} at every call of the stub", lambda: all_sites(guest),
                      lambda: all_sites(lab.native))

    def writes(run, site):
        return effect_in(run("stub-jump", site, "write"))

    def creates(run, site):
        path = os.path.join(lab.fresh("made"), "made")
        outcome = run("stub-jump", site, "create", path)
        return os.path.exists(path), ended(outcome)

    def kills(run, site):
        with Victim() as victim:
            outcome = run("stub-jump", site, "kill", victim.id)
            return not victim.alive, ended(outcome)

    def same_sites():
        outcome = guest("stub-sites")
        return f"sites: {sites}\n" != outcome.text, f"{sites} sites, as in the control"

    return [
        Attack("the attacker sees the stub", same_sites, lambda: (sites > 0, f"{sites} sites")),
        at_every_site("write", writes),
        at_every_site("create", creates),
        at_every_site("kill", kills),
        Attack("a batch of commands", lambda: effect_in(guest("stub-batch")),
               lambda: effect_in(lab.native("stub-batch"))),
    ]
