//! From the words of the command line to the commands that race: parameters are filled in, and each has what runs around it.

use std::ffi::OsString;

use anyhow::{Context, Result, bail, ensure};

use super::args::CommandRaceArgs;

/// A command that takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The command line.
    pub command: String,
    /// Its name in reports.
    pub name: String,
    /// The values of its parameters.
    pub parameters: Vec<(String, String)>,
    /// What runs before each timed run of it.
    pub prepare: Option<String>,
    /// What runs after each timed run of it.
    pub conclude: Option<String>,
    /// What runs before its first run.
    pub setup: Option<String>,
    /// What runs after its last run.
    pub cleanup: Option<String>,
}

/// Maximum number of commands of a race.
const MAX_ENTRIES: usize = 10_000;

/// The commands of a race, the reference first.
///
/// # Errors
/// When a parameter or a number of options has no meaning.
pub fn entries(words: &[OsString], args: &CommandRaceArgs) -> Result<Vec<Entry>> {
    let mut commands: Vec<String> = args.reference.clone().into_iter().collect();
    for word in words {
        let text = word.to_str().with_context(|| format!("'{}' is not valid UTF-8", word.display()))?;
        commands.push(text.to_owned());
    }
    ensure!(!commands.is_empty(), "there is no command to race; give some: fanlane race 'sort a' 'sort -r a'");
    let combinations = combinations(&parameters(args)?)?;
    let around = |texts: &[String], flag: &str| {
        let is_possible = texts.len() <= 1 || texts.len() == commands.len();
        ensure!(
            is_possible,
            "--{flag} is given {} times; give it once for all commands, or once for each of the {}",
            texts.len(),
            commands.len()
        );
        Ok((0..commands.len())
            .map(|place| texts.get(place).or(texts.first().filter(|_| texts.len() == 1)).cloned())
            .collect())
    };
    let prepare: Vec<Option<String>> = around(&args.prepare, "prepare")?;
    let conclude: Vec<Option<String>> = around(&args.conclude, "conclude")?;
    ensure!(
        commands.len().saturating_mul(combinations.len()) <= MAX_ENTRIES,
        "the values of the parameters make {} commands, and {MAX_ENTRIES} are the most",
        commands.len().saturating_mul(combinations.len())
    );
    let mut entries = Vec::new();
    for (place, command) in commands.iter().enumerate() {
        // The reference has no parameters of its own, unless it names them.
        for values in &combinations {
            let fill = |text: &String| {
                values.iter().fold(text.clone(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
            };
            entries.push(Entry {
                command: fill(command),
                name: fill(command),
                parameters: values.clone(),
                prepare: prepare[place].as_ref().map(fill),
                conclude: conclude[place].as_ref().map(fill),
                setup: args.setup.as_ref().map(fill),
                cleanup: args.cleanup.as_ref().map(fill),
            });
            if args.reference.is_some() && place == 0 && entries[0].command == *command {
                break;
            }
        }
    }
    if let (Some(name), Some(first)) = (&args.reference_name, entries.first_mut()) {
        first.name.clone_from(name);
    }
    let names = &args.command_name;
    ensure!(
        names.len() <= entries.len(),
        "--command-name is given {} times, and there are {} commands",
        names.len(),
        entries.len()
    );
    entries.iter_mut().zip(names).for_each(|(entry, name)| entry.name.clone_from(name));
    Ok(entries)
}

/// Each parameter with its values.
fn parameters(args: &CommandRaceArgs) -> Result<Vec<(String, Vec<String>)>> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let scans = args.parameter_scan.chunks(3).enumerate();
    for (place, scan) in scans {
        let [name, min, max] = scan else { bail!("--parameter-scan takes a name and two numbers") };
        let step = args.parameter_step_size.get(place).or(args.parameter_step_size.first());
        found.push((name.clone(), numbers(min, max, step.map_or("1", String::as_str))?));
    }
    ensure!(
        args.parameter_step_size.is_empty() || !args.parameter_scan.is_empty(),
        "--parameter-step-size is about --parameter-scan, which is missing"
    );
    for list in args.parameter_list.chunks(2) {
        let [name, values] = list else { bail!("--parameter-list takes a name and values") };
        found.push((name.clone(), listed(values)));
    }
    for (place, (name, _)) in found.iter().enumerate() {
        ensure!(!found[..place].iter().any(|(other, _)| other == name), "the parameter '{name}' is given twice");
    }
    Ok(found)
}

/// Values between commas, where a backslash makes a comma a part of a value.
fn listed(values: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut letters = values.chars();
    while let Some(letter) = letters.next() {
        let last = found.last_mut().expect("there is one");
        match letter {
            '\\' => match letters.next() {
                Some(next @ (',' | '\\')) => last.push(next),
                Some(next) => last.extend(['\\', next]),
                None => last.push('\\'),
            },
            ',' => found.push(String::new()),
            letter => last.push(letter),
        }
    }
    found
}

/// The numbers from `min` to `max`, with as many decimals as their step and their first one have.
fn numbers(min: &str, max: &str, step: &str) -> Result<Vec<String>> {
    let decimals = |text: &str| text.split_once('.').map_or(0, |(_, behind)| behind.len());
    let places = decimals(min).max(decimals(step));
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    let (Some(first), Some(last), Some(by)) = (number(min), number(max), number(step)) else {
        bail!("--parameter-scan takes numbers, and '{min}' to '{max}' by '{step}' are not all");
    };
    ensure!(last >= first, "the numbers of --parameter-scan go upwards; '{max}' is below '{min}'");
    ensure!(by > 0.0, "the step of --parameter-scan is above 0");
    let count = ((last - first) / by + 1e-9).floor();
    ensure!(count < MAX_ENTRIES as f64, "there are more than {MAX_ENTRIES} numbers from {min} to {max} by {step}");
    Ok((0..=count as u64).map(|place| format!("{:.places$}", by.mul_add(place as f64, first))).collect())
}

/// Each combination of values, the first parameter changing fastest.
fn combinations(parameters: &[(String, Vec<String>)]) -> Result<Vec<Vec<(String, String)>>> {
    let count = parameters.iter().try_fold(1_usize, |count, (_, values)| count.checked_mul(values.len()));
    ensure!(
        count.is_some_and(|count| count <= MAX_ENTRIES),
        "the values of the parameters make more than {MAX_ENTRIES} commands"
    );
    let mut all = vec![Vec::new()];
    for (name, values) in parameters.iter().rev() {
        all = all
            .iter()
            .flat_map(|before: &Vec<(String, String)>| {
                values.iter().map(move |value| [vec![(name.clone(), value.clone())], before.clone()].concat())
            })
            .collect();
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(commands: &[&str], change: impl FnOnce(&mut CommandRaceArgs)) -> Result<Vec<String>> {
        let mut args = CommandRaceArgs::default();
        change(&mut args);
        let words: Vec<OsString> = commands.iter().map(OsString::from).collect();
        Ok(entries(&words, &args)?.into_iter().map(|entry| entry.command).collect())
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn parameters_are_combined_and_filled_in() {
        let all =
            named(&["{a}-{b}"], |args| args.parameter_list = texts(&["a", "x,y\\,z", "b", "1,2"])).expect("commands");
        let mut sorted = all;
        sorted.sort();
        assert_eq!(sorted, ["x-1", "x-2", "y,z-1", "y,z-2"]);
        let scan = named(&["sleep {t}"], |args| {
            args.parameter_scan = texts(&["t", "0.3", "0.7"]);
            args.parameter_step_size = texts(&["0.2"]);
        });
        assert_eq!(scan.expect("commands"), ["sleep 0.3", "sleep 0.5", "sleep 0.7"]);
        assert_eq!(
            named(&["{n}"], |args| args.parameter_scan = texts(&["n", "-1", "1"])).expect("commands"),
            ["-1", "0", "1"]
        );
        let reference = named(&["b {n}"], |args| {
            args.reference = Some("a".to_owned());
            args.parameter_list = texts(&["n", "1,2"]);
        });
        assert_eq!(reference.expect("commands"), ["a", "b 1", "b 2"]);
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        assert!(named(&["a"], |args| args.parameter_scan = texts(&["n", "2", "1"])).is_err());
        assert!(named(&["a"], |args| args.parameter_scan = texts(&["n", "x", "1"])).is_err());
        assert!(named(&["a"], |args| args.parameter_list = texts(&["n", "1", "n", "2"])).is_err());
        assert!(named(&["a", "b", "c"], |args| args.prepare = texts(&["1", "2"])).is_err());
        assert!(named(&[], |_| ()).is_err());
        assert!(named(&["a"], |args| args.command_name = texts(&["1", "2"])).is_err());
    }
}
