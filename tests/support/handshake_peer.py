"""Both ends of the hand-over of a connection (schemes/server/host_protocol.h), without manners."""
import contextlib
import fcntl
import mmap
import os
import re
import resource
import select
import socket
import struct
import threading

from harness import DEADLINE, check

_HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "schemes", "server", "host_protocol.h")
with open(_HEADER) as _text:
    MAGIC, VERSION = (int(word, 0) for word in re.search(r"kMagic = (0x[0-9a-f]+).*?kVersion = (\d+)", _text.read(),
                                                         re.DOTALL).groups())
OFFER = struct.Struct("<II16s")
PACKET = struct.Struct("<IIQ16s")  # kind, tag, value, token
PRESENT, ADOPTED, BELL, DESCRIPTOR = 1, 2, 3, 4
REQUEST_PAGE = ANSWER_PAGE = 20480
BUFFERS = 256 << 20
REQUEST_SLOTS, ANSWER_SLOTS = 256, 1024
REQUEST = struct.Struct("<BBHI6QQ")  # opcode, flags, nothing, tag, arguments, caller
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


def pair():
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def seqpacket(path):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(path)
    return connection


def limit_descriptors():
    """Of a server that listens, before it starts: as many as a shell gives it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, hard), hard))


def listens(path):
    """Whether somebody does; a socket has its name a moment before."""
    try:
        seqpacket(path).close()
    except OSError:
        return False
    return True


def memory(size, seals=_SEALS):
    """A file as regions are."""
    file = os.memfd_create("region", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.truncate(file, size)
    if seals:
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, seals)
    return file


def regions():
    return [memory(REQUEST_PAGE), memory(ANSWER_PAGE), memory(BUFFERS)]


class Supervisor:
    """What a listening server takes for one. Each step may be another than it should be."""

    def __init__(self, path):
        self.rendezvous = seqpacket(path)
        self.rendezvous.settimeout(DEADLINE)
        self.ours, self.theirs = pair()
        self.ours.settimeout(DEADLINE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in (self.rendezvous, self.ours, self.theirs):
            one.close()

    def offer(self, data=None, files=None):
        """Offers the connection; the server's end is closed here. Whether the server presents a token."""
        data = OFFER.pack(MAGIC, VERSION, b"token") if data is None else data
        socket.send_fds(self.rendezvous, [data], [self.theirs.fileno()] if files is None else files)
        self.theirs.close()

    def presented(self):
        with contextlib.suppress(ConnectionResetError):
            return len(self.ours.recv(100)) == PACKET.size
        return False

    def adopt(self, files, kind=ADOPTED, data=None):
        data = PACKET.pack(kind, 0, 0, b"") if data is None else data
        with contextlib.suppress(BrokenPipeError):
            socket.send_fds(self.ours, [data], files)

    def kept(self, seconds=0.0):
        """Whether the server still has the connection after that time."""
        poll = select.poll()
        poll.register(self.ours, 0)
        return not poll.poll(seconds * 1000)


class Rings:
    """The regions of a connection from the supervisor's side."""

    def __init__(self):
        self.files = regions()
        self.requests = mmap.mmap(self.files[0], REQUEST_PAGE)
        self.answers = mmap.mmap(self.files[1], ANSWER_PAGE)

    def close(self):
        self.requests.close()
        self.answers.close()
        for file in self.files:
            os.close(file)

    def produced(self, count):
        struct.pack_into("<I", self.requests, 0, count)

    def request(self, slot, opcode, tag=0, arguments=(0,) * 6):
        REQUEST.pack_into(self.requests, 64 + slot % REQUEST_SLOTS * REQUEST.size, opcode, 0, 0, tag, *arguments, 1)

    def counters(self):
        """How many answers the server has made, and how many requests it has taken."""
        return struct.unpack_from("<II", self.answers, 0)


class RogueServer:
    """Listens at a path, and lets `forge(offered)` do what it likes with each offer, one after the other."""

    class Offered:
        def __init__(self, server, rendezvous, token, connection):
            self.server, self.rendezvous, self.token, self.connection = server, rendezvous, token, connection

        def present(self, token=None, kind=PRESENT, tail=b"", files=()):
            data = PACKET.pack(kind, 0, 0, self.token if token is None else token) + tail
            socket.send_fds(self.connection, [data], files)

        def adopted(self):
            """Waits for what comes: whether that is the adoption."""
            with contextlib.suppress(ConnectionResetError, TimeoutError):
                data, files, _, _ = socket.recv_fds(self.connection, PACKET.size, 4)
                for file in files:
                    os.close(file)
                return len(files) == 3 and PACKET.unpack(data)[0] == ADOPTED
            return False

        def hold(self):
            """Serves nothing, until the supervisor ends the connection."""
            with contextlib.suppress(ConnectionResetError):
                while self.connection.recv(PACKET.size):
                    pass

    def __init__(self, path, forge):
        self.forge, self.adoptions, self.offers = forge, 0, 0
        self.problem = None
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(path)
        self.listener.listen()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()
        check(self.problem is None, f"the rogue: {self.problem!r}")

    def _run(self):
        while True:
            try:
                rendezvous, _ = self.listener.accept()
            except OSError:
                return
            with rendezvous:
                try:
                    self._take(rendezvous)
                except (ConnectionResetError, BrokenPipeError):
                    pass  # the supervisor has had enough
                except Exception as problem:  # told at the end
                    self.problem = problem

    def _take(self, rendezvous):
        rendezvous.settimeout(DEADLINE)
        data, files, _, _ = socket.recv_fds(rendezvous, OFFER.size, 2)
        if not data:
            return
        magic, version, token = OFFER.unpack(data)
        check((magic, version, len(files)) == (MAGIC, VERSION, 1), "no offer")
        self.offers += 1
        with socket.socket(fileno=files[0]) as connection:
            connection.settimeout(DEADLINE)
            if self.forge(self.Offered(self, rendezvous, token, connection)):
                self.adoptions += 1
