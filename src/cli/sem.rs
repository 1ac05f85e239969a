//! `fanlane sem`: commands of a name, a limited number of which run at the same time. Each of them holds the lock of a file, which
//! its processes inherit, so that the place is free when the last of them has ended, however it ends.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use rustix::fs::{FlockOperation, flock};
use rustix::io::{Errno, FdFlags, fcntl_setfd};

use super::child::run_command;
use super::exit_status::Status;
use super::plan::caller_shell;
use super::subcommand::Subcommand;
use super::terminal::remark;
use super::worker_count::{self, WorkerCount};
use fanlane_core::host::own_runtime_folder;
use fanlane_os::machine::cores;

/// The arguments of `fanlane sem`.
#[derive(Debug, Args)]
#[command(override_usage = "fanlane sem [OPTIONS] COMMAND...\n       fanlane sem --wait [--id NAME]")]
pub struct SemArgs {
    /// How many commands of the name may run at the same time: N, N% or +N of the cores [default: 1]
    #[arg(short = 'j', long, alias = "workers", short_alias = 'P', value_name = "N", value_parser = worker_count::parse)]
    jobs: Option<WorkerCount>,
    /// The name of the semaphore [default: the terminal]
    #[arg(long, aliases = ["semaphore-name", "semaphorename"], value_name = "NAME")]
    id: Option<OsString>,
    /// Wait for the end of the command, and end with its status
    #[arg(long)]
    fg: bool,
    /// Return when the command has started; this is the default
    #[arg(long, conflicts_with = "fg")]
    bg: bool,
    /// Wait for the end of all commands of the name
    #[arg(long, conflicts_with_all = ["fg", "bg", "jobs", "words", "timeout"])]
    wait: bool,
    /// Run the command without its place after SECS; if SECS is negative, give up after as many
    #[arg(
        long = "semaphore-timeout",
        visible_alias = "st",
        alias = "semaphoretimeout",
        value_name = "SECS",
        allow_hyphen_values = true
    )]
    timeout: Option<f64>,
    /// Give the command the standard input of this program in place of nothing
    #[arg(long)]
    pipe: bool,
    /// The command
    #[arg(trailing_var_arg = true, value_name = "COMMAND", hide = true, required_unless_present = "wait")]
    words: Vec<OsString>,
}

impl Subcommand for SemArgs {
    fn perform(self) -> Result<Status> {
        let name = self.id.clone().unwrap_or_else(name_of_terminal);
        let semaphore = Semaphore::open(&name)?;
        if self.wait {
            semaphore.wait_for_all()?;
            return Ok(Status::AllDone);
        }
        let timeout = self.timeout.map(|secs| Duration::try_from_secs_f64(secs.abs())).transpose();
        let timeout = timeout.context("--semaphore-timeout takes a number of seconds")?;
        let places = self.jobs.map_or(1, |jobs| jobs.resolve(cores(), u64::MAX));
        let place = semaphore.take(places, timeout)?;
        if place.is_none() {
            let waited = timeout.unwrap_or_default().as_secs_f64();
            let shown = name.display();
            ensure!(
                self.timeout.is_some_and(f64::is_sign_positive),
                "the semaphore {shown} was not free within {waited} s; nothing was run"
            );
            remark(&format!(
                "the semaphore {shown} was not free within {waited} s; the command runs without a place in it"
            ));
        }
        let mut command = self.command()?;
        if let Some(place) = &place {
            fcntl_setfd(place, FdFlags::empty()).context("the command cannot be given its place")?;
        }
        if self.fg {
            return run_command(&mut command);
        }
        command.spawn().with_context(|| format!("{} cannot be started", command.get_program().display()))?;
        Ok(Status::AllDone)
    }
}

impl SemArgs {
    /// The words as a line for the shell that calls.
    fn command(&self) -> Result<Command> {
        let shell = caller_shell::of_caller()?;
        let Some(program) = shell.program() else { bail!("there is no shell to run the command") };
        let mut command = Command::new(program);
        command.arg("-c").arg(self.words.join(OsStr::new(" ")));
        if !self.pipe {
            // A loop that reads its lines keeps them.
            command.stdin(Stdio::null());
        }
        Ok(command)
    }
}

/// The terminal of standard input, as GNU parallel names semaphores.
fn name_of_terminal() -> OsString {
    let name = rustix::termios::ttyname(std::io::stdin(), Vec::new());
    name.map_or_else(|_| OsString::from("default"), |name| OsStr::from_bytes(name.as_bytes()).to_owned())
}

/// A semaphore: a folder with a file for each place, which is taken while the file is locked.
struct Semaphore {
    folder: PathBuf,
}

impl Semaphore {
    fn open(name: &OsStr) -> Result<Self> {
        let folder = own_runtime_folder()?.join("semaphores").join(file_name(name));
        fs::create_dir_all(&folder).with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        Ok(Self { folder })
    }

    fn place(&self, number: u32) -> Result<File> {
        let path = self.folder.join(number.to_string());
        let opened = File::options().create(true).truncate(false).write(true).open(&path);
        opened.with_context(|| format!("the file {} cannot be opened", path.display()))
    }

    /// Takes one of `places` places, and waits for it; `None`: none was free in time.
    fn take(&self, places: u32, timeout: Option<Duration>) -> Result<Option<File>> {
        let mut waiting = Vec::new();
        for number in 0..places {
            let file = self.place(number)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Some(file)),
                Err(Errno::WOULDBLOCK | Errno::INTR) => waiting.push(file),
                Err(error) => return Err(error).context("a place of the semaphore cannot be locked"),
            }
        }
        let (taken, first) = mpsc::channel();
        let is_over = Arc::new(AtomicBool::new(false));
        for file in waiting {
            let (taken, is_over) = (taken.clone(), Arc::clone(&is_over));
            thread::spawn(move || {
                let locked = lock(&file);
                // A place that comes too late is given back.
                if !is_over.swap(true, Ordering::AcqRel) {
                    let _ = taken.send(locked.map(|()| file));
                }
            });
        }
        let place = match timeout {
            None => first.recv().ok(),
            Some(timeout) => match first.recv_timeout(timeout) {
                Ok(place) => Some(place),
                // It may have come at the last moment.
                Err(_) if is_over.swap(true, Ordering::AcqRel) => first.recv().ok(),
                Err(_) => None,
            },
        };
        place.transpose().context("a place of the semaphore cannot be locked")
    }

    /// Waits until no place is taken, one after the other.
    fn wait_for_all(&self) -> Result<()> {
        let entries =
            fs::read_dir(&self.folder).with_context(|| format!("{} cannot be read", self.folder.display()))?;
        for entry in entries {
            let file = File::open(entry?.path()).context("a place of the semaphore cannot be opened")?;
            lock(&file).context("a place of the semaphore cannot be locked")?;
        }
        Ok(())
    }
}

fn lock(file: &File) -> Result<(), Errno> {
    loop {
        match flock(file, FlockOperation::LockExclusive) {
            Err(Errno::INTR) => {}
            locked => return locked,
        }
    }
}

/// A name of any bytes as that of a file.
fn file_name(name: &OsStr) -> PathBuf {
    let mut text = String::from("s-");
    for byte in name.as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => text.push(char::from(*byte)),
            other => text += &format!("%{other:02x}"),
        }
    }
    Path::new(&text).to_owned()
}
