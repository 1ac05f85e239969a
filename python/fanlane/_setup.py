"""What a run is begun with: what the pool was asked for, and what makes the interpreters of the workers like the script's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, Optional, Tuple

from ._pickling import main_module
from ._version import __version__


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

    def message(self, address: str, key: bytes, initializer: Optional[int]) -> bytes:
        """The first message to the host of the run."""
        interpreter_args = []
        if self.interpreter is None:
            interpreter_args = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        message = {
            "fanlane": __version__,
            "name": self.name,
            "script": script_name(),
            "workers": self.workers,
            "mode": self.mode,
            "interpreter": self.interpreter or sys.executable,
            "interpreter_args": interpreter_args,
            "version": ".".join(str(number) for number in sys.version_info[:3]),
            "has_gil": getattr(sys, "_is_gil_enabled", lambda: True)(),
            "address": address,
            "key": key.hex(),
            "max_calls": self.max_calls,
            "timeout_s": self.timeout_secs,
            "retries": self.retries,
            "history": self.history,
            "prepare": json.dumps(self.preparation(initializer)),
        }
        return json.dumps(message).encode()

    def preparation(self, initializer: Optional[int]) -> Dict[str, Any]:
        """What an interpreter needs to be like this one."""
        # Classes of the main module of an interpreter are known by this name.
        sys.modules.setdefault("__mp_main__", sys.modules["__main__"])
        path, name = main_module()
        folder = os.getcwd()
        return {
            "sys_path": [entry or folder for entry in sys.path if isinstance(entry, str)],
            "argv": list(sys.argv),
            "main_path": path,
            "main_name": name,
            "main_is_imported": getattr(sys.modules["__main__"], "__name__", None) == "__mp_main__",
            "initializer": initializer,
            "output": self.shows_output,
        }


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
