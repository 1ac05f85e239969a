//! When a batch stops early, waits or holds back: the parts of a job that steer its run.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use super::limits::Limits;
pub use super::resource_request::{MAX_NUMBERED, ResourceRequest};
pub use super::retry_wait::RetryWait;

/// When a run ends before all tasks have, written as GNU parallel writes it: `now,fail=1`, `soon,done=10`,
/// `soon,success=50%`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Halt {
    /// What becomes of the tasks that are running then.
    pub when: HaltWhen,
    /// Which tasks are counted.
    pub on: HaltOn,
    /// How many of them end the run.
    pub threshold: Threshold,
}

/// What becomes of running tasks at a halt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaltWhen {
    /// They are ended.
    Now,
    /// They are let finish.
    Soon,
}

/// Which tasks count towards a halt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaltOn {
    /// Those that ended without success.
    Fail,
    /// Those that succeeded.
    Success,
    /// Both.
    Done,
}

/// How many tasks it takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// So many.
    Count(u64),
    /// So many of a hundred of the batch, above 0 and up to 100; and three at the least, as in GNU parallel.
    Percent(f64),
}

/// A halt that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' does not say when to halt; write now or soon, a comma, fail, success or done, and how many, \
     for example 'soon,fail=1' or 'now,fail=10%'"
)]
pub struct HaltError(String);

impl FromStr for Halt {
    type Err = HaltError;

    fn from_str(text: &str) -> Result<Self, HaltError> {
        let bad = || HaltError(text.to_owned());
        if text == "never" {
            return Err(bad());
        }
        let (when, rest) = text.split_once(',').ok_or_else(bad)?;
        let when = match when {
            "now" => HaltWhen::Now,
            "soon" => HaltWhen::Soon,
            _ => return Err(bad()),
        };
        let (on, how_many) = rest.split_once('=').ok_or_else(bad)?;
        let on = match on {
            "fail" => HaltOn::Fail,
            "success" => HaltOn::Success,
            "done" => HaltOn::Done,
            _ => return Err(bad()),
        };
        let threshold = match how_many.strip_suffix('%') {
            Some(percent) => {
                let percent: f64 = percent.parse().map_err(|_| bad())?;
                Threshold::Percent(Some(percent).filter(|value| *value > 0.0 && *value <= 100.0).ok_or_else(bad)?)
            }
            None => Threshold::Count(how_many.parse().ok().filter(|count| *count > 0).ok_or_else(bad)?),
        };
        Ok(Self { when, on, threshold })
    }
}

impl TryFrom<String> for Halt {
    type Error = HaltError;

    fn try_from(text: String) -> Result<Self, HaltError> {
        text.parse()
    }
}

impl From<Halt> for String {
    fn from(halt: Halt) -> Self {
        halt.to_string()
    }
}

impl std::fmt::Display for Halt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let when = match self.when {
            HaltWhen::Now => "now",
            HaltWhen::Soon => "soon",
        };
        let on = match self.on {
            HaltOn::Fail => "fail",
            HaltOn::Success => "success",
            HaltOn::Done => "done",
        };
        match self.threshold {
            Threshold::Count(count) => write!(f, "{when},{on}={count}"),
            Threshold::Percent(percent) => write!(f, "{when},{on}={percent}%"),
        }
    }
}

/// The longest time that a job may name: a year, in seconds.
pub const MAX_SECS: f64 = 31_536_000.0;

/// Everything of a job that steers its run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Control {
    /// When the run ends before all tasks have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halt: Option<Halt>,
    /// At least so long between two starts, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_secs: Option<f64>,
    /// How long a failed task waits before it is tried again; not at all if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_wait: Option<RetryWait>,
    /// A task may take so many per cent of the median of those done so far, once three are; above 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_percent: Option<f64>,
    /// No task is started while less memory than this is free, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memfree_bytes: Option<u64>,
    /// No task is started while the machine's load is above this: the count of processes that want to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_limit: Option<f64>,
    /// How far tasks stand back for other programs, 0 to 19.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nice: Option<i32>,
    /// A worker that has given no sign of life for so long is asked, and killed when it does not answer for twice as long,
    /// in seconds: 0.1 to 3600; 5 if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat_secs: Option<f64>,
    /// The most that one task may take; for commands alone.
    #[serde(skip_serializing_if = "Limits::is_none")]
    pub limits: Limits,
    /// How many places of the pool each task takes, 1 or more; not given: one. The same for all, or a template of each
    /// task's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slots: Option<ResourceRequest>,
    /// Things that there are only so many of: name and count, for example `{"gpu": 2}`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<String, u32>,
    /// How many of each a task needs while it runs, the same for all or templates; which ones it got stands in its
    /// environment, as `FANLANE_GPU=0,1`, where there are at most [`MAX_NUMBERED`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<String, ResourceRequest>,
    /// Which tasks wait for which others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
}

/// Tasks that wait for others: both are columns of the inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct After {
    /// The column that names each task.
    pub name: String,
    /// The column with the names of those that must be done before, with blanks between them; empty for none.
    pub after: String,
}

impl Control {
    /// How many tasks may run at once in a pool of `workers`, where all need the same: fewer than that where each takes
    /// several places, or needs what there is less of.
    pub fn at_once(&self, workers: u32) -> u32 {
        let by_slots = workers / self.slots.as_ref().and_then(ResourceRequest::count).unwrap_or(1).max(1);
        let by_needs = self.needs.iter().filter_map(|(name, need)| {
            let there = self.resources.get(name).copied().unwrap_or(0);
            Some(there.checked_div(need.count()?).unwrap_or(u32::MAX))
        });
        by_needs.fold(by_slots, u32::min)
    }

    /// Whether what a task takes differs from task to task.
    pub fn requests_differ(&self) -> bool {
        self.slots.iter().chain(self.needs.values()).any(|need| need.count().is_none())
    }

    /// What each lane has of its own for as long as it lives: nothing where the needs differ.
    pub fn requests_of_lane(&self) -> BTreeMap<String, u32> {
        if self.requests_differ() {
            return BTreeMap::new();
        }
        let numbered = self.numbered().filter_map(|(name, need)| Some((name.clone(), need.count()?)));
        numbered.collect()
    }

    /// The variables that tell each attempt what it has, where the needs differ; in the order of the names.
    pub fn variables_of_attempt(&self) -> Vec<String> {
        if !self.requests_differ() {
            return Vec::new();
        }
        self.numbered().map(|(name, _)| variable_of(name)).collect()
    }

    /// The needs of things that have numbers, because there are few enough.
    fn numbered(&self) -> impl Iterator<Item = (&String, &ResourceRequest)> {
        let is_numbered = |name: &String| self.resources.get(name).is_some_and(|there| *there <= MAX_NUMBERED);
        self.needs.iter().filter(move |(name, _)| is_numbered(name))
    }
}

fn variable_of(name: &str) -> String {
    format!("FANLANE_{}", name.to_uppercase())
}

/// The environment that tells a task in `lane` (from 0) which of the resources are its own.
pub fn environment_of_lane(needs: &BTreeMap<String, u32>, lane: u32) -> Vec<(String, String)> {
    needs
        .iter()
        .filter(|(_, need)| **need > 0)
        .map(|(name, need)| {
            let own: Vec<String> = (lane * need..(lane + 1) * need).map(|place| place.to_string()).collect();
            (variable_of(name), own.join(","))
        })
        .collect()
}

impl Control {
    /// Everything that is wrong with it, each with the name of its field.
    pub fn problems(&self, workers: u32) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let mut complain = |field, message: String| found.push((field, message));
        if self.delay_secs.is_some_and(|secs| !(0.0..=MAX_SECS).contains(&secs)) {
            complain("delay_secs", format!("the delay must be 0 to {MAX_SECS} seconds"));
        }
        if let Some(problem) = self.retry_wait.and_then(RetryWait::problem) {
            complain("retry_wait", problem.to_owned());
        }
        if self.timeout_percent.is_some_and(|percent| !(percent > 100.0 && percent <= 1e9)) {
            complain("timeout_percent", "a timeout of so many per cent of the median must be above 100".to_owned());
        }
        if self.load_limit.is_some_and(|load| !(load > 0.0 && load.is_finite())) {
            complain("load_limit", "the load must be above 0".to_owned());
        }
        if self.nice.is_some_and(|nice| !(0..=19).contains(&nice)) {
            complain("nice", "how nice a task is must be 0 to 19".to_owned());
        }
        if self.heartbeat_secs.is_some_and(|secs| !(0.1..=3600.0).contains(&secs)) {
            complain("heartbeat_secs", "the heartbeat must be 0.1 to 3600 seconds".to_owned());
        }
        if let Some(problem) = self.limits.problem() {
            complain("limits", problem);
        }
        match self.slots.as_ref().map(|slots| (slots.count(), slots.problem())) {
            Some((Some(slots), _)) if slots == 0 || slots > workers => complain(
                "slots",
                format!("a task cannot take {slots} places of a pool of {workers}; ask for 1 to {workers}"),
            ),
            Some((_, Some(error))) => complain("slots", error.to_string()),
            _ => {}
        }
        for (name, need) in &self.needs {
            let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !is_word {
                complain("needs", format!("'{name}' cannot be part of a variable's name; use letters, digits and _"));
            }
            if let Some(error) = need.problem() {
                complain("needs", format!("{name}: {error}"));
            }
            match (self.resources.get(name), need.count()) {
                (None, _) => complain("needs", format!("no resource is called '{name}'; add it to resources")),
                (Some(there), Some(need)) if *there < need => complain(
                    "needs",
                    format!("each task needs {need} of '{name}', but there are {there}; no task could ever run"),
                ),
                (Some(_), _) => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_halt_is_read_and_written_as_parallel_writes_it() {
        for text in ["now,fail=1", "soon,fail=3", "soon,success=50%", "now,done=2.5%"] {
            assert_eq!(text.parse::<Halt>().unwrap().to_string(), text);
        }
        for text in
            ["", "never", "now", "now,fail", "later,fail=1", "now,lost=1", "now,fail=0", "now,fail=101%", "now,fail=x"]
        {
            let error = text.parse::<Halt>().unwrap_err();
            assert!(error.to_string().contains("soon,fail=1"), "{error}");
        }
    }

    #[test]
    fn resources_and_slots_say_how_many_run_at_once_and_who_has_which() {
        let control = Control {
            slots: Some(ResourceRequest::Count(2)),
            resources: BTreeMap::from([("gpu".to_owned(), 4), ("licence".to_owned(), 9)]),
            needs: BTreeMap::from([
                ("gpu".to_owned(), ResourceRequest::Count(2)),
                ("licence".to_owned(), ResourceRequest::Count(1)),
            ]),
            ..Control::default()
        };
        assert_eq!(control.at_once(3), 1);
        assert_eq!(control.at_once(8), 2);
        assert_eq!(control.at_once(100), 2);
        let environment = environment_of_lane(&control.requests_of_lane(), 1);
        assert_eq!(environment, [("FANLANE_GPU".into(), "2,3".into()), ("FANLANE_LICENCE".into(), "1".into())]);
        assert_eq!(Control::default().at_once(7), 7);
    }

    #[test]
    fn what_can_never_run_is_told_before_anything_has() {
        let cases: [(Control, &str); 9] = [
            (Control { delay_secs: Some(-1.0), ..Control::default() }, "delay"),
            (Control { delay_secs: Some(f64::NAN), ..Control::default() }, "delay"),
            (Control { retry_wait: Some(RetryWait::Fixed { secs: 1e300 }), ..Control::default() }, "retry"),
            (Control { timeout_percent: Some(100.0), ..Control::default() }, "median"),
            (Control { load_limit: Some(0.0), ..Control::default() }, "load"),
            (Control { nice: Some(-5), ..Control::default() }, "nice"),
            (Control { slots: Some(ResourceRequest::Count(3)), ..Control::default() }, "3 places of a pool of 2"),
            (
                Control {
                    needs: BTreeMap::from([("gpu".to_owned(), ResourceRequest::Count(1))]),
                    ..Control::default()
                },
                "no resource is called 'gpu'",
            ),
            (
                Control {
                    needs: BTreeMap::from([("gpu".to_owned(), ResourceRequest::Count(2))]),
                    resources: BTreeMap::from([("gpu".to_owned(), 1)]),
                    ..Control::default()
                },
                "there are 1",
            ),
        ];
        for (control, words) in cases {
            let problems = control.problems(2);
            assert!(problems.iter().any(|(_, message)| message.contains(words)), "{words}: {problems:?}");
        }
        assert!(Control::default().problems(1).is_empty());
    }
}
