//! A pseudo-terminal, with the program or a shell in it.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::processes::wait;
use super::start::{DEADLINE, command};

/// What a view sends when it takes the terminal, and when it gives it back.
pub const ENTER: &str = "\x1b[?1049h";
pub const LEAVE: &str = "\x1b[?1049l";
/// What the shell says before it reads a line.
pub const PROMPT: &str = "ready$ ";

/// A pseudo-terminal and the program in it, which leads a session of its own there.
pub struct Terminal {
    pub keys: File,
    pub screen: OwnedFd,
    pub child: Child,
    written: Arc<(Mutex<Vec<u8>>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts the program with all three streams on the terminal.
    pub fn start(mut command: Command, columns: u16, rows: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let screen = open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        resize(&screen, columns, rows);
        let stream = || screen.try_clone().unwrap();
        command.stdin(stream()).stdout(stream()).stderr(stream()).env("TERM", "xterm");
        #[expect(unsafe_code, reason = "the session is made between fork and exec")]
        // SAFETY: these are system calls and nothing else.
        unsafe {
            command.pre_exec(|| {
                for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGTSTP] {
                    libc::signal(signal, libc::SIG_DFL);
                }
                rustix::process::setsid()?;
                rustix::process::ioctl_tiocsctty(std::io::stdin())?;
                Ok(())
            });
        }
        let child = command.spawn().unwrap();
        // Its copies of the streams would keep the terminal open.
        drop(command);
        let keys = File::from(master);
        let mut from = keys.try_clone().unwrap();
        let written = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let to = Arc::clone(&written);
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            // It fails once no process has the terminal open.
            while let Ok(count @ 1..) = from.read(&mut piece) {
                to.0.lock().unwrap().extend_from_slice(&piece[..count]);
                to.1.notify_all();
            }
        });
        Self { keys, screen, child, written, reader: Some(reader) }
    }

    /// Starts a shell with job control in which `$FANLANE` is the program.
    pub fn shell(home: &Path) -> Self {
        let mut shell = Command::new("bash");
        shell.args(["--norc", "--noprofile", "-i"]).current_dir(home);
        for (name, value) in command(&[], home).get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.env("PS1", PROMPT).env("FANLANE", env!("CARGO_BIN_EXE_fanlane"));
        let terminal = Self::start(shell, 120, 24);
        terminal.wait_for("the prompt", 0, |text| text.contains(PROMPT));
        terminal
    }

    /// Types a line, or presses keys.
    pub fn type_keys(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.written.0.lock().unwrap()).into_owned()
    }

    /// Waits until `found` holds of what was written from byte `from` on.
    pub fn wait_for(&self, what: &str, from: usize, found: impl Fn(&str) -> bool) {
        let until = Instant::now() + DEADLINE;
        let mut written = self.written.0.lock().unwrap();
        while !found(&String::from_utf8_lossy(&written[from..])) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain for {what}; the end: {:?}", end(&written[from..]));
            written = self.written.1.wait_timeout(written, left).unwrap().0;
        }
    }

    /// Presses keys and waits for words that are drawn afterwards.
    pub fn press(&mut self, keys: &str, drawn: &str) {
        let from = self.written.0.lock().unwrap().len();
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.wait_for(&format!("{drawn:?} after {keys:?}"), from, |text| text.contains(drawn));
    }

    pub fn is_raw(&self) -> bool {
        !tcgetattr(&self.screen).unwrap().local_modes.contains(LocalModes::ICANON)
    }

    /// Waits for the end; the exit status, and what was written after the terminal was given back.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let status = wait(&mut self.child);
        assert!(!self.is_raw(), "the modes of before are back");
        // The end of the text is read once no one else has the terminal open.
        self.screen = open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        self.reader.take().unwrap().join().unwrap();
        let text = self.text();
        assert_eq!(text.matches(ENTER).count(), text.matches(LEAVE).count(), "{:?}", end(text.as_bytes()));
        (status.code(), text.rsplit(LEAVE).next().unwrap().to_owned())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn resize(terminal: &OwnedFd, columns: u16, rows: u16) {
    tcsetwinsize(terminal, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
}

/// The end of a text, for messages.
fn end(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[text.len().saturating_sub(2000)..]).into_owned()
}

/// Whether a process is stopped. One that waits in `vfork` for a child that is stopped is shown in a wait of its own.
pub fn is_stopped(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    ["\nState:\tT", "\nState:\tD"].iter().any(|state| status.contains(state))
}
