//! What `fanlane run` is asked to do: a job, from a file or from the words, with the flags laid over it. Nothing runs
//! here; of files, only the job file is read.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::args::RunArgs;
use super::duration::Limit;
use super::sources::{self, AdHoc, Source, Values};
use crate::job::{Control, Input, JOB_VERSION, Job, Mode, TaskTemplate};

/// A job and where it stands.
#[derive(Debug)]
pub struct Plan {
    /// The job, with the flags laid over it.
    pub job: Job,
    /// Where its working folder and its relative inputs are looked up.
    pub folder: PathBuf,
}

impl Plan {
    /// Makes the plan from the words after `fanlane run`.
    ///
    /// # Errors
    /// When the words have no meaning, or the job file cannot be read.
    pub fn new(args: &RunArgs) -> Result<Self> {
        let mut plan = match job_file(&args.words) {
            Some(path) => {
                let [_] = &*args.words else {
                    bail!(
                        "{} brings its own command and inputs, so '{}' has no meaning behind it",
                        path.display(),
                        args.words[1].display()
                    );
                };
                Self::from_file(path)?
            }
            None => Self::ad_hoc(&args.words, std::io::stdin().is_terminal())?,
        };
        lay_over(args, &mut plan.job);
        if let Some(problem) = plan.job.check().first() {
            bail!("{problem}");
        }
        Ok(plan)
    }

    /// The job in a file.
    ///
    /// # Errors
    /// When it cannot be read; the message has line and column.
    pub fn from_file(path: &Path) -> Result<Self> {
        let job = Job::load(path)?;
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        Ok(Self { job, folder })
    }

    fn ad_hoc(words: &[OsString], stdin_is_terminal: bool) -> Result<Self> {
        ensure!(
            !words.is_empty(),
            "there is nothing to run; write a job file (fanlane run JOB.ron) or a command (fanlane run echo {{}} ::: a b)"
        );
        let AdHoc { command, sources } = sources::split(words)?;
        if sources.is_empty() && stdin_is_terminal {
            bail!(
                "there are no inputs; write them after ':::', name a file of lines after '::::', or pipe lines to \
                 standard input, for example: fanlane run {} ::: a b",
                command.display()
            );
        }
        let inputs =
            if sources.is_empty() { vec![Input::Stdin] } else { sources.iter().map(input).collect::<Result<_>>()? };
        let command = text(&command).context("the command is not valid UTF-8")?;
        let job = Job {
            version: JOB_VERSION,
            name: String::new(),
            description: String::new(),
            task: TaskTemplate::Command(command),
            inputs,
            linked: linked(&sources)?,
            mode: Mode::default(),
            workers: None,
            timeout_secs: None,
            retries: 0,
            working_dir: None,
            control: Control::default(),
        };
        Ok(Self { job, folder: PathBuf::from(".") })
    }
}

/// The job file, if that is what the words begin with.
pub fn job_file(words: &[OsString]) -> Option<&Path> {
    let path = Path::new(words.first()?);
    let is_ron = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ron"));
    is_ron.then_some(path)
}

/// The flags that a job has fields for. The size of the pool is not among them: it may depend on the number of tasks.
fn lay_over(args: &RunArgs, job: &mut Job) {
    if let Some(mode) = args.mode {
        job.mode = mode.into();
    }
    if let Some(tries) = args.retries {
        // As in GNU parallel the flag counts tries; a job counts those after the first.
        job.retries = tries - 1;
    }
    match args.timeout {
        Some(Limit::Time(timeout)) => job.timeout_secs = Some(timeout.secs),
        Some(Limit::PercentOfMedian(percent)) => job.control.timeout_percent = Some(percent),
        None => {}
    }
    args.control.lay_over(&mut job.control);
}

fn input(source: &Source) -> Result<Input> {
    Ok(match &source.values {
        Values::Stdin => Input::Stdin,
        Values::Lines(file) => Input::Lines(file.clone()),
        Values::Words(words) => {
            let values = words
                .iter()
                .map(|word| text(word).context("put such values into a file, one a line, and name it after '::::'"));
            Input::List(values.collect::<Result<_>>()?)
        }
    })
}

/// Whether the sources after the first are linked to those before them.
fn linked(sources: &[Source]) -> Result<bool> {
    let later = sources.get(1..).unwrap_or_default();
    let linked = later.iter().filter(|source| source.linked).count();
    ensure!(
        linked == 0 || linked == later.len(),
        "some inputs are linked (':::+', '::::+') and some are not; link all of them or none"
    );
    Ok(linked > 0)
}

fn text(word: &OsStr) -> Result<String> {
    word.to_str().map(str::to_owned).with_context(|| format!("'{}' is not valid UTF-8", word.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn words_become_a_job() {
        let plan = Plan::ad_hoc(&words("echo {} ::: a b :::+ c d"), true).expect("a plan");
        assert_eq!(plan.job.task, TaskTemplate::Command("echo {}".to_owned()));
        assert_eq!(plan.job.inputs.len(), 2);
        assert!(plan.job.linked);
        let plan = Plan::ad_hoc(&words("wc -l"), false).expect("a plan");
        assert!(matches!(*plan.job.inputs, [Input::Stdin]));
    }

    #[test]
    fn a_terminal_is_no_input() {
        let error = Plan::ad_hoc(&words("wc -l"), true).expect_err("nobody pipes").to_string();
        assert!(error.contains("after ':::'") && error.contains("fanlane run wc -l ::: a b"), "{error}");
    }

    #[test]
    fn half_linked_inputs_are_refused() {
        let error = Plan::ad_hoc(&words("echo ::: a :::+ b ::: c"), true).expect_err("half linked").to_string();
        assert!(error.contains("link all of them or none"), "{error}");
    }

    #[test]
    fn only_a_first_word_in_ron_is_a_job_file() {
        for (text, expected) in
            [("a.ron", true), ("dir/B.RON", true), ("cat a.ron", false), ("ron", false), ("", false)]
        {
            assert_eq!(job_file(&words(text)).is_some(), expected, "{text}");
        }
    }
}
