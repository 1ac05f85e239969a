"""Results that an interpreter has made and not sent yet.

Those of short calls go together, and the call behind them may take an hour. So they lie in memory that the script has, too, where it
finds them when it hears from the engine that their calls are done, and when the interpreter has died.
"""

from __future__ import annotations

import mmap
import os
import struct

STATE = struct.Struct("<Q")
# The lower part of the state says where the results end, the upper part how often some were sent.
END_BITS = 20


class Waiting:
    """The memory of an interpreter."""

    def __init__(self, descriptor: int) -> None:
        self.memory = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
        os.close(descriptor)

    def records(self) -> bytes:
        """The results that wait; none where they are sent at this moment, and so come by the link."""
        (state,) = STATE.unpack_from(self.memory)
        records = self.memory[STATE.size : state & ((1 << END_BITS) - 1)]
        (after,) = STATE.unpack_from(self.memory)
        return records if state >> END_BITS == after >> END_BITS else b""

    def close(self) -> None:
        self.memory.close()
