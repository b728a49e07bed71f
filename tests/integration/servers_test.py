#!/usr/bin/env python3
"""The examples of the server kit, with the tools and with a client of their own: served by a guest, by a program of
the host that halfcell starts, and by one that listens. Who serves a scheme must not show."""
import os
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from handshake_peer import listens
from harness import (Suite, build_under_test, check, descendants, expect, finish, name_of, next_line, say, start,
                     wait_until)

build = build_under_test()
suite = Suite()
programs = os.path.join(build.directory, "userland", "bin")
servers = os.path.join(build.directory, "schemes", "server", "bin")
own_servers = os.path.join(build.directory, "tests", "integration")
bind = ["--bind", f"{programs}:/servers:ro"]


class Guest:
    """The server is a guest, started by the script."""

    def run(self, example, script, argument="", options=()):
        begin = f"/servers/{example} served {argument}\n"
        return build.run("sh", "-ec", begin + script, options=[*bind, *options])


class Started:
    """halfcell starts the server."""

    def run(self, example, script, argument="", options=()):
        server = f"served={servers}/{example} {argument}"
        return build.run("sh", "-ec", script, options=["--scheme", server, *bind, *options])


class Listening:
    """The server runs already, and goes on."""

    def run(self, example, script, argument="", options=()):
        path = os.path.join(suite.directory, "socket")
        words = [os.path.join(servers, example), "--listen", path] + argument.split()
        with open(os.path.join(suite.directory, "errors"), "w+b") as errors:
            server = start(words, stderr=errors)
            try:
                wait_until(lambda: listens(path), "the server's socket")
                outcome = build.run("sh", "-ec", script,
                                    options=["--scheme", f"served=unix:{path}", *bind, *options])
            finally:
                server.terminate()
                finish(server)
                os.unlink(path)
            errors.seek(0)
            outcome.err += errors.read()
        return outcome


def every_way(function):
    """The test once for each way to serve a scheme."""
    for way in (Guest, Started, Listening):
        def test(way=way):
            return function(way())
        test.__name__ = f"{function.__name__}_{way.__name__.lower()}"
        suite.test(test)
    return function


@every_way
def keys_with_the_tools(way):
    outcome = way.run("key_value", """
        echo hello > /scheme/served/greeting
        cat /scheme/served/greeting
        cp /scheme/served/greeting /scheme/served/copy
        cp /scheme/served/copy /tmp/copy
        cat /tmp/copy
        echo more >> /scheme/served/copy
        ls /scheme/served
        wc -c < /scheme/served/copy
        rm /scheme/served/greeting
        ls /scheme/served
        seq 1 50000 > /scheme/served/numbers
        sha256sum < /scheme/served/numbers
        seq 1 50000 | sha256sum
        """)
    lines = outcome.text.splitlines()
    check(outcome.status == 0 and lines[:6] == ["hello", "hello", "copy", "greeting", "11", "copy"], str(outcome))
    check(lines[-1] == lines[-2], str(outcome))


@every_way
def an_open_that_waits(way):
    expect(way.run("key_value", """
        { : < /scheme/served/await/late; echo opened; } &
        echo now > /scheme/served/late
        wait
        """), 0, out="opened\n", err="")


@every_way
def a_proxy_with_the_tools(way):
    # A directory that is there for the guest and for the host.
    real = suite.fresh("real")
    outcome = way.run("proxy", f"""
        echo hello > /scheme/served/greeting
        cat /scheme/served/greeting {real}/greeting
        cp /scheme/served/greeting /scheme/served/copy
        ls /scheme/served {real}
        rm /scheme/served/copy
        ls {real}
        """, real, ["--bind", real])
    expect(outcome, 0, out=f"hello\nhello\n/scheme/served:\ncopy\ngreeting\n\n{real}:\ncopy\ngreeting\ngreeting\n")
    for line in ('proxy: open "greeting"', 'proxy: write "greeting"', 'proxy: remove "copy"'):
        check(line in outcome.message, f"no {line!r}\n{outcome}")


@every_way
def pages_with_the_tools(way):
    expect(way.run("shared_pages", "seq 3 > /scheme/served/a; cp /scheme/served/a /tmp/a; cat /tmp/a"), 0,
           out="1\n2\n3\n", err="")


@every_way
def key_value_with_a_client(way):
    expect(way.run("key_value", "/servers/server_client key_value /scheme/served"), 0, out="PASS\n", err="")


@every_way
def proxy_with_a_client(way):
    real = suite.fresh("client")
    outcome = way.run("proxy", "/servers/server_client proxy /scheme/served", real, ["--bind", real])
    check(outcome.status == 0 and outcome.text == "PASS\n", str(outcome))


@every_way
def shared_pages_with_a_client(way):
    expect(way.run("shared_pages", "/servers/server_client shared_pages /scheme/served"), 0, out="PASS\n", err="")


@suite.test
def command_lines_of_guests():
    def shell(script):
        return build.run("sh", "-ec", script, options=bind)
    outcome = shell("/servers/key_value one; /servers/key_value one")
    check(outcome.status == 1 and "File exists" in outcome.message, str(outcome))
    outcome = shell("/servers/key_value")
    check(outcome.status == 2 and "usage" in outcome.message, str(outcome))
    outcome = shell("/servers/proxy seen")
    check(outcome.status == 2 and "one argument" in outcome.message, str(outcome))
    outcome = shell("/servers/proxy seen /tmp/missing")
    check(outcome.status == 2 and "No such file" in outcome.message, str(outcome))


@suite.test
def command_lines_of_the_host():
    def refused(scheme, reason):
        expect(build.run("true", options=["--scheme", scheme]), 125, out="", err=reason)
    key_value = os.path.join(servers, "key_value")
    refused("served=/nonexistent/server a", "/nonexistent/server: cannot be started: No such file or directory (ENOENT)")
    refused(f"served={suite.directory}", f"{suite.directory}: cannot be started: Permission denied (EACCES)")
    refused("served=true", "true: ended with status 0 before it served")
    refused("served=sh -c 'kill -SEGV $$'", "sh: was killed by signal 11 (SIGSEGV) before it served")
    refused("served=sh -c 'kill -KILL $$'", "sh: was killed by signal 9 (SIGKILL) before it served")
    refused(f"served=unix:{suite.directory}/nobody",
            f"no server listens there: No such file or directory (ENOENT); start one with --listen {suite.directory}/nobody")
    refused(f"served=unix:{key_value}", "no server listens there: Connection refused (ECONNREFUSED)")
    # What makes no sense of its arguments, or is not there, is not asked again.
    for script, said in (("echo usage >&2; exit 2", "ended with status 2 (its arguments make no sense to it)"),
                         ("echo usage >&2; exit 126", "ended with status 126 (it cannot be run)"),
                         ("echo usage >&2; exec nosuchprogram", "ended with status 127 (it was not found)")):
        outcome = build.run("true", options=["--scheme", f"served=sh -c '{script}'"])
        check(outcome.status == 125 and outcome.message.count("usage") == 1, str(outcome))
        check(f"sh: {said} before it served; it is not tried again" in outcome.message, str(outcome))
    refused(f"file={key_value}", "File exists")
    outcome = build.run("true", options=["--scheme", "served"])
    check(outcome.status == 125 and "NAME=COMMAND" in outcome.message, str(outcome))
    outcome = build.run("true", options=["--scheme", "a/b=c"])
    check(outcome.status == 125 and "neither" in outcome.message, str(outcome))
    outcome = build.run("cat", "/scheme/served/a", options=["--scheme", f"served={key_value}", "--schemes", "file"])
    check(outcome.status == 1 and "No such device" in outcome.message, str(outcome))
    check("--scheme" in build.run("true", options=["--help"]).text, "no --scheme in the help")


@suite.test
def what_a_server_keeps_outlives_a_run_but_handles_do_not():
    path = os.path.join(suite.directory, "kept")
    server = start([os.path.join(servers, "key_value"), "--listen", path])
    try:
        wait_until(lambda: listens(path), "the server's socket")
        options = ["--scheme", f"served=unix:{path}"]
        expect(build.run("sh", "-c", "echo kept > /scheme/served/a", options=options), 0)
        for _ in range(20):
            expect(build.run("cat", "/scheme/served/a", options=options), 0, out="kept\n")
    finally:
        server.terminate()
        finish(server)


@suite.test
def files_of_the_host_go_out_through_the_kit():
    server = os.path.join(own_servers, "file_server")
    real = suite.fresh("files")
    with open(os.path.join(real, "file"), "w") as file:
        file.write("from the host")
    outcome = build.run("sh", "-c", "/servers/server_client hostfd /scheme/given",
                        options=["--scheme", f"given={server} {real}", *bind])
    expect(outcome, 0, out="PASS\n", err="")
    with open(os.path.join(real, "file"), "rb") as file:
        whole = file.read()
    check(whole[:13] == b"From the host" and whole[4096:4102] == b"stored" and len(whole) == 8192, f"{whole[:20]!r}")


def server_of(run):
    return [process for process in descendants(run.pid) if name_of(process) == "key_value"]


@suite.test
def a_server_that_is_killed_is_started_again():
    script = """
        echo before > /scheme/served/a
        exec 3< /scheme/served/a
        echo ready
        read -r line
        cat <&3 2>/dev/null && echo "an old handle works"
        echo after > /scheme/served/b
        cat /scheme/served/b
        ls /scheme/served
        """
    run = build.start("sh", "-c", script, options=["--scheme", f"served={servers}/key_value"],
                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    check(next_line(run) == b"ready\n", "the guest does not begin")
    (first,) = server_of(run)
    os.kill(first, signal.SIGKILL)
    said = next_line(run, stream=run.stderr)
    check(b"halfcell run: the server of scheme served was killed by signal 9 (SIGKILL);" in said, f"{said!r}")
    say(run, b"go\n")
    out = run.stdout.read()
    more = run.stderr.read()
    # The second server ends with the run, which is nobody's news.
    check(finish(run) == 0 and out == b"after\nb\n" and more == b"", f"{out!r} {more!r}")


@suite.test
def a_server_that_does_not_come_again():
    mark = os.path.join(suite.fresh("mark"), "mark")
    server = f"served=sh -c 'test -e {mark} && exit 2; : > {mark}; exec {servers}/key_value'"
    script = "echo ready; read -r line; for i in 1 2 3; do ls /scheme/served 2>&1; done; read -r line"
    run = build.start("sh", "-c", script, options=["--scheme", server],
                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    check(next_line(run) == b"ready\n", "the guest does not begin")
    os.kill(server_of(run)[0], signal.SIGTERM)
    said = next_line(run, stream=run.stderr)
    check(b"the server of scheme served " in said, f"{said!r}")
    say(run, b"go\n")
    for _ in range(3):
        answer = next_line(run)
        check(b"I/O error" in answer or b"nput/output" in answer, f"{answer!r}")
    said = next_line(run, stream=run.stderr)
    check(b"does not come again: ended with status 2 (" in said, f"{said!r}")
    say(run, b"go\n")
    more = run.stderr.read()
    # Once is enough.
    check(finish(run) == 0 and more == b"", f"{more!r}")


@suite.test
def callers_that_wait_hear_of_the_end():
    run = build.start("sh", "-c", "echo ready; cat /scheme/served/await/never 2>&1; echo $?",
                      options=["--scheme", f"served={servers}/key_value"], stdout=subprocess.PIPE)
    check(run.stdout.readline() == b"ready\n", "the guest does not begin")

    def ended():
        # A server that dies before it is asked is started again for the question.
        for server in server_of(run):
            os.kill(server, signal.SIGKILL)
        return run.poll() is not None

    wait_until(ended, "the end of the guest")
    out = run.stdout.read()
    check(finish(run) == 0 and b"No such device" in out and out.endswith(b"1\n"), f"{out!r}")


@suite.test
def servers_end_with_their_supervisor():
    run = build.start("sh", "-c", "echo ready; read -r line", options=["--scheme", f"served={servers}/key_value"],
                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    check(run.stdout.readline() == b"ready\n", "the guest does not begin")
    check(len(server_of(run)) == 1, "no server")
    run.kill()
    finish(run)


suite.main()
