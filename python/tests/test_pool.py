"""`Pool` beside `multiprocessing.Pool`: the same calls give the same values."""

import itertools
import multiprocessing
import multiprocessing.pool
import operator
import os
import pickle
import threading
import unittest
from unittest import mock

import fanlane
import functions
from fanlane._pickling import Functions
from support import DEADLINE_SECS, Case, wait_until


class Values(Case):
    def test_integers_of_any_size_are_items(self):
        items = [0, 2**63, -(2**64), 10**5000]
        with fanlane.Pool(1) as pool:
            self.assertEqual(pool.map(abs, items, chunksize=1), [abs(item) for item in items])
            self.assertEqual(list(pool.imap(abs, iter(items))), [abs(item) for item in items])

    def test_gives_what_multiprocessing_gives(self):
        asked = [
            lambda pool: pool.apply(functions.add, (1, 2), {"scale": 3}),
            lambda pool: pool.map(functions.cube, range(103)),
            lambda pool: pool.map(functions.cube, (n for n in range(10)), chunksize=3),
            lambda pool: pool.map(functions.cube, []),
            lambda pool: pool.map(functions.cube, {1: "a", 2: "b"}),
            lambda pool: pool.starmap(functions.add, [(1, 2), (3,), [4, 5]]),
            lambda pool: pool.starmap(functions.add, zip(range(20), range(20)), 7),
            lambda pool: list(pool.imap(functions.cube, range(50))),
            lambda pool: list(pool.imap(functions.cube, iter(range(50)), chunksize=7)),
            lambda pool: sorted(pool.imap_unordered(functions.cube, range(700))),
            lambda pool: sorted(pool.imap_unordered(functions.cube, range(50), chunksize=8)),
            lambda pool: list(pool.imap(functions.cube, "")),
            lambda pool: pool.map_async(functions.cube, range(9)).get(),
            lambda pool: pool.starmap_async(operator.pow, [(2, 3), (3, 2)], callback=None).get(),
            lambda pool: pool.apply_async(functions.identity, ([1, {"a": (None, 2.5, "ä", b"\0")}],)).get(),
            lambda pool: pool.apply_async(dict, ((("a", 1),),), {"b": 2}).get(),
            lambda pool: pool.map(str.upper, ["a", "b"]),
            lambda pool: pool.map(int, ["1", "2"]),
        ]
        with fanlane.Pool(2) as ours, multiprocessing.get_context("fork").Pool(2) as theirs:
            for number, ask in enumerate(asked):
                with self.subTest(number):
                    self.assertEqual(ask(ours), ask(theirs))

    def test_large_values_and_buffers_come_whole(self):
        with fanlane.Pool(2) as pool:
            for size in (10, 70_000, 3_000_000):
                data = bytes(range(256)) * (size // 256 + 1)
                self.assertEqual(pool.apply(functions.identity, (data,)), data)
                self.assertEqual(pool.apply(functions.doubled_block, (functions.Block(data),)).data, data + data)
            self.assertEqual(pool.map(len, [b"x" * 2_000_000] * 12, chunksize=1), [2_000_000] * 12)

    def test_a_result_is_what_multiprocessing_makes_of_it(self):
        events = []
        with fanlane.Pool(1) as pool:
            good = pool.apply_async(functions.cube, (3,), callback=events.append)
            self.assertEqual(good.get(), 27)
            self.assertTrue(good.ready() and good.successful())
            bad = pool.apply_async(functions.fail, (3,), callback=events.append, error_callback=lambda e: events.append(repr(e)))
            with self.assertRaisesRegex(ValueError, "no 3s, please") as raised:
                bad.get()
            self.assertIn("functions.py", str(raised.exception.__cause__))
            self.assertIsInstance(raised.exception.__cause__, fanlane.RemoteTraceback)
            self.assertFalse(bad.successful())
            slow = pool.apply_async(functions.wait_for_file, (os.path.join(self.folder, "go"),))
            self.assertFalse(slow.ready())
            with self.assertRaises(ValueError):
                slow.successful()
            with self.assertRaises(multiprocessing.TimeoutError):
                slow.get(timeout=0.01)
            open(os.path.join(self.folder, "go"), "w").close()
            slow.wait(30)
            self.assertTrue(slow.successful())
            pool.map_async(functions.cube, range(4), callback=events.append).wait()
            pool.map_async(functions.fail, range(4), error_callback=lambda e: events.append(str(e))).wait()
        self.assertEqual(events, [27, "ValueError('no 3s, please')", [0, 1, 8, 27], "no 3s, please"])

    def test_what_a_callback_raises_is_shown_and_holds_up_nothing(self):
        with fanlane.Pool(1) as pool:
            import contextlib
            import io

            with contextlib.redirect_stderr(io.StringIO()) as said:
                pool.apply_async(functions.cube, (1,), callback=lambda _: 1 / 0).get()
                self.assertEqual(pool.apply(functions.cube, (2,)), 8)
        self.assertIn("ZeroDivisionError", said.getvalue())


class Streams(Case):
    def test_an_endless_input_is_read_no_further_than_needed(self):
        for method in ("imap", "imap_unordered"):
            read = itertools.count()
            taken = itertools.count()

            def inputs():
                while True:
                    next(taken)
                    yield next(read)

            with self.subTest(method), fanlane.Pool(2) as pool:
                values = getattr(pool, method)(functions.identity, inputs())
                first = [next(values) for _ in range(20)]
                self.assertEqual(len(set(first)), 20)
                self.assertLess(next(taken), 20_000)

    def test_an_exception_of_the_input_comes_in_its_turn(self):
        def inputs(error):
            yield 1
            yield 2
            raise error

        with fanlane.Pool(1) as pool:
            for chunksize in (1, 2):
                values = pool.imap(functions.cube, inputs(KeyError("input")), chunksize)
                self.assertEqual([next(values), next(values)], [1, 8])
                self.assertRaises(KeyError, next, values)
                self.assertRaises(StopIteration, next, values)
            self.assertRaises(KeyError, list, pool.imap_unordered(functions.cube, inputs(KeyError("input"))))
            self.assertRaises(KeyError, pool.map, functions.cube, inputs(KeyError("input")))

    def test_an_item_that_fails_does_not_end_the_iterator(self):
        with fanlane.Pool(1) as pool:
            values = pool.imap(functions.fail, range(5))
            got = []
            while True:
                try:
                    got.append(next(values))
                except ValueError as error:
                    got.append(str(error))
                except StopIteration:
                    break
            self.assertEqual(got, [0, 1, 2, "no 3s, please", 4])
            waiting = pool.imap(functions.sleep, [0.0])
            self.assertEqual(waiting.next(timeout=30), 0.0)
            self.assertEqual(values.progress(), (4, 1, 5))

    def test_threads_that_share_an_iterator_are_all_told_what_comes(self):
        go, ends = os.path.join(self.folder, "go"), []

        def take():
            ends.append(next(values, "end"))

        with fanlane.Pool(1) as pool:
            values = pool.imap(functions.wait_for_file, [go])
            takers = [threading.Thread(target=take, daemon=True) for _ in range(2)]
            for taker in takers:
                taker.start()
            wait_until(lambda: len(values._feed.changed.waiters) == 2, "both wait")
            self.assertRaises(multiprocessing.TimeoutError, values.next, 0.01)
            open(go, "w").close()
            for taker in takers:
                taker.join(DEADLINE_SECS)
            self.assertEqual(sorted(ends), sorted([go, "end"]))

    def test_join_has_all_done_that_nobody_takes(self):
        pool = fanlane.Pool(2)
        paths = [os.path.join(self.folder, f"mark{n}") for n in range(600)]
        values = pool.imap_unordered(functions.fail_once, iter(paths))
        pool.close()
        pool.join()
        self.assertEqual(len([name for name in os.listdir(self.folder) if name.startswith("mark")]), 600)
        del values

    def test_wrong_chunks_are_refused(self):
        with fanlane.Pool(1) as pool:
            self.assertRaises(ValueError, pool.imap, functions.cube, [1], 0)
            self.assertRaises(ValueError, pool.imap_unordered, functions.cube, [1], -2)
            self.assertRaises(TypeError, pool.map, functions.cube, 7)


class Steering(Case):
    def test_resizes_while_it_runs(self):
        with fanlane.Pool(1) as pool:
            go = os.path.join(self.folder, "go")
            waiting = pool.apply_async(functions.wait_for_file, (go,))
            self.assertRaises(ValueError, pool.resize, 0)
            pool.resize(2)
            self.assertEqual(pool.apply_async(functions.cube, (2,)).get(30), 8)
            self.assertEqual(pool.processes, 2)
            open(go, "w").close()
            self.assertEqual(waiting.get(30), go)

    def test_pauses_and_resumes(self):
        with fanlane.Pool(1) as pool:
            pool.apply(functions.cube, (1,))
            pool.pause()
            result = pool.apply_async(functions.cube, (2,))
            result.wait(0.1)
            self.assertFalse(result.ready())
            pool.resume()
            self.assertEqual(result.get(30), 8)

    def test_cancels_calls_that_were_just_submitted(self):
        with fanlane.Pool(1) as pool:
            many = pool.map_async(functions.sleep, [100] * 50, chunksize=1)
            many.cancel()
            self.assertRaises(fanlane.CallCancelled, many.get, 30)
            self.assertEqual([type(value) for value in many.outcomes()], [fanlane.CallCancelled] * 50)

    def test_cancels_a_running_call_and_a_waiting_one(self):
        with fanlane.Pool(1) as pool:
            begun = os.path.join(self.folder, "begun")
            running = pool.apply_async(functions.touch_and_sleep, (begun,))
            waiting = pool.apply_async(functions.cube, (1,))
            wait_until(lambda: os.path.exists(begun), "the call has begun")
            self.assertTrue(waiting.cancel())
            self.assertTrue(running.cancel())
            self.assertRaises(fanlane.CallCancelled, running.get, 30)
            self.assertRaises(fanlane.CallCancelled, waiting.get, 30)
            self.assertFalse(running.cancel())
            self.assertEqual(pool.apply(functions.cube, (3,)), 27)

    def test_tells_its_progress_and_its_number_in_the_history(self):
        with fanlane.Pool(1, name="night run") as pool:
            pool.map(functions.cube, range(6), chunksize=2)
            self.assertRaises(ValueError, pool.apply, functions.fail, (3,))
            self.assertEqual(pool.progress(), fanlane.Progress(3, 1, 4))
            wait_until(lambda: pool.run_number is not None, "the run has a number")
            self.assertEqual(pool.run_number, 1)

    def test_initializer_and_replacement_after_so_many_calls(self):
        with fanlane.Pool(1, functions.remember, ({"a": 1},), maxtasksperchild=2) as pool:
            self.assertEqual(pool.apply(functions.recall), {"a": 1})
            processes = [pool.apply(functions.process) for _ in range(5)]
            self.assertGreaterEqual(len(set(processes)), 3)
            self.assertNotIn(os.getpid(), processes)

    def test_wrong_parameters_are_named(self):
        for parameters, error, words in [
            ({"processes": 0}, ValueError, "at least 1"),
            ({"maxtasksperchild": 0}, ValueError, "positive int"),
            ({"initializer": 5}, TypeError, "callable"),
            ({"mode": "fast"}, ValueError, "threads"),
            ({"timeout": 0}, ValueError, "above 0"),
            ({"retries": -1}, ValueError, "0 or more"),
            ({"retries": True}, TypeError, "whole number, not True"),
            ({"processes": 2.0}, TypeError, "whole number, not 2.0"),
            ({"name": 5}, TypeError, "name is a str"),
            ({"interpreter": 5}, TypeError, "path of a Python"),
            ({"timeout": "5"}, TypeError, "number of seconds"),
            ({"env": {"A": 5}}, TypeError, "env has texts"),
            ({"env": {"A=": "5"}}, ValueError, "has no ="),
        ]:
            with self.subTest(parameters), self.assertRaisesRegex(error, words):
                fanlane.Pool(**parameters)

    def test_after_its_end_it_takes_nothing(self):
        pool = fanlane.Pool(1)
        self.assertRaises(ValueError, pool.join)
        self.assertRaises(NotImplementedError, pickle.dumps, pool)
        self.assertIn("state=RUN pool_size=1", repr(pool))
        result = pool.apply_async(functions.sleep, (600,))
        pool.terminate()
        pool.join()
        for call in (pool.apply, pool.map, pool.imap, pool.starmap_async):
            self.assertRaises(ValueError, call, functions.cube, [1])
        self.assertRaises(fanlane.CallCancelled, result.get, 30)
        with self.assertRaises(ValueError):
            with pool:
                pass

    def test_threads_of_one_interpreter(self):
        with fanlane.Pool(3, mode="threads") as pool:
            self.assertEqual(pool.map(functions.cube, range(20), 1), [n**3 for n in range(20)])
            self.assertEqual(len(set(pool.map(functions.process, range(6), 1))), 1)

    def test_calls_from_several_threads(self):
        with fanlane.Pool(2) as pool:
            values = [None] * 4

            def call(place):
                values[place] = [pool.apply(functions.cube, (n,)) for n in range(place, place + 20)]

            threads = [threading.Thread(target=call, args=(place,)) for place in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(values, [[n**3 for n in range(place, place + 20)] for place in range(4)])


class FunctionsOfScripts(unittest.TestCase):
    def test_a_function_is_pickled_again_when_what_it_refers_to_may_have_changed(self):
        pickled = []
        surroundings = {"__name__": "__main__"}
        exec("def alone(n): return [n ** late for _ in range(2)]\ndef around(n, more=[1]): return n", surroundings)

        def dump(_, function):
            pickled.append(function)
            return b"%d" % len(pickled)

        with mock.patch.object(Functions, "data_of", dump):
            known = Functions()
            alone, around = surroundings["alone"], surroundings["around"]
            self.assertIs(known.add(alone), known.add(alone))
            known.add(around), known.add(around)
            self.assertEqual(pickled, [alone, around, around])
            surroundings["late"] = 3
            known.add(alone)
            alone.__code__ = around.__code__
            known.add(alone)
            self.assertEqual(pickled[3:], [alone, alone])


if __name__ == "__main__":
    unittest.main()
