//! What the tasks are: what each does, its values, and how rows become tasks in which order.

use super::field_rows;
use super::text::{flag, given, map, number, read_ron, ron, shown, size, unless_default};
use crate::job::amount::size_text;
use crate::job::{Input, JOB_VERSION, Job, MAX_ARGS, MAX_WORKERS, Order, parameter};

field_rows! { WORK_GROUP: "Task and inputs", about_processes: false,
    VERSION {
        key: "version",
        label: "Version",
        help: "Version of the job file format. Required",
        flag: "",
        example: "1",
        values: "1",
        get: |job| job.version.to_string(),
        set: |job, text| number(text).map(|version| job.version = version),
        check: |job, _| (!(1..=JOB_VERSION).contains(&job.version))
            .then(|| format!("it is {}, expected 1 to {JOB_VERSION}", job.version)),
    }
    NAME {
        key: "name",
        label: "Name",
        help: "Name of the job in lists and titles",
        flag: "--name",
        example: "Thumbnails",
        values: "one line of text",
        get: |job| job.name.clone(),
        set: |job, text| { text.clone_into(&mut job.name); Ok(()) },
        check: |job, _| job.name.contains(['\0', '\n', '\r'])
            .then(|| "it must be a single line of text".to_owned()),
    }
    DESCRIPTION {
        key: "description",
        label: "Description",
        help: "What the job is for, in a sentence or two",
        flag: "",
        example: "Makes small pictures of large ones.",
        values: "text",
        get: |job| job.description.clone(),
        set: |job, text| { text.clone_into(&mut job.description); Ok(()) },
    }
    TASK {
        key: "task",
        label: "Task",
        help: "What each task does: a command line with replacement strings, a call of a Python function, or one of a \
               built-in workload. Required",
        flag: "COMMAND",
        example: "Command(\"gzip -k {}\")",
        values: "`Command(\"…\")`; `Python(file: \"….py\", function: \"…\")` or with `module: \"…\"`; \
                 `Workload(name: \"…\")`, as `fanlane workloads` lists them",
        get: |job| ron(&job.task),
        set: |job, text| read_ron(text).map(|task| job.task = task),
        check: |job, _| job.task.problem(&job.shell),
    }
    INPUTS {
        key: "inputs",
        label: "Inputs",
        help: "Where the values come from; several combine as a product, or linked. None: one task without a value. Required",
        flag: "::: VALUE",
        example: "[Glob(\"photos/*.jpg\")]",
        values: "a list of inputs, below",
        get: |job| ron(&job.inputs),
        set: |job, text| read_ron(text).map(|inputs| job.inputs = inputs),
        check: |job, _| inputs_problem(&job.inputs),
    }
    LINKED {
        key: "linked",
        label: "Pair inputs",
        help: "Take the values of several inputs in pairs, up to the end of the shortest, instead of combining each with each",
        flag: ":::+ VALUE",
        example: "true",
        values: "`true`, `false`",
        get: |job| job.linked.to_string(),
        set: |job, text| flag(text).map(|linked| job.linked = linked),
    }
}

field_rows! { PARAMETER_GROUP: "Parameters", about_processes: false,
    PARAMETERS {
        key: "parameters",
        label: "Parameters",
        help: "What is chosen before a run, in a form or with --set; {@name} stands for the value in the command line, the \
               inputs and other texts of the job",
        flag: "",
        example: "[Parameter(name: \"width\", type: Number(min: 16, max: 4096, step: 1, unit: \"px\"), default: \"800\")]",
        values: "a list of parameters, below",
        get: |job| if job.parameters.is_empty() { String::new() } else { ron(&job.parameters) },
        set: |job, text| given(text, read_ron).map(|parameters| job.parameters = parameters.unwrap_or_default()),
        check: |job, _| parameter::problem(&job.parameters),
    }
    VALUES {
        key: "values",
        label: "Values",
        help: "Values of parameters, by name [default: those of the parameters]",
        flag: "--set",
        example: "{\"width\": \"1024\"}",
        values: "what the parameter takes",
        get: |job| map(&job.values),
        set: |job, text| given(text, read_ron).map(|values| job.values = values.unwrap_or_default()),
        check: |job, _| parameter::problem_of_values(&job.parameters, &job.values).map(|error| error.to_string()),
    }
}

/// What is wrong with several rows in a task where tasks wait for others.
fn problem_with_waiting(job: &Job) -> Option<String> {
    let words = "tasks that wait for others by name are of one row each; remove it, or 'after' in control";
    job.control.after.is_some().then(|| words.to_owned())
}

field_rows! { ORDER_GROUP: "Order", about_processes: false,
    MAX_ROWS {
        key: "max_args",
        label: "Rows a task",
        help: "Number of rows of the inputs in one task [default: 1]; 0: one row, but none of its values",
        flag: "--max-args",
        example: "3",
        values: "0 to 10000",
        get: |job| shown(job.max_args.as_ref()),
        set: |job, text| given(text, number).map(|rows| job.max_args = rows),
        check: |job, _| {
            let max_args = job.max_args.filter(|rows| *rows != 1)?;
            if max_args > MAX_ARGS {
                return Some(format!("it is {max_args}, expected 0 to {MAX_ARGS}"));
            }
            problem_with_waiting(job)
        },
    }
    MAX_CHARS {
        key: "max_chars",
        label: "Bytes a command",
        help: "Maximum length of a command in bytes, with the end of each word: a task gets as many rows as fit into it, also with a \
               unit: 128K [default: no rows are put together by length]",
        flag: "--max-chars",
        example: "128K",
        values: "1 byte and more, at most what the system takes; commands only",
        get: |job| job.max_chars.map(size_text).unwrap_or_default(),
        set: |job, text| given(text, size).map(|bytes| job.max_chars = bytes),
        check: |job, _| {
            let bytes = job.max_chars?;
            if bytes == 0 {
                return Some("it is 0, expected 1 byte or more".to_owned());
            }
            if !job.task.kind().traits().is_command_line {
                return Some("only commands have a length; remove it, or set max_args".to_owned());
            }
            if job.max_args == Some(0) {
                return Some("with max_args 0 a command has none of its values; remove one of the two".to_owned());
            }
            problem_with_waiting(job)
        },
    }
    SPREAD {
        key: "spread",
        label: "Share the last rows",
        help: "Number of tasks between which the rows are shared out that the last task alone would have, so that all workers are busy \
               to the end [default: they stay together]",
        flag: "--spread",
        example: "8",
        values: "1 to 1024, with `max_chars`",
        get: |job| shown(job.spread.as_ref()),
        set: |job, text| given(text, number).map(|tasks| job.spread = tasks),
        check: |job, _| {
            let tasks = job.spread?;
            if !(1..=MAX_WORKERS).contains(&tasks) {
                return Some(format!("it is {tasks}, expected 1 to {MAX_WORKERS}"));
            }
            job.max_chars.is_none().then(|| "it is about tasks of as many rows as fit; set max_chars, or remove it".to_owned())
        },
    }
    REPEAT_WORDS {
        key: "repeat_words",
        label: "Repeat words",
        help: "In a task of several values, write a word with {} in it once for each value, such as a.bak b.bak for {}.bak, instead of \
               once with all of them",
        flag: "--repeat-words",
        example: "true",
        values: "`true`, `false`",
        get: |job| unless_default(&job.repeat_words),
        set: |job, text| given(text, flag).map(|repeats| job.repeat_words = repeats.unwrap_or_default()),
    }
    ORDER {
        key: "order",
        label: "Start order",
        help: "Order in which tasks start [default: that of the inputs]: priority:COLUMN, longest-first:COLUMN (seconds; unknown \
               ones first), longest-first-in:JOBLOG of an earlier run, longest-first-by-history, or shuffled:SEED; a COLUMN \
               may be a template",
        flag: "--order",
        example: "priority:1",
        values: "`Priority`, `LongestFirst(Column)`, `LongestFirst(JobLog)`, `LongestFirst(History)`, `Shuffled`",
        get: |job| match &job.order {
            Order::Shuffled { seed } => format!("shuffled:{seed}"),
            order => order.typed().unwrap_or_default(),
        },
        set: |job, text| given(text, str::parse).map(|order| job.order = order.unwrap_or_default()),
    }
    SAMPLE {
        key: "sample",
        label: "Sample",
        help: "Take only this many rows of the inputs, chosen at random and kept in their order",
        flag: "--sample",
        example: "100",
        values: "0 and more",
        get: |job| shown(job.sample.as_ref()),
        set: |job, text| given(text, number).map(|rows| job.sample = rows),
    }
    SAMPLE_SEED {
        key: "sample_seed",
        label: "Sample seed",
        help: "Seed of the choice of the sample: the same number chooses the same rows again",
        flag: "--seed",
        example: "7",
        values: "0 and more",
        get: |job| unless_default(&job.sample_seed),
        set: |job, text| given(text, number).map(|seed| job.sample_seed = seed.unwrap_or_default()),
    }
}

fn inputs_problem(inputs: &[Input]) -> Option<String> {
    if inputs.iter().filter(|input| input.reads_stdin()).count() > 1 {
        return Some("standard input can be read only once; give the other input another source".to_owned());
    }
    inputs.iter().enumerate().find_map(|(index, input)| {
        let gap = |problem: &str| if problem.starts_with(':') { "" } else { " " };
        input.problem().map(|problem| format!("input {}{}{problem}", index + 1, gap(&problem)))
    })
}
