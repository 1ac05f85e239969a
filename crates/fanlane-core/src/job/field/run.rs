//! How the tasks are run: the pool, its workers, and what all tasks share.

use super::field_rows;
use super::text::{given, map, number, read_ron, ron, secs, shown, size, unless_default};
use crate::job::amount::size_text;
use crate::job::control::MAX_SECS;
use crate::job::{MAX_WORKERS, Transport, lossless, shared_objects};

field_rows! { OPTION_GROUP: "Options", about_processes: false,
    MODE {
        key: "mode",
        label: "Mode",
        help: "Run in one process (one), in the threads of one process (threads), or in a pool of processes (pool) \
               [default: pool]",
        flag: "--mode",
        example: "threads",
        values: "`one`, `threads`, `pool`",
        get: |job| job.mode.to_string(),
        set: |job, text| read_ron(text).map(|mode| job.mode = mode),
    }
    WORKERS {
        key: "workers",
        label: "Workers",
        help: "Size of the pool [default: the number of logical cores]",
        flag: "--workers",
        example: "4",
        values: "1 to 1024",
        get: |job| shown(job.workers.as_ref()),
        set: |job, text| given(text, number).map(|workers| job.workers = workers),
        check: |job, _| job.workers.filter(|workers| !(1..=MAX_WORKERS).contains(workers))
            .map(|workers| format!("it is {workers}, expected 1 to {MAX_WORKERS}")),
    }
    TIMEOUT_SECS {
        key: "timeout_secs",
        label: "Timeout",
        help: "End an attempt that takes longer than this, in seconds or with a unit: 500ms, 1.5m, 2h [default: no limit]",
        flag: "--timeout",
        example: "90",
        values: "above 0 to 31536000 seconds",
        get: |job| shown(job.timeout_secs.as_ref()),
        set: |job, text| given(text, secs).map(|secs| job.timeout_secs = secs),
        check: |job, _| job.timeout_secs.filter(|secs| !(*secs > 0.0 && *secs <= MAX_SECS))
            .map(|secs| format!("it is {secs}, expected seconds above 0 and up to {MAX_SECS}")),
    }
    RETRIES {
        key: "retries",
        label: "Retries",
        help: "Number of times that a failed task is tried again [default: 0]",
        flag: "--retries",
        example: "2",
        values: "0 and more",
        get: |job| unless_default(&job.retries),
        set: |job, text| given(text, number).map(|retries| job.retries = retries.unwrap_or_default()),
    }
    WORKING_DIR {
        key: "working_dir",
        label: "Working folder",
        help: "Where commands run and relative inputs are looked up [default: the job file's folder, or the current one]",
        flag: "--wd",
        example: "photos",
        values: "a path",
        get: |job| shown(job.working_dir.as_deref().map(lossless::text_of_path).as_ref()),
        set: |job, text| { job.working_dir = (!text.is_empty()).then(|| lossless::path_of_text(text)); Ok(()) },
        check: |job, _| job.working_dir.as_ref().filter(|path| path.as_os_str().is_empty())
            .map(|_| "it is empty; leave it out for the job file's own folder".to_owned()),
    }
    TRANSPORT {
        key: "transport",
        label: "Large results",
        help: "How large results of calls come from their workers: through a socket (pipe), or in memory that the worker shares \
               (shared_memory); the run reports at its end when the other way was faster [default: pipe]",
        flag: "--transport",
        example: "shared_memory",
        values: "`pipe`, `shared_memory`; calls only",
        get: |job| ron(&job.transport),
        set: |job, text| read_ron(text).map(|transport| job.transport = transport),
        check: |job, _| (job.transport != Transport::Pipe && !job.task.kind().traits().returns_value).then(|| {
            "what a command prints comes through its pipes, and what is over 1 MiB through files; shared memory is for \
             results of calls; remove it".to_owned()
        }),
    }
}

field_rows! { SHARED_GROUP: "Shared objects", about_processes: false,
    SHARED {
        key: "shared",
        label: "Objects",
        help: "Objects that all tasks of the run can use, by name; a script does so with fanlane manager",
        flag: "",
        example: "{\"seen\": Set}",
        values: "names and kinds, below",
        get: |job| map(&job.shared),
        set: |job, text| given(text, read_ron).map(|shared| job.shared = shared.unwrap_or_default()),
        check: |job, _| shared_objects::problem(&job.shared),
    }
    SHARED_BYTES {
        key: "shared_bytes",
        label: "Maximum memory",
        help: "Maximum memory of the values of all shared objects together, in bytes or with a unit: 500M, 4G \
               [default: 1G]",
        flag: "--shared-bytes",
        example: "1G",
        values: "1 byte and more",
        get: |job| job.shared_bytes.map(size_text).unwrap_or_default(),
        set: |job, text| given(text, size).map(|bytes| job.shared_bytes = bytes),
    }
}
