//! What a race of commands prints: a row for each command, and the verdict.

use std::io::{self, Write};

use crate::cli::columns::{self, Side};
use crate::cli::report::printable;
use fanlane_core::model::command_race::{CommandRace, verdict};
use fanlane_core::model::format;
use fanlane_core::model::race::secs_words;

/// Maximum width of a name, in columns.
const MAX_NAME_COLUMNS: usize = 60;

/// Writes the report; `is_sorted`: the fastest first.
pub fn write(race: &CommandRace, is_sorted: bool, out: &mut dyn Write) -> io::Result<()> {
    let titles = [
        "",
        "mean",
        "± σ",
        "median",
        "95 % of the median",
        "min",
        "max",
        "runs",
        "user",
        "system",
        "memory",
        "relative",
    ];
    let mut rows = vec![titles.map(str::to_owned)];
    let timed = race.commands.iter().enumerate().filter_map(|(place, command)| Some((place, command, command.time()?)));
    let mut timed: Vec<_> = timed.collect();
    if is_sorted {
        timed.sort_by(|(_, _, one), (_, _, other)| one.mean.total_cmp(&other.mean));
    }
    for (place, command, time) in timed {
        let interval = command.median_interval();
        let relative = match race.relative(place) {
            None => "1.00".to_owned(),
            Some(relative) => match relative.half_width {
                Some(half) => format!("{:.2} ± {half:.2}", relative.quotient),
                None => format!("{:.2}", relative.quotient),
            },
        };
        rows.push([
            printable(&command.name, MAX_NAME_COLUMNS),
            secs_words(time.mean),
            if time.count > 1 { secs_words(time.deviation) } else { "–".to_owned() },
            secs_words(time.median),
            interval
                .map_or_else(|| "–".to_owned(), |(low, high)| format!("{} to {}", secs_words(low), secs_words(high))),
            secs_words(time.min),
            secs_words(time.max),
            time.count.to_string(),
            secs_words(command.mean_of(|run| run.user_secs)),
            secs_words(command.mean_of(|run| run.system_secs)),
            command.memory_bytes().map_or_else(|| "–".to_owned(), format::bytes),
            relative,
        ]);
    }
    let sides = std::array::from_fn::<Side, 12, _>(|column| if column == 0 { Side::Left } else { Side::Right });
    columns::write(&rows, sides, out)?;
    if race.commands.len() > 1 || race.commands.iter().any(|command| command.not_done() > 0) {
        writeln!(out)?;
        for sentence in verdict(race) {
            writeln!(out, "{}", printable(&sentence, usize::MAX))?;
        }
    }
    Ok(())
}
