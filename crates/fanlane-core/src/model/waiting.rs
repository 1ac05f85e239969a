//! Why tasks wait, in words: of the queue as a whole, and of one task. It repeats the dispatcher's rules on what is known of the
//! run from outside: its batch, its events and the time.

use super::RunModel;
use super::format::{self, count, plural};
use crate::event::TaskId;
use crate::job::{Batch, Control};

/// Number of queued tasks that are looked at for what the queue waits for.
const MAX_LOOKED_AT: u64 = 256;

/// What is known of a run under way.
#[derive(Clone, Copy)]
pub struct Waiting<'a> {
    /// Its tasks; `None`: nothing is known of what they need.
    pub batch: Option<&'a Batch>,
    /// What is known of it.
    pub model: &'a RunModel,
    /// The time, in nanoseconds since its start.
    pub now_ns: u64,
}

impl Waiting<'_> {
    /// Why tasks of the queue do not begin now; `None` where none waits, or the run has ended.
    pub fn queue_words(&self) -> Option<String> {
        let progress = &self.model.progress;
        if progress.summary.is_some() {
            return None;
        }
        if let Some(words) = self.run_words() {
            return Some(words);
        }
        let queued = self.model.queued();
        if queued == 0 {
            return progress.grows.then(|| "Waiting for further inputs".to_owned());
        }
        let tasks = plural(queued, "task");
        let (live, busy) = (u64::from(progress.live_workers), self.running());
        if live == 0 {
            return Some(format!("{tasks} wait: the workers are starting").replace("1 task wait:", "1 task waits:"));
        }
        let verb = if queued == 1 { "waits" } else { "wait" };
        if busy >= live {
            let limit = self.scarce().map_or_else(String::new, |words| format!(" ({words})"));
            let all =
                if live == 1 { "the only one is busy".to_owned() } else { format!("all {} are busy", count(live)) };
            return Some(format!("{tasks} {verb} for a free worker: {all}{limit}"));
        }
        self.first_reason().map_or_else(
            || Some(format!("{tasks} {verb} for a free worker")),
            |reason| Some(format!("{tasks} {verb}: {reason}")),
        )
    }

    /// Why a task does not begin now; `None` for one that has ended or is running.
    pub fn task_words(&self, task: TaskId) -> Option<String> {
        let progress = &self.model.progress;
        if progress.summary.is_some() || self.has_begun(task) {
            return None;
        }
        // What holds up the whole run is said first, but a task has reasons of its own that outlast it.
        let own = self.own_reason(task);
        let stops = self.model.steering.has_breakpoint(task) && progress.stopped_before != Some(task);
        let breakpoint = if stops { " The run pauses before it begins." } else { "" };
        let words = match (self.run_words(), own) {
            (Some(run), Some(own)) => format!("{run}. It would also wait {own}."),
            (Some(run), None) => format!("{run}."),
            (None, Some(own)) => format!("It waits {own}."),
            (None, None) => match (u64::from(progress.live_workers), self.running()) {
                (0, _) => "It waits for the workers, which are starting.".to_owned(),
                (live, busy) if busy >= live => {
                    format!("It waits for a free worker: {} of {} are busy.", count(live), count(live))
                }
                _ => "It waits for its turn.".to_owned(),
            },
        };
        Some(words + breakpoint)
    }

    /// What holds up all tasks.
    fn run_words(&self) -> Option<String> {
        let progress = &self.model.progress;
        if progress.stopping {
            return Some("The run is being stopped".to_owned());
        }
        if let Some(halt) = &progress.halted {
            return Some(format!("Ending by halt {halt}"));
        }
        if let Some(task) = progress.stopped_before {
            let number = self.batch.map_or_else(|| task.number(), |batch| batch.number(task));
            return Some(format!("Paused before task {number}, which has a breakpoint: Resume goes on with it"));
        }
        if progress.paused {
            return Some("Paused: running tasks finish, no further task starts".to_owned());
        }
        if let Some(reason) = &progress.cannot_start {
            return Some(format!("No worker can be started: {reason}"));
        }
        if progress.workers == 0 {
            return Some("The pool has no workers: move the slider to start some".to_owned());
        }
        progress.held.as_ref().map(|reason| format!("Waiting: {reason}"))
    }

    /// What a task waits for besides a worker, as the end of a sentence.
    fn own_reason(&self, task: TaskId) -> Option<String> {
        let batch = self.batch.filter(|batch| task.0 < batch.len())?;
        self.before(batch, task).or_else(|| self.retry(batch, task)).or_else(|| self.resource(batch, task)).or_else(
            || {
                let secs = batch.job().control.delay_secs.filter(|secs| *secs > 0.0)?;
                Some(format!("for its time: tasks start {} apart", secs_words(secs)))
            },
        )
    }

    fn before(&self, batch: &Batch, task: TaskId) -> Option<String> {
        let before = batch.dependencies().get(&task)?;
        let open: Vec<TaskId> = before.iter().copied().filter(|one| !self.is_done(*one)).collect();
        let first = *open.first()?;
        let state = if self.is_running(first) { "is running" } else { "has not begun" };
        let number = batch.number(first);
        Some(match open.len() {
            1 => format!("for task {number}, which {state}"),
            several => format!("for task {number}, which {state}, and {}", plural(several as u64 - 1, "other task")),
        })
    }

    fn retry(&self, batch: &Batch, task: TaskId) -> Option<String> {
        let wait = batch.job().control.retry_wait?;
        let attempts = self.model.records.retried(task);
        let last = attempts.last()?;
        let wait_ns = (wait.secs_after(attempts.len() as u32) * 1e9) as u64;
        let due_ns = last.start_ns.saturating_add(last.wall_ns).saturating_add(wait_ns);
        let left_ns = due_ns.checked_sub(self.now_ns).filter(|left_ns| *left_ns > 0)?;
        Some(format!("for its retry in {}", format::estimate((left_ns as f64 / 1e9).ceil())))
    }

    fn resource(&self, batch: &Batch, task: TaskId) -> Option<String> {
        let Some(requests) = batch.requests() else { return self.scarce().map(|words| format!("for {words}")) };
        let needs = requests.of_kind(requests.kind_of(task));
        let mut used = vec![0_u64; needs.len()];
        for running in self.model.running.keys() {
            if running.0 < batch.len() {
                let taken = requests.of_kind(requests.kind_of(*running));
                used.iter_mut().zip(taken).for_each(|(used, taken)| *used += u64::from(*taken));
            }
        }
        let places = std::iter::once(("places of the pool", self.model.progress.workers));
        let counters = requests.counters().iter().map(|counter| (counter.name.as_str(), counter.total));
        let all = places.chain(counters).zip(needs).zip(used);
        all.filter(|((_, need), _)| **need > 0).find_map(|(((name, total), need), used)| {
            (used + u64::from(*need) > u64::from(total))
                .then(|| format!("for {name}: {used} of {total} in use, it takes {need}"))
        })
    }

    /// The resource that keeps the number of tasks at once below the size of the pool, where all tasks take the same.
    fn scarce(&self) -> Option<String> {
        let control: &Control = &self.batch?.job().control;
        let pool = self.model.progress.workers;
        let at_once = control.at_once(pool);
        if control.requests_differ() || at_once >= pool || self.running() < u64::from(at_once) {
            return None;
        }
        let named = control.needs.iter().find_map(|(name, need)| {
            let (total, need) = (*control.resources.get(name)?, need.count().filter(|need| *need > 0)?);
            (total / need == at_once).then(|| format!("{name}: {} of {total} in use", at_once * need))
        });
        named.or_else(|| {
            let each = control.slots.as_ref()?.count()?;
            Some(format!("places of the pool: {} of {pool} in use", at_once * each))
        })
    }

    /// The next tasks of the queue, the higher priority first and else in the order of the batch, as far as these are found near
    /// those that have begun.
    pub fn next_tasks(&self, most: usize) -> Vec<TaskId> {
        let Some(batch) = self.batch else { return Vec::new() };
        let steering = &self.model.steering;
        let ranks = steering.ranks().filter(|(task, _)| task.0 < batch.len() && !self.has_begun(*task));
        let mut ranked: Vec<_> =
            ranks.map(|(task, rank)| (std::cmp::Reverse(rank), batch.order().place_of(task), task)).collect();
        ranked.sort_unstable();
        let (first, last) = ranked.split_at(ranked.partition_point(|(rank, ..)| rank.0 > 0));
        let begun = self.model.progress.counts.total() + self.running();
        // The first that have not begun stand behind about as many as have.
        let looked_at = MAX_LOOKED_AT.max(most as u64);
        let from = begun.saturating_sub(looked_at / 2);
        let near = from..batch.len().min(from + 2 * looked_at);
        let waits = |task: &TaskId| !self.has_begun(*task) && !steering.is_ranked(*task);
        let near = near.map(|place| batch.order().task_at(place)).filter(waits);
        let task = |(_, _, task): &(_, _, TaskId)| *task;
        first.iter().map(task).chain(near).chain(last.iter().map(task)).take(most).collect()
    }

    /// What the first tasks of the queue wait for though a worker is free.
    fn first_reason(&self) -> Option<String> {
        let batch = self.batch?;
        let queued = self.next_tasks(MAX_LOOKED_AT as usize).into_iter();
        let mut reasons = queued.filter_map(|task| Some((task, self.own_reason(task)?)));
        let (task, reason) = reasons.next()?;
        Some(format!("task {} waits {reason}", batch.number(task)))
    }

    fn is_done(&self, task: TaskId) -> bool {
        self.model.records.of(task).is_some_and(|record| record.outcome == crate::event::Outcome::Done)
    }

    fn is_running(&self, task: TaskId) -> bool {
        self.model.running.contains_key(&task)
    }

    fn has_begun(&self, task: TaskId) -> bool {
        let records = &self.model.records;
        records.of(task).is_some() || records.is_rest_cancelled() || self.is_running(task)
    }

    /// Number of tasks that are known to be running.
    fn running(&self) -> u64 {
        self.model.running.len() as u64
    }
}

fn secs_words(secs: f64) -> String {
    format::duration((secs * 1e9) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{
        AttemptRecord, DispatchEvent, Event, EventKind, LaneId, Outcome, RunEvent, RunHeader, TaskEvent, WorkerEvent,
        WorkerId,
    };
    use crate::job::{Job, Mode};

    const SEC: u64 = 1_000_000_000;

    struct Run {
        batch: Batch,
        model: RunModel,
    }

    impl Run {
        /// A run with two live workers of a pool of so many, and these tasks running.
        fn new(job: &str, workers: u32, running: &[u64]) -> Self {
            let job = Job::parse(&format!("Job(version: 1, {job})")).expect("the job is well formed");
            let batch = Batch::open(&job, std::path::Path::new("/tmp"), &mut std::io::empty()).expect("it opens");
            let mut run = Self { model: RunModel::default(), batch };
            let header = RunHeader {
                name: String::new(),
                mode: Mode::Pool,
                workers,
                tasks: run.batch.len(),
                started_unix_ms: 0,
            };
            run.say(0, EventKind::Run(RunEvent::Started(header)));
            for lane in 0..2 {
                let worker = WorkerId(lane + 1);
                run.say(0, EventKind::Worker(WorkerEvent::Started { worker, lane: LaneId(lane), pid: 9 }));
            }
            for (worker, task) in (1..).zip(running) {
                let (task, worker) = (TaskId(*task), WorkerId(worker));
                run.say(SEC, EventKind::Task(TaskEvent::Started { task, attempt: 1, worker, start_ns: 0, pid: None }));
            }
            run
        }

        fn say(&mut self, at_ns: u64, kind: EventKind) {
            self.model.take(Event { at_ns, kind });
        }

        fn waiting(&self) -> Waiting<'_> {
            Waiting { batch: Some(&self.batch), model: &self.model, now_ns: 2 * SEC }
        }

        fn queue(&self) -> String {
            self.waiting().queue_words().unwrap_or_default()
        }

        fn task(&self, task: u64) -> String {
            self.waiting().task_words(TaskId(task)).unwrap_or_default()
        }
    }

    const PLAIN: &str = r#"task: Command("sleep {}"), inputs: [Range(1, 9)]"#;

    #[test]
    fn a_queue_behind_busy_workers_waits_for_one_and_none_waits_after_the_end() {
        let mut run = Run::new(PLAIN, 2, &[0, 1]);
        assert_eq!(run.queue(), "7 tasks wait for a free worker: all 2 are busy");
        assert_eq!(run.task(5), "It waits for a free worker: 2 of 2 are busy.");
        assert_eq!(run.task(1), "", "it is running");
        run.model.progress.summary = Some(crate::event::Summary {
            counts: run.model.progress.counts,
            wall_ns: 0,
            cpu_ns: 0,
            retries: 0,
            workers: 2,
            mode: Mode::Pool,
            stopped: false,
        });
        assert_eq!((run.queue(), run.task(5)), (String::new(), String::new()));
    }

    #[test]
    fn what_holds_up_the_whole_run_is_said_of_the_queue_and_of_each_task() {
        let cases: [(EventKind, &str); 5] = [
            (EventKind::Dispatch(DispatchEvent::Paused), "Paused: running tasks finish, no further task starts"),
            (
                EventKind::Dispatch(DispatchEvent::Held { reason: Some("7 tasks need 9 MiB free; 1 MiB are".into()) }),
                "Waiting: 7 tasks need 9 MiB free; 1 MiB are",
            ),
            (
                EventKind::Dispatch(DispatchEvent::WorkersCannotStart { reason: "out of processes".into() }),
                "No worker can be started: out of processes",
            ),
            (
                EventKind::Dispatch(DispatchEvent::PoolResized { workers: 0 }),
                "The pool has no workers: move the slider to start some",
            ),
            (EventKind::Dispatch(DispatchEvent::StopRequested), "The run is being stopped"),
        ];
        for (event, words) in cases {
            let mut run = Run::new(PLAIN, 2, &[0]);
            run.say(SEC, event);
            assert_eq!(run.queue(), words);
            assert_eq!(run.task(5), format!("{words}."));
        }
    }

    #[test]
    fn a_dependency_names_the_task_that_is_waited_for() {
        let job = r#"task: Command("echo {name}"), control: Control(after: After(name: "name", after: "after")), inputs: [
            Columns(from: List(["name,after", "a,", "b,a", "c,a b"]), separator: ",", header: true)]"#;
        let mut run = Run::new(job, 2, &[0]);
        assert_eq!(run.task(1), "It waits for task 1, which is running.");
        assert_eq!(run.task(2), "It waits for task 1, which is running, and 1 other task.");
        assert_eq!(run.queue(), "2 tasks wait: task 2 waits for task 1, which is running");
        let done = AttemptRecord::new(TaskId(0), 1, WorkerId(1), Outcome::Done);
        run.say(SEC, EventKind::Task(TaskEvent::Finished(vec![done])));
        assert_eq!(run.task(2), "It waits for task 2, which has not begun.");
    }

    #[test]
    fn a_retry_says_when_and_a_delay_how_far_apart() {
        let job = format!(r#"{PLAIN}, retries: 2, control: Control(retry_wait: Fixed(secs: 5))"#);
        let mut run = Run::new(&job, 2, &[]);
        let failed = AttemptRecord { wall_ns: SEC, ..AttemptRecord::new(TaskId(0), 1, WorkerId(1), Outcome::TimedOut) };
        run.say(SEC, EventKind::Task(TaskEvent::Retried(failed)));
        assert_eq!(run.task(0), "It waits for its retry in 4 s.");
        let run = Run::new(&format!("{PLAIN}, control: Control(delay_secs: 2)"), 2, &[0]);
        assert_eq!(run.task(3), "It waits for its time: tasks start 2.00 s apart.");
    }

    #[test]
    fn a_resource_in_use_is_named_with_its_numbers() {
        let same = format!(r#"{PLAIN}, control: Control(resources: {{"gpu": 2}}, needs: {{"gpu": 1}})"#);
        let run = Run::new(&same, 4, &[0, 1]);
        assert_eq!(run.task(3), "It waits for gpu: 2 of 2 in use.");
        assert_eq!(run.queue(), "7 tasks wait for a free worker: all 2 are busy (gpu: 2 of 2 in use)");
        let differing = r#"task: Command("echo {gpu}"), control: Control(resources: {"gpu": 2}, needs: {"gpu": "{gpu}"}),
            inputs: [Columns(from: List(["gpu", "2", "1", "0"]), header: true)]"#;
        let run = Run::new(differing, 2, &[0]);
        assert_eq!(run.task(1), "It waits for gpu: 2 of 2 in use, it takes 1.");
        assert_eq!(run.task(2), "It waits for its turn.");
    }

    #[test]
    fn workers_that_start_are_waited_for() {
        let mut run = Run::new(PLAIN, 2, &[]);
        for worker in [1, 2] {
            let ended = WorkerEvent::Ended { worker: WorkerId(worker), reason: crate::event::WorkerEnd::Retired };
            run.say(SEC, EventKind::Worker(ended));
        }
        assert_eq!(run.queue(), "9 tasks wait: the workers are starting");
        assert_eq!(run.task(0), "It waits for the workers, which are starting.");
    }

    #[test]
    fn a_breakpoint_and_a_priority_are_seen_in_the_words_and_in_the_order_of_what_comes_next() {
        let mut run = Run::new(PLAIN, 2, &[0, 1]);
        let dispatch = |run: &mut Run, event| run.say(SEC, EventKind::Dispatch(event));
        dispatch(&mut run, DispatchEvent::PriorityChanged { task: TaskId(7), priority: Some(2) });
        dispatch(&mut run, DispatchEvent::PriorityChanged { task: TaskId(2), priority: Some(-1) });
        dispatch(&mut run, DispatchEvent::PriorityChanged { task: TaskId(5), priority: None });
        let next = |run: &Run| run.waiting().next_tasks(9).iter().map(|task| task.0).collect::<Vec<_>>();
        assert_eq!(next(&run), [5, 7, 3, 4, 6, 8, 2]);
        let before = DispatchEvent::BreakpointChanged { task: TaskId(7), is_set: true };
        dispatch(&mut run, before);
        assert_eq!(run.task(7), "It waits for a free worker: 2 of 2 are busy. The run pauses before it begins.");
        dispatch(&mut run, DispatchEvent::BreakpointReached { task: TaskId(7) });
        assert_eq!(run.queue(), "Paused before task 8, which has a breakpoint: Resume goes on with it");
        dispatch(&mut run, DispatchEvent::Resumed);
        assert!(!run.model.progress.paused && !run.model.steering.has_breakpoint(TaskId(7)));
        let ended = [7, 5].map(|task| AttemptRecord::new(TaskId(task), 1, WorkerId(1), Outcome::Done));
        run.say(SEC, EventKind::Task(TaskEvent::Finished(ended.to_vec())));
        assert_eq!(next(&run), [3, 4, 6, 8, 2]);
    }
}
