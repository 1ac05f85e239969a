"""The exceptions of the package. What a function raises is raised again as it is; these are the other ends of a call."""

from __future__ import annotations

import pickle
from concurrent.futures import BrokenExecutor, CancelledError
from typing import Any, Dict, Optional, Type

from ._wire import UNSENDABLE


class FanlaneError(Exception):
    """What all exceptions of the package are."""


class CannotStart(FanlaneError, BrokenExecutor):
    """No worker can do the calls: the program, the interpreter or the initializer does not start."""


class WorkerDied(FanlaneError, BrokenExecutor):
    """The process that did the call has ended: it was killed, has crashed, or the function has ended it.

    The pool goes on with another process, and so do its other calls.
    """


class CallTimeout(FanlaneError, TimeoutError):
    """The call took longer than the pool's `timeout` and was ended."""


class CallCancelled(FanlaneError, CancelledError):
    """The call was cancelled, also while it was running."""


class RemoteTraceback(Exception):
    """The traceback of an exception in the process where it was raised; the cause of the exception here."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.tb = text

    def __str__(self) -> str:
        return f'\n"""\n{self.tb}"""'


class RemoteError(FanlaneError):
    """Stands for an exception of a function that cannot be sent to the script."""

    def __init__(self, type_name: str, message: str, traceback: str = "") -> None:
        super().__init__(type_name, message, traceback)
        self.type_name = type_name
        """The name of the exception's type."""
        self.message = message
        """What the exception says."""
        self.traceback = traceback
        """The traceback as Python prints it."""

    def __str__(self) -> str:
        words = f"{self.type_name}: {self.message}" if self.message else self.type_name
        return f"{words}\n\n{self.traceback}" if self.traceback else words


def words_of(error: BaseException) -> str:
    """What an exception says, whatever its type does when it is asked."""
    try:
        return str(error)
    except Exception as other:
        return f"its words cannot be had: {type(other).__name__}"


def with_traceback(error: BaseException, text: str) -> BaseException:
    """The exception with the traceback of the other process as its cause, as `multiprocessing` gives it."""
    if text:
        error.__cause__ = RemoteTraceback(text)
    return error


def exception_of(status: int, told: Any) -> BaseException:
    """The exception of a call from what its interpreter has told."""
    if status == UNSENDABLE:
        from multiprocessing.pool import MaybeEncodingError  # type: ignore[attr-defined]

        reason, value, _ = told
        error: BaseException = MaybeEncodingError(reason, value)
        # They are what `repr` has said in the worker.
        error.exc, error.value = error.args = reason, value  # type: ignore[attr-defined]
        return error
    whole, type_name, message, trace, _ = told
    if whole is not None:
        try:
            return with_traceback(pickle.loads(whole), trace)
        except Exception:
            # A type that only the worker can import.
            pass
    return RemoteError(type_name, message, trace)


def failure_of(kind: str, message: str, held: Optional[BaseException]) -> BaseException:
    """The exception of a call from what the engine says of its end."""
    if kind == "failed":
        return held or RemoteError("failed", message)
    types: Dict[str, Type[FanlaneError]] = {"timeout": CallTimeout, "cancelled": CallCancelled, "cannot_start": CannotStart}
    return types.get(kind, WorkerDied)(message)
