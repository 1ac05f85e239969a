//! The words with which an array is submitted, and the script that Slurm starts on a node.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::SlurmProfile;
use super::client::{SlurmClient, SlurmError};
use super::element::ELEMENT_ROLE;
use super::folder::BatchFolder;
use crate::job::quote::quote_into;
use fanlane_os::child::WORKER_ROLE;

/// How long before the end of its allotted time an element is told, in seconds.
const NOTICE_SECS: u32 = 60;
/// Where an element prints, below the folder of the batch.
const PRINTED: &str = "slurm/%A_%a.out";
/// Maximum length of the name in the queue, in characters.
const MAX_NAME_CHARS: usize = 40;

/// An array that is to be submitted.
#[derive(Clone, Copy, Debug)]
pub struct ArrayRequest<'a> {
    /// The name of the job.
    pub name: &'a str,
    /// Its number in the batch.
    pub serial: u32,
    /// Number of its elements.
    pub elements: u32,
    /// Maximum number of elements that run at the same time, 1 or more.
    pub throttle: u32,
}

/// The script of the elements: the lines of the profile, then this program in its role.
pub fn script(folder: &BatchFolder, profile: &SlurmProfile) -> Vec<u8> {
    // Modules are functions of a login shell.
    let shell = if profile.setup.is_empty() { "/bin/sh" } else { "/bin/bash -l" };
    let mut text =
        format!("#!{shell}\n# An element of a batch of Fanlane: it runs a part of the tasks of the batch.\n")
            .into_bytes();
    for line in &profile.setup {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    text.extend_from_slice(b"exec ");
    quote_into(folder.program().as_os_str().as_bytes(), &mut text);
    text.extend_from_slice(format!(" {WORKER_ROLE} {ELEMENT_ROLE} ").as_bytes());
    quote_into(folder.path().as_os_str().as_bytes(), &mut text);
    text.extend_from_slice(b" \"$1\"\n");
    text
}

/// Submits an array; gives Slurm's number for it.
///
/// # Errors
/// When Slurm refuses it or does not answer.
pub fn submit(
    client: &SlurmClient,
    folder: &BatchFolder,
    profile: &SlurmProfile,
    request: &ArrayRequest<'_>,
) -> Result<u64, SlurmError> {
    let printed = client.call("sbatch", words(folder, profile, request))?;
    // With several clusters the name of one follows.
    let number = printed.trim().split(';').next().and_then(|number| number.trim().parse().ok());
    number.ok_or_else(|| SlurmError::Refused {
        program: "sbatch",
        words: format!("it printed no number of a job: {}", printed.trim()),
    })
}

fn words(folder: &BatchFolder, profile: &SlurmProfile, request: &ArrayRequest<'_>) -> Vec<OsString> {
    let ArrayRequest { name, serial, elements, throttle } = *request;
    let limit = if throttle < elements { format!("%{throttle}") } else { String::new() };
    let mut words: Vec<OsString> = vec![
        "--parsable".into(),
        format!("--job-name={}", queue_name(name)).into(),
        format!("--array=0-{}{limit}", elements.saturating_sub(1)).into(),
        "--requeue".into(),
        "--open-mode=append".into(),
        "--export=NONE".into(),
        "--ntasks=1".into(),
        format!("--cpus-per-task={}", profile.cpus_per_task).into(),
        format!("--signal=B:USR1@{NOTICE_SECS}").into(),
        option("--chdir", folder.path().as_os_str().as_bytes()),
        // Below the working folder: Slurm would take a '%' in a path for one of its patterns.
        format!("--output={PRINTED}").into(),
    ];
    let given = [
        ("--partition", &profile.partition),
        ("--account", &profile.account),
        ("--time", &profile.time_limit),
        ("--mem", &profile.memory_per_task),
    ];
    words.extend(given.into_iter().filter_map(|(name, value)| Some(option(name, value.as_ref()?.as_bytes()))));
    words.extend(profile.sbatch_flags.iter().map(OsString::from));
    words.extend([folder.script().into_os_string(), serial.to_string().into()]);
    words
}

fn option(name: &str, value: &[u8]) -> OsString {
    OsString::from_vec([name.as_bytes(), b"=", value].concat())
}

/// The name of a job as it stands in the queue: on one line, short.
fn queue_name(name: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '_' | '-' | '+' | '/');
    let plain: String = name.chars().filter(is_plain).take(MAX_NAME_CHARS).collect();
    format!("fanlane {}", plain.trim()).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> BatchFolder {
        BatchFolder::at("/shared/it's a batch".into())
    }

    #[test]
    fn the_script_runs_the_lines_of_the_profile_and_quotes_its_folder() {
        let plain = String::from_utf8(script(&folder(), &SlurmProfile::default())).expect("text");
        assert!(plain.starts_with("#!/bin/sh\n"), "{plain}");
        let profile = SlurmProfile { setup: vec!["module load python".into()], ..SlurmProfile::default() };
        let text = String::from_utf8(script(&folder(), &profile)).expect("text");
        assert!(text.starts_with("#!/bin/bash -l\n"), "{text}");
        assert!(text.contains("\nmodule load python\nexec "), "{text}");
        let line = text.lines().last().expect("a line");
        assert!(line.starts_with(r#"exec '/shared/it'"'"'s a batch/fanlane' --fanlane-worker slurm "#), "{line}");
        assert!(line.ends_with("\"$1\""), "{line}");
    }

    #[test]
    fn an_array_is_submitted_with_what_the_profile_says() {
        let profile = SlurmProfile {
            partition: Some("big".into()),
            time_limit: Some("1:00:00".into()),
            sbatch_flags: vec!["--gres=gpu:1".into()],
            ..SlurmProfile::default()
        };
        let request = ArrayRequest { name: "wc 'a\nb' {}", serial: 2, elements: 10, throttle: 4 };
        let words: Vec<String> =
            words(&folder(), &profile, &request).into_iter().map(|word| word.into_string().expect("text")).collect();
        for expected in [
            "--job-name=fanlane wc ab",
            "--array=0-9%4",
            "--partition=big",
            "--time=1:00:00",
            "--gres=gpu:1",
            "--export=NONE",
            "--signal=B:USR1@60",
            "--chdir=/shared/it's a batch",
        ] {
            assert!(words.iter().any(|word| word == expected), "{expected}: {words:?}");
        }
        assert_eq!(words[words.len() - 2..], ["/shared/it's a batch/element.sh", "2"]);
        assert!(!words.iter().any(|word| word.starts_with("--account") || word.starts_with("--mem")));
    }
}
