//! Reading the inputs of a job, or cutting its stream.

use std::fs::File;
use std::io;
use std::path::Path;

use super::{BatchError, Member, StdinReading};
use crate::job::inputs::feeder::Feeder;
use crate::job::inputs::{InputError, ValueRules};
use crate::job::pipe::blocks::value_of;
use crate::job::pipe::parts::Parts;
use crate::job::{Input, Job, Pipe, TaskTemplate};

pub(super) fn open_sources(
    job: &Job,
    working_dir: &Path,
    mut reading: StdinReading<'_>,
) -> Result<(Vec<Member>, Option<Feeder>), BatchError> {
    if let Some(pipe) = &job.pipe {
        return open_blocks(pipe, working_dir, &reading);
    }
    let mut members: Vec<Member> = Vec::with_capacity(job.inputs.len());
    let mut stdin_reader = None;
    let mut feeder = None;
    // What a command reads from its standard input is no argument, and neither is what a worker is given.
    let is_argument = job.task.kind().traits().is_command_line && job.stdin.is_none();
    let rules = match &job.task {
        TaskTemplate::Python(_) => ValueRules::OBJECTS,
        _ if is_argument => ValueRules::ARGUMENTS,
        _ => ValueRules::TEXTS,
    };
    for (index, input) in job.inputs.iter().enumerate() {
        let number = index + 1;
        if input.reads_stdin()
            && let Some(first) = stdin_reader.replace(number)
        {
            return Err(BatchError::StdinTwice { number, first });
        }
        let opened = match &mut reading {
            StdinReading::Whole(stdin) => input.open(working_dir, stdin, rules),
            StdinReading::Growing(head) if input.reads_stdin() => {
                input.open_growing(head, rules).map(|(source, open_end)| {
                    feeder = Some(open_end);
                    vec![source]
                })
            }
            StdinReading::Growing(_) => input.open(working_dir, &mut io::empty(), rules),
        };
        let opened = opened.map_err(|error| BatchError::Input { number, error })?;
        let group = if job.linked { 0 } else { index };
        members.extend(opened.into_iter().map(|source| Member { source, number, group }));
    }
    Ok((members, feeder))
}

/// The blocks of a stream or of a file, whose values are the places that they have there.
fn open_blocks(
    pipe: &Pipe,
    working_dir: &Path,
    reading: &StdinReading<'_>,
) -> Result<(Vec<Member>, Option<Feeder>), BatchError> {
    let of_input = |error| BatchError::Input { number: 1, error };
    let (source, feeder) = match (&pipe.file, reading) {
        (None, StdinReading::Growing(_)) => {
            let opened = Input::Stdin.open_growing(&mut io::empty(), ValueRules::TEXTS).map_err(of_input)?;
            (opened.0, Some(opened.1))
        }
        (None, StdinReading::Whole(_)) => {
            return Err(BatchError::Stream(
                "its stream is cut while its tasks run, so it runs where the stream comes in: fanlane run --pipe, not in the \
                 background, with all of its tasks; a file can be cut anywhere: --pipe-part -a FILE",
            ));
        }
        (Some(file), _) => {
            let path = working_dir.join(file);
            let found = File::open(&path).and_then(|file| Parts::find(&file, pipe));
            let unreadable = |source| of_input(InputError::Unreadable { origin: path.display().to_string(), source });
            let Parts { parts, .. } = found.map_err(unreadable)?;
            let values = parts.into_iter().map(|(from, to)| value_of(from, to)).collect();
            let opened = Input::List(values).open(working_dir, &mut io::empty(), ValueRules::TEXTS);
            (opened.map_err(of_input)?.remove(0), None)
        }
    };
    Ok((vec![Member { source, number: 1, group: 0 }], feeder))
}
