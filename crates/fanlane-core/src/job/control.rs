//! Control of a run: when it ends early, waits or holds back.

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
    /// A number of tasks, above 0.
    Count(u64),
    /// A share of the batch in per cent, above 0 and up to 100; 3 tasks at least, as in GNU parallel.
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
        // The short forms that GNU parallel has besides.
        let expanded = match text {
            "1" => "soon,fail=1",
            "2" => "now,fail=1",
            "-1" => "soon,success=1",
            "-2" => "now,success=1",
            other => other,
        };
        let share = expanded.strip_suffix('%').filter(|share| share.bytes().all(|byte| byte.is_ascii_digit()));
        let expanded = share.map_or_else(|| expanded.to_owned(), |share| format!("soon,fail={share}%"));
        let text = &*expanded;
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

/// Maximum length of time in a job: a year, in seconds.
pub const MAX_SECS: f64 = 31_536_000.0;

/// Control of a job's run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Control {
    /// When the run ends before all tasks have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub halt: Option<Halt>,
    /// Minimum time between two starts, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_secs: Option<f64>,
    /// How long a failed task waits before it is tried again; not at all if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_wait: Option<RetryWait>,
    /// Timeout as a share of the median of the tasks done so far, in per cent, above 100; applies once three are done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_percent: Option<f64>,
    /// Minimum free memory for a start, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memfree_bytes: Option<u64>,
    /// Maximum load of the machine for a start: the number of processes that want to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_limit: Option<f64>,
    /// A command line whose exit status says whether a task may start: 0 it may, 1 none may, 2 the youngest is to end as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_command: Option<String>,
    /// Tasks start only while the machine does not swap both in and out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub no_swap: bool,
    /// Niceness of tasks, 0 to 19.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nice: Option<i32>,
    /// Time without a sign of life after which a worker is asked for one, in seconds: 0.1 to 3600; 5 if not given. After
    /// twice this time without an answer it is killed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat_secs: Option<f64>,
    /// Limits of one task; for commands alone.
    #[serde(skip_serializing_if = "Limits::is_none")]
    pub limits: Limits,
    /// How many slots of the pool each task takes, 1 or more; not given: one. The same for all, or a template of each
    /// task's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slots: Option<ResourceRequest>,
    /// Limited resources by name, with their number: `{"gpu": 2}`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub resources: BTreeMap<String, u32>,
    /// How many of each resource a task needs while it runs, the same for all or templates. Its environment says which it
    /// has, as `FANLANE_GPU=0,1`, where there are at most [`MAX_NUMBERED`].
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<String, ResourceRequest>,
    /// Which tasks wait for which others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
}

/// Dependencies between tasks; both names are columns of the inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct After {
    /// The column that names each task.
    pub name: String,
    /// The column with the names of the tasks that must be done before, separated by blanks; empty for none.
    pub after: String,
}

impl Control {
    /// Maximum number of tasks that run at once in a pool of `workers`, where all need the same: fewer than `workers`
    /// where each takes several places, or needs a scarce resource.
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

    /// The resources that each lane keeps for its whole life: none where requests differ from task to task.
    pub fn requests_of_lane(&self) -> BTreeMap<String, u32> {
        if self.requests_differ() {
            return BTreeMap::new();
        }
        let numbered = self.numbered().filter_map(|(name, need)| Some((name.clone(), need.count()?)));
        numbered.collect()
    }

    /// The variables that say which resources an attempt has, where requests differ; in the order of the names.
    pub fn variables_of_attempt(&self) -> Vec<String> {
        if !self.requests_differ() {
            return Vec::new();
        }
        self.numbered().map(|(name, _)| variable_of(name)).collect()
    }

    /// The requests for resources whose items are numbered, because there are few enough.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_halt_is_read_and_written_as_parallel_writes_it() {
        for text in ["now,fail=1", "soon,fail=3", "soon,success=50%", "now,done=2.5%"] {
            assert_eq!(text.parse::<Halt>().unwrap().to_string(), text);
        }
        for (text, long) in [("1", "soon,fail=1"), ("-2", "now,success=1"), ("5%", "soon,fail=5%")] {
            assert_eq!(text.parse::<Halt>().unwrap().to_string(), long);
        }
        for text in [
            "",
            "0",
            "3",
            "%",
            "never",
            "now",
            "now,fail",
            "later,fail=1",
            "now,lost=1",
            "now,fail=0",
            "now,fail=101%",
            "now,fail=x",
        ] {
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
}
