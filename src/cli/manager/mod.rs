//! `fanlane manager`: shared objects for shell scripts, and a server for them.

pub mod args;
mod serve;

use std::ffi::OsString;

use anyhow::{Result, bail};

use args::{ManagerAction, ManagerArgs, Wait, Words};

use super::child;
use super::exit_status::Status;
use super::report::printable;
use super::subcommand::Subcommand;
use super::terminal::{in_one_line, print, remark};
use fanlane_core::job::SharedSpec;
use fanlane_core::model::sanitize;
use fanlane_mp::manager::{Client, DynamicValue, FailureKind, ManagerError, Reference, from_value};

impl Subcommand for ManagerArgs {
    fn perform(self) -> Result<Status> {
        if let ManagerAction::Serve(args) = &self.action {
            return serve::serve(args);
        }
        let client = Client::from_environment()?;
        match perform(&client, &self.action) {
            Ok(status) => Ok(status),
            Err(error) => match error.downcast_ref::<ManagerError>().and_then(ManagerError::kind) {
                // These are answers that a script asks for, not mistakes.
                Some(FailureKind::Empty | FailureKind::Full | FailureKind::NotFound | FailureKind::BrokenBarrier) => {
                    remark(&in_one_line(&error));
                    Ok(Status::SomeFailed)
                }
                _ => Err(error),
            },
        }
    }
}

fn perform(client: &Client, action: &ManagerAction) -> Result<Status> {
    let done = |result: Result<DynamicValue, ManagerError>| -> Result<Status> {
        result?;
        Ok(Status::AllDone)
    };
    match action {
        ManagerAction::Serve(_) => bail!("a manager is started without another one"),
        ManagerAction::List { json } => list(client, *json),
        ManagerAction::Get { name, key: None, .. } => show(&client.snapshot(name)?),
        ManagerAction::Get { name, key: Some(key), words } => show(&client.call(name, "get", vec![words.read(key)])?),
        ManagerAction::Set { name, values, words } => {
            done(client.call(name, "set", values.iter().map(|word| words.read(word)).collect()))
        }
        ManagerAction::Incr { name, by, key } => {
            let key = key.iter().map(|key| DynamicValue::from_word(key));
            show(&client.call(name, "add", key.chain([DynamicValue::from_word(by)]).collect())?)
        }
        ManagerAction::Append { name, values, words } => {
            let values = values.iter().map(|word| words.read(word)).collect();
            done(client.call(name, "extend", vec![DynamicValue::List(values)]))
        }
        ManagerAction::Add { name, value, words } => status_of(client.call(name, "add", vec![words.read(value)])?),
        ManagerAction::Contains { name, value, words } => {
            status_of(client.call(name, "contains", vec![words.read(value)])?)
        }
        ManagerAction::Put { name, values, wait, words } => {
            for word in values {
                client.call(name, "put", vec![words.read(word), wait.timeout()])?;
            }
            Ok(Status::AllDone)
        }
        ManagerAction::Take { name, wait } => show(&client.call(name, "get", vec![wait.timeout()])?),
        ManagerAction::Wait { name, wait } => {
            let answer = client.call(name, "wait", vec![wait.timeout()])?;
            Ok(if answer == DynamicValue::Bool(false) { Status::SomeFailed } else { Status::AllDone })
        }
        ManagerAction::With { name, wait, command } => with(client, name, wait, command),
        ManagerAction::Call { name, method, values, words } => {
            show(&client.call(name, method, values.iter().map(|word| words.read(word)).collect())?)
        }
        ManagerAction::Create { objects } => {
            for (name, spec) in serve::read_objects(objects)? {
                client.custom(&name, spec.kind(), spec.arguments())?;
            }
            Ok(Status::AllDone)
        }
        ManagerAction::Delete { name } => {
            client.delete(name)?;
            Ok(Status::AllDone)
        }
        ManagerAction::Stop => {
            client.stop_server()?;
            Ok(Status::AllDone)
        }
    }
}

impl Words {
    fn read(&self, word: &str) -> DynamicValue {
        if self.text { DynamicValue::from(word) } else { DynamicValue::from_word(word) }
    }
}

impl Wait {
    fn timeout(&self) -> DynamicValue {
        self.timeout.map_or(DynamicValue::Nil, DynamicValue::Float)
    }
}

/// Prints a value for scripts: texts and bytes as they are, everything else as JSON.
fn show(value: &DynamicValue) -> Result<Status> {
    print(|out| match value {
        DynamicValue::Nil => Ok(()),
        DynamicValue::Text(text) => writeln!(out, "{text}"),
        DynamicValue::Bytes(bytes) => out.write_all(bytes),
        other => writeln!(out, "{}", sanitize::json(&other.to_json())),
    })
}

/// The exit status for a truth value: 0 for true, 1 for false.
fn status_of(answer: DynamicValue) -> Result<Status> {
    match answer {
        DynamicValue::Bool(true) => Ok(Status::AllDone),
        DynamicValue::Bool(false) => Ok(Status::SomeFailed),
        // `add` returns the sum of numbers.
        other => show(&other),
    }
}

fn list(client: &Client, json: bool) -> Result<Status> {
    let objects = client.objects()?;
    print(|out| {
        for object in objects {
            if json {
                sanitize::write_json(&mut *out, &object)?;
                writeln!(out)?;
            } else {
                let name = if object.name.is_empty() { Reference(object.reference).0.to_string() } else { object.name };
                let length = object.length.map_or_else(String::new, |length| format!(" of {length}"));
                let content = printable(&object.content, usize::MAX);
                writeln!(out, "{}\t{}{length}\t{content}", printable(&name, usize::MAX), object.kind)?;
            }
        }
        Ok(())
    })
}

/// Holds a lock while a command runs. The connection of this process owns it: when the process is killed, the lock is free.
fn with(client: &Client, name: &str, wait: &Wait, command: &[OsString]) -> Result<Status> {
    let (_, kind): (Reference, String) = from_value(client.find_any(name)?)?;
    let is_semaphore = kind.ends_with("Semaphore");
    let to_hold = is_semaphore.then_some(DynamicValue::Bool(true));
    let answer = client.call(name, "acquire", [wait.timeout()].into_iter().chain(to_hold).collect())?;
    match answer {
        DynamicValue::Bool(false) => {
            remark(&format!("'{name}' could not be acquired in time; the command was not run"));
            return Ok(Status::SomeFailed);
        }
        DynamicValue::Bool(true) => {}
        _ => {
            remark(&format!("the previous holder of '{name}' died while holding it; what it protects may be half done"))
        }
    }
    let ran = child::run(command, &[]);
    // If the manager is gone, so is the lock.
    let _ = client.call(name, "release", Vec::new());
    ran
}

/// Objects of the command line with their names.
type Objects = Vec<(String, SharedSpec)>;
