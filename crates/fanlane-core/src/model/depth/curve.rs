//! A step curve of running and ended tasks in bounded memory. When it grows too long, neighbouring steps are merged;
//! a merged step keeps the smallest, the largest and the mean number of running tasks, so no dip and no peak is lost.

/// Maximum number of steps kept.
pub const MAX_STEPS: usize = 4096;
/// Width of a cell while the curve is short: 1 µs is finer than any task.
const FINEST_NS: u64 = 1000;

/// Running and ended tasks over time.
#[derive(Clone, Debug)]
pub struct Curve {
    cell_ns: u64,
    cells: Vec<Cell>,
    last_ns: u64,
    running: i64,
    ended: i64,
}

/// One span of time; spans without a change have no cell.
#[derive(Clone, Copy, Debug)]
struct Cell {
    index: u64,
    // The counts at the beginning and at the end of the span.
    running_first: i64,
    running_last: i64,
    running_min: i64,
    running_max: i64,
    // Running tasks times nanoseconds, over the whole span once the next cell exists.
    running_area: i128,
    // The time up to which the area is summed.
    until_ns: u64,
    ended_last: i64,
}

/// One step of the curve for drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Where it begins, in nanoseconds since the run's start.
    pub from_ns: u64,
    /// Where it ends: where the next one begins.
    pub to_ns: u64,
    /// The smallest number of running tasks.
    pub running_min: u64,
    /// The largest number of running tasks.
    pub running_max: u64,
    /// The mean number of running tasks.
    pub running_mean: f64,
    /// Tasks that were queued at its end.
    pub queued: u64,
    /// Tasks that had ended at its end.
    pub ended: u64,
}

impl Default for Curve {
    fn default() -> Self {
        Self { cell_ns: FINEST_NS, cells: Vec::new(), last_ns: 0, running: 0, ended: 0 }
    }
}

impl Curve {
    /// Changes the counts at a time; a time earlier than that of the previous change counts as that one.
    pub fn add(&mut self, at_ns: u64, running: i64, ended: i64) {
        let at_ns = at_ns.max(self.last_ns);
        if at_ns > self.last_ns {
            self.hold_until(at_ns);
        }
        let index = at_ns / self.cell_ns;
        if self.cells.last().is_none_or(|cell| cell.index != index) {
            self.cells.push(Cell::held(index, self.cell_ns, at_ns, self.running, self.ended));
        }
        self.running += running;
        self.ended += ended;
        if let Some(cell) = self.cells.last_mut() {
            cell.running_last = self.running;
            cell.ended_last = self.ended;
        }
        while self.cells.len() > MAX_STEPS {
            self.double();
        }
    }

    // A value counts for the extremes only if it held for some time: an end and the next start often share an instant,
    // with no idle time between them.
    fn hold_until(&mut self, at_ns: u64) {
        if let Some(cell) = self.cells.last_mut() {
            let end_ns = ((cell.index + 1) * self.cell_ns).min(at_ns);
            if end_ns > cell.until_ns {
                cell.running_min = cell.running_min.min(self.running);
                cell.running_max = cell.running_max.max(self.running);
                cell.running_area += i128::from(self.running) * i128::from(end_ns - cell.until_ns);
                cell.until_ns = end_ns;
            }
        }
        self.last_ns = at_ns;
    }

    fn double(&mut self) {
        let old_ns = self.cell_ns;
        self.cell_ns *= 2;
        let mut merged: Vec<Cell> = Vec::with_capacity(self.cells.len() / 2 + 1);
        for mut cell in self.cells.drain(..) {
            let half = cell.index % 2;
            cell.index /= 2;
            match merged.last_mut() {
                Some(first) if first.index == cell.index => first.join(cell),
                _ => {
                    if half == 1 {
                        // The first half had no change: it held what the second began with.
                        cell.running_area += i128::from(cell.running_first) * i128::from(old_ns);
                        cell.running_min = cell.running_min.min(cell.running_first);
                        cell.running_max = cell.running_max.max(cell.running_first);
                    }
                    if let Some(before) = merged.last_mut() {
                        before.fill(self.cell_ns);
                    }
                    merged.push(cell);
                }
            }
        }
        self.cells = merged;
    }

    /// The curve until `now_ns`; `tasks` gives the size of the batch at each time. Each step holds until the next
    /// begins.
    pub fn into_steps(self, tasks_at: impl Fn(u64) -> u64, now_ns: u64) -> Vec<Step> {
        let mut curve = self;
        curve.hold_until(now_ns.max(curve.last_ns));
        let mut steps: Vec<Step> = Vec::with_capacity(curve.cells.len() + 2);
        let mut push = |step: Step| {
            if step.to_ns > step.from_ns {
                steps.push(step);
            }
        };
        let mut at_ns = 0;
        let (mut running, mut ended) = (0, 0);
        for cell in &curve.cells {
            let from_ns = cell.index * curve.cell_ns;
            push(Step::flat(at_ns, from_ns, running, ended, tasks_at(from_ns)));
            let to_ns = cell.until_ns.max(from_ns);
            let span_ns = (to_ns - from_ns) as f64;
            push(Step {
                running_mean: cell.running_area as f64 / span_ns.max(1.0),
                running_min: cell.running_min.max(0) as u64,
                running_max: cell.running_max.max(0) as u64,
                ..Step::flat(from_ns, to_ns, cell.running_last, cell.ended_last, tasks_at(to_ns))
            });
            at_ns = to_ns;
            (running, ended) = (cell.running_last, cell.ended_last);
        }
        push(Step::flat(at_ns, now_ns, running, ended, tasks_at(now_ns)));
        steps
    }
}

impl Cell {
    // A new cell begins with the counts before its first change.
    fn held(index: u64, cell_ns: u64, at_ns: u64, running: i64, ended: i64) -> Self {
        let held_ns = at_ns - index * cell_ns;
        let (running_min, running_max) = if held_ns > 0 { (running, running) } else { (i64::MAX, i64::MIN) };
        Self {
            index,
            running_first: running,
            running_last: running,
            running_min,
            running_max,
            running_area: i128::from(running) * i128::from(held_ns),
            until_ns: at_ns,
            ended_last: ended,
        }
    }

    // After its last change, the counts hold for the rest of the span.
    fn fill(&mut self, cell_ns: u64) {
        let end_ns = (self.index + 1) * cell_ns;
        if self.until_ns < end_ns {
            self.running_area += i128::from(self.running_last) * i128::from(end_ns - self.until_ns);
            self.running_min = self.running_min.min(self.running_last);
            self.running_max = self.running_max.max(self.running_last);
            self.until_ns = end_ns;
        }
    }

    fn join(&mut self, second: Self) {
        // The second's area begins at its own span, so the first is filled up to there.
        self.running_min = self.running_min.min(second.running_min);
        self.running_max = self.running_max.max(second.running_max);
        self.running_area += second.running_area;
        self.running_last = second.running_last;
        self.ended_last = second.ended_last;
        self.until_ns = second.until_ns;
    }
}

impl Step {
    fn flat(from_ns: u64, to_ns: u64, running: i64, ended: i64, tasks: u64) -> Self {
        let (running, ended) = (running.max(0) as u64, ended.max(0) as u64);
        Self {
            from_ns,
            to_ns,
            running_min: running,
            running_max: running,
            running_mean: running as f64,
            queued: tasks.saturating_sub(ended).saturating_sub(running),
            ended,
        }
    }
}
