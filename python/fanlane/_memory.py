"""What the calls of a pool are read from: memory files that the interpreters map.

The index says for each call where its payload lies: segment, length, offset, and the item that a call is at. Segments
hold payloads one behind the other; a segment is given up when all calls in it have ended. A payload is one pickle, or, with buffers
beside it, a head, the pickle and the buffers.
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import Dict, List, Optional, Tuple

# Segment, length, offset, item, nothing.
ENTRY = struct.Struct("<IIQQQ")
ITEM = struct.Struct("<Q")
ITEM_OFFSET = 16
FIRST_INDEX_BYTES = 1 << 16
SEGMENT_BYTES = 4 << 20
# A payload from this size on has a segment of its own, which ends with its call.
MIN_OWN_SEGMENT_BYTES = 1 << 20
MAX_PAYLOAD_BYTES = (1 << 32) - 1
ALIGNMENT = 64

CALL, MAP, STARMAP = range(3)


class Index:
    """Where the payload of each call lies."""

    def __init__(self) -> None:
        self.descriptor = os.memfd_create("fanlane-index", os.MFD_CLOEXEC)
        os.ftruncate(self.descriptor, FIRST_INDEX_BYTES)
        self.memory = mmap.mmap(self.descriptor, FIRST_INDEX_BYTES)
        self.capacity = FIRST_INDEX_BYTES // ENTRY.size

    def put(self, number: int, segment: int, length: int, offset: int) -> None:
        if number >= self.capacity:
            self.grow(number)
        ENTRY.pack_into(self.memory, number * ENTRY.size, segment, length, offset, 0, 0)

    def grow(self, number: int) -> None:
        size = len(self.memory)
        while number * ENTRY.size >= size:
            size *= 2
        os.ftruncate(self.descriptor, size)
        grown = mmap.mmap(self.descriptor, size)
        self.memory.close()
        self.memory = grown
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

    __slots__ = ("number", "descriptor", "memory", "size", "used", "calls")

    def __init__(self, number: int, size: int, is_mapped: bool) -> None:
        self.number = number
        self.descriptor = os.memfd_create("fanlane-calls", os.MFD_CLOEXEC)
        os.ftruncate(self.descriptor, size)
        self.memory = mmap.mmap(self.descriptor, size) if is_mapped else None
        self.size = size
        self.used = 0
        self.calls = 0

    def close(self) -> None:
        if self.memory is not None:
            self.memory.close()
        os.close(self.descriptor)


class Segments:
    """The payloads of all calls that have not ended."""

    def __init__(self) -> None:
        self.all: Dict[int, Segment] = {}
        self.next_number = 0
        self.bytes = 0
        self.current = self.add(SEGMENT_BYTES, True)

    def add(self, size: int, is_mapped: bool) -> Segment:
        segment = Segment(self.next_number, size, is_mapped)
        self.next_number += 1
        self.all[segment.number] = segment
        self.bytes += size
        return segment

    def put(self, data: bytes, buffers: List[memoryview]) -> Tuple[Segment, int, int]:
        """Keeps a payload; its segment, its length, and where it begins."""
        length = len(data)
        if buffers or length >= MIN_OWN_SEGMENT_BYTES:
            return self.put_apart(data, buffers)
        segment = self.current
        start = segment.used
        if start + length > segment.size:
            segment = self.renew()
            start = 0
        segment.memory[start : start + length] = data  # type: ignore[index]
        segment.used = start + length
        segment.calls += 1
        return segment, length, start

    def renew(self) -> Segment:
        full = self.current
        self.current = self.add(SEGMENT_BYTES, True)
        if full.calls == 0:
            self.drop(full)
        return self.current

    def put_apart(self, data: bytes, buffers: List[memoryview]) -> Tuple[Segment, int, int]:
        parts: List[Tuple[int, memoryview]] = [(0, memoryview(data))]
        length = len(data)
        if buffers:
            sizes = [buffer.nbytes for buffer in buffers]
            head = struct.pack(f"<B3xI{1 + len(sizes)}Q", ord("B"), len(sizes), length, *sizes)
            parts = [(0, memoryview(head)), (len(head), memoryview(data))]
            length += len(head)
            for buffer in buffers:
                start = (length + ALIGNMENT - 1) & -ALIGNMENT
                parts.append((start, buffer))
                length = start + buffer.nbytes
        if length > MAX_PAYLOAD_BYTES:
            raise ValueError(
                f"the arguments of the call have {length} bytes, and those of a call can have 4 GiB: "
                "give the name of a file, or call with parts"
            )
        segment = self.add(length, False)
        try:
            for start, part in parts:
                write_at(segment.descriptor, start, part)
        except BaseException:
            self.drop(segment)
            raise
        segment.calls += 1
        return segment, length, 0

    def release(self, segment: Segment) -> None:
        """A call of the segment has ended."""
        segment.calls -= 1
        if segment.calls == 0 and segment is not self.current:
            self.drop(segment)

    def drop(self, segment: Segment) -> None:
        if self.all.pop(segment.number, None) is not None:
            self.bytes -= segment.size
            segment.close()

    def descriptor(self, number: int) -> Optional[int]:
        segment = self.all.get(number)
        return None if segment is None else segment.descriptor

    def close(self) -> None:
        for segment in list(self.all.values()):
            self.drop(segment)


def write_at(descriptor: int, offset: int, data: memoryview) -> None:
    while data.nbytes:
        count = os.pwrite(descriptor, data, offset)
        offset += count
        data = data[count:]
