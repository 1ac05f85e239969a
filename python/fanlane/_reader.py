"""The thread of a run: it reads what the host and the interpreters say, and gives results to those who wait for them."""

from __future__ import annotations

import errno
import json
import mmap
import os
import pickle
import select
import struct
import sys
import time
import weakref
from functools import partial
from multiprocessing.process import current_process
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Set, Tuple

from . import _wire
from ._chunks import SplitChunk
from ._entrance import Entrance
from ._errors import CallCancelled, RemoteError, WorkerDied, exception_of, failure_of, words_of
from ._interpreter import HAS_LOCK
from ._output import Output
from ._program import other_version, refused
from ._waiting import Waiting
from ._wire import LINK_HELLO_BYTES, RECORD, Stream, frame

if TYPE_CHECKING:
    from ._calls import Entry
    from ._run import Run

# How long a label may wait for others while the workers have calls to do.
BUNCH_SECS = 0.001
# A call that the engine says is done and whose large result has not come: the interpreter has died between both.
LOST_RESULT_SECS = 0.25
RECEIVE_BYTES = 256 << 10
# A smaller result is copied: one that is mapped keeps a descriptor of the script open.
MIN_MAPPED_BYTES = 8 << 20
MAX_MAPPED = 64
# How an interpreter ends in a chunk of which other items can be called.
ENDS_OF_INTERPRETERS = ("died", "exited", "timeout", "lost")


class Reader:
    """What only the thread of a run touches."""

    def __init__(self, run: "Run") -> None:
        self.run = run
        self.links: Dict[int, Stream] = {}
        self.waiting: Dict[int, Waiting] = {}
        # Links that tell what calls print, and what has come of that.
        self.terminals: Set[int] = set()
        self.outputs: Dict[int, Output] = {}
        self.buffer = bytearray(RECEIVE_BYTES)
        # What a frame of the host asks for may be read from the links before the frame behind it.
        self.control_buffer = bytearray(RECEIVE_BYTES)
        # Exceptions of attempts that may not be the last, and calls that are done and whose results have not come.
        self.held: Dict[int, BaseException] = {}
        self.without_result: Dict[int, float] = {}
        self.last_link_end = 0.0
        self.epoll = select.epoll()
        self.entrance = Entrance(self.epoll, run.listener, run.key)
        for descriptor in (run.control.fileno(), run.woken.fileno()):
            self.epoll.register(descriptor, select.EPOLLIN)

    def serve(self) -> None:
        """Reads until the run is over."""
        run = self.run
        try:
            while self.step():
                pass
        except BaseException as error:
            run.reason = run.reason or error
            run.host.kill()
            raise
        finally:
            self.end()

    def step(self) -> bool:
        """Waits for something and does what it asks for; False when the run is over."""
        run = self.run
        calls = run.calls
        calls.end_if_all_is_done()
        timeout = BUNCH_SECS if calls.labels else LOST_RESULT_SECS / 2 if self.without_result else None
        self.watch(run.control)
        due = self.entrance.timeout()
        if due is not None:
            timeout = due if timeout is None else min(timeout, due)
        speaks = False
        # In this order: a request is either seen here, or wakes this thread.
        run.is_awake = False
        happened = self.epoll.poll(0 if run.requests else timeout)
        # Without the global lock this thread may go to sleep and not see what another one has just asked: it is always woken then.
        run.is_awake = HAS_LOCK
        if self.terminals:
            for descriptor in self.terminals.intersection(descriptor for descriptor, _ in happened):
                self.read_all(self.links[descriptor])
        for descriptor, _ in happened:
            link = self.links.get(descriptor)
            if link is not None:
                self.read_link(link)
            elif descriptor == run.control.fileno():
                speaks = True
            elif descriptor == run.woken.fileno():
                self.be_woken()
            elif descriptor == run.listener.fileno():
                self.entrance.accept()
            else:
                self.greet(descriptor)
        if due is not None:
            self.entrance.tend()
        # Behind the results of the calls whose ends it tells.
        goes_on = not speaks or run.control.receive(self.control_buffer, self.take_control)
        is_quiet = not happened and not run.requests
        for _ in range(len(run.requests)):
            # It is there until it is done, so that others find in one place or the other what is to be submitted.
            run.requests[0]()
            run.requests.popleft()
        if calls.labels and (is_quiet or len(calls.entries) - len(calls.labels) <= 2 * run.workers):
            calls.flush_labels()
        if self.without_result:
            self.submit_lost_again()
        return goes_on

    def be_woken(self) -> None:
        try:
            self.run.woken.recv(4096)
        except BlockingIOError:
            pass

    def watch(self, stream: Stream) -> None:
        """Sends what waits for the stream, and asks to hear when more can be sent."""
        wants_to_send = bool(stream.outgoing) and stream.flush()
        if wants_to_send != stream.is_watched_for_sending:
            stream.is_watched_for_sending = wants_to_send
            self.epoll.modify(stream.fileno(), select.EPOLLIN | select.EPOLLOUT if wants_to_send else select.EPOLLIN)

    def take_control(self, kind: int, body: memoryview) -> None:
        """A frame of the host."""
        run = self.run
        if kind == ord("D"):
            numbers = _wire.numbers(body)
            if self.lack_results(numbers):
                self.fetch_results()
                now = time.monotonic()
                self.without_result.update((number, now) for number in self.lack_results(numbers))
        elif kind == ord("X"):
            failures = json.loads(bytes(body))
            # Only the interpreter has the exception itself.
            if self.lack_results([failure["call"] for failure in failures if failure["kind"] == "failed"]):
                self.fetch_results()
            for failure in failures:
                self.take_failure(failure["call"], failure["kind"], failure["message"])
        elif kind == ord("F"):
            run.reason = refused(run.host.program, str(body, "utf-8", "replace"))
            run.begun.set()
        elif kind in b"IN":
            told = json.loads(bytes(body))
            run.info.update(told)
            run.workers = told.get("workers", run.workers)
            if kind == ord("I"):
                run.reason = other_version(run.host.program, told.get("version"))
                run.begun.set()

    def lack_results(self, numbers: Iterable[int]) -> List[int]:
        """Those of the calls that have no result, or whose exceptions may be those of earlier attempts."""
        entries = self.run.calls.entries
        return [number for number in numbers if number in entries]

    def fetch_results(self) -> None:
        """Takes in what interpreters have made and not sent, then what they have sent meanwhile."""
        for descriptor in sorted(self.links, key=self.is_no_terminal):
            self.take_waiting(descriptor)
            self.read_all(self.links[descriptor])

    def is_no_terminal(self, descriptor: int) -> bool:
        """By this links are ordered: what a call has printed was sent before its result."""
        return descriptor not in self.terminals

    def read_all(self, link: Stream) -> None:
        """Reads what has come until now."""
        end = link.received + link.unread_bytes()
        while link.received < end and link.fileno() >= 0:
            self.read_link(link)

    def take_waiting(self, descriptor: int) -> None:
        waiting = self.waiting.get(descriptor)
        if waiting is not None:
            with memoryview(waiting.records()) as records:
                self.take_results(records)

    def greet(self, descriptor: int) -> None:
        """A process of this user that knows the key has a link."""
        greeted = self.entrance.greet(descriptor)
        if greeted is not None:
            link, number = greeted
            self.links[descriptor] = link
            if number & _wire.OF_TERMINAL:
                self.terminals.add(descriptor)
            # What it asks of a manager's object needs the key of this process.
            key = bytes(current_process().authkey)
            self.answer(link, frame(b"I", key), self.run.calls.index.descriptor)

    def answer(self, link: Stream, data: bytes, descriptor: Optional[int] = None) -> None:
        link.queue(data, descriptor)
        self.watch(link)

    def read_link(self, link: Stream) -> None:
        if link.receive(self.buffer, partial(self.take_from_link, link)):
            self.watch(link)
            return
        descriptor = link.fileno()
        self.take_waiting(descriptor)
        waiting = self.waiting.pop(descriptor, None)
        if waiting is not None:
            waiting.close()
        self.epoll.unregister(descriptor)
        del self.links[descriptor]
        self.terminals.discard(descriptor)
        output = self.outputs.pop(descriptor, None)
        if output is not None:
            output.end()
        link.close()
        self.last_link_end = time.monotonic()

    def take_from_link(self, link: Stream, kind: int, body: memoryview) -> None:
        """A frame of an interpreter."""
        run = self.run
        if kind == ord("R"):
            self.take_results(body)
        elif kind == ord("M"):
            memory = link.take_descriptor()
            if memory is not None:
                self.waiting[link.fileno()] = Waiting(memory)
        elif kind == ord("V"):
            self.take_large_result(body, link.take_descriptor())
        elif kind == ord("G"):
            descriptor = run.calls.segments.descriptor(struct.unpack("<I", body)[0])
            self.answer(link, frame(b"G", bytes(body)), descriptor)
        elif kind == ord("Q"):
            function = run.functions.by_number.get(struct.unpack("<I", body)[0])
            self.answer(link, frame(b"Q", bytes(body) + (b"" if function is None else function.data)))
        elif kind == ord("O"):
            output = self.outputs.get(link.fileno())
            if output is None:
                output = self.outputs[link.fileno()] = Output()
            output.show(body[8], bytes(body[9:]))

    def take_results(self, body: memoryview) -> None:
        ended: List[Tuple[int, int, memoryview]] = []
        start, end = 0, len(body)
        while start < end:
            number, status, length = RECORD.unpack_from(body, start)
            start += RECORD.size
            ended.append((number, status, body[start : start + length]))
            start += length
        entries = [self.take(number, status) for number, status, _ in ended]
        for (number, status, data), entry in zip(ended, entries):
            if entry is not None:
                self.settle(number, entry, status, data, ())
            data.release()

    def take(self, number: int, status: int) -> Optional["Entry"]:
        """Takes out a call whose end is here; None where it is known already."""
        entries = self.run.calls.entries
        if status != _wire.VALUE and self.run.settings.retries > 0:
            # The engine says whether this attempt was the last.
            return entries.get(number)
        entry = entries.pop(number, None)
        if entry is not None:
            self.release(number, entry)
        return entry

    def release(self, number: int, entry: "Entry") -> None:
        self.run.calls.segments.release(entry.segment)
        self.without_result.pop(number, None)
        self.held.pop(number, None)

    def take_large_result(self, body: memoryview, descriptor: Optional[int]) -> None:
        """A result with buffers, which are memory of this process alone from now on."""
        number, count = struct.unpack_from("<QI", body)
        sizes = struct.unpack_from(f"<{count}Q", body, 12)
        entry = self.take(number, _wire.VALUE)
        buffers: List[memoryview] = []
        try:
            if descriptor is None:
                raise OSError(errno.EMFILE, "the script has too many files open to take the result in")
            memory, start = read_privately(descriptor), 0
            for size in sizes:
                buffers.append(memory[start : start + size])
                start = (start + size + mmap.PAGESIZE - 1) & -mmap.PAGESIZE
        except (OSError, MemoryError) as error:
            if entry is not None:
                self.run.calls.fail(entry, error)
            return
        finally:
            if descriptor is not None:
                os.close(descriptor)
        if entry is not None:
            self.settle(number, entry, _wire.VALUE, body[12 + 8 * count :], buffers)

    def settle(self, number: int, entry: "Entry", status: int, data: memoryview, buffers: Any) -> None:
        run = self.run
        failure: Optional[BaseException] = None
        try:
            value = pickle.loads(data, buffers=buffers)
            if status != _wire.VALUE:
                failure = exception_of(status, value)
        except BaseException as error:
            # Types of the script do what they like while they are read.
            failure = RemoteError(type(error).__name__, f"the value cannot be unpickled in the script: {words_of(error)}")
        if failure is None:
            run.calls.done += 1
            entry.sink._settle(entry.key, True, value)
        elif run.settings.retries > 0 and number in run.calls.entries:
            self.held[number] = failure
        else:
            run.calls.fail(entry, failure)

    def take_failure(self, number: int, kind: str, message: str) -> None:
        """The engine says that a call has ended badly."""
        run = self.run
        entry = run.calls.entries.pop(number, None)
        if entry is None:
            return
        item = run.calls.index.item(number)
        failure = failure_of(kind, message, self.held.get(number))
        self.release(number, entry)
        if not (kind in ENDS_OF_INTERPRETERS and run.accepts_items() and SplitChunk.submit_rest(run, entry, item, failure)):
            run.calls.fail(entry, failure)

    def submit_lost_again(self) -> None:
        """Calls that are done by what the engine says, and whose results have died with their interpreter."""
        now = time.monotonic()
        lost = [
            number
            for number, since in self.without_result.items()
            if now - since > LOST_RESULT_SECS and self.last_link_end > since - 2 * LOST_RESULT_SECS
        ]
        for number in lost:
            del self.without_result[number]
            self.run.calls.submit_again(number)

    def end(self) -> None:
        """After the last word of the host: what the interpreters have sent before they ended, and then the rest."""
        run = self.run
        try:
            self.fetch_results()
        except Exception as error:
            # The calls without a result have this reason; none waits for ever.
            run.reason = run.reason or error
        run.host.end()
        if run.reason is None:
            if not run.begun.is_set():
                run.reason = run.host.why_not()
            elif not run.calls.has_sent_end:
                run.reason = self.why_ended_from_outside()
        try:
            left, run.calls.entries = run.calls.entries, {}
            for entry in left.values():
                run.calls.fail(entry, run.why_ended())
            # From now on others do what they ask for, unless it is found here.
            run.has_ended = True
            while run.requests:
                try:
                    action = run.requests.popleft()
                except IndexError:
                    break
                action()
        finally:
            run.has_ended = True
            run.release_descriptors()
            run.over.set()
            run.begun.set()

    def why_ended_from_outside(self) -> BaseException:
        process = self.run.host.process
        if process.returncode == 0:
            return CallCancelled("the run was stopped from outside of the script")
        words = self.run.host.words()
        died = f"the process of the run, {process.pid}, has ended with {process.returncode}"
        return WorkerDied(f"{died}: {words}" if words else died)

    def close(self) -> None:
        self.epoll.close()
        self.entrance.close()
        for links in (self.links, self.waiting):
            for its in links.values():
                its.close()
            links.clear()


mapped: "weakref.WeakSet[mmap.mmap]" = weakref.WeakSet()


def mapped_privately(descriptor: int, size: int) -> Optional[mmap.mmap]:
    """A mapping of a memory file; None where it would keep a descriptor too many open."""
    protection = mmap.PROT_READ | mmap.PROT_WRITE
    try:
        if sys.version_info >= (3, 13):
            return mmap.mmap(descriptor, size, mmap.MAP_PRIVATE, protection, trackfd=False)
        if len(mapped) >= MAX_MAPPED:
            return None
        mapping = mmap.mmap(descriptor, size, mmap.MAP_PRIVATE, protection)
    except OSError:
        return None
    mapped.add(mapping)
    return mapping


def read_privately(descriptor: int) -> memoryview:
    """What a memory file has, as memory that neither a fork of the script nor anything else shares, and that keeps no descriptor
    open unless it is one of few large ones."""
    size = os.fstat(descriptor).st_size
    if size >= MIN_MAPPED_BYTES:
        mapping = mapped_privately(descriptor, size)
        if mapping is not None:
            return memoryview(mapping)
    memory, read = memoryview(bytearray(size)), 0
    while read < size:
        read += os.preadv(descriptor, [memory[read:]], read)
    return memory
