//! What the open job expands to, kept up to date while it is edited.
//!
//! Inputs that lie in the job are expanded on the spot; what must be read from files or is very long is expanded by a
//! thread, and what was known before stays until it is through.

use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::{Receiver, TryRecvError};

use fanlane_core::job::field::{self, Field};
use fanlane_core::job::{Input, Job};

use super::draft::{FieldError, JobDraft};
use super::expand::{Expanded, expand};
use crate::session::{Machine, Wake};

/// Maximum number of values of a list that is expanded on the spot.
const MAX_VALUES_AT_ONCE: usize = 10_000;

/// What the open job is and what it expands to.
#[derive(Default)]
pub struct Preview {
    job: Option<Job>,
    expanded: Option<Arc<Expanded>>,
    errors: Vec<FieldError>,
    under_way: Option<Receiver<Result<Expanded, FieldError>>>,
    /// The job was changed while the thread was at work: what it brings is not wanted any more.
    outdated: bool,
    /// The pool that the job will have here.
    pool: u32,
    /// The folder of the history.
    history: Option<PathBuf>,
}

impl Preview {
    /// Nothing is known yet. The history, which an order may go by, lies in this folder.
    pub(super) fn new(history: Option<PathBuf>) -> Self {
        Self { history, ..Self::default() }
    }

    /// The job; `None` while a field is wrong.
    pub const fn job(&self) -> Option<&Job> {
        self.job.as_ref()
    }

    /// What the job expands to; `None` while something is wrong or nothing is known yet.
    pub const fn expanded(&self) -> Option<&Arc<Expanded>> {
        self.expanded.as_ref()
    }

    /// What is wrong, field by field.
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// The first thing that is wrong with a field as a whole.
    pub fn error(&self, field: &'static Field) -> Option<&str> {
        self.message(field, None)
    }

    /// The first thing that is wrong with one of the inputs, counted from 0.
    pub fn input_error(&self, place: usize) -> Option<&str> {
        self.message(&field::INPUTS, Some(place))
    }

    fn message(&self, field: &Field, input: Option<usize>) -> Option<&str> {
        let error = self.errors.iter().find(|error| error.field == field && error.input == input)?;
        Some(&error.message)
    }

    /// The inputs are being read.
    pub const fn is_under_way(&self) -> bool {
        self.under_way.is_some()
    }

    /// Why the job cannot be run; `None` when it can.
    pub fn obstacle(&self) -> Option<String> {
        if let Some(error) = self.errors.first() {
            return Some(error.message.clone());
        }
        match &self.expanded {
            Some(expanded) if expanded.tasks == 0 => {
                Some("The inputs hold no value: there is nothing to run.".to_owned())
            }
            None if !self.is_under_way() => Some("There is no job.".to_owned()),
            _ => None,
        }
    }

    /// Takes in the job as it is edited now, under the name of its next run. `folder` is where its relative paths start, `machine` where it will run.
    pub(super) fn refresh(
        &mut self,
        draft: &JobDraft,
        name: String,
        folder: &std::path::Path,
        machine: Machine,
        wake: &Wake,
    ) {
        let named = |job: Job| if name == draft.name { job } else { Job { name, ..job } };
        match draft.to_job().and_then(|job| can_begin(named(job), machine)) {
            Ok(job) => {
                self.errors.clear();
                self.pool = machine.pool_of(&job);
                self.job = Some(job);
                self.begin(folder.to_owned(), wake);
            }
            Err(errors) => {
                self.errors = errors;
                self.job = None;
                self.expanded = None;
                self.outdated = self.under_way.is_some();
            }
        }
    }

    /// Takes in what the thread brought; true when the expansion is known anew.
    pub(super) fn poll(&mut self, folder: &std::path::Path, wake: &Wake) -> bool {
        let Some(receiver) = &self.under_way else { return false };
        let brought = match receiver.try_recv() {
            Err(TryRecvError::Empty) => return false,
            Ok(brought) => brought,
            Err(TryRecvError::Disconnected) => {
                Err(FieldError::new(&field::INPUTS, "Reading the inputs broke off; change the job to try again."))
            }
        };
        self.under_way = None;
        if std::mem::take(&mut self.outdated) {
            if self.job.is_some() {
                self.begin(folder.to_owned(), wake);
            }
            return self.under_way.is_none();
        }
        self.take(brought);
        true
    }

    fn begin(&mut self, folder: PathBuf, wake: &Wake) {
        let Some(job) = self.job.clone() else { return };
        if self.under_way.is_some() {
            self.outdated = true;
            return;
        }
        if is_quick(&job) {
            self.take(expand(&job, &folder, self.history.as_deref()));
            return;
        }
        let (sender, receiver) = crossbeam_channel::bounded(1);
        let wake = Arc::clone(wake);
        let history = self.history.clone();
        let thread = std::thread::Builder::new().name("preview".to_owned()).spawn(move || {
            // The receiver is gone when the window is closed.
            drop(sender.send(expand(&job, &folder, history.as_deref())));
            wake();
        });
        match thread {
            Ok(_) => self.under_way = Some(receiver),
            Err(error) => {
                let message = format!("The inputs cannot be read: no thread can be started ({error}).");
                self.take(Err(FieldError::new(&field::INPUTS, &message)));
            }
        }
    }

    fn take(&mut self, brought: Result<Expanded, FieldError>) {
        let fits = |expanded: &Expanded| match expanded.batch.requests() {
            None => Ok(()),
            Some(needs) => needs
                .check_pool(self.pool, |task| expanded.batch.number(task))
                .map_err(|error| FieldError::new(&field::SLOTS, &error.to_string())),
        };
        match brought.and_then(|expanded| fits(&expanded).map(|()| expanded)) {
            Ok(expanded) => self.expanded = Some(Arc::new(expanded)),
            Err(error) => {
                self.expanded = None;
                self.errors = vec![error];
            }
        }
    }
}

/// The job, unless none of its tasks could ever begin in the pool that it will have here.
fn can_begin(job: Job, machine: Machine) -> Result<Job, Vec<FieldError>> {
    let problems = job.check_in_pool(machine.pool_of(&job));
    let errors: Vec<FieldError> = problems.into_iter().map(FieldError::from).collect();
    if errors.is_empty() { Ok(job) } else { Err(errors) }
}

fn is_quick(job: &Job) -> bool {
    // Dependencies are looked up by the names of all tasks, orders and needs by their values, and a sample is sorted.
    let asks_files = job.parameters.iter().any(|parameter| parameter.kind.is_looked_up());
    let asks_all =
        asks_files || job.control.after.is_some() || job.control.requests_differ() || job.order.typed().is_some();
    if asks_all || job.sample.is_some_and(|rows| rows > MAX_VALUES_AT_ONCE as u64) {
        return false;
    }
    job.inputs.iter().all(|input| match input {
        Input::Range(..) | Input::Numbers(..) => true,
        Input::List(values) => values.len() <= MAX_VALUES_AT_ONCE,
        _ => false,
    })
}
