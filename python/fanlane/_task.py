"""What a function asks of Fanlane while it is called.

In a worker the module `_fanlane_task` of the worker's program has it. Outside of a call these do nothing, so that a function that
uses them can be called directly, too.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

if TYPE_CHECKING:
    import logging

_worker: Any = sys.modules.get("_fanlane_task")


class Task(NamedTuple):
    """The call under way."""

    number: int
    """The number of the call in its run, from 1."""
    attempt: int
    """How often it was begun, from 1."""
    lane: int
    """The lane of its worker, from 1."""


def task() -> Optional[Task]:
    """The call under way; None outside of a call.

    >>> task() is None
    True
    """
    told = _worker.task() if _worker else None
    return told and Task(*told)


def progress(fraction: float, message: str = "") -> None:
    """Tells how far the call is, from 0 to 1, and what it is doing; the window and `fanlane watch` show it.

    >>> progress(0.5, "half of it")
    >>> progress(2)
    Traceback (most recent call last):
    ValueError: a progress is a number from 0 to 1, not 2.0
    """
    fraction = float(fraction)
    if not 0.0 <= fraction <= 1.0:
        raise ValueError(f"a progress is a number from 0 to 1, not {fraction}")
    if _worker:
        _worker.progress(fraction, message)


def logger(name: Optional[str] = None) -> "logging.Logger":
    """A logger whose lines are output of the call, each with the call's number."""
    if _worker:
        return _worker.logger(name)  # type: ignore[no-any-return]
    import logging

    return logging.getLogger(name or "fanlane.task")
