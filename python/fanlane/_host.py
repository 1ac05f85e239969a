"""The process that hosts the run of a pool: its start, what it says when it fails, and its end."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import ExitStack
from typing import Dict

from ._errors import CannotStart
from ._program import find_program, why_not

END_TIMEOUT_SECS = 5
MAX_WORDS_BYTES = 2000


class Host:
    """The process, and our end of its standard input."""

    def __init__(self, environment: Dict[str, str]) -> None:
        self.program = find_program()
        with ExitStack() as on_failure:
            self.said = os.memfd_create("fanlane-host", os.MFD_CLOEXEC)
            on_failure.callback(os.close, self.said)
            self.control, theirs = socket.socketpair()
            on_failure.callback(self.control.close)
            with theirs:
                try:
                    self.process: "subprocess.Popen[bytes]" = subprocess.Popen(
                        [self.program, "--fanlane-worker", "python-pool"],
                        stdin=theirs.fileno(),
                        stdout=subprocess.DEVNULL,
                        stderr=self.said,
                        start_new_session=True,
                        env={**os.environ, **environment},
                    )
                except OSError as error:
                    raise CannotStart(f"{self.program} cannot be started: {error.strerror}") from error
            on_failure.pop_all()

    def words(self) -> str:
        """The end of what the process has printed."""
        size = os.fstat(self.said).st_size
        said = os.pread(self.said, MAX_WORDS_BYTES, max(0, size - MAX_WORDS_BYTES))
        return said.decode("utf-8", "replace").strip()

    def why_not(self) -> CannotStart:
        return why_not(self.program, self.words())

    def end(self) -> None:
        """Waits for the process, and ends one that does not end."""
        try:
            self.process.wait(END_TIMEOUT_SECS)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait()

    def kill(self) -> None:
        """Ends the process at once; its workers end with it."""
        self.process.kill()

    def forget(self) -> None:
        """In a fork: the process is no child of this one."""
        self.process.returncode = 0

    def close(self) -> None:
        self.control.close()
        os.close(self.said)
