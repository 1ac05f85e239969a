//! A race for other programs: a row for each contender as CSV, a table as Markdown, and everything as JSON.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::io_error;
use crate::model::race::laws::{Amdahl, SizeTime, Usl};
use crate::model::race::{RaceModel, Standing, secs_words};
use crate::model::{format, sanitize};

/// The columns of [`write_csv`].
const COLUMNS: &str = "job,way,mode,workers,chunk,tasks,runs,mean_secs,stddev_secs,median_secs,min_secs,max_secs,\
    slower,slower_stddev,speed_up,speed_up_half_width_95,efficiency,cpu_secs,memory_bytes,outliers,\
    not_done";

/// A race as a table for spreadsheets: a row for each contender that has run.
///
/// # Errors
/// Errors of the writer.
pub fn write_csv(race: &RaceModel, out: &mut dyn Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record(COLUMNS.split(',')).map_err(io_error)?;
    let optional = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for_each(race, |case_name, one| {
        let contender = &race.contenders()[one.contender];
        rows.write_record([
            case_name.to_owned(),
            contender.name(),
            contender.mode.name().to_owned(),
            contender.workers.to_string(),
            contender.chunk.map_or_else(String::new, |chunk| chunk.to_string()),
            contender.tasks.map_or_else(String::new, |tasks| tasks.to_string()),
            one.time.count.to_string(),
            one.time.mean.to_string(),
            one.time.deviation.to_string(),
            one.time.median.to_string(),
            one.time.min.to_string(),
            one.time.max.to_string(),
            optional(one.slower.map(|slower| slower.value)),
            optional(one.slower.map(|slower| slower.deviation)),
            optional(one.speed_up.map(|speed_up| speed_up.value)),
            optional(one.speed_up.and_then(|speed_up| speed_up.half_width)),
            optional(one.speed_up.map(|speed_up| speed_up.value / f64::from(contender.workers))),
            one.cpu_secs.to_string(),
            one.memory_bytes.map_or_else(String::new, |bytes| bytes.to_string()),
            one.outliers.to_string(),
            one.not_done.to_string(),
        ])
        .map_err(io_error)?;
        Ok(())
    })?;
    rows.flush()
}

/// A race as a table for people, with its verdict and its machine.
///
/// # Errors
/// Errors of the writer.
pub fn write_markdown(race: &RaceModel, out: &mut dyn Write) -> io::Result<()> {
    let escape = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    let several = race.header.as_ref().is_some_and(|header| header.cases.len() > 1);
    let (first, rule) = if several { ("| Job ", "|:---") } else { ("", "") };
    writeln!(out, "{first}| Way | Mean | Min | Max | Relative | Memory |")?;
    writeln!(out, "{rule}|:---|---:|---:|---:|---:|---:|")?;
    for_each(race, |case_name, one| {
        let contender = &race.contenders()[one.contender];
        if several {
            write!(out, "| {} ", escape(case_name))?;
        }
        let tasks = contender.tasks.map_or_else(String::new, |tasks| format!(", {}", format::plural(tasks, "task")));
        let mean = format!("{} ± {}", secs_words(one.time.mean), secs_words(one.time.deviation));
        let slower = one
            .slower
            .map_or_else(|| "1.00".to_owned(), |slower| format!("{:.2} ± {:.2}", slower.value, slower.deviation));
        let memory = one.memory_bytes.map_or_else(|| "–".to_owned(), format::bytes);
        let [min, max] = [one.time.min, one.time.max].map(secs_words);
        writeln!(out, "| {}{tasks} | {mean} | {min} | {max} | {slower} | {memory} |", contender.name())
    })?;
    let verdict = race.verdict();
    writeln!(out, "\n{}", verdict.sentence)?;
    for doubt in &verdict.doubts {
        writeln!(out, "{doubt}")?;
    }
    if let Some(header) = &race.header {
        writeln!(
            out,
            "\nFanlane {} on {}, {}",
            header.evidence.fanlane,
            header.evidence.words(),
            header.evidence.system
        )?;
    }
    if let Some(facts) = &race.interpreter {
        writeln!(out, "{}", facts.words_in(race.mode_of_lock()))?;
    }
    Ok(())
}

/// A race with every single run, as one JSON object in a line.
///
/// # Errors
/// Errors of the writer.
pub fn write_json(race: &RaceModel, out: &mut dyn Write) -> io::Result<()> {
    let verdict = race.verdict();
    let mut results = Vec::new();
    for_each(race, |case_name, one| {
        let contender = &race.contenders()[one.contender];
        let quotient = |of: Option<crate::model::statistics::Quotient>| {
            of.map(|of| json!({ "value": of.value, "stddev": of.deviation, "half_width_95": of.half_width }))
        };
        results.push(json!({
            "job": case_name, "way": contender.name(), "mode": contender.mode.name(), "workers": contender.workers,
            "chunk": contender.chunk, "tasks": contender.tasks,
            "mean_secs": one.time.mean, "stddev_secs": one.time.deviation, "median_secs": one.time.median,
            "min_secs": one.time.min, "max_secs": one.time.max, "half_width_95_secs": one.time.half_width(),
            "secs": race.secs(one.contender), "outliers": one.outliers, "slower": quotient(one.slower),
            "speed_up": quotient(one.speed_up), "cpu_secs": one.cpu_secs, "memory_bytes": one.memory_bytes,
            "not_done": one.not_done, "failure": one.failure,
            "waterfall": race.waterfall(one.contender).map(|waterfall| json!({
                "ideal_secs": waterfall.ideal_secs,
                "parts": waterfall.parts.iter().map(|part| (part.name.to_owned(), json!(part.secs))).collect::<serde_json::Map<_, _>>(),
                "measured_secs": waterfall.measured_secs,
            })),
        }));
        Ok(())
    })?;
    let header = race.header.as_ref();
    let document = json!({
        "race": header.map(|header| &header.name),
        "interpreter": race.interpreter,
        "machine": header.map(|header| &header.evidence),
        "rules": header.map(|header| &header.rules),
        "end": race.end,
        "other_cpu_share": race.cpu().other_share(),
        "verdict": verdict.sentence,
        "doubts": verdict.doubts,
        "laws": laws(race),
        "results": results,
    });
    sanitize::write_json(&mut *out, &document)?;
    out.write_all(b"\n")
}

fn laws(race: &RaceModel) -> Value {
    let sizes: Vec<SizeTime> = race.scaling_sizes().iter().map(SizeTime::of).collect();
    let amdahl = Amdahl::fit(&sizes).map(|law| {
        json!({ "serial_fraction": law.serial_fraction, "half_width_95": law.half_width, "residual": law.residual })
    });
    let usl = Usl::fit(&sizes).map(|law| {
        json!({ "contention": law.contention, "coherence": law.coherence, "peak": law.peak(), "residual": law.residual })
    });
    json!({ "mode": race.scaling_mode().name(), "amdahl": amdahl.ok(), "usl": usl.ok() })
}

fn for_each(race: &RaceModel, mut write: impl FnMut(&str, &Standing) -> io::Result<()>) -> io::Result<()> {
    let Some(header) = &race.header else { return Ok(()) };
    for (case, place) in header.cases.iter().zip(0..) {
        for standing in race.standings(place) {
            write(case.job.display_name(), &standing)?;
        }
    }
    Ok(())
}
