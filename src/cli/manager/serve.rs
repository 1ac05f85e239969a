//! `fanlane manager serve`: a manager for one command, or for any process that has its address and key.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::Objects;
use super::args::ServeArgs;
use crate::cli::child;
use crate::cli::exit_status::Status;
use crate::cli::terminal;
use fanlane_core::job::SharedSpec;
use fanlane_mp::manager::{
    Address, Folder, KEY_FILE_VARIABLE, KEY_VARIABLE, Key, MANAGER_VARIABLE, MAX_BYTES, Server, ServerOptions,
};
use fanlane_os::interrupts;

/// Serves until the command ends, or until a client stops the server.
pub(super) fn serve(args: &ServeArgs) -> Result<Status> {
    let objects = read_objects(&args.objects)?;
    let folder = Folder::create().context("no folder can be made for the manager")?;
    let key = match &args.key_file {
        Some(path) => Key::from_file(path)?,
        None => Key::random().context("the system has no random numbers for a key")?,
    };
    let mut options = ServerOptions::new(addresses(args, &folder)?, key);
    options.max_bytes = args.max_bytes.unwrap_or(MAX_BYTES);
    options.max_bytes_is_set_by = "fanlane manager serve --max-bytes SIZE".to_owned();
    let server = Server::start(options)?;
    for (name, spec) in objects {
        server.create(&name, spec.kind(), spec.arguments())?;
    }
    if args.command.is_empty() { until_stopped(args, server, &folder) } else { during(args, &server) }
}

fn addresses(args: &ServeArgs, folder: &Folder) -> Result<Vec<Address>> {
    let mut addresses = Vec::new();
    if let Some(path) = &args.socket {
        addresses.push(Address::Unix(std::path::absolute(path).context("the socket's path cannot be found")?));
    }
    if let Some(place) = &args.listen {
        addresses.push(format!("tcp:{place}").parse()?);
    }
    if addresses.is_empty() {
        addresses.push(Address::Unix(folder.path().join("manager")));
    }
    Ok(addresses)
}

fn during(args: &ServeArgs, server: &Server) -> Result<Status> {
    let variables =
        [(MANAGER_VARIABLE, server.addresses()[0].to_string()), (KEY_VARIABLE, server.key().reveal().to_owned())];
    child::run(&args.command, &variables)
}

/// Prints the manager's address and the file with its key in lines that a shell can read, and serves.
fn until_stopped(args: &ServeArgs, server: Server, folder: &Folder) -> Result<Status> {
    let key_file = match &args.key_file {
        Some(path) => std::path::absolute(path).context("the key file's path cannot be found")?,
        None => {
            let path = folder.path().join("key");
            write_key(&path, server.key()).with_context(|| format!("{} cannot be written", path.display()))?;
            path
        }
    };
    let lines = server.addresses().iter().map(|address| format!("{MANAGER_VARIABLE}={address}\n"));
    let lines: String = lines.chain([format!("{KEY_FILE_VARIABLE}={}\n", key_file.display())]).collect();
    let client = server.client()?;
    let announce = || terminal::print(|out| out.write_all(lines.as_bytes()));
    // A signal ends the server as a client's `stop` does: socket, key and folder are removed.
    let stop = |_| drop(client.stop_server());
    let (served, signals) =
        interrupts::during(stop, || announce().map(|_| server.join())).context("signals cannot be caught")?;
    served?;
    Ok(if signals > 0 { Status::Interrupted } else { Status::AllDone })
}

fn write_key(path: &Path, key: &Key) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", key.reveal())
}

/// Reads objects of the command line: `seen=Set`.
pub(super) fn read_objects(words: &[String]) -> Result<Objects> {
    let mut objects = Objects::new();
    for word in words {
        let Some((name, kind)) = word.split_once('=') else {
            bail!("'{word}' has no kind; write NAME=KIND, for example seen=Set or 'count=Value(0)'");
        };
        objects.push((name.to_owned(), kind.parse::<SharedSpec>().map_err(anyhow::Error::msg)?));
    }
    Ok(objects)
}
