//! Hosts of this machine: an sshd for each, with a home, keys and a port of its own, started and ended by `tests/ssh/`.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::processes::wait_until;
use super::start::{Ended, command, ended};

/// Hosts by their names. They end with the test, and nothing of them stays.
pub struct Hosts {
    folder: TempDir,
    names: Vec<String>,
}

impl Hosts {
    /// Starts hosts; `None`, and said so, where no sshd can be started. The machine that judges changes has one.
    pub fn start(names: &[&str]) -> Option<Self> {
        let hosts = Self::without_agents(names)?;
        // The program is large: one copy of it is enough for all tests.
        let shared = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ssh-agents");
        fs::create_dir_all(&shared).expect("made");
        let built = fs::metadata(env!("CARGO_BIN_EXE_fanlane")).and_then(|file| file.modified()).expect("it is there");
        for agent in fs::read_dir(&shared).expect("read").flatten() {
            if agent.metadata().and_then(|file| file.modified()).is_ok_and(|at| at < built) {
                let _ = fs::remove_file(agent.path());
            }
        }
        for name in names {
            symlink(&shared, hosts.home(name).join(".cache/fanlane")).expect("linked");
        }
        Some(hosts)
    }

    /// The same without the program there.
    pub fn without_agents(names: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("work")).expect("made");
        let hosts = Self { folder, names: names.iter().map(|name| (*name).to_owned()).collect() };
        for name in names {
            if let Err(reason) = hosts.restart(name) {
                assert!(std::env::var_os("CI").is_none(), "an sshd has to start here: {reason}");
                let _ =
                    writeln!(std::io::stderr(), "SKIPPED: no sshd can be started, so nothing was run there: {reason}");
                return None;
            }
        }
        Some(hosts)
    }

    /// Starts the sshd of a host, again on its port if it had one.
    pub fn restart(&self, name: &str) -> Result<(), String> {
        let started = script("start").arg(self.of(name)).arg(name).output().map_err(|error| error.to_string())?;
        let configs =
            self.names.iter().map(|name| fs::read_to_string(self.of(name).join("ssh_config")).unwrap_or_default());
        // One that no sshd listens for.
        let nowhere = "Host nowhere\n HostName 127.0.0.1\n Port 1\n".to_owned();
        fs::write(self.config(), configs.chain([nowhere]).collect::<String>()).expect("written");
        if started.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&started.stderr).into_owned()) }
    }

    /// Ends the sshd of a host with all that is logged in, at once.
    pub fn kill(&self, name: &str) {
        assert!(script("stop").arg(self.of(name)).status().expect("a shell").success());
    }

    /// The folder of a host.
    pub fn of(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The home folder of a host.
    pub fn home(&self, name: &str) -> PathBuf {
        self.of(name).join("home")
    }

    /// The folder that runs are started in.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// The configuration of ssh that knows the hosts.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("ssh_config")
    }

    /// The words that log in.
    pub fn ssh(&self) -> String {
        format!("ssh -F {}", self.config().display())
    }

    /// `fanlane` with this command and its words, which reaches the hosts.
    pub fn command(&self, name: &str, words: &[&str]) -> Command {
        let ssh = self.ssh();
        let words: Vec<&str> = name.split(' ').chain(["--ssh", &ssh]).chain(words.iter().copied()).collect();
        command(&words, &self.work())
    }

    /// `fanlane run` with these words.
    pub fn run(&self, words: &[&str]) -> Ended {
        ended(self.command("run", words).spawn().expect("the program can be started"))
    }

    /// The processes of a host's logins.
    pub fn processes(&self, name: &str) -> Vec<u32> {
        let home = format!("HOME={}", self.home(name).display());
        let all =
            fs::read_dir("/proc").expect("read").flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        all.filter(|pid: &u32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == home.as_bytes())
        })
        .collect()
    }

    /// Waits until nothing of a host's logins is left.
    pub fn wait_until_left(&self, name: &str) {
        wait_until(&format!("the processes on {name} to end"), || self.processes(name).is_empty());
    }

    /// Puts a file into the home folder of a host.
    pub fn put(&self, name: &str, file: &str, content: &str) {
        fs::write(self.home(name).join(file), content).expect("written");
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = script("stop").arg(self.of(name)).status();
        }
    }
}

fn script(name: &str) -> Command {
    let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ssh").join(name));
    script.stdin(Stdio::null());
    script
}
