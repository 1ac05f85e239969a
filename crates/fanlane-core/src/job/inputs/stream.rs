//! Rows that arrive during a run: one feeder appends, readers see what is there without waiting.
//!
//! A row never moves once it is appended. Bytes are cut into rows by the [`feeder`](super::feeder).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

/// Rows of the first segment; each further segment holds twice as many.
const FIRST_SEGMENT: u64 = 1024;
/// Number of segments: enough for more rows than any memory holds.
const SEGMENTS: usize = 44;

/// Maximum number of rows that wait for a task to be made of them; further ones stay in the pipe, so that an endless
/// source cannot fill the memory.
const MAX_WAITING_ROWS: u64 = 1 << 20;
/// Their maximum size, measured by the mean row.
const MAX_WAITING_BYTES: u64 = 256 << 20;
/// Rows that may wait whatever their size.
const MIN_WAITING_ROWS: u64 = 1024;

type Segment = Box<[OnceLock<Box<[u8]>>]>;

/// Called when something has changed.
type Wake = Box<dyn Fn() + Send + Sync>;

/// Rows that are appended while others read. A row is one allocation: its bytes, with the ends of all columns but the
/// last in front where there are several.
pub struct RowStream {
    columns: usize,
    segments: [OnceLock<Segment>; SEGMENTS],
    len: AtomicU64,
    closed: AtomicBool,
    fault: OnceLock<String>,
    /// Number of rows that tasks were made of.
    taken: AtomicU64,
    /// The feeder waits for room.
    wants_room: AtomicBool,
    audience: Mutex<Audience>,
    room: Condvar,
}

/// The callbacks to call after changes.
#[derive(Default)]
struct Audience {
    wakes: BTreeMap<u64, Wake>,
    next: u64,
}

/// The progress of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowExtent {
    /// Number of rows.
    pub len: u64,
    /// No further row follows.
    pub closed: bool,
}

/// A registered callback, removed when this is dropped.
pub(crate) struct RowWatch {
    stream: Arc<RowStream>,
    id: u64,
}

impl std::fmt::Debug for RowStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowStream")
            .field("columns", &self.columns)
            .field("extent", &self.extent())
            .finish_non_exhaustive()
    }
}

impl RowStream {
    pub(super) fn new(columns: usize) -> Self {
        Self {
            columns,
            segments: [const { OnceLock::new() }; SEGMENTS],
            len: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            fault: OnceLock::new(),
            taken: AtomicU64::new(0),
            wants_room: AtomicBool::new(false),
            audience: Mutex::default(),
            room: Condvar::new(),
        }
    }

    /// Number of values in a row.
    pub(super) const fn columns(&self) -> usize {
        self.columns
    }

    /// How far the rows have come; the length is final where it says that they are closed.
    pub(crate) fn extent(&self) -> RowExtent {
        // In this order: what is closed does not grow any more.
        let closed = self.closed.load(Ordering::Acquire);
        RowExtent { len: self.len.load(Ordering::Acquire), closed }
    }

    /// Why the rows ended before their end.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.fault.get().map(String::as_str)
    }

    /// One value of a row that is there.
    pub(super) fn value(&self, row: u64, column: usize) -> &[u8] {
        assert!(column < self.columns, "column {column} of {}", self.columns);
        let (segment, place) = place_of(row);
        let cell = self.segments[segment].get().and_then(|rows| rows[place].get());
        let cell = cell.unwrap_or_else(|| panic!("row {row} of {}", self.extent().len));
        if self.columns == 1 {
            return cell;
        }
        let values = (self.columns - 1) * 4;
        let end_of = |column: usize| match cell.get(column * 4..column * 4 + 4) {
            Some(&[a, b, c, d]) if column + 1 < self.columns => values + u32::from_le_bytes([a, b, c, d]) as usize,
            _ => cell.len(),
        };
        let start = column.checked_sub(1).map_or(values, end_of);
        &cell[start..end_of(column)]
    }

    /// Stores row number `row`, which is invisible to readers until it is [published](Self::publish).
    pub(super) fn put(&self, row: u64, bytes: &[u8], ends: &[usize]) {
        debug_assert_eq!(ends.len(), self.columns, "rows are whole");
        let mut cell = Vec::with_capacity(bytes.len() + (self.columns - 1) * 4);
        for end in &ends[..self.columns - 1] {
            let end = u32::try_from(*end).expect("a value is shorter than 4 GiB");
            cell.extend_from_slice(&end.to_le_bytes());
        }
        cell.extend_from_slice(bytes);
        let (segment, place) = place_of(row);
        let rows = self.segments[segment]
            .get_or_init(|| (0..FIRST_SEGMENT << segment).map(|_| OnceLock::new()).collect::<Vec<_>>().into());
        // There is one feeder, which counts its rows.
        let _ = rows[place].set(cell.into());
    }

    /// Makes the first `len` rows visible to readers.
    pub(super) fn publish(&self, len: u64) {
        self.len.store(len, Ordering::Release);
        self.audience().tell();
    }

    /// Ends the rows; `fault` says why, if the end is not the source's.
    pub(super) fn close(&self, fault: Option<String>) {
        if let Some(fault) = fault {
            let _ = self.fault.set(fault);
        }
        self.closed.store(true, Ordering::Release);
        self.audience().tell();
    }

    /// Waits while too many rows wait, their mean size being `mean_bytes`. False once all readers are gone: further rows
    /// are useless.
    pub(super) fn wait_for_room(&self, len: u64, mean_bytes: u64) -> bool {
        let most = (MAX_WAITING_BYTES / mean_bytes.max(1)).clamp(MIN_WAITING_ROWS, MAX_WAITING_ROWS);
        let mut audience = self.audience();
        loop {
            // No reader yet: a batch may be filled before its run begins.
            if audience.wakes.is_empty() {
                return audience.next == 0;
            }
            self.wants_room.store(true, Ordering::SeqCst);
            if len.saturating_sub(self.taken.load(Ordering::SeqCst)) <= most {
                self.wants_room.store(false, Ordering::SeqCst);
                return true;
            }
            audience = self.room.wait(audience).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether there were readers, and all of them are gone.
    pub(super) fn is_forsaken(&self) -> bool {
        let audience = self.audience();
        audience.wakes.is_empty() && audience.next > 0
    }

    /// A task was made of this row, and so of those before it.
    pub(crate) fn take(&self, row: u64) {
        // Several threads make tasks; a late one must not count backwards.
        self.taken.fetch_max(row + 1, Ordering::SeqCst);
        if self.wants_room.load(Ordering::SeqCst) {
            drop(self.audience());
            self.room.notify_one();
        }
    }

    /// Calls `wake` after each change, from the thread that made it.
    pub(crate) fn watch(self: &Arc<Self>, wake: Wake) -> RowWatch {
        let mut audience = self.audience();
        let id = audience.next;
        audience.next += 1;
        audience.wakes.insert(id, wake);
        RowWatch { stream: Arc::clone(self), id }
    }

    fn audience(&self) -> MutexGuard<'_, Audience> {
        self.audience.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Audience {
    fn tell(&self) {
        self.wakes.values().for_each(|wake| wake());
    }
}

impl Drop for RowWatch {
    fn drop(&mut self) {
        self.stream.audience().wakes.remove(&self.id);
        self.stream.room.notify_one();
    }
}

/// The segment of a row, and its place there.
const fn place_of(row: u64) -> (usize, usize) {
    let segment = (row / FIRST_SEGMENT + 1).ilog2();
    let before = FIRST_SEGMENT * ((1 << segment) - 1);
    (segment as usize, (row - before) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_place_of_its_own() {
        let mut expected = (0, 0);
        for row in 0..20_000 {
            assert_eq!(place_of(row), expected);
            expected.1 += 1;
            if expected.1 as u64 == FIRST_SEGMENT << expected.0 {
                expected = (expected.0 + 1, 0);
            }
        }
    }

    #[test]
    fn rows_are_read_as_they_were_put_while_more_come() {
        let stream = RowStream::new(3);
        for row in 0..5000_u64 {
            let (first, second) = (row.to_string(), "x".repeat((row % 7) as usize));
            let bytes = format!("{first}{second}");
            stream.put(row, bytes.as_bytes(), &[first.len(), bytes.len(), bytes.len()]);
            stream.publish(row + 1);
            assert_eq!(stream.value(row, 0), first.as_bytes());
            assert_eq!((stream.value(row, 1), stream.value(row / 2, 2)), (second.as_bytes(), &b""[..]));
        }
        assert_eq!(stream.extent(), RowExtent { len: 5000, closed: false });
        stream.close(None);
        assert_eq!(stream.extent(), RowExtent { len: 5000, closed: true });
    }

    /// A row costs a cell of its segment and an allocation; a segment is half empty on average, all of it at worst.
    #[test]
    fn a_waiting_row_costs_less_than_100_bytes_beside_its_value() {
        const ALLOCATION_OVERHEAD: usize = 24;
        let cell = size_of::<OnceLock<Box<[u8]>>>();
        assert!(2 * cell + ALLOCATION_OVERHEAD <= 100, "{cell}");
    }

    #[test]
    fn a_feeder_waits_for_room_and_goes_when_nobody_listens() {
        let stream = Arc::new(RowStream::new(1));
        assert!(stream.wait_for_room(u64::MAX, 1), "no reader has registered yet");
        let watch = stream.watch(Box::new(|| ()));
        assert!(stream.wait_for_room(MIN_WAITING_ROWS, u64::MAX));
        let feeder = {
            let stream = Arc::clone(&stream);
            std::thread::spawn(move || stream.wait_for_room(MIN_WAITING_ROWS + 1, u64::MAX))
        };
        stream.take(0);
        assert!(feeder.join().unwrap());
        let feeder = {
            let stream = Arc::clone(&stream);
            std::thread::spawn(move || stream.wait_for_room(u64::MAX, 1))
        };
        drop(watch);
        assert!(!feeder.join().unwrap());
    }
}
