//! What is said between a lane and its interpreter: calls go through a socket, batch after batch; results lie in memory that
//! both share, so that those of calls that are done survive the interpreter.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};

use crate::event::CallValue;
use fanlane_os::shared_memory::Segment;

use super::call_batch::CallBatch;
use super::call_record::{CallRecord, KIND_SHIFT, Kind, value_of};
use super::lane_message::{BatchEnd, Said, message};

/// The words at the beginning of the memory, by their offsets: how many calls of the batch were begun, are done, and may be
/// begun.
const BEGUN: usize = 0;
const DONE: usize = 8;
const LIMIT: usize = 16;
/// For each of the interpreter's streams a count: odd from before it is read until what was read is on its way to those who
/// see it.
const SHOWING: [usize; 2] = [24, 32];
/// Where the records lie: the end of each call with its kind, a word for each call of the batch; then its number, in the same
/// order; then what is long.
const FIRST_RECORD: usize = 64;
const WORD_BYTES: usize = 8;
const MEMORY_BYTES: usize = 256 << 10;
/// How often it is looked how far the interpreter is in a batch.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// A lane's connection to its interpreter.
pub struct LaneLink {
    stream: UnixStream,
    memory: Segment,
    inbox: Vec<u8>,
    /// Results that were too long for the memory.
    apart: VecDeque<Vec<u8>>,
    /// What calls have printed, each piece with its stream.
    printed: Vec<(usize, Vec<u8>)>,
    batch: Option<Batch>,
}

/// Calls on their way.
struct Batch {
    /// Number of calls that may be begun.
    calls: u32,
    /// Number of calls that were sent.
    sent: usize,
    /// Number of records that were taken.
    taken: u32,
    /// Where the text of the next record lies that has one.
    rest: usize,
    /// Number of records that can be taken.
    available: u32,
    /// How many were done at the last look.
    seen: u32,
    /// Number of looks at which the same call went on.
    looks: u32,
    next_look: Instant,
    limited: Limited,
    end: Option<BatchEnd>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Limited {
    No,
    Asked,
    Done,
}

impl LaneLink {
    /// A lane on `stream`, which does not wait.
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        let memory = Segment::create("fanlane-python", MEMORY_BYTES)?;
        Ok(Self { stream, memory, inbox: Vec::new(), apart: VecDeque::new(), printed: Vec::new(), batch: None })
    }

    /// The memory, for the interpreter.
    pub fn memory(&self) -> BorrowedFd<'_> {
        self.memory.descriptor().as_fd()
    }

    /// Becomes readable when the interpreter says something.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// Does something that reads a stream of the interpreter, which can see in the meantime, and afterwards, that it is done.
    pub fn while_showing<T>(&self, stream: usize, read: impl FnOnce() -> T) -> T {
        let count = self.memory.word(SHOWING[stream]);
        count.fetch_add(1, Ordering::SeqCst);
        let result = read();
        count.fetch_add(1, Ordering::SeqCst);
        result
    }

    /// Calls are on their way.
    pub const fn is_busy(&self) -> bool {
        self.batch.is_some()
    }

    /// Several calls are on their way, so that the interpreter may be ahead of the records that were taken.
    pub fn is_ahead(&self) -> bool {
        self.batch.as_ref().is_some_and(|batch| batch.taken + 1 < batch.calls && batch.end.is_none())
    }

    /// The interpreter is at the call whose record comes next: it is the last one, or has gone on for a while.
    pub fn is_at_next(&self) -> bool {
        self.batch.as_ref().is_some_and(|batch| batch.taken + 1 >= batch.calls || batch.looks > 1)
    }

    /// How the batch has ended, if all its records were taken.
    pub fn ended(&self) -> Option<BatchEnd> {
        let batch = self.batch.as_ref()?;
        batch.end.filter(|end| batch.taken >= end.done)
    }

    /// Records that can be taken without waiting.
    pub fn has_more(&self) -> bool {
        self.batch.as_ref().is_some_and(|batch| batch.taken < batch.available)
    }

    /// Another record can be taken after the next one.
    pub fn has_several(&self) -> bool {
        self.batch.as_ref().is_some_and(|batch| batch.taken + 1 < batch.available)
    }

    /// Gives out what was printed by way of the lane. One who calls it knows which call that was.
    pub fn printed(&mut self, mut each: impl FnMut(usize, &[u8])) {
        self.printed.drain(..).for_each(|(stream, piece)| each(stream, &piece));
    }

    /// The batch is over.
    pub fn forget_batch(&mut self) {
        self.batch = None;
        self.apart.clear();
    }

    /// Sends a batch that is begun with [`CallBatch::default`].
    ///
    /// # Errors
    /// When the interpreter has ended.
    pub fn send(&mut self, calls: CallBatch) -> io::Result<()> {
        let (text, count) = calls.finish();
        for (offset, word) in [(BEGUN, 0), (DONE, 0), (LIMIT, u64::from(count))] {
            self.memory.word(offset).store(word, Ordering::Release);
        }
        self.batch = Some(Batch {
            calls: count,
            sent: count as usize,
            taken: 0,
            rest: FIRST_RECORD + 2 * count as usize * WORD_BYTES,
            available: 0,
            seen: 0,
            looks: 0,
            next_look: Instant::now() + LOOK_INTERVAL,
            limited: Limited::No,
            end: None,
        });
        let mut rest = text.as_slice();
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let _ = poll(&mut [PollFd::new(&self.stream, PollFlags::OUT)], None);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes in what the interpreter has said. What is not about the batch is given to `told`; `false` at the end.
    pub fn receive(&mut self, mut told: impl FnMut(Said)) -> bool {
        let mut piece = [0; 16 << 10];
        let is_open = loop {
            match self.stream.read(&mut piece) {
                Ok(0) => break false,
                Ok(count) => self.inbox.extend_from_slice(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break error.kind() == io::ErrorKind::WouldBlock,
            }
        };
        let inbox = std::mem::take(&mut self.inbox);
        let mut rest = inbox.as_slice();
        while let Some((kind, body, behind)) = message(rest) {
            rest = behind;
            match kind {
                b'R' => told(Said::Ready(body.try_into().map_or(0, u32::from_le_bytes))),
                b'U' => told(Said::Unusable(String::from_utf8_lossy(body).into_owned())),
                b'O' if !body.is_empty() => self.printed.push((usize::from(body[0] == 2), body[1..].to_vec())),
                b'B' => self.apart.push_back(body.to_vec()),
                b'E' => self.end_batch(body),
                _ => {}
            }
        }
        self.inbox = if rest.len() == inbox.len() { inbox } else { rest.to_vec() };
        is_open
    }

    fn end_batch(&mut self, body: &[u8]) {
        if let Some(batch) = &mut self.batch
            && let Some(end) = BatchEnd::read(body)
        {
            let done = end.done.min(batch.calls);
            batch.available = done;
            batch.end = Some(BatchEnd { done, ..end });
        }
    }

    fn word(&self, offset: usize) -> u32 {
        u32::try_from(self.memory.word(offset).load(Ordering::Acquire)).unwrap_or(u32::MAX)
    }

    /// How long it is until the next look; `None` where there is nothing to see.
    pub fn until_look(&self) -> Option<Duration> {
        let batch = self.batch.as_ref().filter(|_| self.is_ahead())?;
        Some(batch.next_look.saturating_duration_since(Instant::now()))
    }

    /// Looks how far the interpreter is if it is time for that, also where a call prints all the time.
    pub fn look_if_due(&mut self) -> Option<usize> {
        self.until_look().filter(Duration::is_zero)?;
        self.look()
    }

    /// Looks how far the interpreter is; called now and then while it is busy with several calls. Where it stays at the same
    /// call, it is to begin no other, and the number of tasks that it may still begin behind the one whose record comes next is
    /// returned, once that is certain.
    ///
    /// No barrier orders what Python code stores and loads. So what was seen at the look before is acted on at this one, and
    /// between a new limit and what was begun by then lies a time that is far beyond what a processor holds back a store.
    fn look(&mut self) -> Option<usize> {
        let begun = self.word(BEGUN);
        let batch = self.batch.as_mut().filter(|batch| batch.end.is_none())?;
        batch.next_look = Instant::now() + LOOK_INTERVAL;
        let begun = begun.min(batch.calls);
        // One that was begun shows that the one before has printed nothing.
        batch.available = batch.available.max(batch.seen);
        let seen = begun.saturating_sub(1);
        batch.looks = if seen == batch.seen { batch.looks.saturating_add(1) } else { 0 };
        batch.seen = seen;
        match batch.limited {
            Limited::No if batch.looks > 1 && batch.taken >= batch.available => {
                batch.limited = Limited::Asked;
                self.memory.word(LIMIT).store(u64::from(begun), Ordering::SeqCst);
                None
            }
            Limited::Asked => {
                batch.limited = Limited::Done;
                batch.calls = begun.max(batch.available);
                Some(batch.calls.saturating_sub(batch.taken + 1) as usize)
            }
            Limited::No | Limited::Done => None,
        }
    }

    /// The interpreter has ended: all that is done can be taken. Returns how many tasks behind the next one were done or begun.
    pub fn note_death(&mut self) -> usize {
        let begun = self.word(BEGUN);
        // One is begun when that before it is done.
        let done = self.word(DONE).max(begun.saturating_sub(1));
        let Some(batch) = &mut self.batch else { return 0 };
        batch.available = done.min(batch.calls);
        batch.calls = begun.max(done).min(batch.calls);
        batch.calls.saturating_sub(batch.taken + 1) as usize
    }

    /// After [`LaneLink::note_death`], whether the next call was begun, but not done.
    pub fn died_in_next(&self) -> bool {
        self.batch.as_ref().is_some_and(|batch| batch.taken >= batch.available && batch.taken < batch.calls)
    }

    /// The next record, if it is there.
    pub fn take(&mut self) -> Option<CallRecord> {
        let batch = self.batch.as_mut().filter(|batch| batch.taken < batch.available)?;
        let place = batch.taken as usize;
        let word = |place: usize| self.memory.word(FIRST_RECORD + place * WORD_BYTES).load(Ordering::Relaxed);
        let (first, number) = (word(place), word(batch.sent + place));
        let (kind, end_ns) = ((first >> KIND_SHIFT) as u8, first & ((1 << KIND_SHIFT) - 1));
        let result = match kind {
            Kind::INT => Ok(Some(CallValue::Int(number.cast_signed()))),
            Kind::FLOAT => Ok(Some(CallValue::Float(f64::from_bits(number)))),
            Kind::APART => value_of(number as u8, self.apart.pop_front()?),
            kind => {
                let length = usize::try_from(number).ok()?;
                let end = batch.rest.checked_add(length).filter(|end| *end <= MEMORY_BYTES)?;
                let mut body = vec![0; length];
                self.memory.load(batch.rest, &mut body);
                batch.rest = end;
                value_of(kind, body)
            }
        };
        batch.taken += 1;
        batch.looks = 0;
        Some(CallRecord { end_ns, result })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{CallValue, TaskId};

    use super::super::call_batch::Call;

    /// Writes the record of the call at this place of a batch of `calls`.
    fn record(link: &LaneLink, (place, calls): (usize, usize), kind: u8, end_ns: u64, number: u64) {
        let word = |place: usize| link.memory.word(FIRST_RECORD + place * WORD_BYTES);
        word(place).store(u64::from(kind) << KIND_SHIFT | end_ns, Ordering::Release);
        word(calls + place).store(number, Ordering::Release);
    }

    /// A lane with a batch of calls, and the interpreter's end of its socket.
    fn lane(calls: u64) -> (LaneLink, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("sockets");
        ours.set_nonblocking(true).expect("set");
        let mut link = LaneLink::new(ours).expect("memory");
        let mut batch = CallBatch::default();
        for task in 0..calls {
            batch.push(&Call { task: TaskId(task), attempt: 1, arguments: b"3" });
        }
        link.send(batch).expect("sent");
        (link, theirs)
    }

    #[test]
    fn calls_are_sent_as_one_array() {
        let (_link, mut theirs) = lane(2);
        let mut sent = [0; 4 + 17];
        theirs.read_exact(&mut sent).expect("all of it");
        assert_eq!((&sent[..4], &sent[4..]), (&17_u32.to_le_bytes()[..], &b"[1,1,false,[3,3]]"[..]));
    }

    #[test]
    fn what_is_done_survives_the_interpreter_and_what_was_begun_is_known() {
        let (mut link, _theirs) = lane(4);
        for (place, kind, end_ns, number) in [(0, Kind::INT, 5, 27), (1, 6, 6, 3), (2, Kind::BYTES, 7, 1)] {
            record(&link, (place, 4), kind, end_ns, number);
        }
        link.memory.store(FIRST_RECORD + 8 * WORD_BYTES, b"badx");
        link.memory.word(BEGUN).store(3, Ordering::Release);
        assert!(link.take().is_none(), "nothing is told yet");
        assert_eq!(link.note_death(), 2);
        let first = link.take().expect("done");
        assert_eq!((first.end_ns, first.result), (5, Ok(Some(CallValue::Int(27)))));
        assert!(!link.died_in_next());
        assert_eq!(link.take().expect("done").result, Err("bad".to_owned()));
        assert!(link.take().is_none() && link.died_in_next());
    }

    #[test]
    fn a_call_that_goes_on_gives_back_those_behind_it() {
        let (mut link, _theirs) = lane(5);
        link.memory.word(BEGUN).store(1, Ordering::Release);
        assert!(!link.is_at_next() && link.is_ahead());
        assert_eq!((link.look(), link.look(), link.look()), (None, None, Some(0)));
        assert_eq!(link.word(LIMIT), 1);
        assert!(link.is_at_next() && !link.is_ahead());
    }

    #[test]
    fn a_long_result_comes_beside_its_record() {
        let (mut link, mut theirs) = lane(1);
        record(&link, (0, 1), Kind::APART, 1, u64::from(Kind::TEXT));
        let end = [&1_u32.to_le_bytes()[..], &9_u64.to_le_bytes(), &4096_u64.to_le_bytes()].concat();
        let said = [&b"E"[..], &20_u32.to_le_bytes(), &end].concat();
        theirs.write_all(&said).expect("sent");
        assert!(link.receive(|_| {}));
        assert!(link.take().is_none(), "it is not there yet");
        theirs.write_all(b"B\x04\0\0\0lo").expect("sent");
        assert!(link.receive(|_| {}));
        assert!(link.take().is_none(), "half of it is there");
        theirs.write_all(b"ng").expect("sent");
        assert!(link.receive(|_| {}));
        assert_eq!(link.take().expect("there").result, Ok(Some(CallValue::Text("long".into()))));
        let ended = link.ended().expect("all were taken");
        assert_eq!((ended.done, ended.cpu_ns, ended.peak_memory_bytes), (1, 9, 4096));
    }
}
