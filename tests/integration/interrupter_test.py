#!/usr/bin/env python3
"""Calls of the host that do not come back: their guests can be killed, and the run can end."""
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check, children, finish, name_of, run, say, skip, wait_gone
from stuck_files import StuckFiles

build = build_under_test()
suite = Suite()
place = tempfile.mkdtemp(prefix="halfcell-stuck-")
try:
    stuck = StuckFiles(place)
except OSError as failure:
    os.rmdir(place)
    skip(f"no file system of our own here: {failure}")


def start(script):
    stuck.forget()
    return build.start("sh", "-c", script, options=["--bind", f"{stuck.directory}:/f"], stdin=subprocess.PIPE,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def until_it_waits(process):
    check(stuck.wait_for_read(20), f"nobody reads; {process.poll()}")


def ended_by(number, kill):
    process = start(f"cat /f/stuck & p=$!; read line; kill -{kill} $p; wait $p; echo ended $?")
    until_it_waits(process)
    began = time.monotonic()
    say(process, b"\n")
    line = process.stdout.readline()
    took = time.monotonic() - began
    check(line == f"ended {128 + number}\n".encode(), f"said {line!r}")
    finish(process)
    check(process.returncode == 0, f"status {process.returncode}")
    check(took < 5, f"took {took:.1f} s")


@suite.test
def a_reader_that_is_killed():
    ended_by(9, "KILL")


@suite.test
def a_reader_that_a_signal_ends():
    ended_by(15, "TERM")


@suite.test
def a_run_that_ends_meanwhile():
    process = start("cat /f/stuck & read line; exit 3")
    until_it_waits(process)
    say(process, b"\n")
    check(wait_gone([process.pid], 10) == [], "the run does not end")
    finish(process)
    check(process.returncode == 3, f"status {process.returncode}")


@suite.test
def a_reader_whose_process_the_host_kills():
    process = start("cat /f/stuck; echo ended $?")
    until_it_waits(process)
    guests = [child for child in children(process.pid) if name_of(child) == "halfcell-guest"]
    # The zygote is the first, the shell's process the second.
    os.kill(max(guests), signal.SIGKILL)
    line = process.stdout.readline()
    check(line == b"ended 137\n", f"said {line!r}")
    finish(process)


@suite.test
def a_reader_that_the_signal_of_a_key_stops_and_a_kill_ends():
    process = start("cat /f/stuck & p=$!; read line; kill -STOP $p; kill -KILL $p; wait $p; echo ended $?")
    until_it_waits(process)
    say(process, b"\n")
    line = process.stdout.readline()
    check(line == b"ended 137\n", f"said {line!r}")
    finish(process)


@suite.test
def a_program_whose_standard_input_it_is():
    stuck.forget()
    socket = os.path.join(suite.fresh("socket"), "s")
    with open(os.path.join(stuck.directory, "stuck"), "rb") as file:
        process = build.start("cat", options=["--control", socket], stdin=file, stdout=subprocess.PIPE)
    until_it_waits(process)
    killed = run([build.halfcell, "ctl", socket, "kill", "2"], clean=False)
    check(killed.status == 0, f"cannot be killed: {killed}")
    finish(process)
    check(process.returncode == 137, f"status {process.returncode}")


try:
    suite.main()
finally:
    stuck.close()
    os.rmdir(place)
