"""What interpreters keep of calls, what they know of the main module, and what they say of results."""

import glob
import json
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import unittest
import zipfile

import fanlane
import functions
from support import Case, without_cloudpickle

try:
    import cloudpickle
except ImportError:
    cloudpickle = None

TESTS = os.path.dirname(os.path.abspath(__file__))

INITIALIZED = """
import fanlane, functools
CACHE, late, transform = {}, None, None
def init(n):
    global G, transform, maths, late
    G, late, CACHE["n"] = n, [n], n
    transform = lambda i: i + G
    import math as maths
def read(i):
    return G + i, CACHE["n"], transform(i), maths.floor(late[0])
class Setup:
    def make(self, n):
        global VIA
        VIA = n
if __name__ == "__main__":
    for initializer, arguments in ((init, (5,)), (functools.partial(init, 5), ())):
        with fanlane.Pool(1, initializer=initializer, initargs=arguments) as pool:
            print(pool.map(read, [1]), pool.apply(lambda: G))
    with fanlane.Executor(1, initializer=Setup().make, initargs=(7,)) as executor:
        print(executor.submit(lambda: VIA).result())
"""

UNGUARDED = """
import fanlane
print("begins")
class Point:
    def __init__(self, x): self.x = x
class Wrong(Exception): pass
def make(n): return Point(n)
def fail(n): raise Wrong(n)
with fanlane.Pool(1) as pool:
    assert all(type(point) is Point for point in pool.map(make, range(3), chunksize=1))
    try: pool.apply(fail, (1,))
    except Wrong: print("ends")
"""

BROKEN = """
import fanlane, os, sys
with open("imports", "a") as file: file.write("x")
if __name__ != "__main__":
    raise RuntimeError("not here")
def double(n): return 2 * n
with fanlane.Pool(1) as pool:
    results = [pool.apply_async(double, (n,)) for n in range(3)]
    for result in results:
        try: result.get()
        except Exception as error: print(type(error).__name__, error)
    print(open("imports").read())
"""

NESTED = """
import fanlane
def double(n): return 2 * n
def inner(n):
    with fanlane.Pool(1) as pool: return pool.map(double, range(n))
def outer(n):
    with fanlane.Pool(1) as pool: return pool.apply(inner, (n,))
if __name__ == "__main__":
    print(outer(3))
    with fanlane.Pool(1) as pool: print(pool.apply(outer, (3,)))
"""


class Main(Case):
    @unittest.skipIf(cloudpickle is None, "cloudpickle is not installed")
    def test_functions_that_travel_by_value_find_what_the_initializer_has_left(self):
        expected = "[(6, 5, 6, 5)] 5\n"
        self.assertEqual(self.run_script(INITIALIZED), 2 * expected + "7\n")

    @unittest.skipIf(cloudpickle is None, "cloudpickle is not installed")
    def test_a_script_without_a_guard_is_not_run_again_for_what_its_functions_return(self):
        self.assertEqual(self.run_script(UNGUARDED), "begins\nends\n")

    def test_a_main_module_that_fails_is_imported_once(self):
        said = self.run_script(BROKEN, env=without_cloudpickle(self.folder))
        self.assertEqual(said, "RuntimeError not here\n" * 3 + "xx\n")

    def test_functions_of_the_main_module_are_found_in_pools_within_pools(self):
        self.assertEqual(self.run_script(NESTED, env=without_cloudpickle(self.folder)), "[0, 2, 4]\n" * 2)


FOLDER = """
import fanlane, sys
def double(n): return 2 * n
if __name__ == "__main__":
    with fanlane.Pool(1) as pool: print(pool.map(double, range(3)))
"""


class Others(Case):
    """Interpreters that are not that of the script, or were started in other ways."""

    def program_that(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(f"#!/bin/sh\n{text}\n")
        os.chmod(path, 0o755)
        return path

    def others(self):
        """A Python of each other minor version that is here."""
        folders = glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/bin")) + os.environ["PATH"].split(os.pathsep)
        found = {}
        for minor in range(9, 15):
            for folder in folders:
                path = os.path.join(folder, f"python3.{minor}")
                if minor != sys.version_info[1] and minor not in found and "shims" not in path and os.access(path, os.X_OK):
                    found[minor] = path
        return found

    def test_interpreters_of_other_versions_keep_their_own_library(self):
        here = os.path.dirname(os.path.dirname(os.path.abspath(json.__file__)))
        wrapper = self.program_that("python-here", f'exec {sys.executable} "$@"')
        for minor, path in [(sys.version_info[1], wrapper), *list(self.others().items())[:2]]:
            with self.subTest(path), fanlane.Pool(1, interpreter=pathlib.Path(path)) as pool:
                version, _, library, _ = pool.apply(functions.interpreter)
                self.assertEqual(version, (3, minor))
                self.assertEqual(library == here, path == wrapper)
                self.assertEqual(pool.map(functions.cube, range(3)), [0, 1, 8])
                if path != wrapper and cloudpickle is not None:
                    with self.assertRaisesRegex(pickle.PicklingError, f"is Python 3.{minor}.*byte code.*put it into a module"):
                        pool.apply(lambda: 1)

    def test_what_is_no_interpreter_is_refused_with_words(self):
        old = self.program_that("old", "echo '[[3, 8, 1], true, \"cpython\"]'")
        broken = self.program_that("broken", "echo No module named encodings >&2; exit 1")
        for path, words in (
            ("/no/such/python", "there is no interpreter /no/such/python"),
            (old, "old cannot be used: it is Python 3.8.1; name a Python of 3.9 or newer"),
            (broken, "broken cannot be used: No module named encodings"),
            ("/bin/true", "does not answer as a Python does"),
            (self.program_that("five", "echo 5"), "does not answer as a Python does"),
        ):
            with self.subTest(path), self.assertRaisesRegex(fanlane.CannotStart, words):
                fanlane.Pool(1, interpreter=path)

    def test_interpreters_are_started_like_the_script(self):
        text = (
            f"import sys; sys.path.insert(0, {TESTS!r})\n"
            "import fanlane, functions\n"
            "with fanlane.Pool(1) as pool: print(pool.apply(functions.interpreter)[1])\n"
        )
        path = os.path.join(self.folder, "flags.py")
        self.assertEqual(self.run_script(text, name="flags.py", command=[sys.executable, "-OO", path]), "2\n")

    def test_a_folder_and_an_archive_that_are_run_are_main_modules(self):
        with zipfile.ZipFile(os.path.join(self.folder, "app.zip"), "w") as archive:
            archive.writestr("__main__.py", FOLDER)
        os.mkdir(os.path.join(self.folder, "app"))
        for place in ("app", "app.zip"):
            said = self.run_script(FOLDER, name="app/__main__.py", command=[sys.executable, place], env=without_cloudpickle(self.folder))
            self.assertEqual(said, "[0, 2, 4]\n")


class Buffer:
    """Large memory without a library."""

    def __init__(self, data):
        self.data = bytearray(data) if isinstance(data, int) else data

    def __reduce_ex__(self, protocol):
        return Buffer, (pickle.PickleBuffer(self.data),)


def keep(buffer, kept=[]):
    """Keeps its argument; how many descriptors are open."""
    kept.append(buffer)
    buffer.data[0:1] = b"1"
    return len(os.listdir("/proc/self/fd"))


def mapped_bytes(name):
    """How much of memory files with the name is mapped."""
    with open("/proc/self/maps") as maps:
        places = [line.split()[0].split("-") for line in maps if name in line]
    return sum(int(end, 16) - int(start, 16) for start, end in places)


class Slow:
    """Nothing of it may be called in order to show it."""

    def __init__(self, place=None):
        self.place = place

    def leave_a_sign(self, *_):
        open(self.place, "w").close()
        return "slow"

    __repr__ = __str__ = leave_a_sign

    def __len__(self):
        self.leave_a_sign()
        return 3

    @property
    def shape(self):
        self.leave_a_sign()


def make_slow(place):
    return Slow(place)


class Results(Case):
    def test_showing_a_result_calls_nothing_of_its_type(self):
        place = os.path.join(self.folder, "called")
        with fanlane.Pool(1) as pool:
            self.assertIs(type(pool.apply(make_slow, (place,))), Slow)
            self.assertIs(type(pool.map(make_slow, [place])[0]), Slow)
            pool.apply(dict, ([(n, make_slow(place)) for n in range(2)],))
        self.assertFalse(os.path.exists(place))

    def test_each_result_has_a_short_text(self):
        values = [[], {}, (1,), set(), frozenset([1]), {"a": [[[[1]]]]}, "x" * 999, b"y" * 999, 10**5000, ..., range(3), abs, Slow]
        with fanlane.Pool(1) as pool:
            for value in values:
                self.assertEqual(pool.apply(functions.identity, (value,)), value)
            pool.close()
            pool.join()
            export = [os.environ.get("FANLANE", "fanlane"), "export", str(pool.run_number), "--format", "json"]
        shown = subprocess.run(export, stdout=subprocess.PIPE, text=True).stdout
        for words in ("(1,)", "set()", "{1}", "{'a': [[[…]]]}", "int of 16610 bits", "Ellipsis", "range(0, 3)", "<class Slow>"):
            self.assertIn(words, shown)

    def test_large_arguments_are_given_back_after_their_call(self):
        payload = bytes(20 << 20)
        with fanlane.Pool(1) as pool:
            for _ in range(3):
                pool.apply(len, (payload,))
            self.assertEqual(pool.apply(mapped_bytes, ("fanlane-calls",)) // (10 << 20), 0)

    def test_kept_arguments_keep_few_descriptors(self):
        with fanlane.Pool(1) as pool:
            for size in (100_000, 1_100_000):
                kept = [pool.apply(keep, (Buffer(size),)) for _ in range(100)]
                self.assertLess(kept[-1] - kept[0], 90)

    def test_a_watcher_that_does_not_read_does_not_hold_up_the_script(self):
        pool = fanlane.Pool(1)
        self.addCleanup(pool.terminate)
        pool.apply(abs, (1,))
        program = os.environ.get("FANLANE", "fanlane")
        number = str(pool.run_number)
        watcher = subprocess.Popen([program, "attach", number], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0)
        self.addCleanup(watcher.stdout.close)
        self.addCleanup(watcher.wait)
        self.addCleanup(watcher.kill)
        self.assertTrue(watcher.stdout.read(1))
        watcher.send_signal(signal.SIGSTOP)
        pool.close()
        pool.join()
        # It has ended by itself: the script did not lose its patience.
        self.assertEqual(pool._run.host.process.returncode, 0)


if __name__ == "__main__":
    unittest.main()
