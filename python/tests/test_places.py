"""Where scripts run: in a notebook, under pytest, with the package installed from its wheel; and the examples of the package."""

import doctest
import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
import unittest

import fanlane
from support import DEADLINE_SECS, Case

try:
    import ipykernel
    import nbclient
    import nbformat
except ImportError:
    ipykernel = None
try:
    import pytest
except ImportError:
    pytest = None

CELL = """
import fanlane
class Point:
    def __init__(self, n): self.n = n
def double(point): return Point(2 * point.n)
with fanlane.Pool(2) as pool:
    print([its.n for its in pool.map(double, [Point(n) for n in range(4)])])
    print(pool.apply(lambda: [isinstance(double(Point(1)), Point)]))
"""

PYTEST = """
import fanlane, pytest
def cube(n): return n ** 3
@pytest.fixture
def pool():
    with fanlane.Pool(2) as pool: yield pool
def test_pool(pool): assert pool.map(cube, range(4)) == [0, 1, 8, 27]
def test_executor():
    with fanlane.Executor(1) as executor: assert executor.submit(cube, 2).result() == 8
"""


class Places(Case):
    @unittest.skipUnless(ipykernel, "nbclient and ipykernel are not installed")
    def test_a_cell_of_a_notebook(self):
        os.environ["IPYTHONDIR"] = os.path.join(self.folder, "ipython")
        os.environ["JUPYTER_DATA_DIR"] = os.path.join(self.folder, "jupyter")
        kernels = os.path.join(self.folder, "jupyter", "kernels", "this")
        os.makedirs(kernels)
        with open(os.path.join(kernels, "kernel.json"), "w") as file:
            import json

            command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            json.dump({"argv": command, "display_name": "this", "language": "python"}, file)
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
        # In a process of its own, so that nothing of it is left in this one.
        with open(os.path.join(self.folder, "book.ipynb"), "w") as file:
            nbformat.write(book, file)
        said = self.run_script(
            "import nbclient, nbformat\n"
            "book = nbformat.read('book.ipynb', 4)\n"
            "nbclient.NotebookClient(book, timeout=50, kernel_name='this').execute()\n"
            "print(book.cells[0].outputs[0].text)\n"
        )
        self.assertIn("[0, 2, 4, 6]\n[True]", said)

    @unittest.skipUnless(pytest, "pytest is not installed")
    def test_under_pytest(self):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
        self.assertIn("2 passed", self.run_script(PYTEST, name="test_it.py", command=command))


class Examples(Case):
    def test_examples_of_the_package(self):
        tried = 0
        for module in pkgutil.iter_modules(fanlane.__path__):
            its = importlib.import_module(f"fanlane.{module.name}")
            result = doctest.testmod(its, optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
            self.assertEqual(result.failed, 0, module.name)
            tried += result.attempted
        result = doctest.testmod(fanlane)
        self.assertEqual(result.failed, 0)
        self.assertGreater(tried + result.attempted, 12)

    def test_all_that_is_public_has_a_docstring(self):
        for name in fanlane.__all__:
            item = getattr(fanlane, name)
            self.assertTrue(isinstance(item, str) or item.__doc__, name)
            for member, its in vars(item).items() if isinstance(item, type) else ():
                if not member.startswith("_") and callable(its):
                    self.assertTrue(inspect.getdoc(getattr(item, member)), f"{name}.{member}")
        self.assertRaises(AttributeError, getattr, fanlane, "nothing")

    def test_importing_the_package_in_a_call_imports_little(self):
        code = "import sys, fanlane; fanlane.progress; print([m for m in ('multiprocessing', 'socket', 'fanlane._run') if m in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=DEADLINE_SECS)
        self.assertEqual(done.stdout, "[]\n", done.stderr)


if __name__ == "__main__":
    unittest.main()
