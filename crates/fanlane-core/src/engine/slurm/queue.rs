//! What Slurm says of the user's jobs: one question for all of them, and one in fifteen seconds for all windows and commands of the
//! user on this machine, which share the answer in a file of the cache folder.

use std::collections::HashMap;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::client::{SlurmClient, SlurmError};
use fanlane_os::clock::monotonic_ns;
use fanlane_os::machine::boot_id;

/// The least time between two questions.
pub const QUEUE_INTERVAL: Duration = Duration::from_secs(15);

/// States in which an element is over: what is in none of them is yet to come, or runs.
const OVER: [&str; 9] =
    ["COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY"];

/// What is asked for: all states but that of elements that are over as they should be, which may be thousands.
const STATES: &str = "PD,R,S,CG,CF,ST,SI,RQ,RH,RF,SO,RV,RS,CA,F,TO,NF,PR,BF,DL,OOM";

/// What Slurm said, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueAnswer {
    /// When it was asked, by the monotonic clock of this machine.
    pub asked_ns: u64,
    boot: String,
    entries: Vec<QueueEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct QueueEntry {
    job: u64,
    elements: Vec<(u32, u32)>,
    state: String,
    reason: String,
}

/// What Slurm says of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElementState<'a> {
    /// The state, in Slurm's word.
    pub state: &'a str,
    /// Why, in Slurm's words; empty where it says nothing.
    pub reason: &'a str,
}

impl ElementState<'_> {
    /// It waits in the queue.
    pub fn is_pending(&self) -> bool {
        self.state == "PENDING"
    }

    /// It is over, or nothing is known of it any more.
    pub fn is_over(&self) -> bool {
        OVER.contains(&self.state)
    }
}

impl QueueAnswer {
    /// What is said of each element of an array; one that nothing is said of is over.
    pub fn of_job(&self, job: u64) -> HashMap<u32, ElementState<'_>> {
        let mut found: HashMap<u32, ElementState<'_>> = HashMap::new();
        for entry in self.entries.iter().filter(|entry| entry.job == job) {
            let said = ElementState { state: &entry.state, reason: &entry.reason };
            for element in entry.elements.iter().flat_map(|(first, last)| *first..=*last) {
                // One that was started again is listed once more for its earlier life.
                let known = found.entry(element).or_insert(said);
                if known.is_over() {
                    *known = said;
                }
            }
        }
        found
    }

    fn parse(printed: &str) -> Vec<QueueEntry> {
        printed.lines().filter_map(parse_line).collect()
    }
}

/// A line `job|elements|state|reason`.
fn parse_line(line: &str) -> Option<QueueEntry> {
    let mut cells = line.trim().splitn(4, '|');
    let (job, elements, state, reason) = (cells.next()?, cells.next()?, cells.next()?, cells.next()?);
    let reason = if reason == "None" { "" } else { reason };
    Some(QueueEntry {
        job: job.parse().ok()?,
        elements: parse_elements(elements),
        state: state.to_owned(),
        reason: reason.to_owned(),
    })
}

/// Elements as Slurm writes them: `7`, `[3,5-9%4]`.
fn parse_elements(text: &str) -> Vec<(u32, u32)> {
    let text = text.trim_matches(['[', ']']);
    let text = text.split('%').next().unwrap_or(text);
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some((first.parse().ok()?, last.parse().ok()?))
    };
    text.split(',').filter_map(range).collect()
}

/// Asks for the state of the user's jobs, unless another process has within the interval.
///
/// # Errors
/// When Slurm does not answer.
pub fn ask(client: &SlurmClient, not_before_ns: u64) -> Result<QueueAnswer, SlurmError> {
    // Without a place for the answer each process asks for itself.
    let Ok(mut shared) = SharedAnswer::open() else { return ask_slurm(client) };
    if let Some(answer) = shared.read()
        && answer.asked_ns >= not_before_ns
        && monotonic_ns().saturating_sub(answer.asked_ns) < QUEUE_INTERVAL.as_nanos() as u64
    {
        return Ok(answer);
    }
    let answer = ask_slurm(client)?;
    let _ = shared.write(&answer);
    Ok(answer)
}

fn ask_slurm(client: &SlurmClient) -> Result<QueueAnswer, SlurmError> {
    let asked_ns = monotonic_ns();
    let user = rustix::process::geteuid().as_raw().to_string();
    let printed = client.call("squeue", ["--noheader", "--user", &user, "--states", STATES, "--format", FORMAT])?;
    let boot = boot_id().unwrap_or_default();
    Ok(QueueAnswer { asked_ns, boot, entries: QueueAnswer::parse(&printed) })
}

const FORMAT: &str = "%F|%K|%T|%r";

/// The file with the latest answer, locked.
struct SharedAnswer(File);

impl SharedAnswer {
    fn open() -> io::Result<Self> {
        let folders = directories::ProjectDirs::from("", "", "fanlane").ok_or(io::ErrorKind::NotFound)?;
        let folder: PathBuf = folders.cache_dir().to_owned();
        fs::create_dir_all(&folder)?;
        // Another cluster has other jobs.
        let mut name = std::hash::BuildHasherDefault::<std::hash::DefaultHasher>::default().build_hasher();
        name.write(std::env::var_os("SLURM_CONF").unwrap_or_default().as_encoded_bytes());
        let path = folder.join(format!("squeue-{:016x}", name.finish()));
        let file = File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
        flock(&file, FlockOperation::LockExclusive)?;
        Ok(Self(file))
    }

    fn read(&mut self) -> Option<QueueAnswer> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes).ok()?;
        let answer: QueueAnswer = serde_json::from_slice(&bytes).ok()?;
        Some(answer).filter(|answer| Some(&answer.boot) == boot_id().as_ref() && answer.asked_ns <= monotonic_ns())
    }

    fn write(&mut self, answer: &QueueAnswer) -> io::Result<()> {
        self.0.set_len(0)?;
        self.0.seek(SeekFrom::Start(0))?;
        self.0.write_all(&serde_json::to_vec(answer)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_their_numbers_however_slurm_writes_them() {
        let printed = "12|[3,5-7%4]|PENDING|Priority\n12|0|RUNNING|None\n12|1|NODE_FAIL|NodeDown\n12|1|PENDING|BeginTime\n\
                       13|N/A|RUNNING|None\nnonsense\n";
        let answer = QueueAnswer { entries: QueueAnswer::parse(printed), ..QueueAnswer::default() };
        let states = answer.of_job(12);
        let of = |element: u32| states.get(&element).map(|state| (state.state, state.reason));
        assert_eq!(of(3), Some(("PENDING", "Priority")));
        assert_eq!(of(4), None);
        assert_eq!(of(7), Some(("PENDING", "Priority")));
        assert_eq!(of(0), Some(("RUNNING", "")));
        assert_eq!(of(1), Some(("PENDING", "BeginTime")), "it is started again");
        assert!(answer.of_job(13).is_empty());
        assert!(ElementState { state: "PREEMPTED", reason: "" }.is_over());
        assert!(!ElementState { state: "COMPLETING", reason: "" }.is_over());
    }
}
