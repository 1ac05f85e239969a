"""The run behind a pool: what is submitted to it and how it ends. `_reader` reads what becomes of the calls."""

from __future__ import annotations

import atexit
import os
import secrets
import socket
import struct
import threading
import weakref
from collections import deque
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, Callable, Deque, Dict, Iterator, List, NamedTuple, Optional, Tuple

from . import _wire
from ._chunks import Chunk
from ._errors import CallCancelled, CannotStart
from ._feeder import MAX_BUNCH_CALLS
from ._host import Host
from ._memory import CALL, Index, Segment, Segments
from ._pickling import Dumped, Function, Functions, dump, label_of_call, name_of
from ._reader import Reader
from ._results import Progress, Sink
from ._setup import Settings, refuse_in_import_of_main
from ._wire import Stream, frame

START_TIMEOUT_SECS = 60
TERMINATE_TIMEOUT_SECS = 10
KEY_BYTES = 32


class Entry(NamedTuple):
    """A call that has not ended."""

    sink: Sink
    key: int
    segment: Segment
    function: Function
    chunk: Optional[Chunk]


class Run:
    """One run of the program, for one pool."""

    def __init__(self, settings: Settings) -> None:
        refuse_in_import_of_main()
        self.functions = Functions()
        initializer = None
        if settings.initializer is not None:
            initializer = self.functions.add_initializer(settings.initializer, settings.initargs)
        self.host = Host(settings.environment)
        self.settings = settings
        self.workers = settings.workers
        # Guards the calls, their memory, and the order of what is sent to the host. Finalizers may run while it is held: they
        # only make requests.
        self.lock = threading.Lock()
        self.calls: Dict[int, Entry] = {}
        self.flushed = 0
        self.labels: List[bytes] = []
        self.index = Index()
        self.segments = Segments()
        self.done = self.failed = 0
        self.feeders = 0
        self.is_closed = self.is_terminating = self.has_sent_end = False
        self.is_foreign = False
        self.reason: Optional[BaseException] = None
        self.info: Dict[str, Any] = {}
        self.requests: Deque[Callable[[], None]] = deque()
        self.begun, self.over = threading.Event(), threading.Event()
        self.key = secrets.token_bytes(KEY_BYTES)
        address = "fanlane-python-" + secrets.token_hex(16)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.listener.bind("\0" + address)
        self.listener.listen(128)
        self.control = Stream(self.host.control)
        self.waker, self.woken = socket.socketpair()
        self.waker.setblocking(False)
        self.woken.setblocking(False)
        self.control.queue(frame(b"S", settings.message(address, self.key, initializer)))
        live_runs.add(self)
        self.reader = Reader(self)
        self.thread = threading.Thread(target=self.reader.serve, name="fanlane", daemon=True)
        try:
            self.thread.start()
        except RuntimeError as error:
            # The limit of threads, or the end of Python.
            self.host.kill()
            self.host.end()
            self.release_descriptors()
            raise CannotStart(f"the pool needs a thread: {error}") from error
        self.wait_until_begun()

    def wait_until_begun(self) -> None:
        try:
            if not self.begun.wait(START_TIMEOUT_SECS):
                self.reason = CannotStart(f"{self.host.program} has not begun a run in {START_TIMEOUT_SECS} s")
        except BaseException:
            self.host.kill()
            raise
        if self.reason is not None:
            self.host.kill()
            self.over.wait(TERMINATE_TIMEOUT_SECS)
            raise self.reason

    def call(
        self, sink: Sink, function: Callable[..., Any], args: Tuple[Any, ...], kwargs: Dict[str, Any], label: Optional[str] = None
    ) -> None:
        """Submits one call. What is in the way of it becomes its result."""
        try:
            entry = self.functions.add(function)
            label = label or label_of_call(name_of(function), args, kwargs)
            dumped = dump((entry.number, CALL, (args, kwargs)), f"the arguments of {label}")
            self.submit(sink, 0, entry, [dumped], [label])
        except Exception as error:
            self.failed += 1
            sink._settle(0, False, error)

    def submit(
        self,
        sink: Sink,
        first_key: int,
        function: Function,
        dumped: List[Dumped],
        labels: List[str],
        kind: int = CALL,
        values: Optional[List[Any]] = None,
        tries: int = 0,
    ) -> None:
        """Submits calls whose results go to `sink`. What cannot be submitted is settled with the reason."""
        refused: Optional[BaseException] = None
        position = 0
        with self.lock:
            self.check_process()
            if self.over.is_set() or self.is_terminating:
                refused = self.why_ended()
            else:
                number = self.flushed + len(self.labels)
                try:
                    for position, (data, buffers) in enumerate(dumped):
                        number += 1
                        segment, length, offset = self.segments.put(self.segments.prepare(data, buffers))
                        self.index.put(number, segment.number, length, offset)
                        label = labels[position]
                        chunk = None if kind == CALL or values is None else Chunk(kind, values[position], label, tries)
                        self.calls[number] = Entry(sink, first_key + position, segment, function, chunk)
                        self.labels.append(label.encode("utf-8", "replace"))
                    position += 1
                    sink._number = number
                except (OSError, MemoryError, ValueError) as error:
                    refused = error
                self.send_labels()
        if refused is not None:
            for key in range(first_key + position, first_key + len(dumped)):
                self.failed += 1
                sink._settle(key, False, refused)

    def check_process(self) -> None:
        if self.is_foreign:
            raise RuntimeError("a pool cannot be used in a process that was forked from its own; make another one there")

    def send_labels(self) -> None:
        """Sends labels at once where workers may be idle, and else in bunches. The lock is held."""
        waiting = len(self.labels)
        if len(self.calls) - waiting <= 2 * self.workers or waiting >= MAX_BUNCH_CALLS:
            self.flush_labels()
        else:
            self.wake()

    def flush_labels(self) -> None:
        labels = self.labels
        if labels:
            body = b"".join([part for label in labels for part in (len(label).to_bytes(4, "little"), label)])
            # The numbers of the calls follow from the order: both go together.
            self.flushed, self.labels = self.flushed + len(labels), []
            self.send(frame(b"C", body))

    def send(self, data: bytes) -> None:
        """Sends to the host; what does not fit now, the reader sends later. The lock is held."""
        if self.control.queue(data):
            self.wake()

    def wake(self) -> None:
        try:
            self.waker.send(b"\0")
        except OSError:
            # The reader is awake already, or the run is over.
            pass

    def request(self, action: Callable[[], None]) -> None:
        """Has the reader do something: for finalizers, which may run while any lock is held."""
        self.requests.append(action)
        self.wake()

    def command(self, kind: bytes, body: bytes = b"") -> None:
        with self.lock:
            self.check_process()
            if self.over.is_set():
                raise ValueError(f"Pool not running: {self.why_ended()}")
            self.flush_labels()
            self.send(frame(kind, body))

    def resize(self, workers: int) -> None:
        self.command(b"W", struct.pack("<I", workers))
        self.workers = workers

    def submit_again(self, number: int) -> None:
        """Has a call done once more, under another number. The lock is held."""
        entry = self.calls.pop(number)
        again = self.flushed + len(self.labels) + 1
        self.index.copy(number, again)
        self.calls[again] = entry
        entry.sink._number = again
        self.labels.append(b"call %d once more" % number)
        self.flush_labels()

    def cancel(self, sink: Sink) -> None:
        """Cancels the calls whose results go to `sink`."""
        with self.lock:
            entry = self.calls.get(sink._number)
            if entry is not None and entry.sink is sink and sink._is_single:
                numbers = [sink._number]
            else:
                numbers = [number for number, entry in self.calls.items() if sink in (entry.sink, origin(entry.sink))]
        self.cancel_calls(numbers)

    def cancel_queued(self, sink: Optional[Sink] = None) -> None:
        """Cancels the calls that no interpreter has begun."""
        with self.lock:
            queued = [
                (number, entry.sink)
                for number, entry in self.calls.items()
                if not self.index.has_begun(number) and (sink is None or origin(entry.sink) is sink)
            ]
        for _, its in queued:
            if isinstance(its, Future):
                its.cancel()
        self.cancel_calls([number for number, its in queued if not isinstance(its, Future)])

    def cancel_all(self) -> None:
        """Cancels all calls that have not ended."""
        with self.lock:
            numbers = list(self.calls)
        self.cancel_calls(numbers)

    def cancel_calls(self, numbers: List[int]) -> None:
        if numbers and not self.over.is_set():
            self.command(b"X", _wire.body_of_numbers(numbers))

    def is_running(self, sink: Sink) -> bool:
        """Whether an interpreter has begun the one call whose result goes to `sink`."""
        with self.lock:
            return sink._number in self.calls and self.index.has_begun(sink._number)

    def count_of(self, sink: Sink) -> int:
        """How many calls whose results go to `sink` have not ended; items of chunks count."""
        with self.lock:
            own = [entry for entry in self.calls.values() if origin(entry.sink) is sink]
        return sum(1 if entry.chunk is None else len(entry.chunk.items) for entry in own)

    def progress(self) -> Progress:
        with self.lock:
            return Progress(self.done, self.failed, self.done + self.failed + len(self.calls))

    def waiting_bytes(self) -> int:
        """How much memory the arguments of calls take that have not ended."""
        return self.segments.bytes

    def accepts_items(self) -> bool:
        return not (self.is_terminating or self.over.is_set())

    def why_ended(self) -> BaseException:
        return self.reason or CallCancelled("the pool was terminated before the call has ended")

    @contextmanager
    def feeding(self) -> Iterator["Kept"]:
        """While calls are still read from an iterable the run goes on, also where the pool is closed."""
        with self.lock:
            self.check_process()
            self.feeders += 1
        kept = Kept()
        try:
            yield kept
        except BaseException:
            kept.is_kept = False
            raise
        finally:
            if not kept.is_kept:
                self.feeder_ended()

    def feeder_ended(self) -> None:
        with self.lock:
            self.feeders -= 1
        self.wake()

    def close(self) -> None:
        """No more calls come from the script."""
        self.is_closed = True
        self.wake()

    def end_if_all_is_done(self) -> None:
        """Ends a closed run after its last call. Not before, because a lost call is submitted again. The lock is held."""
        if self.is_closed and not self.calls and not self.feeders and not self.has_sent_end:
            self.has_sent_end = True
            self.send(frame(b"E"))

    def join(self) -> None:
        """Waits until the run has ended."""
        if threading.current_thread() is not self.thread:
            self.over.wait()

    def terminate(self) -> None:
        """Ends the run; calls that have not ended are cancelled."""
        if self.is_foreign or self.over.is_set():
            return
        with self.lock:
            self.is_closed = self.is_terminating = True
            self.flush_labels()
            if self.calls:
                self.send(frame(b"T"))
            elif not self.has_sent_end:
                self.send(frame(b"E"))
            self.has_sent_end = True
        self.wake()
        if threading.current_thread() is not self.thread and not self.over.wait(TERMINATE_TIMEOUT_SECS):
            self.host.kill()
            self.over.wait(TERMINATE_TIMEOUT_SECS)

    def leave_to_parent(self) -> None:
        """In a fork: closes the copies of the sockets, so that the run ends with the process that it belongs to."""
        self.is_foreign = True
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.over.set()
        self.reason = RuntimeError("the pool belongs to the process that this one was forked from")
        self.host.forget()
        self.release_descriptors()

    def release_descriptors(self) -> None:
        """Closes what the run has open, once: the numbers are others' afterwards."""
        live_runs.discard(self)
        self.reader.close()
        for connection in (self.listener, self.waker, self.woken):
            connection.close()
        self.control.close()
        self.host.close()
        self.segments.close()
        self.index.close()


class Kept:
    """Whether a feeder goes on in a thread of its own."""

    is_kept = False


def origin(sink: Sink) -> Sink:
    """What a sink gives its results to in the end."""
    while sink._origin is not None:
        sink = sink._origin
    return sink


live_runs: "weakref.WeakSet[Run]" = weakref.WeakSet()


def finish_all() -> None:
    """At the end of Python, before anything that was registered for it: executors take no more calls, and do those they have."""
    for run in list(live_runs):
        if run.settings.finishes_at_exit and not run.is_terminating:
            run.close()
            run.join()


def end_all() -> None:
    """At the end of Python."""
    for run in list(live_runs):
        run.terminate()


def leave_all_to_parent() -> None:
    for run in list(live_runs):
        run.leave_to_parent()
    live_runs.clear()


# As the executors of the standard library do it.
threading._register_atexit(finish_all)  # type: ignore[attr-defined]
atexit.register(end_all)
os.register_at_fork(after_in_child=leave_all_to_parent)
