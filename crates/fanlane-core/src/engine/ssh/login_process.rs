//! The process of ssh that reaches a host: started, greeted, given the program if the host lacks it, and ended. What ssh says about
//! a failure is kept word for word.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fanlane_os::socket;

use super::bootstrap::{Greeting, MARK, Program};
use super::login::SshLogin;

/// How long ssh tries to reach a host, in seconds.
const CONNECT_TIMEOUT_SECS: u32 = 10;
/// How long a login may take, with all that its shell does at the start.
const GREETING_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the host may take nothing of the program that is put there, or not answer afterwards.
const PUT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a process of ssh may take to end.
const END_TIMEOUT: Duration = Duration::from_secs(3);
/// The most that is read of what a login prints before the agent answers, in bytes.
const MAX_NOISE_BYTES: usize = 1 << 20;
/// What is kept of the words of ssh, in bytes.
const KEPT_WORDS_BYTES: usize = 4 << 10;
/// The number of lines of them that are told, the last ones.
const TOLD_LINES: usize = 3;

/// Why a host has no agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectFault {
    /// It does not let us in, or cannot run the program: this does not change by itself.
    Refused(String),
    /// It does not answer now.
    Unreachable(String),
}

impl ConnectFault {
    /// The words.
    pub fn words(&self) -> &str {
        match self {
            Self::Refused(words) | Self::Unreachable(words) => words,
        }
    }
}

/// What in the words of ssh says that it was refused.
const REFUSALS: [&str; 9] = [
    "Host key verification failed",
    "HOST IDENTIFICATION HAS CHANGED",
    "Permission denied",
    "Too many authentication failures",
    "No supported authentication methods",
    "Bad configuration option",
    "Bad owner or permissions",
    "no such identity",
    "no matching host key",
];

/// A process of ssh.
pub struct LoginProcess {
    child: Child,
    stream: UnixStream,
    words: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl LoginProcess {
    /// Logs in and starts the agent, whose messages are next on the stream. `ssh`: the program where the host names none.
    ///
    /// # Errors
    /// Why there is no agent, in words.
    pub fn begin(login: &SshLogin, ssh: &[String], stop: &dyn Fn() -> bool) -> Result<Self, ConnectFault> {
        let refused = |what: String| ConnectFault::Refused(what);
        let program = Program::own().map_err(|error| refused(format!("this program cannot be read: {error}")))?;
        let words = command_words(login, ssh, &program.command_line());
        let mut process = Self::start(&words).map_err(|error| {
            refused(format!("{} cannot be started: {error}; install it, or name another with --ssh", words[0]))
        })?;
        match process.greet(&program, stop) {
            Ok(()) => Ok(process),
            Err(fault) => Err(process.explain(fault)),
        }
    }

    fn start(words: &[String]) -> io::Result<Self> {
        let (ours, theirs) = socket::pair()?;
        let output = theirs.try_clone()?;
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(OwnedFd::from(output)))
            .stderr(Stdio::piped())
            // A key of the terminal is for the run, which ends what there is in order.
            .process_group(0)
            .spawn()?;
        let words = Arc::new(Mutex::new(Vec::new()));
        let (kept, errors) = (Arc::clone(&words), child.stderr.take());
        let reader = std::thread::Builder::new().name("words of ssh".to_owned()).spawn(move || {
            if let Some(errors) = errors {
                keep_words(errors, &kept);
            }
        });
        match reader {
            Ok(reader) => Ok(Self { child, stream: ours, words, reader: Some(reader) }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// The connection to the agent.
    ///
    /// # Errors
    /// When the system has no descriptor left.
    pub fn stream(&self) -> io::Result<UnixStream> {
        self.stream.try_clone()
    }

    fn greet(&mut self, program: &Program, stop: &dyn Fn() -> bool) -> Result<(), Fault> {
        let line = self.marked_line(GREETING_TIMEOUT, stop)?;
        let greeting = Greeting::read(&line).ok_or(Fault::Silent)?;
        if let Some(obstacle) = greeting.obstacle() {
            return Err(Fault::Obstacle(obstacle));
        }
        if greeting.has_agent {
            self.stream.write_all(b"go\n").map_err(Fault::Stream)?;
        } else {
            self.put(program, stop)?;
        }
        match &*self.marked_line(PUT_TIMEOUT, stop)? {
            "agent" => Ok(()),
            _ => Err(Fault::NotRun),
        }
    }

    /// Sends the program.
    fn put(&mut self, program: &Program, stop: &dyn Fn() -> bool) -> Result<(), Fault> {
        let own = |error: io::Error| Fault::Obstacle(format!("this program cannot be read: {error}"));
        self.stream.write_all(b"put\n").map_err(Fault::Stream)?;
        self.stream.set_write_timeout(Some(PUT_TIMEOUT)).map_err(Fault::Stream)?;
        let mut file = Program::open().map_err(own)?.take(program.bytes);
        let mut buffer = vec![0; 256 << 10];
        loop {
            let count = file.read(&mut buffer).map_err(own)?;
            if count == 0 {
                break;
            }
            match self.stream.write_all(&buffer[..count]) {
                // What it says about it comes next.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => break,
                written => written.map_err(Fault::Stream)?,
            }
        }
        let line = self.marked_line(PUT_TIMEOUT, stop)?;
        match line.split_once(' ') {
            Some(("have", _)) => Ok(()),
            Some((_, folder)) => Err(Fault::NotPut(folder.to_owned())),
            None => Err(Fault::Silent),
        }
    }

    /// The next line that is for the engine, without its mark. Nothing behind it is read.
    fn marked_line(&mut self, timeout: Duration, stop: &dyn Fn() -> bool) -> Result<String, Fault> {
        const POLL_INTERVAL: Duration = Duration::from_millis(100);
        let until = Instant::now() + timeout;
        self.stream.set_read_timeout(Some(POLL_INTERVAL)).map_err(Fault::Stream)?;
        let (mut line, mut noise) = (Vec::new(), 0);
        loop {
            let mut byte = [0];
            match self.stream.read(&mut byte) {
                Ok(0) => return Err(Fault::Closed),
                Ok(_) if byte[0] == b'\n' => {
                    let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                    if let Some((_, words)) = text.split_once(MARK) {
                        return Ok(words.trim().to_owned());
                    }
                    line.clear();
                }
                Ok(_) => line.push(byte[0]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                    if stop() {
                        return Err(Fault::Stopped);
                    }
                    if Instant::now() >= until {
                        return Err(Fault::Silent);
                    }
                }
                Err(error) => return Err(Fault::Stream(error)),
            }
            noise += 1;
            if noise > MAX_NOISE_BYTES {
                return Err(Fault::Silent);
            }
        }
    }

    /// What a fault means, with the words of ssh.
    fn explain(self, fault: Fault) -> ConnectFault {
        let lasts = matches!(fault, Fault::Obstacle(_) | Fault::NotPut(_) | Fault::NotRun);
        let had_greeting = matches!(fault, Fault::NotPut(_) | Fault::NotRun);
        let words = self.end();
        let is_refused = lasts || REFUSALS.iter().any(|refusal| words.contains(refusal));
        let said = if words.is_empty() { String::new() } else { format!(": {words}") };
        let text = match fault {
            Fault::Obstacle(obstacle) => obstacle,
            Fault::NotPut(folder) => {
                format!("the agent could not be put into {folder} there{said}; make room, or set XDG_CACHE_HOME there")
            }
            Fault::NotRun => format!("the agent does not run there{said}"),
            Fault::Closed if !words.is_empty() => words,
            Fault::Closed => "the login ended without a word".to_owned(),
            Fault::Silent => format!("it did not answer in time{said}"),
            Fault::Stopped => "the run has ended".to_owned(),
            Fault::Stream(error) => format!("the connection failed: {error}{said}"),
        };
        debug_assert!(!had_greeting || is_refused, "what was greeted is there");
        if is_refused { ConnectFault::Refused(text) } else { ConnectFault::Unreachable(text) }
    }

    /// Ends the connection, and returns the last words of ssh.
    pub fn end(mut self) -> String {
        // The agent sees the end of its input, ends what it has started, and then itself, and ssh with it.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        let until = Instant::now() + END_TIMEOUT;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        // What ssh has left behind may hold its standard error open.
        if let Some(reader) = self.reader.take() {
            while !reader.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        last_lines(&self.words.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends the process of ssh at once; what is read from its stream ends.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
    }
}

/// Why a greeting failed.
enum Fault {
    Obstacle(String),
    NotPut(String),
    NotRun,
    Closed,
    Silent,
    Stopped,
    Stream(io::Error),
}

/// The program that logs in, with its arguments.
fn command_words(login: &SshLogin, ssh: &[String], line: &str) -> Vec<String> {
    let mut words = if login.command.is_empty() { ssh.to_vec() } else { login.command.clone() };
    if words.is_empty() {
        words.push("ssh".to_owned());
    }
    if Path::new(&words[0]).file_name().is_some_and(|name| name == "ssh") {
        // Nothing may wait for an answer of a person; a connection that is cut is noticed; and no master process stays behind.
        let options = [
            "BatchMode=yes".to_owned(),
            format!("ConnectTimeout={CONNECT_TIMEOUT_SECS}"),
            "ServerAliveInterval=5".to_owned(),
            "ServerAliveCountMax=3".to_owned(),
            "ControlMaster=no".to_owned(),
        ];
        // Behind the options that were given: for ssh the first of each counts.
        words.extend(options.into_iter().flat_map(|option| ["-o".to_owned(), option]));
        words.push("-T".to_owned());
    }
    if let Some(port) = login.port {
        words.extend(["-p".to_owned(), port.to_string()]);
    }
    if let Some(user) = &login.user {
        words.extend(["-l".to_owned(), user.clone()]);
    }
    words.extend([login.host.clone(), "--".to_owned(), line.to_owned()]);
    words
}

fn keep_words(mut errors: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = errors.read(&mut buffer) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&buffer[..count]);
        let over = kept.len().saturating_sub(KEPT_WORDS_BYTES);
        kept.drain(..over);
    }
}

/// The last lines that say something.
fn last_lines(words: &[u8]) -> String {
    let text = String::from_utf8_lossy(words);
    let says_something = |line: &&str| {
        !line.is_empty() && !line.starts_with("Warning: Permanently added") && line.chars().any(|letter| letter != '@')
    };
    let lines: Vec<&str> = text.lines().map(str::trim).filter(says_something).collect();
    lines[lines.len().saturating_sub(TOLD_LINES)..].join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssh_asks_nothing_and_other_programs_are_given_the_host_alone() {
        let words = |text: &str, ssh: &str| {
            let ssh: Vec<String> = ssh.split_whitespace().map(str::to_owned).collect();
            command_words(&text.parse().expect("a host"), &ssh, "line").join(" ")
        };
        let options = "-o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3 -o \
                       ControlMaster=no -T";
        assert_eq!(words("4/lady@ada:22", ""), format!("ssh {options} -p 22 -l lady ada -- line"));
        assert_eq!(words("ssh -p 2222 ada", "other"), format!("ssh -p 2222 {options} ada -- line"));
        assert_eq!(words("ada", "/opt/my ssh"), "/opt/my ssh ada -- line");
    }

    #[test]
    fn the_last_words_of_ssh_are_told_without_its_frames() {
        let words =
            b"Warning: Permanently added 'x'\n@@@@@@\nfirst\r\n\nsecond\nthird\nHost key verification failed.\r\n";
        assert_eq!(last_lines(words), "second third Host key verification failed.");
        assert_eq!(last_lines(b""), "");
    }

    #[test]
    fn a_login_that_fails_is_explained_by_what_it_said() {
        let fault = |ssh: &str| {
            let ssh: Vec<String> = ["sh", "-c", ssh].map(str::to_owned).into();
            LoginProcess::begin(&"ada".parse().expect("a host"), &ssh, &|| false).err().expect("there is no host")
        };
        assert_eq!(
            fault("echo 'me@ada: Permission denied (publickey).' >&2; exit 255"),
            ConnectFault::Refused("me@ada: Permission denied (publickey).".to_owned())
        );
        let unreachable = "ssh: connect to host ada port 22: No route to host";
        assert_eq!(
            fault(&format!("echo '{unreachable}' >&2; exit 255")),
            ConnectFault::Unreachable(unreachable.to_owned())
        );
        assert!(matches!(
            fault("echo a greeting; echo FANLANE-HOST need Linux sparc64"),
            ConnectFault::Refused(words) if words.starts_with("it is Linux on sparc64")
        ));
        assert!(fault("exit 0").words().contains("without a word"));
        let none = LoginProcess::begin(&"ada".parse().expect("a host"), &["/no/such".to_owned()], &|| false).err();
        assert!(matches!(none, Some(ConnectFault::Refused(words)) if words.contains("/no/such cannot be started")));
    }
}
