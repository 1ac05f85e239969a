//! What `fanlane run` is asked to do: a job, from a file or from the words, with the flags merged into it. Nothing runs
//! here; of files, only the job file is read.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::args::{RunArgs, TrimArg};
use super::sources::{self, AdHoc, Source, Values};
use crate::job::duration::Limit;
use crate::job::{Input, Job, Order, TaskTemplate};

/// A job and where it stands.
#[derive(Debug)]
pub struct Plan {
    /// The job, with the flags merged into it.
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
                if args.wd.is_some() {
                    bail!(
                        "{} lies in its own folder, where its tasks run, so --wd has no meaning with it; write \
                         working_dir into the file",
                        path.display()
                    );
                }
                if let Some(flag) = flag_about_words(args) {
                    bail!(
                        "{} brings its own inputs, so {flag} has no meaning with it; write it into the file",
                        path.display()
                    );
                }
                Self::from_file(path)?
            }
            None => Self::ad_hoc(args, std::io::stdin().is_terminal())?,
        };
        merge_into(args, &mut plan.job);
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

    fn ad_hoc(args: &RunArgs, stdin_is_terminal: bool) -> Result<Self> {
        ensure!(
            !(args.words.is_empty() && args.arg_file.is_empty() && stdin_is_terminal),
            "there is nothing to run; write a job file (fanlane run JOB.ron), a command (fanlane run echo {{}} ::: a b), \
             or pipe commands to standard input, one a line"
        );
        let AdHoc { command, sources } = sources::split(&args.arg_file, &args.words)?;
        if sources.is_empty() && stdin_is_terminal {
            bail!(
                "there are no inputs; write them after ':::', name a file of lines after '::::', or pipe lines to \
                 standard input, for example: fanlane run {} ::: a b",
                command.display()
            );
        }
        let stdin = [Source { linked: false, values: Values::Stdin }];
        let (inputs, linked) = inputs(if sources.is_empty() { &stdin } else { &sources }, args);
        let command = text(&command).context("the command is not valid UTF-8")?;
        let job = Job { task: TaskTemplate::Command(command), inputs, linked, ..Job::default() };
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
fn merge_into(args: &RunArgs, job: &mut Job) {
    if let Some(mode) = args.mode {
        job.mode = mode.into();
    }
    if args.shared_bytes.is_some() {
        job.shared_bytes = args.shared_bytes;
    }
    if let Some(transport) = args.transport {
        job.transport = transport.into();
    }
    if args.workers.is_some() {
        // What the pool is large enough for is a question to the pool of this run.
        job.workers = None;
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
    args.control.merge_into(&mut job.control);
    if let Some(tagstring) = args.keep.tagstring() {
        job.tagstring = Some(tagstring.to_owned());
    }
    if args.max_args.is_some() {
        job.max_args = args.max_args;
    }
    let seed = args.seed.unwrap_or_else(any_seed);
    if args.shuf {
        job.order = Order::Shuffled { seed };
    }
    if let Some(order) = &args.order {
        job.order = order.clone();
    }
    if args.sample.is_some() {
        job.sample = args.sample;
        job.sample_seed = seed;
    }
    if args.no_shell {
        job.shell = false;
    }
    if let Some(folder) = &args.wd {
        // As in GNU parallel it is where the tasks run, whatever folder a job file lies in.
        job.working_dir = Some(std::path::absolute(folder).unwrap_or_else(|_| folder.clone()));
    }
    for variable in &args.env {
        // As in GNU parallel a name alone asks for what every task has already: the variable as it is.
        if let Some((name, value)) = variable.split_once('=') {
            job.environment.insert(name.to_owned(), value.to_owned());
        }
    }
    if args.stdin_text.is_some() || args.stdin_file.is_some() {
        job.stdin.clone_from(&args.stdin_text);
        job.stdin_file.clone_from(&args.stdin_file);
    }
}

/// Another number each time.
fn any_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(())
}

/// The first flag that says how the words' inputs are read.
fn flag_about_words(args: &RunArgs) -> Option<&'static str> {
    let flags = [
        (!args.arg_file.is_empty(), "--arg-file"),
        (args.null, "--null"),
        (args.delimiter.is_some(), "--delimiter"),
        (args.colsep.is_some(), "--colsep"),
        (args.header.is_some(), "--header"),
        (args.trim.is_some(), "--trim"),
    ];
    flags.into_iter().find_map(|(given, flag)| given.then_some(flag))
}

/// The inputs, and whether all of them are linked.
fn inputs(sources: &[Source], args: &RunArgs) -> (Vec<Input>, bool) {
    let mut groups: Vec<Vec<Input>> = Vec::new();
    for source in sources {
        match groups.last_mut().filter(|_| source.linked) {
            Some(group) => group.push(input(source, args)),
            None => groups.push(vec![input(source, args)]),
        }
    }
    if let [only] = &mut *groups {
        let linked = only.len() > 1;
        return (std::mem::take(only), linked);
    }
    let joined = groups.into_iter().map(|mut group| match group.len() {
        1 => group.remove(0),
        _ => Input::Linked(group),
    });
    (joined.collect(), false)
}

fn input(source: &Source, args: &RunArgs) -> Input {
    let separator = if args.null { Some("\0".to_owned()) } else { args.delimiter.clone().filter(|text| text != "\n") };
    let from = match (&source.values, separator) {
        (Values::Stdin, None) => Input::Stdin,
        (Values::Lines(file), None) => Input::Lines(found_from_here(file, args)),
        (Values::Stdin, Some(separator)) => Input::Records { file: None, separator },
        (Values::Lines(file), Some(separator)) => Input::Records { file: Some(found_from_here(file, args)), separator },
        (Values::Words(words), _) => {
            let texts: Option<Vec<String>> = words.iter().map(|word| word.to_str().map(str::to_owned)).collect();
            texts.map_or_else(|| Input::Bytes(words.iter().map(|word| word.as_bytes().into()).collect()), Input::List)
        }
    };
    if args.colsep.is_none() && args.header.is_none() && args.trim.is_none() {
        return from;
    }
    Input::Columns {
        from: Box::new(from),
        separator: args.colsep.clone(),
        header: args.header.is_some(),
        trim: args.trim.map_or(args.colsep.is_some(), |trim| trim != TrimArg::N),
    }
}

/// With `--wd` relative inputs would be looked up there.
fn found_from_here(file: &Path, args: &RunArgs) -> PathBuf {
    let absolute = args.wd.as_ref().and_then(|_| std::path::absolute(file).ok());
    absolute.unwrap_or_else(|| file.to_owned())
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

    fn ad_hoc(text: &str, stdin_is_terminal: bool) -> Result<Plan> {
        Plan::ad_hoc(&RunArgs { words: words(text), ..RunArgs::default() }, stdin_is_terminal)
    }

    #[test]
    fn words_become_a_job() {
        let plan = ad_hoc("echo {} ::: a b :::+ c d", true).expect("a plan");
        assert_eq!(plan.job.task, TaskTemplate::Command("echo {}".to_owned()));
        assert_eq!(plan.job.inputs.len(), 2);
        assert!(plan.job.linked);
        let plan = ad_hoc("wc -l", false).expect("a plan");
        assert!(matches!(*plan.job.inputs, [Input::Stdin]));
    }

    #[test]
    fn a_terminal_is_no_input() {
        let error = ad_hoc("wc -l", true).expect_err("nobody pipes").to_string();
        assert!(error.contains("after ':::'") && error.contains("fanlane run wc -l ::: a b"), "{error}");
    }

    #[test]
    fn sources_are_linked_to_the_one_before() {
        let plan = ad_hoc("echo ::: a :::+ b ::: c ::::+ f :::+ e ::: d", true).expect("a plan");
        let lens: Vec<usize> = plan
            .job
            .inputs
            .iter()
            .map(|input| if let Input::Linked(members) = input { members.len() } else { 0 })
            .collect();
        assert!(lens == [2, 3, 0] && !plan.job.linked, "{:?}", plan.job.inputs);
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
