//! When the run ends early, waits or holds back, and what a task may take.

use super::field_rows;
use super::text::{amounts, flag, given, number, read_amounts, read_ron, ron, secs, shown, size, unless_default};
use crate::job::amount::{parse_amount, parse_load, parse_request, size_text};
use crate::job::control::{MAX_SECS, RetryWait};
use crate::job::duration::parse_whole_secs;
use crate::job::limits::MIN_MEMORY_BYTES;
use crate::job::{Job, TaskKind, resource_request};

field_rows! { CONTROL_GROUP: "Control", about_processes: false,
    HALT {
        key: "control.halt",
        label: "Halt",
        help: "End early: now or soon, at a number or share of fail, success or done: now,fail=1  soon,done=50%",
        flag: "--halt",
        example: "soon,fail=1",
        values: "`now` or `soon`, and `fail`, `success` or `done` with a number from 1 or a share up to 100%",
        get: |job| shown(job.control.halt.as_ref()),
        set: |job, text| given(text, |text| text.parse().map_err(message)).map(|halt| job.control.halt = halt),
    }
    DELAY_SECS {
        key: "control.delay_secs",
        label: "Delay",
        help: "Minimum time between two starts, in seconds or with a unit: 500ms, 2m",
        flag: "--delay",
        example: "0.5",
        values: "0 to 31536000 seconds",
        get: |job| shown(job.control.delay_secs.as_ref()),
        set: |job, text| given(text, secs).map(|secs| job.control.delay_secs = secs),
        check: |job, _| job.control.delay_secs.filter(|secs| !(0.0..=MAX_SECS).contains(secs))
            .map(|_| format!("the delay must be 0 to {MAX_SECS} seconds")),
    }
    RETRY_WAIT {
        key: "control.retry_wait",
        label: "Retry wait",
        help: "Time before a retry, in seconds; FIRST..MOST: doubled each time, from the first up to the second",
        flag: "--retry-wait",
        example: "1..60",
        values: "0 to 31536000 seconds",
        get: |job| shown(job.control.retry_wait.as_ref()),
        set: |job, text| given(text, |text| match text {
            "0" => Ok(RetryWait::Fixed { secs: 0.0 }),
            text => text.parse(),
        }).map(|wait| job.control.retry_wait = wait),
        check: |job, _| job.control.retry_wait.and_then(RetryWait::problem).map(str::to_owned),
    }
    TIMEOUT_PERCENT {
        key: "control.timeout_percent",
        label: "Slow tasks",
        help: "End tasks that take longer than this share of the median of those done so far, above 100%",
        flag: "--timeout",
        example: "300%",
        values: "above 100 to 1000000000 per cent",
        get: |job| job.control.timeout_percent.map(|percent| format!("{percent}%")).unwrap_or_default(),
        set: |job, text| given(text, percent)
            .map(|percent| job.control.timeout_percent = percent),
        check: |job, _| job.control.timeout_percent.filter(|percent| !(*percent > 100.0 && *percent <= 1e9))
            .map(|_| "a timeout as a share of the median must be above 100 per cent".to_owned()),
    }
    MEMFREE_BYTES {
        key: "control.memfree_bytes",
        label: "Free memory",
        help: "Start tasks only while this much memory is free, in bytes or with a unit: 500M, 4G. While less than half of it is \
               free, the youngest task is ended, to start again later",
        flag: "--memfree",
        example: "4G",
        values: "1 byte and more",
        get: |job| job.control.memfree_bytes.map(size_text).unwrap_or_default(),
        set: |job, text| given(text, size).map(|bytes| job.control.memfree_bytes = bytes),
    }
    LOAD_LIMIT {
        key: "control.load_limit",
        label: "Maximum load",
        help: "Start tasks only while the system's load is below this: a number of processes, or a share of the cores: 50%",
        flag: "--load",
        example: "2",
        values: "above 0",
        get: |job| shown(job.control.load_limit.as_ref()),
        set: |job, text| given(text, parse_load).map(|load| job.control.load_limit = load),
        check: |job, _| job.control.load_limit.filter(|load| !(*load > 0.0 && load.is_finite()))
            .map(|_| "the load must be above 0".to_owned()),
    }
    LIMIT_COMMAND {
        key: "control.limit_command",
        label: "Limit",
        help: "Start tasks only while this command line, run by /bin/sh once a second, ends with 0; with 2 the youngest task is ended, to start again later",
        flag: "--limit",
        example: "test -e go",
        values: "a command line that ends with 0 where a task may start, with 1 where none may, and with 2 where the youngest is to end",
        get: |job| shown(job.control.limit_command.as_ref()),
        set: |job, text| given(text, |text| Ok(text.to_owned())).map(|line| job.control.limit_command = line),
        check: |job, _| job.control.limit_command.as_ref().filter(|line| line.trim().is_empty())
            .map(|_| "it is blank; write a command line, or remove it".to_owned()),
    }
    NO_SWAP {
        key: "control.no_swap",
        label: "No swapping",
        help: "Start tasks only while the machine does not swap memory both in and out",
        flag: "--noswap",
        example: "true",
        values: "`true`, `false`",
        get: |job| unless_default(&job.control.no_swap),
        set: |job, text| given(text, flag).map(|is_on| job.control.no_swap = is_on.unwrap_or_default()),
    }
    NICE {
        key: "control.nice",
        label: "Nice",
        help: "Niceness of the tasks, 0 to 19: other programs go first",
        flag: "--nice",
        example: "10",
        values: "0 to 19",
        get: |job| shown(job.control.nice.as_ref()),
        set: |job, text| given(text, number).map(|nice| job.control.nice = nice),
        check: |job, _| job.control.nice.filter(|nice| !(0..=19).contains(nice))
            .map(|_| "how nice a task is must be 0 to 19".to_owned()),
    }
    HEARTBEAT_SECS {
        key: "control.heartbeat_secs",
        label: "Heartbeat",
        help: "Ping a worker that was silent for this long, and kill it after twice as long without an answer; in seconds or \
               with a unit: 2m [default: 5]",
        flag: "--heartbeat",
        example: "30",
        values: "0.1 to 3600 seconds",
        get: |job| shown(job.control.heartbeat_secs.as_ref()),
        set: |job, text| given(text, secs).map(|secs| job.control.heartbeat_secs = secs),
        check: |job, _| job.control.heartbeat_secs.filter(|secs| !(0.1..=3600.0).contains(secs))
            .map(|_| "the heartbeat must be 0.1 to 3600 seconds".to_owned()),
    }
    SLOTS {
        key: "control.slots",
        label: "Slots",
        help: "Number of slots of the pool that a task takes, or a template of it: {cores} [default: 1]",
        flag: "--slots",
        example: "2",
        values: "1 to the size of the pool, or a template of such a number",
        get: |job| shown(job.control.slots.as_ref()),
        set: |job, text| {
            job.control.slots = if text.is_empty() { None } else { Some(text.parse()?) };
            Ok(())
        },
        check: |job, workers| {
            let slots = job.control.slots.as_ref()?;
            match slots.count() {
                Some(slots) if slots == 0 || slots > workers => {
                    Some(format!("a task cannot take {slots} slots of a pool of {workers}; ask for 1 to {workers}"))
                }
                _ => slots.problem().map(message),
            }
        },
    }
    RESOURCES {
        key: "control.resources",
        label: "Resources",
        help: "Amounts of the resources that there are, by name: gpu=2",
        flag: "--resource",
        example: "gpu=2 licence=1",
        values: "0 and more of each name",
        get: |job| amounts(&job.control.resources),
        set: |job, text| given(text, |text| read_amounts(text, parse_amount))
            .map(|all| job.control.resources = all.unwrap_or_default()),
        check: |job, _| {
            let names: Vec<&String> = job.control.resources.keys().collect();
            let alike = |index: &usize| names[..*index].iter().find(|one| one.to_uppercase() == names[*index].to_uppercase());
            let (other, name) = (0..names.len()).find_map(|index| Some((alike(&index)?, names[index])))?;
            Some(format!("{other} and {name} would share one variable of a task's environment; rename one"))
        },
    }
    NEEDS {
        key: "control.needs",
        label: "Needs",
        help: "Amount of each resource that a task takes while it runs, or a template of it: gpu={gpus}; its environment says which \
               ones it has: FANLANE_GPU=0",
        flag: "--need",
        example: "gpu=1",
        values: "0 to what there is of each name, or a template of such a number",
        get: |job| amounts(&job.control.needs),
        set: |job, text| given(text, |text| read_amounts(text, parse_request))
            .map(|all| job.control.needs = all.unwrap_or_default()),
        check: |job, _| resource_request::problem(&job.control.needs, &job.control.resources),
    }
    AFTER {
        key: "control.after",
        label: "Dependencies",
        help: "Two columns of the inputs: the name of each task, and the names of the tasks that must be done before it",
        flag: "",
        example: "After(name: \"name\", after: \"after\")",
        values: "two names of columns; in a cell blanks separate the names of tasks",
        get: |job| job.control.after.as_ref().map(ron).unwrap_or_default(),
        set: |job, text| given(text, read_ron).map(|after| job.control.after = after),
    }
}

field_rows! { LIMIT_GROUP: "Limits of a task", about_processes: true,
    LIMIT_MEMORY_BYTES {
        key: "control.limits.memory_bytes",
        label: "Memory",
        help: "Maximum address space of each process of a task, in bytes or with a unit: 500M, 4G. Programs that reserve \
               more than they use need more than they take",
        flag: "--limit-memory",
        example: "4G",
        values: "4194304 bytes and more; commands only",
        get: |job| job.control.limits.memory_bytes.map(size_text).unwrap_or_default(),
        set: |job, text| given(text, size).map(|bytes| job.control.limits.memory_bytes = bytes),
        check: |job, _| {
            let bytes = job.control.limits.memory_bytes?;
            let too_low = || format!("it is {bytes}; no program begins with less than {MIN_MEMORY_BYTES}");
            limit_problem(job).or_else(|| (bytes < MIN_MEMORY_BYTES).then(too_low))
        },
    }
    LIMIT_CPU_SECS {
        key: "control.limits.cpu_secs",
        label: "CPU time",
        help: "Maximum CPU time of each process of a task, in whole seconds or with a unit: 2m; waiting does not count",
        flag: "--limit-cpu",
        example: "90",
        values: "1 second and more; commands only",
        get: |job| shown(job.control.limits.cpu_secs.as_ref()),
        set: |job, text| given(text, parse_whole_secs).map(|secs| job.control.limits.cpu_secs = secs),
        check: |job, _| {
            let secs = job.control.limits.cpu_secs?;
            if job.task.kind() == TaskKind::Python {
                return Some("the calls of a Python function share an interpreter, whose CPU time is that of all; use a timeout".to_owned());
            }
            let too_low = || "it is 0; give a task 1 second or more, or remove it".to_owned();
            limit_problem(job).or_else(|| (secs == 0).then(too_low))
        },
    }
    LIMIT_OUTPUT_BYTES {
        key: "control.limits.output_bytes",
        label: "Output",
        help: "End a task that prints more than this, in bytes or with a unit: 500M, 4G",
        flag: "--limit-output",
        example: "500M",
        values: "1 byte and more; commands only",
        get: |job| job.control.limits.output_bytes.map(size_text).unwrap_or_default(),
        set: |job, text| given(text, size).map(|bytes| job.control.limits.output_bytes = bytes),
        check: |job, _| job.control.limits.output_bytes.and_then(|_| limit_problem(job)),
    }
}

fn message(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim_end();
    number.parse().map_err(|_| "expected a share of the median above 100%, such as 200%".to_owned())
}

/// Why the tasks of the job cannot have limits.
fn limit_problem(job: &Job) -> Option<String> {
    (!job.task.kind().traits().has_own_process)
        .then(|| "a call shares its worker's process, so only commands can have limits; remove it".to_owned())
}
