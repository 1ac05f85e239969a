//! The templates of the files of tasks on other hosts, bound to the columns of a batch.

use serde_bytes::ByteBuf;

use crate::job::field::{self, Field};
use crate::job::parameter::fill::ParameterValues;
use crate::job::remote_files::{OWN_FOLDER, TaskFiles};
use crate::job::template::{CommandLine, TaskPlace, Template, Values};
use crate::job::{Job, RemoteFiles, TaskId};
use fanlane_os::machine;

use super::{Batch, BatchError};

/// The bound templates.
#[derive(Debug)]
pub(super) struct BoundFiles {
    workdir: Option<CommandLine>,
    owns_workdir: bool,
    transfer: Vec<CommandLine>,
    returned: Vec<CommandLine>,
    cleanup: bool,
}

impl BoundFiles {
    /// `None` where the tasks of a job have nothing of the kind.
    pub(super) fn bind(
        job: &Job,
        parameters: &ParameterValues,
        columns: &[String],
    ) -> Result<Option<Self>, BatchError> {
        let RemoteFiles { transfer, returned, cleanup, workdir, .. } = &job.remote_files;
        if !job.remote_files.concerns_tasks() {
            return Ok(None);
        }
        let bind = |field: &'static Field, text: &str| {
            let bound = Template::parse_text(text).and_then(|template| template.filled(parameters)?.bind(columns));
            bound.map_err(|error| BatchError::CommandEnvironment { field, name: field.key.to_owned(), error })
        };
        let owns_workdir = workdir.as_deref() == Some(OWN_FOLDER);
        // One of a name that no other run of any machine has.
        let own = || format!(".fanlane/tmp/{}-{}-{{#}}", machine::host_name(), std::process::id());
        let workdir = workdir.as_ref().map(|text| if owns_workdir { own() } else { text.clone() });
        Ok(Some(Self {
            workdir: workdir.map(|text| bind(&field::REMOTE_WORKDIR, &text)).transpose()?,
            owns_workdir,
            transfer: transfer.iter().map(|text| bind(&field::TRANSFER_FILES, text)).collect::<Result<_, _>>()?,
            returned: returned.iter().map(|text| bind(&field::RETURN_FILES, text)).collect::<Result<_, _>>()?,
            cleanup: *cleanup,
        }))
    }

    pub(super) fn templates(&self) -> impl Iterator<Item = &CommandLine> {
        self.workdir.iter().chain(&self.transfer).chain(&self.returned)
    }

    /// The files of a task.
    pub(super) fn of<V: Values + ?Sized>(&self, place: TaskPlace, values: &V) -> TaskFiles {
        let expand = |template: &CommandLine| {
            let mut name = Vec::new();
            template.expand_into(place, values, &mut name);
            ByteBuf::from(name)
        };
        let all = |templates: &[CommandLine]| {
            templates.iter().map(expand).filter(|name| !name.is_empty()).collect::<Vec<ByteBuf>>()
        };
        let (transfer, returned) = (all(&self.transfer), all(&self.returned));
        let removed = if self.cleanup { transfer.iter().chain(&returned).cloned().collect() } else { Vec::new() };
        let owns_workdir = self.owns_workdir && self.cleanup;
        TaskFiles { workdir: self.workdir.as_ref().map(expand), owns_workdir, transfer, returned, removed }
    }

    /// Appends the files of a task behind their length in bytes.
    pub(super) fn expand_into<V: Values + ?Sized>(&self, place: TaskPlace, values: &V, out: &mut Vec<u8>) {
        let files = postcard::to_stdvec(&self.of(place, values)).expect("names are bytes, which are always encoded");
        out.extend_from_slice(&u32::try_from(files.len()).expect("names are shorter than 4 GiB").to_le_bytes());
        out.extend_from_slice(&files);
    }
}

impl Batch {
    /// The files of a task on another host, in the lane `slot` (1 for the first).
    ///
    /// # Panics
    /// When there is no such task.
    pub fn files_of(&self, task: TaskId, slot: u32) -> TaskFiles {
        let row = self.layout.row(self.place_of(task));
        self.files.as_ref().map_or_else(TaskFiles::default, |files| files.of(self.place(task, slot), &row))
    }
}
