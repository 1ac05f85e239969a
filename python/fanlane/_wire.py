"""Frames on the two sockets of a pool: that to the process that hosts the run, and those to the interpreters.

A frame is a kind, a length and a body. docs/design/python-package.md lists them.
"""

from __future__ import annotations

import array
import errno
import fcntl
import os
import socket
import struct
import termios
from collections import deque
from typing import Callable, Deque, List, Optional, Tuple

HEADER = struct.Struct("<BI")
RECORD = struct.Struct("<QBI")
LINK_HELLO_BYTES = 36
# A link of this number does not belong to the interpreter of a lane, but tells what it prints.
OF_TERMINAL = 1 << 31
MAX_DESCRIPTORS = 64
_ANCILLARY_BYTES = socket.CMSG_SPACE(MAX_DESCRIPTORS * array.array("i").itemsize)

VALUE, RAISED, UNSENDABLE = range(3)


def frame(kind: bytes, body: bytes = b"") -> bytes:
    return HEADER.pack(kind[0], len(body)) + body


def numbers(body: "memoryview | bytes") -> Tuple[int, ...]:
    """The numbers of calls in a body."""
    return struct.unpack(f"<{len(body) // 8}Q", body)


def body_of_numbers(values: List[int]) -> bytes:
    return struct.pack(f"<{len(values)}Q", *values)


class Stream:
    """A socket that never blocks: what cannot be sent waits, what has come in part is kept."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.is_watched_for_sending = False
        self.received = 0
        self.rest = bytearray()
        # None for one that was lost because this process may have no more open.
        self.descriptors: Deque[Optional[int]] = deque()
        self.outgoing: Deque[Tuple[memoryview, Optional[int]]] = deque()

    def fileno(self) -> int:
        return self.connection.fileno()

    def queue(self, data: bytes, descriptor: Optional[int] = None) -> bool:
        """Sends what can be sent now, behind what waits already; whether something still waits."""
        self.outgoing.append((memoryview(data), descriptor))
        if len(self.outgoing) > 1:
            return True
        return self.flush()

    def flush(self) -> bool:
        """Sends what can be sent; whether something still waits. An ended peer takes nothing more."""
        outgoing = self.outgoing
        while outgoing:
            data, descriptor = outgoing[0]
            try:
                if descriptor is None:
                    count = self.connection.send(data, socket.MSG_NOSIGNAL)
                else:
                    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))
                    count = self.connection.sendmsg([data], [rights], socket.MSG_NOSIGNAL)
            except (BlockingIOError, InterruptedError):
                return True
            except OSError as error:
                if error.errno == errno.ETOOMANYREFS:
                    # More files are on their way than this user may have: their receivers take them.
                    return True
                outgoing.clear()
                return False
            if count == len(data):
                outgoing.popleft()
            else:
                outgoing[0] = (data[count:], None)
        return False

    def unread_bytes(self) -> int:
        """How many bytes can be read without waiting."""
        count = array.array("i", [0])
        fcntl.ioctl(self.connection, termios.FIONREAD, count)
        return count[0]

    def receive(self, buffer: bytearray, take: Callable[[int, memoryview], None]) -> bool:
        """Reads once and gives each whole frame to `take`; False at the end of the stream."""
        try:
            count, ancillary, flags, _ = self.connection.recvmsg_into([buffer], _ANCILLARY_BYTES, socket.MSG_CMSG_CLOEXEC)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                received = array.array("i")
                received.frombytes(data[: len(data) - len(data) % received.itemsize])
                self.descriptors.extend(received)
        if flags & socket.MSG_CTRUNC:
            self.descriptors.append(None)
        if count == 0:
            return False
        self.received += count
        if self.rest:
            self.rest += memoryview(buffer)[:count]
            with memoryview(self.rest) as view:
                used = self.split(view, len(self.rest), take)
            del self.rest[:used]
        else:
            with memoryview(buffer) as view:
                used = self.split(view, count, take)
                self.rest += view[used:count]
        return True

    @staticmethod
    def split(data: memoryview, end: int, take: Callable[[int, memoryview], None]) -> int:
        """Gives the whole frames to `take`; the number of bytes they have."""
        start = 0
        while end - start >= HEADER.size:
            kind, length = HEADER.unpack_from(data, start)
            following = start + HEADER.size + length
            if following > end:
                break
            with data[start + HEADER.size : following] as body:
                take(kind, body)
            start = following
        return start

    def take_descriptor(self) -> Optional[int]:
        """The descriptor of the next frame that has one; None where it was lost."""
        return self.descriptors.popleft() if self.descriptors else None

    def close(self) -> None:
        self.connection.close()
        self.outgoing.clear()
        while self.descriptors:
            descriptor = self.descriptors.popleft()
            if descriptor is not None:
                os.close(descriptor)
