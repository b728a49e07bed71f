#!/usr/bin/env python3
"""Death in every direction: no process stays, nobody hangs, and the status says what happened."""
import os
import random
import select
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import (Suite, build_under_test, check, children, descendants, finish, name_of, next_line, state_of,
                     wait_gone, wait_until)

build = build_under_test()
suite = Suite()
_ACTIVITIES = ("pipe", "futex", "sleep", "spin", "calls", "map", "threads", "files")


def started(*activities, count=1):
    process = build.start(build.probe, "stay", count, *activities, stdout=subprocess.PIPE)
    check(next_line(process) == b"ready\n", f"the guest does not start: {activities}")
    return process


def processes_of(process):
    """The zygote and the guests it was asked for, oldest first: Linux lists the children of a thread as they came."""
    return [child for child in descendants(process.pid) if name_of(child).startswith("halfcell")]


def guest_of(process):
    _, *guests = processes_of(process)
    check(len(guests) == 1, f"{len(guests)} guest processes instead of one")
    return guests[0]


def kill_supervisor(process, number=signal.SIGKILL):
    below = descendants(process.pid)
    check(below, "no guest process")
    process.send_signal(number)
    status = finish(process)
    alive = wait_gone(below)
    check(not alive, f"{[name_of(one) for one in alive]} live on without their supervisor")
    return status


@suite.test
def the_supervisor_is_killed_while_guests_do_anything():
    for activity in _ACTIVITIES:
        check(kill_supervisor(started(activity, count=2)) == -signal.SIGKILL, "another end")
    check(kill_supervisor(started(*_ACTIVITIES)) == -signal.SIGKILL, "another end")


@suite.test
def the_supervisor_is_asked_to_end():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        status = kill_supervisor(started("calls", "sleep"), number)
        check(status in (-number, 128 + number), f"{number}: status {status}")


@suite.test
def the_supervisor_is_killed_at_any_moment_of_its_start():
    chance = random.Random(4)
    for _ in range(40):
        process = build.start(build.probe, "stay", 2, "calls", stdout=subprocess.PIPE)
        # From before the first instruction to well after the guest is up.
        select.select([process.stdout], [], [], chance.uniform(0, 0.06))
        below = descendants(process.pid)
        process.kill()
        finish(process)
        alive = wait_gone(below)
        check(not alive, f"{[name_of(one) for one in alive]} live on without their supervisor")


@suite.test
def a_guest_process_is_killed_while_it_does_anything():
    for activity in _ACTIVITIES:
        process = started(activity, count=2)
        os.kill(guest_of(process), signal.SIGKILL)
        status = finish(process)
        check(status == 128 + signal.SIGKILL, f"{activity}: status {status}")


@suite.test
def a_guest_process_is_killed_at_any_moment():
    chance = random.Random(5)
    for _ in range(30):
        process = build.start(build.probe, "stay", 2, "calls", "threads", "map", stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
        select.select([process.stdout], [], [], chance.uniform(0, 0.05))
        some = processes_of(process)
        if some:
            os.kill(chance.choice(some), signal.SIGKILL)
        if next_line(process, 30) == b"ready\n":
            # It was the zygote, or nothing: end it the usual way.
            if process.poll() is None:
                process.kill()
            finish(process)
        else:
            status = finish(process)
            check(status in (125, 128 + signal.SIGKILL), f"status {status}")


@suite.test
def the_zygote_is_killed():
    process = started("calls")
    zygote, *_ = processes_of(process)
    os.kill(zygote, signal.SIGKILL)
    # A running guest does not need it; whatever the supervisor does, it does not hang.
    process.send_signal(signal.SIGTERM)
    finish(process)


@suite.test
def a_stopped_guest_process_is_only_late():
    process = build.start("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(b"one\n")
    process.stdin.flush()
    check(next_line(process) == b"one\n", "cat does not answer")
    guest = guest_of(process)
    os.kill(guest, signal.SIGSTOP)
    # Once the first thread has stopped, no other one runs any more code of the guest.
    wait_until(lambda: state_of(guest) == "T", "the stop")
    process.stdin.write(b"two\n")
    process.stdin.flush()
    ready, _, _ = select.select([process.stdout], [], [], 0.1)
    check(not ready, "a stopped guest goes on")
    os.kill(guest, signal.SIGCONT)
    check(next_line(process) == b"two\n", "the line is lost")
    process.stdin.close()
    process.stdin = None
    check(finish(process) == 0, "cat fails")


@suite.test
def signals_from_strangers_do_not_disturb_a_guest():
    process = started("calls", "sleep", count=2)
    guest = guest_of(process)
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGTERM, signal.SIGSEGV, signal.SIGSYS,
                   signal.SIGTRAP, signal.SIGWINCH, signal.SIGRTMIN):
        if not os.path.exists(f"/proc/{guest}"):
            break
        os.kill(guest, number)
    # Whether such a signal ends the guest is its process's business; the supervisor must live or end, not hang.
    process.send_signal(signal.SIGTERM)
    status = finish(process)
    check(status in (-signal.SIGTERM, 128 + signal.SIGTERM) or status >= 128, f"status {status}")


@suite.test
def no_zombies_while_guests_come_and_go():
    process = build.start(build.probe, "stay", 4, "threads", stdout=subprocess.PIPE)
    check(next_line(process) == b"ready\n", "the guest does not start")
    for _ in range(50):
        select.select([process.stdout], [], [], 0.005)
        zombies = [one for one in children(process.pid) if state_of(one) == "Z"]
        check(len(zombies) <= 1, f"{len(zombies)} zombies")
    wait_until(lambda: not [one for one in children(process.pid) if state_of(one) == "Z"], "the last zombie to go")
    kill_supervisor(process)


suite.main()
