"""Where interpreters come in: the socket of a run, and those who have connected to it and not shown its key yet."""

from __future__ import annotations

import hmac
import os
import resource
import select
import socket
import struct
import time
from typing import Dict, List, Optional, Tuple

from ._wire import LINK_HELLO_BYTES, Stream

# Maximum number of strangers, and what part of the descriptors that the script may have open they take at most. Beyond it the one
# that has waited longest gives way.
MAX_STRANGERS = 256
STRANGERS_SHARE = 8
# How long one may take to show the key, which interpreters do at once.
STRANGER_SECS = 30
# Those who connect without end hold up nothing else.
MAX_ACCEPTED_AT_ONCE = 64
# After this time it is tried again where the script or the machine has too many files open.
SHORTAGE_PAUSE_SECS = 0.1


class Entrance:
    """Lets interpreters of this user in that know the key. All others can do nothing here, and keep nothing open."""

    def __init__(self, epoll: select.epoll, listener: socket.socket, key: bytes) -> None:
        self.epoll = epoll
        self.listener = listener
        self.key = key
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.max_strangers = MAX_STRANGERS if allowed < 0 else min(MAX_STRANGERS, allowed // STRANGERS_SHARE)
        # In the order in which they have come, each with the end of its time.
        self.strangers: Dict[int, Tuple[Stream, float]] = {}
        self.opens_again: Optional[float] = None
        epoll.register(listener.fileno(), select.EPOLLIN)

    def timeout(self) -> Optional[float]:
        """After how many seconds there is something to do without an event."""
        if not self.strangers and self.opens_again is None:
            return None
        ends: List[float] = [] if self.opens_again is None else [self.opens_again]
        ends += [end for _, end in list(self.strangers.values())[:1]]
        return max(0.0, min(ends) - time.monotonic())

    def tend(self) -> None:
        """Does what it is time for."""
        now = time.monotonic()
        if self.opens_again is not None and self.opens_again <= now:
            self.opens_again = None
            self.epoll.register(self.listener.fileno(), select.EPOLLIN)
        while self.strangers:
            descriptor, (_, end) = next(iter(self.strangers.items()))
            if end > now:
                return
            self.turn_away(descriptor)

    def accept(self) -> None:
        for _ in range(MAX_ACCEPTED_AT_ONCE):
            try:
                connection, _ = self.listener.accept()
            except BlockingIOError:
                return
            except OSError:
                if not self.make_room():
                    return
                continue
            try:
                if not is_of_own_user(connection):
                    connection.close()
                    continue
                self.epoll.register(connection.fileno(), select.EPOLLIN)
            except OSError:
                connection.close()
                continue
            if len(self.strangers) >= self.max_strangers:
                self.turn_away(next(iter(self.strangers)))
            self.strangers[connection.fileno()] = Stream(connection), time.monotonic() + STRANGER_SECS

    def make_room(self) -> bool:
        """No file can be opened. A stranger gives way; where there is none, those who want to come in wait."""
        if self.strangers:
            self.turn_away(next(iter(self.strangers)))
            return True
        self.opens_again = time.monotonic() + SHORTAGE_PAUSE_SECS
        self.epoll.unregister(self.listener.fileno())
        return False

    def greet(self, descriptor: int) -> Optional[Tuple[Stream, int]]:
        """Reads what a stranger says; once it is none any more, its connection and the number of its link."""
        stranger, _ = self.strangers.get(descriptor, (None, 0.0))
        if stranger is None:
            # It was turned away meanwhile.
            return None
        hello = stranger.rest
        try:
            received = stranger.connection.recv(LINK_HELLO_BYTES - len(hello))
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            received = b""
        hello += received
        if received and len(hello) < LINK_HELLO_BYTES:
            return None
        if not received or not hmac.compare_digest(bytes(hello[: len(self.key)]), self.key):
            self.turn_away(descriptor)
            return None
        number = int.from_bytes(hello[len(self.key) :], "little")
        hello.clear()
        del self.strangers[descriptor]
        return stranger, number

    def turn_away(self, descriptor: int) -> None:
        stranger, _ = self.strangers.pop(descriptor)
        self.epoll.unregister(descriptor)
        stranger.close()

    def close(self) -> None:
        for stranger, _ in self.strangers.values():
            stranger.close()
        self.strangers.clear()


def is_of_own_user(connection: socket.socket) -> bool:
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iii"))
    return bool(struct.unpack("iii", credentials)[1] == os.geteuid())
