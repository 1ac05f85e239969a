//! A race of commands as hyperfine writes it: JSON with every run, a row for each command as CSV, and tables for people. Its JSON
//! is read, too.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::io_error;
use crate::model::command_race::{CommandRace, CommandRun, RacedCommand};

/// A table for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableForm {
    /// Of Markdown.
    Markdown,
    /// Of AsciiDoc.
    AsciiDoc,
    /// Of Emacs' org-mode.
    Org,
}

/// The race as JSON, with every run; times in seconds.
///
/// # Errors
/// Errors of the writer.
pub fn write_json(race: &CommandRace, out: &mut dyn Write) -> io::Result<()> {
    let results: Vec<Value> = race.commands.iter().filter_map(result).collect();
    serde_json::to_writer_pretty(&mut *out, &json!({ "results": results }))?;
    writeln!(out)
}

fn result(command: &RacedCommand) -> Option<Value> {
    let time = command.time()?;
    let mut result = Map::new();
    let mut put = |key: &str, value: Value| result.insert(key.to_owned(), value);
    put("command", json!(command.name));
    put("mean", json!(time.mean));
    put("stddev", if time.count > 1 { json!(time.deviation) } else { Value::Null });
    put("median", json!(time.median));
    put("user", json!(command.mean_of(|run| run.user_secs)));
    put("system", json!(command.mean_of(|run| run.system_secs)));
    put("min", json!(time.min));
    put("max", json!(time.max));
    put("times", json!(command.walls()));
    let memory: Option<Vec<u64>> = command.runs.iter().map(|run| run.memory_bytes).collect();
    if let Some(memory) = memory {
        put("memory_usage_byte", json!(memory));
    }
    put("exit_codes", json!(command.runs.iter().map(|run| run.exit_code).collect::<Vec<_>>()));
    if !command.parameters.is_empty() {
        let values = command.parameters.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        put("parameters", Value::Object(values));
    }
    Some(Value::Object(result))
}

/// Reads JSON that this or hyperfine wrote. The commands did not run in turns, as far as it says.
///
/// # Errors
/// What is missing in it.
pub fn read_json(text: &str) -> Result<CommandRace, String> {
    let whole: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
    let results = whole["results"].as_array().ok_or("it has no list of results, as hyperfine writes it")?;
    let commands = results.iter().map(command_of).collect::<Result<Vec<_>, _>>()?;
    Ok(CommandRace { commands, reference: None, is_paired: false })
}

fn command_of(result: &Value) -> Result<RacedCommand, String> {
    let name = result["command"].as_str().ok_or("a result has no command")?.to_owned();
    let number = |key: &str| result[key].as_f64();
    let list = |key: &str| result[key].as_array().cloned().unwrap_or_default();
    let mut times: Vec<f64> = list("times").iter().filter_map(Value::as_f64).collect();
    if times.is_empty() {
        times = vec![number("mean").ok_or_else(|| format!("the result of '{name}' has no times"))?];
    }
    let (memory, codes) = (list("memory_usage_byte"), list("exit_codes"));
    let run = |(place, wall_secs): (usize, &f64)| CommandRun {
        wall_secs: *wall_secs,
        user_secs: number("user").unwrap_or(0.0),
        system_secs: number("system").unwrap_or(0.0),
        memory_bytes: memory.get(place).and_then(Value::as_u64),
        exit_code: match codes.get(place) {
            Some(code) => code.as_i64().and_then(|code| i32::try_from(code).ok()),
            None => Some(0),
        },
    };
    let runs = times.iter().enumerate().map(run).collect();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let parameters = result["parameters"].as_object().into_iter().flatten();
    let parameters = parameters.map(|(name, value)| (name.clone(), text(value))).collect();
    Ok(RacedCommand { name, parameters, runs })
}

/// The race as a table for spreadsheets, a row for each command; times in seconds.
///
/// # Errors
/// Errors of the writer.
pub fn write_csv(race: &CommandRace, out: &mut dyn Write) -> io::Result<()> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in race.commands.iter().flat_map(|command| &command.parameters) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut rows = csv::Writer::from_writer(out);
    let titles = ["command", "mean", "stddev", "median", "user", "system", "min", "max"].map(str::to_owned);
    let columns = titles.into_iter().chain(names.iter().map(|name| format!("parameter_{name}")));
    rows.write_record(columns).map_err(io_error)?;
    for command in &race.commands {
        let Some(time) = command.time() else { continue };
        let deviation = if time.count > 1 { time.deviation.to_string() } else { String::new() };
        let numbers = [
            command.name.clone(),
            time.mean.to_string(),
            deviation,
            time.median.to_string(),
            command.mean_of(|run| run.user_secs).to_string(),
            command.mean_of(|run| run.system_secs).to_string(),
            time.min.to_string(),
            time.max.to_string(),
        ];
        let value = |name: &&str| {
            let found = command.parameters.iter().find(|(own, _)| own == name);
            found.map_or_else(String::new, |(_, value)| value.clone())
        };
        rows.write_record(numbers.into_iter().chain(names.iter().map(value))).map_err(io_error)?;
    }
    rows.flush()
}

/// A unit of times in tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Millionths of a second.
    Microsecond,
    /// Thousandths of a second.
    Millisecond,
    /// Seconds.
    Second,
}

/// The race as a table for people; without a unit in milliseconds, or in seconds where the first command takes a second and more.
///
/// # Errors
/// Errors of the writer.
pub fn write_table(race: &CommandRace, form: TableForm, unit: Option<TimeUnit>, out: &mut dyn Write) -> io::Result<()> {
    let first = race.commands.iter().find_map(RacedCommand::time).map_or(0.0, |time| time.mean);
    let unit = unit.unwrap_or(if first < 1.0 { TimeUnit::Millisecond } else { TimeUnit::Second });
    let (unit, scale, decimals) = match unit {
        TimeUnit::Microsecond => ("µs", 1e6, 1),
        TimeUnit::Millisecond => ("ms", 1e3, 1),
        TimeUnit::Second => ("s", 1.0, 3),
    };
    let titles = [
        "Command".to_owned(),
        format!("Mean [{unit}]"),
        format!("Min [{unit}]"),
        format!("Max [{unit}]"),
        "Relative".to_owned(),
    ];
    match form {
        TableForm::Markdown => {
            writeln!(out, "| {} |\n|:---|---:|---:|---:|---:|", titles.join(" | "))?;
        }
        TableForm::AsciiDoc => writeln!(out, "[cols=\"<,>,>,>,>\"]\n|===\n| {}\n", titles.join("\n| "))?,
        TableForm::Org => writeln!(out, "| {} |\n|--+--+--+--+--|", titles.join("  |  "))?,
    }
    for (place, command) in race.commands.iter().enumerate() {
        let Some(time) = command.time() else { continue };
        let number = |secs: f64| format!("{:.decimals$}", secs * scale);
        let relative = match race.relative(place) {
            None => "1.00".to_owned(),
            Some(relative) => format!("{:.2} ± {:.2}", relative.quotient, relative.deviation),
        };
        let mean = if time.count > 1 {
            format!("{} ± {}", number(time.mean), number(time.deviation))
        } else {
            number(time.mean)
        };
        let name = command.name.replace('\n', " ");
        let cells = [number(time.min), number(time.max), relative];
        match form {
            TableForm::Markdown => {
                writeln!(out, "| `{}` | {mean} | {} |", name.replace('|', "\\|"), cells.join(" | "))?;
            }
            TableForm::AsciiDoc => {
                writeln!(out, "| `{}`\n| {mean}\n| {}\n", name.replace('|', "\\|"), cells.join("\n| "))?
            }
            TableForm::Org => {
                writeln!(out, "| ={}=  |  {mean} |  {} |", name.replace('|', "\\vert{}"), cells.join(" |  "))?
            }
        }
    }
    if form == TableForm::AsciiDoc {
        writeln!(out, "|===")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn race() -> CommandRace {
        let run = |wall_secs| CommandRun {
            wall_secs,
            user_secs: 0.25,
            exit_code: Some(0),
            memory_bytes: Some(4096),
            ..CommandRun::default()
        };
        let command = |name: &str, walls: &[f64], value: &str| RacedCommand {
            name: name.to_owned(),
            parameters: vec![("n".to_owned(), value.to_owned())],
            runs: walls.iter().map(|wall| run(*wall)).collect(),
        };
        let commands = vec![command("a | b", &[0.5, 0.25], "1"), command("it's \"c\"", &[1.5], "x,y")];
        CommandRace { commands, reference: None, is_paired: false }
    }

    fn written(write: impl FnOnce(&CommandRace, &mut dyn Write) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&race(), &mut out).expect("a vector takes it");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn what_is_written_as_json_is_read_as_it_was() {
        let text = written(write_json);
        let read = read_json(&text).expect("read");
        assert_eq!(read, race());
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&value["results"][0]["mean"], &value["results"][1]["stddev"]), (&json!(0.375), &Value::Null));
        assert!(read_json("{}").is_err_and(|words| words.contains("no list of results")));
        assert!(read_json("[").is_err_and(|words| words.contains("no JSON")));
        let short = r#"{"results": [{"command": "ls", "mean": 0.5}]}"#;
        assert_eq!(read_json(short).expect("read").commands[0].walls(), [0.5]);
    }

    #[test]
    fn tables_have_a_row_for_each_command() {
        let csv = written(write_csv);
        assert!(csv.starts_with("command,mean,stddev,median,user,system,min,max,parameter_n\na | b,0.375,"), "{csv}");
        assert!(csv.ends_with("\"it's \"\"c\"\"\",1.5,,1.5,0.25,0,1.5,1.5,\"x,y\"\n"), "{csv}");
        let table = written(|race, out| write_table(race, TableForm::Markdown, None, out));
        let rows: Vec<&str> = table.lines().collect();
        assert_eq!(rows[0], "| Command | Mean [ms] | Min [ms] | Max [ms] | Relative |");
        assert!(rows[2].starts_with("| `a \\| b` | 375.0 ± 176.8 | 250.0 | 500.0 | 1.00 |"), "{table}");
        assert!(rows[3].starts_with("| `it's \"c\"` | 1500.0 | 1500.0 | 1500.0 | 4.00 ± "), "{table}");
    }
}
