"""The wheel: made of the program that is there, installed into a clean environment, used, and removed again."""

import os
import subprocess
import sys
import unittest

from support import DEADLINE_SECS, PACKAGE, Case


def has_venv():
    """Whether this Python can make an environment with pip in it; Debian's needs the package python3-venv."""
    return subprocess.run([sys.executable, "-c", "import ensurepip, venv"], stderr=subprocess.DEVNULL).returncode == 0


def files(folder):
    """All files below a folder but the bytecode that Python makes of them."""
    return sorted(
        os.path.join(path, name) for path, _, names in os.walk(folder) for name in names if "__pycache__" not in path
    )


@unittest.skipUnless(has_venv() and os.environ.get("FANLANE"), "venv or the program of the variable FANLANE is missing")
class Wheel(Case):
    def run_in(self, *command, **options):
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=DEADLINE_SECS, **options)
        self.assertEqual(done.returncode, 0, f"{command}: {done.stdout}{done.stderr}")
        return done.stdout

    def test_install_use_and_remove(self):
        maker = os.path.join(PACKAGE, "build_backend", "fanlane_wheel.py")
        made = self.run_in(sys.executable, maker, os.environ["FANLANE"], self.folder, env={**os.environ, "FANLANE_WHEEL_LEVEL": "0"})
        wheel = os.path.basename(made.strip())
        self.assertRegex(wheel, r"^fanlane-[0-9.]+-py3-none-manylinux_2_[0-9]+_[a-z0-9_]+\.whl$")
        place = os.path.join(self.folder, "clean")
        self.run_in(sys.executable, "-m", "venv", place)
        before = files(place)
        environment = {
            name: value for name, value in os.environ.items() if name not in ("FANLANE", "PYTHONPATH", "PYTHONHOME")
        }
        environment["PATH"] = "/usr/bin:/bin"
        pip = [os.path.join(place, "bin", "python"), "-m", "pip", "--no-cache-dir", "--disable-pip-version-check"]
        self.run_in(*pip, "install", "--no-index", wheel, env=environment)
        version = self.run_in(os.path.join(place, "bin", "fanlane"), "--version", env=environment)
        self.assertEqual(version.split(), ["fanlane", wheel.split("-")[1]])
        said = self.run_in(
            os.path.join(place, "bin", "python"),
            "-c",
            "import fanlane, math\n"
            "with fanlane.Pool(2) as pool: print(pool.map(math.sqrt, [1, 4, 9]))\n"
            "import importlib.metadata as its\n"
            "print(sorted(path.name for path in its.files('fanlane') if 'licenses' in str(path)))",
            env=environment,
        )
        self.assertEqual(said, "[1.0, 2.0, 3.0]\n['LICENSE-APACHE', 'LICENSE-MIT', 'THIRD-PARTY.txt']\n")
        self.run_in(*pip, "uninstall", "--yes", "fanlane", env=environment)
        self.assertEqual(files(place), before)


if __name__ == "__main__":
    unittest.main()
