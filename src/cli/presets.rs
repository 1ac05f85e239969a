//! `fanlane presets`: the examples that come with the program and the jobs that were saved.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand as ClapSubcommand};

use super::columns::{self, Side};
use super::exit_status::Status;
use super::plan::Plan;
use super::preset_name::{find, saved};
use super::report::printable;
use super::subcommand::Subcommand;
use super::terminal::{print, remark, write_path};
use fanlane_core::job::{Input, Job, Parameter, TaskTemplate, WorkloadSpec};
use fanlane_core::store::presets::{PresetError, Presets, SavedPreset};

/// The arguments of `fanlane presets`.
#[derive(Debug, Args)]
pub struct PresetsArgs {
    /// Without it the presets are listed.
    #[command(subcommand)]
    action: Option<PresetsAction>,
}

#[derive(Debug, ClapSubcommand)]
enum PresetsAction {
    /// List the presets: names and descriptions
    List,
    /// Print a preset as a job file; its parameters are listed above it
    Show {
        /// Its name as in the list, in upper or lower case
        name: String,
    },
    /// Save a job file as a preset; its relative paths keep their folder
    Save {
        /// The job file
        #[arg(value_name = "JOB.ron")]
        file: PathBuf,
        /// Name of the preset [default: the name in the file, or the file's]
        #[arg(long)]
        name: Option<String>,
        /// Replace a preset of that name
        #[arg(long)]
        force: bool,
    },
    /// Print the folder of your own presets
    Path,
}

impl Subcommand for PresetsArgs {
    fn perform(self) -> Result<Status> {
        match self.action {
            None | Some(PresetsAction::List) => {
                let saved = saved()?;
                print(|out| write_list(&saved, out))
            }
            Some(PresetsAction::Show { name }) => {
                let job = find(&name)?;
                let text = job.to_ron()?;
                print(|out| {
                    write_parameters(&job, out)?;
                    out.write_all(text.as_bytes())
                })
            }
            Some(PresetsAction::Save { file, name, force }) => save(&file, name, force),
            Some(PresetsAction::Path) => {
                let presets = Presets::open_default()?;
                print(|out| write_path(presets.folder(), out))
            }
        }
    }
}

/// What the program runs where it cannot open its window: a short example whose lines say what they are.
pub fn terminal_example() -> Plan {
    const TASKS: i64 = 8;
    const POINTS: &str = "30000000";
    let points = vec![POINTS.to_owned(); TASKS as usize];
    let job = Job {
        name: "First look".to_owned(),
        task: TaskTemplate::Workload(WorkloadSpec::named("monte_carlo_pi")),
        inputs: vec![Input::List(points), Input::Range(1, TASKS)],
        linked: true,
        tagstring: Some("pi from {1} random points, task {2} of 8:".to_owned()),
        ..Job::default()
    };
    remark(&format!(
        "an example of {TASKS} tasks that takes some seconds: each computes pi from random points; Ctrl-C ends it. Your own \
         batch: fanlane run COMMAND ::: VALUE..., and fanlane run --help"
    ));
    Plan { job, folder: PathBuf::from(".") }
}

/// Saves the job of a file as a preset. Its relative paths keep their folder.
fn save(file: &Path, name: Option<String>, force: bool) -> Result<Status> {
    let Plan { job, folder } = Plan::from_file(file)?;
    let mut job = job.anchored(&std::path::absolute(&folder).unwrap_or(folder));
    if let Some(name) = name {
        job.name = name;
    } else if job.name.trim().is_empty() {
        job.name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    }
    let presets = Presets::open_default()?;
    let slug = presets.save(&job, force).map_err(|error| match error {
        PresetError::Exists { .. } => {
            anyhow::Error::new(error).context("the preset was not saved; add --force to replace it")
        }
        error => error.into(),
    })?;
    remark(&format!(
        "saved as {}; run it by fanlane run --preset '{}'",
        presets.folder().join(slug.to_string()).with_extension("ron").display(),
        job.name
    ));
    Ok(Status::AllDone)
}

/// Lists the parameters as a comment of the job file: name, what each takes, its default, and what it is for.
fn write_parameters(job: &Job, out: &mut dyn Write) -> io::Result<()> {
    if job.parameters.is_empty() {
        return Ok(());
    }
    writeln!(out, "// Parameters, each given with --set NAME=VALUE:")?;
    let rows: Vec<[String; 4]> = job.parameters.iter().map(parameter_row).collect();
    let mut lines = Vec::new();
    columns::write(&rows, [Side::Left; 4], &mut lines)?;
    for line in String::from_utf8_lossy(&lines).lines() {
        writeln!(out, "//   {}", line.trim_end())?;
    }
    Ok(())
}

fn parameter_row(parameter: &Parameter) -> [String; 4] {
    let default = match &*parameter.default {
        "" if parameter.required => "required".to_owned(),
        "" => "default: none".to_owned(),
        default => format!("default: {default}"),
    };
    let about = if parameter.help.is_empty() { parameter.title() } else { &parameter.help };
    let cells = [&*parameter.name, &*parameter.kind.takes(), &*default, about];
    cells.map(|cell| printable(cell, usize::MAX))
}

fn write_list(saved: &[SavedPreset], out: &mut dyn Write) -> io::Result<()> {
    let one_line = |text: &str| printable(text, usize::MAX);
    let built_in = Presets::builtin().into_iter().map(|preset| {
        let name = preset.job.display_name().into();
        (name, preset.job.description)
    });
    let saved = saved.iter().map(|preset| {
        let about = match &preset.job {
            Ok(job) => one_line(&job.description),
            Err(error) => format!("(cannot be read: {})", one_line(&error.to_string())),
        };
        (one_line(preset.title()), about)
    });
    let lines: Vec<(String, String)> = built_in.chain(saved).collect();
    let rows: Vec<[String; 2]> = lines.into_iter().map(|(name, about)| [name, about]).collect();
    columns::write(&rows, [Side::Left; 2], out)
}
