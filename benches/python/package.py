"""The pool of the package beside multiprocessing's and joblib's, measured in turns within one run: quote the ratios.

    FANLANE=target/release/fanlane PYTHONPATH=python python3 benches/python/package.py [ROUNDS]

Arrays need NumPy, and the comparison with memory mapping joblib; what is not installed is said and left out.
"""

import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import time

import fanlane

WORKERS = 2
ARRAY_BYTES = 16 << 20
CALLS = 1_000_000
SINGLE_CALLS = 20_000
APPLIED_CALLS = 1_000


def cube(n):
    return n**3


def array(n):
    import numpy

    return numpy.full(ARRAY_BYTES // 8, n, dtype="f8")


def die(n):
    os.kill(os.getpid(), signal.SIGKILL)


def measured(action, *arguments):
    begin = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - begin


def apply_one_by_one(pool):
    for n in range(APPLIED_CALLS):
        pool.apply(cube, (n,))


def take_unordered(pool):
    assert sum(pool.imap_unordered(cube, range(SINGLE_CALLS))) == sum(range(SINGLE_CALLS)) ** 2


def map_all(pool):
    assert pool.map(cube, range(CALLS))[-1] == (CALLS - 1) ** 3


def make_arrays(pool):
    for made in pool.imap_unordered(array, range(8)):
        assert made.nbytes == ARRAY_BYTES


def whole_pool(kind):
    """From nothing to the first result and gone."""
    program = {
        "fanlane": "import fanlane, functools; make = fanlane.Pool",
        "multiprocessing": "import multiprocessing, functools; make = multiprocessing.get_context('spawn').Pool",
        "interpreters": "import subprocess, sys; [child.wait() for child in [subprocess.Popen([sys.executable, '-c', '']) for _ in (0, 1)]]",
    }[kind]
    if kind != "interpreters":
        program += "\nif __name__ == '__main__':\n    with make(2) as pool: pool.apply(divmod, (7, 2))"
    subprocess.run([sys.executable, "-c", program], check=True)


def compare(words, ours, theirs, rounds, name="multiprocessing"):
    """Prints the medians of both, and the median of their ratios."""
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    own, other = (statistics.median(times) for times in zip(*pairs))
    ratio = statistics.median(theirs / ours for ours, theirs in pairs)
    print(f"{words}: {own * 1e3:.3f} ms, {name} {other * 1e3:.3f} ms; {ratio:.2f} times its speed", flush=True)


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    work = [("1e6 cubes by map", map_all), ("20,000 by imap_unordered", take_unordered), ("1,000 by apply", apply_one_by_one)]
    try:
        import numpy  # noqa: F401

        work.append(("8 results of 16 MB", make_arrays))
    except ImportError:
        print("NumPy is not installed: no arrays are compared")
    with fanlane.Pool(WORKERS) as ours, multiprocessing.get_context("spawn").Pool(WORKERS) as theirs:
        for words, action in work:
            for pool in (ours, theirs):
                action(pool)
            compare(words, lambda: measured(action, ours), lambda: measured(action, theirs), rounds)
        if len(work) == 4:
            compare_with_joblib(ours, rounds)
        times = []
        for _ in range(rounds):
            others = ours.map_async(cube, range(1000), chunksize=1)
            begin = time.perf_counter()
            try:
                ours.apply(die, (1,))
            except fanlane.WorkerDied:
                times.append(time.perf_counter() - begin)
            assert len(others.get(60)) == 1000
        print(f"a killed worker: its call has failed after {statistics.median(times) * 1e3:.1f} ms, 1,000 others are done")
    for name in ("multiprocessing", "interpreters"):
        compare("a pool of 2", lambda: measured(whole_pool, "fanlane"), lambda: measured(whole_pool, name), rounds, name)


def compare_with_joblib(pool, rounds):
    try:
        from joblib import Parallel, delayed
    except ImportError:
        print("joblib is not installed: its memory mapping is not compared")
        return

    def mapped():
        return Parallel(n_jobs=WORKERS)(delayed(array)(n) for n in range(8))

    mapped()
    compare("8 results of 16 MB", lambda: measured(make_arrays, pool), lambda: measured(mapped), rounds, "joblib")


if __name__ == "__main__":
    main()
