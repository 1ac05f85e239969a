//! Starts the workers of a run on its hosts, each where the smallest share of the places is taken.

use std::io;
use std::sync::Arc;

use super::host::HostState;
use super::hosts::Hosts;
use super::remote_worker::{RemoteWorker, SeatedWorker};
use crate::engine::LocalEngine;
use crate::engine::launcher::{Launcher, LauncherNotice, WorkerHandle};
use crate::engine::protocol::Setup;

/// A launcher of workers on hosts. The connections end with it.
pub struct SshLauncher {
    hosts: Arc<Hosts>,
    /// Variables that all tasks have on other hosts.
    environment: Vec<(String, String)>,
    here: LocalEngine,
}

impl SshLauncher {
    /// A launcher on these hosts.
    pub fn new(hosts: Arc<Hosts>, environment: Vec<(String, String)>) -> Self {
        Self { hosts, environment, here: LocalEngine::this_program() }
    }
}

impl Launcher for SshLauncher {
    fn start(&self, setup: &Setup, environment: &[(String, String)]) -> io::Result<Arc<dyn WorkerHandle>> {
        let (host, state) = self.hosts.next().ok_or_else(|| io::Error::other(self.hosts.why_none()))?;
        let seat = host.take_seat();
        Ok(match state {
            HostState::Up(Some(connection)) => {
                let environment = [environment, &*self.environment].concat();
                Arc::new(RemoteWorker::new(connection, setup, environment, seat))
            }
            _ => Arc::new(SeatedWorker { process: Launcher::start(&self.here, setup, environment)?, seat }),
        })
    }

    fn begin(&self, notify: Box<dyn Fn(LauncherNotice) + Send + Sync>) {
        self.hosts.notify(notify.into());
    }

    fn end(&self) {
        self.hosts.end();
    }
}

impl Drop for SshLauncher {
    fn drop(&mut self) {
        self.hosts.end();
    }
}
