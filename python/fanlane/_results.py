"""The results of calls as a script waits for them."""

from __future__ import annotations

import traceback
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Callable, Deque, Dict, Generic, Iterator, List, NamedTuple, Optional, TypeVar

from ._events import Bell, Event

if TYPE_CHECKING:
    from ._pool import Pool
    from ._run import Run

T = TypeVar("T")


class Progress(NamedTuple):
    """How far a pool or a result is, in calls; for a map in its items."""

    done: int
    """How many have returned a value."""
    failed: int
    """How many have raised an exception, died, timed out or were cancelled."""
    total: int
    """How many there are as far as it is known."""


class Failed:
    """Stands for the value of an item whose call has failed."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


class NotYet(Exception):
    """A wait was too long."""


def timeout_error() -> Exception:
    """The exception of a wait that was too long: that of `multiprocessing`."""
    from multiprocessing import TimeoutError

    return TimeoutError()


def call_back(callback: Optional[Callable[[Any], object]], value: Any) -> None:
    """Calls what the script wants to have called; what it raises is shown and holds up nothing."""
    if callback is not None:
        try:
            callback(value)
        except BaseException:
            traceback.print_exc()


class Sink:
    """What takes the results of calls. Its methods are called by the thread of the run alone."""

    _number = 0
    """The number of the last call whose result goes here."""
    _is_single = False
    """Whether there is one call alone."""
    _entered = 0
    """The key behind the last call that was taken in, or was refused."""
    _origin: "Optional[Sink]" = None
    """The sink that gets what this one gathers."""

    def _settle(self, key: int, ok: bool, value: Any) -> None:
        """The call or chunk `key` has ended with a value or an exception."""
        raise NotImplementedError

    def _settle_items(self, key: int, values: List[Any]) -> None:
        """A chunk has ended whose items have ended differently; `Failed` stands for those that have failed."""
        for value in values:
            if type(value) is Failed:
                self._settle(key, False, value.error)
                return
        self._settle(key, True, values)


class AsyncResult(Sink, Generic[T]):
    """The result of `Pool.apply_async`."""

    _is_single = True

    def __init__(
        self,
        pool: "Pool",
        callback: Optional[Callable[[Any], object]] = None,
        error_callback: Optional[Callable[[BaseException], object]] = None,
    ) -> None:
        self._pool: Optional["Pool"] = pool
        self._run: "Run" = pool._run
        self._event = Event()
        self._callback = callback
        self._error_callback = error_callback
        self._success = True
        self._value: Any = None

    def ready(self) -> bool:
        """Whether the call has ended."""
        return self._event.is_set()

    def successful(self) -> bool:
        """Whether the call has returned a value; ValueError where it has not ended."""
        if not self._event.is_set():
            raise ValueError(f"{self!r} not ready")
        return self._success

    def wait(self, timeout: Optional[float] = None) -> None:
        """Waits until the call has ended, or `timeout` seconds. A fork of the script hears of no end that came after it."""
        if not self._event.is_set():
            self._run.check_process()
        self._event.wait(timeout)

    def get(self, timeout: Optional[float] = None) -> T:
        """The value that the call returns. What it raises is raised; `multiprocessing.TimeoutError` after `timeout` seconds."""
        self._wait_or_raise(timeout)
        if self._success:
            return self._value  # type: ignore[no-any-return]
        raise self._value

    def _wait_or_raise(self, timeout: Optional[float]) -> None:
        self.wait(timeout)
        if not self._event.is_set():
            raise timeout_error()

    def cancel(self) -> bool:
        """Cancels the call, also while it is running; False where it has ended.

        `get` raises `CallCancelled` then; a call that is done first has its value.
        """
        if self._event.is_set():
            return False
        self._run.cancel(self)
        return True

    def progress(self) -> Progress:
        """How far the result is."""
        is_ready = self._event.is_set()
        return Progress(int(is_ready and self._success), int(is_ready and not self._success), 1)

    def _settle(self, key: int, ok: bool, value: Any) -> None:
        self._success, self._value = ok, value
        self._finish()

    def _finish(self) -> None:
        call_back(self._callback if self._success else self._error_callback, self._value)
        self._callback = self._error_callback = None
        self._event.set()
        self._pool = None


class MapResult(AsyncResult[List[T]]):
    """The result of `Pool.map_async` and `Pool.starmap_async`."""

    _is_single = False

    def __init__(
        self,
        pool: "Pool",
        length: int,
        chunksize: int,
        callback: Optional[Callable[[Any], object]] = None,
        error_callback: Optional[Callable[[BaseException], object]] = None,
    ) -> None:
        super().__init__(pool, callback, error_callback)
        self._values: List[Any] = [None] * length
        self._chunksize = chunksize
        self._left = -(-length // chunksize) if length else 0
        self._done = self._failed = 0
        self._feed: "Optional[MapFeed]" = None
        if length == 0:
            self._value = []
            self._event.set()
            self._pool = None

    def cancel(self) -> bool:
        """Cancels all calls that have not ended, also those that run; False where all have ended."""
        if self._feed is not None:
            self._feed.cancel()
        return super().cancel()

    def outcomes(self, timeout: Optional[float] = None) -> List[Any]:
        """The value of each item, and the exception in the place of each that has failed, so that no result is lost.

        An exception ends its chunk, so it stands for all items of that; with `chunksize=1` for the one alone.
        """
        self._wait_or_raise(timeout)
        return [value.error if type(value) is Failed else value for value in self._values]

    def progress(self) -> Progress:
        return Progress(self._done, self._failed, len(self._values))

    def _settle(self, key: int, ok: bool, value: Any) -> None:
        start = key * self._chunksize
        if ok:
            values = [value] if self._chunksize == 1 else value
            self._done += len(values)
        else:
            count = min(self._chunksize, len(self._values) - start)
            values = [Failed(value)] * count
            self._note_failed(count, value)
        self._keep(start, values)

    def _settle_items(self, key: int, values: List[Any]) -> None:
        for value in values:
            if type(value) is Failed:
                self._note_failed(1, value.error)
            else:
                self._done += 1
        self._keep(key * self._chunksize, values)

    def _note_failed(self, count: int, error: BaseException) -> None:
        self._failed += count
        if self._success:
            self._success, self._value = False, error

    def _keep(self, start: int, values: List[Any]) -> None:
        self._values[start : start + len(values)] = values
        self._left -= 1
        if self._left == 0:
            if self._success:
                self._value = self._values
            self._finish()


class Feed(Sink):
    """What a `Feeder` has to know of results: how many are there, and how many were taken."""

    def __init__(self) -> None:
        self.room = Bell()
        # With how many used calls there is room for those who wait for it.
        self.wanted = 0
        self.is_cancelled = self.is_stopped = False
        self.settled = 0

    def used(self) -> int:
        """How many calls have left room for others."""
        return self.settled

    def cancel(self) -> None:
        """Has no further call submitted."""
        self.is_cancelled = True
        self.room.ring()

    def stop(self) -> None:
        """Has no further call submitted; those that run go on."""
        self.is_stopped = True
        self.room.ring()

    def refuse_rest(self, error: BaseException) -> None:
        """The calls behind those that were taken in are not submitted. An exception may have come at any moment of their way."""
        self.refuse_from(self._entered, error)

    def refuse_from(self, key: int, error: BaseException) -> None:
        """The calls from `key` on are not submitted."""
        raise NotImplementedError

    def note_settled(self) -> None:
        self.settled += 1
        self.offer_room()

    def offer_room(self) -> None:
        if self.room.waiters and self.used() >= self.wanted:
            self.room.ring()


class MapFeed(Feed):
    """Gives the results of a map that is fed in parts to its `MapResult`."""

    def __init__(self, result: "MapResult[Any]") -> None:
        super().__init__()
        self.result = result
        result._feed = self
        self._origin = result

    def _settle(self, key: int, ok: bool, value: Any) -> None:
        self.result._settle(key, ok, value)
        self.note_settled()

    def _settle_items(self, key: int, values: List[Any]) -> None:
        self.result._settle_items(key, values)
        self.note_settled()

    def refuse_from(self, key: int, error: BaseException) -> None:
        while key * self.result._chunksize < len(self.result._values):
            self.result._settle(key, False, error)
            key += 1


class StreamFeed(Feed):
    """The results of `imap` on their way to the iterator, in order or as they come."""

    def __init__(self, is_ordered: bool, is_chunked: bool) -> None:
        super().__init__()
        self.is_ordered = is_ordered
        self.is_chunked = is_chunked
        self.ready: Deque[Any] = deque()
        self.early: Dict[int, Any] = {}
        self.length: Optional[int] = None
        # How many are in `ready` or were taken from it.
        self.arrived = 0
        self.changed = Bell()
        self.is_unbounded = False
        self.is_abandoned = False
        self.done = self.failed = 0

    def used(self) -> int:
        # Results that wait to be taken take memory, so that no more are made than a few.
        return self.settled if self.is_unbounded else self.arrived - len(self.ready)

    def _settle(self, key: int, ok: bool, value: Any) -> None:
        if not ok:
            self.failed += 1
            value = Failed(value)
        elif self.is_chunked:
            self.done += len(value)
        else:
            self.done += 1
        self.arrive(key, value)

    def _settle_items(self, key: int, values: List[Any]) -> None:
        failed = sum(type(value) is Failed for value in values)
        self.failed += failed
        self.done += len(values) - failed
        self.arrive(key, values)

    def arrive(self, key: int, value: Any) -> None:
        if self.is_ordered and key != self.arrived:
            self.early[key] = value
        else:
            self.make_ready(value)
            while self.early and self.arrived in self.early:
                self.make_ready(self.early.pop(self.arrived))
            if self.changed.waiters:
                self.changed.ring()
        self.note_settled()

    def make_ready(self, value: Any) -> None:
        # Counted afterwards: where all have arrived, all are there to be taken.
        self.ready.append(value)
        self.arrived += 1

    def end(self, length: int) -> None:
        """The iterable has given its last item: `length` calls in all."""
        self.length = length
        self.changed.ring()

    def refuse_from(self, key: int, error: BaseException) -> None:
        self._settle(key, False, error)
        self.end(key + 1)

    def lift_bound(self) -> None:
        self.is_unbounded = True
        self.room.ring()

    def abandon(self) -> None:
        """The iterator is gone. One that was never asked was made for what the calls do: they all go on; of others no more input is read."""
        self.is_abandoned = self.arrived > len(self.ready)
        self.lift_bound()

    def next(self, timeout: Optional[float]) -> Any:
        """The next result of a call or chunk; `NotYet` after `timeout` seconds."""
        while True:
            # Asked first: another thread may take the last one.
            has_all = self.arrived == self.length
            try:
                value = self.ready.popleft()
            except IndexError:
                if has_all:
                    raise StopIteration from None
            else:
                self.offer_room()
                return value
            if not self.changed.wait_until(self.has_news, timeout):
                raise NotYet

    def has_news(self) -> bool:
        return bool(self.ready) or self.arrived == self.length


class IMapIterator(Generic[T], Iterator[T]):
    """The results of `Pool.imap` and `Pool.imap_unordered`, one after the other.

    A call that has failed raises its exception in its turn; the iterator can be asked for the next one then.
    """

    def __init__(self, pool: Any, feed: StreamFeed) -> None:
        self._pool: Any = pool
        self._run: "Run" = pool._run
        self._feed = feed
        self._chunk: Deque[Any] = deque()
        weakref.finalize(self, feed.abandon).atexit = False

    def __iter__(self) -> "IMapIterator[T]":
        return self

    def next(self, timeout: Optional[float] = None) -> T:
        """The next result; `multiprocessing.TimeoutError` after `timeout` seconds."""
        while True:
            try:
                # Another thread may take what this one has put there.
                value = self._chunk.popleft()
                break
            except IndexError:
                pass
            try:
                if not self._feed.has_news():
                    self._run.check_process()
                value = self._feed.next(timeout)
            except NotYet:
                raise timeout_error() from None
            except StopIteration:
                self._pool = None
                raise
            if not self._feed.is_chunked or type(value) is Failed:
                break
            self._chunk.extend(value)
        if type(value) is not Failed:
            return value  # type: ignore[no-any-return]
        if isinstance(value.error, StopIteration):
            # It would say that there are no more results.
            raise RuntimeError("the function has raised StopIteration") from value.error
        raise value.error

    __next__ = next

    def cancel(self) -> None:
        """Cancels what is queued and running, and reads no more input."""
        self._feed.cancel()
        self._run.cancel(self._feed)

    def progress(self) -> Progress:
        """How far the calls are; `total` is what was read of the input until now."""
        feed = self._feed
        return Progress(feed.done, feed.failed, self._run.count_of(feed) + feed.done + feed.failed)
