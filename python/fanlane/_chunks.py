"""A chunk of a map whose interpreter has died: the item it died in has failed, the others are called again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, NamedTuple, Optional, Tuple

from ._memory import CALL, STARMAP
from ._pickling import dump
from ._results import Failed, Sink

if TYPE_CHECKING:
    from ._calls import Entry
    from ._run import Run

# A chunk in which no item begins is tried so often.
MAX_TRIES_WITHOUT_PROGRESS = 2


class Chunk(NamedTuple):
    """The items of a call that calls the function with each of them."""

    kind: int
    items: List[Any]
    label: str
    tries: int


class SplitChunk(Sink):
    """Gathers what the parts of a chunk give."""

    def __init__(self, entry: "Entry", values: List[Any]) -> None:
        self.sink, self.key = entry.sink, entry.key
        self._origin = entry.sink
        self.values = values
        # Of each part: where it begins, and how many items it has; None for one item that is called alone.
        self.parts: List[Tuple[int, Optional[int]]] = []
        self.left = 0

    @staticmethod
    def submit_rest(run: "Run", entry: "Entry", item: Tuple[int, int], error: BaseException) -> bool:
        """Submits again what a dead interpreter has not done of a chunk; False where the chunk has failed as a whole."""
        chunk = entry.chunk
        count = len(chunk.items) if chunk is not None else 0
        if chunk is None or count == 1:
            return False
        first, block = item
        split = SplitChunk(entry, [None] * count)
        tries = 0
        if first == 0:
            tries = chunk.tries + 1
            if tries == MAX_TRIES_WITHOUT_PROGRESS:
                return False
            split.parts = [(0, count)]
        else:
            at, behind = first - 1, min(first - 1 + max(block, 1), count)
            if block <= 1:
                split.values[at] = Failed(error)
            else:
                # Which item it was shows when each is called alone.
                split.parts = [(position, None) for position in range(at, behind)]
            split.parts += [(start, end - start) for start, end in ((0, at), (behind, count)) if start < end]
        split.left = len(split.parts)
        for key, (start, length) in enumerate(split.parts):
            items = chunk.items[start : start + (length or 1)]
            kind = chunk.kind
            value: Any = items
            if length is None:
                kind, value = CALL, (tuple(items[0]) if chunk.kind == STARMAP else (items[0],), {})
            try:
                dumped = dump((entry.function.number, kind, value))
            except Exception as changed:
                # The script has changed the items meanwhile.
                split._settle(key, False, changed)
                continue
            run.submit(split, key, entry.function, [dumped], [chunk.label], kind, [value], tries)
        return True

    def _settle(self, key: int, ok: bool, value: Any) -> None:
        length = self.parts[key][1]
        if length is None:
            self.keep(key, [value if ok else Failed(value)])
        else:
            self.keep(key, value if ok else [Failed(value)] * length)

    def _settle_items(self, key: int, values: List[Any]) -> None:
        self.keep(key, values)

    def keep(self, key: int, values: List[Any]) -> None:
        start = self.parts[key][0]
        self.values[start : start + len(values)] = values
        self.left -= 1
        if self.left == 0:
            self.sink._settle_items(self.key, self.values)
