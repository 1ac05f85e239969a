"""The calls of a run that have not ended: their numbers, their memory, and what the host is told of them.

The thread of the run alone changes them. Others may look at copies, and ask it by a `Submission` to take calls in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Union

from . import _wire
from ._chunks import Chunk
from ._errors import CallCancelled
from ._feeder import MAX_BUNCH_CALLS
from ._memory import CALL, Index, Payload, Segment, Segments
from ._pickling import Function
from ._results import Failed, Sink
from ._wire import Stream, frame

if TYPE_CHECKING:
    from ._run import Run


class Entry(NamedTuple):
    """A call that has not ended."""

    sink: Sink
    key: int
    segment: Segment
    function: Function
    chunk: Optional[Chunk]


class Submission:
    """The request to take calls in, whose results go to `sink` with keys from `first_key` on."""

    __slots__ = ("enter", "sink", "first_key", "function", "payloads", "labels", "kind", "values", "tries")

    def __init__(
        self,
        enter: "Callable[[Submission], None]",
        sink: Sink,
        first_key: int,
        function: Function,
        payloads: List[Union[Payload, Failed]],
        labels: List[str],
        kind: int,
        values: Optional[List[Any]],
        tries: int,
    ) -> None:
        self.enter = enter
        self.sink = sink
        self.first_key = first_key
        self.function = function
        self.payloads = payloads
        self.labels = labels
        self.kind = kind
        self.values = values
        self.tries = tries

    def __call__(self) -> None:
        self.enter(self)

    def count(self) -> int:
        """How many items wait to be taken in."""
        values = self.values
        return len(self.payloads) if values is None or self.kind == CALL else sum(map(len, values[: len(self.payloads)]))

    def bytes(self) -> int:
        """How much memory they take."""
        return sum(len(its) if isinstance(its, (bytes, bytearray)) else getattr(its, "size", 0) for its in self.payloads)


class Calls:
    """The calls of a run."""

    def __init__(self, run: "Run", control: Stream, index: Index, segments: Segments) -> None:
        self.run = run
        self.control = control
        self.index = index
        self.segments = segments
        self.entries: Dict[int, Entry] = {}
        # How many labels the host has, and those that it gets next: calls are numbered by that order.
        self.flushed = 0
        self.labels: List[bytes] = []
        self.done = self.failed = 0
        self.has_sent_end = False

    def enter(self, submission: Submission) -> None:
        """Takes calls in. Those that cannot be submitted are settled with the reason."""
        payloads, submission.payloads = submission.payloads, []
        refused = self.why_refused()
        for position, payload in enumerate(payloads):
            error = refused or self.put(submission, position, payload)
            if error is not None:
                self.refuse(submission.sink, submission.first_key + position, error)
        submission.sink._entered = submission.first_key + len(payloads)
        waiting = len(self.labels)
        # At once where workers may be idle, and else in bunches.
        if len(self.entries) - waiting <= 2 * self.run.workers or waiting >= MAX_BUNCH_CALLS:
            self.flush_labels()

    def put(self, submission: Submission, position: int, payload: Union[Payload, Failed]) -> Optional[BaseException]:
        """Gives a call its number and its memory; why not."""
        if type(payload) is Failed:
            return payload.error
        number = self.next_number()
        try:
            segment, length, offset = self.segments.put(payload)  # type: ignore[arg-type]
            try:
                self.index.put(number, segment.number, length, offset)
            except BaseException:
                self.segments.release(segment)
                raise
        except (OSError, MemoryError, ValueError) as error:
            return error
        label, kind, values = submission.labels[position], submission.kind, submission.values
        chunk = None if kind == CALL or values is None else Chunk(kind, values[position], label, submission.tries)
        self.entries[number] = Entry(submission.sink, submission.first_key + position, segment, submission.function, chunk)
        self.labels.append(label.encode("utf-8", "replace"))
        submission.sink._number = number
        return None

    def next_number(self) -> int:
        """The number of the call whose label is appended next."""
        return self.flushed + len(self.labels) + 1

    def why_refused(self) -> Optional[BaseException]:
        if not self.run.accepts_items():
            return self.run.why_ended()
        return CallCancelled("the pool was closed before the call was submitted") if self.has_sent_end else None

    def refuse(self, sink: Sink, key: int, error: BaseException) -> None:
        """A call is not submitted."""
        self.failed += 1
        sink._entered = max(sink._entered, key + 1)
        sink._settle(key, False, error)

    def fail(self, entry: Entry, error: BaseException) -> None:
        """A call has ended badly."""
        self.refuse(entry.sink, entry.key, error)

    def submit_again(self, number: int) -> None:
        """Has a call done once more, under another number."""
        again = self.next_number()
        self.index.copy(number, again)
        entry = self.entries[again] = self.entries.pop(number)
        entry.sink._number = again
        self.labels.append(b"call %d once more" % number)
        self.flush_labels()

    def flush_labels(self) -> None:
        labels = self.labels
        if labels:
            body = b"".join([part for label in labels for part in (len(label).to_bytes(4, "little"), label)])
            self.flushed, self.labels = self.flushed + len(labels), []
            self.control.queue(frame(b"C", body))

    def command(self, kind: bytes, body: bytes = b"") -> None:
        """Tells the host something of the calls until here."""
        if not self.run.has_ended:
            self.flush_labels()
            self.control.queue(frame(kind, body))

    def cancel(self, sink: Sink) -> None:
        """Cancels the calls whose results go to `sink`."""
        entry = self.entries.get(sink._number)
        if entry is not None and entry.sink is sink and sink._is_single:
            self.cancel_numbers([sink._number])
        else:
            self.cancel_numbers([number for number, entry in self.entries.items() if sink in (entry.sink, origin(entry.sink))])

    def cancel_queued(self, sink: Optional[Sink] = None) -> None:
        """Cancels the calls that no interpreter has begun."""
        self.cancel_numbers(
            [
                number
                for number, entry in self.entries.items()
                if (sink is None or origin(entry.sink) is sink) and not self.has_begun(number)
            ]
        )

    def cancel_all(self) -> None:
        self.cancel_numbers(list(self.entries))

    def cancel_numbers(self, numbers: List[int]) -> None:
        if numbers:
            self.command(b"X", _wire.body_of_numbers(numbers))

    def has_begun(self, number: int) -> bool:
        """Whether an interpreter has begun the call."""
        try:
            return self.index.has_begun(number)
        except ValueError:
            # The memory is closed: the run is over.
            return False

    def end_if_all_is_done(self) -> None:
        """Ends a closed run after its last call. Not before, because a lost call is submitted again."""
        run = self.run
        if run.is_closed and not self.has_sent_end and not self.entries and not run.feeders and not run.requests:
            self.has_sent_end = True
            self.command(b"E")

    def end_at_once(self) -> None:
        """Ends the run, whatever is under way."""
        self.run.is_closed = self.run.is_terminating = True
        if self.entries or not self.has_sent_end:
            self.command(b"T" if self.entries else b"E")
        self.has_sent_end = True


def origin(sink: Sink) -> Sink:
    """What a sink gives its results to in the end."""
    while sink._origin is not None:
        sink = sink._origin
    return sink
