"""The same measurements with Python's own multiprocessing. Prints one line for each; `python3 peer.py NAME`."""

import multiprocessing as mp
import statistics
import sys
import time

CALLS = 1_000_000


def cube(x):
    return x * x * x


def answer(questions, answers):
    while (number := questions.get()) is not None:
        answers.put(number)


def result_of(length):
    return b"\7" * length


def say(name, figure, unit):
    print(f"  Python: {name:<42} {figure:>12.3f} {unit}", flush=True)


def median_secs(rounds, work):
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


def start():
    for method in ("fork", "forkserver", "spawn"):
        context = mp.get_context(method)

        def once():
            pool = context.Pool(2)
            assert pool.apply(cube, (3,)) == 27
            pool.close()
            pool.join()

        say(f"Pool(2), {method}", median_secs(5, once) * 1e3, "ms")


def map():
    with mp.Pool(2) as pool:
        pool.map(cube, range(1000))
        secs = median_secs(3, lambda: pool.map(cube, range(CALLS)))
        say("Pool.map, default chunk size", CALLS / secs / 1e6, "M calls/s")
        few = CALLS // 20
        secs = median_secs(1, lambda: pool.map(cube, range(few), chunksize=1))
        say("Pool.map, chunk size 1", few / secs / 1e6, "M calls/s")
        secs = median_secs(1, lambda: sum(pool.imap_unordered(cube, range(few))))
        say("Pool.imap_unordered, chunk size 1", few / secs / 1e6, "M calls/s")


def calls():
    with mp.Pool(2) as pool:
        pool.apply(cube, (1,))
        secs = median_secs(3, lambda: [pool.apply(cube, (x,)) for x in range(3000)])
        say("Pool.apply, one thread", 3000 / secs / 1e6, "M calls/s")


def queue():
    for name, make in (("Queue", mp.Queue), ("SimpleQueue", mp.SimpleQueue)):
        questions, answers = make(), make()
        process = mp.Process(target=answer, args=(questions, answers))
        process.start()
        questions.put(0)
        answers.get()

        def trips():
            for number in range(5000):
                questions.put(number)
                answers.get()

        say(f"{name}, round trips", 5000 / median_secs(3, trips), "a second")
        questions.put(None)
        process.join()


def results():
    with mp.Pool(2) as pool:
        for mebibytes in (1, 16, 64):
            length = mebibytes << 20
            count = max(4, 128 // mebibytes)
            list(pool.imap_unordered(result_of, [length] * 2))
            secs = median_secs(3, lambda: [None for _ in pool.imap_unordered(result_of, [length] * count)])
            say(f"Pool, results of {mebibytes} MiB, pickled", count * length / secs / 1e6, "MB/s")


if __name__ == "__main__":
    mp.set_start_method("fork")
    globals()[sys.argv[1]]()
