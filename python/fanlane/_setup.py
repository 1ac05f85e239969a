"""What a run is begun with: what the pool was asked for, and what makes the interpreters of the workers like the script's."""

from __future__ import annotations

import json
import operator
import os
import platform
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Tuple

from ._interpreter import Interpreter, absolute_folders, interpreter_of, own_folders
from ._pickling import main_module
from ._version import __version__

MAX_WHOLE = (1 << 32) - 1
# A longer timeout, some hundred years, is none.
MAX_TIMEOUT_SECS = 1e10


@dataclass
class Settings:
    """What a pool was asked for."""

    workers: int
    name: Optional[str] = None
    mode: str = "pool"
    interpreter: Optional[str] = None
    max_calls: Optional[int] = None
    timeout_secs: Optional[float] = None
    retries: int = 0
    history: bool = True
    initializer: Optional[Callable[..., Any]] = None
    initargs: Tuple[Any, ...] = ()
    environment: Dict[str, str] = field(default_factory=dict)
    shows_output: bool = True
    finishes_at_exit: bool = False
    """Whether calls that are queued when Python ends are done first."""

    def __post_init__(self) -> None:
        """Refuses what has the wrong type, in words; what means the same as a plain value becomes that."""
        self.workers = whole("the number of workers", self.workers, 1)
        self.retries = whole("retries", self.retries, 0)
        if self.max_calls is not None:
            self.max_calls = whole("the number of calls of a worker", self.max_calls, 1)
        if self.name is not None and not isinstance(self.name, str):
            raise TypeError(f"name is a str, not {self.name!r}")
        if self.mode not in ("pool", "threads"):
            raise ValueError(
                f'mode is "pool" (an interpreter for each worker) or "threads" (threads of one interpreter), not {self.mode!r}'
            )
        if self.interpreter is not None:
            try:
                self.interpreter = os.fsdecode(self.interpreter)
            except TypeError:
                raise TypeError(f"interpreter is the path of a Python, not {self.interpreter!r}") from None
        if self.timeout_secs is not None:
            self.timeout_secs = seconds(self.timeout_secs)
        if self.initializer is not None and not callable(self.initializer):
            raise TypeError(f"initializer must be a callable, not {self.initializer!r}")
        for name, value in self.environment.items():
            if not (isinstance(name, str) and isinstance(value, str)):
                raise TypeError(f"env has texts by the names of variables, not {name!r}: {value!r}")
            if not name or "=" in name or "\0" in name + value:
                raise ValueError(f"a variable cannot be {name!r}: {value!r}: its name has no = and neither has a NUL character")
        self.history, self.shows_output = bool(self.history), bool(self.shows_output)

    def why_no_code(self) -> Optional[str]:
        """Why the interpreters cannot take functions by value; None where they can."""
        python = interpreter_of(self.interpreter)
        if python.is_compatible:
            return None
        return (
            f"{python.path} is Python {python.version_text}, and its byte code is another than that of this {platform.python_version()}; "
            "put it into a module that both can import"
        )

    def message(self, address: str, key: bytes, initializer: Optional[int]) -> bytes:
        """The first message to the host of the run."""
        python = interpreter_of(self.interpreter)
        interpreter_args = []
        if python.is_own:
            interpreter_args = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        message = {
            "fanlane": __version__,
            "name": None if self.name is None else shown(self.name),
            "script": shown(script_name()),
            "workers": self.workers,
            "mode": self.mode,
            "interpreter": told_path(python.path),
            "interpreter_args": interpreter_args,
            "origin": "that of the script" if python.is_own else "named by the script",
            "version": python.version_text,
            "has_gil": python.has_gil,
            "address": address,
            "key": key.hex(),
            "max_calls": self.max_calls,
            "timeout_s": self.timeout_secs,
            "retries": self.retries,
            "history": self.history,
            "prepare": json.dumps(self.preparation(python, initializer)),
        }
        return json.dumps(message).encode()

    def preparation(self, python: Interpreter, initializer: Optional[int]) -> Dict[str, Any]:
        """What an interpreter needs to be like this one."""
        # Classes of the main module of an interpreter are known by this name.
        sys.modules.setdefault("__mp_main__", sys.modules["__main__"])
        path, name = main_module()
        before, behind = (absolute_folders(), []) if python.is_own else own_folders()
        return {
            "sys_path": before,
            # Another interpreter has a standard library and libraries of its own, which come first.
            "keeps_path": not python.is_own,
            "sys_path_behind": behind if python.is_compatible else [],
            "argv": list(sys.argv),
            "main_path": path,
            "main_name": name,
            "main_is_imported": getattr(sys.modules["__main__"], "__name__", None) == "__mp_main__",
            "initializer": initializer,
            "output": self.shows_output,
        }


def whole(what: str, value: Any, least: Optional[int] = None) -> int:
    """A whole number, from `least` on if that is given."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"{what} is a whole number, not {value!r}")
    if least is not None and number < least:
        raise ValueError(f"{what} is {least} or more, not {number}")
    if number > MAX_WHOLE:
        raise ValueError(f"{what} is {MAX_WHOLE} at most, not {number}")
    return number


def seconds(value: Any) -> Optional[float]:
    """A timeout; None for one that is never over."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or isinstance(value, (bool, str)):
        raise TypeError(f"timeout is a number of seconds, not {value!r}")
    if not number > 0:
        raise ValueError(f"timeout is a number of seconds above 0, not {value!r}")
    return number if number <= MAX_TIMEOUT_SECS else None


def shown(text: str) -> str:
    """A text for people, with what is no character of Unicode written out."""
    return text.encode("utf-8", "backslashreplace").decode()


def told_path(path: str) -> "str | List[int]":
    """A path as the program reads it: its bytes where it is no text."""
    raw = os.fsencode(path)
    return path if raw == path.encode("utf-8", "replace") else list(raw)


def script_name() -> str:
    """What the run is called by: the path of the script, or what it is instead."""
    main = sys.modules.get("__main__")
    path: Optional[str] = getattr(main, "__file__", None)
    if path:
        return os.path.abspath(path)
    notebook = os.environ.get("JPY_SESSION_NAME") or getattr(main, "__vsc_ipynb_file__", None)
    if notebook:
        return str(notebook)
    names = {"-c": "python -c", "-": "<stdin>", "": "<stdin>"}
    return names.get(sys.argv[0] if sys.argv else "", "<session>")


def refuse_in_import_of_main() -> None:
    """A script without a guard would make a pool in each worker that imports it."""
    if getattr(sys.modules.get("_fanlane_task"), "is_importing_main", False):
        raise RuntimeError(
            "a pool is made while a worker imports the main module, which would make pools without end: put what the script "
            'does under `if __name__ == "__main__":`, or install cloudpickle, which makes the import needless'
        )
