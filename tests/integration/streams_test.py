#!/usr/bin/env python3
"""Standard input, output and error: pipes, files, terminals, closed ones, and readers that go away."""
import os
import select
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check, expect, finish, next_line, own, run, start

build = build_under_test()
suite = Suite()


@suite.test
def bytes_pass_through_unchanged():
    everything = bytes(range(256)) * 5000
    expect(build.run("cat", stdin=everything), 0, out=everything, err="")
    expect(build.run("cat", stdin=b""), 0, out=b"", err="")


@suite.test
def standard_error_is_apart():
    outcome = build.run("cat", "/no/such")
    check(outcome.status == 1 and outcome.out == b"" and b"no/such" in outcome.err, str(outcome))


@suite.test
def a_pipeline_of_guests():
    script = 'seq 200000 | "$0" run cat | "$0" run sort -n -r | "$0" run head -n 3'
    expect(run(["sh", "-c", script, build.halfcell]), 0, out="200000\n199999\n199998\n")


@suite.test
def a_reader_that_goes_away_ends_the_writer():
    process = build.start("cat", "/scheme/zero", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    check(len(process.stdout.read(100000)) == 100000, "no zeros")
    process.stdout.close()
    process.stdout = None
    check(finish(process) != 0, "the writer thinks all is well")


@suite.test
def input_arrives_while_the_writer_still_writes():
    process = build.start("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for line in (b"one\n", b"two\n", b"three\n"):
        process.stdin.write(line)
        process.stdin.flush()
        check(next_line(process) == line, "not the line that was written")
    process.stdin.close()
    process.stdin = None
    check(finish(process) == 0, "cat fails")


@suite.test
def closed_streams():
    for redirection, stream in (("<&-", "input"), (">&-", "output"), ("2>&-", "error"), ("<&- >&- 2>&-", "all")):
        outcome = run(["sh", "-c", f'exec "$0" run "$1" exit 4 {redirection}', build.halfcell, build.probe])
        check(outcome.status == 4, f"{stream} closed\n{outcome}")
    # What the supervisor opens for itself must not become the guest's standard output.
    outcome = run(["sh", "-c", 'exec "$0" run echo hello >&-', build.halfcell])
    check(outcome.status != 0 and outcome.status < 128, f"a write to a closed stream succeeds\n{outcome}")


@suite.test
def files_as_streams():
    directory = suite.fresh("streams")
    source, target = os.path.join(directory, "in"), os.path.join(directory, "out")
    with open(source, "wb") as file:
        file.write(b"content\n" * 1000)
    with open(source, "rb") as stdin, open(target, "wb") as stdout:
        check(finish(build.start("cat", stdin=stdin, stdout=stdout)) == 0, "cat fails")
    with open(target, "rb") as file:
        check(file.read() == b"content\n" * 1000, "the file holds something else")
    # Appending goes on where the file ends.
    script = 'echo first > "$1"; "$0" run echo second >> "$1"; cat "$1"'
    expect(run(["sh", "-c", script, build.halfcell, target]), 0, out="first\nsecond\n")


@suite.test
def interrupting_from_the_terminal_s_keyboard():
    process = build.start(build.probe, "stay", 1, "calls", stdout=subprocess.PIPE, start_new_session=True)
    check(next_line(process) == b"ready\n", "the guest does not start")
    os.killpg(process.pid, signal.SIGINT)
    status = finish(process)
    check(status in (-signal.SIGINT, 128 + signal.SIGINT), f"status {status}")


@suite.test
def a_guest_that_waits_for_input_uses_no_time():
    process = build.start("cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(b"x\n")
    process.stdin.flush()
    check(next_line(process) == b"x\n", "cat does not answer")

    def ticks():
        with open(f"/proc/{process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    select.select([process.stdout], [], [], 0.5)
    used = ticks() - before
    process.stdin.close()
    process.stdin = None
    finish(process)
    check(used <= 1, f"{used} ticks in half a second of waiting")


suite.main()
