"""The six workloads of PEP 371 as Python functions: each does, and returns, what the built-in workload of its name does.

The work is Python's own, as it was in 2008: numbers are added and divided by the interpreter, and each line, page and item is
a call of it. A module that one of them alone needs is imported by it.
"""

import math
import os

LINES = 1000
MASK = (1 << 64) - 1


def nothing(number):
    """Does nothing; returns 0. What it takes is what a call takes."""
    return 0


def fibonacci(index):
    """The Fibonacci number of this index, counted from 0, by so many additions."""
    number, following = 0, 1
    for _ in range(index):
        number, following = following, number + following
    return number


def _is_prime(number):
    if number < 2:
        return False
    for divisor in range(2, math.isqrt(number) + 1):
        if number % divisor == 0:
            return False
    return True


def sum_primes(bound):
    """The sum of the primes below the bound, by trial division."""
    return sum(number for number in range(bound) if _is_prime(number))


def _places(state=0):
    """Pseudo-random numbers of lines without an end: SplitMix64, the upper half of a product."""
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & MASK
        yield ((mixed ^ (mixed >> 31)) * LINES) >> 64


def file_io(rounds):
    """Reads so many lines at random places of a temporary file and writes them to the null device; returns their bytes."""
    import tempfile

    lines = [b"%d %s\n" % (line, b"x" * (37 * line % 80)) for line in range(LINES)]
    starts, start = [], 0
    for line in lines:
        starts.append(start)
        start += len(line)
    written, place = 0, _places()
    with tempfile.TemporaryFile(buffering=0) as file, open(os.devnull, "wb", buffering=0) as null:
        file.write(b"".join(lines))
        for _ in range(rounds):
            file.seek(starts[next(place)])
            data = file.read(128)
            written += null.write(data[: data.index(b"\n") + 1])
    return written


def http_get(pages):
    """Fetches so many pages, a connection each, from a server that the run starts on this machine; returns their bytes."""
    import http.client

    import fanlane

    received = 0
    for _ in range(pages):
        connection = http.client.HTTPConnection(fanlane._server, timeout=10)
        try:
            connection.request("GET", "/")
            received += len(connection.getresponse().read())
        finally:
            connection.close()
    return received


def queue_traffic(items):
    """Sends the numbers below this one through a queue of multiprocessing from one thread to another; returns their sum."""
    import multiprocessing
    import threading

    # Its locks need no process that tidies up after them, as those of other ways to start processes do.
    queue = multiprocessing.get_context("fork").SimpleQueue()
    producer = threading.Thread(target=lambda: [queue.put(item) for item in range(items)], daemon=True)
    producer.start()
    total = sum(queue.get() for _ in range(items))
    producer.join()
    queue.close()
    return total
