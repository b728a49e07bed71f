#!/usr/bin/env python3
"""What --env, --cwd, --root, --ro, --bind and --schemes show to the guest."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check, expect

build = build_under_test()
suite = Suite()


def tree(name):
    directory = suite.fresh(name)
    os.makedirs(os.path.join(directory, "sub"))
    with open(os.path.join(directory, "file"), "w") as file:
        file.write("content\n")
    with open(os.path.join(directory, "sub", "below"), "w") as file:
        file.write("below\n")
    return directory


@suite.test
def environment():
    outcome = expect(build.run("env", options=["--env", "A=1", "--env", "B=two words", "--env", "EMPTY="]))
    lines = outcome.text.splitlines()
    for line in ("A=1", "B=two words", "EMPTY="):
        check(line in lines, f"no {line}\n{outcome}")


@suite.test
def the_host_s_environment_stays_outside():
    outcome = expect(build.run("env", env={**os.environ, "HOST_SECRET": "yes"}))
    check("HOST_SECRET" not in outcome.text, f"it shows\n{outcome}")


@suite.test
def environment_of_the_host_that_is_asked_for():
    host = {"PATH": os.environ["PATH"], "GIVEN_A": "1", "GIVEN_B": "two words", "OTHER": "x"}
    outcome = expect(build.run("env", options=["--env", "GIVEN_*", "--env", "UNSET", "--env", "PATH=/bin"], env=host))
    check(sorted(outcome.text.splitlines()) == ["GIVEN_A=1", "GIVEN_B=two words", "PATH=/bin"], str(outcome))
    outcome = expect(build.run("env", options=["--env", "OTHER"], env=host))
    check("OTHER=x" in outcome.text and "GIVEN" not in outcome.text, str(outcome))
    # Whatever the host calls a variable can be asked for; what it has not is left out.
    host["%odd name%"] = "1"
    outcome = expect(build.run("env", options=["--env", "%odd name%", "--env", "%o*", "--env", "NONE_*"], env=host))
    check(outcome.text.count("%odd name%=1\n") == 2 and "NONE" not in outcome.text, str(outcome))


@suite.test
def the_host_s_own_directory():
    directory = tree("own")
    options = ["--bind", ".", "--cwd", "."]
    expect(build.run("cat", "sub/below", options=options, cwd=directory), 0, out="below\n")
    expect(build.run("pwd", options=options, cwd=directory), 0, out=directory + "\n")
    expect(build.run("pwd", options=[*options[:3], "sub"], cwd=directory), 0, out=directory + "/sub\n")
    expect(build.run("cat", f"{directory}/file", options=["--bind", directory]), 0, out="content\n")


@suite.test
def working_directory():
    directory = tree("cwd")
    expect(build.run("pwd", options=["--root", directory, "--cwd", "/sub"]), 0, out="/sub\n")
    expect(build.run("cat", "below", options=["--root", directory, "--cwd", "/sub"]), 0, out="below\n")
    expect(build.run("pwd"), 0, out="/\n")


@suite.test
def a_root_of_the_host():
    directory = tree("root")
    expect(build.run("cat", "/file", options=["--root", directory]), 0, out="content\n")
    expect(build.run("cp", "/file", "/copy", options=["--root", directory]), 0)
    with open(os.path.join(directory, "copy")) as file:
        check(file.read() == "content\n", "the copy holds something else")


@suite.test
def a_root_in_memory_leaves_nothing():
    before = sorted(os.listdir("/"))
    expect(build.run("mkdir", "/made-by-a-guest"), 0)
    check(sorted(os.listdir("/")) == before, "the host's root has changed")
    outcome = build.run("ls", suite.directory)
    check(outcome.status == 2, f"a directory of the host in the in-memory root\n{outcome}")


@suite.test
def a_read_only_root():
    directory = tree("ro")
    expect(build.run("cat", "/file", options=["--root", directory, "--ro"]), 0, out="content\n")
    for command in (["rm", "/file"], ["touch", "/new"], ["mkdir", "/new"], ["cp", "/file", "/new"],
                    ["mv", "/file", "/new"], ["chmod", "777", "/file"], ["ln", "-s", "x", "/new"]):
        outcome = build.run(*command, options=["--root", directory, "--ro"])
        check(outcome.status == 1, f"it succeeds\n{outcome}")
        check("read-only" in outcome.message.lower() or "EROFS" in outcome.message, f"another reason\n{outcome}")
    check(sorted(os.listdir(directory)) == ["file", "sub"], "the directory has changed")


@suite.test
def binds():
    first, second = tree("first"), tree("second")
    options = ["--bind", f"{first}:/a", "--bind", f"{second}:/deep/er/b:ro"]
    expect(build.run("cat", "/a/sub/below", "/deep/er/b/file", options=options), 0, out="below\ncontent\n")
    expect(build.run("touch", "/a/new", options=options), 0)
    check(os.path.exists(os.path.join(first, "new")), "nothing was made")
    outcome = build.run("touch", "/deep/er/b/new", options=options)
    check(outcome.status == 1 and not os.path.exists(os.path.join(second, "new")), f"a write through :ro\n{outcome}")
    outcome = expect(build.run("ls", "/", options=options))
    check("a\n" in outcome.text and "deep\n" in outcome.text, f"binds do not show in the root\n{outcome}")


@suite.test
def a_bound_file():
    path = os.path.join(tree("one"), "file")
    expect(build.run("cat", "/etc/motd", options=["--bind", f"{path}:/etc/motd"]), 0, out="content\n")
    outcome = build.run("cat", "/etc/other", options=["--bind", f"{path}:/etc/motd"])
    check(outcome.status == 1, f"its neighbours show\n{outcome}")


@suite.test
def a_bind_inside_a_root():
    root, bound = tree("outer"), tree("inner")
    options = ["--root", root, "--bind", f"{bound}:/sub"]
    expect(build.run("cat", "/sub/file", options=options), 0, out="content\n")


@suite.test
def sys_and_the_embedded_programs():
    # Two files can only be written, and the kernel says EISDIR to who asks for their size: hence no `expect`.
    outcome = build.run("ls", "-l", "/scheme/sys")
    for name in ("context", "cpu", "uname", "env", "exe"):
        check(name in outcome.text, f"no {name}\n{outcome}")
    outcome = expect(build.run("ls", "/scheme/initfs/bin"))
    check("cat\n" in outcome.text and "sha256sum\n" in outcome.text, f"not the programs\n{outcome}")
    outcome = build.run("rm", "/scheme/initfs/bin/cat")
    check(outcome.status == 1, f"an embedded program can be removed\n{outcome}")


@suite.test
def only_some_schemes():
    missing = "No such device"  # ENODEV, upstream's answer
    some = ["--schemes", "null,s*"]
    outcome = expect(build.run("ls", "/scheme", options=some), 0)
    check(outcome.text.split() == ["null", "serio", "shm", "stdio", "sys"], f"another list\n{outcome}")
    expect(build.run("cat", "/scheme/null", options=some), 0, out="")
    for path in ("/scheme/zero", "/scheme/file", "/etc/passwd", "etc/passwd", "../etc/passwd"):
        outcome = build.run("cat", path, options=some)
        check(outcome.status == 1 and missing in outcome.message, f"{path} is there\n{outcome}")
    # Without files there is no working directory; with them there is.
    check(build.run("ls", options=some).status == 2, "a working directory without files")
    expect(build.run("ls", options=["--schemes=file"]), 0)
    # The root's capability to make schemes is not part of what is passed on.
    expect(build.run(build.probe, "capability"), 0, out="0\n")
    expect(build.run(build.probe, "capability", options=["--schemes", "*"]), 0, out="13\n")


@suite.test
def schemes_that_do_not_exist():
    outcome = expect(build.run("true", options=["--schemes", "null,nosuch"]), 125, out="", err="there is no nosuch")
    check("zero" in outcome.message, f"it does not say what there is\n{outcome}")


@suite.test
def the_help_names_the_program_and_the_file_of_a_trace():
    text = build.run("true", options=["--help"]).text
    check("run [OPTIONS] [--] PROGRAM [ARGUMENT]...\n" in text and "--trace[=FILE]" in text, text)


@suite.test
def schemes_without_a_status_are_listed_as_schemes():
    outcome = expect(build.run("ls", "-l", "/scheme"), 0, err="")
    check("?" not in outcome.text, str(outcome))
    check(any(line.split() == ["scheme", "-", "-", "-", "-", "-", "chan"] for line in outcome.text.splitlines()),
          str(outcome))


suite.main()
