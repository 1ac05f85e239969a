"""Process pools that can be watched, resized and trusted.

>>> import fanlane
>>> with fanlane.Pool(2) as pool:
...     pool.map(abs, [-1, -2, 3])
[1, 2, 3]

`Pool` has the interface of `multiprocessing.Pool`, `Executor` that of `concurrent.futures.Executor`, and `register_joblib`
makes `joblib`, and so scikit-learn, use the same workers. Each pool is a run of the program `fanlane`: it is in the history,
and `fanlane attach` and the window show it while the script goes on.

Inside of a call, `progress`, `task` and `logger` speak with the run.
"""

from typing import TYPE_CHECKING, Any, List

from ._task import Task, logger, progress, task
from ._version import __version__

if TYPE_CHECKING:
    from ._errors import (
        CallCancelled,
        CallTimeout,
        CannotStart,
        FanlaneError,
        RemoteError,
        RemoteTraceback,
        WorkerDied,
    )
    from ._executor import Executor
    from ._joblib import register_joblib
    from ._pool import Pool
    from ._results import AsyncResult, IMapIterator, MapResult, Progress

__all__ = [
    "AsyncResult",
    "CallCancelled",
    "CallTimeout",
    "CannotStart",
    "Executor",
    "FanlaneError",
    "IMapIterator",
    "MapResult",
    "Pool",
    "Progress",
    "RemoteError",
    "RemoteTraceback",
    "Task",
    "WorkerDied",
    "__version__",
    "logger",
    "progress",
    "register_joblib",
    "task",
]

# Where each name is: a call that imports the package for `progress` alone imports nothing else.
_MODULES = {
    "AsyncResult": "_results",
    "CallCancelled": "_errors",
    "CallTimeout": "_errors",
    "CannotStart": "_errors",
    "Executor": "_executor",
    "FanlaneError": "_errors",
    "IMapIterator": "_results",
    "MapResult": "_results",
    "Pool": "_pool",
    "Progress": "_results",
    "RemoteError": "_errors",
    "RemoteTraceback": "_errors",
    "WorkerDied": "_errors",
    "register_joblib": "_joblib",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'fanlane' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module("." + _MODULES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})
