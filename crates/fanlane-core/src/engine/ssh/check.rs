//! What hosts are, asked of all of them at once, as before a run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connection::{Connection, Keeper};
use super::host::ConnectPlan;
use super::login::SshLogin;
use super::login_process::LoginProcess;
use super::message::HostFacts;
use super::mux::Mux;
use super::{SshError, SshTarget, agent, login_files};

/// What came of asking a host.
#[derive(Clone, Debug)]
pub struct CheckedHost {
    /// The host, as it was given.
    pub host: String,
    /// How many tasks a run would have there at a time.
    pub slots: Option<u32>,
    /// How long it took, from the login to the answer.
    pub took: Duration,
    /// What it is, or why it has not said so.
    pub facts: Result<HostFacts, String>,
}

/// Asks all hosts of a target.
///
/// # Errors
/// When there is none, or a file of hosts cannot be read.
pub fn check_hosts(target: &SshTarget) -> Result<Vec<CheckedHost>, SshError> {
    let logins = login_files::all(target)?;
    if logins.is_empty() {
        return Err(SshError::NoHosts);
    }
    let plan = ConnectPlan { ssh: target.ssh.clone(), jobs: target.jobs, base_files: None };
    Ok(std::thread::scope(|scope| {
        let asked: Vec<_> = logins.iter().map(|login| scope.spawn(|| check(login, &plan))).collect();
        let answers = asked.into_iter().zip(&logins).map(|(answer, login)| {
            answer.join().unwrap_or_else(|_| CheckedHost {
                host: login.name(),
                slots: None,
                took: Duration::ZERO,
                facts: Err("the check broke off".to_owned()),
            })
        });
        answers.collect()
    }))
}

fn check(login: &SshLogin, plan: &ConnectPlan) -> CheckedHost {
    let begun = Instant::now();
    let facts = if login.is_this_machine() { Ok(agent::own_facts()) } else { ask(login, plan) };
    let cores = login.slots.or_else(|| facts.as_ref().ok().map(|facts| facts.cores));
    let slots = cores.map(|cores| plan.jobs.map_or(cores, |jobs| jobs.resolve(cores, u64::MAX)));
    CheckedHost { host: login.name(), slots, took: begun.elapsed(), facts }
}

fn ask(login: &SshLogin, plan: &ConnectPlan) -> Result<HostFacts, String> {
    let process = LoginProcess::begin(login, &plan.ssh, &|| false).map_err(|fault| fault.words().to_owned())?;
    let streams = process.stream().and_then(|reader| Ok((reader, process.stream()?)));
    let mux = streams.and_then(|(reader, writer)| Mux::new(reader.into(), writer.into()));
    let carried = mux.and_then(|mux| {
        let connection = Arc::new(Connection::new(mux.handle()));
        let done = Arc::clone(&connection);
        mux.run(&mut Keeper::new(Arc::clone(&connection), move || done.end()))?;
        Ok(connection.facts().cloned())
    });
    let words = process.end();
    match carried {
        Ok(Some(facts)) => Ok(facts),
        Ok(None) => Err(format!("the connection was closed: {words}")),
        Err(error) => Err(format!("the connection was lost: {error} {words}")),
    }
}
