"""A file system whose one file, `stuck`, answers no read until somebody interrupts it: what a network's file is like when
the network is gone. Needs root and /dev/fuse. Source: linux:include/uapi/linux/fuse.h."""
import ctypes
import errno
import os
import select
import signal
import struct

import harness

_libc = ctypes.CDLL(None, use_errno=True)
_HEADER = struct.Struct("<IIQQIIII")  # length, operation, unique, node, uid, gid, pid, padding
_LOOKUP, _FORGET, _GETATTR, _OPEN, _READ, _STATFS, _RELEASE, _FLUSH, _INIT = 1, 2, 3, 14, 15, 17, 18, 25, 26
_OPENDIR, _RELEASEDIR, _INTERRUPT, _BATCH_FORGET = 27, 29, 36, 42
_ROOT, _STUCK = 1, 2


class StuckFiles:
    def __init__(self, directory):
        self.directory = directory
        self.device = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self.device},rootmode=40000,user_id=0,group_id=0,allow_other"
        if _libc.mount(b"stuck", directory.encode(), b"fuse", 0, options.encode()) != 0:
            error = ctypes.get_errno()
            os.close(self.device)
            raise OSError(error, os.strerror(error))
        # A process of its own: one that starts others while it serves could wait for itself. It says a byte on the pipe
        # `waiting` for every read that begins to wait, and ends when the file system does.
        self.waiting, says = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.waiting)
            self._serve(says)
            os._exit(0)
        # Else it counts as left behind by the first run that ends.
        harness.own(self)
        os.close(says)
        os.close(self.device)

    def close(self):
        _libc.umount2(self.directory.encode(), 2)  # MNT_DETACH
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        harness.disown(self)
        os.close(self.waiting)

    def forget(self):
        """What waited earlier does not count any more."""
        while select.select([self.waiting], [], [], 0)[0]:
            harness.check(os.read(self.waiting, 4096), "the file system has gone")

    def wait_for_read(self, seconds):
        """Whether a read has begun to wait since."""
        return bool(select.select([self.waiting], [], [], seconds)[0])

    @staticmethod
    def _attributes(node):
        mode, size = (0o40755, 0) if node == _ROOT else (0o100644, 1 << 20)
        return struct.pack("<QQQQQQIIIIIIIIII", node, size, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def _reply(self, unique, body=b"", error=0):
        try:
            os.write(self.device, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)
        except OSError:
            pass  # whoever asked has gone

    def _serve(self, says):
        while True:
            try:
                request = os.read(self.device, 1 << 17)
            except OSError as failure:
                if failure.errno in (errno.EINTR, errno.ENOENT):
                    continue
                return
            _, operation, unique, node, *_ = _HEADER.unpack_from(request)
            body = request[_HEADER.size:]
            if operation == _INIT:
                self._reply(unique, struct.pack("<IIIIHHIIHHI28x", 7, 31, 65536, 0, 16, 12, 65536, 1, 16, 0, 0))
            elif operation == _LOOKUP:
                if body.rstrip(b"\0") == b"stuck":
                    self._reply(unique, struct.pack("<QQQQII", _STUCK, 0, 60, 60, 0, 0) + self._attributes(_STUCK))
                else:
                    self._reply(unique, error=errno.ENOENT)
            elif operation == _GETATTR:
                self._reply(unique, struct.pack("<QII", 60, 0, 0) + self._attributes(node))
            elif operation in (_OPEN, _OPENDIR):
                self._reply(unique, struct.pack("<QII", 0, 1, 0))  # past the page cache
            elif operation == _READ:
                os.write(says, b"r")
            elif operation == _INTERRUPT:
                self._reply(struct.unpack_from("<Q", body)[0], error=errno.EINTR)
            elif operation in (_RELEASE, _RELEASEDIR, _FLUSH):
                self._reply(unique)
            elif operation not in (_FORGET, _BATCH_FORGET):
                self._reply(unique, error=errno.ENOSYS)
