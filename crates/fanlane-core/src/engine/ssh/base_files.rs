//! Files that a host is brought once, before its first task, and that are removed at the end: by a worker there whose one task does
//! nothing itself, but has these files.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_bytes::ByteBuf;

use super::connection::Connection;
use super::host::Host;
use super::remote_worker::RemoteWorker;
use crate::engine::files::{FileDesk, FileName, find_below};
use crate::engine::launcher::WorkerHandle;
use crate::engine::link::{Bytes, LinkStream};
use crate::engine::protocol::{Caps, CommandKind, FromWorker, Setup, TaskFrame, TaskSetup, ToWorker};
use crate::event::{LaneId, Outcome, TaskId, WorkerId};
use crate::job::remote_files::TaskFiles;
use crate::job::{Batch, Shell, TaskKind, Transport};
use fanlane_os::frame::{FrameReader, write_frame};

/// How long the removal may take.
const REMOVAL_TIMEOUT: Duration = Duration::from_secs(5);

/// The files of a job that each host is brought.
#[derive(Clone, Debug)]
pub struct BaseFiles {
    names: Vec<ByteBuf>,
    folder: PathBuf,
    workdir: Option<ByteBuf>,
    cleanup: bool,
}

impl BaseFiles {
    /// Those of a batch; `None` where it has none.
    pub fn of(batch: &Batch) -> Option<Self> {
        let files = &batch.job().remote_files;
        let names: Vec<ByteBuf> = files.base.iter().map(|name| ByteBuf::from(name.as_bytes())).collect();
        (!names.is_empty()).then(|| Self {
            names,
            folder: batch.working_dir().to_owned(),
            workdir: files.base_folder().map(|folder| ByteBuf::from(folder.as_bytes())),
            cleanup: files.cleanup,
        })
    }

    /// Brings them to a host.
    ///
    /// # Errors
    /// What could not be brought, in words.
    pub fn bring(&self, host: &Arc<Host>, connection: &Arc<Connection>) -> Result<(), String> {
        let files = TaskFiles { workdir: self.workdir.clone(), transfer: self.names.clone(), ..TaskFiles::default() };
        self.perform(host, connection, files, None)
    }

    /// Removes them there, if that is asked for.
    pub fn take_away(&self, host: &Arc<Host>, connection: &Arc<Connection>) {
        if self.cleanup {
            let files =
                TaskFiles { workdir: self.workdir.clone(), removed: self.names.clone(), ..TaskFiles::default() };
            // As in GNU parallel, what cannot be removed stays.
            let _ = self.perform(host, connection, files, Some(REMOVAL_TIMEOUT));
        }
    }

    fn perform(
        &self,
        host: &Arc<Host>,
        connection: &Arc<Connection>,
        files: TaskFiles,
        timeout: Option<Duration>,
    ) -> Result<(), String> {
        let system = |error: io::Error| error.to_string();
        let worker = RemoteWorker::new(Arc::clone(connection), &setup().map_err(system)?, Vec::new(), host.take_seat());
        let link = worker.open_lane(WorkerId(0), LaneId(0)).map_err(system)?;
        link.stream.set_read_timeout(timeout).map_err(system)?;
        let done = self.serve(&*link.stream, &files);
        drop(link);
        let _ = worker.lane_ended(done.is_ok());
        done
    }

    /// Has the worker do its one task, and answers what it asks.
    fn serve(&self, stream: &(dyn LinkStream + 'static), files: &TaskFiles) -> Result<(), String> {
        let lost = || "the connection was lost".to_owned();
        let send = |message: &ToWorker| send(stream, message).map_err(|_| lost());
        let mut payload = Vec::new();
        let files = postcard::to_stdvec(files).map_err(|error| error.to_string())?;
        payload.extend_from_slice(&(files.len() as u32).to_le_bytes());
        payload.extend_from_slice(&files);
        payload.extend_from_slice(b"true");
        send(&ToWorker::Run(vec![TaskFrame { task: TaskId(0), attempt: 1, payload }]))?;
        let mut desk = FileDesk::new(|name| match name {
            FileName::Transfer { place, .. } => find_below(&self.folder, &self.names, place),
            FileName::Return { .. } | FileName::Printed { .. } => find_below(&self.folder, &[], 0),
        });
        let mut reader = FrameReader::default();
        loop {
            while let Some(message) = reader.next_message::<FromWorker>().map_err(|_| lost())? {
                match message {
                    FromWorker::File(request) => {
                        if let Some(reply) = desk.answer(request) {
                            send(&ToWorker::File(reply))?;
                        }
                    }
                    FromWorker::Finished(records) => {
                        send(&ToWorker::Retire)?;
                        let outcome = records.into_iter().next().map(|record| record.outcome);
                        return match outcome {
                            Some(Outcome::Done) => Ok(()),
                            Some(outcome) => Err(outcome.reason().unwrap_or("the host runs no command").to_owned()),
                            None => Err(lost()),
                        };
                    }
                    FromWorker::Refused(reason) => return Err(reason),
                    _ => {}
                }
            }
            if !reader.fill(&mut Bytes(stream)).map_err(|_| lost())? {
                return Err(lost());
            }
        }
    }
}

/// A worker of commands without anything else.
fn setup() -> io::Result<Setup> {
    const GRACE_NS: u64 = 1_000_000_000;
    let kind = CommandKind { shell: Shell::None, has_files: true, ..CommandKind::default() };
    Ok(Setup {
        task: TaskSetup::new(TaskKind::Command.traits().name, false, &kind)?,
        working_dir: PathBuf::from("."),
        shared_process: false,
        epoch_ns: 0,
        timeout_ns: None,
        needs: BTreeMap::new(),
        nice: 0,
        caps: Caps::default(),
        grace_ns: GRACE_NS,
        output_limit_bytes: 1 << 10,
        spill_folder: None,
        shared_folder: None,
        progress: None,
        transport: Transport::Pipe,
        terminal_of: None,
        is_remote: true,
    })
}

fn send<M: Serialize>(stream: &(dyn LinkStream + 'static), message: &M) -> io::Result<()> {
    let mut bytes = Vec::new();
    write_frame(&mut bytes, message).map_err(io::Error::other)?;
    stream.send_all(&bytes, &[])
}
