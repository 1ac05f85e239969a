//! Checks whether a window can be opened, before anything tries to: is there a display, can it be reached, do the
//! libraries of the window load.
//!
//! A problem is reported in one line with the command that solves it. Not here: opening the window, and the permission to
//! use a display, which only the attempt shows.

mod libraries;

use std::fmt;
use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libraries::{Library, Packages};

/// Maximum time to connect to a display on another machine.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Why no window can be opened. Shown as one line that says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisplayProblem {
    /// Neither a Wayland nor an X display is named.
    NoDisplay,
    /// The variable does not name a display.
    Malformed {
        /// The variable.
        variable: &'static str,
        /// Its value.
        value: String,
    },
    /// The named display does not answer.
    Unreachable {
        /// The variable that names it.
        variable: &'static str,
        /// Its value.
        value: String,
        /// The socket or port that was tried.
        place: String,
        /// The error of the system.
        reason: String,
        /// The X display that would be used without the Wayland display, if one is named.
        other: Option<String>,
    },
    /// Libraries are not installed.
    MissingLibraries {
        /// Their file names.
        libraries: Vec<&'static str>,
        /// The command that installs them, if the system is known.
        install: Option<String>,
    },
}

impl fmt::Display for DisplayProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDisplay => f.write_str(
                "there is no display for a window: neither WAYLAND_DISPLAY nor DISPLAY is set; start it from a desktop \
                 session or through `ssh -X`, or run the job without a window: fanlane run JOB.ron",
            ),
            Self::Malformed { variable, value } => {
                write!(f, "{variable} is {value:?}, which names no display: set it to one as in {variable}=:0")
            }
            Self::Unreachable { variable, value, place, reason, other } => {
                write!(f, "the display {variable}={value} does not answer at {place} ({reason}): ")?;
                match other {
                    Some(display) => write!(f, "unset {variable} to use DISPLAY={display}, or set it to a running one"),
                    None => {
                        write!(f, "set {variable} to a running display, or run without a window: fanlane run JOB.ron")
                    }
                }
            }
            Self::MissingLibraries { libraries, install } => {
                let (subject, verb) = match libraries.as_slice() {
                    [_] => ("a library", "is"),
                    _ => ("libraries", "are"),
                };
                write!(f, "the window needs {subject} that {verb} not installed: {}", libraries.join(", "))?;
                match install {
                    Some(command) => write!(f, "; install with: {command}"),
                    None => f.write_str("; install the packages of your system that hold these files"),
                }
            }
        }
    }
}

impl std::error::Error for DisplayProblem {}

/// Whether a window can be opened here.
///
/// # Errors
/// The first problem that was found.
pub fn probe() -> Result<(), DisplayProblem> {
    let os_release =
        ["/etc/os-release", "/usr/lib/os-release"].iter().find_map(|path| std::fs::read_to_string(path).ok());
    DisplayEnvironment {
        variable: &|name| std::env::var(name).ok(),
        loads: &libraries::loads,
        connects: &Place::connect,
        os_release: &os_release.unwrap_or_default(),
    }
    .judge()
}

/// Everything that the answer depends on.
struct DisplayEnvironment<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    loads: &'a dyn Fn(&str) -> bool,
    connects: &'a dyn Fn(&Place) -> io::Result<()>,
    os_release: &'a str,
}

impl DisplayEnvironment<'_> {
    fn judge(&self) -> Result<(), DisplayProblem> {
        // As the window chooses: an empty variable counts as unset, and Wayland comes first.
        let set = |name| (self.variable)(name).filter(|value| !value.is_empty());
        let display = set("DISPLAY");
        let needed = if let Some(name) = set("WAYLAND_DISPLAY") {
            let folder = set("XDG_RUNTIME_DIR").unwrap_or_default();
            self.reach("WAYLAND_DISPLAY", &name, &Place::Socket(Path::new(&folder).join(&name)), display)?;
            libraries::WAYLAND
        } else if set("WAYLAND_SOCKET").is_some() {
            // A connection that is already open: there is nothing to reach.
            libraries::WAYLAND
        } else if let Some(name) = display {
            let place = Place::of_x_display(&name)
                .ok_or_else(|| DisplayProblem::Malformed { variable: "DISPLAY", value: name.clone() })?;
            self.reach("DISPLAY", &name, &place, None)?;
            libraries::X11
        } else {
            return Err(DisplayProblem::NoDisplay);
        };
        self.have(needed)
    }

    fn reach(
        &self,
        variable: &'static str,
        value: &str,
        place: &Place,
        other: Option<String>,
    ) -> Result<(), DisplayProblem> {
        (self.connects)(place).map_err(|error| DisplayProblem::Unreachable {
            variable,
            value: value.to_owned(),
            place: place.to_string(),
            reason: error.to_string(),
            other,
        })
    }

    fn have(&self, needed: &[Library]) -> Result<(), DisplayProblem> {
        let loads = |library: &Library| library.any_of.iter().any(|file| (self.loads)(file));
        let missing: Vec<&Library> = needed.iter().filter(|library| !loads(library)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(DisplayProblem::MissingLibraries {
            libraries: missing.iter().map(|library| library.any_of[0]).collect(),
            install: Packages::of_system(self.os_release).map(|packages| packages.command(&missing)),
        })
    }
}

/// Where a display listens.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// A socket in the file system.
    Socket(PathBuf),
    /// A port of a host; displays through `ssh -X` are reached so.
    Port(String, u16),
}

impl Place {
    /// Where X clients look for `display`; `None` when that names none.
    fn of_x_display(display: &str) -> Option<Self> {
        let (host, number) = display.rsplit_once(':')?;
        let number: u16 = number.split('.').next()?.parse().ok()?;
        if host.starts_with('/') {
            // Some systems name the socket itself, with the number behind it.
            return Some(Self::Socket(PathBuf::from(display.trim_end_matches(".0"))));
        }
        let local = host.is_empty() || host == "unix" || host.ends_with("/unix");
        Some(if local {
            Self::Socket(PathBuf::from(format!("/tmp/.X11-unix/X{number}")))
        } else {
            Self::Port(host.trim_start_matches("tcp/").to_owned(), number.checked_add(6000)?)
        })
    }

    fn connect(&self) -> io::Result<()> {
        match self {
            Self::Socket(path) => {
                UnixStream::connect(path).or_else(|error| connect_abstract(path).ok_or(error)).map(drop)
            }
            Self::Port(host, port) => {
                let mut refused = io::Error::other("the host has no address");
                for address in (host.as_str(), *port).to_socket_addrs()? {
                    match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
                        Ok(_connection) => return Ok(()),
                        Err(error) => refused = error,
                    }
                }
                Err(refused)
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => path.display().fmt(f),
            Self::Port(host, port) => write!(f, "{host} port {port}"),
        }
    }
}

/// A socket of this name outside of the file system; a container may have it without the file.
fn connect_abstract(path: &Path) -> Option<UnixStream> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::ffi::OsStrExt;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(path.as_os_str().as_bytes()).ok()?;
    UnixStream::connect_addr(&address).ok()
}

#[cfg(test)]
mod tests;
