"""Interrupts of the main thread: an exception at any line of the package costs at most what was being asked for."""

import os
import sys
import unittest

import fanlane
import functions
from support import Case

PACKAGE = os.path.dirname(fanlane.__file__)
# A prime, so that the places differ from function to function.
STEP = 19


class Interrupt(BaseException):
    """What a signal raises."""


class Alarm(Exception):
    """What the handler of a deadline raises, which is taken for an error of whatever goes on."""


def interrupted(action, at, kind=Interrupt):
    """Does something, and raises an exception in the `at`th line of the package that it comes to; whether it came to that."""
    steps = 0

    def trace(frame, event, _):
        nonlocal steps
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        steps += event == "line"
        if steps == at and event == "line":
            sys.settrace(None)
            raise kind
        return trace

    earlier = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    except kind:
        return True
    finally:
        sys.settrace(earlier)
    return steps >= at


class Interrupts(Case):
    def check(self, actions, works, kind=Interrupt, step=STEP):
        """Interrupts each action at places all over it; what is done next is done well."""
        for name, action in actions.items():
            with self.subTest(name):
                at = 1
                while interrupted(action, at, kind):
                    works()
                    at += step
                self.assertGreater(at, step, "it was interrupted")

    def test_a_pool_goes_on_after_interrupts_wherever_they_come(self):
        with fanlane.Pool(2) as pool:

            def works():
                calls = [pool.apply_async(functions.cube, (n,)) for n in range(3)]
                self.assertEqual([call.get(30) for call in calls], [0, 1, 8])
                self.assertEqual(pool.map_async(functions.cube, range(9), 1).get(30), [n**3 for n in range(9)])

            actions = {
                "apply_async": lambda: pool.apply_async(functions.cube, (2,)),
                "map": lambda: pool.map(functions.cube, range(9), 1),
                "imap": lambda: list(pool.imap(functions.cube, iter(range(9)))),
                "cancel": lambda: pool.map_async(functions.cube, range(9), 1).cancel(),
                "resize": lambda: pool.resize(2),
            }
            self.check(actions, works)
            pool.close()
            pool.join()

    def test_an_executor_goes_on_after_interrupts_wherever_they_come(self):
        with fanlane.Executor(2) as executor:

            def works():
                self.assertEqual(executor.submit(functions.cube, 2).result(30), 8)
                self.assertEqual(list(executor.map(functions.cube, range(9), timeout=30)), [n**3 for n in range(9)])

            works()
            actions = {
                "submit": lambda: executor.submit(functions.cube, 2),
                "map": lambda: list(executor.map(functions.cube, range(9))),
                "buffersize": lambda: list(executor.map(functions.cube, range(9), buffersize=2)),
            }
            self.check(actions, works)

    def test_a_map_in_which_an_exception_of_a_deadline_comes_ends(self):
        with fanlane.Pool(2) as pool, fanlane.Executor(2) as executor:
            actions = {
                "map": lambda: pool.map(functions.cube, range(4), 2),
                "imap": lambda: list(pool.imap(functions.cube, range(4))),
                "map of the executor": lambda: list(executor.map(functions.cube, range(4))),
            }
            self.assertEqual(executor.submit(functions.cube, 2).result(30), 8)
            self.check(actions, lambda: self.assertEqual(pool.apply(functions.cube, (2,)), 8), Alarm, step=1)
            self.assertEqual(executor.submit(functions.cube, 2).result(30), 8)


if __name__ == "__main__":
    unittest.main()
