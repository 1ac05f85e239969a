//! The messages between the engine and its workers.
//!
//! A worker process is given a control socket as its standard input. The engine sends one [`Setup`] frame on it and
//! then a socket for each lane; when the control socket ends, the engine is gone and so is the worker. Tasks and
//! results travel on the lanes' sockets. Both sides are the same executable, so the encoding needs no version.

mod to_process;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::engine::OutputInterest;
use crate::engine::files::{FileReply, FileRequest};
use crate::event::{AttemptRecord, Printed, TaskId};
use crate::job::{Job, Shell, Transport, WorkloadSpec, lossless};
use fanlane_mp::SharedBytes;

pub use to_process::ToProcess;

/// What a worker needs to know before its first task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// What the tasks are.
    pub task: TaskSetup,
    /// Where they run.
    #[serde(with = "lossless::path")]
    pub working_dir: PathBuf,
    /// Several lanes live in this process.
    pub shared_process: bool,
    /// The run's start on the shared monotonic clock; all times that a worker reports count from it.
    pub epoch_ns: u64,
    /// How long an attempt may take, in nanoseconds.
    pub timeout_ns: Option<u64>,
    /// How much each lane has of the job's resources, by name; its share begins at the lane's number times that.
    pub needs: BTreeMap<String, u32>,
    /// The niceness of tasks, 0 to 19.
    pub nice: i32,
    /// What a command may take at the most.
    pub caps: Caps,
    /// From SIGTERM to SIGKILL, in nanoseconds.
    pub grace_ns: u64,
    /// How much of each stream of a command is kept, in bytes.
    pub output_limit_bytes: usize,
    /// Where the whole of a stream goes that is longer than that.
    #[serde(with = "lossless::path_option")]
    pub spill_folder: Option<PathBuf>,
    /// The folder of the run's manager, which the workers remove should the engine be killed.
    #[serde(with = "lossless::path_option")]
    pub shared_folder: Option<PathBuf>,
    /// Where commands report their progress, without the label of the lane.
    pub progress: Option<String>,
    /// How large results come to the engine.
    pub transport: Transport,
    /// The process group of the engine, whose terminal each command has while it runs, in place of being captured.
    pub terminal_of: Option<i32>,
    /// The engine is on another machine: nothing but the link leads to it, and files come and go by that.
    pub is_remote: bool,
}

/// What a command may take at the most: [`Limits`](crate::job::limits::Limits) as they travel, since a job leaves out
/// what is not given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caps {
    /// Address space of each of its processes, in bytes.
    pub memory_bytes: Option<u64>,
    /// CPU time of each of its processes, in seconds.
    pub cpu_secs: Option<u64>,
    /// What it may print, in bytes.
    pub output_bytes: Option<u64>,
    /// How many files it may have open, where this process itself may have more by now.
    pub descriptors: Option<u64>,
}

/// The exit code of a worker that ended itself in order to end a call.
pub const ABORTED_EXIT_CODE: i32 = 86;

/// What the tasks of a batch are: the kind of task, and what its executor needs to know, in the kind's own encoding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSetup {
    /// The name of the kind in the worker's table of executors.
    pub kind: String,
    /// Tasks run in the worker's own process, and can only be ended with it.
    pub in_process: bool,
    // As JSON: a spec leaves out what was not given, which postcard cannot read back.
    parameters: String,
}

impl TaskSetup {
    /// Tasks of the kind of this name: that of [`KindTraits`](crate::job::KindTraits), for those that a job can name.
    ///
    /// # Errors
    /// For parameters that cannot be encoded.
    pub fn new<P: Serialize>(kind: &str, in_process: bool, parameters: &P) -> io::Result<Self> {
        Ok(Self { kind: kind.to_owned(), in_process, parameters: serde_json::to_string(parameters)? })
    }

    /// The parameters of [`TaskSetup::new`].
    ///
    /// # Errors
    /// When they are those of another kind.
    pub fn parameters<P: DeserializeOwned>(&self) -> io::Result<P> {
        Ok(serde_json::from_str(&self.parameters)?)
    }
}

/// What the calls of a workload need to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallParameters {
    /// Which workload.
    pub spec: WorkloadSpec,
    /// The loopback server of this run, where the workload needs one.
    pub server: Option<SocketAddr>,
}

/// How the payloads of commands are to be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandKind {
    /// A payload is a line for this shell; without one, words with a NUL byte between them.
    pub shell: Shell,
    /// The names of the variables whose values stand behind the line.
    pub variables: Vec<String>,
    /// What stands last.
    pub stdin: StdinKind,
    /// The files of the task on another host stand first.
    pub has_files: bool,
}

/// What a command reads from its standard input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum StdinKind {
    /// Nothing, and the payload has no part for it.
    #[default]
    Nothing,
    /// The text in the payload.
    Text,
    /// The file whose path is in the payload.
    File,
    /// A part of the file whose path is in the payload, behind the lengths and places in it.
    Part,
}

impl Default for CommandKind {
    fn default() -> Self {
        Self { shell: Shell::Sh, variables: Vec::new(), stdin: StdinKind::Nothing, has_files: false }
    }
}

impl CommandKind {
    /// How the payloads of this job's batch are written.
    pub fn of(job: &Job) -> Self {
        let stdin = match (&job.stdin, &job.stdin_file) {
            _ if job.reads_blocks() && job.reads_stdin() => StdinKind::File,
            _ if job.reads_blocks() => StdinKind::Part,
            (Some(_), _) => StdinKind::Text,
            (None, Some(_)) => StdinKind::File,
            (None, None) => StdinKind::Nothing,
        };
        let shares = job.control.variables_of_attempt();
        let variables = job.environment.keys().cloned().chain(shares).collect();
        Self { shell: job.shell.clone(), variables, stdin, has_files: job.remote_files.concerns_tasks() }
    }

    /// Whether a payload has several parts, each with its length in front.
    pub fn is_extended(&self) -> bool {
        !self.variables.is_empty() || self.stdin != StdinKind::Nothing
    }
}

/// From the engine to a lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToWorker {
    /// Do these, in this order, after those that you have.
    Run(Vec<TaskFrame>),
    /// Give back this many of the tasks that you have not begun, the last ones first.
    TakeBack(u32),
    /// End or forget this task.
    Cancel(TaskId),
    /// End or forget everything that you have; `now`: by SIGKILL at once.
    Stop { now: bool },
    /// Answer that you are alive.
    Ping,
    /// From now on an attempt may take this long, in nanoseconds.
    SetTimeout(u64),
    /// You are not needed any more: do what you have, then end.
    Retire,
    /// From now on this is wanted of what tasks print.
    Watch(OutputInterest),
    /// Say where this task is.
    Locate(TaskId),
    /// The answer to what was asked of a file.
    File(FileReply),
}

/// One task on its way to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskFrame {
    pub task: TaskId,
    /// From 1.
    pub attempt: u32,
    /// The command line, encoded by [`CommandKind`], or the call's argument.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
}

/// [`ToWorker::Run`] as the engine writes it: the same bytes, without a buffer of its own for each payload.
#[derive(Debug, Serialize)]
pub enum ToWorkerRef<'a> {
    /// As [`ToWorker::Run`], which comes first there too.
    Run(Vec<TaskFrameRef<'a>>),
}

/// [`TaskFrame`] as the engine writes it.
#[derive(Debug, Serialize)]
pub struct TaskFrameRef<'a> {
    pub task: TaskId,
    pub attempt: u32,
    #[serde(with = "serde_bytes")]
    pub payload: &'a [u8],
}

/// From a lane to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromWorker {
    /// The lane is there.
    Ready,
    /// The lane cannot be opened, for this reason; nothing follows.
    Refused(String),
    /// It is alive.
    Alive,
    /// The system has run out of what it takes to start a command, for this reason, and it is tried again and again;
    /// `None`: the command has begun.
    Exhausted(Option<String>),
    /// This task has been running for a while.
    Started {
        task: TaskId,
        attempt: u32,
        /// When it began, in nanoseconds since the run's start.
        start_ns: u64,
        /// The command's process; `None` for a call.
        pid: Option<u32>,
    },
    /// This command was stopped by a signal, or goes on.
    Suspended { task: TaskId, pid: u32, is_suspended: bool },
    /// These have ended, in this order.
    Finished(Vec<AttemptRecord>),
    /// This one has ended, and its value, which is empty in the record, is here; the way that it came is compared with its
    /// neighbour's, or is not.
    FinishedShared(Box<AttemptRecord>, SharedBytes, bool),
    /// This one has ended, and came alone so that its way can be compared.
    FinishedAlone(Box<AttemptRecord>),
    /// The running task has printed this.
    Printed(Printed),
    /// Where this task is, in lines; `None`: it is not the one under way.
    Located { task: TaskId, place: Option<Box<str>> },
    /// The task asks something of a file of the engine's machine.
    File(FileRequest),
    /// These were given back without having been begun.
    Returned(Vec<TaskId>),
    /// The lane was retired and is through; nothing follows.
    Bye,
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;
    use crate::event::{CallValue, Captured, Outcome, Output, Spill, WorkerId};
    use fanlane_os::frame::{FrameReader, write_frame};

    fn through_a_frame<M: Serialize + serde::de::DeserializeOwned>(message: &M) -> M {
        let mut bytes = Vec::new();
        write_frame(&mut bytes, message).unwrap();
        let mut reader = FrameReader::default();
        assert!(reader.fill(&mut &bytes[..]).unwrap());
        reader.next_message().unwrap().unwrap()
    }

    #[test]
    fn a_setup_arrives_as_it_was_sent() {
        let setup = |task| Setup {
            task,
            working_dir: std::ffi::OsString::from_vec(b"/tmp/caf\xe9".to_vec()).into(),
            shared_process: true,
            epoch_ns: 1,
            timeout_ns: Some(2),
            needs: [("gpu".to_owned(), 2)].into(),
            nice: 5,
            caps: Caps { output_bytes: Some(9), ..Caps::default() },
            grace_ns: 3,
            output_limit_bytes: 4,
            spill_folder: Some(std::ffi::OsString::from_vec(b"/tmp/\xff".to_vec()).into()),
            shared_folder: Some("/tmp/a".into()),
            progress: Some("name".into()),
            transport: Transport::SharedMemory,
            terminal_of: Some(12),
            is_remote: true,
        };
        let mut spec = WorkloadSpec::named("cube");
        spec.seed = Some(7);
        let server = Some("127.0.0.1:80".parse().unwrap());
        let parameters = CallParameters { spec, server };
        let sent = setup(TaskSetup::new("workload", true, &parameters).unwrap());
        let arrived = through_a_frame(&sent);
        assert_eq!(arrived, sent);
        assert_eq!(arrived.task.parameters::<CallParameters>().unwrap(), parameters);
        assert!(arrived.task.parameters::<CommandKind>().is_err());
    }

    #[test]
    fn tasks_are_read_as_they_were_written_from_borrowed_payloads() {
        let frame = |task, payload| TaskFrameRef { task: TaskId(task), attempt: 2, payload };
        let mut bytes = Vec::new();
        write_frame(&mut bytes, &ToWorkerRef::Run(vec![frame(0, b"a b"), frame(u64::MAX, b"")])).unwrap();
        let mut reader = FrameReader::default();
        assert!(reader.fill(&mut &bytes[..]).unwrap());
        let frame = |task, payload: &[u8]| TaskFrame { task: TaskId(task), attempt: 2, payload: payload.to_vec() };
        let expected = ToWorker::Run(vec![frame(0, b"a b"), frame(u64::MAX, b"")]);
        assert_eq!(reader.next_message::<ToWorker>().unwrap(), Some(expected));
    }

    #[test]
    fn every_outcome_and_value_arrives_as_it_was_sent() {
        let outcomes = [
            Outcome::Done,
            Outcome::Exited { code: 3 },
            Outcome::Signalled { signal: 9 },
            Outcome::CannotStart("a".into()),
            Outcome::CallFailed("b".into()),
            Outcome::TimedOut,
            Outcome::Cancelled,
            Outcome::Lost("c".into()),
        ];
        let values = [
            None,
            Some(CallValue::Int(-1)),
            Some(CallValue::Float(0.5)),
            Some(CallValue::Text("t".into())),
            Some(CallValue::Bytes(vec![0, 255].into())),
            Some(CallValue::Object { repr: "(1,)".into(), json: Some("[1]".into()) }),
        ];
        let captured =
            Captured { head: vec![1, 0], dropped_bytes: 9, tail: vec![255], spill: Spill::Failed("d".into()) };
        let output = Output { stdout: captured, stderr: Captured::default(), leaky: true };
        let records = outcomes.into_iter().zip(values.into_iter().cycle()).map(|(outcome, value)| AttemptRecord {
            start_ns: 3,
            wall_ns: 4,
            cpu_ns: 5,
            max_rss_bytes: 6,
            value,
            output: Some(Box::new(output.clone())),
            ..AttemptRecord::new(TaskId(u64::MAX), 1, WorkerId(2), outcome)
        });
        let sent = FromWorker::Finished(records.collect());
        assert_eq!(through_a_frame(&sent), sent);
    }
}
