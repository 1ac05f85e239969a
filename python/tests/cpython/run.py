"""CPython's own tests of its pool and its executor, with the classes of Fanlane in their place.

`python3 run.py` takes the tests that the running Python brings (Debian: the package libpython3-testsuite): test_concurrent_futures and
the pool part of _test_multiprocessing. It prints how many pass and what each of the others says, and fails where that is not what
`reasons.py` expects. FANLANE names the program.
"""

import concurrent.futures
import faulthandler
import importlib.util
import multiprocessing
import os
import pkgutil
import sys
import unittest
from test.support import script_helper

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, PACKAGE)

import fanlane  # noqa: E402
from reasons import REASONS, WAIT_FOR_EVER  # noqa: E402

# A test that hangs ends all, with the place it hangs in.
DEADLINE_SECS = 120


def executor_tests():
    """Those that make a ProcessPoolExecutor with new interpreters, as ours always are."""
    if importlib.util.find_spec("test.test_concurrent_futures") is None:
        print("this Python comes without test_concurrent_futures: the tests of its executor are left out")
        return
    concurrent.futures.ProcessPoolExecutor = fanlane.Executor
    package = importlib.import_module("test.test_concurrent_futures")
    modules = [package]
    for found in pkgutil.iter_modules(getattr(package, "__path__", [])):
        if found.name.startswith("test_") and found.name != "test_deadlock":
            modules.append(importlib.import_module(f"{package.__name__}.{found.name}"))
    for module in modules:
        for name in WAIT_FOR_EVER:
            case, _, test = name.partition(".")
            if hasattr(getattr(module, case, None), test):
                setattr(getattr(module, case), test, lambda its, name=name: its.fail(REASONS[name]))
        if hasattr(module, "assert_python_ok"):
            module.assert_python_ok = python_ok_with_ours
        for name, case in sorted(vars(module).items()):
            is_case = isinstance(case, type) and issubclass(case, unittest.TestCase)
            # Its tests of deadlocks replace private parts of the standard library's executor.
            if is_case and name.startswith("ProcessPoolSpawn") and "Deadlock" not in name:
                yield case


def python_ok_with_ours(option, text):
    """Runs a script of theirs in another Python, with ours in the place of their executor."""
    ours = f"import sys; sys.path.insert(0, {PACKAGE!r})\nimport concurrent.futures, fanlane\nconcurrent.futures.Executor = fanlane.Executor\n"
    return script_helper.assert_python_ok(option, ours + text)


def pool_tests():
    """Those that make a Pool. Their classes are those of a module, since workers import what their methods are of."""
    import cases

    return cases.TestPool, cases.TestPoolWorkerErrors, cases.TestPoolWorkerLifetime


class Deadlines(unittest.TextTestResult):
    def startTest(self, test):
        faulthandler.dump_traceback_later(DEADLINE_SECS, exit=True)
        super().startTest(test)

    def stopTest(self, test):
        faulthandler.cancel_dump_traceback_later()
        super().stopTest(test)


def name_of(test):
    """The class and the name of a test, whichever of its cases it is."""
    return ".".join(test.id().partition(" ")[0].split(".")[-2:])


def main():
    multiprocessing.set_start_method("spawn")
    cases = [*executor_tests(), *pool_tests()]
    loader = unittest.defaultTestLoader
    suite = unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in cases)
    if len(sys.argv) > 1:
        suite = unittest.TestSuite(test for group in suite for test in group if any(word in test.id() for word in sys.argv[1:]))
    result = unittest.TextTestRunner(resultclass=Deadlines, verbosity=2).run(suite)
    bad = {name_of(test): trace.strip().splitlines()[-1] for test, trace in result.failures + result.errors}
    version = ".".join(str(number) for number in sys.version_info[:3])
    passed = result.testsRun - len(bad) - len(result.skipped)
    print(f"Python {version}: {result.testsRun} tests, {passed} pass, {len(result.skipped)} skipped, {len(bad)} do not pass")
    unexpected = {name: words for name, words in bad.items() if name not in REASONS}
    for name, words in sorted(bad.items()):
        print(f"- {name}: {REASONS.get(name, 'UNEXPECTED: ' + words)}")
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
