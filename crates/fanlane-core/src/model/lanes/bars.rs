//! Finished attempts of one lane, packed, with totals over runs of them, so that a whole run is drawn in time
//! proportional to its pixels: neighbours that share a pixel become one segment, and the worst outcome wins.

use std::ops::Range;

use crate::event::{OutcomeClass, TaskId};

/// How many entries of one level are summed in one entry of the next.
const FAN: usize = 16;
/// Bits of a packed bar that hold the outcome and whether it was tried again.
const TAG_BITS: u32 = 4;
/// The bit of a packed bar that says that another attempt followed.
const RETRIED: u64 = 8;

/// One finished attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    /// When it began, in nanoseconds since the run's start.
    pub start_ns: u64,
    /// How long it took, in nanoseconds.
    pub wall_ns: u64,
    // Task, outcome and retry share a word: 24 bytes a bar instead of 32.
    packed: u64,
}

/// What a bar says of its attempt: how it ended, or that another followed. From the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// It succeeded.
    Done,
    /// It did not, and another attempt followed.
    Retried,
    /// It was cancelled.
    Cancelled,
    /// It ran into its timeout.
    TimedOut,
    /// It ended on its own without success.
    Failed,
    /// Its worker died.
    Lost,
}

impl Mark {
    /// All marks, from the best to the worst.
    pub const ALL: [Self; 6] = [Self::Done, Self::Retried, Self::Cancelled, Self::TimedOut, Self::Failed, Self::Lost];

    /// The class of the outcome; `None` where another attempt followed.
    pub const fn class(self) -> Option<OutcomeClass> {
        match self {
            Self::Done => Some(OutcomeClass::Done),
            Self::Retried => None,
            Self::Cancelled => Some(OutcomeClass::Cancelled),
            Self::TimedOut => Some(OutcomeClass::TimedOut),
            Self::Failed => Some(OutcomeClass::Failed),
            Self::Lost => Some(OutcomeClass::Lost),
        }
    }
}

impl From<OutcomeClass> for Mark {
    fn from(class: OutcomeClass) -> Self {
        match class {
            OutcomeClass::Done => Self::Done,
            OutcomeClass::Cancelled => Self::Cancelled,
            OutcomeClass::TimedOut => Self::TimedOut,
            OutcomeClass::Failed => Self::Failed,
            OutcomeClass::Lost => Self::Lost,
        }
    }
}

/// Totals of several bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    /// How many.
    pub count: u32,
    /// The worst among them.
    pub worst: Mark,
    /// Their total time, in nanoseconds.
    pub busy_ns: u64,
}

/// Something to draw: one bar, or all that share a pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Left edge, in nanoseconds since the run's start.
    pub from_ns: f64,
    /// Right edge.
    pub to_ns: f64,
    /// The mark of the bar, or the worst among several.
    pub worst: Mark,
    /// The share of the segment's width that is busy, above 0 and up to 1.
    pub busy: f32,
    /// Number of bars that it stands for.
    pub count: u32,
    /// The first of them.
    pub first: usize,
}

/// The bars of a lane, in the order of their starts.
#[derive(Clone, Debug, Default)]
pub struct Bars {
    bars: Vec<Bar>,
    // levels[0] sums groups of FAN bars, levels[1] groups of FAN groups, and so on; only full groups are stored.
    levels: Vec<Vec<Totals>>,
    busy_ns: u64,
}

impl Bar {
    /// An attempt that has ended; task ids have 60 bits here.
    pub fn new(start_ns: u64, wall_ns: u64, task: TaskId, class: OutcomeClass, retried: bool) -> Self {
        let retried = if retried { RETRIED } else { 0 };
        Self { start_ns, wall_ns, packed: task.0 << TAG_BITS | retried | rank(class) as u64 }
    }

    /// The task.
    pub const fn task(&self) -> TaskId {
        TaskId(self.packed >> TAG_BITS)
    }

    /// How it ended.
    pub const fn class(&self) -> OutcomeClass {
        OutcomeClass::ALL[(self.packed & 7) as usize]
    }

    /// Another attempt followed.
    pub const fn retried(&self) -> bool {
        self.packed & RETRIED != 0
    }

    /// When it ended, in nanoseconds since the run's start.
    pub const fn end_ns(&self) -> u64 {
        self.start_ns.saturating_add(self.wall_ns)
    }

    /// What it says of its attempt.
    pub fn mark(&self) -> Mark {
        if self.retried() { Mark::Retried } else { self.class().into() }
    }

    fn totals(&self) -> Totals {
        Totals { count: 1, worst: self.mark(), busy_ns: self.wall_ns }
    }
}

impl std::fmt::Debug for Bar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (task, class) = (self.task(), self.class());
        write!(f, "{task:?} {} at {} for {} ns", class.name(), self.start_ns, self.wall_ns)
    }
}

impl Totals {
    const NONE: Self = Self { count: 0, worst: Mark::Done, busy_ns: 0 };

    fn and(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            worst: self.worst.max(other.worst),
            busy_ns: self.busy_ns + other.busy_ns,
        }
    }
}

/// The place of a class in [`OutcomeClass::ALL`]: 0 is the best.
pub const fn rank(class: OutcomeClass) -> usize {
    match class {
        OutcomeClass::Done => 0,
        OutcomeClass::Cancelled => 1,
        OutcomeClass::TimedOut => 2,
        OutcomeClass::Failed => 3,
        OutcomeClass::Lost => 4,
    }
}

impl Bars {
    /// How many.
    pub fn len(&self) -> usize {
        self.bars.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.bars.is_empty()
    }

    /// All of them, in the order of their starts.
    pub fn as_slice(&self) -> &[Bar] {
        &self.bars
    }

    /// Their total time, in nanoseconds.
    pub fn busy_ns(&self) -> u64 {
        self.busy_ns
    }

    /// Memory taken, in bytes.
    pub fn heap_bytes(&self) -> usize {
        let levels: usize = self.levels.iter().map(|level| level.capacity() * size_of::<Totals>()).sum();
        self.bars.capacity() * size_of::<Bar>() + levels
    }

    /// Inserts a bar in order: at the end, unless its record was late.
    pub fn insert(&mut self, bar: Bar) {
        if self.bars.len() == self.bars.capacity() {
            // Growing by a quarter keeps the memory of a task below 40 bytes; doubling would not.
            self.bars.reserve_exact((self.bars.len() / 4).max(64));
        }
        self.busy_ns += bar.wall_ns;
        let at = match self.bars.last() {
            Some(last) if bar.start_ns < last.start_ns => self.bars.partition_point(|b| b.start_ns <= bar.start_ns),
            _ => self.bars.len(),
        };
        self.bars.insert(at, bar);
        if at + 1 < self.bars.len() {
            self.forget_sums_from(at);
        }
        self.sum_full_groups();
    }

    fn forget_sums_from(&mut self, bar: usize) {
        let mut group = bar;
        for level in &mut self.levels {
            group /= FAN;
            level.truncate(group);
        }
    }

    /// Notes that another attempt followed the one of `task` that began at `start_ns`. [`Bars::sum_full_groups`] has to follow.
    pub(super) fn mark_retried(&mut self, start_ns: u64, task: TaskId) {
        let from = self.bars.partition_point(|bar| bar.start_ns < start_ns);
        let same = self.bars[from..].iter_mut().take_while(|bar| bar.start_ns == start_ns);
        for bar in same.filter(|bar| bar.packed >> TAG_BITS == task.0) {
            bar.packed |= RETRIED;
        }
        self.forget_sums_from(from);
    }

    /// Sums the groups that are not summed.
    pub(super) fn sum_full_groups(&mut self) {
        let mut below = self.bars.len();
        for depth in 0.. {
            let full = below / FAN;
            if full == 0 {
                break;
            }
            if self.levels.len() == depth {
                self.levels.push(Vec::new());
            }
            for group in self.levels[depth].len()..full {
                let range = group * FAN..(group + 1) * FAN;
                let totals = if depth == 0 {
                    self.bars[range].iter().map(Bar::totals).fold(Totals::NONE, Totals::and)
                } else {
                    self.levels[depth - 1][range].iter().copied().fold(Totals::NONE, Totals::and)
                };
                self.levels[depth].push(totals);
            }
            below = full;
        }
    }

    /// Sums the bars of a range of indices in time proportional to the logarithm of its length.
    pub fn totals(&self, range: Range<usize>) -> Totals {
        let mut sum = Totals::NONE;
        let mut at = range.start;
        while at < range.end {
            // The largest stored group that begins here and does not reach past the end.
            let mut size = 1;
            let mut best = None;
            for level in &self.levels {
                let next = size * FAN;
                if !at.is_multiple_of(next) || at + next > range.end || at / next >= level.len() {
                    break;
                }
                size = next;
                best = Some(level[at / next]);
            }
            sum = sum.and(best.unwrap_or_else(|| self.bars[at].totals()));
            at += size;
        }
        sum
    }

    /// The bar at a time, or the nearest within `slack_ns`.
    pub fn at(&self, time_ns: u64, slack_ns: u64) -> Option<&Bar> {
        let next = self.bars.partition_point(|bar| bar.start_ns <= time_ns);
        let before = next.checked_sub(1).map(|index| &self.bars[index]);
        if let Some(bar) = before.filter(|bar| time_ns < bar.end_ns()) {
            return Some(bar);
        }
        let gap_before = before.map(|bar| (time_ns - bar.end_ns(), bar));
        let gap_after = self.bars.get(next).map(|bar| (bar.start_ns - time_ns, bar));
        let nearest = gap_before.into_iter().chain(gap_after).min_by_key(|(gap_ns, _)| *gap_ns)?;
        (nearest.0 <= slack_ns).then_some(nearest.1)
    }

    /// The bars that overlap a span of time.
    pub fn between(&self, from_ns: u64, to_ns: u64) -> Range<usize> {
        // Bars of a lane follow each other, so ends are as sorted as starts.
        let first = self.bars.partition_point(|bar| bar.end_ns() <= from_ns);
        let last = self.bars.partition_point(|bar| bar.start_ns < to_ns);
        first..last.max(first)
    }

    /// What to draw between two times when one pixel is `pixel_ns` wide: a bar of a pixel or more is a segment of its
    /// own, and smaller ones that begin in the same pixel are one segment, so there are at most two segments a pixel.
    pub fn segments(&self, from_ns: u64, to_ns: u64, pixel_ns: f64, mut draw: impl FnMut(Segment)) {
        let visible = self.between(from_ns, to_ns);
        let mut at = visible.start;
        while at < visible.end {
            let bar = &self.bars[at];
            if bar.wall_ns as f64 >= pixel_ns {
                draw(Segment {
                    from_ns: bar.start_ns as f64,
                    to_ns: bar.end_ns() as f64,
                    worst: bar.mark(),
                    busy: 1.0,
                    count: 1,
                    first: at,
                });
                at += 1;
                continue;
            }
            let pixel = ((bar.start_ns as f64 - from_ns as f64) / pixel_ns).floor();
            let left = from_ns as f64 + pixel * pixel_ns;
            let right = left + pixel_ns;
            let mut end = self.first_starting_at(right, at + 1, visible.end);
            // Only the last one can be wide, because bars do not overlap: it is drawn for itself.
            if end - 1 > at && self.bars[end - 1].wall_ns as f64 >= pixel_ns {
                end -= 1;
            }
            let totals = self.totals(at..end);
            let busy = (totals.busy_ns as f64 / pixel_ns).clamp(f64::from(f32::MIN_POSITIVE), 1.0) as f32;
            draw(Segment { from_ns: left, to_ns: right, worst: totals.worst, busy, count: totals.count, first: at });
            at = end;
        }
    }

    // Doubling steps and then halving ones: the answer is near in most frames.
    fn first_starting_at(&self, time_ns: f64, from: usize, end: usize) -> usize {
        let before = |index: usize| (self.bars[index].start_ns as f64) < time_ns;
        let mut low = from;
        let mut step = 1;
        while low + step <= end && before(low + step - 1) {
            low += step;
            step *= 2;
        }
        let high = (low + step - 1).min(end);
        low + self.bars[low..high].partition_point(|bar| (bar.start_ns as f64) < time_ns)
    }
}
