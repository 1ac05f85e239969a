//! What processes, pools, queues and shared memory cost, beside their limits and beside Python's own, measured in turns
//! within one run: quote the ratios.
//!
//! `cargo bench --bench mp` prints tables; `-- NAME…` chooses among `start`, `map`, `calls`, `queue`, `results`, `kept`,
//! `piped` and `killed`; a number sets how many rounds the medians are taken from.

#[path = "mp/limits.rs"]
mod limits;
#[path = "../../../benches/measuring/mod.rs"]
mod measuring;
#[path = "mp/python.rs"]
mod python;

use std::hint::black_box;
use std::time::{Duration, Instant};

use fanlane_mp::{
    self as mp, Connection, Error, Pool, PoolError, Process, Queue, SharedBytes, TaskError, function, pipe,
};

use measuring::{median, say};

const CALLS: i64 = 1_000_000;
const SIZES: [usize; 3] = [1 << 20, 16 << 20, 64 << 20];

/// Measures in several rounds and prints.
type Table = fn(usize) -> Result<(), Error>;

fn cube(x: i64) -> i64 {
    x.wrapping_mul(x).wrapping_mul(x)
}

fn answer(questions: Queue<u64>, answers: Queue<u64>) {
    while let Ok(number) = questions.get() {
        if answers.put(&number).is_err() {
            return;
        }
    }
}

/// Copies from memory of its own, as one does that has a result.
fn result_of(len: usize) -> SharedBytes {
    limits::with_source(len, |source| SharedBytes::copy_of(source).expect("there is memory"))
}

fn send_bytes(to: Connection, len: usize) {
    limits::with_source(len, |source| while to.send_bytes(source).is_ok() {});
}

fn sleep_for_ever() {
    loop {
        std::thread::park();
    }
}

fn main() {
    limits::serve_if_asked();
    mp::init([
        function!(cube),
        function!(answer),
        function!(result_of),
        function!(send_bytes),
        function!(sleep_for_ever),
    ]);
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let rounds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(7);
    let names: Vec<&String> = words.iter().filter(|word| word.parse::<usize>().is_err()).collect();
    let tables: [(&str, Table); 8] = [
        ("start", start),
        ("map", map),
        ("calls", calls),
        ("queue", queue),
        ("results", results),
        ("kept", kept),
        ("piped", piped),
        ("killed", killed),
    ];
    for (name, table) in tables {
        if names.is_empty() || names.iter().any(|wanted| *wanted == name) {
            table(rounds).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

/// Runs every row once a round, in turns; prints medians in `unit` of `amount` a second, or milliseconds where that is
/// zero, and how many times the first row's speed it has, round by round.
fn table(title: &str, rounds: usize, amount: f64, unit: &str, rows: &mut [(&str, &mut dyn FnMut() -> f64)]) {
    say(&format!("\n{title}; medians of {rounds} rounds"));
    let mut secs: Vec<Vec<f64>> = rows.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for ((_, run), taken) in rows.iter_mut().zip(&mut secs) {
            taken.push(run());
        }
    }
    for ((name, _), taken) in rows.iter().zip(&secs) {
        let ratio = median(secs[0].iter().zip(taken).map(|(first, this)| first / this).collect());
        let one = median(taken.clone());
        let figure = if amount > 0.0 { amount / one } else { one * 1e3 };
        say(&format!("{name:<52} {figure:>12.3} {unit:<12} {ratio:>9.3} of the first"));
    }
}

fn timed(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64()
}

fn start(rounds: usize) -> Result<(), Error> {
    let mut fanlane = || {
        timed(|| {
            let pool = Pool::new(2).expect("it starts");
            assert_eq!(pool.apply(cube, (3,)).expect("it is called"), 27);
            pool.close();
            pool.join().expect("it ends");
        })
    };
    table(
        "a pool of 2 from nothing to its first result and gone",
        rounds * 10,
        0.0,
        "ms",
        &mut [("re-exec of 2 processes, a byte each (limit)", &mut || limits::re_exec(2)), ("fanlane", &mut fanlane)],
    );
    python::show("start");
    Ok(())
}

fn map(rounds: usize) -> Result<(), Error> {
    let pool = Pool::new(2)?;
    pool.map(cube, 0..CALLS)?;
    let check = |cubes: Vec<i64>| assert_eq!((cubes.len() as i64, cubes[3]), (CALLS, 27));
    let mut whole = || timed(|| check(pool.map(cube, 0..CALLS).expect("it maps")));
    let mut single = || timed(|| check(pool.map_chunked(cube, 0..CALLS, 1).expect("it maps")));
    let mut each = || {
        timed(|| {
            let sum = pool.imap_unordered(cube, 0..CALLS).map(|cube| cube.expect("it maps")).fold(0, i64::wrapping_add);
            black_box(sum);
        })
    };
    table(
        "1,000,000 cubes, 2 workers",
        rounds,
        CALLS as f64 / 1e6,
        "M calls/s",
        &mut [
            ("map, default chunk size", &mut whole),
            ("map, chunk size 1", &mut single),
            ("imap_unordered, chunk size 1", &mut each),
        ],
    );
    pool.close();
    pool.join()?;
    python::show("map");
    Ok(())
}

fn calls(rounds: usize) -> Result<(), Error> {
    const EACH: i64 = 20_000;
    let pool = Pool::new(2)?;
    pool.map(cube, 0..100)?;
    let echoes = [limits::Echo::start(), limits::Echo::start()];
    let mut limit = || {
        timed(|| {
            std::thread::scope(|scope| {
                for echo in &echoes {
                    scope.spawn(move || (0..EACH).for_each(|_| echo.ping()));
                }
            });
        })
    };
    let mut fanlane = || {
        timed(|| {
            std::thread::scope(|scope| {
                for _ in 0..2 {
                    scope.spawn(|| (0..EACH).for_each(|x| assert_eq!(pool.apply(cube, (x,)).ok(), Some(cube(x)))));
                }
            });
        })
    };
    table(
        "calls one at a time, 2 threads and 2 workers",
        rounds,
        2.0 * EACH as f64 / 1e6,
        "M calls/s",
        &mut [("ping-pong of 8 bytes on sockets (limit)", &mut limit), ("apply", &mut fanlane)],
    );
    drop(echoes);
    pool.close();
    pool.join()?;
    python::show("calls");
    Ok(())
}

fn queue(rounds: usize) -> Result<(), Error> {
    const TRIPS: u64 = 50_000;
    let (questions, answers) = (Queue::unbounded()?, Queue::unbounded()?);
    let process = Process::spawn(answer, (questions.clone(), answers.clone()))?;
    let mut trips = || {
        timed(|| {
            for number in 0..TRIPS {
                questions.put(&number).expect("it is open");
                assert_eq!(answers.get().expect("it is open"), number);
            }
        })
    };
    table("round trips through two queues", rounds, TRIPS as f64, "a second", &mut [("fanlane", &mut trips)]);
    questions.close();
    process.join()?;
    python::show("queue");
    Ok(())
}

/// So much is moved for each figure.
fn count_of(len: usize) -> usize {
    ((1 << 30) / len).max(8)
}

fn megabytes(len: usize) -> f64 {
    (count_of(len) * len) as f64 / 1e6
}

fn results(rounds: usize) -> Result<(), Error> {
    for len in SIZES {
        let pool = Pool::new(2)?;
        pool.map_chunked(result_of, vec![len; 8], 1)?;
        let mut in_place = || {
            timed(|| {
                for bytes in pool.imap_unordered(result_of, vec![len; count_of(len)]) {
                    assert_eq!(bytes.expect("it arrives").len(), len);
                }
            })
        };
        table(
            &format!("results of {} MiB, written by 2 workers, read in place", len >> 20),
            rounds,
            megabytes(len),
            "MB/s",
            &mut [
                ("memcpy on 2 threads (limit)", &mut || limits::memcpy_on_two_threads(len, count_of(len))),
                ("SharedBytes from a pool", &mut in_place),
            ],
        );
        pool.close();
        pool.join()?;
    }
    Ok(())
}

fn kept(rounds: usize) -> Result<(), Error> {
    for len in SIZES {
        let pool = Pool::new(2)?;
        pool.map_chunked(result_of, vec![len; 8], 1)?;
        let mut buffer = vec![1; len];
        let mut copied = || {
            timed(|| {
                for bytes in pool.imap_unordered(result_of, vec![len; count_of(len)]) {
                    buffer.copy_from_slice(&bytes.expect("it arrives"));
                    black_box(&buffer);
                }
            })
        };
        let mut fresh = || {
            timed(|| {
                for bytes in pool.imap_unordered(result_of, vec![len; count_of(len)]) {
                    black_box(bytes.expect("it arrives").into_vec());
                }
            })
        };
        table(
            &format!("results of {} MiB, kept by the caller", len >> 20),
            rounds,
            megabytes(len),
            "MB/s",
            &mut [
                ("memcpy on 2 threads, a private copy by a third (limit)", &mut || {
                    limits::memcpy_and_private_copy(len, count_of(len))
                }),
                ("SharedBytes from a pool, copied alike", &mut copied),
            ],
        );
        table(
            "the same, each copy in memory of its own",
            rounds,
            megabytes(len),
            "MB/s",
            &mut [
                ("memcpy on 2 threads, to_vec by a third (limit)", &mut || {
                    limits::memcpy_and_to_vec(len, count_of(len))
                }),
                ("SharedBytes from a pool, into_vec", &mut fresh),
            ],
        );
        pool.close();
        pool.join()?;
    }
    Ok(())
}

fn piped(rounds: usize) -> Result<(), Error> {
    for len in SIZES {
        let limit = limits::PipeSource::start(len);
        let (here, there) = pipe()?;
        let mut source = Process::new(send_bytes, (there, len))?.daemon();
        source.start()?;
        let count = count_of(len) / 4;
        let mut buffer = vec![0; len];
        let mut fanlane = || {
            timed(|| {
                for _ in 0..count {
                    assert_eq!(here.recv_bytes_into(&mut buffer).expect("it arrives"), len);
                }
            })
        };
        // The first of each touches its memory for the first time.
        limit.take(count);
        fanlane();
        table(
            &format!("messages of {} MiB through a pipe", len >> 20),
            rounds,
            (count * len) as f64 / 1e6,
            "MB/s",
            &mut [
                ("pipe of 1 MiB, buffers reused (limit)", &mut || limit.take(count)),
                ("recv_bytes_into", &mut fanlane),
            ],
        );
    }
    python::show("results");
    Ok(())
}

fn killed(rounds: usize) -> Result<(), Error> {
    let mut noticed = || {
        let pool = Pool::new(1).expect("it starts");
        pool.apply(cube, (1,)).expect("it is called");
        let result = pool.apply_async(sleep_for_ever, ()).expect("it is taken on");
        // It has begun by then; a moment more or less is not measured.
        assert!(!result.wait_timeout(Duration::from_millis(20)));
        let pid = rustix::process::Pid::from_raw(pool.pids()[0].cast_signed()).expect("it has a number");
        let begun = Instant::now();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is there");
        let outcome = result.get();
        let taken = begun.elapsed().as_secs_f64();
        assert!(matches!(outcome, Err(PoolError::Task(TaskError::WorkerDied { .. }))));
        taken
    };
    table(
        "a worker is killed: until its task has failed",
        rounds * 5,
        0.0,
        "ms",
        &mut [
            ("a process is killed: until it is reaped (limit)", &mut limits::kill_and_reap),
            ("fanlane", &mut noticed),
        ],
    );
    Ok(())
}
