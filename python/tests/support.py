"""What the tests share: a deadline for each, folders of its own, and the look at what is left behind."""

import faulthandler
import gc
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import uuid

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DEADLINE_SECS = 120
# A variable that all processes of a test have, and no others.
MARK = "FANLANE_TEST_MARK"


def processes_with(mark):
    """The processes, other than this one, that have the mark among their variables."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/environ", "rb") as variables, open(f"/proc/{name}/cmdline", "rb") as command:
                if f"{MARK}={mark}".encode() in variables.read().split(b"\0"):
                    found.append((int(name), command.read().replace(b"\0", b" ")[:120]))
        except OSError:
            pass
    return found


def wait_until(condition, what):
    """Waits until something is so; fails after the deadline."""
    end = time.monotonic() + DEADLINE_SECS / 2
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not so after {DEADLINE_SECS / 2} s: {what}")
        time.sleep(0.01)


def without_cloudpickle(folder):
    """The variables of a script whose `cloudpickle` cannot be imported."""
    hidden = os.path.join(folder, "hidden")
    os.makedirs(hidden, exist_ok=True)
    with open(os.path.join(hidden, "cloudpickle.py"), "w") as file:
        file.write("raise ImportError('hidden')\n")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([hidden, PACKAGE])}


class Case(unittest.TestCase):
    """A test that ends, in folders of its own, and leaves nothing behind."""

    def setUp(self):
        faulthandler.dump_traceback_later(DEADLINE_SECS, exit=True)
        self.addCleanup(faulthandler.cancel_dump_traceback_later)
        self.folder = tempfile.mkdtemp(prefix="fanlane-python-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.mark = uuid.uuid4().hex
        variables = {
            "FANLANE_DATA_DIR": os.path.join(self.folder, "data"),
            "FANLANE_RUNTIME_DIR": os.path.join(self.folder, "run"),
            "XDG_CONFIG_HOME": os.path.join(self.folder, "config"),
            "PYTHONPATH": PACKAGE,
            MARK: self.mark,
        }
        earlier = dict(os.environ)
        os.environ.pop("FANLANE_NO_HISTORY", None)
        os.environ.update(variables)

        def restore():
            os.environ.clear()
            os.environ.update(earlier)

        self.addCleanup(restore)
        self.descriptors = len(os.listdir("/proc/self/fd"))
        self.addCleanup(self.check_that_nothing_is_left)

    def check_that_nothing_is_left(self):
        gc.collect()
        wait_until(lambda: not processes_with(self.mark), f"no process is left: {processes_with(self.mark)}")
        wait_until(
            lambda: not [thread for thread in threading.enumerate() if thread.name.startswith("fanlane")], "no thread is left"
        )
        wait_until(lambda: len(os.listdir("/proc/self/fd")) <= self.descriptors, "no descriptor is left")

    def run_script(self, text, *arguments, name="script.py", command=None, status=0, **options):
        """Runs a script in the folder of the test; what it prints."""
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run(
            command or [sys.executable, path, *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=DEADLINE_SECS,
            **options,
        )
        self.assertEqual(done.returncode, status, f"{done.stdout}\n{done.stderr}")
        self.said = done.stderr
        return done.stdout
