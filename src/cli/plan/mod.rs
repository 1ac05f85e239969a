//! A job and where it stands: from a job file, or from a command line with its inputs. Nothing is run here; of files, only the
//! job file is read.

pub mod caller_shell;
pub mod inputs;
mod lone_word;
pub mod sources;

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::cli::preset_name;
use fanlane_core::job::quote::kept_word;
use fanlane_core::job::template::Shorthands;
use fanlane_core::job::{Job, Shell, TaskTemplate};
use inputs::InputArgs;
use sources::{AdHoc, Markers, Source, Values};

/// How the words of a command are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WordReading {
    /// Joined by blanks, as one line for a shell.
    #[default]
    Shell,
    /// Without a shell: several are the words of the command, a single one is a line that is split.
    Program,
    /// Without a shell: each is a word of the command, whatever it holds.
    Kept,
}

/// How the words of a command and of its inputs are read.
#[derive(Clone, Debug, Default)]
pub struct WordRules<'a> {
    /// Those of the command.
    pub reading: WordReading,
    /// What stands for the input, or a part of it, in place of `{}` and the like, which are text then.
    pub names: Vec<(&'a str, &'static str)>,
    /// These, and what stands for expressions.
    pub shorthands: Shorthands,
    /// The words that begin a source of inputs.
    pub markers: Markers<'a>,
    /// All sources are walked side by side, and the shorter ones begin again.
    pub linked: bool,
    /// Blank values are left out.
    pub skips_blank: bool,
}

impl WordRules<'_> {
    /// The first flag that says how inputs given as words are read, for a job that has its own.
    fn first_given(&self) -> Option<&'static str> {
        let flags = [
            (self.linked, "--link"),
            (!self.names.is_empty(), "-I"),
            (!self.shorthands.is_empty(), "--plus, --rpl or --parens"),
            (self.skips_blank, "-r"),
        ];
        flags.into_iter().find_map(|(given, flag)| given.then_some(flag))
    }
}

/// A job and where it stands.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The job, with the flags of the command line merged into it.
    pub job: Job,
    /// The folder from which its working folder and its relative inputs are looked up.
    pub folder: PathBuf,
}

impl Plan {
    /// The plan of the words after the options: a job file, or a command with its inputs. `has_wd`: the tasks run in a folder
    /// that a flag names.
    ///
    /// # Errors
    /// When the words have no meaning, or the job file cannot be read.
    pub fn of_words(words: &[OsString], inputs: &InputArgs, rules: &WordRules<'_>, has_wd: bool) -> Result<Self> {
        let Some(path) = job_file(words) else {
            return Self::ad_hoc(words, inputs, rules, has_wd, std::io::stdin().is_terminal());
        };
        let file = path.display();
        if let [_, behind, ..] = words {
            bail!("{file} has its own command and inputs, so '{}' has no meaning behind it", behind.display());
        }
        ensure!(
            !has_wd,
            "the tasks of {file} run in its folder, so --wd has no meaning with it; set working_dir in the file"
        );
        if let Some(flag) = inputs.first_given().or_else(|| rules.first_given()) {
            bail!("{file} has its own inputs, so {flag} has no meaning with it; set it in the file");
        }
        Self::from_file(path)
    }

    /// The job of a preset; its relative paths start in the current folder.
    ///
    /// # Errors
    /// When there is no such preset, or what has no meaning beside it was given.
    pub fn of_preset(name: &str, words: &[OsString], inputs: &InputArgs, rules: &WordRules<'_>) -> Result<Self> {
        if let Some(word) = words.first() {
            bail!("the preset '{name}' has its own command and inputs, so '{}' has no meaning with it", word.display());
        }
        if let Some(flag) = inputs.first_given().or_else(|| rules.first_given()) {
            bail!("the preset '{name}' has its own inputs, so {flag} has no meaning with it");
        }
        Ok(Self { job: preset_name::find(name)?, folder: PathBuf::from(".") })
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

    /// Checks the job as a whole.
    ///
    /// # Errors
    /// The first problem that was found.
    pub fn check(self) -> Result<Self> {
        match self.job.check().first() {
            Some(problem) => bail!("{problem}"),
            None => Ok(self),
        }
    }

    /// The folder as an absolute path.
    pub fn absolute_folder(&self) -> PathBuf {
        std::path::absolute(&self.folder).unwrap_or_else(|_| self.folder.clone())
    }

    fn ad_hoc(
        words: &[OsString],
        args: &InputArgs,
        rules: &WordRules<'_>,
        has_wd: bool,
        stdin_is_terminal: bool,
    ) -> Result<Self> {
        ensure!(
            !(words.is_empty() && args.sources().is_empty() && stdin_is_terminal),
            "there is nothing to run; give a job file (fanlane run JOB.ron), a command (fanlane run echo {{}} ::: a b), \
             or pipe commands to standard input, one a line"
        );
        let mut own = args.sources();
        let words = match words.split_last() {
            Some((script, words)) if args.shebang => {
                own.insert(0, Source { linked: false, values: sources::lines_of(script) });
                words
            }
            _ => words,
        };
        let AdHoc { mut command, mut sources } = sources::split(own, words, &rules.markers)?;
        if let ([word], true) = (words, sources.is_empty())
            && let Some(problem) = lone_word::problem(word)
        {
            bail!("{problem}");
        }
        if let [word, option, ..] = words
            && option.as_encoded_bytes().starts_with(b"-")
            && let Some(problem) = lone_word::preset_problem(word)
        {
            bail!("{problem}");
        }
        command = sources::with_braces(&command, &rules.names, &rules.shorthands)?;
        if rules.skips_blank {
            sources::leave_out_blank(&mut sources);
        }
        if rules.linked {
            sources::link(&mut sources, args.has_header())?;
        }
        if sources.is_empty() && stdin_is_terminal {
            bail!(
                "there are no inputs; give them after ':::', give a file of lines after '::::', or pipe lines to \
                 standard input, for example: fanlane run {} ::: a b",
                command.join(OsStr::new(" ")).display()
            );
        }
        let stdin = [Source { linked: false, values: Values::Stdin }];
        let command = command_line(&command, rules.reading).context("the command is not valid UTF-8")?;
        let sources = if sources.is_empty() { &stdin[..] } else { &sources };
        let (inputs, linked) = args.inputs(sources, has_wd, &command)?;
        let shell = match rules.reading {
            WordReading::Shell => caller_shell::of_caller()?,
            WordReading::Program | WordReading::Kept => Shell::None,
        };
        let job = Job { task: TaskTemplate::Command(command), inputs, linked, shell, ..Job::default() };
        Ok(Self { job, folder: PathBuf::from(".") })
    }
}

/// The job file, if that is what the words begin with.
pub fn job_file(words: &[OsString]) -> Option<&Path> {
    let path = Path::new(words.first()?);
    let is_ron = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("ron"));
    is_ron.then_some(path)
}

/// The command line of a job that is read as these words were given.
fn command_line(words: &[OsString], reading: WordReading) -> Result<String> {
    let words: Vec<String> = words.iter().map(|word| text(word)).collect::<Result<_>>()?;
    let is_line = reading == WordReading::Shell || (reading == WordReading::Program && words.len() == 1);
    Ok(if is_line { words.join(" ") } else { words.iter().map(|word| kept_word(word)).collect::<Vec<_>>().join(" ") })
}

fn text(word: &OsStr) -> Result<String> {
    word.to_str().map(str::to_owned).with_context(|| format!("'{}' is not valid UTF-8", word.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fanlane_core::job::Input;

    fn words(text: &str) -> Vec<OsString> {
        text.split_whitespace().map(OsString::from).collect()
    }

    fn ad_hoc(text: &str, stdin_is_terminal: bool) -> Result<Plan> {
        Plan::ad_hoc(&words(text), &InputArgs::default(), &WordRules::default(), false, stdin_is_terminal)
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
    fn words_without_a_shell_are_kept_as_they_were_given() {
        let line = |words: &[&str], reading| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            command_line(&words, reading).expect("text")
        };
        let words = ["printf", "[%s]\\n", "a b", "{}", "{1.}x", "", "it's"];
        for reading in [WordReading::Program, WordReading::Kept] {
            assert_eq!(line(&words, reading), "printf '[%s]\\n' 'a b' {} '{1.}x' '' 'it'\"'\"'s'");
        }
        assert_eq!(line(&["echo", "a  b", ">", "x"], WordReading::Shell), "echo a  b > x");
        assert_eq!(line(&["cp -n {} b"], WordReading::Program), "cp -n {} b");
        assert_eq!(line(&["cp -n {} b"], WordReading::Kept), "'cp -n {} b'");
    }

    #[test]
    fn a_terminal_is_no_input() {
        let error = ad_hoc("wc -l", true).expect_err("a terminal").to_string();
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
