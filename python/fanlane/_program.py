"""Finds the program `fanlane` that does the calls."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from typing import Iterator, Optional

from ._errors import CannotStart
from ._version import __version__

VERSION_TIMEOUT_SECS = 20


def candidates() -> Iterator[str]:
    """Where pip puts the program of a wheel: the folder of scripts beside the package, then that of the interpreter."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    # site-packages of lib/python3.X, of a user's folder or of --target.
    for steps in ("../../..", "."):
        yield os.path.normpath(os.path.join(folder, steps, "bin", "fanlane"))
    yield os.path.join(sysconfig.get_path("scripts"), "fanlane")
    yield os.path.join(os.path.dirname(sys.executable or ""), "fanlane")


def is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def find_program() -> str:
    """The program: that of the variable FANLANE, else that of this package, else the one on PATH."""
    named = os.environ.get("FANLANE")
    if named:
        found = shutil.which(named)
        if found is None:
            raise CannotStart(f"there is no program {named}, which the variable FANLANE names; correct or unset it")
        return found
    for path in candidates():
        if is_program(path):
            return path
    on_path = shutil.which("fanlane")
    if on_path is None:
        raise CannotStart(
            "there is no program fanlane, neither beside this package nor on PATH; install it, or name it by the variable FANLANE"
        )
    return on_path


def version_of(program: str) -> Optional[str]:
    """The version that a program says it has; None where it says none."""
    try:
        told = subprocess.run(
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=VERSION_TIMEOUT_SECS,
        ).stdout.split()
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return told[1] if len(told) >= 2 and told[0] == "fanlane" else None


def other_version(program: str, version: Optional[str]) -> Optional[CannotStart]:
    """What there is to say of a program that is not of the package's version; None of one that is."""
    if version == __version__:
        return None
    return CannotStart(
        f"{program} is Fanlane {version or 'of an unknown version'}, and the package in {os.path.dirname(__file__)} needs {__version__}: "
        "install both from one wheel, or name the program of that version by the variable FANLANE"
    )


def refused(program: str, words: str) -> CannotStart:
    """Why a program begins no run; what another version says of the package's words is of no use."""
    return other_version(program, version_of(program)) or CannotStart(words)


def why_not(program: str, words: str) -> CannotStart:
    """Why a program has ended before it has begun a run, with what it has printed."""
    version = version_of(program)
    if version is None:
        return CannotStart(f"{program} is no Fanlane, or cannot run here: {words or 'it says nothing'}")
    return other_version(program, version) or CannotStart(f"{program} has ended before it began: {words or 'it says nothing'}")
