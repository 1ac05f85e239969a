//! One timed run of a command.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use super::args::CommandRaceArgs;
use super::guard::Guard;
use fanlane_core::job::import::shell_words;
use fanlane_core::model::command_race::CommandRun;
use fanlane_os::reap::{Reaped, reap, wait_unreaped};

/// Where the output of the commands goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Output {
    Null,
    Pipe,
    Inherit,
    File(PathBuf),
}

/// How commands are started.
#[derive(Debug)]
pub struct Starter {
    /// The shell with its options; `None`: none.
    shell: Option<Vec<String>>,
    input: Option<PathBuf>,
    output: Output,
    /// What the start of the shell takes by itself, which is taken off.
    shell_only: CommandRun,
    /// The process group of the command that runs, until its process is reaped.
    running: Mutex<Option<Pid>>,
    /// Ends what the commands leave behind.
    guard: Guard,
}

fn words_of(line: &str) -> Result<Vec<String>> {
    Ok(shell_words(line)?.into_iter().map(|word| word.text).collect())
}

impl Starter {
    /// As the arguments say.
    ///
    /// # Errors
    /// When the shell or the input has no meaning, or there is no process for the guard.
    pub fn of(args: &CommandRaceArgs) -> Result<Self> {
        let shell = match args.shell.as_str() {
            _ if args.no_shell => None,
            "none" => None,
            "default" => Some(vec!["sh".to_owned()]),
            shell => Some(words_of(shell).context("--shell has no meaning")?),
        };
        let input = Some(args.input.clone()).filter(|input| input.as_os_str() != "null");
        if let Some(input) = &input {
            File::open(input)
                .with_context(|| format!("{} cannot be read as input of the commands", input.display()))?;
        }
        let output = match args.output.to_str() {
            _ if args.show_output => Output::Inherit,
            Some("null") => Output::Null,
            Some("pipe") => Output::Pipe,
            Some("inherit") => Output::Inherit,
            _ => Output::File(args.output.clone()),
        };
        let guard = Guard::start()?;
        Ok(Self { shell, input, output, shell_only: CommandRun::default(), running: Mutex::new(None), guard })
    }

    /// Measures what the start of the shell takes by itself.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn calibrated(mut self) -> Result<Self> {
        const RUNS: u32 = 50;
        if self.shell.is_none() {
            return Ok(self);
        }
        let mut sum = CommandRun::default();
        for _ in 0..RUNS {
            let run = self.run("")?;
            sum.wall_secs += run.wall_secs;
            sum.user_secs += run.user_secs;
            sum.system_secs += run.system_secs;
        }
        let mean = |sum: f64| sum / f64::from(RUNS);
        self.shell_only = CommandRun {
            wall_secs: mean(sum.wall_secs),
            user_secs: mean(sum.user_secs),
            system_secs: mean(sum.system_secs),
            ..CommandRun::default()
        };
        Ok(self)
    }

    fn running(&self) -> MutexGuard<'_, Option<Pid>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a signal to the command that runs, if one does, and to the processes that it has started.
    pub fn signal(&self, signal: Signal) {
        // The guard is held meanwhile, so the number is still its own.
        let running = self.running();
        if let Some(group) = *running {
            let _ = kill_process_group(group, signal);
        }
        drop(running);
    }

    /// Runs a command line and measures it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, line: &str) -> Result<CommandRun> {
        let (input, output) = (self.stdin()?, self.stdout()?);
        let error = if self.output == Output::Inherit { Stdio::inherit() } else { Stdio::null() };
        let mut command = self.command(line)?;
        command.stdin(input).stdout(output).stderr(error);
        let begun = Instant::now();
        let child = self.spawn(&mut command, line)?;
        let (Reaped { status, user_ns, system_ns, peak_memory_bytes }, ended) = self.wait(child);
        let wall = ended.duration_since(begun);
        let without = |measured: f64, shell: f64| (measured - shell).max(0.0);
        let secs = |ns: u64| ns as f64 / 1e9;
        Ok(CommandRun {
            wall_secs: without(wall.as_secs_f64(), self.shell_only.wall_secs),
            user_secs: without(secs(user_ns), self.shell_only.user_secs),
            system_secs: without(secs(system_ns), self.shell_only.system_secs),
            memory_bytes: Some(peak_memory_bytes),
            exit_code: status.code(),
        })
    }

    /// Runs what stands around a timed run, such as a preparation, and does not measure it.
    ///
    /// # Errors
    /// When it cannot be started or fails.
    pub fn run_aside(&self, line: &str, what: &str) -> Result<()> {
        let mut command = self.command(line)?;
        let inherits = self.output == Output::Inherit;
        let out = || if inherits { Stdio::inherit() } else { Stdio::null() };
        command.stdin(Stdio::null()).stdout(out()).stderr(out());
        let (Reaped { status, .. }, _) = self.wait(self.spawn(&mut command, line)?);
        if !status.success() {
            bail!("the command of --{what} '{line}' failed: {status}; append || true to go on after that");
        }
        Ok(())
    }

    fn command(&self, line: &str) -> Result<Command> {
        use std::os::unix::process::CommandExt;
        let words = match &self.shell {
            Some(shell) => [shell.as_slice(), &["-c".to_owned(), line.to_owned()]].concat(),
            None => words_of(line).with_context(|| format!("'{line}' cannot be split into words"))?,
        };
        let (program, arguments) = words.split_first().context("a command is empty")?;
        let mut command = Command::new(program);
        // A group of its own, which can be ended as one.
        let (marker, mark) = self.guard.marker();
        command.args(arguments).env(marker, mark).process_group(0);
        Ok(command)
    }

    fn spawn(&self, command: &mut Command, line: &str) -> Result<Child> {
        let advice = if self.shell.is_none() { "; without a shell it is a program with its arguments" } else { "" };
        let mut running = self.running();
        let child = command.spawn().with_context(|| format!("'{line}' cannot be started{advice}"))?;
        *running = Some(Pid::from_child(&child));
        drop(running);
        Ok(child)
    }

    fn wait(&self, mut child: Child) -> (Reaped, Instant) {
        if let Some(mut pipe) = child.stdout.take() {
            let mut buffer = vec![0; 64 << 10];
            while pipe.read(&mut buffer).is_ok_and(|count| count > 0) {}
        }
        let pid = Pid::from_child(&child);
        wait_unreaped(pid);
        let ended = Instant::now();
        let mut running = self.running();
        let reaped = reap(pid);
        *running = None;
        drop(running);
        (reaped, ended)
    }

    fn stdin(&self) -> Result<Stdio> {
        let open = |path: &Path| File::open(path).with_context(|| format!("{} cannot be read", path.display()));
        self.input.as_deref().map_or_else(|| Ok(Stdio::null()), |path| Ok(open(path)?.into()))
    }

    fn stdout(&self) -> Result<Stdio> {
        Ok(match &self.output {
            Output::Null => Stdio::null(),
            Output::Pipe => Stdio::piped(),
            Output::Inherit => Stdio::inherit(),
            Output::File(path) => {
                let created: io::Result<File> = File::create(path);
                created.with_context(|| format!("{} cannot be written", path.display()))?.into()
            }
        })
    }
}
