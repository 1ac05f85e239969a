//! The built program as the tests start it: in a folder of its own, with a home of its own, without a display.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// How long the program may take, whatever it does, before it counts as stuck.
pub const DEADLINE: Duration = Duration::from_secs(180);

/// How the program ended and what it wrote.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| without_sweep(&String::from_utf8_lossy(&bytes));
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// A text of the program without its message about what other tests have killed at this moment.
fn without_sweep(text: &str) -> String {
    let is_of_this_test = |line: &&str| !line.contains("ended that earlier runs had left behind");
    text.split_inclusive('\n').filter(is_of_this_test).collect()
}

/// The program with these words, to be started in `folder`; nothing of the machine's user reaches it.
pub fn command(words: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fanlane"));
    command.args(words).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
        .env("HOME", folder)
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_DATA_HOME")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY");
    command.env_remove("FANLANE_NO_HISTORY").env_remove("FANLANE_DATA_DIR");
    for name in ["VIRTUAL_ENV", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT", "PYTHONPATH", "OMP_NUM_THREADS"] {
        command.env_remove(name);
    }
    command.env("FANLANE_RUNTIME_DIR", folder.join("runtime")).env("PARALLEL_SHELL", "/bin/sh").env_remove("BASH_ENV");
    with_default_signals(&mut command);
    command
}

/// `sh` with a script, to be started in `folder`, where `fanlane` is the built program, with the surroundings of [`command`].
pub fn script(text: &str, folder: &Path) -> Command {
    let programs = Path::new(env!("CARGO_BIN_EXE_fanlane")).parent().expect("it is in a folder");
    let model = command(&[], folder);
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(text).current_dir(folder);
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for (name, value) in model.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let path = std::env::var("PATH").unwrap_or_default();
    shell.env("PATH", format!("{}:{path}", programs.display()));
    with_default_signals(&mut shell);
    shell
}

/// Has the program start with the default disposition of the signals that ask it to stop, also where the tests were
/// started with some of them ignored, as under `nohup` or in the background of a shell.
pub fn with_default_signals(command: &mut Command) {
    #[expect(unsafe_code, reason = "dispositions are set between fork and exec")]
    // SAFETY: `signal` may be called between fork and exec, and the default disposition runs no code.
    unsafe {
        command.pre_exec(|| {
            for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGXFSZ] {
                libc::signal(signal, libc::SIG_DFL);
            }
            Ok(())
        });
    }
}

/// GNU parallel in `folder`; `None`, and said so, where it is not installed. The machine that judges changes has it.
pub fn parallel(words: &[&str], folder: &Path) -> Option<Command> {
    let mut parallel = Command::new("parallel");
    let home = folder.join(".parallel");
    std::fs::create_dir_all(&home).expect("made");
    std::fs::write(home.join("will-cite"), "").expect("written");
    parallel.args(words).current_dir(folder).stdin(Stdio::null()).env("HOME", folder).env("PARALLEL_HOME", &home);
    let version = Command::new("parallel").arg("--version").output();
    if version.is_ok_and(|version| version.stdout.starts_with(b"GNU parallel")) {
        return Some(parallel);
    }
    assert!(std::env::var_os("CI").is_none(), "GNU parallel has to be installed here");
    let _ = writeln!(std::io::stderr(), "SKIPPED: GNU parallel is not installed, so nothing was compared with it");
    None
}

/// Runs the program in `folder` with nothing on standard input.
pub fn run_in(words: &[&str], folder: &Path) -> Ended {
    ended(command(words, folder).spawn().expect("the program can be started"))
}

/// Runs the program in a folder of its own with `input` on standard input.
pub fn run_with(words: &[&str], input: &[u8]) -> Ended {
    run_in_with(words, tempfile::tempdir().expect("a folder").path(), input)
}

/// Runs the program in `folder` with `input` on standard input.
pub fn run_in_with(words: &[&str], folder: &Path, input: &[u8]) -> Ended {
    let mut child = command(words, folder).stdin(Stdio::piped()).spawn().expect("the program can be started");
    let mut stdin = child.stdin.take().expect("it is piped");
    // Who reads no input may be gone already.
    let _ = stdin.write_all(input);
    drop(stdin);
    ended(child)
}

/// Waits until the program has ended, and ends it itself if it does not.
pub fn ended(child: Child) -> Ended {
    let pid = Pid::from_child(&child);
    let (sender, receiver) = mpsc::channel();
    let reader = std::thread::spawn(move || sender.send(child.wait_with_output()));
    let output = receiver.recv_timeout(DEADLINE).unwrap_or_else(|_| {
        // It is not waited for yet, so the id is still its own.
        kill_process(pid, Signal::KILL).expect("it can be killed");
        let _ = reader.join();
        panic!("the program was still running after {DEADLINE:?}");
    });
    output.expect("its output can be read").into()
}
