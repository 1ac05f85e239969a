"""How calls end badly: each has a plain outcome, the others are done, and nothing is left."""

import concurrent.futures as futures
import gc
import os
import pickle
import signal
import sys
import unittest
import warnings

import fanlane
import functions
from support import Case, wait_until


class Deaths(Case):
    def test_a_killed_worker_fails_its_call_alone(self):
        with fanlane.Pool(2) as pool:
            calls = [pool.apply_async(functions.die, (n,)) for n in range(50)]
            for n, call in enumerate(calls):
                if n == 3:
                    self.assertRaisesRegex(fanlane.WorkerDied, "SIGKILL|signal 9", call.get, 30)
                else:
                    self.assertEqual(call.get(30), n)

    def test_an_item_that_kills_its_worker_fails_alone_in_its_chunk(self):
        with fanlane.Pool(2) as pool:
            for function, at, count in ((functions.die, 3, 10), (functions.die_quickly, 700, 2000)):
                with self.subTest(function.__name__):
                    result = pool.map_async(function, range(count), chunksize=count // 2)
                    outcomes = result.outcomes(30)
                    self.assertIsInstance(outcomes.pop(at), fanlane.WorkerDied)
                    self.assertEqual(outcomes, [n for n in range(count) if n != at])
                    self.assertRaises(fanlane.WorkerDied, result.get)
            values, ends = pool.imap(functions.die, range(8), 4), []
            while len(ends) < 8:
                try:
                    ends.append(next(values))
                except fanlane.WorkerDied:
                    ends.append("died")
            self.assertEqual(ends, [0, 1, 2, "died", 4, 5, 6, 7])

    def test_functions_that_end_their_process_or_raise_what_is_no_exception(self):
        table = {
            "exit": (fanlane.RemoteError, "SystemExit"),
            "os exit": (fanlane.WorkerDied, "4"),
            "interrupt": (fanlane.RemoteError, "KeyboardInterrupt"),
            "base": (fanlane.RemoteError, "all the way"),
            "holding a lock": (fanlane.WorkerDied, "SIGKILL|signal 9"),
            "segfault": (fanlane.WorkerDied, "SIGSEGV|signal 11"),
        }
        with fanlane.Pool(1) as pool:
            for how, (error, words) in table.items():
                with self.subTest(how), self.assertRaisesRegex(error, words):
                    pool.apply_async(functions.exit_with, (how,)).get(30)
            self.assertEqual(pool.apply(functions.exit_with, ("well",)), "well")

    def test_functions_that_do_oddly(self):
        ends = {
            "recursion": RecursionError,
            "deep result": Exception,
            "fork that returns": None,
            "fork that raises": None,
            "thread that stays": None,
            "atexit": None,
            "reads input": None,
            "asks": EOFError,
            "closes output": None,
            "no memory": MemoryError,
            "stop iteration": StopIteration,
            "child process": 0,
            "ignores signals": None,
            "other folder": None,
        }
        for kind in (fanlane.Pool, fanlane.Executor):
            made = os.path.join(self.folder, kind.__name__)
            pool = kind(2, output=False)
            submit = pool.submit if kind is fanlane.Executor else lambda function, *arguments: pool.apply_async(function, arguments)
            calls = [(how, submit(functions.do_oddly, how, made)) for how in ends] + [("well", submit(functions.do_oddly, "well", made))]
            for how, call in calls:
                take, expected = getattr(call, "result", None) or call.get, ends.get(how)
                with self.subTest(f"{kind.__name__}: {how}"):
                    if isinstance(expected, type):
                        self.assertRaises(expected, take, 60)
                    else:
                        self.assertEqual(take(60), how if expected is None else expected)
            pool.shutdown() if kind is fanlane.Executor else (pool.close(), pool.join())
            self.assertTrue(os.path.exists(made), "what is registered for the end of an interpreter is done")

    def test_a_function_that_raises_stop_iteration_ends_no_map(self):
        with fanlane.Pool(1) as pool:
            for chunksize in (1, 3, 8):
                outcomes = pool.map_async(functions.stop_at, range(8), chunksize).outcomes(30)
                self.assertEqual([n for n in outcomes if type(n) is int and n != 3], [n for n in range(8) if n // chunksize != 3 // chunksize])
                values, ends = pool.imap(functions.stop_at, range(8), chunksize), []
                while True:
                    try:
                        ends.append(next(values))
                    except RuntimeError as error:
                        ends.append(str(error))
                    except StopIteration:
                        break
                self.assertEqual(len([end for end in ends if type(end) is str and "StopIteration" in end]), 1)

    def test_retries(self):
        with fanlane.Pool(1, retries=1) as pool:
            for function in (functions.die_once, functions.fail_once):
                path = os.path.join(self.folder, function.__name__)
                self.assertEqual(pool.apply_async(function, (path,)).get(30), "second")
            with self.assertRaisesRegex(ValueError, "no 3s, please"):
                pool.apply(functions.fail, (3,))
            self.assertRaises(fanlane.WorkerDied, pool.apply, functions.die)

    def test_a_timeout_ends_a_call_that_hears_no_signal(self):
        with fanlane.Pool(2, timeout=0.3, output=False) as pool:
            ways = functions.endless, functions.speak_without_end
            results = [pool.apply_async(function, (1,)) for function in ways] + [pool.apply_async(functions.sleep, (600,))]
            for result in results:
                self.assertRaises(fanlane.CallTimeout, result.get, 40)
            self.assertEqual(pool.map(functions.cube, range(5)), [0, 1, 8, 27, 64])

    def test_a_host_that_is_killed_fails_all_calls(self):
        pool = fanlane.Pool(2)
        result = pool.apply_async(functions.sleep, (600,))
        os.kill(pool._run.info["pid"], signal.SIGKILL)
        with self.assertRaisesRegex(fanlane.WorkerDied, "has ended with -9"):
            result.get(30)
        self.assertRaisesRegex(ValueError, "has ended with -9", pool.apply, functions.cube, (1,))
        pool.terminate()

    def test_a_fork_in_a_call_answers_once(self):
        with fanlane.Pool(1) as pool:
            self.assertEqual(pool.map(functions.forks, range(4), 1), [0, 1, 2, 3])


class Late(Case):
    """Calls that are done while a call behind them, sent to the same interpreter with them, goes on."""

    def items(self, how):
        """Quick calls, which go many together, with one in their midst that goes on until `let_go`."""
        path = os.path.join(self.folder, how)
        if how == "holds the global lock":
            os.mkfifo(path)
        return [*range(4, 300), (how, path), *range(300, 340), 3]

    def let_go(self, items):
        # Without O_CREAT, a pipe that nothing reads is an error and no wait.
        _, path = items[296]
        os.close(os.open(path, os.O_WRONLY | (0 if os.path.exists(path) else os.O_CREAT)))
        return path

    def test_results_and_exceptions_do_not_wait_for_a_call_behind_them(self):
        for mode, how in [("pool", "sleeps"), ("pool", "prints"), ("pool", "holds the global lock"), ("threads", "sleeps"), ("threads", "prints")]:
            with self.subTest(mode + ", " + how), fanlane.Pool(2, mode=mode, output=False) as pool:
                items = self.items(how)
                results = [pool.apply_async(functions.pass_or_wait, (item,)) for item in items]
                for item, result in zip(items, results):
                    if item == 3:
                        self.assertRaisesRegex(ValueError, "no 3s, please", result.get, 60)
                    elif type(item) is int:
                        self.assertEqual(result.get(60), item)
                self.assertFalse(results[296].ready())
                path = self.let_go(items)
                self.assertEqual(results[296].get(60), path)
                os.unlink(path)

    def test_iterators_and_futures_do_not_wait_for_a_call_behind_them(self):
        items = [item for item in self.items("sleeps") if item != 3]
        numbers = [item for item in items if type(item) is int]
        with fanlane.Pool(2) as pool:
            values = pool.imap_unordered(functions.pass_or_wait, items)
            self.assertEqual(sorted(values.next(60) for _ in numbers), numbers)
            path = self.let_go(items)
            self.assertEqual(values.next(60), path)
        os.unlink(path)
        with fanlane.Executor(2) as executor:
            calls = futures.as_completed([executor.submit(functions.pass_or_wait, item) for item in items], 60)
            self.assertEqual(sorted(next(calls).result() for _ in numbers), numbers)
            self.let_go(items)
            self.assertEqual(next(calls).result(), path)


class Values(Case):
    def test_what_cannot_be_pickled_fails_its_call_with_words(self):
        with fanlane.Pool(1) as pool:
            with self.assertRaisesRegex(Exception, "lock") as raised:
                pool.apply(functions.lock_of, (1,))
            self.assertEqual(type(raised.exception).__name__, "MaybeEncodingError")
            with self.assertRaisesRegex(pickle.PicklingError, r"arguments of identity\(<lock>\) cannot be sent.*lock"):
                pool.apply(functions.identity, (functions.lock_of(1),))
            mixed = pool.imap(functions.identity, [1, functions.lock_of(1), 3])
            self.assertEqual(next(mixed), 1)
            self.assertRaises(pickle.PicklingError, next, mixed)
            self.assertEqual(next(mixed), 3)
            self.assertRaises(pickle.PicklingError, pool.map, functions.identity, [1, functions.lock_of(1)])
            self.assertEqual(pool.apply(functions.cube, (2,)), 8)
        with fanlane.Executor(1) as executor:
            self.assertIsInstance(executor.submit(functions.identity, functions.lock_of(1)).exception(), pickle.PicklingError)

    def test_an_exception_that_cannot_be_made_again_keeps_its_words(self):
        with fanlane.Pool(1) as pool:
            with self.assertRaisesRegex(fanlane.RemoteError, "picky words") as raised:
                pool.apply(functions.raise_picky, (1,))
            self.assertIn("Picky", raised.exception.type_name)
            self.assertIn("functions.py", raised.exception.traceback)
            again = pickle.loads(pickle.dumps(raised.exception))
            self.assertEqual(str(again), str(raised.exception))

    def test_what_calls_print_is_printed_by_the_script(self):
        said = self.run_script(
            "import fanlane, functions\n"
            "if __name__ == '__main__':\n"
            "    with fanlane.Pool(2) as pool:\n"
            "        pool.map(functions.speak, ['a line', 'another'])\n"
            "        pool.apply(functions.mutter, ('no end',))\n",
            env={**os.environ, "PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], os.path.dirname(functions.__file__)])},
        )
        self.assertEqual(sorted(said.split("\n")), ["a line", "another", "no end"])
        self.assertEqual(sorted(self.said.split("\n")), ["", "A LINE", "ANOTHER"])

    def test_what_calls_print_past_the_streams_of_python_is_printed_by_the_script_too(self):
        path = os.pathsep.join([os.environ["PYTHONPATH"], os.path.dirname(functions.__file__)])
        lines = [f"a line by {way}" for way in functions.WAYS]
        # Threads print past the streams of Python at any time, also after the result of their call.
        then = r"sys.stdout.write(f'then {way}\n')"
        for mode in ("pool", "threads"):
            with self.subTest(mode):
                said = self.run_script(
                    "import fanlane, functions, sys\n"
                    "if __name__ == '__main__':\n"
                    f"    with fanlane.Pool(1, mode={mode!r}) as pool:\n"
                    "        for way in functions.WAYS:\n"
                    "            pool.apply(functions.speak_by, (way,))\n"
                    f"            {'pass' if mode == 'threads' else then}\n"
                    "        pool.map(functions.speak_by, functions.WAYS * 10, chunksize=1)\n"
                    "        pool.close()\n"
                    "        pool.join()\n",
                    env={**os.environ, "PYTHONPATH": path},
                ).splitlines()
                if mode == "pool":
                    self.assertEqual(said[:10], [line for way in functions.WAYS for line in (f"a line by {way}", f"then {way}")])
                self.assertEqual(sorted(line for line in said if "then" not in line), sorted(lines * 11))
                self.assertEqual(self.said, "a line by descriptor\n" * 11)

    def test_exceptions_keep_their_large_buffers(self):
        with fanlane.Pool(1) as pool, self.assertRaises(ValueError) as raised:
            pool.apply(functions.raise_with, (functions.Block(b"x" * 100_000),))
        self.assertEqual(raised.exception.args[0].data, b"x" * 100_000)


class Starts(Case):
    def test_initializers_that_fail(self):
        for how, words in (("raises", "no settings here"), ("exits", "SystemExit"), ("dies", "SIGSEGV|signal 11")):
            with self.subTest(how), fanlane.Pool(1, functions.initializer_that, (how,)) as pool:
                results = [pool.apply_async(functions.cube, (n,)) for n in range(3)]
                for result in results:
                    with self.assertRaisesRegex(fanlane.FanlaneError, words):
                        result.get(40)

    def test_a_missing_or_wrong_program_is_named(self):
        def program_that(name, text, interpreter="/bin/sh"):
            path = os.path.join(self.folder, name)
            with open(path, "w") as file:
                file.write(f"#!{interpreter}\n{text}\n")
            os.chmod(path, 0o755)
            return path

        stranger = program_that("stranger", "echo nothing to see")
        old = program_that("old", "echo fanlane 0.0.1")
        speaks = (
            "import socket, sys\n"
            "if sys.argv[1] == '--version': sys.exit(print('fanlane 9.9.9'))\n"
            "control, body = socket.socket(fileno=0), b'%s'\n"
            "control.sendall(b'%s' + len(body).to_bytes(4, 'little') + body)\n"
            "while control.recv(65536): pass\n"
        )
        begins = program_that("begins", speaks % ('{"version": "9.9.9", "pid": 1}', "I"), sys.executable)
        refuses = program_that("refuses", speaks % ("what is a pool?", "F"), sys.executable)
        program = os.environ.get("FANLANE")
        try:
            for path, words in (
                ("/no/such/fanlane", "which the variable FANLANE names"),
                (stranger, "is no Fanlane"),
                (old, "old is Fanlane 0.0.1, and the package in .*fanlane needs [0-9.]+: install both from one wheel"),
                (begins, "begins is Fanlane 9.9.9, and the package in"),
                (refuses, "refuses is Fanlane 9.9.9, and the package in"),
            ):
                os.environ["FANLANE"] = path
                with self.subTest(path), self.assertRaisesRegex(fanlane.CannotStart, words):
                    fanlane.Pool(1)
        finally:
            os.environ.pop("FANLANE") if program is None else os.environ.update(FANLANE=program)


class Inside(Case):
    def test_a_call_knows_its_task(self):
        with fanlane.Pool(1, output=False) as pool:
            self.assertEqual(pool.map(functions.task_of, range(2), 1), [(1, 1, 1), (2, 1, 1)])
        self.assertIsNone(fanlane.task())

    def test_a_call_makes_a_pool_of_its_own(self):
        with fanlane.Pool(1) as pool:
            for function in (functions.nested, functions.other_pool):
                self.assertEqual(pool.apply_async(function, (4,)).get(50), [0, 1, 8, 27])

    def test_numerical_libraries_share_the_cores(self):
        os.environ.pop("OMP_NUM_THREADS", None)
        with fanlane.Pool(8) as pool:
            threads = pool.apply(functions.environment, ("OMP_NUM_THREADS",))
            self.assertLessEqual(int(threads) * 8, max(8, os.cpu_count()))

    def test_variables_for_the_workers(self):
        with fanlane.Pool(1, env={"OMP_NUM_THREADS": "3"}) as pool:
            self.assertEqual(pool.apply(functions.environment, ("OMP_NUM_THREADS",)), "3")


class Drops(Case):
    def test_a_pool_that_is_dropped_ends(self):
        pool = fanlane.Pool(1)
        pool.apply(functions.cube, (1,))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            del pool
            gc.collect()
        self.assertEqual([its.category for its in told], [ResourceWarning])
        # That nothing is left is seen at the end of the test.

    def test_an_iterator_that_is_dropped_stops_reading(self):
        with fanlane.Pool(1) as pool:
            read = []
            values = pool.imap(functions.identity, (read.append(n) or n for n in range(10**9)))
            next(values)
            del values
            gc.collect()
            count = len(read)
            pool.apply(functions.cube, (1,))
            wait_until(lambda: not pool._run.feeders, "nothing is fed")
            self.assertLess(len(read), count + 20_000)

    def test_a_fork_of_the_script_cannot_use_the_pool_and_does_not_keep_it(self):
        with fanlane.Pool(1) as pool:
            pool.apply(functions.cube, (1,))
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                try:
                    pool.apply(functions.cube, (1,))
                except BaseException as error:
                    os.write(writer, repr(error).encode())
                os._exit(0)
            os.waitpid(child, 0)
            os.close(writer)
            said = os.read(reader, 1000).decode()
            os.close(reader)
            self.assertIn("forked from", said)
            self.assertEqual(pool.apply(functions.cube, (2,)), 8)

    def test_a_large_result_is_not_shared_with_a_fork_and_keeps_no_descriptor(self):
        with fanlane.Pool(1) as pool:
            pool.apply(functions.cube, (1,))
            before = len(os.listdir("/proc/self/fd"))
            results = [pool.apply(functions.array_of, (size,)) for size in (100_000, 100_000, 9_000_000)]
            self.assertLessEqual(len(os.listdir("/proc/self/fd")), before + 1)
            child = os.fork()
            if child == 0:
                for result in results:
                    memoryview(result.data)[:] = b"y" * len(memoryview(result.data))
                os._exit(0)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            self.assertEqual([bytes(memoryview(result.data)[:3]) for result in results], [b"xxx"] * 3)
            del results

    def test_a_fork_after_the_end_of_a_pool_closes_nothing_of_others(self):
        pool = fanlane.Pool(1)
        pool.terminate()
        # They take the numbers that the pool had.
        files = [os.open(os.devnull, os.O_RDONLY) for _ in range(20)]
        child = os.fork()
        if child == 0:
            try:
                for file in files:
                    os.fstat(file)
                os._exit(0)
            except OSError:
                os._exit(1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        for file in files:
            os.close(file)

    def test_cancel_racing_completion_has_one_end(self):
        with fanlane.Executor(2) as executor:
            for _ in range(100):
                future = executor.submit(functions.cube, 3)
                if not future.cancel():
                    self.assertEqual(future.result(30), 27)
                else:
                    self.assertRaises(futures.CancelledError, future.result, 30)
            self.assertEqual(executor.submit(functions.cube, 4).result(30), 64)


if __name__ == "__main__":
    unittest.main()
