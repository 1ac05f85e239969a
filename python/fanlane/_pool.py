"""`Pool`: the interface of `multiprocessing.Pool` over a run of Fanlane."""

from __future__ import annotations

import os
import warnings
import weakref
from functools import partial
from types import TracebackType
from typing import Any, Callable, Iterable, List, Mapping, Optional, Type, TypeVar

from ._feeder import Feeder
from ._pickling import name_of
from ._results import AsyncResult, Feed, IMapIterator, MapFeed, MapResult, Progress, StreamFeed
from ._run import Run
from ._setup import Settings, whole

S = TypeVar("S")
T = TypeVar("T")

RUN, CLOSE, TERMINATE = "RUN", "CLOSE", "TERMINATE"


def cpu_count() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) or 1


def checked_settings(
    workers: Optional[int],
    initializer: Optional[Callable[..., Any]],
    initargs: Iterable[Any],
    max_calls: Optional[int],
    mode: str,
    timeout: Optional[float],
    retries: int,
    **others: Any,
) -> Settings:
    """The settings of a run, or an error that names what is wrong."""
    return Settings(
        workers=workers if workers is not None else cpu_count(),
        initializer=initializer,
        initargs=tuple(initargs),
        max_calls=max_calls,
        mode=mode,
        timeout_secs=timeout,
        retries=retries,
        **others,
    )


class Pool:
    """A pool of worker processes, with the interface of `multiprocessing.Pool`.

    >>> import math
    >>> with Pool(2) as pool:
    ...     pool.map(math.factorial, range(5))
    ...     pool.apply(pow, (2, 10))
    ...     sorted(pool.imap_unordered(abs, [3, -2, 1]))
    [1, 1, 2, 6, 24]
    1024
    [1, 2, 3]

    `processes` is the number of workers, by default one for each core that the script may use. Each calls
    `initializer(*initargs)` first, and is replaced after `maxtasksperchild` calls. `context` is accepted for the sake of
    `multiprocessing.Pool`, and means nothing: workers are always new interpreters.

    Beyond `multiprocessing.Pool`: `name` is what the run is called in the history and the window, `mode="threads"` calls in
    threads of one interpreter, `timeout` ends a call that takes more seconds, `retries` says how often a call that fails is
    tried again, `history=False` keeps the run out of the history, `interpreter` is another Python for the workers, and
    `output=False` keeps what calls print from the script's own streams, and `env` has variables that the workers get beside
    those of the script.
    With a timeout or retries a map has one item in a chunk unless it is told otherwise, because both count for a chunk.
    """

    def __init__(
        self,
        processes: Optional[int] = None,
        initializer: Optional[Callable[..., Any]] = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: Optional[int] = None,
        context: Any = None,
        *,
        name: Optional[str] = None,
        mode: str = "pool",
        timeout: Optional[float] = None,
        retries: int = 0,
        history: bool = True,
        interpreter: "Optional[str | os.PathLike[str]]" = None,
        output: bool = True,
        env: Optional[Mapping[str, str]] = None,
    ) -> None:
        self._state = "INIT"
        if processes is not None and whole("the number of processes", processes) < 1:
            raise ValueError("Number of processes must be at least 1")
        if maxtasksperchild is not None and (not isinstance(maxtasksperchild, int) or maxtasksperchild <= 0):
            raise ValueError("maxtasksperchild must be a positive int or None")
        settings = checked_settings(
            processes,
            initializer,
            initargs,
            maxtasksperchild,
            mode,
            timeout,
            retries,
            name=name,
            history=history,
            interpreter=interpreter,
            shows_output=output,
            environment=dict(env or {}),
        )
        self._run = Run(settings)
        self._streams: "weakref.WeakSet[StreamFeed]" = weakref.WeakSet()
        self._finalizer = weakref.finalize(self, self._run.request, self._run.terminate)
        # The end of Python is seen to by the run.
        self._finalizer.atexit = False
        self._state = RUN

    def apply(self, func: Callable[..., T], args: Iterable[Any] = (), kwds: Mapping[str, Any] = {}) -> T:
        """Calls `func(*args, **kwds)` in a worker and waits for its value."""
        return self.apply_async(func, args, kwds).get()

    def apply_async(
        self,
        func: Callable[..., T],
        args: Iterable[Any] = (),
        kwds: Mapping[str, Any] = {},
        callback: Optional[Callable[[T], object]] = None,
        error_callback: Optional[Callable[[BaseException], object]] = None,
    ) -> "AsyncResult[T]":
        """Calls `func(*args, **kwds)` in a worker.

        >>> with Pool(1) as pool:
        ...     result = pool.apply_async(divmod, (7, 2))
        ...     result.get(timeout=60)
        (3, 1)
        """
        self._check_running()
        result: "AsyncResult[T]" = AsyncResult(self, callback, error_callback)
        self._run.call(result, func, tuple(args), dict(kwds))
        return result

    def map(self, func: Callable[[S], T], iterable: Iterable[S], chunksize: Optional[int] = None) -> List[T]:
        """Calls `func` with each item, in chunks; the list of what it returns, in order.

        >>> with Pool(2) as pool:
        ...     pool.map(len, ["a", "bb", "ccc"])
        [1, 2, 3]
        """
        return self._map(func, iterable, chunksize, False, True).get()

    def map_async(
        self,
        func: Callable[[S], T],
        iterable: Iterable[S],
        chunksize: Optional[int] = None,
        callback: Optional[Callable[[List[T]], object]] = None,
        error_callback: Optional[Callable[[BaseException], object]] = None,
    ) -> "MapResult[T]":
        """As `map`, without waiting."""
        return self._map(func, iterable, chunksize, False, False, callback, error_callback)

    def starmap(self, func: Callable[..., T], iterable: Iterable[Iterable[Any]], chunksize: Optional[int] = None) -> List[T]:
        """As `map`, where each item has the arguments of a call.

        >>> with Pool(2) as pool:
        ...     pool.starmap(pow, [(2, 3), (3, 2)])
        [8, 9]
        """
        return self._map(func, iterable, chunksize, True, True).get()

    def starmap_async(
        self,
        func: Callable[..., T],
        iterable: Iterable[Iterable[Any]],
        chunksize: Optional[int] = None,
        callback: Optional[Callable[[List[T]], object]] = None,
        error_callback: Optional[Callable[[BaseException], object]] = None,
    ) -> "MapResult[T]":
        """As `starmap`, without waiting."""
        return self._map(func, iterable, chunksize, True, False, callback, error_callback)

    def imap(self, func: Callable[[S], T], iterable: Iterable[S], chunksize: int = 1) -> "IMapIterator[T]":
        """Calls `func` with each item; an iterator over what it returns, in order.

        No more of the iterable is read ahead than keeps the workers busy, so it may be endless:

        >>> import itertools
        >>> with Pool(2) as pool:
        ...     values = pool.imap(abs, itertools.count(-3))
        ...     [next(values) for _ in range(5)]
        [3, 2, 1, 0, 1]
        """
        return self._stream(func, iterable, chunksize, True)

    def imap_unordered(self, func: Callable[[S], T], iterable: Iterable[S], chunksize: int = 1) -> "IMapIterator[T]":
        """As `imap`, with each value as soon as it is there."""
        return self._stream(func, iterable, chunksize, False)

    def resize(self, processes: int) -> None:
        """Changes the number of workers. No call is ended by that: a worker that is too many ends after its call."""
        if whole("the number of processes", processes) < 1:
            raise ValueError("Number of processes must be at least 1")
        self._check_running()
        self._run.resize(processes)

    def pause(self) -> None:
        """Has no further call begun; those that run go on."""
        self._run.command(b"P")

    def resume(self) -> None:
        """Has calls begun again after `pause`."""
        self._run.command(b"U")

    def progress(self) -> Progress:
        """How many calls and chunks are done and have failed, and how many there are.

        >>> with Pool(1) as pool:
        ...     _ = pool.map(abs, range(10), chunksize=5)
        ...     pool.progress()
        Progress(done=2, failed=0, total=2)
        """
        return self._run.progress()

    @property
    def run_number(self) -> Optional[int]:
        """The number of the run in the history, for `fanlane show`; None until it is known, and where there is no history."""
        return self._run.info.get("run")

    @property
    def processes(self) -> int:
        """The number of workers."""
        return self._run.workers

    def close(self) -> None:
        """No more calls are taken; those that are there are done."""
        if self._state == RUN:
            self._state = CLOSE
            self._run.close()

    def terminate(self) -> None:
        """Ends all workers at once. Calls that have not ended raise `CallCancelled`."""
        self._state = TERMINATE
        self._run.terminate()

    def join(self) -> None:
        """Waits until all calls are done and the workers have ended, after `close` or `terminate`."""
        if self._state == RUN:
            raise ValueError("Pool is still running")
        if self._state not in (CLOSE, TERMINATE):
            raise ValueError("In unknown state")
        # Results that are not taken must not keep what they wait for from being done.
        for feed in list(self._streams):
            feed.lift_bound()
        self._run.join()

    def __enter__(self) -> "Pool":
        self._check_running()
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.terminate()

    def __del__(self, _warn: Any = warnings.warn) -> None:
        if getattr(self, "_state", None) == RUN and not self._run.is_foreign:
            _warn(f"unclosed running multiprocessing pool {self!r}", ResourceWarning, source=self)

    def __repr__(self) -> str:
        return f"<{type(self).__module__.partition('.')[0]}.{type(self).__qualname__} state={self._state} pool_size={self._run.workers}>"

    def __reduce__(self) -> Any:
        raise NotImplementedError("pool objects cannot be passed between processes or pickled")

    def _check_running(self) -> None:
        if self._state != RUN:
            raise ValueError("Pool not running")
        if self._run.has_ended:
            raise ValueError(f"Pool not running: {self._run.why_ended()}")

    def _map(
        self,
        func: Callable[..., T],
        iterable: Iterable[Any],
        chunksize: Optional[int],
        is_star: bool,
        waits: bool,
        callback: Optional[Callable[[Any], object]] = None,
        error_callback: Optional[Callable[[BaseException], object]] = None,
    ) -> "MapResult[T]":
        self._check_running()
        items: Any = iterable if hasattr(iterable, "__len__") else list(iterable)
        length = len(items)
        if chunksize is None:
            chunksize = self._default_chunksize(length)
        chunksize = max(int(chunksize), 1)
        result: "MapResult[T]" = MapResult(self, length, chunksize, callback, error_callback)
        if length:
            feeder = self._feeder(MapFeed(result), func, items, chunksize, is_star)
            if feeder is not None:
                feeder.feed_here() if waits else feeder.start()
        return result

    def _default_chunksize(self, length: int) -> int:
        """Four chunks for each worker, as `multiprocessing` has them."""
        if self._run.settings.timeout_secs is not None or self._run.settings.retries:
            return 1
        chunksize, extra = divmod(length, self._run.workers * 4)
        return chunksize + 1 if extra else chunksize

    def _stream(self, func: Callable[..., T], iterable: Iterable[Any], chunksize: int, is_ordered: bool) -> "IMapIterator[T]":
        self._check_running()
        if chunksize < 1:
            raise ValueError(f"Chunksize must be 1+, not {chunksize}")
        feed = StreamFeed(is_ordered, chunksize > 1)
        self._streams.add(feed)
        iterator: "IMapIterator[T]" = IMapIterator(self, feed)
        feeder = self._feeder(feed, func, iterable, chunksize, False)
        if feeder is not None:
            feeder.start()
        return iterator

    def _feeder(self, feed: Feed, func: Callable[..., Any], items: Iterable[Any], chunksize: int, is_star: bool) -> Optional[Feeder]:
        """What submits the calls; None where the function cannot be sent, which the result tells then."""
        try:
            function = self._run.functions.add(func)
        except Exception as error:
            self._run.ask(partial(feed.refuse_rest, error))
            return None
        return Feeder(self._run, feed, function, name_of(func), items, chunksize, is_star)
