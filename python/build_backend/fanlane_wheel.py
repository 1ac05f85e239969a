"""Makes the wheel: the package and the program `fanlane` in one file that pip installs.

It is a build backend for pip (`pip install ./python`), which has Cargo build the program, and a command for a program that is
there: `python3 fanlane_wheel.py PROGRAM FOLDER`. A wheel is a zip file whose names and lists are laid down by packaging.python.org;
the standard library is all that is needed, so that a build asks no network for anything but crates.
"""

import base64
import hashlib
import os
import pathlib
import platform
import re
import subprocess
import sys
import time
import zipfile

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
SUMMARY = "Process pools that can be watched, resized and trusted: for Python functions and for commands"
CLASSIFIERS = [
    "Development Status :: 4 - Beta",
    "Environment :: Console",
    "Environment :: X11 Applications",
    "Intended Audience :: Developers",
    "Intended Audience :: Science/Research",
    "Operating System :: POSIX :: Linux",
    "Programming Language :: Python :: 3",
    "Programming Language :: Rust",
    "Topic :: System :: Distributed Computing",
    "Typing :: Typed",
]
LICENSES = ["LICENSE-APACHE", "LICENSE-MIT"]
# A zip file knows no earlier time.
EARLIEST = 315532800


def version():
    """The version of the package, which is that of the program."""
    text = (CHECKOUT / "python/fanlane/_version.py").read_text(encoding="utf-8")
    return re.search(r'__version__ = "(.+)"', text).group(1)


def platform_tag(program):
    """The systems that the program runs on: those with its C library, or a newer one."""
    machine = platform.machine()
    versions = [int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", program)]
    # A program without a C library of its own system runs with any; 17 is the oldest that pip has a name for.
    return f"manylinux_2_{max(versions + [17])}_{machine}" if b"GLIBC_" in program else f"linux_{machine}"


def metadata():
    lines = ["Metadata-Version: 2.4", "Name: fanlane", f"Version: {version()}", f"Summary: {SUMMARY}"]
    lines += [f"Classifier: {classifier}" for classifier in CLASSIFIERS]
    lines += ["License-Expression: MIT OR Apache-2.0"] + [f"License-File: {name}" for name in LICENSES]
    lines += ["License-File: THIRD-PARTY.txt", "Requires-Python: >=3.9", "Keywords: multiprocessing,pool,parallel,joblib"]
    lines += ["Provides-Extra: cloudpickle", 'Requires-Dist: cloudpickle; extra == "cloudpickle"']
    lines += ["Description-Content-Type: text/markdown", ""]
    return "\n".join(lines) + "\n" + (CHECKOUT / "python/README.md").read_text(encoding="utf-8")


def third_party_licenses():
    command = [sys.executable, str(CHECKOUT / "packaging/third_party_licenses.py")]
    return subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.PIPE).stdout


def make(program_path, folder):
    """Writes the wheel of a program into a folder; the same inputs give the same bytes. Returns its name."""
    program = pathlib.Path(program_path).read_bytes()
    name = f"fanlane-{version()}"
    tag = f"py3-none-{platform_tag(program)}"
    info = f"{name}.dist-info"
    files = {
        f"fanlane/{path.name}": path.read_bytes()
        for path in sorted((CHECKOUT / "python/fanlane").iterdir())
        if path.suffix == ".py" or path.name == "py.typed"
    }
    files[f"{name}.data/scripts/fanlane"] = program
    for license_name in LICENSES:
        files[f"{info}/licenses/{license_name}"] = (CHECKOUT / license_name).read_bytes()
    files[f"{info}/licenses/THIRD-PARTY.txt"] = third_party_licenses()
    files[f"{info}/METADATA"] = metadata().encode()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: fanlane\nRoot-Is-Purelib: false\nTag: {tag}\n".encode()
    files[f"{info}/RECORD"] = record(files, f"{info}/RECORD")
    when = time.gmtime(max(int(os.environ.get("SOURCE_DATE_EPOCH") or EARLIEST), EARLIEST))[:6]
    wheel = f"{name}-{tag}.whl"
    with zipfile.ZipFile(os.path.join(folder, wheel), "w", zipfile.ZIP_DEFLATED) as file:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, when)
            entry.external_attr = (0o100755 if path.endswith("/scripts/fanlane") else 0o100644) << 16
            # The level of trials is low, as the program is large then.
            level = int(os.environ.get("FANLANE_WHEEL_LEVEL", "6"))
            file.writestr(entry, content, zipfile.ZIP_DEFLATED, level)
    return wheel


def record(files, own):
    """The list of all files with their sums, which pip checks and removes them by."""
    lines = []
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{path},sha256={digest},{len(content)}")
    return "\n".join(lines + [f"{own},,", ""]).encode()


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """What pip calls: builds the program by Cargo."""
    subprocess.run(["cargo", "build", "--release", "--locked"], cwd=CHECKOUT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", CHECKOUT / "target"))
    return make(target / "release/fanlane", wheel_directory)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(os.path.join(sys.argv[2], make(sys.argv[1], sys.argv[2])))
