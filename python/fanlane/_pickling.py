"""How functions, arguments and results become bytes: pickle, and cloudpickle where it is installed and needed.

Plain pickle comes first, because it is quick. What it cannot take (a lambda, a closure), and what it would take by a reference to
`__main__`, goes by cloudpickle, which takes along what a function needs. Without cloudpickle the workers import the main module,
as those of `multiprocessing` do.
"""

from __future__ import annotations

import functools
import io
import itertools
import os
import pickle
import pickletools
import sys
import threading
import types
import weakref
from collections import ChainMap, deque
from typing import Any, Callable, Deque, Dict, List, NamedTuple, Optional, Tuple

from ._captured import Captured, captured_by

PROTOCOL = 5
# A buffer from this size on goes beside the pickle, without a copy in it.
MIN_BUFFER_BYTES = 64 << 10
ADVICE = (
    "install cloudpickle, which takes lambdas, closures and local classes along, or define it at the top level of a module"
)
ALL_IN_BAND = 1 << 62
# How deep the name of a function is looked for in what wraps it: some have an attribute of every name.
MAX_WRAPPERS = 8
# Functions that no call needs any more, kept because the next call often has the same.
MAX_IDLE_FUNCTIONS = 32
MAIN = b"__main__"


class Dumped(NamedTuple):
    """The bytes of a value."""

    data: bytes
    buffers: List[memoryview]
    has_code: bool = False
    """Whether it has byte code, which only interpreters of one version understand."""


class Code(threading.local):
    """Whether a pickle that is being made by value has byte code."""

    is_in = False


_code = Code()


@functools.lru_cache(maxsize=None)
def installed_cloudpickle() -> Any:
    try:
        import cloudpickle as module  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        return None
    return module


def cloudpickle() -> Any:
    """The module cloudpickle, or the one that joblib brings; None where there is neither."""
    return installed_cloudpickle() or sys.modules.get("joblib.externals.cloudpickle")


def dump(value: Any, what: str = "the arguments", min_buffer_bytes: int = MIN_BUFFER_BYTES) -> Dumped:
    """The bytes of a value; PicklingError says what is in the way and what to do."""
    buffers: List[memoryview] = []

    def keeps(buffer: pickle.PickleBuffer) -> bool:
        try:
            view = buffer.raw()
        except BufferError:
            return True
        if view.nbytes < min_buffer_bytes:
            return True
        buffers.append(view)
        return False

    module = None
    try:
        data = pickle.dumps(value, PROTOCOL, buffer_callback=keeps)
        if MAIN not in data:
            return Dumped(data, buffers)
        module = cloudpickle()
        if module is None:
            check_main_can_be_imported(data, value, what)
            return Dumped(data, buffers)
    except NoMainModule:
        raise
    except (pickle.PicklingError, AttributeError, TypeError, RecursionError) as error:
        module = cloudpickle()
        if module is None:
            # A lock is not helped by it, as a lambda is.
            advice = "" if isinstance(error, TypeError) else f"; {ADVICE}"
            raise pickle.PicklingError(f"{what} cannot be sent to a worker: {error}{advice}") from error
    buffers.clear()
    try:
        _code.is_in = False
        return Dumped(dump_by_value(module, value, keeps), buffers, _code.is_in)
    except Exception as error:
        raise pickle.PicklingError(f"{what} cannot be sent to a worker: {type(error).__name__}: {error}") from error


@functools.lru_cache(maxsize=None)
def pickler_with_files(module: Any) -> Any:
    """The pickler of cloudpickle, with the names of files that it leaves out: tracebacks show the lines of the script."""
    reduce = module.Pickler.dispatch_table[types.CodeType]

    def with_file(code: types.CodeType) -> Tuple[Any, Tuple[Any, ...]]:
        _code.is_in = True
        make, arguments = reduce(code)
        return make, tuple(code.co_filename if type(its) is str and its == "<dynamic-code>" else its for its in arguments)

    table = ChainMap({types.CodeType: with_file}, module.Pickler.dispatch_table)
    return type("PicklerWithFiles", (module.Pickler,), {"dispatch_table": table})


def dump_by_value(module: Any, value: Any, keeps: Callable[[pickle.PickleBuffer], bool]) -> bytes:
    """What cloudpickle makes of a value."""
    with io.BytesIO() as file:
        pickler_with_files(module)(file, PROTOCOL, buffer_callback=keeps).dump(value)
        return file.getvalue()


class NoMainModule(pickle.PicklingError):
    """Something is defined in a main module that workers cannot import."""


def check_main_can_be_imported(data: bytes, value: Any, what: str) -> None:
    if main_module() == (None, None) and refers_to_main(data):
        named = f"{value.__qualname__} " if hasattr(value, "__qualname__") else ""
        raise NoMainModule(
            f"{what} {named}cannot be sent to a worker: it is defined in a session without a file (a notebook, python -c, "
            "standard input), which workers cannot import; install cloudpickle, or put it into a module"
        )


def refers_to_main(data: bytes) -> bool:
    """Whether something in a pickle is looked for in the main module; its name may also stand in a text."""
    last: List[Any] = []
    kept: List[Any] = []
    for operation, value, _ in pickletools.genops(data):
        name = operation.name
        if name == "FRAME":
            continue
        if name == "MEMOIZE":
            kept.append(last[-1] if last else None)
        elif name == "STACK_GLOBAL":
            if last[-2:-1] == ["__main__"]:
                return True
            last.append(None)
        else:
            last.append(kept[value] if name in ("BINGET", "LONG_BINGET") and type(value) is int else value)
            del last[:-2]
    return False


def main_module() -> Tuple[Optional[str], Optional[str]]:
    """The path or the name by which workers import the main module; neither where it is no file."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    name = getattr(spec, "name", None)
    # A folder or an archive that is run has a module of that name, which is found by its path alone.
    if name is not None and name != "__main__":
        return None, name
    path = getattr(main, "__file__", None)
    if path is None or getattr(main, "__doc__", None) == "Automatically created module for IPython interactive environment":
        return None, None
    path = os.path.abspath(path)
    for its in (path, os.path.dirname(path)):
        if os.path.isfile(its):
            return its, None
    return None, None


def is_found_in_main(function: Any) -> bool:
    """Whether a worker that imports the main module finds the function there."""
    return main_module() != (None, None) and is_found(function, "__main__")


def is_importable(function: Any) -> bool:
    """Whether a worker finds the function by its name in its module."""
    return is_found(function, getattr(function, "__module__", None), "__main__")


def is_found(function: Any, module_name: Optional[str], excepted: Optional[str] = None) -> bool:
    """Whether the function is found by its name in a module."""
    if type(function) not in (types.FunctionType, types.BuiltinFunctionType, type):
        return False
    if module_name is None or module_name == excepted or module_name != getattr(function, "__module__", None):
        return False
    found: Any = sys.modules.get(module_name)
    for part in getattr(function, "__qualname__", "<locals>").split("."):
        found = getattr(found, part, None)
        if found is None:
            return False
    return found is function


class Function:
    """A function as the interpreters get it."""

    __slots__ = ("number", "data", "captured", "__weakref__")

    def __init__(self, number: int, data: bytes) -> None:
        self.number = number
        self.data = data
        # The function that was pickled last with these bytes, and what it took along, if that cannot change without a trace.
        self.captured: Optional[Tuple["weakref.ref[Any]", Captured]] = None

    def is_still_of(self, function: Any) -> bool:
        """Whether these are still the bytes of the function."""
        if self.captured is None:
            return False
        whose, captured = self.captured
        return whose() is function and captured.is_as_it_was(function)


class Functions:
    """The functions that the calls of a pool need, each once.

    A function is known as long as a call refers to it. There is no lock, since a signal may interrupt the main thread anywhere."""

    def __init__(self, why_no_code: Optional[str] = None) -> None:
        # Why the interpreters cannot take functions by value.
        self.why_no_code = why_no_code
        self.by_number: "weakref.WeakValueDictionary[int, Function]" = weakref.WeakValueDictionary()
        self.by_data: "weakref.WeakValueDictionary[bytes, Function]" = weakref.WeakValueDictionary()
        self.importable: Dict[Any, Function] = {}
        # The entry of each function that was pickled, by its number: what a function refers to may refer to it.
        self.seen: "weakref.WeakKeyDictionary[Any, int]" = weakref.WeakKeyDictionary()
        self.recent: Deque[Function] = deque(maxlen=MAX_IDLE_FUNCTIONS)
        self.initializer: Optional[Function] = None
        self.numbers = itertools.count(1)

    def add(self, function: Callable[..., Any]) -> Function:
        """The entry of a function.

        What is not importable is pickled each time, since what it refers to may have changed, unless that cannot be."""
        if is_importable(function):
            entry = self.importable.get(function)
            if entry is None:
                entry = self.importable[function] = self.make(self.data_of(function))
            return entry
        is_function = type(function) is types.FunctionType
        entry = self.by_number.get(self.seen.get(function, 0)) if is_function else None
        if entry is None or not entry.is_still_of(function):
            # Looked at before it is pickled: what changes meanwhile is seen at the next call.
            captured = captured_by(function, is_importable) if is_function else None
            data = self.data_of(function)
            entry = self.by_data.get(data) or self.make(data)
            if captured is not None:
                entry.captured = weakref.ref(function), captured
                self.seen[function] = entry.number
        if not self.recent or self.recent[-1] is not entry:
            self.recent.append(entry)
        return entry

    def make(self, data: bytes) -> Function:
        entry = Function(next(self.numbers), data)
        self.by_number[entry.number] = entry
        self.by_data[data] = entry
        return entry

    def add_initializer(self, initializer: Callable[..., Any], arguments: Tuple[Any, ...]) -> int:
        """What each interpreter calls first; its number."""
        what = f"the initializer {name_of(initializer)} with its arguments"
        self.initializer = self.make(self.checked(dump((initializer, arguments), what, ALL_IN_BAND), what).data)
        return self.initializer.number

    def data_of(self, function: Any) -> bytes:
        """The bytes of a function, its large buffers within."""
        what = f"the function {name_of(function)}"
        dumped = dump(function, what, ALL_IN_BAND)
        if dumped.has_code and self.why_no_code is not None and is_found_in_main(function):
            return pickle.dumps(function, PROTOCOL)
        return self.checked(dumped, what).data

    def checked(self, dumped: Dumped, what: str) -> Dumped:
        """What the interpreters can read; PicklingError for byte code that they do not understand."""
        if dumped.has_code and self.why_no_code is not None:
            raise pickle.PicklingError(f"{what} cannot be sent by value: {self.why_no_code}")
        return dumped


def name_of(function: Any) -> str:
    """The name of a function in labels."""
    name = None
    try:
        for _ in range(MAX_WRAPPERS):
            name = getattr(function, "__qualname__", None)
            if name is not None:
                break
            # A partial, and what scikit-learn wraps functions in.
            inner = getattr(function, "func", None) or getattr(function, "function", None)
            if inner is None:
                break
            function = inner
        text = name if type(name) is str else type(function).__name__
    except Exception:
        # Types do what they like when they are asked for what they do not have.
        text = type(function).__name__
    return text.rpartition("<locals>.")[2][:60]


class _Short:
    """A readable text of a value that never takes long: foreign types are named, not asked."""

    MAX_CHARS = 40
    MAX_ITEMS = 4

    def text(self, value: Any, depth: int = 2) -> str:
        kind = type(value)
        if kind is int and value.bit_length() > 120:
            return f"int of {value.bit_length()} bits"
        if kind in (int, float, bool, complex, type(None)):
            return repr(value)
        if kind in (str, bytes):
            return repr(value) if len(value) <= self.MAX_CHARS else repr(value[: self.MAX_CHARS - 1]) + "…"
        if kind in (list, tuple, set, frozenset, dict) and depth:
            return self.container(value, kind, depth)
        if kind in (types.FunctionType, types.BuiltinFunctionType, type):
            return name_of(value)
        shape = kind.__module__.split(".")[0] in ("numpy", "pandas", "torch", "scipy") and getattr(value, "shape", None)
        return f"{kind.__name__}{tuple(shape)}" if isinstance(shape, tuple) and shape else f"<{kind.__name__}>"

    def container(self, value: Any, kind: type, depth: int) -> str:
        brackets = "[]" if kind is list else "()" if kind is tuple else "{}"
        parts: List[str] = []
        for item in value:
            if len(parts) == self.MAX_ITEMS:
                parts.append("…")
                break
            shown = self.text(item, depth - 1)
            parts.append(f"{shown}: {self.text(value[item], depth - 1)}" if kind is dict else shown)
        if kind is tuple and len(value) == 1:
            parts.append("")
        return brackets[0] + ", ".join(parts).rstrip(" ") + brackets[1]


short = _Short().text
MAX_LABEL_CHARS = 80


def label_of_call(name: str, args: Any, kwargs: Any) -> str:
    parts = [short(value) for value in args[:6]] + (["…"] if len(args) > 6 else [])
    parts += [f"{key}={short(value)}" for key, value in list(kwargs.items())[:6]]
    return shortened(f"{name}({', '.join(parts)})")


def shortened(label: str) -> str:
    return label if len(label) <= MAX_LABEL_CHARS else label[: MAX_LABEL_CHARS - 2] + "…)"
