//! What commands get besides their line: a shell, an environment, a standard input, and a tag before their output.

use std::collections::BTreeMap;

use super::field_rows;
use super::text::{given, given_text, map, read_ron, ron, shown};
use crate::job::shell::UnknownShell;
use crate::job::template::Template;
use crate::job::{Job, TaskKind, escapes};

field_rows! { COMMAND_GROUP: "Environment and input", about_processes: true,
    SHELL {
        key: "shell",
        label: "Shell",
        help: "Shell that runs the command line: bash, zsh, fish or another by its name or path; false: none, the line is split \
               into words and the program started directly [default: /bin/sh; for a command line of fanlane run, the shell \
               that calls it]",
        flag: "--shell",
        example: "bash",
        values: "a name or a path, or `false`",
        get: |job| job.shell.to_string(),
        set: |job, text| text.trim().parse().map(|shell| job.shell = shell).map_err(|unknown: UnknownShell| unknown.to_string()),
        check: |job, _| job.shell.problem(),
    }
    ENVIRONMENT {
        key: "environment",
        label: "Environment",
        help: "Variables of each task's environment, by name; the values may hold replacement strings",
        flag: "--env",
        example: "{\"LEVEL\": \"{1}\"}",
        values: "names without `=`, and not beginning with `FANLANE_`",
        get: |job| map(&job.environment),
        set: |job, text| given(text, read_ron).map(|variables| job.environment = variables.unwrap_or_default()),
        check: |job, _| environment_problem(&job.environment).or_else(|| {
            (!job.environment.is_empty()).then(|| function_problem(job, "set the variables for fanlane itself")).flatten()
        }),
    }
    STDIN {
        key: "stdin",
        label: "Text for standard input",
        help: "Text that each command reads from its standard input; may hold replacement strings [default: nothing]",
        flag: "--stdin-text",
        example: "{}",
        values: "text",
        get: |job| shown(job.stdin.as_ref()),
        set: |job, text| { job.stdin = given_text(text); Ok(()) },
        check: |job, _| {
            let text = job.stdin.as_deref()?;
            template_problem(Some(text)).or_else(|| function_problem(job, STDIN_ADVICE))
        },
    }
    STDIN_FILE {
        key: "stdin_file",
        label: "Input file",
        help: "File that each command reads from its standard input, in the working folder; its path may hold replacement \
               strings",
        flag: "--stdin-file",
        example: "{}.txt",
        values: "a path; not together with `stdin`",
        get: |job| shown(job.stdin_file.as_ref()),
        set: |job, text| { job.stdin_file = given_text(text); Ok(()) },
        check: |job, _| {
            let file = job.stdin_file.as_deref()?;
            if file.is_empty() {
                return Some("it is empty; leave it out for no standard input".to_owned());
            }
            let twice = || "there is a text for standard input already (stdin); remove one".to_owned();
            template_problem(Some(file))
                .or_else(|| job.stdin.is_some().then(twice))
                .or_else(|| function_problem(job, STDIN_ADVICE))
        },
    }
    PIPE {
        key: "pipe",
        label: "Cut a stream",
        help: "Cut standard input, or a file, into blocks of whole records, of which each task reads one from its standard input",
        flag: "--pipe",
        example: "(file: \"people.csv\")",
        values: "`(…)` with what differs, below; `()` is standard input in blocks of lines of about 1 MiB. Commands without inputs only",
        get: |job| job.pipe.as_ref().map(ron).unwrap_or_default(),
        set: |job, text| given(text, read_ron).map(|pipe| job.pipe = pipe),
        check: |job, _| job.pipe.as_ref().and_then(|pipe| pipe.problem(job)),
    }
    TAGSTRING {
        key: "tagstring",
        label: "Tag",
        help: "Text before each line of a task's output in the terminal, followed by a tab; may hold replacement strings and \
               \\n \\t \\0 \\xNN",
        flag: "--tagstring",
        example: "{}",
        values: "text",
        get: |job| escapes::escaped(job.tagstring.as_deref().unwrap_or_default()),
        set: |job, text| escapes::unescape(text).map(|text| job.tagstring = given_text(&text)),
        check: |job, _| template_problem(job.tagstring.as_deref()),
    }
}

const STDIN_ADVICE: &str = "make the text an input, which the function is given as an argument";

/// Why a Python function cannot be given what each command gets; `advice` is what to do.
fn function_problem(job: &Job, advice: &str) -> Option<String> {
    (job.task.kind() == TaskKind::Python)
        .then(|| format!("the calls of a Python function share an interpreter, so only commands can have it; {advice}"))
}

fn template_problem(template: Option<&str>) -> Option<String> {
    Template::parse_text(template?).err().map(|error| error.to_string())
}

/// How the engine marks its processes; a task that changed these would not be found again.
const OWN_VARIABLES: &str = "FANLANE_";

fn environment_problem(environment: &BTreeMap<String, String>) -> Option<String> {
    environment.iter().find_map(|(name, text)| {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Some(format!("'{name}' is no name of a variable; write letters, digits and _"));
        }
        if name.starts_with(OWN_VARIABLES) {
            return Some(format!("{name}: names that begin with {OWN_VARIABLES} are Fanlane's own; choose another"));
        }
        template_problem(Some(text)).map(|error| format!("{name}: {error}"))
    })
}
