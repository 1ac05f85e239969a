//! What `fanlane race` prints: the standings, the verdict, the laws, and where the time went.

use std::io::{self, Write};

use crate::cli::columns::{self, Side};
use crate::cli::terminal::{draw_line, stderr_is_terminal};
use fanlane_core::job::Mode;
use fanlane_core::model::format;
use fanlane_core::model::race::laws::{Amdahl, FITTING, SizeTime, Usl};
use fanlane_core::model::race::pep371::{self, WorkSet};
use fanlane_core::model::race::{RaceModel, Standing, Turn, chunks, secs_words};

/// A line on standard error with the progress of a race, where that is a terminal.
pub struct Progress {
    is_shown: bool,
    last: String,
}

impl Progress {
    /// Nothing is shown yet, and never where `is_quiet`.
    pub fn new(is_quiet: bool) -> Self {
        Self { is_shown: stderr_is_terminal() && !is_quiet, last: String::new() }
    }

    /// Shows whose turn it is in a race that begins with this many blocks to warm up.
    pub fn show(&mut self, turn: &Turn, warm_up: u32, name: &str) {
        let round = if turn.warm_up { "warming up".to_owned() } else { format!("round {}", turn.block - warm_up + 1) };
        let line = format!("{round}: {}", name.replace(char::is_control, " "));
        if self.is_shown && line != self.last {
            draw_line(&line);
            self.last = line;
        }
    }

    /// Erases the line.
    pub fn end(&mut self) {
        if !std::mem::take(&mut self.last).is_empty() {
            draw_line("");
        }
    }
}

/// Writes the report of a race.
pub fn write_report(race: &RaceModel, out: &mut dyn Write) -> io::Result<()> {
    let Some(header) = &race.header else { return Ok(()) };
    if let Some(size) = WorkSet::of(header) {
        write_wall(race, size, out)?;
    } else {
        for (case, place) in header.cases.iter().zip(0..) {
            writeln!(out, "{}: {}", header.name, format::plural(case.tasks, "task"))?;
            write_standings(race, &race.standings(place), out)?;
        }
    }
    let verdict = race.verdict();
    writeln!(out, "\n{}", verdict.sentence)?;
    for doubt in &verdict.doubts {
        writeln!(out, "{doubt}")?;
    }
    if header.cases.len() == 1 {
        write_laws(race, out)?;
        write_chunks(race, out)?;
        write_waterfalls(race, out)?;
    }
    let evidence = &header.evidence;
    writeln!(out, "\nFanlane {} on {}, {}", evidence.fanlane, evidence.words(), evidence.system)?;
    match &race.interpreter {
        Some(facts) => writeln!(out, "{}", facts.words_in(race.mode_of_lock())),
        None => Ok(()),
    }
}

fn write_standings(race: &RaceModel, standings: &[Standing], out: &mut dyn Write) -> io::Result<()> {
    let titles =
        ["", "mean", "± σ", "median", "min", "max", "runs", "× slower", "× faster than the first", "CPU", "memory"];
    let mut rows = vec![titles.map(str::to_owned)];
    for one in standings {
        let time = &one.time;
        rows.push([
            race.contenders()[one.contender].name(),
            secs_words(time.mean),
            secs_words(time.deviation),
            secs_words(time.median),
            secs_words(time.min),
            secs_words(time.max),
            time.count.to_string(),
            one.slower
                .map_or_else(|| "1.00".to_owned(), |slower| format!("{:.2} ± {:.2}", slower.value, slower.deviation)),
            one.speed_up.map_or_else(
                || "–".to_owned(),
                |faster| {
                    let half = faster.half_width.map_or_else(String::new, |half| format!(" ± {half:.2}"));
                    format!("{:.2}{half}", faster.value)
                },
            ),
            secs_words(one.cpu_secs),
            one.memory_bytes.map_or_else(|| "–".to_owned(), format::bytes),
        ]);
    }
    write_columns(&rows, out)
}

/// Columns of which the first is a name, the others are numbers.
fn write_columns<const N: usize>(rows: &[[String; N]], out: &mut dyn Write) -> io::Result<()> {
    let sides = std::array::from_fn(|column| if column == 0 { Side::Left } else { Side::Right });
    columns::write(rows, sides, out)
}

fn write_laws(race: &RaceModel, out: &mut dyn Write) -> io::Result<()> {
    let sizes: Vec<SizeTime> = race.scaling_sizes().iter().map(SizeTime::of).collect();
    if race.sizes(race.scaling_mode()).len() < 2 {
        return Ok(());
    }
    let residual = |share: f64| {
        let fits = if share > FITTING { ", so it does not describe these times" } else { "" };
        format!("the times lie {:.1} % off it{fits}", share * 100.0)
    };
    match Amdahl::fit(&sizes) {
        Ok(law) => writeln!(
            out,
            "Amdahl's law: {:.1} ± {:.1} % of the work is serial ({}).",
            law.serial_fraction * 100.0,
            law.half_width * 100.0,
            residual(law.residual)
        )?,
        Err(why) => writeln!(out, "Amdahl's law could not be fitted: {why}{}.", left_out(race, sizes.len()))?,
    }
    match Usl::fit(&sizes) {
        Ok(law) => {
            let peak = law.peak().map_or_else(String::new, |peak| format!(", fastest at {peak:.0} workers"));
            let (contention, coherence) = (law.contention, law.coherence);
            writeln!(
                out,
                "Universal Scalability Law: contention {contention:.4}, coherence {coherence:.6}{peak} ({}).",
                residual(law.residual)
            )
        }
        Err(why) => {
            writeln!(out, "The Universal Scalability Law could not be fitted: {why}{}.", left_out(race, sizes.len()))
        }
    }
}

fn left_out(race: &RaceModel, kept: usize) -> &'static str {
    if race.sizes(race.scaling_mode()).len() > kept { " (without the sizes beyond the number of cores)" } else { "" }
}

fn write_chunks(race: &RaceModel, out: &mut dyn Write) -> io::Result<()> {
    let Some(found) = race.chunk_times() else { return Ok(()) };
    let default = chunks::python_default(found.tasks, found.workers);
    writeln!(out, "\nChunk sizes (tasks per message) in a pool of {}; Python's default is {default}", found.workers)?;
    let mut rows = Vec::new();
    for (size, time) in &found.times {
        let mark = if *size == default { "Python's" } else { "" };
        rows.push([
            size.to_string(),
            secs_words(time.mean),
            format!("± {}", secs_words(time.deviation)),
            mark.to_owned(),
        ]);
    }
    if let Some(time) = &found.adaptive {
        rows.push([
            "adaptive".to_owned(),
            secs_words(time.mean),
            format!("± {}", secs_words(time.deviation)),
            String::new(),
        ]);
    }
    write_columns(&rows, out)
}

fn write_waterfalls(race: &RaceModel, out: &mut dyn Write) -> io::Result<()> {
    let falls: Vec<(String, _)> = (0..race.contenders().len())
        .filter_map(|place| Some((race.contenders()[place].name(), race.waterfall(place)?)))
        .collect();
    let Some((_, first)) = falls.first() else { return Ok(()) };
    let names = first.parts.iter().take(5).map(|part| part.name.to_owned());
    let mut titles = vec![String::new(), "ideal".to_owned()];
    titles.extend(names);
    titles.push("measured".to_owned());
    let Ok(titles) = <[String; 8]>::try_from(titles) else { return Ok(()) };
    let mut rows = vec![titles];
    for (name, fall) in &falls {
        let signed = |secs: f64| if secs < 0.0 { format!("-{}", secs_words(-secs)) } else { secs_words(secs) };
        let mut row = vec![name.clone(), secs_words(fall.ideal_secs)];
        row.extend(fall.parts.iter().take(5).map(|part| signed(part.secs)));
        row.push(secs_words(fall.measured_secs));
        rows.extend(<[String; 8]>::try_from(row).ok());
    }
    writeln!(out, "\nWhere the time went, from ideal to measured:")?;
    write_columns(&rows, out)?;
    for (name, fall) in &falls {
        if let Some(part) = fall.parts.get(5) {
            writeln!(out, "{name}: {} more for {}", secs_words(part.secs), part.meaning)?;
        }
    }
    Ok(())
}

fn write_wall(race: &RaceModel, size: WorkSet, out: &mut dyn Write) -> io::Result<()> {
    let with_table = size.has_table();
    writeln!(
        out,
        "{}: n workers do n times the work, starting them inside the timing; mean seconds",
        size.race_name()
    )?;
    writeln!(out, "{}", size.note())?;
    if with_table {
        writeln!(out, "2008: {}", pep371::SOURCE)?;
    }
    for (case, workload) in (0_u32..).zip(&pep371::WORKLOADS) {
        let differs = if workload.differs(size).is_empty() {
            String::new()
        } else {
            format!(" (here: {})", workload.differs(size))
        };
        writeln!(out, "\n{}{differs}", workload.name(size))?;
        let here = |mode, workers| {
            let time = race.wall_time(case, mode, workers);
            time.map_or_else(|| "–".to_owned(), |time| format!("{:.6} ± {:.6}", time.mean, time.deviation))
        };
        let [one, threads, pool] = Mode::ALL;
        if with_table {
            let titles = ["n", "one 2008", "here", "threads 2008", "here", "processes 2008", "here"];
            let mut rows = vec![titles.map(str::to_owned)];
            rows.extend(pep371::WORKERS.iter().enumerate().map(|(place, &n)| {
                let then = |mode| format!("{:.6}", workload.secs(mode)[place]);
                let now = |mode| here(mode, n);
                [n.to_string(), then(one), now(one), then(threads), now(threads), then(pool), now(pool)]
            }));
            write_columns(&rows, out)?;
        } else {
            let mut rows = vec![["n", "one", "threads", "processes"].map(str::to_owned)];
            rows.extend(pep371::WORKERS.map(|n| [n.to_string(), here(one, n), here(threads, n), here(pool, n)]));
            write_columns(&rows, out)?;
        }
        if let Some(words) = race.wall_speed_ups(case, size) {
            writeln!(out, "{words}")?;
        }
    }
    writeln!(out, "\n{}", pep371::threads_note(size, race.interpreter.as_ref()))
}

/// Writes saved races side by side: a row for each way of running, a column for each race.
pub fn write_beside(races: &[RaceModel], out: &mut dyn Write) -> io::Result<()> {
    let mut names: Vec<(String, String)> = Vec::new();
    let mut cells: Vec<Vec<((String, String), String)>> = Vec::new();
    for race in races {
        let Some(header) = &race.header else { continue };
        let mut column = Vec::new();
        let set = WorkSet::of(header);
        for (case, place) in header.cases.iter().zip(0..) {
            // The same work, whatever does it.
            let workload = set.and_then(|set| Some(pep371::WORKLOADS.get(place as usize)?.name(set)));
            for one in race.standings(place) {
                let contender = &race.contenders()[one.contender];
                let tasks =
                    contender.tasks.map_or_else(String::new, |tasks| format!(", {}", format::plural(tasks, "task")));
                let key =
                    (workload.unwrap_or(case.job.display_name()).to_owned(), format!("{}{tasks}", contender.name()));
                if !names.contains(&key) {
                    names.push(key.clone());
                }
                column.push((key, format!("{} ± {}", secs_words(one.time.mean), secs_words(one.time.deviation))));
            }
        }
        cells.push(column);
    }
    for (place, race) in races.iter().enumerate() {
        let Some(header) = &race.header else { continue };
        let number = place + 1;
        writeln!(out, "{number}: {} on {}: {}", header.name, header.evidence.host, header.evidence.words())?;
        let verdict = race.verdict();
        for line in std::iter::once(&verdict.sentence).chain(&verdict.doubts) {
            writeln!(out, "   {line}")?;
        }
    }
    let name_width = names.iter().map(|(job, way)| job.chars().count() + way.chars().count() + 2).max().unwrap_or(0);
    let titles: String = (1..=cells.len()).map(|number| format!("  {number:>20}")).collect();
    writeln!(out, "\n{:name_width$}{titles}", "")?;
    for key in &names {
        write!(out, "{:name_width$}", format!("{}: {}", key.0, key.1))?;
        for column in &cells {
            let cell = column.iter().find(|(name, _)| name == key).map_or("–", |(_, cell)| cell);
            write!(out, "  {cell:>20}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}
