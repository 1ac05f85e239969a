//! Where the lanes' time went: every nanosecond of every lane, from the run's start to the end of its last task, is
//! counted once, by the run's events.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::event::TaskId;
use crate::job::dependencies::Dependencies;

use super::trace::{Span, Trace};

/// Time of all lanes, in nanoseconds. The parts add up to `lanes` times the run's wall time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneTime {
    /// How many lanes there were.
    pub lanes: u32,
    /// Before a lane's worker was ready.
    pub start_up_ns: u64,
    /// Between a task's end and the next start in the lane, while a task was ready to start: sending the result,
    /// sending the next task, and waking up both sides.
    pub hand_over_ns: u64,
    /// Idle while tasks waited: for their dependencies, for a gate, or at another worker.
    pub waiting_ns: u64,
    /// Idle after the last task had begun.
    pub tail_ns: u64,
    /// In final attempts.
    pub busy_ns: u64,
    /// In attempts that were followed by another.
    pub repeated_ns: u64,
}

impl LaneTime {
    /// Counts a run that has ended. `needs` gives the dependencies between tasks.
    pub fn of(trace: &Trace, needs: &Dependencies) -> Self {
        let lanes = trace.lanes();
        let mut by_lane: Vec<Vec<&Span>> = vec![Vec::new(); lanes as usize];
        for span in &trace.spans {
            by_lane[span.lane as usize].push(span);
        }
        let mut ready: Vec<Vec<u64>> = vec![Vec::new(); lanes as usize];
        for life in &trace.lives {
            ready[life.lane as usize].push(life.ready_ns);
        }
        let heard: HashMap<u64, u64> = if needs.is_empty() {
            HashMap::new()
        } else {
            trace.spans.iter().filter(|span| span.is_last).map(|span| (span.task, span.heard_ns)).collect()
        };
        let run = Walk {
            end_ns: trace.wall_ns,
            last_start_ns: trace.spans.iter().map(|span| span.start_ns).max().unwrap_or(0),
            held: &trace.held,
            permitted_ns: &|task| {
                let before = needs.get(&TaskId(task)).map_or(&[][..], Vec::as_slice);
                before.iter().filter_map(|task| heard.get(&task.0)).copied().max().unwrap_or(0)
            },
        };
        let mut time = Self { lanes, ..Self::default() };
        for (spans, ready) in by_lane.iter_mut().zip(&ready) {
            spans.sort_unstable_by_key(|span| span.start_ns);
            run.count(&mut time, spans, ready);
        }
        time
    }

    /// The sum of all parts, in nanoseconds.
    pub const fn total_ns(&self) -> u64 {
        self.start_up_ns + self.hand_over_ns + self.waiting_ns + self.tail_ns + self.busy_ns + self.repeated_ns
    }
}

struct Walk<'a> {
    end_ns: u64,
    last_start_ns: u64,
    held: &'a [(u64, u64)],
    permitted_ns: &'a dyn Fn(u64) -> u64,
}

impl Walk<'_> {
    /// Walks along one lane, whose workers were there from the moments `ready` on.
    fn count(&self, time: &mut LaneTime, spans: &[&Span], ready: &[u64]) {
        let mut at_ns = 0;
        // When the engine knew that the lane was free.
        let mut free_ns = 0;
        for span in spans {
            let start_ns = span.start_ns.clamp(at_ns, self.end_ns.max(at_ns));
            let there_ns = ready.iter().copied().filter(|ready_ns| *ready_ns <= start_ns).max().unwrap_or(start_ns);
            if there_ns > at_ns {
                time.start_up_ns += there_ns - at_ns;
                at_ns = there_ns;
                free_ns = there_ns;
            }
            let waited_ns = self.waited(span, at_ns, free_ns.clamp(at_ns, start_ns), start_ns);
            time.waiting_ns += waited_ns;
            time.hand_over_ns += start_ns - at_ns - waited_ns;
            let end_ns = span.end_ns().clamp(start_ns, self.end_ns.max(start_ns));
            *(if span.is_last { &mut time.busy_ns } else { &mut time.repeated_ns }) += end_ns - start_ns;
            at_ns = end_ns;
            free_ns = span.heard_ns;
        }
        if spans.is_empty() {
            let there_ns = ready.iter().copied().min().unwrap_or(self.end_ns).min(self.end_ns);
            time.start_up_ns += there_ns;
            at_ns = there_ns;
        }
        let end_ns = self.end_ns.max(at_ns);
        let last_start_ns = self.last_start_ns.clamp(at_ns, end_ns);
        time.waiting_ns += last_start_ns - at_ns;
        time.tail_ns += end_ns - last_start_ns;
    }

    /// The part of the gap before a span in which the span's task could not have begun.
    fn waited(&self, span: &Span, at_ns: u64, free_ns: u64, start_ns: u64) -> u64 {
        let permitted_ns = (self.permitted_ns)(span.task).clamp(free_ns, start_ns);
        let held = self.held.iter().map(|(from_ns, to_ns)| {
            let (from_ns, to_ns) = ((*from_ns).clamp(permitted_ns, start_ns), (*to_ns).clamp(permitted_ns, start_ns));
            to_ns.saturating_sub(from_ns)
        });
        (permitted_ns - free_ns + held.sum::<u64>()).min(start_ns - at_ns)
    }
}
