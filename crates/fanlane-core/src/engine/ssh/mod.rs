//! The engine of hosts that are reached through ssh: the same run as on this machine, whose workers are on other machines. One
//! connection a host carries all lanes there; this program is the agent at its other end.

mod agent;
mod base_files;
mod bootstrap;
pub mod check;
mod connection;
mod host;
mod hosts;
mod launcher;
mod login;
mod login_files;
mod login_process;
mod message;
mod mux;
mod remote_worker;
mod target;

use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::Sender;

use super::run::Run;
use super::{Demand, Engine, EngineError, EngineTraits, Limitation, RunHandle, RunOptions};
use crate::event::Event;
use crate::job::workload::Workload;
use crate::job::{Batch, Mode, TaskTemplate};

pub use agent::agent_role;
use base_files::BaseFiles;
use host::ConnectPlan;
use hosts::Hosts;
use launcher::SshLauncher;
pub use login::{LoginError, SshLogin, THIS_MACHINE, parse_logins};
pub use message::HostFacts;
pub use remote_worker::ChannelStream;
pub use target::{HostFile, SshTarget};

/// Why no host can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SshError {
    /// There is none.
    #[error("no host is named; give some with -S, such as -S 4/ada,grace, or in a file with --sshloginfile")]
    NoHosts,
    /// A file of hosts cannot be used.
    #[error("the file of hosts {} cannot be used: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Some refuse, which does not change by itself.
    #[error("{}\nnothing was run; put that right, or leave {} out", list(.0), if .0.len() == 1 { "the host" } else { "these hosts" })]
    Refused(Vec<HostFault>),
    /// None of them answers.
    #[error("no host can be reached:\n{}", list(.0))]
    Unreachable(Vec<HostFault>),
}

/// What is wrong with a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFault {
    /// The host, as it was given.
    pub host: String,
    /// What is wrong, with the words of ssh.
    pub reason: String,
}

fn list(faults: &[HostFault]) -> String {
    faults.iter().map(|HostFault { host, reason }| format!("{host}: {reason}")).collect::<Vec<_>>().join("\n")
}

/// What tasks on other hosts cannot have.
const LIMITATIONS: &[Limitation] = &[
    Limitation {
        demand: Demand::Threads,
        reason: "all tasks would share one process on one host; use the mode pool, which has as many tasks at a time",
    },
    Limitation { demand: Demand::Blocks, reason: "it is cut and read on this machine; cut it into files first" },
    Limitation { demand: Demand::Terminal, reason: "the terminal is on this machine; leave it out" },
    Limitation {
        demand: Demand::PythonFunction,
        reason: "its interpreter and modules are looked up on this machine; make it a command, such as python3 model.py {}",
    },
    Limitation {
        demand: Demand::SharedObjects,
        reason: "they are reached through a socket of this machine; leave them out",
    },
];

/// Runs batches on hosts that are reached through ssh.
#[derive(Clone, Debug)]
pub struct SshEngine {
    target: SshTarget,
}

impl SshEngine {
    /// An engine with these hosts.
    pub const fn new(target: SshTarget) -> Self {
        Self { target }
    }
}

impl Engine for SshEngine {
    fn start(
        &self,
        batch: Arc<Batch>,
        mut options: RunOptions,
        events: Sender<Event>,
    ) -> Result<Box<dyn RunHandle>, EngineError> {
        let refuse = |error: SshError| EngineError::Target(error.to_string());
        self.traits().check(&batch, &options)?;
        if let Some(obstacle) = obstacle(&batch) {
            return Err(EngineError::Target(obstacle));
        }
        let plan =
            ConnectPlan { ssh: self.target.ssh.clone(), jobs: self.target.jobs, base_files: BaseFiles::of(&batch) };
        let hosts = Hosts::begin(self.target.clone(), plan).map_err(refuse)?;
        let launcher = SshLauncher::new(Arc::clone(&hosts), self.target.environment.clone());
        // From here on the hosts end with the launcher.
        hosts.wait_until_reached().map_err(refuse)?;
        options.workers = if options.mode == Mode::One { 1 } else { hosts.pool_size() };
        batch.check_pool(options.workers).map_err(EngineError::Target)?;
        Ok(Box::new(Run::start(Box::new(launcher), batch, options, events)?))
    }

    fn traits(&self) -> EngineTraits {
        EngineTraits { name: "ssh", limitations: LIMITATIONS, ..EngineTraits::default() }
    }
}

/// Why a batch cannot be run on other hosts, beside what its engine never can.
fn obstacle(batch: &Batch) -> Option<String> {
    let job = batch.job();
    let control = &job.control;
    let needs_server = match &job.task {
        TaskTemplate::Workload(spec) => Workload::prepare(spec).is_ok_and(|workload| workload.needs_server()),
        TaskTemplate::Command(_) | TaskTemplate::Python(_) => false,
    };
    let is_measured_here = control.memfree_bytes.is_some()
        || control.load_limit.is_some()
        || control.limit_command.is_some()
        || control.no_swap;
    let obstacles = [
        (needs_server, "this workload fetches pages from this machine; choose another"),
        (
            is_measured_here,
            "memory, load and limits are measured on this machine; leave --memfree, --load, --limit and --noswap out, and give each \
             host fewer slots",
        ),
    ];
    let reason = obstacles.into_iter().find_map(|(holds, reason)| holds.then_some(reason))?;
    Some(format!("this cannot be run on other hosts: {reason}"))
}
