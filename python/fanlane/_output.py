"""What calls print is printed by the script, too."""

from __future__ import annotations

import codecs
import io
import sys
from typing import Any

STREAMS = {1: "stdout", 2: "stderr"}


class Output:
    """What comes by one link, in pieces that may end within a character."""

    def __init__(self) -> None:
        self.decoders = {number: codecs.getincrementaldecoder("utf-8")("replace") for number in STREAMS}

    def show(self, number: int, data: bytes, is_end: bool = False) -> None:
        """Prints a piece as the script would; without effect where it has closed the stream, or where that refuses it."""
        target = getattr(sys, STREAMS[number])
        try:
            if type(target) is io.TextIOWrapper and codecs.lookup(target.encoding).name == "utf-8":
                # As it is, also where it is no text.
                target.flush()
                target.buffer.write(data)
            else:
                write_text(target, self.decoders[number].decode(data, is_end))
            target.flush()
        except BaseException:
            # It may be None, closed, or of a type that does what it likes: no call fails for it, and no pool ends.
            pass

    def end(self) -> None:
        """Nothing more comes."""
        for number, decoder in self.decoders.items():
            if decoder.getstate()[0]:
                self.show(number, b"", True)


def write_text(target: Any, text: str) -> None:
    try:
        target.write(text)
    except UnicodeEncodeError:
        encoding = getattr(target, "encoding", None) or "ascii"
        target.write(text.encode(encoding, "backslashreplace").decode(encoding))
