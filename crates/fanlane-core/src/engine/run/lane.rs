//! A lane's thread: reads its worker's messages until the link ends, and has them answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::effects::Driver;
use crate::engine::dispatcher::{Input, StartCause};
use crate::engine::files::{FileDesk, find_file};
use crate::engine::launcher::WorkerHandle;
use crate::engine::link::LinkStream;
use crate::engine::protocol::{FromWorker, ToWorker};
use crate::engine::transport::Incoming;
use crate::event::{EventKind, LaneId, SampleEvent, WorkerEvent, WorkerId};
use crate::job::Transport;
use fanlane_os::frame::FrameError;
use fanlane_os::mailbox::Mailbox;
use fanlane_os::message_reader::MessageReader;

/// How often a lane that waits at the gate looks whether the run was stopped.
const GATE_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// What has to be remembered of what was read.
enum LaneStep {
    More,
    Bye,
    Refused(String),
    End,
}

/// What a lane's thread reads with.
struct LaneReader<'a> {
    worker: WorkerId,
    process: &'a dyn WorkerHandle,
    stream: Incoming,
    /// Whether the worker is waited for, and nothing else.
    listening: &'a AtomicBool,
    reader: MessageReader,
    /// The lane is there.
    ready: bool,
    /// What is asked of files, where the worker is on another machine.
    desk: Option<FileDesk<'a>>,
}

impl Driver {
    /// Reads `stream`, and the mailbox beside it, until the link ends, and tells the dispatcher how it did.
    pub fn read_lane(
        &self,
        (worker, lane): (WorkerId, LaneId),
        process: &dyn WorkerHandle,
        (stream, mailbox): (Arc<dyn LinkStream>, Option<Mailbox>),
        listening: &AtomicBool,
    ) {
        let mut reading = LaneReader {
            worker,
            process,
            stream: Incoming::new(stream, self.setup.transport),
            listening,
            reader: MessageReader::new(mailbox),
            ready: false,
            desk: (!process.is_here()).then(|| {
                let spill_folder = self.setup.spill_folder.as_deref();
                FileDesk::new(move |name| find_file(&self.batch, spill_folder, lane.0 + 1, name))
            }),
        };
        self.wait_at_gate();
        let last = loop {
            match self.read_some(&mut reading) {
                Ok(LaneStep::More) => {}
                Ok(step) => break step,
                Err(_) => {
                    // What it sends makes no sense, or was cut off: no more is expected of it.
                    process.kill();
                    break LaneStep::End;
                }
            }
        };
        let ready = reading.ready;
        drop(reading);
        let end = if ready { process.lane_ended(matches!(last, LaneStep::Bye)) } else { process.lane_unopened() };
        self.core().members.remove(&worker);
        self.handle(match last {
            LaneStep::Refused(reason) => Input::WorkerFailed { worker, reason, cause: StartCause::Unknown },
            _ if ready => Input::WorkerEnded { worker, end },
            _ => Input::WorkerFailed {
                worker,
                reason: format!("a worker ended before it was ready: {end}"),
                cause: StartCause::Unknown,
            },
        });
    }

    /// Waits until the first task may begin: a worker that is not heard of gets none. A run that is stopped waits for
    /// nothing.
    fn wait_at_gate(&self) {
        let Some(gate) = &self.gate else { return };
        while !gate.opens_within(GATE_POLL_INTERVAL) && !self.core().dispatcher.is_stopping() {}
    }

    fn read_some(&self, reading: &mut LaneReader<'_>) -> Result<LaneStep, FrameError> {
        let LaneReader { worker, process, stream, listening, reader, ready, desk } = reading;
        let worker = *worker;
        let rest_ns = if *ready && !stream.is_large() { self.core().dispatcher.rest_ns(worker) } else { None };
        if let Some(rest_ns) = rest_ns {
            std::thread::sleep(Duration::from_nanos(rest_ns));
        }
        listening.store(true, Ordering::Release);
        let filled = reader.fill_soon(stream);
        listening.store(false, Ordering::Release);
        if !filled? {
            return Ok(LaneStep::End);
        }
        while let Some(message) = stream.next_message::<FromWorker>(reader)? {
            let input = match message {
                FromWorker::Ready => {
                    *ready = true;
                    // Before its first task.
                    self.tell_interest(worker);
                    self.decide(Input::WorkerReady { worker, pid: process.pid() });
                    if let Some(host) = process.host() {
                        self.emit(EventKind::Worker(WorkerEvent::Placed { worker, host: host.into() }));
                    }
                    continue;
                }
                FromWorker::File(request) => {
                    // A worker of this machine has no files to ask for.
                    let reply = desk.as_mut().and_then(|desk| desk.answer(request));
                    if let (Some(reply), Some(member)) = (reply, self.core().members.get(&worker)) {
                        member.sender.send(&ToWorker::File(reply));
                    }
                    continue;
                }
                FromWorker::Started { task, attempt, start_ns, pid } => {
                    Input::Started { worker, task, attempt, start_ns, pid }
                }
                FromWorker::Finished(records) => {
                    stream.note_piped(&records);
                    Input::Finished { worker, records }
                }
                FromWorker::FinishedAlone(record) => {
                    self.emit_if(stream.compare(Transport::Pipe, &record, self.now_ns()));
                    Input::Finished { worker, records: vec![*record] }
                }
                FromWorker::FinishedShared(mut record, bytes, compared) => {
                    stream.complete(&mut record, &bytes)?;
                    if compared {
                        self.emit_if(stream.compare(Transport::SharedMemory, &record, self.now_ns()));
                    }
                    Input::Finished { worker, records: vec![*record] }
                }
                FromWorker::Printed(printed) => {
                    self.printed(printed);
                    continue;
                }
                FromWorker::Located { task, place } => {
                    self.emit(EventKind::Sample(SampleEvent::Located { task, place }));
                    continue;
                }
                FromWorker::Returned(tasks) => Input::Returned { worker, tasks },
                FromWorker::Refused(reason) => return Ok(LaneStep::Refused(reason)),
                FromWorker::Suspended { task, pid, is_suspended } => {
                    Input::Suspended { worker, task, pid, is_suspended }
                }
                FromWorker::Alive => Input::Alive { worker },
                FromWorker::Exhausted(reason) => Input::Exhausted { worker, reason },
                FromWorker::Bye => return Ok(LaneStep::Bye),
            };
            self.decide(input);
        }
        self.deliver();
        Ok(LaneStep::More)
    }

    fn emit_if(&self, kind: Option<EventKind>) {
        if let Some(kind) = kind {
            self.emit(kind);
        }
    }
}
