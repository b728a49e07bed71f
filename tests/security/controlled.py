"""Runs of a shell that can be steered: whether orders that should not count have ended it."""
import os

import harness
from control_peer import Peer, runs_with_socket, shell


class ShellRuns:
    def __init__(self, lab):
        self.build = harness.Build(os.path.dirname(lab.halfcell))
        self.running = runs_with_socket(self.build, lab)
        self.waiting = shell("read x; echo end")

    @staticmethod
    def lives(process):
        """Whether the shell is there, and goes on."""
        process.stdin.write(b"\n")
        process.stdin.flush()
        return harness.next_line(process) == b"end\n" and process.wait(harness.DEADLINE) == 0

    @staticmethod
    def killed(process):
        return process.wait(harness.DEADLINE) == 128 + 9

    def by_words(self, send):
        """An attack that would end the shell: its result, where it does not with what it says."""
        with self.running(*self.waiting) as (process, path):
            text = send(path)
            return (False, text) if self.lives(process) else (True, "killed it")

    def kills_by(self, *messages):
        """The control: the same, as it should be said."""
        with self.running(*self.waiting) as (process, path):
            with Peer(path) as peer:
                peer.say(*messages)
            return self.killed(process), "killed it"
