//! What tasks on other hosts are brought, and what is brought back from there.

use super::field_rows;
use super::text::{flag, given, given_text, read_ron, ron, shown, unless_default};
use crate::job::Job;
use crate::job::template::Template;

field_rows! { REMOTE_FILES_GROUP: "Files on other hosts", about_processes: true,
    TRANSFER_FILES {
        key: "remote_files.transfer",
        label: "Bring there",
        help: "Files that are brought to the host of a task before it starts; the names may hold replacement strings",
        flag: "--transferfile",
        example: "[\"{}\"]",
        values: "a list of paths; behind `/./` they are relative to the folder there",
        get: |job| list(&job.remote_files.transfer),
        set: |job, text| given(text, read_ron).map(|names| job.remote_files.transfer = names.unwrap_or_default()),
        check: |job, _| names_problem(job, &job.remote_files.transfer),
    }
    RETURN_FILES {
        key: "remote_files.return",
        label: "Bring back",
        help: "Files that are brought back from the host of a task when it is done; the names may hold replacement strings",
        flag: "--return",
        example: "[\"{.}.out\"]",
        values: "a list of paths; behind `/./` they are relative to the folder there",
        get: |job| list(&job.remote_files.returned),
        set: |job, text| given(text, read_ron).map(|names| job.remote_files.returned = names.unwrap_or_default()),
        check: |job, _| names_problem(job, &job.remote_files.returned),
    }
    CLEANUP {
        key: "remote_files.cleanup",
        label: "Clean up there",
        help: "Remove files from a host when they were brought back or are not needed there any more, and folders that are empty then",
        flag: "--cleanup",
        example: "true",
        values: "`true`, `false`",
        get: |job| unless_default(&job.remote_files.cleanup),
        set: |job, text| given(text, flag).map(|is_on| job.remote_files.cleanup = is_on.unwrap_or_default()),
    }
    BASE_FILES {
        key: "remote_files.base",
        label: "Files for all tasks",
        help: "Files that are brought to each host once, before its first task",
        flag: "--basefile",
        example: "[\"model.bin\"]",
        values: "a list of paths",
        get: |job| list(&job.remote_files.base),
        set: |job, text| given(text, read_ron).map(|names| job.remote_files.base = names.unwrap_or_default()),
        check: |job, _| job.remote_files.base.iter().any(String::is_empty).then(|| EMPTY_NAME.to_owned())
            .or_else(|| kind_problem(job, !job.remote_files.base.is_empty())),
    }
    REMOTE_WORKDIR {
        key: "remote_files.workdir",
        label: "Folder there",
        help: "Folder of a task on another host, made if it is not there; names of files are relative to it; may hold replacement \
               strings; ...: one of its own for each task [default: the home folder]",
        flag: "",
        example: "work/{#}",
        values: "a path, in the home folder unless it is absolute",
        get: |job| shown(job.remote_files.workdir.as_ref()),
        set: |job, text| { job.remote_files.workdir = given_text(text); Ok(()) },
        check: |job, _| {
            let workdir = job.remote_files.workdir.as_deref()?;
            Template::parse_text(workdir).err().map(|error| error.to_string()).or_else(|| kind_problem(job, true))
        },
    }
}

const EMPTY_NAME: &str = "a name is empty; remove it";

fn list(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { ron(&names) }
}

fn names_problem(job: &Job, names: &[String]) -> Option<String> {
    let fault = names.iter().find_map(|name| {
        if name.is_empty() {
            return Some(EMPTY_NAME.to_owned());
        }
        Template::parse_text(name).err().map(|error| format!("{name}: {error}"))
    });
    fault.or_else(|| kind_problem(job, !names.is_empty()))
}

/// Files are brought for commands alone.
fn kind_problem(job: &Job, is_given: bool) -> Option<String> {
    let is_command = job.task.kind().traits().is_command_line;
    (is_given && !is_command).then(|| "only commands have files on other hosts; remove it".to_owned())
}
