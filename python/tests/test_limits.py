"""What becomes of a pool where its script has as many files open as it may, and where strangers connect to its socket."""

import os
import unittest

from support import Case

BEGIN = """
import fanlane, os, resource, socket, sys
sys.path.insert(0, {tests!r})
import functions
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, most))
def open_files():
    count = 0
    for file in range(64):
        try: count += os.fstat(file) is not None
        except OSError: pass
    return count
"""

SHORTAGE = """
with fanlane.Pool(1, maxtasksperchild=1) as pool:
    print(pool.apply(abs, (-1,)))
    files = []
    try:
        while True: files.append(os.open(os.devnull, os.O_RDONLY))
    except OSError: pass
    for _ in range(20):
        taken = open_files()
        try: fanlane.Pool(1).terminate()
        except fanlane.CannotStart as error: assert "Too many open files" in str(error), error
        else: break
        assert open_files() == taken
        os.close(files.pop())
    else: assert False, "a pool needs few descriptors"
    while True:
        try: files.append(os.open(os.devnull, os.O_RDONLY))
        except OSError: break
    results = [pool.apply_async(abs, (-n,)) for n in range(3)] + [pool.apply_async(bytes, (2_000_000,))]
    results[0].wait(0.5)
    while files: os.close(files.pop())
    print([result.get(30) for result in results[:3]], len(results[3].get(30)))
"""

STRANGERS = """
with fanlane.Pool(1, maxtasksperchild=1) as pool:
    address = pool._run.listener.getsockname()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        strangers = []
        for n in range(200):
            strangers.append(socket.socket(socket.AF_UNIX))
            strangers[-1].connect(address)
            strangers[-1].sendall(b"x" * (n % 40))
        os.write(writer, b"x")
        os.read(reader, 1)
    os.close(writer)
    os.read(reader, 1)
    print([pool.apply(abs, (-n,)) for n in range(3)], open_files() < 40)
    os.kill(child, 9)
    os.waitpid(child, 0)
"""

ARGUMENTS = """
with fanlane.Pool(2) as pool:
    for size, count in ((100_000, 200), (1_100_000, 40)):
        pool.pause()
        arrays = [functions.Array(bytearray([n % 256]) * size) for n in range(count)]
        results = [pool.apply_async(functions.identity, (array,)) for array in arrays]
        results.append(pool.apply_async(len, (bytes(size),)))
        print(open_files() < 50)
        for array in arrays: array.data[:] = bytes(size)
        pool.resume()
        print(results.pop().get(30) == size, all(its.get(30).data == bytes([n % 256]) * size for n, its in enumerate(results)))
"""

RESULTS = """
import fanlane._reader
fanlane._reader.MIN_MAPPED_BYTES, fanlane._reader.MAX_MAPPED = 1 << 16, 10
with fanlane.Pool(2) as pool:
    arrays = pool.map(functions.array_of, [100_000] * 100, chunksize=1)
    print(len(arrays), {bytes(memoryview(array.data)[:1]) for array in arrays})
    memoryview(arrays[0].data)[:] = b"y" * 100_000
"""


class Limits(Case):
    def test_neither_strangers_nor_many_open_files_end_a_pool(self):
        table = {
            "shortage": (SHORTAGE, "1\n[0, 1, 2] 2000000\n"),
            "strangers": (STRANGERS, "[0, 1, 2] True\n"),
            "large arguments": (ARGUMENTS, "True\nTrue True\n" * 2),
            "large results": (RESULTS, "100 {b'x'}\n"),
        }
        for what, (text, expected) in table.items():
            with self.subTest(what):
                self.assertEqual(self.run_script(BEGIN.format(tests=os.path.dirname(os.path.abspath(__file__))) + text), expected)


if __name__ == "__main__":
    unittest.main()
