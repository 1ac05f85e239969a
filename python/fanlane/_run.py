"""The run behind a pool: what is submitted to it and how it ends. `_reader` reads what becomes of the calls.

All that changes is changed by the thread of the run alone. Other threads make requests, each by one step that is done or not: a signal
may raise an exception in the main thread at any moment, a finalizer may run in any.
"""

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
from contextlib import ExitStack
from functools import partial
from pickle import PicklingError
from typing import Any, Callable, Deque, Dict, List, Optional, Tuple, Union

from ._calls import Calls, Submission, origin
from ._errors import CallCancelled, CannotStart
from ._events import Event
from ._host import Host
from ._memory import CALL, Index, Payload, Segments
from ._pickling import Dumped, Function, Functions, dump, label_of_call, name_of
from ._reader import Reader
from ._results import Failed, Progress, Sink
from ._setup import Settings, refuse_in_import_of_main
from ._wire import Stream, frame

START_TIMEOUT_SECS = 60
TERMINATE_TIMEOUT_SECS = 10
KEY_BYTES = 32


class Run:
    """One run of the program, for one pool."""

    def __init__(self, settings: Settings) -> None:
        refuse_in_import_of_main()
        self.functions = Functions(settings.why_no_code())
        initializer = None
        if settings.initializer is not None:
            initializer = self.functions.add_initializer(settings.initializer, settings.initargs)
        self.settings = settings
        self.workers = settings.workers
        # What still submits calls of an iterable: main threads in it, and threads for it.
        self.feeders: "weakref.WeakSet[Any]" = weakref.WeakSet()
        self.is_closed = self.is_terminating = False
        self.is_foreign = self.has_ended = False
        self.reason: Optional[BaseException] = None
        self.info: Dict[str, Any] = {}
        # What the thread of the run is asked to do. It takes out what it has done.
        self.requests: Deque[Callable[[], None]] = deque()
        self.is_awake = False
        self.begun, self.over = Event(), Event()
        self.key = secrets.token_bytes(KEY_BYTES)
        address = "fanlane-python-" + secrets.token_hex(16)
        message = settings.message(address, self.key, initializer)
        try:
            self.open(address, message)
        except OSError as error:
            raise CannotStart(f"the pool cannot be made: {error.strerror}; raise the limit of open files (ulimit -n)") from error
        live_runs.add(self)
        try:
            self.thread.start()
        except RuntimeError as error:
            # The limit of threads, or the end of Python.
            self.host.kill()
            self.host.end()
            self.release_descriptors()
            raise CannotStart(f"the pool needs a thread: {error}") from error
        self.wait_until_begun()

    def open(self, address: str, message: bytes) -> None:
        """Begins the host, and opens all that is needed to speak with it and with interpreters."""
        with ExitStack() as opened:
            self.host = Host(self.settings.environment)
            opened.callback(self.host.close)
            opened.push(self.give_up)
            self.control = Stream(self.host.control)
            opened.callback(self.control.close)
            index = Index()
            opened.callback(index.close)
            segments = Segments()
            opened.callback(segments.close)
            self.calls = Calls(self, self.control, index, segments)
            self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            opened.callback(self.listener.close)
            self.listener.bind("\0" + address)
            self.listener.listen(128)
            self.waker, self.woken = socket.socketpair()
            opened.callback(self.waker.close)
            opened.callback(self.woken.close)
            self.waker.setblocking(False)
            self.woken.setblocking(False)
            self.control.queue(frame(b"S", message))
            self.reader = Reader(self)
            opened.callback(self.reader.close)
            self.thread = threading.Thread(target=self.reader.serve, name="fanlane", daemon=True)
            self.opened = opened.pop_all()

    def give_up(self, kind: Any, *_: Any) -> None:
        """Ends the host where an error keeps the run from its start."""
        if kind is not None:
            self.host.kill()
            self.host.end()

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
            self.refuse(sink, 0, error)

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
        """Submits calls whose results go to `sink`, with their large arguments as they are now. What cannot be submitted is settled
        with the reason."""
        self.check_process()
        payloads = [self.prepared(its) for its in dumped]
        self.ask(Submission(self.calls.enter, sink, first_key, function, payloads, labels, kind, values, tries))

    def prepared(self, dumped: Dumped) -> "Union[Payload, Failed]":
        try:
            data, buffers, _ = self.functions.checked(dumped, "what the arguments refer to")
            return self.calls.segments.prepare(data, buffers)
        except (OSError, MemoryError, ValueError, PicklingError) as error:
            return Failed(error)

    def refuse(self, sink: Sink, key: int, error: BaseException) -> None:
        """A call is not submitted."""
        self.ask(partial(self.calls.refuse, sink, key, error))

    def ask(self, action: Callable[[], None]) -> None:
        """Has the thread of the run do what others wait for; after its end this one does it."""
        self.request(action)
        if self.has_ended:
            try:
                self.requests.remove(action)
            except ValueError:
                # The thread of the run has found it.
                return
            action()

    def request(self, action: Callable[[], None]) -> None:
        """Has the thread of the run do something that means nothing after the end."""
        self.requests.append(action)
        if not self.is_awake:
            self.wake()

    def wake(self) -> None:
        try:
            self.waker.send(b"\0")
        except OSError:
            # It is awake already, or the run is over.
            pass

    def check_process(self) -> None:
        if self.is_foreign:
            raise RuntimeError("a pool cannot be used in a process that was forked from its own; make another one there")

    def command(self, kind: bytes, body: bytes = b"") -> None:
        self.check_process()
        if self.has_ended:
            raise ValueError(f"Pool not running: {self.why_ended()}")
        self.request(partial(self.calls.command, kind, body))

    def resize(self, workers: int) -> None:
        self.command(b"W", struct.pack("<I", workers))
        self.workers = workers

    def cancel(self, sink: Sink) -> None:
        """Cancels the calls whose results go to `sink`."""
        self.request(partial(self.calls.cancel, sink))

    def cancel_queued(self, sink: Optional[Sink] = None) -> None:
        """Cancels the calls that no interpreter has begun; futures are cancelled at once."""
        if sink is None:
            # Those on their way first, since they may be taken in meanwhile.
            asked = [its.sink for its in self.asked()]
            taken = [entry.sink for number, entry in self.calls.entries.copy().items() if not self.calls.has_begun(number)]
            for its in (*asked, *taken):
                if isinstance(its, Future):
                    its.cancel()
        self.request(partial(self.calls.cancel_queued, sink))

    def cancel_all(self) -> None:
        """Cancels all calls that have not ended."""
        self.request(self.calls.cancel_all)

    def is_running(self, sink: Sink) -> bool:
        """Whether an interpreter has begun the one call whose result goes to `sink`."""
        return sink._number in self.calls.entries and self.calls.has_begun(sink._number)

    def asked(self) -> List[Submission]:
        """What is to be submitted."""
        return [its for its in self.requests.copy() if type(its) is Submission]

    def count_of(self, sink: Sink) -> int:
        """How many calls whose results go to `sink` have not ended; items of chunks count."""
        own = [entry.chunk for entry in self.calls.entries.copy().values() if origin(entry.sink) is sink]
        asked = sum(its.count() for its in self.asked() if origin(its.sink) is sink)
        return asked + sum(1 if chunk is None else len(chunk.items) for chunk in own)

    def progress(self) -> Progress:
        calls = self.calls
        waiting = len(calls.entries) + sum(len(its.payloads) for its in self.asked())
        return Progress(calls.done, calls.failed, calls.done + calls.failed + waiting)

    def waiting_bytes(self, with_asked: bool) -> int:
        """How much memory the arguments of calls take that have not ended, with those that are not taken in yet or without."""
        return self.calls.segments.bytes + (sum(its.bytes() for its in self.asked()) if with_asked else 0)

    def accepts_items(self) -> bool:
        return not (self.is_terminating or self.has_ended)

    def why_ended(self) -> BaseException:
        return self.reason or CallCancelled("the pool was terminated before the call has ended")

    def feeder_ended(self, feeder: Any) -> None:
        self.feeders.discard(feeder)
        self.wake()

    def close(self) -> None:
        """No more calls come from the script."""
        self.is_closed = True
        self.wake()

    def join(self) -> None:
        """Waits until the run has ended."""
        if threading.current_thread() is not self.thread:
            self.wake()
            self.over.wait()

    def terminate(self) -> None:
        """Ends the run; calls that have not ended are cancelled."""
        if self.is_foreign or self.over.is_set():
            return
        self.request(self.calls.end_at_once)
        self.is_closed = self.is_terminating = True
        if threading.current_thread() is not self.thread and not self.over.wait(TERMINATE_TIMEOUT_SECS):
            self.host.kill()
            self.over.wait(TERMINATE_TIMEOUT_SECS)

    def leave_to_parent(self) -> None:
        """In a fork: closes the copies of the sockets, so that the run ends with the process that it belongs to."""
        self.is_foreign = self.has_ended = True
        self.reason = RuntimeError("the pool belongs to the process that this one was forked from")
        self.over.set()
        self.requests.clear()
        self.host.forget()
        self.release_descriptors()

    def release_descriptors(self) -> None:
        """Closes what the run has open, once: the numbers are others' afterwards."""
        live_runs.discard(self)
        self.opened.close()


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
