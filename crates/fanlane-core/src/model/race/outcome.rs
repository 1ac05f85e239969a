//! The state of a race, folded from its events; it can be saved and opened again.

use serde::{Deserialize, Serialize};

use crate::event::{Event, EventKind, InterpreterFacts, RunEvent};
use crate::job::Mode;
use crate::model::statistics::{Summary, median};

use super::lane_time::LaneTime;
use super::measure::{CpuTicks, CurvePoint, RunMeasure, Usage};
use super::trace::{MAX_TRACED_TASKS, Trace};
use super::{Contender, RaceEnd, RaceHeader, Turn};

/// Maximum number of points of the curve of the current run.
const LIVE_POINTS: usize = 400;

/// A fact about a race.
#[derive(Clone, Debug)]
pub enum RaceEvent {
    /// The first one.
    Begun(Box<RaceHeader>),
    /// A run begins.
    TurnBegun(Turn),
    /// An event of the current run.
    Run(Event),
    /// The current run has ended; with the resource use measured during it.
    TurnEnded(Usage),
    /// The last one.
    Ended(RaceEnd),
}

/// The state of a race.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RaceModel {
    /// Its job, rules and machine; `None` before its first event.
    pub header: Option<RaceHeader>,
    /// Every run that has ended, warm-up runs included, in order.
    pub runs: Vec<RunMeasure>,
    /// For each contender the lanes of the run nearest to its median; `None` before the first counted run, and for more
    /// than [`MAX_TRACED_TASKS`] tasks.
    pub traces: Vec<Option<Trace>>,
    /// Why it is over; `None` while it is running.
    pub end: Option<RaceEnd>,
    /// The interpreter that did the calls of a Python function in the latest run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<InterpreterFacts>,
    /// The run under way.
    #[serde(skip)]
    pub current: Option<CurrentTurn>,
    /// Traces of earlier runs of each contender: the run nearest to the median is known only at the end.
    #[serde(skip)]
    candidates: Vec<Vec<Trace>>,
}

/// The run under way.
#[derive(Clone, Debug, PartialEq)]
pub struct CurrentTurn {
    /// The turn.
    pub turn: Turn,
    /// The progress curve so far.
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
                if let EventKind::Run(RunEvent::InterpreterFound(facts)) = &event.kind {
                    self.interpreter = Some(facts.clone());
                }
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
        // A run that was broken off has no meaningful time.
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

    /// The contenders.
    pub fn contenders(&self) -> &[Contender] {
        self.header.as_ref().map_or(&[], |header| &header.contenders)
    }

    /// The mode in which the lock of an interpreter is told: that of threads, where they take part.
    pub fn mode_of_lock(&self) -> Mode {
        let has_threads = self.contenders().iter().any(|one| one.mode == Mode::Threads);
        if has_threads { Mode::Threads } else { Mode::Pool }
    }

    /// The counted runs of a contender.
    pub fn counted(&self, contender: usize) -> impl Iterator<Item = &RunMeasure> {
        self.runs.iter().filter(move |run| run.turn.contender == contender && !run.turn.warm_up)
    }

    /// The times of a contender's counted runs, in seconds.
    pub fn secs(&self, contender: usize) -> Vec<f64> {
        let until = self.header.as_ref().map(|header| header.rules.until).unwrap_or_default();
        self.counted(contender).map(|run| run.secs(until)).collect()
    }

    /// The summary of [`RaceModel::secs`]; `None` before the first.
    pub fn time(&self, contender: usize) -> Option<Summary> {
        Summary::of(&self.secs(contender))
    }

    /// Whether every contender's mean is as precise as the rules require.
    pub fn is_precise(&self) -> bool {
        let Some(header) = &self.header else { return false };
        let share = |place| self.time(place).and_then(|time| time.relative_half_width());
        (0..header.contenders.len()).all(|place| share(place).is_some_and(|share| share <= header.rules.wanted_share))
    }

    /// CPU time over the whole race.
    pub fn cpu(&self) -> CpuTicks {
        self.runs.iter().fold(CpuTicks::default(), |sum, run| sum.plus(run.usage.cpu))
    }

    /// Whether it is still running.
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
