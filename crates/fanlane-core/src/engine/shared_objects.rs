//! The manager of a run's shared objects: it starts before the first worker and ends after the last one. Its objects are
//! sampled at intervals for the run's events.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

use crate::event::{Event, EventKind, SharedContent, SharedEvent, SharedObject};
use crate::job::Job;
use fanlane_mp::manager::{KEY_VARIABLE, MANAGER_VARIABLE, MAX_BYTES, Server, ServerOptions};

use super::EngineError;
use super::run_clock::RunClock;

/// How often the objects are sampled, where they have changed.
const POLL_INTERVAL: Duration = Duration::from_millis(250);
/// Maximum number of objects shown; tasks may make more.
const MAX_SHOWN: usize = 1000;

/// The shared objects of a run under way.
pub struct SharedObjects {
    server: Arc<Server>,
}

impl SharedObjects {
    /// Makes the objects that a job declares; `None` where it declares none.
    ///
    /// # Errors
    /// When the system has no folder, socket or thread for them.
    pub fn start(job: &Job) -> Result<Option<Self>, EngineError> {
        if job.shared.is_empty() {
            return Ok(None);
        }
        let cannot =
            |source| EngineError::System { what: "the manager of the shared objects cannot be started", source };
        let mut options = ServerOptions::local().map_err(cannot)?;
        options.max_bytes = job.shared_bytes.unwrap_or(MAX_BYTES);
        options.max_bytes_is_set_by = "shared_bytes in the job file, or fanlane run --shared-bytes SIZE".to_owned();
        let server = Server::start(options).map_err(|error| cannot(io::Error::other(error)))?;
        for (name, spec) in &job.shared {
            let made = server.create(name, spec.kind(), spec.arguments());
            made.map_err(|failure| cannot(io::Error::other(failure)))?;
        }
        Ok(Some(Self { server: Arc::new(server) }))
    }

    /// What tasks find in their environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        vec![
            (MANAGER_VARIABLE.to_owned(), self.server.addresses()[0].to_string()),
            (KEY_VARIABLE.to_owned(), self.server.key().reveal().to_owned()),
        ]
    }

    /// The folder of its socket, which is removed with it.
    pub fn folder(&self) -> Option<&Path> {
        self.server.folder()
    }

    /// The objects as they are now, in full as far as an event may hold it.
    pub fn contents(&self) -> Vec<SharedContent> {
        let contents = self.server.contents();
        let infos = self.server.list().into_iter().filter(|info| !info.name.is_empty()).take(MAX_SHOWN);
        infos
            .map(|info| {
                let json = contents.get(&info.name).map(|datum| datum.to_short_json(SharedContent::MAX_BYTES));
                SharedContent {
                    json: json.filter(|json| json.len() <= SharedContent::MAX_BYTES),
                    name: info.name,
                    kind: info.kind,
                    length: info.length,
                }
            })
            .collect()
    }

    /// Starts sampling the objects into `events`; a sample that finds no room is dropped.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn watch(&self, events: Sender<Event>, clock: Arc<RunClock>) -> io::Result<Sampler> {
        let (end, ended) = bounded::<()>(0);
        let server = Arc::clone(&self.server);
        let thread = std::thread::Builder::new().name("shared objects".to_owned()).spawn(move || {
            let mut shown_calls = None;
            let mut sample = || {
                let calls = server.calls();
                if shown_calls == Some(calls) {
                    return;
                }
                let at_ns = clock.now_ns();
                let sampled = Event { at_ns, kind: EventKind::Shared(SharedEvent::Sampled(contents_of(&server))) };
                if events.try_send(sampled).is_ok() {
                    shown_calls = Some(calls);
                }
            };
            sample();
            while ended.recv_timeout(POLL_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                sample();
            }
            // After the last task.
            sample();
        })?;
        Ok(Sampler { end: Some(end), thread: Some(thread) })
    }
}

fn contents_of(server: &Server) -> Vec<SharedObject> {
    let infos = server.list().into_iter().filter(|info| !info.name.is_empty()).take(MAX_SHOWN);
    infos
        .map(|info| SharedObject {
            name: info.name,
            kind: info.kind,
            length: info.length,
            content: info.content,
            calls: info.calls,
            waiting: info.waiting,
        })
        .collect()
}

/// The thread that samples. Dropping it ends it.
pub struct Sampler {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Sampler {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
