"""The Python that the workers use: the script's own, or another that a pool was asked for."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from typing import List, NamedTuple, Optional, Tuple

from ._errors import CannotStart

# Whether one thread of the script runs Python at a time.
HAS_LOCK: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
# What an interpreter may take to start on a loaded machine.
ANSWER_TIMEOUT_SECS = 30
OLDEST = (3, 9)
# For any Python, of any age, in any folder: it imports nothing but a module that is built in.
QUESTION = """
import sys
has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
name = getattr(getattr(sys, "implementation", None), "name", "")
print('[[%d, %d, %d], %d, "%s"]' % (sys.version_info[:3] + (has_gil, name)))
"""
MAX_WORDS_CHARS = 300


class Interpreter(NamedTuple):
    """A Python."""

    path: str
    version: Tuple[int, ...]
    has_gil: bool
    implementation: str
    is_own: bool
    """Whether it is that of the script."""

    @property
    def version_text(self) -> str:
        return ".".join(map(str, self.version))

    @property
    def is_compatible(self) -> bool:
        """Whether it has the byte code and the libraries of the script's."""
        return (self.version[:2], self.implementation) == (sys.version_info[:2], sys.implementation.name)


def own_interpreter() -> Interpreter:
    if not sys.executable:
        raise CannotStart("this Python does not know its own path (sys.executable); name one for the workers by interpreter=")
    return Interpreter(sys.executable, sys.version_info[:3], HAS_LOCK, sys.implementation.name, True)


def interpreter_of(path: Optional[str]) -> Interpreter:
    """The interpreter at a path, or of a name on PATH; CannotStart says why it is none that can be used."""
    if path is None:
        return own_interpreter()
    found = shutil.which(os.path.expanduser(path))
    if found is None:
        raise CannotStart(f"there is no interpreter {path}; name a Python of 3.9 or newer, or leave it out for that of the script")
    found = os.path.abspath(found)
    return own_interpreter() if found == sys.executable else ask(found, os.stat(found).st_mtime_ns)


@functools.lru_cache(maxsize=16)
def ask(path: str, _changed_ns: int) -> Interpreter:
    """What an interpreter says of itself."""
    try:
        said = subprocess.run(
            [path, "-c", QUESTION],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=ANSWER_TIMEOUT_SECS,
        )
        # What its start prints stands before that.
        version, has_gil, implementation = json.loads(said.stdout.strip().rpartition(b"\n")[2])
        found = Interpreter(path, tuple(map(int, version)), bool(has_gil), str(implementation), False)
    except subprocess.TimeoutExpired:
        raise refused(path, f"it has not answered within {ANSWER_TIMEOUT_SECS} s") from None
    except OSError as error:
        raise refused(path, str(error.strerror)) from None
    except (ValueError, TypeError):
        words = said.stderr.decode("utf-8", "replace").strip().splitlines()
        raise refused(path, words[-1][:MAX_WORDS_CHARS] if words else "it does not answer as a Python does") from None
    if found.version < OLDEST:
        raise refused(path, f"it is Python {found.version_text}")
    return found


def refused(path: str, reason: str) -> CannotStart:
    return CannotStart(f"{path} cannot be used: {reason}; name a Python of 3.9 or newer")


def own_folders() -> Tuple[List[str], List[str]]:
    """The folders in which the script looks for modules, without its standard library: its own, and those of libraries."""
    own: List[str] = []
    libraries: List[str] = []
    paths = sysconfig.get_paths()
    standard = {os.path.realpath(paths[name]) for name in ("stdlib", "platstdlib")}
    for entry in absolute_folders():
        real = os.path.realpath(entry)
        if os.path.basename(real) in ("site-packages", "dist-packages"):
            libraries.append(entry)
        elif not (real in standard or os.path.dirname(real) in standard or is_zip_of_python(real)):
            own.append(entry)
    return own, libraries


def is_zip_of_python(path: str) -> bool:
    name = os.path.basename(path)
    return name.startswith("python3") and name.endswith(".zip")


def absolute_folders() -> List[str]:
    """Where the script looks for modules."""
    folder = os.getcwd()
    return [entry or folder for entry in sys.path if isinstance(entry, str)]
