//! Any job, for tests of properties.

use std::path::PathBuf;

use proptest::prelude::*;

use crate::job::control::{After, Control, Halt, Limits, ResourceRequest, RetryWait};
use crate::job::order::{Durations, Order};
use crate::job::{
    Input, Job, Mode, Parameter, ParameterKind, Pipe, RemoteFiles, SharedSpec, Shell, TaskTemplate, Transport,
    WorkloadSpec,
};

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 {}\"\\\\=:,\n\té\u{1}-]{1,12}"
}

fn secs() -> impl Strategy<Value = Option<f64>> {
    prop::option::of(prop_oneof![Just(0.0), Just(0.5), 0.001..31_536_000.0])
}

fn size() -> impl Strategy<Value = Option<u64>> {
    prop::option::of(1..=u64::MAX)
}

fn request() -> impl Strategy<Value = ResourceRequest> {
    prop_oneof![
        any::<u32>().prop_map(ResourceRequest::Count),
        text().prop_map(|text| ResourceRequest::Template(format!("{{{text}"))),
    ]
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![
        Just(Order::AsGiven),
        any::<u64>().prop_map(|seed| Order::Shuffled { seed }),
        "[a-z:{}]{1,9}".prop_map(Order::Priority),
        "[a-z:{}]{1,9}".prop_map(|column| Order::LongestFirst(Durations::Column(column))),
        "[a-z:/]{1,9}".prop_map(|path| Order::LongestFirst(Durations::JobLog(path.into()))),
        Just(Order::LongestFirst(Durations::History)),
    ]
}

fn halt() -> impl Strategy<Value = Option<Halt>> {
    prop::option::of("(now|soon),(fail|success|done)=[1-9][0-9]?%?")
        .prop_map(|text| Some(text?.parse().expect("a halt")))
}

fn pipe() -> impl Strategy<Value = Option<Pipe>> {
    let bounds = (prop::option::of(text()), prop::option::of(text()), any::<bool>(), any::<bool>());
    let counts = (size(), size(), any::<Option<u32>>(), any::<Option<u32>>());
    let rest = (prop::option::of(text()), prop::option::of(text()), any::<bool>());
    prop::option::of((bounds, counts, rest).prop_map(|(bounds, counts, rest)| Pipe {
        file: rest.0.map(PathBuf::from),
        block_bytes: counts.0,
        blocks: counts.2,
        record_start: bounds.0,
        record_end: bounds.1,
        regexp: bounds.2,
        remove_separators: bounds.3,
        records: counts.1,
        lines: counts.0,
        header: rest.1,
        round_robin: counts.3,
        as_file: rest.2,
    }))
}

fn retry_wait() -> impl Strategy<Value = Option<RetryWait>> {
    prop::option::of(prop_oneof![
        Just(RetryWait::Fixed { secs: 0.0 }),
        (0.001..9.0).prop_map(|secs| RetryWait::Fixed { secs }),
        (0.001..9.0, 9.0..99.0).prop_map(|(first_secs, most_secs)| RetryWait::Exponential { first_secs, most_secs }),
    ])
}

fn control() -> impl Strategy<Value = Control> {
    let times = (halt(), secs(), retry_wait(), prop::option::of(100.1..1e9), secs());
    let limit = prop::option::of("[a-z]{1,9}");
    let machine = (size(), prop::option::of(0.001..1e6), any::<Option<i32>>(), limit, any::<bool>());
    let limits = (size(), size(), size());
    let takes = (
        prop::option::of(request()),
        prop::collection::btree_map(text(), any::<u32>(), 0..3),
        prop::collection::btree_map(text(), request(), 0..3),
        prop::option::of((text(), text())),
    );
    (times, machine, limits, takes).prop_map(|(times, machine, limits, takes)| Control {
        halt: times.0,
        delay_secs: times.1,
        retry_wait: times.2,
        timeout_percent: times.3,
        heartbeat_secs: times.4,
        memfree_bytes: machine.0,
        load_limit: machine.1,
        limit_command: machine.3,
        no_swap: machine.4,
        nice: machine.2,
        limits: Limits { memory_bytes: limits.0, cpu_secs: limits.1, output_bytes: limits.2 },
        slots: takes.0,
        resources: takes.1,
        needs: takes.2,
        after: takes.3.map(|(name, after)| After { name, after }),
    })
}

fn parameter() -> impl Strategy<Value = Parameter> {
    let limit = || prop::option::of(-1e9..1e9);
    let kind = prop_oneof![
        prop::sample::select(ParameterKind::choices().to_vec()),
        (limit(), limit(), limit(), text()).prop_map(|(min, max, step, unit)| ParameterKind::Number {
            min,
            max,
            step,
            unit
        }),
        prop::collection::vec(text(), 0..3).prop_map(ParameterKind::Choice),
        (text(), text()).prop_map(|(yes, no)| ParameterKind::YesNo { yes, no }),
    ];
    (text(), text(), text(), kind, text(), any::<bool>(), text()).prop_map(
        |(name, label, help, kind, default, required, sets)| Parameter {
            name,
            label,
            help,
            kind,
            default,
            required,
            sets,
        },
    )
}

pub(super) fn job() -> impl Strategy<Value = Job> {
    let task = prop_oneof![
        text().prop_map(TaskTemplate::Command),
        any::<Option<u64>>()
            .prop_map(|seed| TaskTemplate::Workload(WorkloadSpec { seed, ..WorkloadSpec::named("pi") })),
    ];
    let input = prop_oneof![
        any::<(i64, i64)>().prop_map(|(first, last)| Input::Range(first, last)),
        prop::collection::vec(text(), 0..3).prop_map(Input::List),
        text().prop_map(|path| Input::Lines(path.into())),
        Just(Input::Stdin),
    ];
    let what = (text(), text(), task, prop::collection::vec(input, 0..3), any::<bool>());
    let rows = (
        any::<Option<u32>>(),
        order(),
        any::<Option<u64>>(),
        any::<u64>(),
        size(),
        any::<Option<u32>>(),
        any::<bool>(),
    );
    let run = (prop::sample::select(&Mode::ALL), any::<Option<u32>>(), secs(), any::<u32>(), prop::option::of(text()));
    let shared = prop_oneof![Just(SharedSpec::Set), any::<u32>().prop_map(SharedSpec::BoundedQueue)];
    let shared = (prop::collection::btree_map(text(), shared, 0..3), size(), prop::sample::select(&Transport::ALL));
    let given = || prop::option::of(text());
    let shells = [Shell::Sh, Shell::None, Shell::Named("bash".to_owned()), Shell::Named("/opt/fish".to_owned())];
    let command = (
        prop::sample::select(shells.to_vec()),
        prop::collection::btree_map(text(), text(), 0..3),
        given(),
        given(),
        given(),
        pipe(),
    );
    let names = || prop::collection::vec(text(), 0..3);
    let files =
        (names(), names(), any::<bool>(), names(), given()).prop_map(|(transfer, returned, cleanup, base, workdir)| {
            RemoteFiles { transfer, returned, cleanup, base, workdir }
        });
    let form = (prop::collection::vec(parameter(), 0..3), prop::collection::btree_map(text(), text(), 0..3));
    let parts = (what, rows, run, control(), shared, command, form, files);
    parts.prop_map(|(what, rows, run, control, shared, command, form, files)| Job {
        version: 1,
        parameters: form.0,
        values: form.1,
        name: what.0,
        description: what.1,
        task: what.2,
        inputs: what.3,
        linked: what.4,
        max_args: rows.0,
        max_chars: rows.4,
        spread: rows.5,
        repeat_words: rows.6,
        order: rows.1,
        sample: rows.2,
        sample_seed: rows.3,
        mode: run.0,
        workers: run.1,
        timeout_secs: run.2,
        retries: run.3,
        working_dir: run.4.map(PathBuf::from),
        control,
        shared: shared.0,
        shared_bytes: shared.1,
        transport: shared.2,
        shell: command.0,
        environment: command.1,
        stdin: command.2,
        stdin_file: command.3,
        remote_files: files,
        tagstring: command.4,
        pipe: command.5,
    })
}
