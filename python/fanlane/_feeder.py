"""Submits the calls of an iterable: in bunches, and no further ahead than keeps the workers busy.

So an endless generator, or one of large arrays, takes little memory.
"""

from __future__ import annotations

import itertools
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Iterable, Iterator, List, Optional

from ._errors import CallCancelled
from ._memory import CALL, MAP, STARMAP
from ._pickling import Dumped, Function, dump, label_of_call, short, shortened
from ._results import Feed, StreamFeed

if TYPE_CHECKING:
    from ._run import Run

# How many calls go to the host together.
MAX_BUNCH_CALLS = 256
# How many calls are read ahead: the workers take them in batches of milliseconds.
MIN_AHEAD_PER_WORKER = 4
MAX_AHEAD = 16384
# Calls that are taken so quickly want more of them read ahead.
QUICK_SECS = 0.05
# What arguments may lie in memory before the workers have read them.
MAX_WAITING_BYTES = 192 << 20
LARGE_BYTES = 64 << 10
NOT_SUBMITTED = "it was cancelled before it was submitted"


class Feeder:
    """Submits the calls of one map."""

    def __init__(
        self,
        run: "Run",
        feed: Feed,
        function: Function,
        name: str,
        items: Iterable[Any],
        chunksize: int,
        is_star: bool,
    ) -> None:
        self.run = run
        self.feed = feed
        self.function = function
        self.name = name
        self.chunksize = chunksize
        self.is_star = is_star
        # The items of a container are no code of the script, so that the thread of the script can read them.
        self.is_plain = type(items) in (list, tuple, range, str, bytes, dict, set, frozenset)
        self.source: Iterator[Any] = iter(items)
        self.fed = 0
        self.has_ended = False
        # Whether the last arguments were large enough to count before they are taken in.
        self.is_large = False
        self.ahead = max(2 * MIN_AHEAD_PER_WORKER, MIN_AHEAD_PER_WORKER * run.workers)
        self.max_ahead = max(MAX_AHEAD, self.ahead)
        self.raised_at, self.raised_since = 0, time.monotonic()

    def start(self) -> None:
        """Submits what can be at once, and the rest from a thread of its own."""
        try:
            self.run.feeders.add(self)
            if not self.is_plain or not self.feed_while_room():
                self.run.ask(self.start_thread)
        finally:
            self.run.feeder_ended(self)

    def start_thread(self) -> None:
        """Submits the rest from a thread of its own, which the thread of the run starts: nothing interrupts that."""
        thread = threading.Thread(target=self.feed_all, name="fanlane-feeder", daemon=True)
        self.run.feeders.add(thread)
        try:
            thread.start()
        except RuntimeError as error:
            # The limit of threads, or the end of Python.
            self.run.feeders.discard(thread)
            self.end(error)

    def feed_here(self) -> None:
        """Submits all from this thread, which waits for the results anyway."""
        try:
            self.run.feeders.add(self)
            while not self.feed_while_room():
                self.wait_for_room()
        finally:
            self.run.feeder_ended(self)

    def feed_calls(self, count: int) -> None:
        """Submits so many calls, or as many as there are items for, from this thread, and raises what the iterable raises."""
        goal = self.fed + count
        while self.fed < goal and not self.has_ended:
            if not self.feed_bunch(1):
                self.end()

    def feed_all(self) -> None:
        try:
            while not self.feed_while_room():
                self.wait_for_room()
        except BaseException as error:
            self.end(error)
        finally:
            self.run.feeder_ended(threading.current_thread())

    def room(self) -> int:
        """How many calls may be submitted now."""
        under_way = self.fed - self.feed.used()
        if under_way >= 2 * self.run.workers and self.run.waiting_bytes(self.is_large) > MAX_WAITING_BYTES:
            return 0
        return self.ahead - under_way

    def wait_for_room(self) -> None:
        feed = self.feed
        used, now = feed.used(), time.monotonic()
        if used - self.raised_at >= self.ahead // 2:
            if now - self.raised_since < QUICK_SECS * (used - self.raised_at) / (self.ahead // 2):
                self.ahead = min(2 * self.ahead, self.max_ahead)
            self.raised_at, self.raised_since = used, now
        # Half of it, so that calls go in bunches; with large arguments there may be room with the next call that ends.
        feed.wanted = self.fed - self.ahead + max(1, self.ahead // 2) if self.fed - used >= self.ahead else 0
        feed.room.wait_until(self.has_room, 1.0)

    def has_room(self) -> bool:
        is_enough = self.room() >= max(1, self.ahead // 2) or self.feed.used() >= self.fed
        return is_enough or self.is_stopped() or not self.run.accepts_items()

    def is_stopped(self) -> bool:
        return self.feed.is_cancelled or self.feed.is_stopped or self.is_abandoned()

    def is_abandoned(self) -> bool:
        return isinstance(self.feed, StreamFeed) and self.feed.is_abandoned

    def feed_while_room(self) -> bool:
        """Submits calls while there is room; True when there are no more."""
        try:
            while True:
                room = min(self.room(), MAX_BUNCH_CALLS)
                if self.is_abandoned():
                    return self.end()
                if self.feed.is_cancelled:
                    # What was submitted while it was being cancelled is cancelled, too.
                    self.run.cancel(self.feed)
                    return self.end(CallCancelled(NOT_SUBMITTED))
                if self.feed.is_stopped:
                    self.run.cancel_queued(self.feed)
                    return self.end(CallCancelled(NOT_SUBMITTED))
                if not self.run.accepts_items():
                    return self.end(self.run.why_ended())
                if room <= 0:
                    return False
                if not self.feed_bunch(room):
                    return self.end()
        except Exception as error:
            # The iterable has raised it, or a signal.
            return self.end(error)

    def end(self, error: Optional[BaseException] = None) -> bool:
        """No more is submitted; an error stands in the place of what did not come."""
        self.has_ended = True
        if error is not None:
            self.run.ask(partial(self.feed.refuse_rest, error))
        elif isinstance(self.feed, StreamFeed):
            self.feed.end(self.fed)
        return True

    def feed_bunch(self, room: int) -> bool:
        """Submits up to `room` calls; False where the iterable has no more."""
        if self.chunksize > 1:
            items = list(itertools.islice(self.source, self.chunksize))
            if items:
                self.submit(STARMAP if self.is_star else MAP, [items], [f"{self.name} × {len(items)}"])
            return len(items) == self.chunksize
        if self.is_plain:
            items = list(itertools.islice(self.source, room))
            self.submit_singly(items)
            return len(items) == room
        # The iterable may wait before its next item: each goes as soon as it is there, and the run bunches them.
        for item in itertools.islice(self.source, room):
            self.submit_singly([item])
            room -= 1
        return room == 0

    def submit_singly(self, items: List[Any]) -> None:
        name = self.name
        if self.is_star:
            values: List[Any] = [(tuple(item), {}) for item in items]
            self.submit(CALL, values, [label_of_call(name, *value) for value in values])
            return
        labels = [f"{name}({item})" if type(item) is int and item.bit_length() < 64 else shortened(f"{name}({short(item)})") for item in items]
        self.submit(CALL, [((item,), {}) for item in items], labels)

    def submit(self, kind: int, values: List[Any], labels: List[str]) -> None:
        first, self.fed = self.fed, self.fed + len(values)
        number = self.function.number
        try:
            dumped = [dump((number, kind, value)) for value in values]
            self.is_large = any(its.buffers or len(its.data) > LARGE_BYTES for its in dumped)
        except Exception:
            self.submit_what_can_be(kind, first, values, labels)
            return
        self.run.submit(self.feed, first, self.function, dumped, labels, kind, values)

    def submit_what_can_be(self, kind: int, first: int, values: List[Any], labels: List[str]) -> None:
        """Some arguments cannot be pickled: their calls fail, the others are done."""
        for position, value in enumerate(values):
            label = labels[position]
            try:
                dumped: Dumped = dump((self.function.number, kind, value), f"the arguments of {label}")
            except Exception as error:
                self.run.refuse(self.feed, first + position, error)
                continue
            self.run.submit(self.feed, first + position, self.function, [dumped], [label], kind, [value])
