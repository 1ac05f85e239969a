//! The flags about other hosts: which hosts run the tasks, and which files go there and come back. Names and meanings are GNU
//! parallel's.

use std::env;
use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{ArgAction, Args};

use crate::cli::worker_count::WorkerCount;
use fanlane_core::engine::ssh::{HostFile, SshTarget, parse_logins};
use fanlane_core::job::{Job, RemoteFiles, field};

/// Which hosts run the tasks.
#[derive(Clone, Debug, Default, Args)]
pub struct SshArgs {
    /// Run the tasks on these hosts through ssh: [SLOTS/][USER@]HOST, with commas between them; ':' is this machine
    #[arg(help_heading = "Other hosts", short = 'S', long, value_name = "HOSTS", action = ArgAction::Append)]
    sshlogin: Vec<String>,
    /// Run the tasks on the hosts of a file, one a line; it is read again while the run goes on
    #[arg(help_heading = "Other hosts", long, visible_alias = "slf", value_name = "FILE", action = ArgAction::Append)]
    sshloginfile: Vec<PathBuf>,
    /// Log in with this program and its options [default: ssh]
    #[arg(help_heading = "Other hosts", long, value_name = "COMMAND")]
    ssh: Option<String>,
}

impl SshArgs {
    /// Whether hosts are named.
    pub fn is_given(&self) -> bool {
        !self.sshlogin.is_empty() || !self.sshloginfile.is_empty()
    }

    /// The hosts; `jobs` is `-j`, and `variables` are the values of `--env` without one, which name what tasks have of this
    /// environment.
    ///
    /// # Errors
    /// When a host cannot be read, or a file of hosts is not there.
    pub fn target(&self, jobs: Option<WorkerCount>, variables: &[String]) -> Result<SshTarget> {
        let mut target = SshTarget { jobs, environment: environment_of(variables), ..SshTarget::default() };
        for text in &self.sshlogin {
            match text.as_str() {
                "-" => target.hosts.extend(hosts_of_stdin()?),
                ".." => target.files.push(HostFile(host_file(Path::new(".."))?)),
                hosts => target.hosts.extend(parse_logins(hosts)?),
            }
        }
        for path in &self.sshloginfile {
            match path.to_str() {
                Some("-") => target.hosts.extend(hosts_of_stdin()?),
                _ => target.files.push(HostFile(host_file(path)?)),
            }
        }
        let ssh = self.ssh.clone().or_else(|| env::var("PARALLEL_SSH").ok());
        target.ssh = ssh.map(|words| words.split_whitespace().map(str::to_owned).collect()).unwrap_or_default();
        Ok(target)
    }
}

/// The variables of this environment that are named; a function that bash has exported is one.
fn environment_of(names: &[String]) -> Vec<(String, String)> {
    let names = names.iter().filter(|name| !name.contains('=')).flat_map(|names| names.split(','));
    let forms = names.flat_map(|name| [name.to_owned(), format!("BASH_FUNC_{name}%%")]);
    forms.filter_map(|name| Some((name.clone(), env::var(&name).ok()?))).collect()
}

fn hosts_of_stdin() -> Result<Vec<fanlane_core::engine::ssh::SshLogin>> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).context("the hosts cannot be read from standard input")?;
    let is_host = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    Ok(text.lines().filter(is_host).map(str::parse).collect::<Result<_, _>>()?)
}

/// A file of hosts: as it is named, or in the folders of GNU parallel.
fn host_file(path: &Path) -> Result<PathBuf> {
    let home = || env::var_os("HOME").map(PathBuf::from);
    let own = || home().map(|home| home.join(".parallel"));
    let config = || {
        let folder = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| Some(home()?.join(".config")));
        folder.map(|folder| folder.join("parallel"))
    };
    let places: Vec<Option<PathBuf>> = match path.to_str() {
        Some("..") => {
            [own(), config()].into_iter().map(|folder| folder.map(|folder| folder.join("sshloginfile"))).collect()
        }
        Some(".") => vec![Some(PathBuf::from("/etc/parallel/sshloginfile"))],
        _ => vec![Some(path.to_owned()), own().map(|folder| folder.join(path))],
    };
    let found = places.into_iter().flatten().find(|place| place.exists());
    match found {
        Some(found) => std::path::absolute(&found).with_context(|| format!("the path {} is none", found.display())),
        None => bail!("the file of hosts {} is not there; write one with a host a line", path.display()),
    }
}

/// Which files go to other hosts and come back.
#[derive(Clone, Debug, Default, Args)]
pub struct RemoteFileArgs {
    #[arg(help_heading = "Other hosts", long, visible_alias = "tf", value_name = "FILE", action = ArgAction::Append, help = field::TRANSFER_FILES.help)]
    #[arg(aliases = ["transfer-file", "transfer-files", "transferfiles"])]
    transferfile: Vec<String>,
    /// Bring the input of each task there: --transferfile {}
    #[arg(help_heading = "Other hosts", long)]
    transfer: bool,
    #[arg(help_heading = "Other hosts", long = "return", value_name = "FILE", action = ArgAction::Append, help = field::RETURN_FILES.help)]
    returned: Vec<String>,
    #[arg(help_heading = "Other hosts", long, help = field::CLEANUP.help)]
    cleanup: bool,
    #[arg(help_heading = "Other hosts", long, visible_alias = "bf", value_name = "FILE", action = ArgAction::Append, help = field::BASE_FILES.help)]
    basefile: Vec<String>,
    /// --transfer --return FILE --cleanup
    #[arg(help_heading = "Other hosts", long, value_name = "FILE", action = ArgAction::Append)]
    trc: Vec<String>,
}

impl RemoteFileArgs {
    /// Merges the given flags into the job. `workdir` is `--wd`, where hosts are named.
    pub fn merge_into(&self, job: &mut Job, workdir: Option<&Path>) {
        let RemoteFiles { transfer, returned, cleanup, base, workdir: there } = &mut job.remote_files;
        transfer.extend(self.transferfile.iter().cloned());
        if (self.transfer || !self.trc.is_empty()) && !transfer.iter().any(|name| name == "{}") {
            transfer.push("{}".to_owned());
        }
        returned.extend(self.returned.iter().chain(&self.trc).cloned());
        *cleanup |= self.cleanup || !self.trc.is_empty();
        base.extend(self.basefile.iter().cloned());
        if let Some(workdir) = workdir {
            *there = Some(workdir_there(workdir));
        }
    }
}

/// The folder of `--wd` on other hosts: `.` is the current one, in the home folder there if it is in that here.
fn workdir_there(workdir: &Path) -> String {
    if workdir.as_os_str() == OsStr::from_bytes(b".") {
        let here = env::current_dir().unwrap_or_default();
        let home = env::var_os("HOME").and_then(|home| Path::new(&home).canonicalize().ok());
        let below = home.and_then(|home| here.strip_prefix(home).ok().map(Path::to_owned));
        let below = below.map(|below| if below.as_os_str().is_empty() { PathBuf::from(".") } else { below });
        return below.unwrap_or(here).to_string_lossy().into_owned();
    }
    workdir.to_string_lossy().into_owned()
}
