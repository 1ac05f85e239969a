"""Parts of the package alone: labels, functions, memory, frames."""

import functools
import gc
import io
import json
import os
import pickle
import runpy
import socket
import struct
import sys
import types
import unittest
import weakref
from collections import deque
from types import SimpleNamespace

import fanlane
from fanlane import _memory, _output, _pickling, _wire
from fanlane._reader import Reader
from support import Case


class Documents(unittest.TestCase):
    def test_the_page_lists_the_tests_of_cpython_that_do_not_pass(self):
        tests = os.path.dirname(os.path.abspath(__file__))
        reasons = runpy.run_path(os.path.join(tests, "cpython", "reasons.py"))["REASONS"]
        with open(os.path.join(tests, "..", "..", "docs", "python-tests.md"), encoding="utf-8") as page:
            listed = [line.strip() for line in page if line.startswith("| `")]
        self.assertEqual(listed, [f"| `{name}` | {why} |" for name, why in sorted(reasons.items())])


class Labels(unittest.TestCase):
    def test_a_label_is_short_and_asks_no_foreign_type(self):
        class Loud:
            def __repr__(self):
                raise AssertionError("it was asked")

        class Array:
            __module__ = "numpy"
            shape = (3, 4)

        table = [
            (((3,), {}), "f(3)"),
            ((("ä" * 50, None), {"key": 2.5}), "f('" + "ä" * 39 + "'…, None, key=2.5)"),
            (((Loud(), Array()), {}), "f(<Loud>, Array(3, 4))"),
            (((10**100,), {}), "f(int of 333 bits)"),
            (((len, (1,), set()), {}), "f(len, (1,), {})"),
            ((tuple(range(9)), {}), "f(0, 1, 2, 3, 4, 5, …)"),
        ]
        for call, expected in table:
            self.assertEqual(_pickling.label_of_call("f", *call), expected)
        self.assertEqual(len(_pickling.label_of_call("f" * 60, ("x" * 39,) * 3, {})), _pickling.MAX_LABEL_CHARS)

    def test_a_function_has_its_own_name(self):
        def inner():
            pass

        self.assertEqual(_pickling.name_of(inner), "inner")
        self.assertEqual(_pickling.name_of(functools.partial(inner)), "inner")
        self.assertEqual(_pickling.name_of(str.upper), "str.upper")

        class Inventive:
            def __getattr__(self, name):
                if name == "func":
                    return Inventive()
                raise RuntimeError(name) if name == "function" else AttributeError(name)

        self.assertEqual(_pickling.name_of(Inventive()), "Inventive")


FUNCTIONS = """
import math

LARGE, ITEMS, NESTED, COUNT = b"x" * 1000, [1], ((1, [2]),), 0

class Box:
    pass

BOX = Box()

def plain(): return print(1)
def with_constants(): return math.sqrt(len(LARGE))
def with_default(n=(1, "a")): return n
def leaf(n=2): return n
def branch(): return leaf()
def calls_others(): return branch()
def calls_itself(n): return calls_itself(n - 1) if n else 0
def with_list(): return ITEMS
def with_tuple_of_list(): return NESTED
def with_object(): return BOX
def with_mutable_default(n=[]): return n
def with_attribute(): return 1
with_attribute.seen = 1
def with_class(): return Box()
def counts(): return [with_list(), COUNT]

def outer():
    factor = 3
    def inner(): return factor
    def set_factor(n):
        nonlocal factor
        factor = n
    return inner, set_factor

inner, set_factor = outer()
"""


class Functions(unittest.TestCase):
    def test_an_importable_function_is_pickled_once_and_kept(self):
        functions = _pickling.Functions()
        number = functions.add(os.path.join).number
        self.assertEqual(functions.add(os.path.join).number, number)
        self.assertIn(number, functions.by_number)
        self.assertTrue(_pickling.is_importable(os.path.join))
        for other in (lambda: 1, functools.partial(os.path.join), "".join):
            self.assertFalse(_pickling.is_importable(other))

    def test_a_function_is_pickled_again_if_what_it_takes_along_may_have_changed(self):
        module = types.ModuleType("__main__")
        exec(FUNCTIONS, module.__dict__)
        functions, pickled = _pickling.Functions(), []

        def pickle_it(function):
            pickled.append(function)
            return repr((len(pickled), function)).encode()

        def pickles(function):
            before = len(pickled)
            functions.add(function)
            return len(pickled) - before

        functions.data_of = pickle_it
        for name in ("plain", "with_constants", "with_default", "calls_others", "calls_itself", "inner"):
            self.assertEqual([pickles(module.__dict__[name]) for _ in range(3)], [1, 0, 0], name)
        for name in ("with_list", "with_tuple_of_list", "with_object", "with_mutable_default", "with_attribute", "with_class", "counts"):
            self.assertEqual([pickles(module.__dict__[name]) for _ in range(2)], [1, 1], name)
        # Each change is seen, and once.
        changes = [
            ("with_constants", "LARGE = LARGE + b'x'"),
            ("with_constants", "del LARGE"),
            ("with_constants", "LARGE = b'y'"),
            ("with_default", "with_default.__defaults__ = (3,)"),
            ("with_default", "with_default.__code__ = plain.__code__"),
            ("calls_others", "leaf.__defaults__ = (5,)"),
            ("calls_others", "leaf = plain"),
            ("plain", "print = len"),
            ("inner", "set_factor(4)"),
        ]
        for name, change in changes:
            self.assertEqual(pickles(module.__dict__[name]), 0, (name, change))
            exec(change, module.__dict__)
            self.assertEqual([pickles(module.__dict__[name]) for _ in range(2)], [1, 0], (name, change))
        module.leaf.seen = []
        self.assertEqual(pickles(module.calls_itself), 0)

    def test_a_function_that_uses_a_module_is_pickled_again_once_another_is_imported(self):
        def joins():
            return os.path.join("a", "b")

        functions = _pickling.Functions()
        functions.data_of = lambda function: b"its bytes"
        before = functions.add(joins)
        self.assertTrue(before.is_still_of(joins))
        self.addCleanup(sys.modules.pop, "module_of_a_test")
        sys.modules["module_of_a_test"] = types.ModuleType("module_of_a_test")
        self.assertFalse(before.is_still_of(joins))

    def test_what_a_function_takes_along_does_not_keep_it(self):
        functions = _pickling.Functions()
        functions.data_of = lambda function: repr(id(function)).encode()
        made = [lambda n: n + 1 for _ in range(3)]
        gone = [weakref.ref(its) for its in made]
        for its in made:
            functions.add(its)
        del its
        made.clear()
        gc.collect()
        self.assertEqual([its() for its in gone], [None] * 3)

    def test_functions_that_no_call_needs_are_forgotten(self):
        functions = _pickling.Functions()
        kept = functions.add(functools.partial(int, -1))
        for n in range(3 * _pickling.MAX_IDLE_FUNCTIONS):
            functions.add(functools.partial(int, n))
        gc.collect()
        self.assertEqual(len(functions.by_number), _pickling.MAX_IDLE_FUNCTIONS + 1)
        self.assertIn(kept.number, functions.by_number)


class Loud(io.StringIO):
    def write(self, text):
        raise SystemExit("it does not like that")


class Outputs(unittest.TestCase):
    def shown(self, target, *pieces):
        output, before = _output.Output(), sys.stdout
        sys.stdout = target
        try:
            for piece in pieces:
                output.show(1, piece)
            output.end()
        finally:
            sys.stdout = before

    def test_pieces_are_printed_whatever_the_stream_of_the_script_is(self):
        whole = "aü€\n".encode()
        pieces = [whole[n : n + 1] for n in range(len(whole))] + [b"\xff\xc3"]
        text = io.StringIO()
        self.shown(text, *pieces)
        self.assertEqual(text.getvalue(), "aü€\n\ufffd\ufffd")
        for encoding, expected in (("utf-8", whole + b"\xff\xc3"), ("ascii", b"a\\xfc\\u20ac\n\\ufffd\\ufffd")):
            raw = io.BytesIO()
            target = io.TextIOWrapper(raw, encoding)
            self.shown(target, *pieces)
            self.assertEqual(raw.getvalue(), expected)
        closed = io.StringIO()
        closed.close()
        for target in (None, closed, Loud(), object()):
            self.shown(target, *pieces)


class Memory(Case):
    def test_segments_are_given_up_with_their_last_call(self):
        segments = _memory.Segments()
        small = [segments.put(segments.prepare(b"x" * 100_000, []))[0] for _ in range(100)]
        large, length, _ = segments.put(segments.prepare(b"pickle", [memoryview(b"y" * 3_000_000)]))
        self.assertEqual(length, os.fstat(large.descriptor).st_size)
        head = os.pread(large.descriptor, 24, 0)
        self.assertEqual(struct.unpack("<B3xIQQ", head), (ord("B"), 1, 6, 3_000_000))
        self.assertEqual(os.pread(large.descriptor, 5, 64), b"yyyyy")
        self.assertEqual(segments.bytes, 10_000_000 + length)
        for segment in [*small, large]:
            segments.release(segment)
        self.assertEqual(list(segments.all), [segments.current.number])
        self.assertEqual(segments.bytes, 0)
        self.assertIsNone(segments.descriptor(large.number))
        segments.close()

    def test_the_index_grows(self):
        index = _memory.Index()
        numbers = (1, 2047, 2048, 300_000)
        for number in numbers:
            index.put(number, number, number + 1, number + 2)
        index.copy(2048, 5)
        self.assertEqual(index.item(5), (0, 0))
        self.assertFalse(index.has_begun(5))
        entry = os.pread(index.descriptor, 16, 5 * 32)
        self.assertEqual(struct.unpack("<IIQ", entry), (2048, 2049, 2050))
        index.close()


class Frames(Case):
    def test_frames_come_whole_however_they_are_cut(self):
        ours, theirs = socket.socketpair()
        stream = _wire.Stream(ours)
        frames = [(ord("R"), b"x" * size) for size in (0, 1, 5, 70_000, 3)]
        data = b"".join(_wire.frame(bytes([kind]), body) for kind, body in frames)
        got = []
        for start in range(0, len(data), 997):
            theirs.sendall(data[start : start + 997])
            self.assertTrue(stream.receive(bytearray(1 << 16), lambda kind, body: got.append((kind, bytes(body)))))
        self.assertEqual(got, frames)
        theirs.close()
        self.assertFalse(stream.receive(bytearray(10), lambda *_: None))
        stream.close()

    def test_what_does_not_fit_waits(self):
        ours, theirs = socket.socketpair()
        stream = _wire.Stream(ours)
        data = os.urandom(3_000_000)
        self.assertTrue(stream.queue(data))
        received = b""
        while len(received) < len(data):
            received += theirs.recv(1 << 20)
            stream.flush()
        self.assertEqual(received, data)
        theirs.close()
        stream.queue(b"to nobody")
        stream.close()


if __name__ == "__main__":
    unittest.main()


class Ends(Case):
    def test_a_failure_told_behind_a_call_whose_result_is_fetched_first_arrives(self):
        ours, host = socket.socketpair()
        link, interpreter = socket.socketpair()
        woken, listener = socket.socketpair()
        entries = {1: entry_of("one"), 2: entry_of("two")}
        ended = []
        for entry in entries.values():
            entry.sink._settle = lambda key, ok, value: ended.append((key, ok, value))
        calls = SimpleNamespace(
            entries=entries,
            labels=[],
            done=0,
            end_if_all_is_done=lambda: None,
            fail=lambda entry, error: ended.append((entry.key, False, type(error))),
            segments=SimpleNamespace(release=lambda segment: None),
            index=SimpleNamespace(item=lambda number: 0),
        )
        run = SimpleNamespace(control=_wire.Stream(ours), woken=woken, listener=listener, key=b"", requests=deque(), calls=calls)
        run.settings = SimpleNamespace(retries=0)
        reader = Reader(run)
        self.addCleanup(reader.epoll.close)
        for end in (ours, host, link, interpreter, woken, listener):
            self.addCleanup(end.close)
        # The link has something as soon as the thread has looked for it in vain.
        reader.links[link.fileno()] = _wire.Stream(link)
        value = pickle.dumps("x" * 1000)
        interpreter.sendall(_wire.frame(b"R", _wire.RECORD.pack(1, _wire.VALUE, len(value)) + value))
        failures = json.dumps([{"call": 2, "kind": "cancelled", "message": "it was cancelled"}]).encode()
        host.sendall(_wire.frame(b"D", _wire.body_of_numbers([1])) + _wire.frame(b"X", failures))
        self.assertTrue(reader.step())
        self.assertEqual(ended, [("one", True, "x" * 1000), ("two", False, fanlane.CallCancelled)])


def entry_of(key):
    return SimpleNamespace(key=key, sink=SimpleNamespace(), segment=None)
