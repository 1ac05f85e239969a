//! The commands of Slurm, as its users have them: each is a process that may wait for a controller that does not answer, so that
//! none is called on the thread of a run. Every call is counted, since sites ration them.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fanlane_os::waker::wait_readable;

/// How long a command may take; a client waits some ten seconds for a controller that is away, several times over.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Calls the commands of Slurm.
#[derive(Debug, Default)]
pub struct SlurmClient {
    calls: AtomicU64,
}

/// A command of Slurm that failed.
#[derive(Debug, thiserror::Error)]
pub enum SlurmError {
    /// It is not there.
    #[error("{0} is not on the path: run Fanlane where jobs are submitted, or load the module of Slurm")]
    NotThere(&'static str),
    /// It cannot be started.
    #[error("{program} cannot be started: {source}")]
    NotStarted {
        /// The command.
        program: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// It said no.
    #[error("{program}: {words}")]
    Refused {
        /// The command.
        program: &'static str,
        /// What it printed on standard error.
        words: String,
    },
    /// It did not answer.
    #[error("{0} has not answered for a minute")]
    NoAnswer(&'static str),
}

impl SlurmError {
    /// Whether the controller may answer again later.
    pub fn may_pass(&self) -> bool {
        /// What the clients say of a controller that is away or overworked, and of limits that pass.
        const PASSING: [&str; 10] = [
            "Unable to contact slurm controller",
            "Socket timed out",
            "Connection refused",
            "Connection timed out",
            "Transport endpoint",
            "Zero Bytes were transmitted",
            "Resource temporarily unavailable",
            "temporarily unable to accept job",
            "rate limit",
            "Slurm controller not responding",
        ];
        match self {
            Self::NotThere(_) | Self::NotStarted { .. } => false,
            Self::NoAnswer(_) => true,
            Self::Refused { words, .. } => self.is_submit_limit() || PASSING.iter().any(|known| words.contains(known)),
        }
    }

    /// Whether too many jobs of the user are in the queue.
    pub fn is_submit_limit(&self) -> bool {
        let Self::Refused { words, .. } = self else { return false };
        ["job submit limit", "SubmitJobLimit", "SubmitJobsLimit", "MaxSubmitJob"]
            .iter()
            .any(|known| words.contains(known))
    }
}

impl SlurmClient {
    /// Number of calls so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Calls a command and waits for what it prints.
    ///
    /// # Errors
    /// [`SlurmError`].
    pub fn call<S: AsRef<OsStr>>(
        &self,
        program: &'static str,
        words: impl IntoIterator<Item = S>,
    ) -> Result<String, SlurmError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let not_started = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => SlurmError::NotThere(program),
            _ => SlurmError::NotStarted { program, source },
        };
        let mut child = Command::new(program)
            .args(words)
            // Options that a user has in the environment are for jobs written by hand.
            .env_remove("SBATCH_EXPORT")
            .env("LC_ALL", "C")
            // The elements of an array with gaps are named to the last one: cut off, they would seem lost.
            .env("SLURM_BITSTR_LEN", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(not_started)?;
        let stderr = child.stderr.take();
        // The other stream is read meanwhile, so that neither fills.
        let complaining = std::thread::spawn(move || {
            let mut words = Vec::new();
            let _ = stderr.map(|mut stderr| stderr.read_to_end(&mut words));
            String::from_utf8_lossy(&words).trim().to_owned()
        });
        let deadline = Instant::now() + CALL_TIMEOUT;
        let mut printed = Vec::new();
        let mut is_late = false;
        if let Some(mut stdout) = child.stdout.take() {
            let mut piece = vec![0; 64 << 10];
            loop {
                if !wait_readable(&stdout, Some(deadline)) {
                    is_late = true;
                    break;
                }
                match stdout.read(&mut piece) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => printed.extend_from_slice(&piece[..count]),
                }
            }
        }
        if is_late {
            let _ = child.kill();
        }
        let status = child.wait().map_err(not_started)?;
        let words = complaining.join().unwrap_or_default();
        if is_late {
            return Err(SlurmError::NoAnswer(program));
        }
        if status.success() {
            return Ok(String::from_utf8_lossy(&printed).into_owned());
        }
        let words = if words.is_empty() { status.to_string() } else { without_prefixes(&words) };
        Err(SlurmError::Refused { program, words })
    }
}

/// The lines of a complaint as one, without the name of the program before each.
fn without_prefixes(words: &str) -> String {
    let own = |line: &str| {
        let line = line.trim();
        let rest = line.split_once(": ").filter(|(program, _)| !program.contains(' ')).map_or(line, |(_, rest)| rest);
        rest.strip_prefix("error: ").unwrap_or(rest).to_owned()
    };
    let lines: Vec<String> = words.lines().map(own).filter(|line| !line.is_empty()).collect();
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(words: &str) -> SlurmError {
        SlurmError::Refused { program: "sbatch", words: words.to_owned() }
    }

    #[test]
    fn a_complaint_is_one_line_without_the_names_of_programs() {
        let words = "sbatch: error: invalid partition specified: x\nsbatch: error: Batch job submission failed: Invalid partition name specified";
        let expected = "invalid partition specified: x; Batch job submission failed: Invalid partition name specified";
        assert_eq!(without_prefixes(words), expected);
        assert_eq!(without_prefixes("scontrol: Partition x not found\n\n"), "Partition x not found");
    }

    #[test]
    fn what_passes_is_told_from_what_lasts() {
        for (words, passes, is_limit) in [
            ("Unable to contact slurm controller (connect failure)", true, false),
            ("Batch job submission failed: Socket timed out on send/recv operation", true, false),
            (
                "AssocMaxSubmitJobLimit; Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)",
                true,
                true,
            ),
            ("QOSMaxSubmitJobPerUserLimit", true, true),
            ("invalid partition specified: x", false, false),
        ] {
            let error = refused(words);
            assert_eq!((error.may_pass(), error.is_submit_limit()), (passes, is_limit), "{words}");
        }
        assert!(!SlurmError::NotThere("sbatch").may_pass());
    }

    #[test]
    fn calls_are_counted_and_a_missing_command_is_named() {
        let client = SlurmClient::default();
        assert_eq!(client.call("echo", ["a b", "c"]).expect("printed"), "a b c\n");
        let error = client.call("no-such-sbatch", [""; 0]).expect_err("there is none");
        assert!(matches!(error, SlurmError::NotThere("no-such-sbatch")), "{error}");
        let error = client.call("sh", ["-c", "echo 'sh: error: no' >&2; exit 3"]).expect_err("it failed");
        assert_eq!(error.to_string(), "sh: no");
        assert_eq!(client.calls(), 3);
    }
}
