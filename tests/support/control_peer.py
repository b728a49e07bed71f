"""A peer of a control socket, and runs that have one."""
import contextlib
import json
import os
import socket

from harness import DEADLINE, check, finish, next_line, wait_until

PONG = {"err": 0, "msg": "PONG"}
ACK = {"err": 0, "msg": "ACK"}
RATE = {"err": 7, "msg": "RATE"}
AUTH = {"err": 13, "msg": "AUTH"}
LOCKED = {"err": 1, "msg": "LOCKED"}


class Peer:
    """A connection, and its answers line by line."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Without a deadline at first: with one, Linux would not wait for room in the queue of new connections.
        self.socket.connect("\0" + path[1:] if path.startswith("@") else path)
        self.socket.settimeout(DEADLINE)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def say(self, *messages):
        """Sends them as far as they are taken: all that comes back until the other end closes."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for message in messages:
                self.send(message)
        return self.rest()

    def line(self):
        while b"\n" not in self.buffer:
            more = self.socket.recv(65536)
            check(more, f"the connection was closed, after {self.buffer[-200:]!r}")
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line

    def answer(self):
        return json.loads(self.line())

    def ask(self, command):
        self.send(command + "\n")
        return self.answer()

    def many(self):
        """From now on any number of commands."""
        check(self.ask("prompt i") == ACK, "prompt is not acknowledged")
        return self

    def rest(self):
        """All that still comes until the other end closes."""
        data = self.buffer
        with contextlib.suppress(ConnectionResetError):
            while more := self.socket.recv(65536):
                data += more
        return data


def runs_with_socket(build, suite):
    """What starts a run with a control socket."""

    @contextlib.contextmanager
    def running(*words, options=(), path=None, ready=b"ready\n"):
        """A run whose program has said that it is ready, until the block ends; and where it listens."""
        path = path or os.path.join(suite.fresh("socket"), "s")
        process = build.start(*words, options=["--control", path, *options], stdin=-1, stdout=-1, stderr=-1)
        try:
            said = next_line(process)
            check(said == ready, f"the guest did not start: {said!r}")
            yield process, path
        finally:
            process.kill()
            finish(process)

    return running


OTHER_USER = 4242


def as_other_user(action, user=OTHER_USER, group=OTHER_USER):
    """What `action` returns as bytes when another user does it. Needs root."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(group, group, group)
            os.setresuid(user, user, user)
            os.write(writer, action())
        except Exception as problem:  # told to the parent
            os.write(writer, repr(problem).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        said = file.read()
    os.waitpid(child, 0)
    return said


def shell(script):
    """A shell that says when it has begun."""
    return ["sh", "-c", f"echo ready; {script}"]


def process_named(peer, name):
    found = [one for one in peer.ask("ps")["processes"] if one["name"].rpartition("/")[2] == name]
    return found[0] if found else None


def await_process(peer, name, state=None):
    """Waits until there is such a process, and maybe one whose first thread is in that state."""
    found = []

    def there():
        one = process_named(peer, name)
        if one and (state is None or any(thread["state"] == state for thread in one["threads"])):
            found.append(one)
        return bool(found)

    wait_until(there, f"process {name}, {state or 'in any state'}")
    return found[-1]


def threads_of(process):
    """What Linux says of each thread of the supervisor."""
    found = {}
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        with open(f"/proc/{process.pid}/task/{thread}/status") as file:
            found[thread] = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    return found


def control_threads(process):
    return [(number, one) for number, one in threads_of(process).items() if one["Name"] == "control"]


def own_files(process):
    """The descriptors of the socket's thread, which has a table of its own."""
    number, _ = control_threads(process)[0]
    return len(os.listdir(f"/proc/{process.pid}/task/{number}/fd"))
