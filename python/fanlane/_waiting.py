"""Results that an interpreter has made and not sent yet.

Those of short calls go together, and the call behind them may take an hour. So they lie in memory that the script has, too, where it
finds them when it hears from the engine that their calls are done, and when the interpreter has died.
"""

from __future__ import annotations

import os
import struct

STATE = struct.Struct("<Q")
# The lower part of the state says where the results end, the upper part how often some were sent.
END_BITS = 20


class Waiting:
    """The memory of an interpreter. It is read as a file: a mapping would need another descriptor."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def records(self) -> bytes:
        """The results that wait; none where they are sent at this moment, and so come by the link."""
        state = self.state()
        records = os.pread(self.descriptor, (state & ((1 << END_BITS) - 1)) - STATE.size, STATE.size)
        return records if state >> END_BITS == self.state() >> END_BITS else b""

    def state(self) -> int:
        return int(STATE.unpack(os.pread(self.descriptor, STATE.size, 0))[0])

    def close(self) -> None:
        os.close(self.descriptor)
