//! A lane's thread: reads what its worker says until the connection ends, and has it answered.

use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::shell::Shell;
use crate::engine::dispatcher::Input;
use crate::engine::protocol::FromWorker;
use crate::engine::transport::Incoming;
use crate::engine::worker_process::WorkerProcess;
use crate::event::{EventKind, WorkerId};
use crate::job::Transport;
use crate::mp::frame::FrameError;
use crate::mp::mailbox::Mailbox;
use crate::mp::message_reader::MessageReader;

/// What has to be remembered of what was read.
enum Heard {
    More,
    Bye,
    Refused(String),
    End,
}

/// What a lane's thread reads with.
struct Reading<'a> {
    worker: WorkerId,
    process: &'a WorkerProcess,
    stream: Incoming,
    /// Whether the worker is waited for, and nothing else.
    listening: &'a AtomicBool,
    reader: MessageReader,
    /// The lane is there.
    ready: bool,
}

impl Shell {
    /// Reads `stream`, and what comes through the mailbox beside it, until the worker's connection ends, and says how it did.
    pub fn read_lane(
        &self,
        worker: WorkerId,
        process: &WorkerProcess,
        (stream, mailbox): (UnixStream, Option<Mailbox>),
        listening: &AtomicBool,
    ) {
        let mut reading = Reading {
            worker,
            process,
            stream: Incoming::new(stream, self.setup.transport),
            listening,
            reader: MessageReader::new(mailbox),
            ready: false,
        };
        let heard = loop {
            match self.read_some(&mut reading) {
                Ok(Heard::More) => {}
                Ok(last) => break last,
                Err(_) => {
                    // It talks nonsense, or was cut off: no more is expected of it.
                    process.kill();
                    break Heard::End;
                }
            }
        };
        let ready = reading.ready;
        drop(reading);
        let end = if ready { process.lane_ended(matches!(heard, Heard::Bye)) } else { process.lane_unopened() };
        self.core().members.remove(&worker);
        self.handle(match heard {
            Heard::Refused(reason) => Input::WorkerFailed { worker, reason },
            _ if ready => Input::WorkerEnded { worker, end },
            _ => Input::WorkerFailed { worker, reason: format!("a worker ended before it was ready: {end}") },
        });
    }

    fn read_some(&self, reading: &mut Reading<'_>) -> Result<Heard, FrameError> {
        let Reading { worker, process, stream, listening, reader, ready } = reading;
        let worker = *worker;
        let rest_ns = if *ready && !stream.is_large() { self.core().dispatcher.rest_ns(worker) } else { None };
        if let Some(rest_ns) = rest_ns {
            std::thread::sleep(Duration::from_nanos(rest_ns));
        }
        listening.store(true, Ordering::Release);
        let filled = reader.fill_soon(stream);
        listening.store(false, Ordering::Release);
        if !filled? {
            return Ok(Heard::End);
        }
        while let Some(message) = stream.next_message::<FromWorker>(reader)? {
            let input = match message {
                FromWorker::Ready => {
                    *ready = true;
                    Input::WorkerReady { worker, pid: process.pid() }
                }
                FromWorker::Started { task, attempt, start_ns, pid } => {
                    Input::Started { worker, task, attempt, start_ns, pid }
                }
                FromWorker::Finished(records) => {
                    stream.hears(&records);
                    Input::Finished { worker, records }
                }
                FromWorker::FinishedAlone(record) => {
                    self.say_if(stream.compare(Transport::Pipe, &record, self.now_ns()));
                    Input::Finished { worker, records: vec![*record] }
                }
                FromWorker::FinishedShared(mut record, bytes, compared) => {
                    stream.complete(&mut record, &bytes)?;
                    if compared {
                        self.say_if(stream.compare(Transport::SharedMemory, &record, self.now_ns()));
                    }
                    Input::Finished { worker, records: vec![*record] }
                }
                FromWorker::Returned(tasks) => Input::Returned { worker, tasks },
                FromWorker::Refused(reason) => return Ok(Heard::Refused(reason)),
                FromWorker::Alive => Input::Alive { worker },
                FromWorker::Short(reason) => Input::Short { worker, reason },
                FromWorker::Bye => return Ok(Heard::Bye),
            };
            self.decide(input);
        }
        self.deliver();
        Ok(Heard::More)
    }

    fn say_if(&self, kind: Option<EventKind>) {
        if let Some(kind) = kind {
            self.say(kind);
        }
    }
}
