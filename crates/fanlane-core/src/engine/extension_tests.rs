//! That the engine's doors open: a launcher whose workers are threads of this process behind TCP streams, which pass no
//! descriptors and have no mailboxes, and a kind of task that no job knows.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::net::{RecvFlags, SendFlags};

use super::dispatcher::ProcessEnd;
use super::launcher::{Launcher, WorkerHandle};
use super::link::{Link, LinkStream};
use super::protocol::{Setup, TaskFrame, TaskSetup};
use super::run::Run;
use super::worker::WorkerContext;
use super::worker::executor::{BUILT_IN, Execution, Executor, ExecutorKind, TaskWatch};
use super::worker::lane::{self, LaneShared};
use super::{RunHandle, RunOptions, event_pump};
use crate::event::{AttemptRecord, CallValue, EventKind, LaneId, Outcome, TaskEvent, WorkerId};
use crate::job::{Batch, Job, Mode, TaskKind};

/// A stream between machines.
#[derive(Debug)]
struct Tcp(TcpStream);

impl LinkStream for Tcp {
    fn receive(&self, buffer: &mut [u8], wait: bool, _: Option<&mut Vec<OwnedFd>>) -> io::Result<usize> {
        let flags = if wait { RecvFlags::empty() } else { RecvFlags::DONTWAIT };
        Ok(rustix::net::recv(&self.0, buffer, flags)?.1)
    }

    fn send(&self, bytes: &[u8], wait: bool, descriptors: &[Arc<OwnedFd>]) -> io::Result<usize> {
        assert!(descriptors.is_empty(), "no descriptor passes between machines");
        let flags = if wait { SendFlags::NOSIGNAL } else { SendFlags::NOSIGNAL | SendFlags::DONTWAIT };
        Ok(rustix::net::send(&self.0, bytes, flags)?)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(timeout)
    }

    fn close(&self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }

    fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    fn passes_descriptors(&self) -> bool {
        false
    }
}

/// Starts workers that are threads, and has them do tasks of the kind `task`, if that is given, instead of the job's.
struct ThreadLauncher {
    task: Option<TaskSetup>,
    kinds: &'static [ExecutorKind],
}

impl Launcher for ThreadLauncher {
    fn start(&self, setup: &Setup, _: &[(String, String)]) -> io::Result<Arc<dyn WorkerHandle>> {
        let task = self.task.clone().unwrap_or_else(|| setup.task.clone());
        let context = WorkerContext::new(Setup { task, ..setup.clone() }, self.kinds, None);
        Ok(Arc::new(ThreadWorker(Arc::new(context))))
    }
}

struct ThreadWorker(Arc<WorkerContext>);

impl WorkerHandle for ThreadWorker {
    fn pid(&self) -> u32 {
        std::process::id()
    }

    fn is_dying(&self) -> bool {
        false
    }

    fn open_lane(&self, worker: WorkerId, lane: LaneId) -> io::Result<Link> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let link = |stream| Link { stream: Arc::new(Tcp(stream)), mailboxes: [None, None] };
        let ours = link(TcpStream::connect(listener.local_addr()?)?);
        lane::open(Arc::clone(&self.0), worker, lane, link(listener.accept()?.0))?;
        Ok(ours)
    }

    fn end_unused(&self) {}

    fn lane_unread(&self) {}

    fn lane_ended(&self, said_bye: bool) -> ProcessEnd {
        assert!(said_bye, "the lane broke off");
        ProcessEnd::Closed
    }

    fn lane_unopened(&self) -> ProcessEnd {
        ProcessEnd::Closed
    }

    fn kill(&self) {}

    fn suspend(&self) {
        self.0.suspend();
    }

    fn wait_suspended(&self, _: Instant) {}

    fn go_on(&self, epoch_ns: u64) {
        self.0.go_on(epoch_ns);
    }
}

/// The records of a run, in the order of the tasks.
fn records_of(launcher: ThreadLauncher, text: &str, workers: u32) -> Vec<AttemptRecord> {
    let job = Job::parse(text).unwrap();
    let batch = Batch::open(&job, Path::new("/"), &mut io::empty()).unwrap();
    let (sender, events) = event_pump::channel();
    let options = RunOptions::new(Mode::Pool, workers);
    let run = Run::start(Box::new(launcher), Arc::new(batch), options, sender).unwrap();
    let mut records: Vec<AttemptRecord> = Vec::new();
    for event in events {
        if let EventKind::Task(TaskEvent::Finished(more)) = event.kind {
            records.extend(more);
        }
    }
    Box::new(run).join();
    records.sort_unstable_by_key(|record| record.task);
    records
}

#[test]
fn calls_go_through_a_link_of_nothing_but_bytes() {
    let launcher = ThreadLauncher { task: None, kinds: BUILT_IN };
    let text = r#"Job(version: 1, task: Workload(name: "cube"), inputs: [Range(1, 5000)])"#;
    let records = records_of(launcher, text, 3);
    assert_eq!(records.len(), 5000);
    for (record, number) in records.iter().zip(1_i64..) {
        assert_eq!((&record.outcome, &record.value), (&Outcome::Done, &Some(CallValue::Int(number.pow(3)))));
    }
}

#[test]
fn large_results_need_no_descriptors_where_none_pass() {
    let launcher = ThreadLauncher { task: None, kinds: BUILT_IN };
    let text = r#"Job(version: 1, task: Workload(name: "make_bytes"), inputs: [List(["3000000", "3000000", "40000"])],
        transport: shared_memory)"#;
    let sizes: Vec<usize> = records_of(launcher, text, 1)
        .into_iter()
        .map(|record| match record.value {
            Some(CallValue::Bytes(bytes)) => bytes.len(),
            other => panic!("no bytes: {other:?}"),
        })
        .collect();
    assert_eq!(sizes, [3_000_000, 3_000_000, 40_000]);
}

/// Reads the payload from its end.
struct Reverse {
    suffix: String,
}

impl Executor for Reverse {
    fn execute(&mut self, task: TaskFrame, _: &dyn TaskWatch) -> Execution {
        let text = String::from_utf8(task.payload).expect("the payload is text");
        assert!(text != "panic", "asked to");
        let value = text.chars().rev().collect::<String>() + &self.suffix;
        Execution { value: Some(CallValue::Text(value.into())), ..Execution::of(Outcome::Done) }
    }

    fn refuse(&self, reason: &str) -> Outcome {
        Outcome::CannotStart(reason.into())
    }
}

fn open_reverse(lane: &LaneShared) -> io::Result<Box<dyn Executor>> {
    Ok(Box::new(Reverse { suffix: lane.context.setup.task.parameters()? }))
}

#[test]
fn every_kind_of_task_that_a_job_can_name_has_an_executor() {
    for kind in TaskKind::ALL {
        assert!(BUILT_IN.iter().any(|built_in| built_in.name == kind.traits().name), "{kind:?}");
    }
}

#[test]
fn a_kind_of_task_is_one_executor_and_one_row_of_the_table() {
    static KINDS: [ExecutorKind; 1] = [ExecutorKind { name: "reverse", has_process: false, open: open_reverse }];
    let task = TaskSetup::new("reverse", true, &"!").unwrap();
    let launcher = ThreadLauncher { task: Some(task), kinds: &KINDS };
    let text = r#"Job(version: 1, task: Workload(name: "cube"), inputs: [List(["abc", "panic", "12"])])"#;
    let records = records_of(launcher, text, 2);
    let values: Vec<_> = records.into_iter().map(|record| (record.outcome, record.value)).collect();
    let done = |text: &str| (Outcome::Done, Some(CallValue::Text(text.into())));
    assert_eq!(values[0], done("cba!"));
    assert_eq!(values[1], (Outcome::CallFailed("it panicked: asked to".into()), None));
    assert_eq!(values[2], done("21!"));
}
