//! How the agent gets to a host and is started there, all over the one connection: a line for the shell of the login says whether
//! the program is there already, takes it in if it is not, and becomes it.
//!
//! The line is for any shell that runs `sh`: it has no quote, no line end and no exclamation mark in it.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::Mutex;

use sha2::{Digest, Sha256};

use fanlane_os::child::{OWN_EXECUTABLE, WORKER_ROLE};

/// The name of the agent's role.
pub const AGENT_ROLE: &str = "ssh-agent";
/// What begins a line that is for the engine and no greeting of a login.
pub const MARK: &str = "FANLANE-HOST";

/// This very program as it is put on hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its length in bytes.
    pub bytes: u64,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub hash: String,
}

impl Program {
    /// This program. It is read once.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn own() -> io::Result<Self> {
        static OWN: Mutex<Option<Program>> = Mutex::new(None);
        let mut own = OWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = &*own {
            return Ok(known.clone());
        }
        let mut file = Self::open()?;
        let mut digest = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        let mut bytes = 0;
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                count => {
                    digest.update(&buffer[..count]);
                    bytes += count as u64;
                }
            }
        }
        let hash = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let found = Self { bytes, hash };
        *own = Some(found.clone());
        Ok(found)
    }

    /// Its content, from the first byte on.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub fn open() -> io::Result<File> {
        let mut file = File::open(OWN_EXECUTABLE)?;
        file.rewind()?;
        Ok(file)
    }

    /// The name of its file on hosts.
    pub fn file_name(&self) -> String {
        format!("agent-{}-{}", env!("CARGO_PKG_VERSION"), &self.hash[..16])
    }

    /// The line that the login's shell is given.
    pub fn command_line(&self) -> String {
        let Self { bytes, hash } = self;
        let name = self.file_name();
        // The steps: where it is; what there is; on `go` the file under another name, checked, and renamed when it is whole.
        let steps = [
            r#"d="${XDG_CACHE_HOME:-$HOME/.cache}/fanlane""#.to_owned(),
            format!(r#"f="$d/{name}""#),
            r#"u=$(umask)"#.to_owned(),
            "umask 077".to_owned(),
            format!(r#"if [ -x "$f" ] && [ "$(wc -c <"$f")" -eq {bytes} ]; then s=have; else s=need; fi"#),
            format!(r#"echo "{MARK} $s $(uname -s) $(uname -m)""#),
            "read -r w || exit 9".to_owned(),
            [
                r#"if [ "$w" = put ]; then t="$f.$(uname -n).$$"; c=none"#,
                r#"mkdir -p "$d" && chmod 700 "$d""#,
                &format!(r#"if head -c {bytes} >"$t" && [ "$(wc -c <"$t")" -eq {bytes} ]; then c=$(sha256sum "$t" 2>/dev/null); fi"#),
                &format!(
                    r#"case "$c" in {hash}*|"") chmod 700 "$t" && mv -f "$t" "$f" && s=have ;; *) rm -f "$t" ;; esac"#
                ),
                &format!(r#"echo "{MARK} $s $d""#),
                "fi",
            ]
            .join("; "),
            r#"[ "$s" = have ] || exit 8"#.to_owned(),
            r#"umask "$u""#.to_owned(),
            format!(r#"exec "$f" {WORKER_ROLE} {AGENT_ROLE}"#),
        ];
        format!("exec sh -c '{}'", steps.join("; "))
    }
}

/// What a host said of itself before it had an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// The agent is there.
    pub has_agent: bool,
    /// What `uname -s` says.
    pub system: String,
    /// What `uname -m` says.
    pub machine: String,
}

impl Greeting {
    /// Reads the line behind [`MARK`].
    pub fn read(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let has_agent = match words.next()? {
            "have" => true,
            "need" => false,
            _ => return None,
        };
        let system = words.next()?.to_owned();
        Some(Self { has_agent, system, machine: words.next()?.to_owned() })
    }

    /// Why this program cannot run there, if that is so.
    pub fn obstacle(&self) -> Option<String> {
        let own = std::env::consts::ARCH;
        let is_own = match own {
            "aarch64" => ["aarch64", "arm64"].contains(&&*self.machine),
            "arm" => self.machine.starts_with("arm"),
            "x86" => self.machine.len() == 4 && self.machine.ends_with("86"),
            own => self.machine == own,
        };
        if self.system == "Linux" && is_own {
            return None;
        }
        Some(format!(
            "it is {} on {}, and this program is for Linux on {own}; leave the host out, or start the run from one of its kind",
            self.system, self.machine
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn the_line_has_nothing_that_a_shell_of_another_family_reads_in_another_way() {
        let program = Program { bytes: 7, hash: "0123456789abcdef0123".to_owned() };
        let line = program.command_line();
        assert_eq!(line.matches('\'').count(), 2, "{line}");
        assert!(!line.contains(['\n', '!', '\\']), "{line}");
        assert_eq!(program.file_name(), format!("agent-{}-0123456789abcdef", env!("CARGO_PKG_VERSION")));
    }

    /// What the line does in a home of its own with a program that says `hello`, given these bytes for it.
    fn greeted(home: &std::path::Path, program: &Program, sent: &[u8]) -> (Vec<String>, Option<i32>) {
        let mut child = Command::new("sh")
            .args(["-c", &program.command_line()])
            .env_clear()
            .env("HOME", home)
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (mut stdin, mut lines) =
            (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()).lines());
        let mut said = vec![lines.next().unwrap().unwrap()];
        if said[0].contains("need") {
            stdin.write_all(b"put\n").unwrap();
            let _ = stdin.write_all(sent);
        } else {
            stdin.write_all(b"go\n").unwrap();
        }
        drop(stdin);
        said.extend(lines.map(Result::unwrap));
        (said, child.wait().unwrap().code())
    }

    #[test]
    fn the_program_is_taken_in_once_when_it_is_whole_and_then_becomes_the_process() {
        let home = tempfile::tempdir().unwrap();
        let content = b"#!/bin/sh\necho hello \"$@\"\n";
        let hash: String = Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect();
        let program = Program { bytes: content.len() as u64, hash };
        let folder = home.path().join(".cache/fanlane");
        // Cut off, and of another content: nothing stays.
        for sent in [&content[..9], &[b'x'; 26][..]] {
            let (said, code) = greeted(home.path(), &program, sent);
            assert!(said[0].starts_with("FANLANE-HOST need Linux ") && code == Some(8), "{said:?} {code:?}");
            assert!(Greeting::read(said[0].strip_prefix(MARK).unwrap()).unwrap().obstacle().is_none());
            assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "{said:?}");
        }
        let (said, code) = greeted(home.path(), &program, content);
        assert!(said[1].starts_with("FANLANE-HOST have ") && said[2] == "hello --fanlane-worker ssh-agent", "{said:?}");
        assert_eq!(code, Some(0));
        let (said, code) = greeted(home.path(), &program, b"");
        assert!(said[0].starts_with("FANLANE-HOST have ") && said[1].starts_with("hello "), "{said:?}");
        assert_eq!((code, std::fs::read_dir(&folder).unwrap().count()), (Some(0), 1));
    }

    #[test]
    fn another_kind_of_machine_is_an_obstacle() {
        for (line, fits) in [
            (format!("need Linux {}", std::env::consts::ARCH), true),
            ("have Linux sparc64".to_owned(), false),
            (format!("need Darwin {}", std::env::consts::ARCH), false),
        ] {
            let greeting = Greeting::read(&line).expect("it is read");
            assert_eq!(greeting.obstacle().is_none(), fits, "{line}");
        }
        for line in ["", "need", "need Linux", "what Linux x86_64"] {
            assert_eq!(Greeting::read(line), None, "{line}");
        }
    }
}
