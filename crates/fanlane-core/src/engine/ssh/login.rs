//! How hosts are written, as GNU parallel has it: `[slots/][ssh command ][user@]host[:port]`, several with commas between them,
//! and `:` for this machine.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::job::MAX_WORKERS;

/// How this machine is written among hosts.
pub const THIS_MACHINE: &str = ":";

/// A host as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SshLogin {
    /// How many tasks it runs at a time; `None`: that depends on its cores.
    pub slots: Option<u32>,
    /// The program that logs in, with its options; empty: the one of the run.
    pub command: Vec<String>,
    /// The user there; `None`: as ssh's configuration has it.
    pub user: Option<String>,
    /// The host, or a name for it in ssh's configuration; [`THIS_MACHINE`].
    pub host: String,
    /// The port; `None`: as ssh's configuration has it.
    pub port: Option<u16>,
}

/// A host that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no host: {reason}")]
pub struct LoginError {
    text: String,
    reason: String,
}

impl SshLogin {
    /// Whether it is this machine, where nothing is logged in to.
    pub fn is_this_machine(&self) -> bool {
        self.host == THIS_MACHINE
    }

    /// What it is called in reports and job logs, as GNU parallel calls it: as it was written, without the number of slots.
    pub fn name(&self) -> String {
        let user = self.user.as_ref().map_or_else(String::new, |user| format!("{user}@"));
        let port = self.port.map_or_else(String::new, |port| format!(":{port}"));
        let command = self.command.iter().fold(String::new(), |command, word| format!("{command}{word} "));
        format!("{command}{user}{}{port}", self.host)
    }
}

impl FromStr for SshLogin {
    type Err = LoginError;

    fn from_str(text: &str) -> Result<Self, LoginError> {
        let bad = |reason: &str| LoginError { text: text.to_owned(), reason: reason.to_owned() };
        let mut rest = text.trim();
        if rest.starts_with('@') {
            return Err(bad("groups of hosts are not known here; name the hosts themselves"));
        }
        let mut slots = None;
        if let Some((number, behind)) = rest.split_once('/')
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
        {
            let count = number.parse().ok().filter(|count| (1..=MAX_WORKERS).contains(count));
            slots = Some(count.ok_or_else(|| bad(&format!("the number before the slash must be 1 to {MAX_WORKERS}")))?);
            rest = behind;
        }
        let mut words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
        let login = words.pop().ok_or_else(|| bad("write a host's name, such as 4/ada or user@ada"))?;
        let (user, place) = match login.rsplit_once('@') {
            Some((user, _)) if user.contains(':') => {
                return Err(bad("passwords are not taken; use a key, and ssh-agent if it has a passphrase"));
            }
            Some((user, place)) => (Some(user.to_owned()).filter(|user| !user.is_empty()), place),
            None => (None, login.as_str()),
        };
        let (host, port) = split_port(place).ok_or_else(|| bad("what stands behind its name is no port"))?;
        if host.is_empty() || host.starts_with('-') {
            return Err(bad("its name is missing, or begins with a dash, which ssh takes for an option"));
        }
        Ok(Self { slots, command: words, user, host, port })
    }
}

/// A host and the port behind it.
fn split_port(place: &str) -> Option<(String, Option<u16>)> {
    if place == THIS_MACHINE {
        return Some((place.to_owned(), None));
    }
    if let Some((address, behind)) = place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let port = match behind.strip_prefix(':') {
            Some(port) => Some(port.parse().ok()?),
            None if behind.is_empty() => None,
            None => return None,
        };
        return Some((address.to_owned(), port));
    }
    match place.split_once(':') {
        // An address of version 6 has several colons, and no port.
        Some((_, behind)) if behind.contains(':') => Some((place.to_owned(), None)),
        Some((host, port)) => Some((host.to_owned(), Some(port.parse().ok()?))),
        None => Some((place.to_owned(), None)),
    }
}

impl fmt::Display for SshLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(slots) = self.slots {
            write!(f, "{slots}/")?;
        }
        f.write_str(&self.name())
    }
}

impl TryFrom<String> for SshLogin {
    type Error = LoginError;

    fn try_from(text: String) -> Result<Self, LoginError> {
        text.parse()
    }
}

impl From<SshLogin> for String {
    fn from(login: SshLogin) -> Self {
        login.to_string()
    }
}

/// The hosts of an option: with commas or line ends between them; `,,` and `\,` are a comma within one.
///
/// # Errors
/// For the first that cannot be read.
pub fn parse_logins(text: &str) -> Result<Vec<SshLogin>, LoginError> {
    let held = text.replace("\\,", "\0").replace(",,", "\0");
    let parts = held.split([',', '\n']).map(|part| part.replace('\0', ",")).filter(|part| !part.trim().is_empty());
    parts.map(|part| part.parse()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(text: &str) -> SshLogin {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn each_form_of_a_host_is_read() {
        let bare = SshLogin { slots: None, command: Vec::new(), user: None, host: "ada".to_owned(), port: None };
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(login("ada"), bare);
        assert_eq!(login("4/ada"), SshLogin { slots: Some(4), ..bare.clone() });
        assert_eq!(login("16/:"), SshLogin { slots: Some(16), host: ":".to_owned(), ..bare.clone() });
        let full = login("4/ssh -p 2222 -l me lady@ada:22");
        assert_eq!((full.slots, full.port, full.user.as_deref()), (Some(4), Some(22), Some("lady")));
        assert_eq!(full.command, words(&["ssh", "-p", "2222", "-l", "me"]));
        assert_eq!(login("//usr/bin/myssh -x ada").command, words(&["//usr/bin/myssh", "-x"]));
        let six = login("[2001:db8::1]:2222");
        assert_eq!((&*six.host, six.port), ("2001:db8::1", Some(2222)));
        assert_eq!((login("::1").host, login("::1").port), ("::1".to_owned(), None));
        for text in ["4/lady@ada:22", ":", "8/:", "ssh -p 1 ada", "ada"] {
            assert_eq!(login(text).to_string(), text);
            assert_eq!(login(&login(text).to_string()), login(text));
        }
        assert_eq!(login("4/lady@ada:22").name(), "lady@ada:22");
    }

    #[test]
    fn what_is_no_host_is_named() {
        for (text, reason) in [
            ("", "host's name"),
            ("4/", "host's name"),
            ("0/ada", "1 to 1024"),
            ("9999/ada", "1 to 1024"),
            ("me:secret@ada", "passwords"),
            ("ada:port", "no port"),
            ("[::1]x", "no port"),
            ("-oProxyCommand=x", "dash"),
            ("@group/ada", "groups"),
        ] {
            let error = text.parse::<SshLogin>().expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn several_are_separated_by_commas_and_a_doubled_comma_is_one() {
        let hosts = parse_logins("4/ada,8/grace,:").expect("they are read");
        assert_eq!(hosts.iter().map(SshLogin::to_string).collect::<Vec<_>>(), ["4/ada", "8/grace", ":"]);
        let jump = parse_logins("ssh -J a,,b ada,grace\n").expect("they are read");
        assert_eq!(jump.iter().map(SshLogin::name).collect::<Vec<_>>(), ["ssh -J a,b ada", "grace"]);
        assert!(parse_logins("ada,x:y").is_err());
    }
}
