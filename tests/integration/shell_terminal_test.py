#!/usr/bin/env python3
"""The guest's shell with a user: prompts, keys that are signals, jobs that stop and go on."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from harness import Suite, build_under_test, check
from screen import Screen

build = build_under_test()
suite = Suite()

PROMPT = b"ready> "


def shell():
    screen = Screen(build, "sh", options=("--env", "PS1=ready> ", "--env", "PS2=more> "))
    screen.expect(PROMPT)
    return screen


def run(screen, command, *shown):
    """Types a command and waits for what it shows and for the next prompt."""
    screen.type(command + b"\r")
    screen.expect(command + b"\r\n")
    for text in shown:
        screen.expect(text)
    screen.expect(PROMPT)


def start(screen, command):
    """Types a command that runs until a key ends it, and waits until it does run."""
    screen.type(b"echo go; " + command + b"\r")
    screen.expect(command + b"\r\n")
    screen.expect(b"go\r\n")


def leave(screen, status=0):
    screen.type(b"exit %d\r" % status)
    screen.end(status)


@suite.test
def commands_run_and_the_prompt_comes_back():
    screen = shell()
    run(screen, b"echo one; echo two | cat", b"one\r\ntwo\r\n")
    run(screen, b"tty", b"/scheme/pty/")
    run(screen, b"stty size", b"24 80\r\n")
    run(screen, b"false")
    run(screen, b"echo $? $-", b"1 ims\r\n")
    leave(screen, 3)


@suite.test
def a_command_over_several_lines_is_asked_for():
    screen = shell()
    screen.type(b"if true\r")
    screen.expect(b"more> ")
    screen.type(b"then echo 'a\r")
    screen.expect(b"more> ")
    run(screen, b"b'; fi", b"a\r\nb\r\n")
    leave(screen)


@suite.test
def the_shell_tells_what_was_typed_and_what_it_can_do():
    screen = shell()
    run(screen, b"echo first")
    run(screen, b"history", b"    1  echo first\r\n    2  history\r\n")
    run(screen, b"history 1", b"    3  history 1\r\n")
    run(screen, b"help", b"  . : [ bg break", b" history jobs", b"PATH:\r\n")
    leave(screen)


@suite.test
def the_end_of_input_ends_the_shell():
    screen = shell()
    screen.type(b"\x04")
    screen.end(0)


@suite.test
def a_mistake_costs_the_line_only():
    screen = shell()
    run(screen, b"for", b"Syntax error")
    run(screen, b"echo ${unset?message}; echo not", b"unset: message")
    run(screen, b"nonexistent", b"not found")
    run(screen, b"echo $?", b"127\r\n")
    run(screen, b"readonly r=1; r=2; echo not", b"read only")
    run(screen, b"cd /nonexistent", b"can't cd")
    run(screen, b". /nonexistent", b"not found")
    run(screen, b"exec nonexistent", b"not found")
    leave(screen)


@suite.test
def an_interrupt_ends_the_command_and_not_the_shell():
    screen = shell()
    start(screen, b"sleep 1000; echo not")
    screen.type(b"\x03")
    screen.expect(PROMPT)
    run(screen, b"echo $?", b"130\r\n")
    start(screen, b"while :; do :; done")
    screen.type(b"\x03")
    screen.expect(PROMPT)
    screen.type(b"half a line\x03")
    screen.expect(PROMPT)
    screen.type(b"if true\r")
    screen.expect(b"more> ")
    screen.type(b"\x03")
    screen.expect(PROMPT)
    start(screen, b"read x")
    screen.type(b"\x03")
    screen.expect(PROMPT)
    run(screen, b"trap 'echo trapped' INT; kill -INT $$", b"trapped\r\n")
    leave(screen)


@suite.test
def jobs_stop_and_go_on():
    screen = shell()
    start(screen, b"sh -c 'echo here; exec sleep 1000'")
    screen.expect(b"here\r\n")
    screen.type(b"\x1a")
    screen.expect(b"[1] + Stopped")
    screen.expect(PROMPT)
    run(screen, b"jobs", b"[1] + Stopped", b"exec sleep 1000")
    run(screen, b"bg", b"[1] sh -c", b"\r\n")
    run(screen, b"jobs", b"[1] + Running")
    screen.type(b"fg\r")
    screen.expect(b"exec sleep 1000")
    screen.type(b"\x03")
    screen.expect(PROMPT)
    run(screen, b"jobs; echo $?", b"0\r\n")
    start(screen, b"{ echo here; sleep 1000; } | cat")
    screen.expect(b"here\r\n")
    screen.type(b"\x1a")
    screen.expect(b"Stopped")
    screen.expect(PROMPT)
    run(screen, b"kill %1; fg", b"sleep 1000; } | cat\r\n")
    leave(screen)


@suite.test
def background_jobs_are_reported_before_a_prompt():
    screen = shell()
    run(screen, b"sleep 1000 &", b"[1] ")
    run(screen, b"(exit 3) &", b"[2] ")
    # Whether the prompt in between has told of the end or not, `wait` knows the status.
    run(screen, b"wait $!; echo $?", b"3\r\n")
    run(screen, b"told() { until jobs > j; grep -q Done j; do :; done; }")
    run(screen, b"(exit 4) & told; wait $!; echo $?", b"4\r\n")
    run(screen, b"wait $!; echo $?", b"127\r\n")
    run(screen, b"kill -9 %1; wait %1; echo $?", b"137\r\n")
    leave(screen)


@suite.test
def the_terminal_belongs_to_the_foreground_job():
    screen = shell()
    # The job reads the terminal; the shell gets it back.
    screen.type(b"cat\r")
    screen.expect(b"cat\r\n")
    screen.type(b"for the job\r")
    screen.expect(b"for the job\r\nfor the job\r\n")
    screen.type(b"\x04")
    screen.expect(PROMPT)
    run(screen, b"sh -c 'exit 5'")
    run(screen, b"echo $?", b"5\r\n")
    # A subshell and a function's commands are jobs too.
    start(screen, b"(sleep 1000)")
    screen.type(b"\x03")
    screen.expect(PROMPT)
    run(screen, b"echo still here", b"still here\r\n")
    leave(screen)


@suite.test
def a_shell_in_a_shell_has_jobs_of_its_own():
    screen = shell()
    screen.type(b"sh\r")
    screen.expect(b"sh\r\n")
    screen.expect(PROMPT)
    run(screen, b"sleep 1000 &", b"[1] ")
    start(screen, b"sh -c 'echo here; exec sleep 1000'")
    screen.expect(b"here\r\n")
    screen.type(b"\x1a")
    screen.expect(b"[2] + Stopped")
    screen.expect(PROMPT)
    run(screen, b"kill %1 %2; kill -CONT %2; exit 4")
    run(screen, b"echo $?; jobs", b"4\r\n")
    leave(screen)


UP, DOWN, LEFT = b"\x1b[A", b"\x1b[B", b"\x1b[D"


@suite.test
def lines_are_edited():
    screen = shell()
    screen.type(b"ecko one" + LEFT * 5 + b"\x7fh\x05 two\r")
    screen.expect(b"\none two\r\n")
    screen.expect(PROMPT)
    screen.type(b"cho x\x01e\x0bcho y\r")
    screen.expect(b"\ny\r\n")
    screen.expect(PROMPT)
    screen.type(b"nothing of this\x15echo this not\x17is kept\r")
    screen.expect(b"\nthis is kept\r\n")
    screen.expect(PROMPT)
    leave(screen)


@suite.test
def lines_come_back():
    screen = shell()
    run(screen, b"echo first $((1 + 1))", b"first 2\r\n")
    run(screen, b"echo second $((1 + 2))", b"second 3\r\n")
    screen.type(UP + UP + b" again\r")
    screen.expect(b"\nfirst 2 again\r\n")
    screen.expect(PROMPT)
    # A line that was given up is not among them; the one being typed is.
    screen.type(b"given up\x03")
    screen.expect(PROMPT)
    screen.type(b"echo new $((2 + 2))" + UP + UP + DOWN + DOWN + b"er\r")
    screen.expect(b"\nnew 4er\r\n")
    screen.expect(PROMPT)
    leave(screen)


@suite.test
def names_are_completed():
    screen = shell()
    run(screen, b"mkdir -p /tmp/some/deep; cd /tmp/some")
    run(screen, b">'file one'; >deep/in; >deep/inner")
    # Two names have "in" in common; the next Tab shows both.
    screen.type(b"echo f\td\t\t\tn\t\r")
    screen.expect(b"in     inner\r\n")
    screen.expect(b"\nfile one deep/inner\r\n")
    screen.expect(PROMPT)
    leave(screen)


@suite.test
def programs_get_the_terminal_as_it_was():
    screen = shell()
    run(screen, b"stty -a", b" icanon", b" echo")
    run(screen, b"stty intr ^X")
    run(screen, b"stty -a", b"intr = ^X")
    # What the shell does not read is the program's.
    screen.type(b"read x; echo got $x\rtyped ahead\r")
    screen.expect(b"got typed ahead\r\n")
    screen.expect(PROMPT)
    leave(screen)


@suite.test
def a_dumb_terminal_edits_by_itself():
    screen = Screen(build, "sh", options=("--env", "PS1=ready> ", "--env", "TERM=dumb"))
    screen.expect(PROMPT)
    screen.type(b"echo wor\x7fld\r")
    screen.expect(b"echo wor\b \bld\r\nwold\r\n")
    screen.expect(PROMPT)
    leave(screen)


suite.main()
