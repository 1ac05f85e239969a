"""The program that keeps a Python interpreter and calls one function for a Fanlane worker.

It arrives on standard input, a socket, and needs nothing but the standard library of Python 3.9 or newer.
docs/design/python.md describes what is said on the sockets and what lies in the shared memory.
"""

import importlib
import importlib.util
import io
import json
import mmap
import os
import socket
import struct
import sys
import threading
import time
import traceback
import types
from collections import namedtuple

BEGUN, DONE, LIMIT = 0, 1, 2
# Behind these come the end of each call with its kind, then its number, then what is long.
FIRST_WORD = 8
# A batch ends before the memory is too full for the longest text in it.
MAX_REST_BYTES = 32 << 10
MAX_TEXT_CHARS = 64 << 10
MAX_JSON_CHARS = 1 << 20
MAX_MESSAGE_CHARS = 2000
MAX_RESULT_BYTES = 128 << 20
# Objects whose pickle has such a size are handed on in each way, as a trial.
MIN_COMPARED_BYTES = 32 << 10
# A longer line is sent in pieces.
MAX_LINE_BYTES = 8 << 10
MAX_COMPARED_BYTES = 128 << 20
PIPE_BYTES = 64 << 10

INT, FLOAT, NOTHING, TEXT, BYTES, OBJECT, FAILED, APART = range(8)
KIND_SHIFT = 60
READY, UNUSABLE, ENDED, RECORD, PRINTED = b"R", b"U", b"E", b"B", b"O"

INT_MIN, INT_MAX = -(1 << 63), (1 << 63) - 1

Task = namedtuple("Task", "number attempt lane", module="fanlane")

# The sources of the modules that Fanlane brings along, by their names.
embedded = {}


class EmbeddedModules:
    """Finds the modules that Fanlane brings along."""

    def find_spec(self, name, path=None, target=None):
        if name in embedded:
            return importlib.util.spec_from_loader(name, self)
        return None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        import linecache

        source, file = embedded[module.__name__], f"<{module.__name__}>"
        # So that a traceback shows its lines.
        linecache.cache[file] = len(source), None, source.splitlines(True), file
        exec(compile(source, file, "exec"), module.__dict__)


def receive(stream, length):
    """Exactly `length` bytes; None at the end of the stream."""
    data = bytearray(length)
    view = memoryview(data)
    filled = 0
    while filled < length:
        count = stream.recv_into(view[filled:])
        if count == 0:
            return None
        filled += count
    return data


def receive_message(stream):
    header = receive(stream, 4)
    return header and receive(stream, int.from_bytes(header, "little"))


def send(stream, kind, body=b""):
    stream.sendall(kind + len(body).to_bytes(4, "little") + body)


class Noticed:
    """What the call under way has done: looked at after each call, so that a plain one costs a single look."""

    # It has printed or forked.
    happened = False
    # This process is no interpreter of a lane, but a child that a call has forked.
    is_forked = False


noticed = Noticed()


class Current(threading.local):
    """The lane of a thread, and what it is doing."""

    lane = None
    # It makes a pickle that can take along what the main module would have.
    pickles_by_value = False


current = Current()


class OwnStream(io.TextIOWrapper):
    """Standard output or standard error of an interpreter with one lane: a line is on its way as soon as it is printed."""

    def __init__(self, number):
        raw = open(number, "wb", buffering=0, closefd=False)
        errors = "surrogateescape" if number == 1 else "backslashreplace"
        super().__init__(io.BufferedWriter(raw), "utf-8", errors, line_buffering=True)
        self.mode = "w"

    def write(self, text):
        noticed.happened = True
        return super().write(text)

    def close(self):
        """Further calls print to it, so it stays open."""
        self.flush()


class SharedStream(OwnStream):
    """The same where several lanes share the interpreter: what a lane's thread prints goes to that lane."""

    def __init__(self, number):
        super().__init__(number)
        self.number = number

    def write(self, text):
        lane = current.lane
        if lane is None:
            return super().write(text)
        if not isinstance(text, str):
            raise TypeError("write() argument must be str, not " + type(text).__name__)
        lane.print(self.number, text.encode("utf-8", self.errors))
        return len(text)

    def flush(self):
        lane = current.lane
        if lane is not None:
            lane.print_begun(self.number)
        super().flush()


def note_fork():
    """A child that a call forks returns into the loop of calls: it ends there, and answers nothing."""
    for signs in (noticed, current.lane and current.lane.noticed):
        if signs is not None:
            signs.happened = signs.is_forked = True


class CLibrary:
    """The output that C code has buffered: lines of it are live, and the rest is written at the end of a call."""

    def __init__(self):
        self.flush = lambda _: None
        try:
            import ctypes

            library = ctypes.CDLL(None)
            line_buffered = 1
            library.setvbuf(ctypes.c_void_p.in_dll(library, "stdout"), None, line_buffered, ctypes.c_size_t(8192))
            self.flush = library.fflush
        except Exception:
            # An interpreter without ctypes: C code has to flush what it prints.
            pass


def is_own(frame):
    name = frame.f_code.co_filename
    return name == "<fanlane>" or name.startswith("<frozen importlib")


def report(error, write=None):
    """Prints the traceback of an exception as Python does, with the lines of the user's code alone; returns its last line."""
    trace = error.__traceback__
    while trace is not None and is_own(trace.tb_frame):
        trace = trace.tb_next
    try:
        told = traceback.TracebackException(type(error), error, trace)
        told.stack = traceback.StackSummary.from_list([frame for frame in told.stack if frame.filename != "<fanlane>"])
        words = "".join(told.format_exception_only()).strip()
        text = "".join(told.format())
    except BaseException as other:
        words = f"{type(error).__name__} (it cannot be shown: {type(other).__name__})"
        text = words + "\n"
    if isinstance(error, SystemExit):
        words += " (the function asked Python to exit)"
    try:
        (write or sys.stderr.write)(text)
    except BaseException:
        pass
    if isinstance(error, SyntaxError):
        words = f"{type(error).__name__}: {error}"
    return words[:MAX_MESSAGE_CHARS]


def load(setup):
    """The module with the function."""
    file, name = setup["file"], setup["module"]
    if file is None:
        sys.path.insert(0, os.getcwd())
        sys.argv = [name]
        return importlib.import_module(name)
    sys.path.insert(0, os.path.dirname(file))
    sys.argv = [file]
    name = os.path.splitext(os.path.basename(file))[0]
    if name in sys.modules or name in getattr(sys, "stdlib_module_names", ()):
        name = "fanlane_" + name
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    # Pickle, and with it a pool in a task, finds the function by this name.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def find(module, path):
    found = module
    for name in path.split("."):
        found = getattr(found, name)
    if not callable(found):
        raise TypeError(f"{path} is no function: it is {describe(found)[0][:200]}")
    return found


def describe(value):
    """The repr of a value, bounded, and its JSON or nothing."""
    try:
        text = repr(value)
    except BaseException as error:
        text = f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"
    if len(text) > MAX_TEXT_CHARS:
        text = f"{text[:MAX_TEXT_CHARS]}… ({len(text)} characters)"
    try:
        written = json.dumps(value, allow_nan=False)
        if len(written) > MAX_JSON_CHARS:
            written = ""
    except BaseException:
        written = ""
    return text, written


def digits(number):
    """The decimal digits of a large int; beyond MAX_TEXT_CHARS of them, which take long, it is written in hexadecimal."""
    bits = number.bit_length()
    if bits < 14000:
        return str(number)
    if bits > MAX_TEXT_CHARS * 3:
        return hex(number)
    # What Python itself refuses from 4300 digits on.
    import decimal

    return format(decimal.Decimal(number), "f")


def plain(value):
    """The kind of a result and its bytes."""
    if value is None:
        return NOTHING, b""
    kind = type(value)
    if kind is types.CoroutineType:
        value.close()
        raise TypeError("the function is async: its call has made a coroutine and run nothing; call asyncio.run in a plain function")
    if kind is types.GeneratorType:
        raise TypeError("the function is a generator: its call has run nothing; return a list of what it yields")
    if kind.__module__ == "numpy" and getattr(value, "shape", None) == ():
        value = value.item()
        kind = type(value)
    if kind is int:
        if INT_MIN <= value <= INT_MAX:
            return INT, value.to_bytes(8, "little", signed=True)
        return TEXT, digits(value).encode()
    if kind is float:
        return FLOAT, struct.pack("<d", value)
    if kind is str:
        try:
            return TEXT, value.encode()
        except UnicodeEncodeError:
            return TEXT, value.encode("utf-8", "backslashreplace")
    if kind is bytes or kind is bytearray:
        return BYTES, bytes(value)
    text, written = describe(value)
    text = text.encode("utf-8", "backslashreplace")
    return OBJECT, len(text).to_bytes(4, "little") + text + written.encode()


def encoded(value):
    """A result that is no small number: its kind and its bytes, of which there are not too many."""
    kind, body = plain(value)
    if len(body) > MAX_RESULT_BYTES:
        raise ValueError(f"the result has {len(body)} bytes, more than {MAX_RESULT_BYTES}; write it to a file")
    return kind, body


def converter(reading, has_types):
    """What makes a Python value of a value of the inputs; None where all are as they come."""
    if reading == "auto" and has_types:

        def typed(value):
            return json.loads(value["json"]) if type(value) is dict else value

        return typed
    if reading == "literal":
        import ast

        def literal(text):
            try:
                return ast.literal_eval(text)
            except (ValueError, SyntaxError):
                raise ValueError(f"the value {text!r} is no Python literal") from None

        return literal
    if reading == "json":

        def from_json(text):
            try:
                return json.loads(text)
            except ValueError as error:
                raise ValueError(f"the value {text!r} is no JSON: {error}") from None

        return from_json
    return None


def calls_of(function, names, convert):
    """The function as it is called with a single value, and with a list of values."""
    if names is None and convert is None:
        return function, lambda values: function(*values)

    def call(values):
        if convert is not None:
            values = [convert(value) for value in values]
        if names is None:
            return function(*values)
        named = {name: value for name, value in zip(names, values) if name is not None}
        return function(*(value for name, value in zip(names, values) if name is None), **named)

    return lambda value: call([value]), call


def through_pipe(data):
    """The bytes as another process would have them from a pipe."""
    source = memoryview(data).cast("B")
    copy = bytearray(len(source))
    into = memoryview(copy)
    reader, writer = os.pipe()
    try:
        place = 0
        while place < len(source):
            written = os.write(writer, source[place : place + PIPE_BYTES])
            end = place + written
            while place < end:
                place += os.readv(reader, [into[place:end]])
    finally:
        os.close(reader)
        os.close(writer)
    return copy


def in_memory(data):
    """The bytes as another process would have them in shared memory."""
    source = memoryview(data).cast("B")
    if not len(source):
        return b""
    file = os.memfd_create("fanlane-trial", os.MFD_CLOEXEC)
    try:
        place = 0
        while place < len(source):
            place += os.pwrite(file, source[place:], place)
        return mmap.mmap(file, len(source), mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    finally:
        os.close(file)


def compare_ways(value):
    """What it takes to hand an object to another process: its size, how much of it lies in buffers, and the time pickled, by pickle 5
    and with its buffers in shared memory; None for a small one."""
    import pickle

    clock = time.monotonic_ns
    if sys.getsizeof(value) > MAX_COMPARED_BYTES or int(getattr(value, "nbytes", 0)) > MAX_COMPARED_BYTES:
        return None
    begun = clock()
    whole = pickle.dumps(value)
    if not MIN_COMPARED_BYTES <= len(whole) <= MAX_COMPARED_BYTES:
        return None
    pickle.loads(through_pipe(whole))
    times = [clock() - begun]
    size = len(whole)
    whole = None
    for carry in (through_pipe, in_memory):
        begun = clock()
        buffers = []
        small = pickle.dumps(value, 5, buffer_callback=buffers.append)
        raw = [buffer.raw() for buffer in buffers]
        pickle.loads(carry(small), buffers=[carry(buffer) for buffer in raw])
        times.append(clock() - begun)
    return size, sum(buffer.nbytes for buffer in raw), *times


class Lane:
    """Calls the function for one lane, batch after batch."""

    def __init__(self, descriptors, worker, number, program):
        stream, memory = descriptors
        self.stream = socket.socket(fileno=stream)
        self.memory = mmap.mmap(memory, 0)
        os.close(memory)
        self.words = memoryview(self.memory).cast("Q")
        self.integers = memoryview(self.memory).cast("q")
        self.floats = memoryview(self.memory).cast("d")
        self.worker = worker
        self.number = number
        self.program = program
        self.tasks = None
        self.count = 0
        self.begin_cpu_ns = 0
        self.noticed = Noticed() if program.is_shared else noticed
        self.cpu_clock = time.thread_time_ns if program.is_shared else time.process_time_ns
        self.sending = threading.Lock()
        # How many objects calls have returned.
        self.objects = 0
        # What this lane's thread has printed of a line of each stream, by its number.
        self.begun_lines = {}

    def task(self):
        """The task under way; None between batches."""
        if self.tasks is None:
            return None
        place = self.words[BEGUN] - 1
        numbers, attempts = self.tasks
        number = numbers + place if type(numbers) is int else numbers[place]
        return Task(number, attempts if type(attempts) is int else attempts[place], self.number)

    def print(self, number, data):
        """Sends whole lines, each in one piece, so that what others write to the same place does not come into their midst."""
        self.noticed.happened = True
        data = self.begun_lines.pop(number, b"") + data
        end = data.rfind(b"\n") + 1 if len(data) < MAX_LINE_BYTES else len(data)
        if end < len(data):
            self.begun_lines[number] = data[end:]
        if end:
            with self.sending:
                send(self.stream, PRINTED, bytes([number]) + data[:end])

    def print_begun(self, number):
        """Sends what has come of a line whose end has not."""
        data = self.begun_lines.pop(number, b"")
        if data:
            with self.sending:
                send(self.stream, PRINTED, bytes([number]) + data)

    def serve(self):
        """Says which thread does the calls of this lane, and does them until the lane is closed."""
        send(self.stream, READY, threading.get_native_id().to_bytes(4, "little"))
        self.run()

    def run(self):
        current.lane = self
        while True:
            message = receive_message(self.stream)
            if message is None:
                return
            self.do(*json.loads(message))

    def do(self, numbers, attempts, has_lists, values):
        """Does calls until all are done, one has printed, the engine wants the rest back or the memory is full."""
        program = self.program
        call = program.call_with_values if has_lists else program.call_with_value
        words, clock, signs = self.words, time.monotonic_ns, self.noticed
        count, done = len(values), 0
        compared = None
        rest = self.begin_batch(numbers, attempts, count)
        # The words of a call are those at its place in the batch, from 1.
        before_ends, before_numbers = FIRST_WORD - 1, FIRST_WORD - 1 + count
        ends, integers, floats = words[before_ends:], self.integers[before_numbers:], self.floats[before_numbers:]
        space = len(self.memory) - MAX_REST_BYTES
        for done, value in enumerate(values, 1):
            words[BEGUN] = done
            if words[LIMIT] < done:
                done -= 1
                words[BEGUN] = done
                break
            try:
                value = call(value)
                if signs.happened and signs.is_forked:
                    os._exit(0)
                kind = type(value)
                if kind is float:
                    floats[done] = value
                    ends[done] = clock() | FLOAT << KIND_SHIFT
                    kind = None
                elif kind is int:
                    try:
                        integers[done] = value
                        ends[done] = clock()
                        kind = None
                    except ValueError:
                        kind, body = encoded(value)
                else:
                    kind, body = encoded(value)
                    if kind == OBJECT and self.is_to_be_compared():
                        compared = value
                value = None
            except BaseException as error:
                if signs.is_forked:
                    os._exit(1)
                kind, body = FAILED, report(error).encode("utf-8", "backslashreplace")
                error = None
            if kind is not None:
                rest = self.keep(done, rest, kind, body)
                body = None
            if signs.happened or rest > space or compared is not None:
                break
        if compared is not None:
            self.compare(compared)
        self.end_batch(done)

    def is_to_be_compared(self):
        """Whether the ways of this object are compared: of the first, the second, the fourth and so on, in interpreters of their own."""
        self.objects += 1
        return self.objects & self.objects - 1 == 0 and not self.program.is_shared

    def compare(self, value):
        """Tells the run what each way of handing an object on takes. It is the time of no call."""
        begun = self.cpu_clock()
        try:
            ways = compare_ways(value)
            if ways is not None:
                self.program.tell("object", 0.0, "{} {} {} {} {}".format(*ways) + " " + type(value).__qualname__)
        except BaseException:
            # Objects that cannot be pickled are no fault of a call that only shows them.
            pass
        self.begin_cpu_ns += self.cpu_clock() - begun

    def begin_batch(self, numbers, attempts, count):
        """Begins a batch of so many calls; returns where what is long goes in the memory."""
        self.tasks = numbers, attempts
        self.count = count
        self.noticed.happened = False
        self.begin_cpu_ns = self.cpu_clock()
        return (FIRST_WORD + 2 * count) * 8

    def keep(self, done, rest, kind, body):
        """Puts a record into the memory, and what is long beside it; returns where the next of that goes."""
        end_ns = time.monotonic_ns()
        if len(body) > MAX_REST_BYTES:
            with self.sending:
                send(self.stream, RECORD, body)
            kind, number = APART, kind
        elif kind == INT or kind == FLOAT:
            number = int.from_bytes(body, "little")
        else:
            number = len(body)
            self.memory[rest : rest + number] = body
            rest += number
        place = FIRST_WORD - 1 + done
        self.words[place + self.count] = number
        self.words[place] = kind << KIND_SHIFT | end_ns
        return rest

    def end_batch(self, done):
        """Tells the worker that the batch is over, of which so many calls are done."""
        self.flush()
        self.words[DONE] = done
        self.tasks = None
        end = struct.pack("<IqQ", done, self.cpu_clock() - self.begin_cpu_ns, peak_memory_bytes())
        with self.sending:
            send(self.stream, ENDED, end)

    def flush(self):
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass
        # Also where a call has left another stream in the place of one.
        for number in (1, 2):
            self.print_begun(number)
        self.program.c_library.flush(None)


def peak_memory_bytes():
    try:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    except Exception:
        return 0


def module_for_tasks(setup):
    """What `import fanlane` gives inside a task."""
    module = types.ModuleType("fanlane")
    module.__path__ = []
    module._server = setup["server"]
    module.__doc__ = "What a function can ask of Fanlane, and tell it, while Fanlane calls it."

    def task():
        """The task under way: its number from 1, its attempt from 1 and its lane; None outside of one."""
        return current.lane and current.lane.task()

    def progress(fraction, message=""):
        """Tells how far the task is, from 0 to 1, and what it is doing."""
        fraction = float(fraction)
        if not 0.0 <= fraction <= 1.0:
            raise ValueError(f"a progress is a number from 0 to 1, not {fraction}")
        lane = current.lane
        if lane is not None:
            lane.program.tell(lane.worker, fraction, message)

    def logger(name=None):
        """A logger that writes to the task's standard error, each line with the task's number."""
        import logging

        found = logging.getLogger(name or "fanlane.task")
        if not any(getattr(handler, "of_fanlane", False) for handler in found.handlers):
            handler = logging.StreamHandler(sys.stderr)
            handler.of_fanlane = True
            handler.addFilter(lambda record: setattr(record, "task", (task() or Task("-", 0, 0)).number) or True)
            handler.setFormatter(logging.Formatter("%(levelname)s task %(task)s: %(message)s"))
            found.addHandler(handler)
            found.setLevel(logging.INFO)
            found.propagate = False
        return found

    module.task, module.progress, module.logger, module.Task = task, progress, logger, Task
    return module


class Program:
    """The function with what all lanes of this interpreter share."""

    def __init__(self):
        self.step = ""
        self.is_shared = False
        self.lane_type = Lane

    def tell(self, label, fraction, message):
        """Reports to the run, which listens while it can."""
        if self.address is None:
            return
        message = " ".join(str(message).split())[:120]
        words = f"{label} {time.monotonic_ns()} {fraction} {message}".encode("utf-8", "replace")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)
            try:
                sender.sendto(words, "\0" + self.address)
            except OSError:
                # The next report follows.
                pass

    def prepare(self, setup, lane):
        self.is_shared = setup["is_shared"]
        self.address = setup["progress"]
        os.register_at_fork(after_in_child=note_fork)
        kind = SharedStream if self.is_shared else OwnStream
        sys.stdout, sys.stderr = kind(1), kind(2)
        sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
        self.c_library = CLibrary()
        if setup["script"] is not None:
            self.lane_type = serve_script(self, setup, lane)
            return
        sys.modules["fanlane"] = module_for_tasks(setup)
        sys.meta_path.append(EmbeddedModules())
        place = setup["file"] or setup["module"]
        self.step = f"{place} cannot be imported: "
        module = load(setup)
        self.step = f"{place} has no function that can be called so: "
        function = find(module, setup["function"])
        self.call_with_value, self.call_with_values = calls_of(function, setup["names"], converter(setup["reading"], setup["has_types"]))
        if setup["initializer"] is not None:
            initializer = find(module, setup["initializer"])
            self.step = f"the initializer {setup['initializer']} failed: "
            initializer()


def show_stacks_on(control):
    """Has a signal write the stacks of all threads, also those that C code keeps from running Python, to the control socket."""
    try:
        import faulthandler
        import signal

        faulthandler.register(signal.SIGRTMAX - 4, control, all_threads=True)
    except Exception:
        # An interpreter without it: nobody is told then where a call is.
        pass


def receive_lane(control):
    """The next lane: its socket and its memory, its worker's number and its own; None at the end."""
    message, descriptors, _, _ = socket.recv_fds(control, 12, 2)
    if not message:
        return None
    worker, number, _ = struct.unpack("<III", message)
    return descriptors, worker, number + 1


def main():
    control = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    setup = json.loads(receive_message(control))
    show_stacks_on(control)
    first = receive_lane(control)
    if first is None:
        return
    program = Program()
    try:
        program.prepare(setup, first[2])
    except BaseException as error:
        words = (program.step + report(error)).encode("utf-8", "backslashreplace")
        sys.stderr.flush()
        refuse_lane(first[0][0], words)
        # The lanes that ask meanwhile have the same reason.
        control.settimeout(1.0)
        try:
            while program.is_shared and (lane := receive_lane(control)):
                refuse_lane(lane[0][0], words)
        except OSError:
            pass
        os._exit(0)
    lane = program.lane_type(*first, program)
    lane.flush()
    if not program.is_shared:
        lane.serve()
        leave()
    while True:
        threading.Thread(target=lane.serve, daemon=True).start()
        following = receive_lane(control)
        if following is None:
            leave()
        lane = program.lane_type(*following, program)


def refuse_lane(descriptor, words):
    """Tells a lane why the interpreter is of no use to it."""
    with socket.socket(fileno=descriptor) as connection:
        send(connection, UNUSABLE, words)


def leave():
    """Ends as a program does, with what the user's code has registered for that, but without waiting for its threads."""
    import atexit

    try:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(0)
