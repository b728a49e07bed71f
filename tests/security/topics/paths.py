"""Files that were not given."""
import hashlib
import os
import subprocess
import sys

import harness
from lab import Attack, ended, unharmed

_SWAPPER = """
import ctypes, os, sys
directory = sys.argv[1]
libc = ctypes.CDLL(None, use_errno=True)
a, b = (os.path.join(directory, name).encode() for name in ("turning", "other"))
print("ready", flush=True)
while True:
    libc.renameat2(-100, a, -100, b, 2)  # RENAME_EXCHANGE
"""


def attacks(lab):
    def guest(*words, **options):
        return unharmed(lab.guest(*words, **options))

    outside = lab.fresh("outside")
    secret = os.path.join(outside, "secret")
    with open(secret, "w") as file:
        file.write("SECRET of the host")
    inside = lab.fresh("inside")
    os.makedirs(os.path.join(inside, "deep/er"))
    with open(os.path.join(inside, "plain"), "w") as file:
        file.write("inside")
    links = {
        "absolute": secret,
        "relative": "../outside/secret",
        "climbing": "deep/../../outside/secret",
        "many": "/".join([".."] * 64) + secret,
        "directory": outside,
        "root": "/",
        "up": "..",
        "proc": "/proc/self/root" + secret,
        "own_root": "/proc/self/cwd/../../../../../../.." + secret,
    }
    for name, target in links.items():
        os.symlink(target, os.path.join(inside, name))
    os.symlink("absolute", os.path.join(inside, "twice"))
    bind = ["--bind", f"{inside}:/b"]

    def reads(name, *paths, options=bind):
        """Paths below the bound directory; the control opens the same names on the host."""

        def attempt(run, prefix):
            outcome = run("read-paths", *[prefix + path for path in paths])
            return "SECRET" in outcome.text, "read it" if "SECRET" in outcome.text else ended(outcome)

        return Attack(name, lambda: attempt(lambda *words: guest(*words, options=options), "/b"),
                      lambda: attempt(lab.native, inside))

    def climbs():
        paths = ["../outside/secret", "deep/../../outside/secret", "/".join([".."] * 40) + secret, secret,
                 "./../outside/secret", "deep/er/../../../outside/secret", "..", "../", "deep//..//..//outside/secret"]
        outcome = guest("climb", "/b", *paths, options=bind)
        return "SECRET" in outcome.text, ended(outcome)

    def magic(run, prefix):
        with open(secret) as held:
            own = os.getpid()
            paths = ["/self/root" + secret, "/thread-self/root" + secret, f"/{own}/fd/{held.fileno()}",
                     f"/{own}/root{secret}", f"/{own}/task/{own}/fd/{held.fileno()}", f"/{own}/cwd/../../../../..{secret}"]
            outcome = run("read-paths", *[prefix + path for path in paths])
            return "SECRET" in outcome.text, "read it" if "SECRET" in outcome.text else ended(outcome)

    def races(run, prefix, rounds):
        directory = lab.fresh("race")
        os.makedirs(os.path.join(directory, "turning"))
        with open(os.path.join(directory, "turning/secret"), "w") as file:
            file.write("inside")
        os.symlink(outside, os.path.join(directory, "other"))
        swapper = harness.start([sys.executable, "-c", _SWAPPER, directory], stdout=subprocess.PIPE)
        try:
            swapper.stdout.readline()
            outcome = run(directory, "race", f"{prefix or directory}/turning/secret", rounds)
        finally:
            swapper.kill()
            harness.finish(swapper)
        counts = {line.split(": ")[0]: int(line.split(": ")[1]) for line in outcome.text.splitlines()}
        harness.check(counts.get("inside", 0) > 0 and sum(counts.values()) == rounds, f"no race took place\n{outcome}")
        return counts["secret"] > 0, f"{counts['inside']} inside, {counts['secret']} secret, {counts['refused']} refused"

    def digest(directory):
        """Everything about a tree that a write would change."""
        state = hashlib.sha256()
        for place, folders, files in sorted(os.walk(directory)):
            for name in sorted(folders + files):
                path = os.path.join(place, name)
                info = os.lstat(path)
                state.update(f"{path} {info.st_mode} {info.st_size} {info.st_mtime_ns} {info.st_nlink}\n".encode())
                if name in files and not os.path.islink(path):
                    with open(path, "rb") as file:
                        state.update(file.read())
        return state.hexdigest()

    def changes(attack, options_for, target):
        directory = lab.fresh("written")
        os.makedirs(os.path.join(directory, "olddir"))
        for name in ("old", "moved", "file"):
            with open(os.path.join(directory, name), "w") as file:
                file.write("original " * 100)
        before = digest(directory)
        outcome = guest(attack, target, options=options_for(directory))
        harness.check(outcome.status == 0, f"the guest did not live on\n{outcome}")
        changed = digest(directory) != before
        return changed, "changed it" if changed else "unchanged"

    def read_only(name, attack, guarded_options, free_options, target):
        return Attack(name, lambda: changes(attack, guarded_options, target),
                      lambda: changes(attack, free_options, target))

    def carries(name, target_bind):
        """From a read-only bind into a writable one: writing to the new name would write to the old file."""

        def attempt(mode):
            source, target = lab.fresh("source"), lab.fresh("target")
            path = os.path.join(source, "file")
            with open(path, "w") as file:
                file.write("original")
            to = "/t/file" if target_bind == "other" else "/s/second"
            options = ["--bind", f"{source}:/s{mode}", "--bind", f"{target}:/t"]
            outcome = guest(name, "/s/file", to, options=options)
            harness.check(outcome.status == 0, f"the guest did not live on\n{outcome}")
            kept = os.path.exists(path) and open(path).read() == "original" and len(os.listdir(source)) == 1
            return not kept, ended(outcome) if kept else "changed it"

        return attempt

    return [
        reads("symbolic links out of a bound directory", *("/" + name for name in links),
              "/twice", "/directory/secret", "/root" + secret, "/up/outside/secret", "/deep/../up/outside/secret"),
        reads("dots out of a bound directory", "/../outside/secret", "/deep/../../outside/secret",
              "/../" * 20 + outside + "/secret", "/./.././outside/secret"),
        Attack("dots below an open directory", climbs,
               lambda: (lambda outcome: ("SECRET" in outcome.text, "read it"))(
                   lab.native("read-paths", f"{inside}/../outside/secret"))),
        Attack("magic links of a bound /proc",
               lambda: magic(lambda *words: guest(*words, options=["--bind", "/proc:/b"]), "/b"),
               lambda: magic(lab.native, "/proc")),
        Attack("a directory that turns into a link",
               lambda: races(lambda directory, *words: guest(*words, options=["--bind", f"{directory}:/b"]), "/b", 4000),
               lambda: races(lambda _, *words: lab.native(*words), "", 20000)),
        read_only("write to a file under --bind …:ro", "overwrite", lambda d: ["--bind", f"{d}:/b:ro"],
                  lambda d: ["--bind", f"{d}:/b"], "/b/file"),
        read_only("write to a file under --ro", "overwrite", lambda d: ["--root", d, "--ro"],
                  lambda d: ["--root", d], "/file"),
        read_only("change a directory under --bind …:ro", "rearrange", lambda d: ["--bind", f"{d}:/b:ro"],
                  lambda d: ["--bind", f"{d}:/b"], "/b"),
        read_only("change a directory under --ro", "rearrange", lambda d: ["--root", d, "--ro"],
                  lambda d: ["--root", d], ""),
        Attack("link a read-only file within its bind", lambda: carries("carry-link", "same")(":ro"),
               lambda: carries("carry-link", "same")("")),
        Attack("link a read-only file into a writable bind", lambda: carries("carry-link", "other")(":ro"),
               lambda: carries("carry-link", "same")("")),
        Attack("rename a read-only file within its bind", lambda: carries("carry-rename", "same")(":ro"),
               lambda: carries("carry-rename", "same")("")),
        Attack("rename a read-only file into a writable bind", lambda: carries("carry-rename", "other")(":ro"),
               lambda: carries("carry-rename", "same")("")),
    ]
