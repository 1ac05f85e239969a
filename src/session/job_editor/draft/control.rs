//! The fields that steer a run, as typed: the words are those of the command line's flags.

use std::collections::BTreeMap;

use fanlane_core::job::Control;
use fanlane_core::job::amount::{parse_amount, parse_load, parse_request, size_text};
use fanlane_core::job::control::{After, Halt, HaltError, ResourceRequest, RetryWait};
use fanlane_core::job::duration;

use super::typed::{Typed, refused, whole};
use super::{Field, FieldError, sentence};

/// What steers a run, as it is typed; an empty text is nothing asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ControlDraft {
    /// When the run ends early: `soon,fail=1`.
    pub halt: String,
    /// The least time between two starts: `0.5`, `2m`.
    pub delay: String,
    /// The wait before a retry: `2`, or `1..60`.
    pub retry_wait: String,
    /// The share of the median that a task may take: `200%`.
    pub timeout_percent: String,
    /// The memory that must be free: `4G`.
    pub memfree: String,
    /// The machine's largest load: `2`, or `50%` of the cores.
    pub load: String,
    /// How far tasks stand back: 0 to 19.
    pub nice: String,
    /// After how long a silent worker is asked for a sign of life: `30`, `2m`.
    pub heartbeat: String,
    /// How many places of the pool a task takes: `2`, or `{cores}` where that differs.
    pub slots: String,
    /// What there is only so many of: `gpu=2 licence=1`.
    pub resources: String,
    /// How many of these a task needs: `gpu=1`, or `gpu={n}` where that differs.
    pub needs: String,
    /// The column that names each task.
    pub name_column: String,
    /// The column that names the tasks to wait for.
    pub after_column: String,
}

impl ControlDraft {
    pub(super) fn from_control(control: &Control) -> Self {
        let text = |value: Option<String>| value.unwrap_or_default();
        let after = control.after.clone();
        Self {
            halt: text(control.halt.map(|halt| halt.to_string())),
            delay: text(control.delay_secs.map(|secs| secs.to_string())),
            retry_wait: text(control.retry_wait.map(|wait| wait.to_string())),
            timeout_percent: text(control.timeout_percent.map(percent_text)),
            memfree: text(control.memfree_bytes.map(size_text)),
            load: text(control.load_limit.map(|load| load.to_string())),
            nice: text(control.nice.map(|nice| nice.to_string())),
            heartbeat: text(control.heartbeat_secs.map(|secs| secs.to_string())),
            slots: text(control.slots.as_ref().map(|slots| slots.to_string())),
            resources: amounts_text(&control.resources),
            needs: amounts_text(&control.needs),
            name_column: text(after.as_ref().map(|after| after.name.clone())),
            after_column: text(after.map(|after| after.after)),
        }
    }

    /// How many of the fields are filled in; the two columns count as one.
    pub fn filled(&self) -> usize {
        let texts = [
            &self.halt,
            &self.delay,
            &self.retry_wait,
            &self.timeout_percent,
            &self.memfree,
            &self.load,
            &self.nice,
            &self.heartbeat,
            &self.slots,
            &self.resources,
            &self.needs,
        ];
        texts.into_iter().filter(|text| !text.is_empty()).count()
            + usize::from(!self.name_column.is_empty() || !self.after_column.is_empty())
    }

    pub(super) fn to_control(&self, opened: &Control, errors: &mut Vec<FieldError>) -> Control {
        let halt = Typed::new(Field::Halt, &self.halt, opened.halt.as_ref(), Halt::to_string);
        let delay = Typed::new(Field::Delay, &self.delay, opened.delay_secs.as_ref(), f64::to_string);
        let wait = Typed::new(Field::RetryWait, &self.retry_wait, opened.retry_wait.as_ref(), RetryWait::to_string);
        let percent = opened.timeout_percent.as_ref();
        let percent =
            Typed::new(Field::TimeoutPercent, &self.timeout_percent, percent, |percent| percent_text(*percent));
        let memory = Typed::size(Field::MemFree, &self.memfree, opened.memfree_bytes.as_ref());
        let load = Typed::new(Field::Load, &self.load, opened.load_limit.as_ref(), f64::to_string);
        let nice = Typed::new(Field::Nice, &self.nice, opened.nice.as_ref(), i32::to_string);
        let heartbeat = opened.heartbeat_secs.as_ref();
        let heartbeat = Typed::new(Field::Heartbeat, &self.heartbeat, heartbeat, f64::to_string);
        let slots = Typed::new(Field::Slots, &self.slots, opened.slots.as_ref(), ResourceRequest::to_string);
        let resources = Typed::new(Field::Resources, &self.resources, Some(&opened.resources), amounts_text);
        let needs = Typed::new(Field::Needs, &self.needs, Some(&opened.needs), amounts_text);
        Control {
            halt: halt.read(errors, |text| text.parse().map_err(|error: HaltError| sentence(&error.to_string()))),
            delay_secs: delay.read(errors, secs),
            retry_wait: wait.read(errors, |text| text.parse().map_err(|error: String| refused(text, &error))),
            timeout_percent: percent.read(errors, percent_of),
            memfree_bytes: memory.read_size(errors),
            load_limit: load.read(errors, |text| parse_load(text).map_err(|error| refused(text, &error))),
            nice: nice.read(errors, |text| whole(text, "10")),
            heartbeat_secs: heartbeat.read(errors, secs),
            limits: opened.limits,
            slots: slots.read(errors, |text| text.parse().map_err(|error: String| refused(text, &error))),
            resources: resources.read(errors, |text| amounts(text, parse_amount)).unwrap_or_default(),
            needs: needs.read(errors, |text| amounts(text, parse_request)).unwrap_or_default(),
            after: self.after(opened.after.as_ref(), errors),
        }
    }

    fn after(&self, opened: Option<&After>, errors: &mut Vec<FieldError>) -> Option<After> {
        if let Some(opened) =
            opened.filter(|opened| (&opened.name, &opened.after) == (&self.name_column, &self.after_column))
        {
            return Some(opened.clone());
        }
        let (name, after) = (self.name_column.trim(), self.after_column.trim());
        if name.is_empty() && after.is_empty() {
            return None;
        }
        if name.is_empty() || after.is_empty() {
            let message = "Name two columns of the inputs: the one with each task's name, and the one with the names \
                           of those it waits for. Or leave both empty.";
            errors.push(FieldError { field: Field::After, message: message.to_owned() });
        }
        Some(After { name: name.to_owned(), after: after.to_owned() })
    }
}

fn secs(typed: &str) -> Result<f64, String> {
    duration::parse(typed).map(|time| time.secs).map_err(|error| refused(typed, &error))
}

fn percent_text(percent: f64) -> String {
    format!("{percent}%")
}

fn percent_of(typed: &str) -> Result<f64, String> {
    let number = typed.strip_suffix('%').unwrap_or(typed).trim_end();
    number.parse().map_err(|_| refused(typed, "expected a share of the median above 100%, for example 200%"))
}

fn amounts_text<N: std::fmt::Display>(amounts: &BTreeMap<String, N>) -> String {
    amounts.iter().map(|(name, count)| format!("{name}={count}")).collect::<Vec<_>>().join(" ")
}

fn amounts<N>(typed: &str, parse: impl Fn(&str) -> Result<(String, N), String>) -> Result<BTreeMap<String, N>, String> {
    let mut found = BTreeMap::new();
    for part in typed.split([' ', ',', '\t']).filter(|part| !part.is_empty()) {
        let (name, count) = parse(part).map_err(|error| refused(part, &error))?;
        if found.insert(name.clone(), count).is_some() {
            return Err(format!("{name:?} is named twice: say once how many."));
        }
    }
    Ok(found)
}
