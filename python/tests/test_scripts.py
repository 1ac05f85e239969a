"""Whole scripts: with and without a guard, without a file, under other programs, and how they end."""

import os
import signal
import subprocess
import sys
import unittest

from support import DEADLINE_SECS, PACKAGE, Case, processes_with, wait_until, without_cloudpickle

try:
    import cloudpickle
except ImportError:
    cloudpickle = None

GUARDED = """
import sys
import fanlane

class Point:
    def __init__(self, x): self.x = x
    def __eq__(self, other): return self.x == other.x

def double(point):
    return Point(point.x * 2)

def arguments(_):
    return sys.argv[1:]

if __name__ == "__main__":
    with fanlane.Pool(2) as pool:
        assert pool.map(double, [Point(n) for n in range(5)]) == [Point(2 * n) for n in range(5)]
        print(pool.apply(arguments, (1,)))
"""

UNGUARDED = """
import fanlane

def double(n):
    return 2 * n

with fanlane.Pool(2) as pool:
    print(pool.map(double, range(4)))
"""

CLOSURES = """
import fanlane

def run():
    factor = 3
    class Local:
        def __init__(self, n): self.n = n
    with fanlane.Pool(2) as pool:
        print(pool.map(lambda n: factor * n, range(4)))
        print([its.n for its in pool.map(lambda n: Local(n), range(3))])
    with fanlane.Executor(2) as executor:
        print(executor.submit(lambda: factor).result())

run()
"""

SLEEPS = """
import fanlane, functions, os, sys
if __name__ == "__main__":
    pool = fanlane.{kind}(2)
    if "{kind}" == "Pool":
        results = [pool.apply_async(functions.touch_and_sleep, (path,)) for path in sys.argv[1:]]
        {then}
    else:
        results = [pool.submit(functions.touch_and_sleep, path) for path in sys.argv[1:]]
        {then}
"""

TESTS = os.path.dirname(os.path.abspath(__file__))


class Scripts(Case):
    def test_names_and_values_that_the_host_could_not_read(self):
        text = (
            "import fanlane\n"
            "if __name__ == '__main__':\n"
            "    with fanlane.Pool(1, name='\\udcff', timeout=float('inf')) as pool: print(pool.apply(abs, (-1,)))\n"
        )
        self.assertEqual(self.run_script(text, name="scr\udcffipt.py"), "1\n")
        text = """import fanlane\nwith fanlane.Pool(1) as pool: print(pool.map(len, ['if __name__ == "__main__":', "__main__"]))"""
        self.assertEqual(self.run_script("", command=[sys.executable, "-c", text]), "[26, 8]\n")

    def test_a_guarded_script_with_and_without_cloudpickle(self):
        for environment in (dict(os.environ), without_cloudpickle(self.folder)):
            self.assertEqual(self.run_script(GUARDED, "-x", "y", env=environment), "['-x', 'y']\n")
        os.mkdir(os.path.join(self.folder, "package"))
        command = [sys.executable, "-m", "package.main", "z"]
        self.assertEqual(
            self.run_script(GUARDED, name="package/main.py", command=command, env=without_cloudpickle(self.folder)), "['z']\n"
        )

    def test_a_script_without_a_guard(self):
        self.run_script(UNGUARDED, env=without_cloudpickle(self.folder), status=1)
        self.assertIn("if __name__ ==", self.said)
        self.assertIn("install cloudpickle", self.said)
        if cloudpickle:
            self.assertEqual(self.run_script(UNGUARDED), "[0, 2, 4, 6]\n")

    def test_lambdas_closures_and_local_classes(self):
        self.run_script(CLOSURES, env=without_cloudpickle(self.folder), status=1)
        self.assertIn("install cloudpickle", self.said)
        if cloudpickle:
            self.assertEqual(self.run_script(CLOSURES), "[0, 3, 6, 9]\n[0, 1, 2]\n3\n")

    @unittest.skipUnless(cloudpickle, "cloudpickle is not installed")
    def test_the_traceback_of_a_function_that_goes_by_value_shows_its_lines(self):
        text = (
            "import fanlane\n"
            "def fail(n):\n"
            "    raise ValueError(n)  # here\n"
            "with fanlane.Pool(1) as pool:\n"
            "    try: pool.apply(fail, (3,))\n"
            "    except ValueError as error: print(error.__cause__)\n"
        )
        said = self.run_script(text)
        self.assertRegex(said, 'File ".*script.py", line 3, in fail\\n    raise ValueError\\(n\\)  # here')

    def test_scripts_without_a_file(self):
        text = "import fanlane\ndef f(n): return n + 1\nwith fanlane.Pool(1) as pool: print(pool.map(f, [1, 2]))\n"
        for command, source in (([sys.executable, "-c", text], None), ([sys.executable, "-"], text)):
            for environment in (without_cloudpickle(self.folder), dict(os.environ)):
                done = subprocess.run(
                    command, input=source, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=DEADLINE_SECS
                )
                if cloudpickle and "hidden" not in environment["PYTHONPATH"]:
                    self.assertEqual(done.stdout, "[2, 3]\n", done.stderr)
                else:
                    self.assertIn("install cloudpickle, or put it into a module", done.stderr)
            builtin = "import fanlane, math\nwith fanlane.Pool(1) as pool: print(pool.map(math.sqrt, [4]))\n"
            done = subprocess.run(
                [sys.executable, "-c", builtin], cwd=self.folder, capture_output=True, text=True, timeout=DEADLINE_SECS
            )
            self.assertEqual(done.stdout, "[2.0]\n", done.stderr)

    def test_a_read_only_temporary_folder(self):
        self.run_script(
            "import fanlane, math\nwith fanlane.Pool(1, history=False) as pool:\n    assert pool.apply(len, (b'x' * 70_000_000,)) == 70_000_000\n",
            env={**os.environ, "TMPDIR": "/proc/nowhere"},
        )


class EndsOfScripts(Case):
    def begin(self, kind, then):
        """A script two of whose calls run."""
        path = os.path.join(self.folder, "sleeps.py")
        with open(path, "w") as file:
            file.write(SLEEPS.format(kind=kind, then=then))
        marks = [os.path.join(self.folder, name) for name in ("one", "two")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([PACKAGE, TESTS])}
        script = subprocess.Popen(
            [sys.executable, path, *marks], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            # As from a terminal, even where the tests were started with it ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip
        self.addCleanup(script.wait)
        self.addCleanup(script.kill)
        for mark in marks:
            wait_until(lambda: os.path.exists(mark) or script.poll() is not None, "the calls have begun")
        return script

    def check_end(self, script, status):
        out, said = script.communicate(timeout=DEADLINE_SECS / 2)
        self.assertEqual(script.returncode, status, said)
        wait_until(lambda: not processes_with(self.mark), "no process is left")
        return said

    def test_a_script_that_is_killed_leaves_nothing(self):
        script = self.begin("Pool", "results[0].get()")
        script.kill()
        self.check_end(script, -signal.SIGKILL)

    def test_ctrl_c_leaves_nothing(self):
        for kind, then in (("Pool", "results[0].get()"), ("Pool", "pool.close(); pool.join()")):
            script = self.begin(kind, then)
            script.send_signal(signal.SIGINT)
            said = self.check_end(script, -signal.SIGINT)
            self.assertIn("KeyboardInterrupt", said)
            for name in ("one", "two"):
                os.unlink(os.path.join(self.folder, name))

    def test_python_ends_with_a_pool_that_is_not_closed(self):
        script = self.begin("Pool", "pass")
        self.check_end(script, 0)

    def test_python_ends_after_the_calls_of_an_executor(self):
        text = (
            "import fanlane, functions\n"
            "if __name__ == '__main__':\n"
            "    executor = fanlane.Executor(1)\n"
            "    for n in range(3): executor.submit(functions.sleep, 0.01).add_done_callback(lambda its: print(its.result()))\n"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([PACKAGE, TESTS])}
        self.assertEqual(self.run_script(text, env=environment), "0.01\n" * 3)

    def test_python_ends_after_the_calls_of_a_map_that_is_not_taken(self):
        text = (
            "import fanlane, functions, itertools, sys\n"
            "if __name__ == '__main__':\n"
            "    executor = fanlane.Executor(2)\n"
            "    paths = (f'{sys.argv[1]}{n}' for n in itertools.count())\n"
            "    %s\n"
        )
        table = {
            "a": ("print(next(it := executor.map(functions.touch, itertools.islice(paths, 500))))", 500),
            "b": ("executor.map(functions.touch, itertools.islice(paths, 500)); del executor", 500),
            "c": ("print(next(it := executor.map(functions.touch, paths, buffersize=5)))", 6),
        }
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([PACKAGE, TESTS])}
        for name, (lines, count) in table.items():
            made = os.path.join(self.folder, name)
            os.mkdir(made)
            with self.subTest(lines):
                self.run_script(text % lines, os.path.join(made, ""), env=environment)
                self.assertEqual(len(os.listdir(made)), count)

    def test_an_executor_takes_no_calls_when_python_ends(self):
        text = (
            "import atexit, fanlane, math\n"
            "if __name__ == '__main__':\n"
            "    executor = fanlane.Executor(1)\n"
            "    print(executor.submit(math.sqrt, 4).result())\n"
            "    def late():\n"
            "        try: executor.submit(math.sqrt, 9)\n"
            "        except RuntimeError as error: print(error)\n"
            "    atexit.register(late)\n"
        )
        self.assertEqual(self.run_script(text), "2.0\ncannot schedule new futures after interpreter shutdown\n")

    def test_objects_of_a_manager_are_arguments(self):
        # Also where multiprocessing is imported after the workers have started.
        text = (
            "import fanlane, functions\n"
            "if __name__ == '__main__':\n"
            "    with fanlane.Pool(1) as pool:\n"
            "        pool.apply(functions.cube, (1,))\n"
            "        import multiprocessing\n"
            "        with multiprocessing.get_context('spawn').Manager() as manager:\n"
            "            shared = manager.dict()\n"
            "            pool.starmap(functions.put, [(shared, n, n ** 2) for n in range(3)])\n"
            "            print(dict(shared))\n"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([PACKAGE, TESTS])}
        self.assertEqual(self.run_script(text, env=environment), "{0: 0, 1: 1, 2: 4}\n")

    def test_a_module_that_fails_in_the_worker_only(self):
        with open(os.path.join(self.folder, "touchy.py"), "w") as file:
            file.write(
                "import sys, os\nprint('imported')\n"
                "if os.environ.get('HERE') != str(os.getpid()): raise RuntimeError('not in a worker')\n"
                "def f(n): return n\n"
            )
        said = self.run_script(
            "import os\nos.environ['HERE'] = str(os.getpid())\nimport fanlane, touchy\n"
            "if __name__ == '__main__':\n"
            "    with fanlane.Pool(1) as pool:\n"
            "        try: pool.apply(touchy.f, (1,))\n"
            "        except Exception as error: print(type(error).__name__, error)\n"
        )
        self.assertIn("not in a worker", said)


if __name__ == "__main__":
    unittest.main()
