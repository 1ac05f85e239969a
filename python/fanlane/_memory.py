"""What the calls of a pool are read from: memory files that the interpreters map.

The index says for each call where its payload lies: segment, length, offset, and the item that a call is at. Segments
hold payloads one behind the other; a segment is given up when all calls in it have ended. A payload is one pickle, or, with buffers
beside it, a head, the pickle and the buffers. A large one has a segment of its own, whose memory ends with its call, as long as
these are few: each keeps a descriptor open.
"""

from __future__ import annotations

import mmap
import os
import resource
import struct
from typing import Dict, List, Optional, Tuple, Union

# Segment, length, offset, item, nothing.
ENTRY = struct.Struct("<IIQQQ")
ITEM = struct.Struct("<Q")
ITEM_OFFSET = 16
FIRST_INDEX_BYTES = 1 << 16
SEGMENT_BYTES = 4 << 20
# The more segments there are, the larger is another one, so that all calls that fit into memory fit into few descriptors.
SEGMENTS_OF_A_SIZE = 16
MAX_SEGMENT_BYTES = 64 << 20
# A payload from this size on has a segment of its own, which ends with its call.
MIN_OWN_SEGMENT_BYTES = 1 << 20
# With more segments than this, or than this part of the descriptors that the script may have open, large payloads share them.
MAX_OWN_SEGMENTS = 128
OWN_SEGMENTS_SHARE = 8
# Only what is written of it takes memory.
LARGE_SEGMENT_BYTES = 256 << 20
MAX_PAYLOAD_BYTES = (1 << 32) - 1
# Where buffers begin, and where large payloads do, which are mapped.
ALIGNMENT = 64
LARGE_ALIGNMENT = mmap.ALLOCATIONGRANULARITY

CALL, MAP, STARMAP = range(3)


class Index:
    """Where the payload of each call lies."""

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("fanlane-index", os.MFD_CLOEXEC)
        try:
            os.ftruncate(self.descriptor, FIRST_INDEX_BYTES)
            self.memory = mmap.mmap(self.descriptor, FIRST_INDEX_BYTES)
        except BaseException:
            os.close(self.descriptor)
            raise
        self.capacity = FIRST_INDEX_BYTES // ENTRY.size

    def put(self, number: int, segment: int, length: int, offset: int) -> None:
        if number >= self.capacity:
            self.grow(number)
        ENTRY.pack_into(self.memory, number * ENTRY.size, segment, length, offset, 0, 0)

    def grow(self, number: int) -> None:
        size = len(self.memory)
        while number * ENTRY.size >= size:
            size *= 2
        # It needs no other descriptor, and happens whole or not at all.
        self.memory.resize(size)
        self.capacity = size // ENTRY.size

    def copy(self, number: int, to: int) -> None:
        """Has another call read the same payload."""
        segment, length, offset, _, _ = ENTRY.unpack_from(self.memory, number * ENTRY.size)
        self.put(to, segment, length, offset)

    def item(self, number: int) -> Tuple[int, int]:
        """The item that the call is at, from 1, and how many may be meant with it; 0 where it has not begun."""
        item = ITEM.unpack_from(self.memory, number * ENTRY.size + ITEM_OFFSET)[0]
        return item & 0xFFFFFFFF, item >> 32

    def has_begun(self, number: int) -> bool:
        """Whether an interpreter has begun the call."""
        return self.item(number)[0] != 0

    def close(self) -> None:
        self.memory.close()
        os.close(self.descriptor)


class Segment:
    """A memory file of payloads."""

    __slots__ = ("number", "descriptor", "memory", "size", "used", "calls", "bytes")

    def __init__(self, size: int, is_mapped: bool = False) -> None:
        self.number = -1
        self.memory: Optional[mmap.mmap] = None
        self.size = size
        self.used = 0
        # How many calls of it have not ended, and what they take.
        self.calls = self.bytes = 0
        self.descriptor = os.memfd_create("fanlane-calls", os.MFD_CLOEXEC)
        try:
            os.ftruncate(self.descriptor, size)
            if is_mapped:
                self.memory = mmap.mmap(self.descriptor, size)
        except BaseException:
            self.close()
            raise

    def finish(self) -> None:
        """Nothing more is put into it."""
        memory, self.memory = self.memory, None
        if memory is not None:
            memory.close()

    def close(self) -> None:
        self.finish()
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        # One whose caller was interrupted before it was put anywhere.
        if getattr(self, "descriptor", -1) >= 0:
            self.close()


# Bytes that are put among those of other calls, or a segment that has them alone.
Payload = Union[bytes, bytearray, Segment]


class Segments:
    """The payloads of all calls that have not ended."""

    def __init__(self) -> None:
        self.all: Dict[int, Segment] = {}
        self.next_number = 0
        self.bytes = 0
        allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.max_own = MAX_OWN_SEGMENTS if allowed < 0 else min(MAX_OWN_SEGMENTS, allowed // OWN_SEGMENTS_SHARE)
        self.current = self.add(Segment(SEGMENT_BYTES, True))
        self.large: Optional[Segment] = None

    def add(self, segment: Segment) -> Segment:
        segment.number = self.next_number
        self.next_number += 1
        self.all[segment.number] = segment
        return segment

    def prepare(self, data: bytes, buffers: List[memoryview]) -> Payload:
        """What is put for a call, with a copy of its buffers as they are now. It changes nothing here."""
        if not buffers and len(data) < MIN_OWN_SEGMENT_BYTES:
            return data
        length, parts = laid_out(data, buffers)
        if length > MAX_PAYLOAD_BYTES:
            raise ValueError(
                f"the arguments of the call have {length} bytes, and those of a call can have 4 GiB: "
                "give the name of a file, or call with parts"
            )
        segment = self.own_segment(length)
        if segment is not None:
            for start, part in parts:
                write_at(segment.descriptor, start, part)
            return segment
        if not buffers:
            return data
        joined = bytearray(length)
        for start, part in parts:
            joined[start : start + part.nbytes] = part
        return joined

    def own_segment(self, length: int) -> Optional[Segment]:
        """A segment for one payload; None where it has to share one."""
        if length < MIN_OWN_SEGMENT_BYTES or len(self.all) >= self.max_own:
            return None
        try:
            return Segment(length)
        except OSError:
            # The script has too many files open.
            return None

    def put(self, payload: Payload) -> Tuple[Segment, int, int]:
        """Keeps a payload; its segment, its length, and where it begins."""
        if isinstance(payload, Segment):
            return self.note_used(self.add(payload), 0, payload.size)
        length = len(payload)
        if length >= MIN_OWN_SEGMENT_BYTES:
            return self.put_large(payload)
        segment = self.current
        start = segment.used
        if type(payload) is bytearray:
            # As the interpreters want their arrays.
            start = aligned(start, ALIGNMENT)
        if start + length > segment.size:
            segment = self.renew()
            start = 0
        segment.memory[start : start + length] = payload  # type: ignore[index]
        return self.note_used(segment, start, length)

    def renew(self) -> Segment:
        """Replaces the segment of small payloads, which is full."""
        doublings = len(self.all) // SEGMENTS_OF_A_SIZE
        full, fresh = self.current, Segment(min(SEGMENT_BYTES << doublings, MAX_SEGMENT_BYTES), True)
        self.current = self.add(fresh)
        full.finish()
        if full.calls == 0:
            self.drop(full)
        return fresh

    def put_large(self, payload: Union[bytes, bytearray]) -> Tuple[Segment, int, int]:
        """Keeps a payload among other large ones."""
        segment, length = self.large, len(payload)
        start = 0 if segment is None else aligned(segment.used, LARGE_ALIGNMENT)
        if segment is None or start + length > segment.size:
            # The one before has calls, or it would be gone.
            segment = self.large = self.add(Segment(max(LARGE_SEGMENT_BYTES, length)))
            start = 0
        write_at(segment.descriptor, start, memoryview(payload))
        return self.note_used(segment, start, length)

    def note_used(self, segment: Segment, start: int, length: int) -> Tuple[Segment, int, int]:
        """A call of the segment has its payload there."""
        segment.used = start + length
        segment.calls += 1
        segment.bytes += length
        self.bytes += length
        return segment, length, start

    def release(self, segment: Segment) -> None:
        """A call of the segment has ended."""
        segment.calls -= 1
        if segment.calls == 0:
            self.bytes -= segment.bytes
            segment.bytes = 0
            if segment is not self.current:
                self.drop(segment)

    def drop(self, segment: Segment) -> None:
        if self.all.pop(segment.number, None) is not None:
            self.bytes -= segment.bytes
            segment.bytes = 0
            if segment is self.large:
                self.large = None
            segment.close()

    def descriptor(self, number: int) -> Optional[int]:
        segment = self.all.get(number)
        return None if segment is None else segment.descriptor

    def close(self) -> None:
        for segment in list(self.all.values()):
            self.drop(segment)


def aligned(place: int, alignment: int) -> int:
    return (place + alignment - 1) & -alignment


def laid_out(data: bytes, buffers: List[memoryview]) -> Tuple[int, List[Tuple[int, memoryview]]]:
    """The length of a payload, and where in it each of its parts begins."""
    if not buffers:
        return len(data), [(0, memoryview(data))]
    sizes = [buffer.nbytes for buffer in buffers]
    head = struct.pack(f"<B3xI{1 + len(sizes)}Q", ord("B"), len(sizes), len(data), *sizes)
    parts = [(0, memoryview(head)), (len(head), memoryview(data))]
    length = len(head) + len(data)
    for buffer in buffers:
        start = aligned(length, ALIGNMENT)
        parts.append((start, buffer))
        length = start + buffer.nbytes
    return length, parts


def write_at(descriptor: int, offset: int, data: memoryview) -> None:
    while data.nbytes:
        count = os.pwrite(descriptor, data, offset)
        offset += count
        data = data[count:]
