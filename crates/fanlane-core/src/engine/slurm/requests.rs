//! Calls of Slurm's commands for a run: each on a thread of its own, which answers through a channel, so that a controller that is
//! away holds nothing up.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::Sender;

use super::SlurmProfile;
use super::client::{SlurmClient, SlurmError};
use super::driver::DriverInput;
use super::folder::BatchFolder;
use super::queue::{self, QueueAnswer};
use super::submission::{self, ArrayRequest};
use crate::event::TaskId;

/// What Slurm answered.
#[derive(Debug)]
pub enum Answer {
    /// An array was submitted, or not.
    Submitted {
        /// Its number in the batch.
        serial: u32,
        /// The tasks of its elements.
        chunks: Vec<Vec<TaskId>>,
        /// Slurm's number for it.
        job: Result<u64, SlurmError>,
    },
    /// The state of the user's jobs.
    Queue(Result<QueueAnswer, SlurmError>),
    /// What was asked for is done, or could not be; the words say what it was.
    Changed(&'static str, Result<(), SlurmError>),
}

/// Calls Slurm for one batch.
pub struct Requests {
    pub client: Arc<SlurmClient>,
    pub folder: BatchFolder,
    pub profile: SlurmProfile,
    pub name: String,
    pub answers: Sender<DriverInput>,
}

impl Requests {
    /// Submits an array.
    pub fn submit(&self, serial: u32, chunks: Vec<Vec<TaskId>>, throttle: u32) {
        let (client, folder, profile) = (Arc::clone(&self.client), self.folder.clone(), self.profile.clone());
        let name = self.name.clone();
        self.answer(move || {
            let elements = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
            let request = ArrayRequest { name: &name, serial, elements, throttle };
            let written = folder.write_chunks(serial, &chunks);
            let written = written.map_err(|source| SlurmError::NotStarted { program: "sbatch", source });
            let job = written.and_then(|()| submission::submit(&client, &folder, &profile, &request));
            Answer::Submitted { serial, chunks, job }
        });
    }

    /// Asks for the state of the user's jobs; an answer to an earlier question will do if it was asked after `not_before_ns`.
    pub fn ask_queue(&self, not_before_ns: u64) {
        let client = Arc::clone(&self.client);
        self.answer(move || Answer::Queue(queue::ask(&client, not_before_ns)));
    }

    /// Sets how many elements of these arrays run at the same time.
    pub fn throttle(&self, jobs: &[u64], elements: u32) {
        let limit = format!("ArrayTaskThrottle={elements}");
        let words: Vec<String> = vec!["update".to_owned(), format!("JobId={}", list(jobs)), limit];
        self.change("the number of workers could not be set", "scontrol", words);
    }

    /// Lets no further element of these arrays begin, or lets them again.
    pub fn hold(&self, jobs: &[u64], is_held: bool) {
        let verb = if is_held { "hold" } else { "release" };
        let words = std::iter::once(verb.to_owned()).chain(jobs.iter().map(u64::to_string)).collect();
        self.change("the waiting elements could not be held or released", "scontrol", words);
    }

    /// Takes these arrays out of the queue; `only_pending`: what runs is left.
    pub fn cancel(&self, jobs: &[u64], only_pending: bool) -> Option<JoinHandle<()>> {
        let state = only_pending.then(|| "--state=PENDING".to_owned());
        let words = ["--quiet".to_owned()].into_iter().chain(state).chain(jobs.iter().map(u64::to_string)).collect();
        self.change("the elements could not be taken out of the queue", "scancel", words)
    }

    fn change(&self, what: &'static str, program: &'static str, words: Vec<String>) -> Option<JoinHandle<()>> {
        let client = Arc::clone(&self.client);
        self.answer(move || Answer::Changed(what, client.call(program, words).map(drop)))
    }

    fn answer(&self, call: impl FnOnce() -> Answer + Send + 'static) -> Option<JoinHandle<()>> {
        let answers = self.answers.clone();
        let thread = std::thread::Builder::new().name("slurm".to_owned());
        // Without a thread the question is asked again later.
        thread.spawn(move || drop(answers.send(DriverInput::Answer(Box::new(call()))))).ok()
    }
}

fn list(jobs: &[u64]) -> String {
    let jobs: Vec<String> = jobs.iter().map(u64::to_string).collect();
    jobs.join(",")
}
