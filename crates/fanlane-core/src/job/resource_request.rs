//! How much of a resource a task takes while it runs: a number that holds for all tasks, or a template that gives each
//! its own. The engine decides which task gets what is free.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use bstr::{BString, ByteSlice};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::TaskId;
use super::control::Control;
use super::field::{self, Field};
use super::parameter::fill::ParameterValues;
use super::template::{CommandLine, TaskPlace, Template, TemplateError, Values};

/// Maximum number of a resource whose items have numbers; of larger ones a task is told no items.
pub const MAX_NUMBERED: u32 = 1024;

/// Maximum number of tasks with requests of their own: their table takes 4 bytes for each.
pub const MAX_SIZED: u64 = 50_000_000;

/// How much a task takes; a job file has a number, or a text with replacement strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResourceRequest {
    /// The same for all tasks.
    Count(u32),
    /// A template of a whole number: `{cores}`.
    Template(String),
}

impl ResourceRequest {
    /// The number, where it is the same for all tasks.
    pub const fn count(&self) -> Option<u32> {
        match self {
            Self::Count(count) => Some(*count),
            Self::Template(_) => None,
        }
    }

    /// What is wrong with a template.
    pub(super) fn problem(&self) -> Option<TemplateError> {
        match self {
            Self::Count(_) => None,
            Self::Template(text) => Template::parse_text(text).err(),
        }
    }
}

impl FromStr for ResourceRequest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(count) => Ok(Self::Count(count)),
            Err(_) if text.contains('{') => Ok(Self::Template(text.to_owned())),
            Err(_) => Err("expected a whole number such as 2, or a column that has one for each task: {cores}".into()),
        }
    }
}

impl std::fmt::Display for ResourceRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Template(text) => f.write_str(text),
        }
    }
}

impl Serialize for ResourceRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Count(count) => serializer.serialize_u32(*count),
            Self::Template(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for ResourceRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RequestVisitor;

        impl serde::de::Visitor<'_> for RequestVisitor {
            type Value = ResourceRequest;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a whole number, or a text such as \"{cores}\"")
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<ResourceRequest, E> {
                u32::try_from(number)
                    .map(ResourceRequest::Count)
                    .map_err(|_| E::invalid_value(unexpected(number), &self))
            }

            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<ResourceRequest, E> {
                let refused = E::invalid_value(serde::de::Unexpected::Signed(number), &self);
                u32::try_from(number).map(ResourceRequest::Count).map_err(|_| refused)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<ResourceRequest, E> {
                text.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }

        const fn unexpected(number: u64) -> serde::de::Unexpected<'static> {
            serde::de::Unexpected::Unsigned(number)
        }

        deserializer.deserialize_any(RequestVisitor)
    }
}

/// Why no task could ever be given what it asks for, if that is so.
pub(super) fn problem(needs: &BTreeMap<String, ResourceRequest>, resources: &BTreeMap<String, u32>) -> Option<String> {
    needs.iter().find_map(|(name, request)| {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Some(format!("'{name}' cannot be part of a variable's name; use letters, digits and _"));
        }
        if let Some(error) = request.problem() {
            return Some(format!("{name}: {error}"));
        }
        match (resources.get(name), request.count()) {
            (None, _) => Some(format!("no resource is called '{name}'; add it to resources")),
            (Some(there), Some(count)) if *there < count => {
                Some(format!("each task needs {count} of '{name}', but there are {there}; no task could ever run"))
            }
            (Some(_), _) => None,
        }
    })
}

/// A request of a task that cannot be met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The template cannot be used.
    #[error("{name}: {error}")]
    Template {
        /// The field that holds it.
        field: &'static Field,
        /// Its name there: `control.slots`, or `control.needs, gpu`.
        name: String,
        /// Why.
        #[source]
        error: TemplateError,
    },
    /// What a template gives for a task is no number.
    #[error("{name}: task {number} gets '{value}' from {template}, which is no whole number")]
    NotANumber {
        /// The field that holds the template.
        field: &'static Field,
        /// Its name there.
        name: String,
        /// The task's number.
        number: u64,
        /// The text.
        value: BString,
        /// The template.
        template: String,
    },
    /// More tasks than a table of their needs is kept for.
    #[error("control: {tasks} tasks are too many for needs that differ; up to {MAX_SIZED} can have their own")]
    TooManyTasks {
        /// How many there are.
        tasks: u64,
    },
    /// A task that would take no place.
    #[error("control.slots: task {number} takes 0 slots of the pool; each task takes 1 or more")]
    NoPlace {
        /// The task's number.
        number: u64,
    },
    /// A task that needs more than there is.
    #[error("task {number} needs {need} {name}, there {}; it could never run", Are(*.there))]
    TooMuch {
        /// The task's number.
        number: u64,
        /// What it needs.
        need: u32,
        /// Of what.
        name: String,
        /// How much there is.
        there: u32,
    },
    /// A task that takes more places than the pool has.
    #[error("task {number} takes {slots} slots, but the pool has {workers}; make the pool larger")]
    TooManyPlaces {
        /// The task's number.
        number: u64,
        /// The places it takes.
        slots: u32,
        /// The size of the pool.
        workers: u32,
    },
}

struct Are(u32);

impl std::fmt::Display for Are {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", if self.0 == 1 { "is" } else { "are" }, self.0)
    }
}

/// A limited resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitedResource {
    /// Its name among the job's resources.
    pub name: String,
    /// How much there is.
    pub total: u32,
}

/// The requests of all tasks, where they differ. Tasks with equal requests share one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskRequests {
    counters: Vec<LimitedResource>,
    /// For each kind the places of the pool, and then how much of each counter.
    kinds: Vec<Box<[u32]>>,
    /// By task.
    kind_of: Vec<u32>,
}

/// The bound templates of the requests, where they differ from task to task.
pub(super) struct RequestTemplates<'a> {
    control: &'a Control,
    templates: Vec<BoundRequest<'a>>,
}

/// A request and its field; with its template, if it has one.
struct BoundRequest<'a> {
    field: &'static Field,
    /// Its name in messages.
    name: String,
    request: &'a ResourceRequest,
    line: Option<CommandLine>,
}

impl RequestError {
    /// The field of the job that it is about.
    pub const fn field(&self) -> &'static Field {
        match self {
            Self::Template { field, .. } | Self::NotANumber { field, .. } => field,
            Self::NoPlace { .. } | Self::TooManyPlaces { .. } => &field::SLOTS,
            Self::TooMuch { .. } | Self::TooManyTasks { .. } => &field::NEEDS,
        }
    }
}

impl<'a> RequestTemplates<'a> {
    /// Binds the templates; `None` where all tasks take the same.
    pub(super) fn bind(
        control: &'a Control,
        parameters: &ParameterValues,
        columns: &[String],
    ) -> Result<Option<Self>, RequestError> {
        if !control.requests_differ() {
            return Ok(None);
        }
        let slots = control.slots.as_ref().unwrap_or(&ResourceRequest::Count(1));
        let needs = control.needs.iter().map(|(name, need)| (&field::NEEDS, format!("control.needs, {name}"), need));
        let slots = (&field::SLOTS, "control.slots".to_owned(), slots);
        let bound = std::iter::once(slots).chain(needs).map(|(field, name, request)| {
            let ResourceRequest::Template(text) = request else {
                return Ok(BoundRequest { field, name, request, line: None });
            };
            match Template::parse_text(text).and_then(|template| template.filled(parameters)?.bind(columns)) {
                Ok(line) => Ok(BoundRequest { field, name, request, line: Some(line) }),
                Err(error) => Err(RequestError::Template { field, name, error }),
            }
        });
        let templates = bound.collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Self { control, templates }))
    }

    /// The requests of all tasks, by their numbers and values.
    pub(super) fn resolve<V: Values>(
        &self,
        tasks: impl Iterator<Item = (u64, V)>,
        total: u64,
    ) -> Result<TaskRequests, RequestError> {
        let there = |name: &String| self.control.resources.get(name).copied().unwrap_or(0);
        let counters: Vec<LimitedResource> =
            self.control.needs.keys().map(|name| LimitedResource { name: name.clone(), total: there(name) }).collect();
        let mut requests = TaskRequests { counters, ..TaskRequests::default() };
        let mut kinds: HashMap<Box<[u32]>, u32> = HashMap::new();
        let mut text = Vec::new();
        for (number, values) in tasks {
            let mut kind = Vec::with_capacity(self.templates.len());
            for BoundRequest { field, name, request, line } in &self.templates {
                kind.push(match request {
                    ResourceRequest::Count(count) => *count,
                    ResourceRequest::Template(template) => {
                        text.clear();
                        if let Some(line) = line {
                            line.expand_into(TaskPlace { number, slot: 1, total }, &values, &mut text);
                        }
                        text.to_str().ok().and_then(|text| text.trim().parse().ok()).ok_or_else(|| {
                            let (name, template, value) = (name.clone(), template.clone(), text.clone().into());
                            RequestError::NotANumber { field, name, number, value, template }
                        })?
                    }
                });
            }
            if kind[0] == 0 {
                return Err(RequestError::NoPlace { number });
            }
            if let Some((counter, need)) =
                requests.counters.iter().zip(&kind[1..]).find(|(counter, need)| **need > counter.total)
            {
                let (name, there) = (counter.name.clone(), counter.total);
                return Err(RequestError::TooMuch { number, need: *need, name, there });
            }
            let kind: Box<[u32]> = kind.into();
            let next = kinds.len() as u32;
            let known = *kinds.entry(kind.clone()).or_insert(next);
            if known == next {
                requests.kinds.push(kind);
            }
            requests.kind_of.push(known);
        }
        Ok(requests)
    }
}

impl TaskRequests {
    /// The limited resources, besides the places of the pool.
    pub fn counters(&self) -> &[LimitedResource] {
        &self.counters
    }

    /// The kind of a task's requests.
    ///
    /// # Panics
    /// When there is no such task.
    pub fn kind_of(&self, task: TaskId) -> u32 {
        self.kind_of[task.0 as usize]
    }

    /// What tasks of a kind take: places of the pool, then of each counter.
    ///
    /// # Panics
    /// When there is no such kind.
    pub fn of_kind(&self, kind: u32) -> &[u32] {
        &self.kinds[kind as usize]
    }

    /// Maximum number of tasks that could run at once in a pool of `workers`.
    pub fn at_once(&self, workers: u32) -> u32 {
        let least = |place: usize| self.kinds.iter().map(|kind| kind[place]).min().unwrap_or(0);
        let totals = std::iter::once(workers).chain(self.counters.iter().map(|counter| counter.total));
        let fitting = totals.enumerate().map(|(place, total)| total.checked_div(least(place)).unwrap_or(u32::MAX));
        fitting.min().unwrap_or(0).min(workers)
    }

    /// The first task that no pool of `workers` has enough places for; `number` gives tasks their numbers.
    ///
    /// # Errors
    /// [`RequestError::TooManyPlaces`].
    pub fn check_pool(&self, workers: u32, number: impl Fn(TaskId) -> u64) -> Result<(), RequestError> {
        if self.kinds.iter().all(|kind| kind[0] <= workers) {
            return Ok(());
        }
        let first = self.kind_of.iter().position(|kind| self.of_kind(*kind)[0] > workers).unwrap_or(0);
        let (number, slots) = (number(TaskId(first as u64)), self.of_kind(self.kind_of[first])[0]);
        Err(RequestError::TooManyPlaces { number, slots, workers })
    }

    /// The requests of some of the tasks, as tasks of their own.
    pub(super) fn only(&self, tasks: &[TaskId]) -> Self {
        let kind_of = tasks.iter().map(|task| self.kind_of(*task)).collect();
        Self { kind_of, ..self.clone() }
    }
}

#[cfg(test)]
impl TaskRequests {
    /// A pool's places and one counter, `gpu`, for the dispatcher's tests.
    pub fn of_places_and_gpus(gpus: u32, tasks: &[[u32; 2]]) -> Self {
        let counters = vec![LimitedResource { name: "gpu".to_owned(), total: gpus }];
        let mut kinds: Vec<[u32; 2]> = tasks.to_vec();
        kinds.sort_unstable();
        kinds.dedup();
        let kind_of = tasks.iter().map(|kind| kinds.iter().position(|one| one == kind).unwrap() as u32).collect();
        Self { counters, kinds: kinds.iter().map(|kind| kind.to_vec().into()).collect(), kind_of }
    }
}

#[cfg(test)]
mod tests;
