"""What a function that travels by value takes along, and whether that is still what it was.

Making the pickle of a function costs much more than a short call, and large global variables are copied each time. So a pickle is
used again while all that the function refers to is the same and can have no other content. Of what can change, such as a list, an
array or an object, nothing is assumed: its function is pickled for each call.
"""

from __future__ import annotations

import sys
import types
from typing import Any, Callable, Dict, FrozenSet, List, NamedTuple, Optional, Tuple

# Types whose objects never have another content.
ATOMS = frozenset({type(None), type(...), type(NotImplemented), bool, int, float, complex, str, bytes, range})
# How many functions a function may call, directly or not, that travel with it.
MAX_FUNCTIONS = 32
_MISSING = object()


def names_in(code: types.CodeType) -> FrozenSet[str]:
    """All names that code may look up outside of itself, those of attributes among them."""
    inner = [const for const in code.co_consts if isinstance(const, types.CodeType)]
    return frozenset(code.co_names).union(*map(names_in, inner))


def is_constant(value: Any) -> bool:
    """Whether a value never has another content: numbers, texts, and tuples of such."""
    waiting = [value]
    while waiting:
        its = waiting.pop()
        if type(its) in (tuple, frozenset):
            waiting.extend(its)
        elif type(its) not in ATOMS:
            return False
    return True


class Part(NamedTuple):
    """A function with what it refers to."""

    function: Any
    """None for the function that is submitted, which is not kept alive by this."""
    code: types.CodeType
    defaults: Optional[Tuple[Any, ...]]
    closure: List[Tuple[types.CellType, Any]]
    names: List[Tuple[str, Any]]
    """Each name that the code may look up, with its value in the module, or what stands for none."""

    def is_as_it_was(self, submitted: types.FunctionType) -> bool:
        function = self.function or submitted
        if function.__code__ is not self.code or function.__defaults__ is not self.defaults or has_more(function):
            return False
        for cell, value in self.closure:
            if content_of(cell) is not value:
                return False
        found = function.__globals__.get
        for name, value in self.names:
            if found(name, _MISSING) is not value:
                return False
        return True


def has_more(function: types.FunctionType) -> bool:
    """Whether a function has what can change without a trace: attributes, or defaults of keywords."""
    return bool(function.__dict__) or function.__kwdefaults__ is not None


def content_of(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return _MISSING


class Captured:
    """All that a function took along when it was pickled."""

    def __init__(self, parts: List[Part], references: List[Any], is_reference: Callable[[Any], bool], surroundings: Any) -> None:
        self.parts = parts
        # Functions, classes and modules that travel by their names.
        self.references = references
        self.is_reference = is_reference
        self.surroundings = surroundings

    def is_as_it_was(self, function: Any) -> bool:
        """Whether the pickle of the function would be the same again."""
        for part in self.parts:
            if not part.is_as_it_was(function):
                return False
        if not self.references:
            return True
        return self.surroundings == surroundings() and all(map(self.is_reference, self.references))


def surroundings() -> Any:
    """What else decides how modules travel: submodules go along where they are imported, some modules by value where it is asked."""
    module = sys.modules.get("cloudpickle.cloudpickle")
    by_value = getattr(module, "_PICKLE_BY_VALUE_MODULES", ())
    return len(sys.modules), frozenset(by_value)


def captured_by(function: Any, is_importable: Callable[[Any], bool]) -> Optional[Captured]:
    """What a function takes along; None where some of it can change without a trace. `is_importable` says what travels by its
    name."""

    def is_reference(value: Any) -> bool:
        if type(value) is types.ModuleType:
            name = value.__name__
            return name != "__main__" and sys.modules.get(name) is value
        return is_importable(value)

    if type(function) is not types.FunctionType:
        return None
    parts: List[Part] = []
    references: Dict[int, Any] = {}
    waiting, seen = [function], {id(function)}
    while waiting:
        its = waiting.pop()
        part = part_of(its, None if its is function else its)
        if part is None or len(parts) == MAX_FUNCTIONS:
            return None
        parts.append(part)
        for value in (*(part.defaults or ()), *(value for _, value in part.closure), *(value for _, value in part.names)):
            if value is _MISSING or id(value) in seen or is_constant(value):
                continue
            seen.add(id(value))
            if is_reference(value):
                references[id(value)] = value
            elif type(value) is types.FunctionType:
                waiting.append(value)
            else:
                return None
    return Captured(parts, list(references.values()), is_reference, surroundings())


def part_of(function: types.FunctionType, kept: Optional[types.FunctionType]) -> Optional[Part]:
    if has_more(function):
        return None
    closure = [(cell, content_of(cell)) for cell in function.__closure__ or ()]
    names = [(name, function.__globals__.get(name, _MISSING)) for name in names_in(function.__code__)]
    return Part(kept, function.__code__, function.__defaults__, closure, names)
