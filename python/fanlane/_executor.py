"""`Executor`: the interface of `concurrent.futures.Executor` over a run of Fanlane."""

from __future__ import annotations

import os
import threading
import time
import traceback
import weakref
from collections import deque
from concurrent.futures import Executor as _Executor
from concurrent.futures import Future, InvalidStateError, TimeoutError
from functools import partial
from typing import Any, Callable, Iterable, Iterator, List, Mapping, Optional, TypeVar

from ._feeder import Feeder
from ._pickling import name_of
from ._pool import checked_settings
from ._results import Failed, NotYet, Progress, Sink, StreamFeed
from ._run import Run
from ._setup import Settings, whole

T = TypeVar("T")

# How long a future may be locked by those who look at it.
LOCK_TIMEOUT_SECS = 1.0


def _is_free(lock: Any) -> bool:
    """Whether a lock, if it is one, can be had within the time for which somebody looks at a future."""
    if lock is None:
        return True
    if not lock.acquire(timeout=LOCK_TIMEOUT_SECS):
        return False
    lock.release()
    return True


class CallFuture(Future, Sink):  # type: ignore[type-arg]
    """A `concurrent.futures.Future` whose `cancel` ends the call also while it is running."""

    _is_single = True

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def cancel(self) -> bool:
        """Cancels the call, also one that is running; False where it has ended."""
        if not super().cancel():
            return False
        with self._condition:
            if self._state == "CANCELLED":
                self.set_running_or_notify_cancel()
        self._run.cancel(self)
        return True

    def result(self, timeout: Optional[float] = None) -> Any:
        """The value of the call, as `concurrent.futures.Future` has it. A fork of the script hears of no end that came after it."""
        self._check_process()
        return super().result(timeout)

    def exception(self, timeout: Optional[float] = None) -> Optional[BaseException]:
        """The exception of the call; None where it has returned a value."""
        self._check_process()
        return super().exception(timeout)

    def _check_process(self) -> None:
        # Without its lock, which another thread may have held when this process was forked.
        if self._run.is_foreign and self._state not in ("FINISHED", "CANCELLED", "CANCELLED_AND_NOTIFIED"):
            self._run.check_process()

    def running(self) -> bool:
        """Whether a worker is doing the call."""
        return not self.done() and self._run.is_running(self)

    def _settle(self, key: int, ok: bool, value: Any) -> None:
        # An interrupt may leave a lock held in the thread that waits, and whoever sets the value then waits for that thread: no other
        # call is to wait with it.
        waiters: List[Any] = getattr(self, "_waiters", [])
        for waiter in waiters.copy():
            if not all(map(_is_free, (getattr(waiter, "lock", None), getattr(waiter.event, "_cond", None)))):
                # The wait that it was made for has been given up: `wait` and `as_completed` take no longer to look at it.
                waiters.remove(waiter)
        if _is_free(self._condition):
            self._settle_now(ok, value)
        else:
            threading.Thread(target=self._settle_now, args=(ok, value), name="fanlane-settle", daemon=True).start()

    def _settle_now(self, ok: bool, value: Any) -> None:
        try:
            if ok:
                self.set_result(value)
            else:
                self.set_exception(value)
        except InvalidStateError:
            # It was cancelled meanwhile.
            pass
        except BaseException:
            # A callback has asked Python to exit. It is shown like other errors of callbacks, and ends no other call.
            traceback.print_exc()


class Executor(_Executor):
    """An executor of worker processes, with the interface of `concurrent.futures.ProcessPoolExecutor`.

    >>> with Executor(2) as executor:
    ...     future = executor.submit(pow, 2, 5)
    ...     list(executor.map(abs, [-1, 2]))
    ...     future.result()
    [1, 2]
    32

    The workers start with the first call. The parameters behind `max_tasks_per_child` are those of `Pool`; `mp_context` is
    accepted and means nothing. `cancel()` of a future ends its call also when it is running. A worker that dies fails its own
    call, by `WorkerDied`, and leaves the executor usable.
    """

    def __init__(
        self,
        max_workers: Optional[int] = None,
        mp_context: Any = None,
        initializer: Optional[Callable[..., Any]] = None,
        initargs: Iterable[Any] = (),
        *,
        max_tasks_per_child: Optional[int] = None,
        name: Optional[str] = None,
        mode: str = "pool",
        timeout: Optional[float] = None,
        retries: int = 0,
        history: bool = True,
        interpreter: "Optional[str | os.PathLike[str]]" = None,
        output: bool = True,
        env: Optional[Mapping[str, str]] = None,
    ) -> None:
        if max_workers is not None and whole("max_workers", max_workers) <= 0:
            raise ValueError("max_workers must be greater than 0")
        if max_tasks_per_child is not None:
            if not isinstance(max_tasks_per_child, int):
                raise TypeError("max_tasks_per_child must be an integer")
            if max_tasks_per_child <= 0:
                raise ValueError("max_tasks_per_child must be >= 1")
        self._settings: Settings = checked_settings(
            max_workers,
            initializer,
            initargs,
            max_tasks_per_child,
            mode,
            timeout,
            retries,
            name=name,
            history=history,
            interpreter=interpreter,
            shows_output=output,
            environment=dict(env or {}),
            finishes_at_exit=True,
        )
        self._max_workers = self._settings.workers
        self._run: Optional[Run] = None
        self._is_shut_down = False
        self._starting = threading.Lock()
        self._streams: "weakref.WeakSet[StreamFeed]" = weakref.WeakSet()
        _executors.add(self)

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """Calls `fn(*args, **kwargs)` in a worker; a `concurrent.futures.Future` of its value."""
        run = self._started()
        future = CallFuture(run)
        run.call(future, fn, args, kwargs)
        return future

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: Optional[float] = None,
        chunksize: int = 1,
        buffersize: Optional[int] = None,
    ) -> Iterator[T]:
        """Calls `fn` with an item of each iterable; an iterator over what it returns, in order.

        The iterables are read at once. With `buffersize` no more calls, or chunks, than so many are made that are not taken:
        each that is taken has the items of another one read, so that the iterables may be endless. `TimeoutError` is raised
        where a value is not there `timeout` seconds after the call of `map`.

        >>> import itertools
        >>> with Executor(2) as executor:
        ...     values = executor.map(pow, itertools.count(), itertools.repeat(2), buffersize=10)
        ...     [next(values) for _ in range(5)]
        [0, 1, 4, 9, 16]
        """
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1.")
        if buffersize is not None and not isinstance(buffersize, int):
            raise TypeError("buffersize must be an integer or None")
        if buffersize is not None and buffersize < 1:
            raise ValueError("buffersize must be None or > 0")
        deadline = None if timeout is None else time.monotonic() + timeout
        run = self._started()
        feed = StreamFeed(True, chunksize > 1)
        # The calls are done whether their values are taken or not.
        feed.lift_bound()
        items = list(zip(*iterables)) if buffersize is None else _while_open(weakref.ref(self), zip(*iterables))
        try:
            function = run.functions.add(fn)
        except Exception as error:
            run.ask(partial(feed.refuse_rest, error))
            return _values(run, feed, deadline, None)
        feeder = Feeder(run, feed, function, name_of(fn), items, chunksize, True)
        if buffersize is not None:
            feeder.feed_calls(buffersize)
            return _values(run, feed, deadline, feeder)
        self._streams.add(feed)
        feeder.start()
        return _values(run, feed, deadline, None)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no more calls. `cancel_futures` cancels those that have not begun; `wait` waits for the others."""
        with self._starting:
            self._is_shut_down = True
            run = self._run
        if run is None:
            return
        if cancel_futures:
            for feed in list(self._streams):
                feed.stop()
            run.cancel_queued()
        run.close()
        if wait:
            run.join()

    def terminate_workers(self) -> None:
        """Ends all workers at once; calls that have not ended are cancelled. The executor takes no more calls."""
        self.shutdown(wait=False)
        if self._run is not None:
            self._run.terminate()

    kill_workers = terminate_workers

    def resize(self, max_workers: int) -> None:
        """Changes the number of workers; no call is ended by that."""
        if whole("max_workers", max_workers) <= 0:
            raise ValueError("max_workers must be greater than 0")
        self._started().resize(max_workers)

    def progress(self) -> Progress:
        """How many calls are done and have failed, and how many there are."""
        return self._run.progress() if self._run is not None else Progress(0, 0, 0)

    @property
    def run_number(self) -> Optional[int]:
        """The number of the run in the history; None until it is known, and where there is no history."""
        return self._run.info.get("run") if self._run is not None else None

    def _started(self) -> Run:
        if self._run is None:
            with self._starting:
                if self._run is None and not self._is_shut_down:
                    self._run = Run(self._settings)
                    # An executor that is dropped has its calls done, and ends then.
                    weakref.finalize(self, self._run.close).atexit = False
        run = self._run
        if self._is_shut_down or run is None:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if run.is_closed:
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")
        if run.has_ended:
            raise RuntimeError(f"cannot schedule new futures: {run.why_ended()}")
        return run


_executors: "weakref.WeakSet[Executor]" = weakref.WeakSet()


def _free_locks() -> None:
    """In a fork: no other thread of this process will ever give back what it held."""
    for executor in list(_executors):
        executor._starting = threading.Lock()


os.register_at_fork(after_in_child=_free_locks)


def _while_open(executor: "weakref.ref[Executor]", items: Iterable[Any]) -> Iterator[Any]:
    """The items as long as the executor takes calls. One that is dropped takes none any more; one that is shut down says so."""
    for item in items:
        its = executor()
        if its is None:
            return
        its._started()
        del its
        yield item


def _values(run: Run, feed: StreamFeed, deadline: Optional[float], feeder: Optional[Feeder]) -> Iterator[Any]:
    """The values of a map, each after another call from the feeder; once it is left, what is not needed any more is cancelled."""
    try:
        while True:
            if feeder is not None:
                feeder.feed_calls(1)
            try:
                value = feed.next(None if deadline is None else max(0.0, deadline - time.monotonic()))
            except NotYet:
                raise TimeoutError() from None
            except StopIteration:
                return
            items = deque(value if feed.is_chunked and type(value) is not Failed else [value])
            # The one who takes a value is the only one who has it.
            del value
            while items:
                if type(items[0]) is Failed:
                    raise items[0].error
                yield items.popleft()
    finally:
        feed.is_abandoned = True
        feed.room.ring()
        if not run.has_ended:
            # It may be collected while any lock is held.
            run.request(partial(run.cancel_queued, feed))
