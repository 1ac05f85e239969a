//! The program under a real pseudo-terminal: what it draws, what keys do, and that the terminal is given back.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::fs::{Mode, OFlags, open};
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use tempfile::TempDir;

use super::processes::{signal, wait, wait_until};
use super::start::{DEADLINE, command, run_in};

/// What a view sends when it takes the terminal, when it gives it back, and before it draws everything.
const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";
const CLEAR: &str = "\x1b[2J";

/// A pseudo-terminal and the program in it, which leads a session of its own there.
pub(super) struct Terminal {
    keys: File,
    screen: OwnedFd,
    child: Child,
    written: Arc<(Mutex<Vec<u8>>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// Starts the program with all three streams on the terminal.
    pub(super) fn start(mut command: Command, columns: u16, rows: u16) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let screen = open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        resize(&screen, columns, rows);
        let stream = || screen.try_clone().unwrap();
        command.stdin(stream()).stdout(stream()).stderr(stream()).env("TERM", "xterm");
        #[expect(unsafe_code, reason = "the session is made between fork and exec")]
        // SAFETY: both are system calls and nothing else.
        unsafe {
            command.pre_exec(|| {
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

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.written.0.lock().unwrap()).into_owned()
    }

    /// Waits until `found` holds of what was written from byte `from` on.
    fn wait_for(&self, what: &str, from: usize, found: impl Fn(&str) -> bool) {
        let until = Instant::now() + DEADLINE;
        let mut written = self.written.0.lock().unwrap();
        while !found(&String::from_utf8_lossy(&written[from..])) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "waited in vain for {what}; the end: {:?}", end(&written[from..]));
            written = self.written.1.wait_timeout(written, left).unwrap().0;
        }
    }

    /// Presses keys and waits for words that are drawn afterwards.
    fn press(&mut self, keys: &str, drawn: &str) {
        let from = self.written.0.lock().unwrap().len();
        self.keys.write_all(keys.as_bytes()).unwrap();
        self.wait_for(&format!("{drawn:?} after {keys:?}"), from, |text| text.contains(drawn));
    }

    fn is_raw(&self) -> bool {
        !tcgetattr(&self.screen).unwrap().local_modes.contains(LocalModes::ICANON)
    }

    /// Waits for the end; the exit status, and what was written after the terminal was given back.
    pub(super) fn ended(mut self) -> (Option<i32>, String) {
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

fn resize(terminal: &OwnedFd, columns: u16, rows: u16) {
    tcsetwinsize(terminal, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
}

/// The end of a text, for messages.
fn end(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[text.len().saturating_sub(2000)..]).into_owned()
}

fn is_stopped(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default().contains("\nState:\tT")
}

const GATED: &str = "echo out-{}; until [ -e gate ]; do sleep 0.01; done";

#[test]
fn a_view_of_a_detached_run_draws_resizes_pauses_and_leaves_the_run_and_the_terminal_as_they_were() {
    let home = TempDir::new().unwrap();
    let started = run_in(&["run", "--background", "-j1", GATED, ":::", "alpha", "beta"], home.path());
    assert_eq!(started.code, Some(0), "{started:?}");
    let mut terminal = Terminal::start(command(&["watch", "1"], home.path()), 100, 24);
    terminal.wait_for("the first lane", 0, |text| text.contains("alpha") && text.contains("out-alpha"));
    assert!(terminal.is_raw());

    resize(&terminal.screen, 50, 12);
    terminal.wait_for("another size", 0, |text| text.matches(CLEAR).count() == 2 && text.contains("\x1b[12;1H"));
    terminal.press("p", "paused");
    terminal.press("p", "running");
    terminal.press("+", "beta");
    terminal.press("s", "Stop the run?");
    terminal.press("\x1b", "not stopped");
    terminal.keys.write_all(b"q").unwrap();
    let (status, rest) = terminal.ended();
    assert_eq!(status, Some(130), "{rest}");
    assert!(rest.contains("run 1 is still running"), "{rest}");

    std::fs::write(home.path().join("gate"), "").unwrap();
    wait_until("its end", || run_in(&["show", "1", "--json"], home.path()).out.contains("\"finished\""));
}

#[test]
fn a_run_with_a_view_is_suspended_and_stopped_and_prints_what_its_tasks_printed_at_its_end() {
    let home = TempDir::new().unwrap();
    let mut terminal =
        Terminal::start(command(&["run", "--watch", "-j2", GATED, ":::", "alpha", "beta"], home.path()), 80, 24);
    terminal.wait_for("both lanes", 0, |text| text.contains("out-alpha") && text.contains("out-beta"));
    let pid = terminal.child.id();

    // Suspended, the terminal is the shell's; then the view has it again.
    terminal.keys.write_all(b"\x1a").unwrap();
    wait_until("its suspension", || is_stopped(pid));
    assert!(!terminal.is_raw());
    terminal.wait_for("the terminal to be given back", 0, |text| text.ends_with(LEAVE));
    signal(pid, Signal::CONT);
    terminal.wait_for("the view again", 0, |text| {
        text.matches(ENTER).count() >= 2 && text.rsplit(ENTER).next().is_some_and(|text| text.contains("alpha"))
    });

    terminal.press("q", "The run ends with this view");
    terminal.press("s", "stopping");
    let (status, rest) = terminal.ended();
    assert_eq!(status, Some(1), "{rest}");
    assert!(rest.contains("out-alpha") && rest.contains("out-beta") && rest.contains("2 cancelled"), "{rest:?}");
}

#[test]
fn a_view_that_a_signal_ends_gives_the_terminal_back() {
    let home = TempDir::new().unwrap();
    let terminal = Terminal::start(command(&["run", "--watch", "-j1", GATED, ":::", "alpha"], home.path()), 80, 24);
    terminal.wait_for("the lane", 0, |text| text.contains("out-alpha"));
    signal(terminal.child.id(), Signal::TERM);
    terminal.wait_for("the end of the run", 0, |text| text.contains("stopped"));
    signal(terminal.child.id(), Signal::TERM);
    let (status, rest) = terminal.ended();
    assert_eq!(status, Some(130), "{rest}");
}

#[test]
fn without_a_terminal_a_view_is_an_error_that_says_what_to_do_and_runs_nothing() {
    let home = TempDir::new().unwrap();
    let refused = run_in(&["run", "--watch", "touch", ":::", "ran"], home.path());
    assert_eq!((refused.code, home.path().join("ran").exists()), (Some(2), false), "{refused:?}");
    assert!(refused.err.contains("standard error is no terminal to draw on"), "{refused:?}");
    let refused = run_in(&["watch"], home.path());
    assert!(refused.code == Some(2) && refused.err.contains("fanlane attach --plain"), "{refused:?}");
}
