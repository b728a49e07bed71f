#!/usr/bin/env python3
"""As root, as an ordinary user and inside a user namespace: the same programs, the same answers."""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check, expect, run

build = build_under_test()
suite = Suite()


def copies():
    """The programs and a directory where every user can reach them."""
    directory = suite.fresh("copies")
    os.chmod(suite.directory, 0o755)
    os.chmod(directory, 0o777)
    for path in (build.halfcell, build.probe):
        subprocess.run(["install", "-m", "755", path, directory], check=True)
    return directory


def tour(prefix):
    """A few programs with everything that has depended on privileges once."""
    if subprocess.run([*prefix, "true"], capture_output=True).returncode:
        return "this host does not allow " + " ".join(prefix)
    directory = copies()
    halfcell, probe = os.path.join(directory, "halfcell"), os.path.join(directory, "probe")

    def guest(*words, **options):
        return run([*prefix, halfcell, "run", "--bind", f"{directory}:/b", "--", *words], **options)

    expect(guest(probe, "exit", 7), 7, out="", err="")
    expect(guest("cat", stdin=b"through"), 0, out=b"through")
    expect(guest(probe, "count", 200, 4), 0, out="800\n")
    expect(guest(probe, "leave", 2, "spin", "sleep", "calls"), 5)
    check(guest(probe, "fault", "write").status == 128 + 11, "another end of a fault")
    expect(guest("cp", "/b/probe", "/b/copy"), 0)
    with open(probe, "rb") as one, open(os.path.join(directory, "copy"), "rb") as other:
        check(one.read() == other.read(), "the copy differs")
    expect(guest("ls", "/scheme/sys"), 0)
    return None


@suite.test
def as_whoever_runs_the_test():
    return tour(["env"])


@suite.test
def as_an_ordinary_user():
    if os.getuid() != 0:
        return "the test is one already"
    return tour(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"])


@suite.test
def in_a_user_namespace():
    return tour(["unshare", "-U"])


@suite.test
def as_root_of_a_user_namespace():
    return tour(["unshare", "-Ur"])


@suite.test
def without_capabilities():
    if os.getuid() != 0:
        return "nobody here has any"
    return tour(["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"])


@suite.test
def a_file_the_user_may_not_read():
    if os.getuid() != 0:
        return "everything here belongs to the user"
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode:
        return "this host lets nobody become another user"
    directory = copies()
    secret = os.path.join(directory, "secret")
    with open(secret, "w") as file:
        file.write("SECRET")
    os.chmod(secret, 0o600)
    outcome = run([*prefix, os.path.join(directory, "halfcell"), "run", "--bind", f"{directory}:/b", "cat", "/b/secret"])
    check(outcome.status == 1 and b"SECRET" not in outcome.out, f"it is shown\n{outcome}")
    return None


suite.main()
