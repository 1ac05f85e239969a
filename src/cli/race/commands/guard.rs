//! What ends the commands of a race with it, also where this program is killed: a process that waits for the end of this one.

use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, Result};

use fanlane_mp::Function;
use fanlane_os::child::{Child, ChildPlan, OWN_EXECUTABLE};
use fanlane_os::parent_death::end_with_parent;

/// The role of the process that waits.
const GUARD_ROLE: &str = "race-guard";
/// The variable that marks all that a race of commands has started.
const RACE_MARKER: &str = "FANLANE_RACE";

/// The role of the process that ends the commands of a race when the race has ended, for [`fanlane_mp::init`].
pub fn guard_role() -> Function {
    Function::service(GUARD_ROLE, serve)
}

fn serve(control: UnixStream) -> i32 {
    end_with_parent(control, RACE_MARKER);
    loop {
        std::thread::park();
    }
}

/// Ends, once it is dropped, all that was started with its marker and still runs.
#[derive(Debug)]
pub struct Guard {
    child: Child,
    /// The process ends the others when this is closed.
    control: Option<UnixStream>,
}

impl Guard {
    /// Starts the process.
    ///
    /// # Errors
    /// When the system starts none.
    pub fn start() -> Result<Self> {
        let plan = ChildPlan {
            executable: Path::new(OWN_EXECUTABLE),
            role: GUARD_ROLE,
            marker: RACE_MARKER,
            environment: &[],
            writes_output: false,
        };
        let (child, control) = Child::start(plan).context("the process that guards the race cannot be started")?;
        Ok(Self { child, control: Some(control) })
    }

    /// The variable and its value with which commands are to be started.
    pub fn marker(&self) -> (&str, &str) {
        self.child.marker()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.control = None;
        self.child.reap();
    }
}
