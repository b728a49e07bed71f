#!/usr/bin/env python3
"""The examples of the server kit as guests: with the tools, and with a client of their own."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check, expect

build = build_under_test()
suite = Suite()
programs = os.path.join(build.directory, "userland", "bin")


def shell(script):
    """The output of a script of the guest's shell, which finds the examples in /servers."""
    return build.run("sh", "-ec", script, options=["--bind", f"{programs}:/servers:ro"])


def client(example, arguments=""):
    outcome = shell(f"mkdir /tmp/forwarded; /servers/{example} served {arguments};"
                    f"/servers/server_client {example} /scheme/served")
    check(outcome.status == 0 and outcome.text.endswith("PASS\n"), str(outcome))
    return outcome


@suite.test
def keys_with_the_tools():
    outcome = shell("""
        /servers/key_value keys
        echo hello > /scheme/keys/greeting
        cat /scheme/keys/greeting
        cp /scheme/keys/greeting /scheme/keys/copy
        cp /scheme/keys/copy /tmp/copy
        cat /tmp/copy
        echo more >> /scheme/keys/copy
        ls /scheme/keys
        wc -c < /scheme/keys/copy
        rm /scheme/keys/greeting
        ls /scheme/keys
        seq 1 50000 > /scheme/keys/numbers
        sha256sum < /scheme/keys/numbers
        seq 1 50000 | sha256sum
        """)
    lines = outcome.text.splitlines()
    check(outcome.status == 0 and lines[:6] == ["hello", "hello", "copy", "greeting", "11", "copy"], str(outcome))
    check(lines[-1] == lines[-2], str(outcome))


@suite.test
def an_open_that_waits():
    expect(shell('''
        /servers/key_value keys
        { : < /scheme/keys/await/late; echo opened; } &
        echo now > /scheme/keys/late
        wait
        '''), 0, out="opened\n", err="")


@suite.test
def a_proxy_with_the_tools():
    outcome = shell("""
        mkdir /tmp/real
        /servers/proxy seen /tmp/real
        echo hello > /scheme/seen/greeting
        cat /scheme/seen/greeting /tmp/real/greeting
        cp /scheme/seen/greeting /scheme/seen/copy
        ls /scheme/seen /tmp/real
        rm /scheme/seen/copy
        ls /tmp/real
        """)
    expect(outcome, 0, out="hello\nhello\n/scheme/seen:\ncopy\ngreeting\n\n/tmp/real:\ncopy\ngreeting\ngreeting\n")
    for line in ('proxy: open "greeting"', 'proxy: write "greeting"', 'proxy: remove "copy"'):
        check(line in outcome.message, f"no {line!r}\n{outcome}")


@suite.test
def pages_with_the_tools():
    expect(shell("/servers/shared_pages pages; seq 3 > /scheme/pages/a; cp /scheme/pages/a /tmp/a; cat /tmp/a"), 0,
           out="1\n2\n3\n", err="")


@suite.test
def key_value_with_a_client():
    expect(client("key_value"), err="")


@suite.test
def proxy_with_a_client():
    client("proxy", "/tmp/forwarded")


@suite.test
def shared_pages_with_a_client():
    expect(client("shared_pages"), err="")


@suite.test
def what_is_wrong_with_a_command_line():
    outcome = shell("/servers/key_value one; /servers/key_value one")
    check(outcome.status == 1 and "File exists" in outcome.message, str(outcome))
    outcome = shell("/servers/key_value")
    check(outcome.status == 2 and "usage" in outcome.message, str(outcome))
    outcome = shell("/servers/proxy seen")
    check(outcome.status == 2 and "one argument" in outcome.message, str(outcome))
    outcome = shell("/servers/proxy seen /tmp/missing")
    check(outcome.status == 2 and "No such file" in outcome.message, str(outcome))
    outcome = build.run("sh", "-c", "/servers/key_value nowhere", options=["--schemes", "file",
                                                                          "--bind", f"{programs}:/servers:ro"])
    check(outcome.status != 0, str(outcome))


suite.main()
