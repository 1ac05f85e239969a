//! A race as far as it has come: folded from its events, saved, and opened again.

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::model::statistics::{Summary, median};

use super::lane_time::LaneTime;
use super::measure::{CpuTicks, CurvePoint, RunMeasure, Usage};
use super::trace::{MAX_TRACED_TASKS, Trace};
use super::{Contender, RaceEnd, RaceHeader, Turn};

/// A curve under way has at most so many points.
const LIVE_POINTS: usize = 400;

/// A fact about a race.
#[derive(Clone, Debug)]
pub enum RaceEvent {
    /// The first one.
    Begun(Box<RaceHeader>),
    /// A run begins.
    TurnBegun(Turn),
    /// Something happened in the run under way.
    Run(Event),
    /// The run has ended; this was measured beside it.
    TurnEnded(Usage),
    /// The last one.
    Ended(RaceEnd),
}

/// What is known of a race.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RaceModel {
    /// What it is about; `None` before its first event.
    pub header: Option<RaceHeader>,
    /// Every run that has ended, those that warmed up too, in their order.
    pub runs: Vec<RunMeasure>,
    /// For each contender the run that is nearest to its median, lane by lane; `None` before the first that counts, and
    /// where there are more than [`MAX_TRACED_TASKS`].
    pub traces: Vec<Option<Trace>>,
    /// Why it is over; `None` while it goes on.
    pub end: Option<RaceEnd>,
    /// The run under way.
    #[serde(skip)]
    pub current: Option<CurrentTurn>,
    /// Traces of earlier runs of each contender: which is nearest the median is known at the end only.
    #[serde(skip)]
    candidates: Vec<Vec<Trace>>,
}

/// The run under way.
#[derive(Clone, Debug, PartialEq)]
pub struct CurrentTurn {
    /// Whose turn it is.
    pub turn: Turn,
    /// How many tasks had ended over time, so far.
    pub curve: Vec<CurvePoint>,
    trace: Trace,
}

impl RaceModel {
    /// Takes in one event.
    pub fn apply(&mut self, event: RaceEvent) {
        match event {
            RaceEvent::Begun(header) => {
                self.traces = vec![None; header.contenders.len()];
                self.candidates = vec![Vec::new(); header.contenders.len()];
                self.header = Some(*header);
            }
            RaceEvent::TurnBegun(turn) => {
                self.current = Some(CurrentTurn { turn, curve: Vec::new(), trace: Trace::default() });
            }
            RaceEvent::Run(event) => {
                if let Some(current) = &mut self.current {
                    current.apply(&event);
                }
            }
            RaceEvent::TurnEnded(usage) => self.turn_ended(usage),
            RaceEvent::Ended(end) => {
                self.current = None;
                self.candidates.clear();
                self.end = Some(end);
            }
        }
    }

    fn turn_ended(&mut self, usage: Usage) {
        let (Some(current), Some(header)) = (self.current.take(), &self.header) else { return };
        // A run that was broken off says nothing about how long it takes.
        if current.trace.stopped || current.trace.finished_ns == 0 {
            return;
        }
        let place = current.turn.contender;
        let Some(case) = header.contenders.get(place).and_then(|one| header.cases.get(one.case as usize)) else {
            return;
        };
        let lane_time = LaneTime::of(&current.trace, &case.dependencies());
        let counts = !current.turn.warm_up;
        self.runs.push(RunMeasure::of(current.turn, &current.trace, lane_time, usage));
        if counts && current.trace.tasks <= MAX_TRACED_TASKS {
            self.keep_nearest_the_median(place, current.trace);
        }
    }

    fn keep_nearest_the_median(&mut self, contender: usize, trace: Trace) {
        let walls: Vec<f64> = self.counted(contender).map(|run| run.wall_ns as f64).collect();
        let middle = median(&walls).unwrap_or(0.0);
        let distance = |trace: &Trace| (trace.wall_ns as f64 - middle).abs();
        let candidates = &mut self.candidates[contender];
        candidates.push(trace);
        // Those farthest off make room.
        candidates.sort_by(|one, other| distance(one).total_cmp(&distance(other)));
        let room = MAX_TRACED_TASKS / candidates.iter().map(|trace| trace.tasks).max().unwrap_or(1).max(1);
        candidates.truncate(room.max(1) as usize);
        self.traces[contender] = candidates.first().cloned();
    }

    /// Who takes part.
    pub fn contenders(&self) -> &[Contender] {
        self.header.as_ref().map_or(&[], |header| &header.contenders)
    }

    /// The runs of a contender that count.
    pub fn counted(&self, contender: usize) -> impl Iterator<Item = &RunMeasure> {
        self.runs.iter().filter(move |run| run.turn.contender == contender && !run.turn.warm_up)
    }

    /// How long a contender's counted runs took, in seconds.
    pub fn secs(&self, contender: usize) -> Vec<f64> {
        let until = self.header.as_ref().map(|header| header.rules.until).unwrap_or_default();
        self.counted(contender).map(|run| run.secs(until)).collect()
    }

    /// [`RaceModel::secs`] summed up; `None` before the first.
    pub fn time(&self, contender: usize) -> Option<Summary> {
        Summary::of(&self.secs(contender))
    }

    /// Every contender's mean is known as closely as the rules want it.
    pub fn is_precise(&self) -> bool {
        let Some(header) = &self.header else { return false };
        let share = |place| self.time(place).and_then(|time| time.relative_half_width());
        (0..header.contenders.len()).all(|place| share(place).is_some_and(|share| share <= header.rules.wanted_share))
    }

    /// CPU time over the whole race.
    pub fn cpu(&self) -> CpuTicks {
        self.runs.iter().fold(CpuTicks::default(), |sum, run| sum.plus(run.usage.cpu))
    }

    /// It goes on.
    pub const fn is_under_way(&self) -> bool {
        self.header.is_some() && self.end.is_none()
    }
}

impl CurrentTurn {
    fn apply(&mut self, event: &Event) {
        let before = self.trace.counts.total();
        self.trace.apply(event);
        let ended = self.trace.counts.total();
        if ended > before {
            self.curve.push((event.at_ns, ended));
            if self.curve.len() > LIVE_POINTS {
                let mut place = 0;
                self.curve.retain(|_| {
                    place += 1;
                    place % 2 == 0
                });
            }
        }
    }
}
