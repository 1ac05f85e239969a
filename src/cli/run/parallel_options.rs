//! The options of GNU parallel that `fanlane run` does not have: each is answered with its reason and the way round. The page
//! for users of GNU parallel is the table, so that the two cannot differ.

/// The page, whose rows `| options | left out | reason |` are the answers.
const PAGE: &str = include_str!("../../../docs/from-gnu-parallel.md");

/// What `here` says of an option without a counterpart.
const LEFT_OUT: &str = "left out";

/// A row of the page about options.
struct Row {
    /// With their dashes.
    options: Vec<&'static str>,
    /// Whether there is the same here.
    here: &'static str,
    /// What is different, or why it is left out.
    words: &'static str,
}

fn rows() -> impl Iterator<Item = Row> {
    PAGE.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| ")?.splitn(3, " | ");
        let (names, here, words) = (cells.next()?, cells.next()?, cells.next()?.trim_end_matches('|').trim());
        let quoted = names.split('`').skip(1).step_by(2);
        // Behind the name of an option stands what it takes.
        let options: Vec<&str> = quoted
            .filter_map(|text| text.split(' ').next())
            .filter(|text| text.len() > 1 && text.starts_with('-'))
            .collect();
        (!options.is_empty()).then_some(Row { options, here, words })
    })
}

/// The answer to an option that is left out; `None` for any other. As in GNU parallel, `--arg-sep` is `--argsep`.
pub fn answer(option: &str) -> Option<String> {
    let name = |option: &str| match option.strip_prefix("--") {
        Some(long) => format!("--{}", long.replace('-', "")),
        None => option.to_owned(),
    };
    let asked = name(option);
    let row =
        rows().filter(|row| row.here == LEFT_OUT).find(|row| row.options.iter().any(|known| name(known) == asked))?;
    let words = row.words.replace("\\|", "|").replace('`', "'");
    Some(format!("{option} of GNU parallel is left out: {words}"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;

    use fanlane_os::search_path::find_program;

    use super::*;
    use crate::cli::run::is_option;

    /// Whether `fanlane run` has the option.
    fn is_taken(option: &str) -> bool {
        ["--help", "-h", "--version", "-V"].contains(&option) || is_option(option)
    }

    #[test]
    fn the_page_is_true_of_each_option() {
        let mut wrong = Vec::new();
        for row in rows() {
            for option in row.options {
                let is_left_out = row.here == LEFT_OUT;
                if is_taken(option) == is_left_out || (is_left_out && row.words.len() < 10) {
                    wrong.push((option, row.here, row.words));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        assert!(rows().count() > 40, "the page is read");
    }

    /// The numbers that the page says stand for its rows: options that are the same here, differ, and are left out.
    #[test]
    fn the_page_counts_its_rows() {
        let count = |is: &dyn Fn(&str) -> bool| rows().filter(|row| is(row.here)).map(|row| row.options.len()).sum();
        let (same, left_out): (usize, usize) = (count(&|here| here == "same"), count(&|here| here == LEFT_OUT));
        let all: usize = count(&|_| true);
        let sentence = format!(
            "Of {all} spellings of options {same} are the same here, {} differ or are new, and {left_out} are left out.",
            all - same - left_out
        );
        assert!(PAGE.contains(&sentence), "the page says: {sentence}");
    }

    #[test]
    fn an_option_that_is_left_out_has_its_reason_and_the_way_round() {
        let tmux = answer("--tmux").expect("an answer");
        assert!(tmux.starts_with("--tmux of GNU parallel is left out: ") && tmux.contains("terminal"), "{tmux}");
        let without_dash = answer("--shebangwrap").map(|text| text.replace("shebangwrap", "shebang-wrap"));
        assert!(without_dash.is_some() && without_dash == answer("--shebang-wrap"), "{without_dash:?}");
        for option in ["--bogus", "--keep-order", "-k", "--"] {
            assert_eq!(answer(option), None, "{option}");
        }
    }

    /// Every option of the installed GNU parallel is taken or has an answer; the machine that judges changes has it.
    #[test]
    fn every_option_of_parallel_is_taken_or_answered() {
        let Some(path) = find_program(OsStr::new("parallel")) else {
            assert!(std::env::var_os("CI").is_none(), "GNU parallel has to be installed here");
            return;
        };
        let script = String::from_utf8_lossy(&fs::read(path).expect("it can be read")).into_owned();
        let table = script.split("sub options_completion_hash").nth(1).expect("its table of options");
        let table = table.split("\nsub ").next().unwrap_or(table);
        // No options for users: for its tests, and for itself.
        let internal = ["debug", "D", "bug", "tollef", "linkinputsource", "xapplyinputsource"];
        let is_option = |name: &&str| !name.is_empty() && !name.starts_with('_') && !internal.contains(name);
        let mut unknown = Vec::new();
        let (mut count, mut names, mut begins) = (0, String::new(), false);
        for line in table.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
            let text = line.trim_start_matches('(').strip_prefix(['"', '\'']);
            if let Some(text) = text.filter(|_| begins || names.ends_with('|')) {
                names += text.split(['"', '\'', '[', '=', ':']).next().unwrap_or_default();
            }
            begins = line.ends_with(',') || line == "return";
            if names.ends_with('|') {
                continue;
            }
            for name in std::mem::take(&mut names).split('|').filter(is_option) {
                let option = if name.len() == 1 { format!("-{name}") } else { format!("--{name}") };
                count += 1;
                if !line.contains("retired") && !is_taken(&option) && answer(&option).is_none() {
                    unknown.push(option);
                }
            }
        }
        assert!(unknown.is_empty(), "{unknown:?}");
        assert!(count > 200, "{count} names are read");
    }
}
