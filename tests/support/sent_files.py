"""Descriptors sent to somebody who should not keep them."""
import array
import contextlib
import os
import select
import socket

MOST = 253  # descriptors in one message, of Linux


def send_pipe(to, data, count=MOST):
    """A pipe's end, sent many times and closed here: its other end, which shows when the last one is gone."""
    kept, sent = os.pipe()
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            to.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [sent] * count))])
    finally:
        os.close(sent)
    return kept


def all_gone(pipes, seconds):
    """Whether nobody holds the other end of any within that time. Closes them."""
    try:
        return all(select.select([pipe], [], [], seconds)[0] and os.read(pipe, 1) == b"" for pipe in pipes)
    finally:
        for pipe in pipes:
            os.close(pipe)
