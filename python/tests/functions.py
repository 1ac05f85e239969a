"""Functions that workers import by their name."""

import os
import pickle
import signal
import subprocess
import sys
import time


def cube(n):
    return n**3


def add(a, b=0, *, scale=1):
    return (a + b) * scale


def identity(value):
    return value


def sleep(seconds):
    time.sleep(seconds)
    return seconds


def process(_=None):
    return os.getpid()


def fail(n):
    if n == 3:
        raise ValueError(f"no {n}s, please")
    return n


def die(n=3):
    if n == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def die_quickly(n):
    """Dies in an item so quick that its place is known only by the block."""
    if n == 700:
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def die_once(path):
    """Dies in the first attempt."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return "second"
    os.kill(os.getpid(), signal.SIGKILL)


def touch(path):
    open(path, "w").close()


def fail_once(path):
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return "second"
    raise OSError("the first attempt")


def exit_with(how):
    if how == "exit":
        sys.exit(3)
    if how == "os exit":
        os._exit(4)
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "base":
        raise BaseException("all the way")
    if how == "holding a lock":
        import multiprocessing
        import threading

        multiprocessing.Lock().acquire()
        threading.Lock().acquire()
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    return how


def recurse(n=0):
    return recurse(n + 1)


def do_oddly(how, path):
    """What a careless function does; it returns what is said of it in the test."""
    import atexit
    import threading

    if how == "recursion":
        return recurse()
    if how == "deep result":
        value = None
        for _ in range(100_000):
            value = [value]
        return value
    if how == "fork that returns" or how == "fork that raises":
        child = os.fork()
        if child == 0:
            if how == "fork that raises":
                raise ValueError("in the child")
            return "child"
        os.waitpid(child, 0)
    if how == "thread that stays":
        threading.Thread(target=threading.Event().wait).start()
    if how == "atexit":
        atexit.register(lambda: open(path, "w").close())
    if how == "reads input":
        return sys.stdin.read() + how
    if how == "asks":
        return input("Who? ")
    if how == "closes output":
        sys.stdout.close()
        sys.stderr.close()
        os.close(0)
    if how == "no memory":
        return bytearray(1 << 60)
    if how == "stop iteration":
        raise StopIteration("too early")
    if how == "child process":
        import multiprocessing

        process = multiprocessing.get_context("spawn").Process(target=cube, args=(1,))
        process.start()
        process.join()
        return process.exitcode
    if how == "ignores signals":
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
    if how == "other folder":
        os.chdir("/")
    return how


def stop_at(n):
    if n == 3:
        raise StopIteration
    return n


def mutter(words):
    print(words, end="")


class Picky(Exception):
    """Cannot be made again from its arguments."""

    def __init__(self, one, two):
        super().__init__("picky words")


def raise_picky(_):
    raise Picky(1, 2)


def lock_of(_):
    import threading

    return threading.Lock()


def endless(_):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return sum(range(10**12))


def speak_without_end(_):
    while True:
        print("x" * 1000)


def other_pool(n):
    import multiprocessing

    with multiprocessing.get_context("spawn").Pool(2) as pool:
        return pool.map(cube, range(n))


def touch_and_sleep(path):
    with open(path, "w"):
        pass
    time.sleep(600)


def wait_for_file(path):
    while not os.path.exists(path):
        time.sleep(0.005)
    return path


def pass_or_wait(item):
    """Returns or raises at once, or goes on until the test has made a file."""
    if type(item) is int:
        return fail(item)
    how, path = item
    if how == "sleeps":
        return wait_for_file(path)
    if how == "prints":
        while not os.path.exists(path):
            print("still here", flush=True)
            time.sleep(0.001)
    if how == "holds the global lock":
        import ctypes

        # The file is a pipe: it is opened once the other end is.
        ctypes.PyDLL(None).open(path.encode(), os.O_RDONLY)
    return path


def remember(value):
    global remembered
    remembered = value


def recall(_=None):
    return remembered


def initializer_that(how):
    if how == "raises":
        raise LookupError("no settings here")
    if how == "exits":
        sys.exit(5)
    if how == "dies":
        os.kill(os.getpid(), signal.SIGSEGV)


def start_slowly(begun, go):
    """An initializer that tells that it was called, and waits."""
    with open(begun, "a") as file:
        file.write("x")
    wait_for_file(go)


def die_at_first(begun, times):
    """An initializer whose interpreter is killed so many times."""
    with open(begun, "a+b") as file:
        file.write(b"x")
        file.flush()
        if file.tell() <= times:
            os.kill(os.getpid(), signal.SIGKILL)


def speak(words):
    print(words, flush=True)
    print(words.upper(), file=sys.stderr, flush=True)
    return words


def task_of(_):
    import fanlane

    fanlane.progress(0.5, "half")
    fanlane.logger().info("a line")
    return tuple(fanlane.task())


def nested(n):
    import fanlane

    with fanlane.Pool(2, history=False) as pool:
        return pool.map(cube, range(n))


def forks(n):
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return n


class Block:
    """Bytes that are pickled as a buffer, as arrays are."""

    def __init__(self, data):
        self.data = bytes(data)

    def __reduce_ex__(self, protocol):
        return Block, (pickle.PickleBuffer(self.data),)


def doubled_block(block):
    return Block(block.data + block.data)


def block_of(n):
    return Block(b"x" * n)


class Array:
    """Memory that can be written to, pickled as a buffer, as arrays are."""

    def __init__(self, data):
        self.data = data

    def __reduce_ex__(self, protocol):
        return Array, (pickle.PickleBuffer(self.data),)


def array_of(size):
    return Array(bytearray(b"x" * size))


def put(shared, key, value):
    shared[key] = value


WAYS = ("streams", "buffer", "descriptor", "program", "library")


def speak_by(way):
    """Prints a line past Python's own streams, or by them."""
    line = (f"a line by {way}\n").encode()
    if way == "streams":
        print(line.decode(), end="")
    elif way == "buffer":
        sys.stdout.buffer.write(line)
    elif way == "descriptor":
        os.write(1, line)
        os.write(2, line)
    elif way == "program":
        subprocess.run(["cat"], input=line, check=True)
    elif way == "library":
        import ctypes

        ctypes.CDLL(None).puts(line[:-1])
    return way


def raise_with(value):
    raise ValueError(value)


def interpreter():
    """Which Python calls it, how it was started, and where it finds its standard library and the package."""
    import json

    return sys.version_info[:2], sys.flags.optimize, os.path.dirname(os.path.dirname(json.__file__)), sys.executable


def environment(name):
    return os.environ.get(name)
