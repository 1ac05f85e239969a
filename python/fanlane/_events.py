"""Waiting for other threads.

A signal may raise an exception in the main thread at any moment. With the conditions of `threading` it can leave a lock held, or given
back twice; so those who wait here hold none.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Callable, List, Optional


class Bell:
    """Has those look again who wait for something."""

    __slots__ = ("waiters",)

    def __init__(self) -> None:
        # Locks that are held until the bell rings. One that an interrupted thread has left is given back then, too.
        self.waiters: List[Any] = []

    def ring(self) -> None:
        # Given back before it is forgotten: an interrupt in between has none wait for ever.
        for waiter in self.waiters.copy():
            try:
                waiter.release()
            except RuntimeError:
                # Another thread rings it, too, or an interrupted one has left it here.
                pass
            self.forget(waiter)

    def wait_until(self, is_so: Callable[[], bool], timeout: Optional[float] = None) -> bool:
        """Waits until `is_so()`, which is asked after each ring; False where it is not after `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while not is_so():
            waiter = threading.Lock()
            waiter.acquire()
            self.waiters.append(waiter)
            # It may have rung since it was asked.
            if is_so():
                self.forget(waiter)
                break
            if end is None:
                waiter.acquire()
                continue
            left = min(end - time.monotonic(), threading.TIMEOUT_MAX)
            if left <= 0 or not waiter.acquire(timeout=left):
                self.forget(waiter)
                return is_so()
        return True

    def forget(self, waiter: Any) -> None:
        try:
            self.waiters.remove(waiter)
        except ValueError:
            # It has rung.
            pass


class Event(Bell):
    """Something that happens once."""

    __slots__ = ("has_happened",)

    def __init__(self) -> None:
        super().__init__()
        self.has_happened = False

    def is_set(self) -> bool:
        return self.has_happened

    def set(self) -> None:
        self.has_happened = True
        self.ring()

    def wait(self, timeout: Optional[float] = None) -> bool:
        """Waits until it has happened; False where it has not after `timeout` seconds."""
        return self.has_happened or self.wait_until(self.is_set, timeout)
