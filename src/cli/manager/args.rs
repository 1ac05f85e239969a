//! The words after `fanlane manager`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use fanlane_core::job::{amount, duration};

/// The words after `fanlane manager`.
#[derive(Debug, Args)]
#[command(after_help = "\
The manager is found by environment variables: FANLANE_MANAGER, and FANLANE_MANAGER_KEY or FANLANE_MANAGER_KEY_FILE.
Tasks of a job with shared objects have them; `fanlane manager serve -- COMMAND` sets them for any command.

A VALUE is read as JSON where it is JSON (12, true, \"12\", [1, 2]), otherwise as text; with --text always as text.

Exit status: 0 done   1 no (not found, empty, timed out)   2 error

Examples:
  fanlane manager serve seen=Set 'count=Value(0)' todo=Queue -- ./crawl.sh
  fanlane run job.ron                                # with shared: {\"seen\": Set, \"count\": Value(0)} in it
  if fanlane manager add seen \"$url\"; then curl -s \"$url\"; fanlane manager incr count; fi
  fanlane manager with disk -- cp big.bin /mnt/slow/
  fanlane manager call seen issubset '[1, 2]'")]
pub struct ManagerArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: ManagerAction,
}

/// What can be done with a manager.
#[derive(Debug, Subcommand)]
pub enum ManagerAction {
    /// Serve shared objects until the command ends, or until `fanlane manager stop`
    Serve(ServeArgs),
    /// List the objects
    List {
        /// As JSON, one object a line
        #[arg(long)]
        json: bool,
    },
    /// Print an object, or the value of one of its keys or places
    Get {
        /// The object's name
        name: String,
        /// A key of a dict, a name of a namespace, a place of a list or array
        key: Option<String>,
        /// How keys are read.
        #[command(flatten)]
        words: Words,
    },
    /// Set a value, or the value of a key or place
    Set {
        /// The object's name
        name: String,
        /// The value; or the key and the value
        #[arg(required = true, num_args = 1..=2, allow_hyphen_values = true)]
        values: Vec<String>,
        /// How values are read.
        #[command(flatten)]
        words: Words,
    },
    /// Add to a number in one atomic step, and print the sum
    Incr {
        /// The object's name
        name: String,
        /// The amount to add
        #[arg(default_value = "1", allow_hyphen_values = true)]
        by: String,
        /// The key of the dict, or the place of the array
        #[arg(long)]
        key: Option<String>,
    },
    /// Put values at the end of a list
    Append {
        /// The object's name
        name: String,
        /// The values
        #[arg(required = true, allow_negative_numbers = true)]
        values: Vec<String>,
        /// How values are read.
        #[command(flatten)]
        words: Words,
    },
    /// Put a value into a set; exit status 1 if it was there already
    Add {
        /// The object's name
        name: String,
        /// The value
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// How values are read.
        #[command(flatten)]
        words: Words,
    },
    /// Whether a list or set holds a value, or a dict a key; exit status 1 if not
    Contains {
        /// The object's name
        name: String,
        /// The value or key
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// How values are read.
        #[command(flatten)]
        words: Words,
    },
    /// Put values into a queue
    Put {
        /// The queue's name
        name: String,
        /// The values
        #[arg(required = true, allow_negative_numbers = true)]
        values: Vec<String>,
        /// The timeout.
        #[command(flatten)]
        wait: Wait,
        /// How values are read.
        #[command(flatten)]
        words: Words,
    },
    /// Take a value out of a queue and print it; exit status 1 if none comes in time
    Take {
        /// The queue's name
        name: String,
        /// The timeout.
        #[command(flatten)]
        wait: Wait,
    },
    /// Wait for an event, or for all parties of a barrier; exit status 1 on a timeout
    Wait {
        /// The object's name
        name: String,
        /// The timeout.
        #[command(flatten)]
        wait: Wait,
    },
    /// Run a command while holding a lock, or a slot of a semaphore; exit status 1 on a timeout, otherwise the
    /// command's
    With {
        /// The lock's name
        name: String,
        /// The timeout.
        #[command(flatten)]
        wait: Wait,
        /// The command
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// Call any method of an object by its name, and print what it returns
    Call {
        /// The object's name
        name: String,
        /// The method's name
        method: String,
        /// Its arguments
        #[arg(allow_hyphen_values = true)]
        values: Vec<String>,
        /// How values are read.
        #[command(flatten)]
        words: Words,
    },
    /// Make an object
    Create {
        /// Its name and kind, as in the shared objects of a job file
        #[arg(required = true, value_name = "NAME=KIND")]
        objects: Vec<String>,
    },
    /// Remove an object
    Delete {
        /// The object's name
        name: String,
    },
    /// End the manager
    Stop,
}

/// How words of the command line become values.
#[derive(Debug, Default, Args)]
pub struct Words {
    /// Read values as text, not as JSON
    #[arg(long)]
    pub text: bool,
}

/// The timeout of a wait.
#[derive(Debug, Default, Args)]
// Subcommands beside it have it, too, and one has its name.
#[group(skip)]
pub struct Wait {
    /// Longest wait: seconds, or 500ms, 2m; 0: do not wait [default: no limit]
    #[arg(long, value_name = "SECS", value_parser = parse_wait)]
    pub timeout: Option<f64>,
}

/// The words after `fanlane manager serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Listen on this Unix socket; its folder must be for this user alone [default: one in a new folder]
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Listen on this TCP address, for other machines; connections are authenticated, but not encrypted
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: Option<String>,
    /// Take the key from this file, which must be for this user alone [default: a new key]
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Maximum memory of all values, in bytes or with a unit (500M, 2G) [default: 1G]
    #[arg(long, value_name = "SIZE", value_parser = amount::parse_size)]
    pub max_bytes: Option<u64>,
    /// Initial objects, as in the shared objects of a job file: seen=Set 'count=Value(0)'
    #[arg(value_name = "NAME=KIND")]
    pub objects: Vec<String>,
    /// Serve while this command runs, with the manager in its environment; then exit with its status
    #[arg(last = true)]
    pub command: Vec<OsString>,
}

fn parse_wait(text: &str) -> Result<f64, String> {
    if text.parse::<f64>() == Ok(0.0) {
        return Ok(0.0);
    }
    duration::parse(text).map(|time| time.secs)
}
