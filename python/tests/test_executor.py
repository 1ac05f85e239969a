"""`Executor` beside `concurrent.futures.ProcessPoolExecutor`."""

import asyncio
import concurrent.futures as futures
import contextlib
import gc
import io
import itertools
import multiprocessing
import os
import threading
import unittest
import weakref

import fanlane
import functions
from support import Case, wait_until


class Interface(Case):
    def test_gives_what_a_process_pool_executor_gives(self):
        asked = [
            lambda executor: executor.submit(functions.add, 1, b=2, scale=3).result(),
            lambda executor: list(executor.map(functions.cube, range(30))),
            lambda executor: list(executor.map(functions.add, range(10), range(5, 15), chunksize=3)),
            lambda executor: list(executor.map(functions.add, range(10), itertools.repeat(2, 4))),
            lambda executor: list(executor.map(functions.cube, [])),
            lambda executor: sorted(f.result() for f in futures.as_completed([executor.submit(functions.cube, n) for n in range(9)])),
            lambda executor: len(futures.wait([executor.submit(functions.cube, n) for n in range(5)]).done),
        ]
        # The fork server, which newer Pythons take, stays until the end of the script.
        with fanlane.Executor(2) as ours, futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as theirs:
            for number, ask in enumerate(asked):
                with self.subTest(number):
                    self.assertEqual(ask(ours), ask(theirs))

    def test_futures_are_those_of_the_standard_library(self):
        with fanlane.Executor(1) as executor:
            future = executor.submit(functions.fail, 3)
            self.assertIsInstance(future, futures.Future)
            self.assertIsInstance(executor, futures.Executor)
            self.assertIsInstance(future.exception(), ValueError)
            self.assertIsInstance(future.exception().__cause__, fanlane.RemoteTraceback)
            called = []
            done = executor.submit(functions.cube, 2)
            done.add_done_callback(lambda its: called.append(its.result()))
            self.assertEqual(done.result(), 8)
            wait_until(lambda: called == [8], "the callback was called")
            self.assertRaises(ValueError, list, executor.map(functions.fail, range(9)))
            self.assertRaises(ValueError, executor.map, functions.fail, [1], chunksize=0)
            self.assertRaises(ValueError, executor.map, functions.fail, [1], buffersize=0)
            self.assertRaises(TypeError, executor.map, functions.fail, [1], buffersize=1.5)

    def test_asyncio_runs_in_it(self):
        async def all_of_them():
            loop = asyncio.get_running_loop()
            with fanlane.Executor(2) as executor:
                calls = [loop.run_in_executor(executor, functions.cube, n) for n in range(5)]
                values = await asyncio.gather(*calls)
                begun = os.path.join(self.folder, "begun")
                sleeping = loop.run_in_executor(executor, functions.touch_and_sleep, begun)
                while not os.path.exists(begun):
                    await asyncio.sleep(0.01)
                sleeping.cancel()
                try:
                    await sleeping
                except asyncio.CancelledError:
                    values.append("cancelled")
                # The loop hands the cancellation on before the executor's end holds the loop up.
                await asyncio.sleep(0)
            return values

        self.assertEqual(asyncio.run(all_of_them()), [0, 1, 8, 27, 64, "cancelled"])

    def test_a_map_reads_its_inputs_at_once_and_in_the_calling_thread(self):
        def inputs():
            yield from range(5)
            threads.append(threading.get_ident())
            raise KeyError("input")

        threads = []
        with fanlane.Executor(2) as executor:
            for chunksize in (1, 7):
                items = list(range(1000))
                values = executor.map(functions.identity, items, chunksize=chunksize)
                items.clear()
                self.assertEqual(list(values), list(range(1000)))
                self.assertRaises(KeyError, executor.map, functions.identity, inputs(), chunksize=chunksize)
                self.assertRaises(KeyError, executor.map, functions.identity, inputs(), chunksize=chunksize, buffersize=10)
            self.assertRaises(KeyError, list, executor.map(functions.identity, inputs(), buffersize=1))
        self.assertEqual(set(threads), {threading.get_ident()})

    def test_a_map_with_a_buffersize_reads_a_call_further_with_each_that_is_taken(self):
        with fanlane.Executor(2) as executor:
            for chunksize, after in ((1, 5), (2, 8)):
                read = []
                values = executor.map(functions.identity, map(read.append, itertools.count()), buffersize=3, chunksize=chunksize)
                self.assertEqual(len(read), 3 * chunksize)
                next(values), next(values)
                self.assertEqual(len(read), after)
            values = executor.map(functions.add, itertools.count(), range(7), buffersize=3)
            self.assertEqual(list(values), [0, 2, 4, 6, 8, 10, 12])
            values = executor.map(functions.identity, itertools.count(), buffersize=3)
            self.assertEqual(next(values), 0)
        # It does not keep the executor from its end, and has what was submitted by then.
        self.assertRaisesRegex(RuntimeError, "after shutdown", next, values)
        executor = fanlane.Executor(1)
        values = executor.map(functions.identity, itertools.count(), buffersize=3)
        del executor
        gc.collect()
        self.assertEqual(list(values), [0, 1, 2])

    def test_a_value_of_a_map_is_kept_by_the_one_who_takes_it_alone(self):
        with fanlane.Executor(1) as executor:
            for chunksize in (1, 3):
                for value in executor.map(functions.block_of, range(6), chunksize=chunksize):
                    its = weakref.ref(value)
                    del value
                    gc.collect()
                    self.assertIsNone(its())

    def test_a_map_has_its_timeout(self):
        with fanlane.Executor(1) as executor:
            begun = os.path.join(self.folder, "begun")
            self.assertRaises(Exception, list, executor.map(functions.touch_and_sleep, [begun], timeout=0.05))
            try:
                list(executor.map(functions.touch_and_sleep, [begun], timeout=0.05))
            except Exception as error:
                self.assertIsInstance(error, (TimeoutError, futures.TimeoutError))
            executor.shutdown(wait=False, cancel_futures=True)
            executor.terminate_workers()


class Ends(Case):
    def test_cancel_ends_a_running_call(self):
        with fanlane.Executor(1) as executor:
            begun = os.path.join(self.folder, "begun")
            future = executor.submit(functions.touch_and_sleep, begun)
            queued = executor.submit(functions.cube, 1)
            wait_until(lambda: os.path.exists(begun), "the call has begun")
            wait_until(future.running, "it says so")
            self.assertFalse(queued.running())
            self.assertTrue(future.cancel() and future.cancelled())
            self.assertEqual(futures.wait([future], timeout=30).not_done, set())
            self.assertRaises(futures.CancelledError, future.result)
            self.assertEqual(queued.result(30), 1)
            self.assertFalse(queued.cancel())

    def test_a_worker_that_dies_fails_its_call_alone(self):
        with fanlane.Executor(2) as executor:
            calls = [executor.submit(functions.die, n) for n in range(20)]
            ends = [call.exception() for call in calls]
            self.assertIsInstance(ends[3], fanlane.WorkerDied)
            self.assertIsInstance(ends[3], futures.BrokenExecutor)
            self.assertEqual([end for end in ends if end is not None], [ends[3]])
            self.assertEqual([calls[n].result() for n in range(20) if n != 3], [n for n in range(20) if n != 3])
            self.assertEqual(executor.submit(functions.cube, 2).result(), 8)

    def test_shutdown_does_what_is_queued_or_cancels_it(self):
        executor = fanlane.Executor(1)
        calls = [executor.submit(functions.sleep, 0.001) for _ in range(30)]
        executor.shutdown()
        self.assertTrue(all(call.done() and not call.cancelled() for call in calls))
        self.assertRaises(RuntimeError, executor.submit, functions.cube, 1)
        executor = fanlane.Executor(1)
        go = os.path.join(self.folder, "go")
        calls = [executor.submit(functions.wait_for_file, go)] + [executor.submit(functions.cube, n) for n in range(20)]
        wait_until(calls[0].running, "the first call runs")
        executor.shutdown(wait=False, cancel_futures=True)
        self.assertTrue(all(call.cancelled() for call in calls[1:]))
        open(go, "w").close()
        self.assertEqual(calls[0].result(30), go)
        executor.shutdown()

    def test_shutdown_cancels_what_has_not_begun_of_a_map(self):
        for count in (10, 50_000):
            go = os.path.join(self.folder, f"go{count}")
            executor = fanlane.Executor(1)
            values = executor.map(functions.wait_for_file, [go] * count)
            wait_until(lambda: executor._run.calls.has_begun(1), "the first call runs")
            executor.shutdown(wait=False, cancel_futures=True)
            run = executor._run
            wait_until(lambda: not run.feeders and len(run.calls.entries) == 1, "the others are cancelled")
            open(go, "w").close()
            executor.shutdown()
            self.assertEqual(next(values), go)
            self.assertRaises(futures.CancelledError, list, values)
            self.assertEqual(executor.progress().done, 1)

    def test_calls_that_are_cancelled_while_their_interpreter_starts_leave_it_usable(self):
        begun, go = (os.path.join(self.folder, name) for name in ("begun", "go"))
        with fanlane.Executor(1, initializer=functions.start_slowly, initargs=(begun, go)) as executor:
            for count in range(1, 6):
                call = executor.submit(functions.cube, count)
                wait_until(lambda: os.path.exists(begun) and os.path.getsize(begun) >= count, "an interpreter starts")
                self.assertTrue(call.cancel())
            call = executor.submit(functions.cube, 2)
            open(go, "w").close()
            self.assertEqual(call.result(60), 8)

    def test_a_call_whose_interpreter_is_killed_while_it_starts_gets_another(self):
        begun = os.path.join(self.folder, "begun")
        with fanlane.Executor(1, initializer=functions.die_at_first, initargs=(begun, 2)) as executor:
            self.assertEqual(executor.submit(functions.cube, 2).result(60), 8)
        self.assertEqual(os.path.getsize(begun), 3)

    def test_a_future_whose_lock_an_interrupt_has_left_held_keeps_no_other_waiting(self):
        go = os.path.join(self.folder, "go")
        with fanlane.Executor(1) as executor:
            locked, other = executor.submit(functions.wait_for_file, go), executor.submit(functions.cube, 2)
            locked._condition.acquire()
            open(go, "w").close()
            self.assertEqual(other.result(60), 8)
            # While it waits for its value the thread gives the lock back.
            self.assertEqual(locked.result(60), go)
            locked._condition.release()

    def test_a_wait_that_an_interrupt_has_left_locked_keeps_no_call_waiting(self):
        with fanlane.Executor(1) as executor:
            for name in ("event", "lock"):
                go = os.path.join(self.folder, name)
                call = executor.submit(functions.wait_for_file, go)
                given_up = futures._base._AllCompletedWaiter(1, stop_on_exception=False)
                (given_up.event._cond if name == "event" else given_up.lock).acquire()
                call._waiters.append(given_up)
                open(go, "w").close()
                self.assertEqual(executor.submit(functions.cube, 2).result(60), 8)
                self.assertEqual(call.result(60), go)

    def test_a_fork_while_another_thread_starts_it_can_use_it(self):
        with fanlane.Executor(1) as executor:
            with executor._starting:
                child = os.fork()
                if child == 0:
                    code = 1
                    try:
                        code = 0 if executor.submit(functions.cube, 2).result(60) == 8 else 2
                        executor.shutdown()
                    finally:
                        os._exit(code)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
            self.assertEqual(executor.submit(functions.cube, 3).result(60), 27)

    def test_a_callback_that_exits_ends_no_other_call(self):
        def leave(_):
            raise SystemExit(4)

        go = os.path.join(self.folder, "go")
        with fanlane.Executor(1) as executor:
            call = executor.submit(functions.wait_for_file, go)
            call.add_done_callback(leave)
            shown = io.StringIO()
            with contextlib.redirect_stderr(shown):
                open(go, "w").close()
                self.assertEqual(call.result(60), go)
                self.assertEqual(executor.submit(functions.cube, 2).result(60), 8)
            self.assertIn("SystemExit: 4", shown.getvalue())

    def test_a_fork_does_not_wait_for_what_it_never_hears_of(self):
        go = os.path.join(self.folder, "go")
        with fanlane.Executor(1) as executor, fanlane.Pool(1) as pool:
            known, got = executor.submit(functions.cube, 2), pool.apply_async(functions.cube, (3,))
            self.assertEqual((known.result(60), got.get(60)), (8, 27))
            pending, later = executor.submit(functions.wait_for_file, go), pool.apply_async(functions.wait_for_file, (go,))
            more = pool.imap(functions.wait_for_file, [go])
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    for ask in (pending.result, pending.exception, later.get, more.next):
                        self.assertRaisesRegex(RuntimeError, "forked", ask)
                    self.assertEqual((known.result(), got.get()), (8, 27))
                    code = 0
                finally:
                    os._exit(code)
            self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)
            open(go, "w").close()
            self.assertEqual((pending.result(60), later.get(60), next(more)), (go, go, go))

    def test_one_that_is_never_used_starts_nothing(self):
        with fanlane.Executor(4) as executor:
            self.assertEqual(executor.progress(), (0, 0, 0))
            self.assertIsNone(executor.run_number)
        fanlane.Executor().shutdown()

    def test_one_that_is_dropped_does_its_calls(self):
        executor = fanlane.Executor(1)
        calls = [executor.submit(functions.sleep, 0.001) for _ in range(20)]
        del executor
        self.assertEqual([call.result(30) for call in calls], [0.001] * 20)

    def test_wrong_parameters_are_named(self):
        for parameters, error in [
            ({"max_workers": 0}, ValueError),
            ({"max_tasks_per_child": 0}, ValueError),
            ({"max_tasks_per_child": 1.5}, TypeError),
            ({"initializer": 5}, TypeError),
        ]:
            with self.subTest(parameters), self.assertRaises(error):
                fanlane.Executor(**parameters)


if __name__ == "__main__":
    unittest.main()
