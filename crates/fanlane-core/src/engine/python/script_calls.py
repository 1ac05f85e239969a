# Calls that a running script asks for. What they are made of comes from the script's memory, and what they return goes to the
# script itself; the worker is told a short readable value of each. docs/design/python-package.md describes both.

import _pickle
import errno
import fcntl
import functools
import itertools
import pickle
import termios
import weakref

pickle_loads, pickle_dumps = _pickle.loads, _pickle.dumps

ENTRY_BYTES = 32
unpack_entry = struct.Struct("<IIQ").unpack_from
pack_result = struct.Struct("<QBI").pack
RESULT_HEAD_BYTES = 13
OUT_OF_BAND_BYTES = 64 << 10
PAGE_BYTES = mmap.PAGESIZE
SEND_INTERVAL_NS = 1_000_000
# Results that wait to be sent lie in memory that the script has, too, behind a word: where they end, and above that how often
# they were sent.
WAITING_BYTES = 64 << 10
FIRST_WAITING = 8
# Of a call that has printed, so much waits for its output to come first.
MAX_LATE_BYTES = 32 << 10
SENT_ONCE = 1 << 20
# How much of segments of many calls stays mapped.
MAX_SEGMENT_BYTES = 16 << 20
# Arguments below this size are copied: a mapping keeps a descriptor open for as long as the function keeps one of its arrays.
MIN_MAPPED_BYTES = 1 << 20
MAX_MAPPED = 64
RECEIVE_BYTES = 64 << 10
# With its head a result is a frame, whose length is a number of 32 bits.
MAX_PICKLE_BYTES = (1 << 32) - 64
MAX_FUNCTIONS = 256
# A block of a chunk is meant to take this time: where the interpreter ends in one, its items are tried one by one.
BLOCK_NS = 200_000
MAX_BLOCK = 1024

# Behind LIMIT there is a word for each stream: odd while the worker reads it and has the script show what it has read.
SHOWING = 3
# How long the result of a call waits for its output, where the worker does not come to read it.
MAX_SHOWING_SECS = 5
SHOWING_INTERVAL_SECS = 0.0001
# How long the script may take to let an interpreter in.
ANSWER_TIMEOUT_SECS = 240

VALUE, RAISED, UNSENDABLE = 0, 1, 2
CALL, MAP, STARMAP = 0, 1, 2


class SharedScriptStream(SharedStream):
    """A stream of an interpreter with several lanes: what a lane's thread prints is the output of its call, and is shown by the
    script, too, line by line. All else goes by the pipe to the worker, which has the script show it."""

    def write(self, text):
        count = super().write(text)
        lane = current.lane
        if lane is not None:
            parts = lane.parts[self.number - 1]
            parts.append(text)
            if "\n" in text:
                lane.show(self.number)
        return count

    def flush(self):
        super().flush()
        lane = current.lane
        if lane is not None:
            lane.show(self.number)


class LazyMain(types.ModuleType):
    """The main module of the script, imported when something is looked for in it."""

    def __init__(self, name, path, module_for_tasks):
        super().__init__("__main__")
        self.__dict__["_asked"] = name, path, module_for_tasks
        if path is not None:
            self.__file__ = path

    def __getattr__(self, attribute):
        if not attribute.startswith("__") and not current.pickles_by_value:
            with importing_main:
                import_main(self)
                main = sys.modules["__main__"]
                # While it is being imported itself, what it does not have yet is not there.
                if main is not self:
                    return getattr(main, attribute)
        raise AttributeError(f"module '__main__' has no attribute {attribute!r}")


importing_main = threading.RLock()


def import_main(lazy):
    """Imports the script's main module as multiprocessing does where it spawns: under another name, so that what stands below
    its guard does not run."""
    failure = lazy.__dict__.get("_failure")
    if failure is not None:
        # What the script does before it fails is not done again for each call.
        error, trace = failure
        raise error.with_traceback(trace)
    asked = lazy.__dict__.pop("_asked", None)
    if asked is None:
        return
    name, path, module_for_tasks = asked
    if name is None and path is None:
        return
    import runpy

    module = types.ModuleType("__mp_main__")
    module_for_tasks.is_importing_main = True
    try:
        if name is not None:
            found = runpy.run_module(name, run_name="__mp_main__", alter_sys=True)
        else:
            found = runpy.run_path(path, run_name="__mp_main__")
    except BaseException as error:
        lazy.__dict__["_failure"] = error, error.__traceback__
        raise
    finally:
        module_for_tasks.is_importing_main = False
    module.__dict__.update(found)
    sys.modules["__main__"] = sys.modules["__mp_main__"] = module


class TaskModuleFinder:
    """Finds `fanlane` for calls of an interpreter that does not have the package itself."""

    def __init__(self, module):
        self.module = module

    def find_spec(self, name, path=None, target=None):
        if name != "fanlane":
            return None
        return importlib.util.spec_from_loader(name, self)

    def create_module(self, spec):
        return self.module

    def exec_module(self, module):
        pass


class KeyFinder:
    """Gives `multiprocessing`, once something imports it, the key of the script's, by which the managers of the script and their
    proxies in calls know each other."""

    def __init__(self, key):
        self.key = key

    def find_spec(self, name, path=None, target=None):
        if name != "multiprocessing.process":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        self.loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        module.__loader__ = module.__spec__.loader = self.loader
        self.loader.exec_module(module)
        module.current_process().authkey = self.key


class ScriptEnded(Exception):
    """The script is gone: nothing of the call is wanted."""


mapped = weakref.WeakSet()


def own_payload(file, offset, length):
    """A payload in memory of its own, so that the call may write into its arrays. It is given back with the last of them."""
    if length >= MIN_MAPPED_BYTES and offset % mmap.ALLOCATIONGRANULARITY == 0 and len(mapped) < MAX_MAPPED:
        memory = mmap.mmap(file, length, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE, offset=offset)
        mapped.add(memory)
    else:
        memory = bytearray(length)
        filled = 0
        while filled < length:
            count = os.preadv(file, [memoryview(memory)[filled:]], offset + filled)
            if count == 0:
                raise RuntimeError("the arguments of the call are cut off")
            filled += count
    if memory[0] == 0x80:
        return pickle_loads(memory)
    return with_buffers(memoryview(memory))


def with_buffers(view):
    """A payload with buffers, which stay where they are."""
    count = int.from_bytes(view[4:8], "little")
    pickle_bytes, *lengths = struct.unpack_from(f"<{count + 1}Q", view, 8)
    start = 8 + 8 * (count + 1)
    place = start + pickle_bytes
    buffers = []
    for length in lengths:
        place = (place + 63) // 64 * 64
        buffers.append(view[place : place + length])
        place += length
    return pickle_loads(view[start : start + pickle_bytes], buffers=buffers)


class DataLink:
    """The connection of a lane to the script: payloads come through memory of the script, results through the socket."""

    def __init__(self, setup, lane):
        self.stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.stream.connect("\0" + setup["address"])
        credentials = self.stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iii"))
        if struct.unpack("iii", credentials)[1] != os.geteuid():
            raise PermissionError("the socket of the script belongs to another user")
        self.stream.sendall(bytes.fromhex(setup["key"]) + struct.pack("<I", lane))
        self.stream.settimeout(ANSWER_TIMEOUT_SECS)
        try:
            _, key, descriptors = self.receive()
        except socket.timeout:
            raise RuntimeError(
                f"it has not answered within {ANSWER_TIMEOUT_SECS} s: it may be stopped, or have as many files open as it may (ulimit -n)"
            ) from None
        self.stream.settimeout(None)
        self.multiprocessing_key = bytes(key)
        self.index_file = descriptors[0]
        self.index = None
        self.marks = None
        self.segments = {}
        self.functions = {}
        file = os.memfd_create("fanlane-results", os.MFD_CLOEXEC)
        os.ftruncate(file, WAITING_BYTES)
        self.waiting = mmap.mmap(file, WAITING_BYTES)
        self.state = memoryview(self.waiting).cast("Q")
        self.sent = 0
        self.end = self.state[0] = FIRST_WAITING
        socket.send_fds(self.stream, [b"M\0\0\0\0"], [file])
        os.close(file)
        self.sent_ns = 0

    def receive(self):
        """The next frame: its kind, its body and its descriptors."""
        data, descriptors = bytearray(), []
        wanted, is_cut = 5, False
        while len(data) < wanted:
            piece, more, flags, _ = socket.recv_fds(self.stream, wanted - len(data), 1, socket.MSG_CMSG_CLOEXEC)
            if not piece:
                raise ScriptEnded
            descriptors += more
            data += piece
            is_cut |= flags & socket.MSG_CTRUNC != 0
            if len(data) == 5 and wanted == 5:
                wanted += int.from_bytes(data[1:5], "little")
        if is_cut:
            raise OSError(errno.EMFILE, "the interpreter has too many files open to take in what the script sends")
        return data[:1], data[5:], descriptors

    def ask(self, kind, number):
        self.flush()
        send(self.stream, kind, number.to_bytes(4, "little"))
        _, body, descriptors = self.receive()
        return body[4:], descriptors

    def segment(self, number):
        """Asks for a segment; its descriptor."""
        _, descriptors = self.ask(b"G", number)
        if not descriptors:
            raise RuntimeError("the script does not have the call any more")
        return descriptors[0]

    def function(self, function):
        """A function by its number, or from its own pickle."""
        if type(function) is bytes:
            return pickle_loads(function)
        found = self.functions.get(function)
        if found is None:
            body, _ = self.ask(b"Q", function)
            found = pickle_loads(body)
            if len(self.functions) >= MAX_FUNCTIONS:
                self.functions.clear()
            self.functions[function] = found
        return found

    def payload(self, number):
        """What a call is made of: its function, how it is called, and with what."""
        entry = number * ENTRY_BYTES
        index = self.index
        if index is None or entry + ENTRY_BYTES > len(index):
            self.index = index = mmap.mmap(self.index_file, 0)
            self.marks = memoryview(index).cast("Q")
        segment, length, offset = unpack_entry(index, entry)
        memory = self.segments.get(segment)
        if memory is None:
            file = self.segment(segment)
            try:
                size = os.fstat(file).st_size
                if length >= MIN_MAPPED_BYTES:
                    return own_payload(file, offset, length)
                # What the script gives up is free once it is not mapped here.
                while self.segments and size + sum(map(len, self.segments.values())) > MAX_SEGMENT_BYTES:
                    self.segments.pop(next(iter(self.segments))).close()
                memory = self.segments[segment] = mmap.mmap(file, size, mmap.MAP_SHARED, mmap.PROT_READ)
            finally:
                os.close(file)
        if memory[offset] == 0x80:
            return pickle_loads(memory[offset : offset + length])
        with memoryview(memory) as whole, whole[offset : offset + length] as part:
            copy = bytearray(part)
        return with_buffers(memoryview(copy))

    def add(self, number, status, data, now_ns):
        """Adds a result, which is sent at once if nothing was sent for a while. Until then the script finds it in the memory when
        it is told that the call is done, whatever the next call does."""
        record = pack_result(number, status, len(data))
        start = self.end
        end = start + RESULT_HEAD_BYTES + len(data)
        if end > WAITING_BYTES:
            self.flush()
            start, end = FIRST_WAITING, FIRST_WAITING + RESULT_HEAD_BYTES + len(data)
            if end > WAITING_BYTES:
                self.send_alone(record, data)
                return
        self.waiting[start:end] = record + data
        self.end = end
        self.state[0] = self.sent | end
        if now_ns - self.sent_ns > SEND_INTERVAL_NS:
            self.flush()
            self.sent_ns = now_ns

    def send_alone(self, record, data):
        try:
            self.stream.sendall(b"R" + (len(record) + len(data)).to_bytes(4, "little") + record)
            self.stream.sendall(data)
        except OSError:
            # The script is gone, and with it soon this interpreter.
            pass

    def add_with_buffers(self, number, data, file, lengths):
        """Sends a result whose large buffers lie in a memory file, which is closed."""
        self.flush()
        body = struct.pack(f"<QI{len(lengths)}Q", number, len(lengths), *lengths) + data
        frame = b"V" + len(body).to_bytes(4, "little") + body
        try:
            sent = self.send_with_file(frame, file)
            if sent < len(frame):
                self.stream.sendall(memoryview(frame)[sent:])
        except OSError:
            # The script is gone, and with it soon this interpreter.
            pass
        finally:
            os.close(file)

    def send_with_file(self, frame, file):
        while True:
            try:
                return socket.send_fds(self.stream, [frame], [file])
            except OSError as error:
                if error.errno != errno.ETOOMANYREFS:
                    raise
                # More files are on their way than this user may have: the script takes them.
                time.sleep(SHOWING_INTERVAL_SECS)

    def show(self, number, stream, data):
        """Has the script show what a call has printed."""
        self.flush()
        try:
            send(self.stream, b"O", struct.pack("<QB", number, stream) + data)
        except OSError:
            pass

    def flush(self):
        end = self.end
        if end > FIRST_WAITING:
            try:
                send(self.stream, b"R", self.waiting[FIRST_WAITING:end])
            except OSError:
                # The script is gone, and with it soon this interpreter.
                pass
            self.end = FIRST_WAITING
            self.sent += SENT_ONCE
            self.state[0] = self.sent | FIRST_WAITING


MAX_SHOWN_CHARS = 120
MAX_SHOWN_ITEMS = 6
MAX_SHOWN_BITS = 1024
# Types whose repr is short and quick, and does nothing of the user's.
PLAIN_TYPES = (int, float, bool, complex, type(None), type(...), type(NotImplemented), range)
PLAIN_MODULES = ("datetime", "decimal", "fractions", "pathlib", "pathlib._local", "uuid")
ARRAY_MODULES = ("numpy", "pandas", "torch", "scipy")
BRACKETS = {list: "[]", tuple: "()", set: "{}", frozenset: "{}", dict: "{}"}


def shortened(value, level=3):
    """A value as a person reads it. It takes no time, whatever the value is: types of the user are named, not asked."""
    kind = type(value)
    if kind is int and value.bit_length() > MAX_SHOWN_BITS:
        return f"int of {value.bit_length()} bits"
    if kind in PLAIN_TYPES or kind.__module__ in PLAIN_MODULES:
        return repr(value)[:MAX_SHOWN_CHARS]
    if kind is str or kind is bytes or kind is bytearray:
        return repr(value) if len(value) <= MAX_SHOWN_CHARS else repr(value[:MAX_SHOWN_CHARS]) + "…"
    if kind in BRACKETS:
        return shortened_items(value, kind, level)
    if kind is types.FunctionType or kind is types.BuiltinFunctionType or kind is type:
        return f"<{'class' if kind is type else 'function'} {value.__qualname__}>"
    if kind.__module__.partition(".")[0] in ARRAY_MODULES:
        shape = getattr(value, "shape", None)
        if shape == ():
            return repr(value)[:MAX_SHOWN_CHARS]
        if isinstance(shape, tuple):
            return f"{kind.__name__} {tuple(shape)} {getattr(value, 'dtype', '')}".rstrip()
    return f"<{kind.__qualname__}>"


def shortened_items(value, kind, level):
    opening, closing = BRACKETS[kind]
    if not value:
        return opening + closing if kind in (list, tuple, dict) else f"{kind.__name__}()"
    if level == 0:
        return f"{opening}…{closing}"
    shown = []
    for item in itertools.islice(value, MAX_SHOWN_ITEMS):
        words = shortened(item, level - 1)
        shown.append(f"{words}: {shortened(value[item], level - 1)}" if kind is dict else words)
    text = ", ".join(shown)
    if len(value) > MAX_SHOWN_ITEMS:
        text += f", … ({len(value)})"
    elif kind is tuple and len(value) == 1:
        text += ","
    return opening + text + closing


def readable(value, count):
    """What the worker is told of a value: its kind and its bytes."""
    kind = type(value)
    if count is not None:
        return TEXT, f"{count} result{'' if count == 1 else 's'}".encode()
    if value is None:
        return NOTHING, b""
    if kind is str:
        return TEXT, value[:200].encode("utf-8", "backslashreplace")
    try:
        text = shortened(value)
    except BaseException as error:
        text = f"<{kind.__name__}, whose repr raises {type(error).__name__}>"
    text = text[:400].encode("utf-8", "backslashreplace")
    return OBJECT, len(text).to_bytes(4, "little") + text


def pickled(value, buffers=None):
    """The pickle of a value; its large buffers are put into `buffers`, if that is given."""

    def is_small(buffer):
        try:
            raw = buffer.raw()
        except BufferError:
            return True
        if raw.nbytes < OUT_OF_BAND_BYTES:
            return True
        buffers.append(raw)
        return False

    callback = None if buffers is None else is_small
    # What a function that has travelled by value has made knows its class by value, too. That a class is looked for in the main
    # module is no reason to import it then.
    by_value = sys.modules.get("cloudpickle") or sys.modules.get("joblib.externals.cloudpickle")
    if by_value is None:
        return pickle_dumps(value, 5, buffer_callback=callback)
    current.pickles_by_value = True
    try:
        return pickle_dumps(value, 5, buffer_callback=callback)
    except BaseException:
        if buffers:
            buffers.clear()
        return by_value.dumps(value, 5, buffer_callback=callback)
    finally:
        current.pickles_by_value = False


def in_file(buffers):
    """A memory file with the buffers, each at the begin of a page, and their lengths."""
    file = os.memfd_create("fanlane-result", os.MFD_CLOEXEC)
    try:
        place = 0
        for buffer in buffers:
            rest, at = buffer, place
            while rest.nbytes:
                written = os.pwrite(file, rest, at)
                at += written
                rest = rest[written:]
            place = (at + PAGE_BYTES - 1) // PAGE_BYTES * PAGE_BYTES
        os.ftruncate(file, place)
    except BaseException:
        os.close(file)
        raise
    return file, [buffer.nbytes for buffer in buffers]


def raised(error, item):
    """An exception for the script: itself, if it can be pickled and read again, and its words."""
    trace = error.__traceback__
    while trace is not None and is_own(trace.tb_frame):
        trace = trace.tb_next
    try:
        text = "".join(traceback.format_exception(type(error), error, trace))
        message = str(error)
    except BaseException as other:
        text = message = f"{type(error).__name__} (it cannot be shown: {type(other).__name__})"
    whole = None
    # Raised in the script, any other would end it.
    if isinstance(error, Exception):
        try:
            whole = pickled(error)
            pickle_loads(whole)
        except BaseException:
            whole = None
    return pickle_dumps((whole, type(error).__qualname__, message, text, item), 5)


class ScriptLane(Lane):
    """Does the calls of a script for one lane."""

    def __init__(self, descriptors, worker, number, program):
        super().__init__(descriptors, worker, number, program)
        self.link = program.first_link or DataLink(program.script, number)
        program.first_link = None
        self.streams = program.script_streams
        self.parts = [], []
        self.call = None

    def run(self):
        current.lane = self
        stream = self.stream
        while True:
            # A short message comes whole with one look.
            message = stream.recv(RECEIVE_BYTES)
            if not message:
                return
            length = int.from_bytes(message[:4], "little") + 4 if len(message) >= 4 else 4
            if len(message) != length:
                message = self.rest_of(message)
                if message is None:
                    return
            self.do(*json.loads(message[4:]))

    def rest_of(self, message):
        """The whole of a message whose begin was received; None at the end of the stream."""
        for wanted in (4, None):
            wanted = wanted or int.from_bytes(message[:4], "little") + 4
            if len(message) < wanted:
                rest = receive(self.stream, wanted - len(message))
                if rest is None:
                    return None
                message += rest
        return message

    def await_terminal(self):
        """Waits until what has been printed is on its way to the script, so that it comes before the result."""
        self.flush()
        words, end = self.words, None
        for place, stream in enumerate(self.streams, SHOWING):
            last = None
            # The count is looked at after the pipe: what was taken from that before is counted.
            while unread_bytes(stream) or words[place] & 1:
                # What is in the pipe now is read at once, and so by the next reading at the latest. There is always more where
                # a program prints that the call has left behind.
                last = last or words[place] + 2 + (words[place] & 1)
                now = time.monotonic()
                end = end or now + MAX_SHOWING_SECS
                if words[place] >= last or now > end:
                    break
                time.sleep(SHOWING_INTERVAL_SECS)

    def show(self, stream):
        """Has the script show what was printed and not shown yet."""
        parts = self.parts[stream - 1]
        if parts and self.call is not None:
            text = "".join(parts)
            parts.clear()
            self.link.show(self.call, stream, text.encode("utf-8", "backslashreplace"))

    def do(self, numbers, attempts, has_lists, values):
        """Does calls as Lane.do does, and sends what they return to the script."""
        link, words, clock, signs, dumps = self.link, self.words, time.monotonic_ns, self.noticed, pickle_dumps
        payload, functions = link.payload, link.functions
        rest, done = self.begin_batch(numbers, attempts, len(values)), 0
        streams, is_late = self.streams, False
        space = len(self.memory) - MAX_REST_BYTES
        for number in range(numbers, numbers + len(values)) if type(numbers) is int else numbers:
            done += 1
            words[BEGUN] = done
            if words[LIMIT] < done:
                done -= 1
                words[BEGUN] = done
                break
            self.call = number
            count = item = buffers = told = None
            try:
                function, way, data = payload(number)
                function = functions.get(function) or link.function(function)
                if way == CALL:
                    # The script sees that it has begun.
                    link.marks[number * (ENTRY_BYTES // 8) + 2] = 1 << 32 | 1
                    value = function(*data[0], **data[1])
                else:
                    item = [0]
                    value = self.chunk(number, function, way, data, item)
                    count, item = len(value), None
                if signs.happened and signs.is_forked:
                    os._exit(0)
                if type(value) is int or type(value) is float:
                    status, body = VALUE, dumps(value, 5)
                else:
                    status, body, buffers = self.result(value, count)
                    if status == VALUE:
                        told = readable(value, count)
                    else:
                        reason = pickle_loads(body)[0]
                        told = FAILED, f"the result cannot be pickled: {reason}".encode("utf-8", "backslashreplace")
                    value = None
                data = None
            except BaseException as error:
                if signs.is_forked:
                    os._exit(1)
                status, body = RAISED, raised(error, item and item[0])
                told = FAILED, self.told(error)
                error = data = None
            now_ns = clock()
            if streams and (self.count == 1 or signs.happened):
                if self.count == 1 or buffers or len(body) > MAX_LATE_BYTES:
                    self.await_terminal()
                else:
                    # The worker reads what was printed at the end of the batch, which this is. Until then the result is not sent.
                    is_late, now_ns = True, 0
            if buffers:
                link.add_with_buffers(number, body, *buffers)
            else:
                link.add(number, status, body, now_ns)
            body = buffers = None
            if signs.happened:
                self.show(1)
                self.show(2)
            elif self.count == 1:
                # The script may wait for this one: all else comes after it.
                link.flush()
            if told is not None or not self.keep_number(done, value):
                rest = self.keep(done, rest, *(told or readable(value, None)))
            if signs.happened or rest > space:
                break
        # Before the worker is told of the end: what it reports as done is on its way to the script, which finds it otherwise.
        if not is_late:
            link.flush()
        self.end_batch(done)
        if is_late:
            self.await_terminal()
            link.flush()
        self.call = None

    def keep_number(self, done, value):
        """Puts the record of a call that has returned a number into the memory; False where it has no room for such a one."""
        place = FIRST_WORD - 1 + done
        try:
            if type(value) is float:
                self.floats[place + self.count] = value
                self.words[place] = time.monotonic_ns() | FLOAT << KIND_SHIFT
            else:
                self.integers[place + self.count] = value
                self.words[place] = time.monotonic_ns()
        except ValueError:
            return False
        return True

    def told(self, error):
        """Prints the traceback for those who look at the call; the script has it with the exception."""
        if self.streams:
            # It comes by another way than what the call has printed.
            self.await_terminal()
        words = report(error, lambda text: self.print(2, text.encode("utf-8", "backslashreplace")))
        return words.encode("utf-8", "backslashreplace")

    def result(self, value, count):
        """The pickle of a result and the file with its large buffers, or the reason why there is none."""
        buffers = []
        try:
            data, file = pickled(value, buffers), None
            if buffers:
                try:
                    file = in_file(buffers)
                except OSError:
                    # The interpreter has too many files open: it goes in one piece.
                    data = pickled(value)
            if len(data) > MAX_PICKLE_BYTES:
                raise ValueError(f"its pickle has {len(data)} bytes, and 4 GiB are the most: write it to a file, or return an array")
            return VALUE, data, file
        except BaseException as error:
            shown = f"a list of {count}" if count is not None else shortened(value)
            return UNSENDABLE, pickle_dumps((repr(error), shown, None), 5), None

    def chunk(self, number, function, way, items, place):
        """The values of a chunk's items. Which one is under way lies in the script's memory, for the case that the
        interpreter ends in it; where items are fast, a block of them."""
        marks, mark = self.link.marks, number * (ENTRY_BYTES // 8) + 2
        values, clock, size, first = [], time.monotonic_ns, 1, 0
        several = map if way == MAP else itertools.starmap
        begin_ns = clock()
        while first < len(items):
            block = items[first : first + size]
            marks[mark] = len(block) << 32 | first + 1
            left = iter(block)
            try:
                values.extend(several(function, left))
                if len(values) < first + len(block):
                    # It would end the chunk as if there were no more items.
                    raise RuntimeError("the function has raised StopIteration")
            except BaseException:
                place[0] = first + len(block) - left.__length_hint__() - 1
                raise
            first += len(block)
            end_ns = clock()
            fitting = size * BLOCK_NS // max(end_ns - begin_ns, 1)
            size = max(1, min(fitting, size * 4, MAX_BLOCK))
            begin_ns = end_ns
        return values


class GlobalsOfInitializer:
    """The global variables of an initializer that has travelled by value: functions that travel so later find in theirs what it
    has left there, as all find the same in a module that is imported."""

    def __init__(self):
        # The variables of each module, and what they were before the initializer was called.
        self.seen = {}
        # What it has left, by the name of the module.
        self.left = None

    def load(self, data):
        globals_of_initializer = self

        class Unpickler(pickle.Unpickler):
            def find_class(self, module, name):
                found = super().find_class(module, name)
                if name == "_function_setstate" and "cloudpickle" in module:
                    return globals_of_initializer.watch(sys.modules[module], found)
                return found

        return Unpickler(io.BytesIO(data)).load()

    def watch(self, module, set_state):
        """Puts itself between cloudpickle and the functions that it makes."""

        @functools.wraps(set_state)
        def watched(function, state):
            set_state(function, state)
            names = function.__globals__
            if self.left is None:
                self.seen[id(names)] = names, dict(names)
            else:
                names.update(self.left.get(names.get("__name__"), ()))

        module._function_setstate = watched
        return watched

    def give(self):
        """The initializer has returned. Functions, classes and modules that it has left as they were come with each function that
        needs them, perhaps changed meanwhile."""
        kinds = type, types.FunctionType, types.ModuleType
        self.left = {}
        for names, before in self.seen.values():
            left = self.left.setdefault(names.get("__name__"), {})
            for key, value in names.items():
                if not key.startswith("__") and not (isinstance(value, kinds) and before.get(key) is value):
                    left[key] = value
        self.seen.clear()


def unread_bytes(pipe):
    """How much in a pipe is not read yet."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0"), sys.byteorder)


def serve_script(program, setup, lane):
    """Gets the interpreter ready for the calls of a script; returns the type of its lanes."""
    script = setup["script"]
    asked = json.loads(script["prepare"])
    program.step = "the interpreter cannot reach its script: "
    program.script = script
    program.first_link = link = DataLink(script, lane)
    program.step = "the interpreter cannot be made like the script's: "
    own_path = sys.path if asked["keeps_path"] else []
    sys.path[:] = dict.fromkeys(asked["sys_path"] + own_path + asked["sys_path_behind"])
    sys.argv = asked["argv"]
    program.script_streams = ()
    if asked["output"]:
        if program.is_shared:
            sys.stdout, sys.stderr = SharedScriptStream(1), SharedScriptStream(2)
            sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
        else:
            # A call may put something else in the place of its own.
            program.script_streams = os.dup(1), os.dup(2)
    module = module_for_tasks(setup)
    module.is_importing_main = False
    sys.modules["_fanlane_task"] = module
    sys.meta_path.append(TaskModuleFinder(module))
    sys.meta_path.insert(0, KeyFinder(link.multiprocessing_key))
    sys.modules["__main__"] = main = LazyMain(asked["main_name"], asked["main_path"], module)
    if asked["main_is_imported"]:
        # The functions of the calls know it by this name, since their pool is made in a worker itself.
        sys.modules["__mp_main__"] = main
    if asked["initializer"] is not None:
        program.step = "the initializer cannot be read: "
        globals_of_initializer = GlobalsOfInitializer()
        function, arguments = globals_of_initializer.load(link.ask(b"Q", asked["initializer"])[0])
        program.step = "the initializer failed: "
        function(*arguments)
        globals_of_initializer.give()
    return ScriptLane
