//! The documents keep their word: each command in them runs as it stands there, each job is read, each link leads somewhere.

pub mod blocks;
mod links;
mod stock;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::processes::wait_until;
use super::pty::Terminal;
use super::start::{Ended, ended, run_in, script};
use blocks::{Block, Mark, blocks, is_shown, pages, session};

/// How many blocks of a page are not run. Each has its reason in a comment before it.
const NOT_RUN: &[(&str, usize)] = &[
    ("README.md", 3),
    ("docs/cluster.md", 2),
    ("docs/python-tests.md", 1),
    ("docs/race.md", 4),
    ("packaging/README.md", 2),
];

/// Pages whose blocks in Rust are compiled by tests of their crates.
const COMPILED: [&str; 3] = ["crates/fanlane-mp/README.md", "docs/engine.md", "docs/multiprocessing.md"];

#[test]
fn every_command_in_the_documents_runs_as_it_stands_there() {
    let faults: Vec<String> = std::thread::scope(|scope| {
        // Pages wait for their runs more than they need a core.
        let workers: Vec<_> = pages().into_iter().map(|page| scope.spawn(move || walk(&page))).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a page can be walked")).collect()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn blocks_that_are_not_run_are_counted() {
    let count = |page: &Path| {
        let is_not_run = |block: &Block| matches!(block.mark, Some(Mark::NotRun(_)));
        blocks(page).iter().filter(|block| is_not_run(block)).count()
    };
    let counted: Vec<(PathBuf, usize)> = pages().into_iter().map(|page| (page.clone(), count(&page))).collect();
    let found: Vec<(&str, usize)> = counted
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(page, count)| (page.to_str().expect("it is text"), *count))
        .collect();
    assert_eq!(found, NOT_RUN);
}

/// A flag that is renamed or removed is missed where the text names it, too.
#[test]
fn every_flag_that_the_text_names_is_one_of_its_command() {
    /// What is meant to be wrong.
    const WRONG: [&str; 1] = ["--bogus"];
    let folder = TempDir::new().expect("a folder");
    let mut helps: BTreeMap<String, String> = BTreeMap::new();
    let mut faults = Vec::new();
    let mut count = 0;
    for page in pages() {
        let text = links::prose(&blocks::read(&page)).collect::<Vec<_>>().join("\n");
        for span in text.split('`').skip(1).step_by(2).filter_map(|span| span.strip_prefix("fanlane ")) {
            // What stands in quotes is for another program.
            let words: Vec<&str> = span.split(['\'', '"']).next().unwrap_or_default().split_whitespace().collect();
            let is_command = |word: &&&str| word.chars().all(|c| c.is_ascii_lowercase());
            let Some(command) = words.first().filter(is_command) else { continue };
            let flag =
                |word: &&str| word.trim_matches(['[', ']']).split(['=', ']']).next().unwrap_or_default().to_owned();
            for flag in words.iter().map(flag).filter(|flag| flag.starts_with("--") && flag.len() > 2) {
                // A command of a command has flags of its own.
                let of = match words.get(1).filter(is_command) {
                    Some(inner) if ["history", "import", "manager", "presets", "queue"].contains(command) => {
                        vec![*command, *inner]
                    }
                    _ => vec![*command],
                };
                let help = helps.entry(of.join(" ")).or_insert_with(|| {
                    let ended = run_in(&[&of[..], &["--help"]].concat(), folder.path());
                    let own = if ended.code == Some(0) { ended } else { run_in(&[command, "--help"], folder.path()) };
                    // A job is put into the queue with the flags that it is run with.
                    let of_run = (*command == "add").then(|| run_in(&["run", "--help"], folder.path()).out);
                    own.out + &of_run.unwrap_or_default()
                });
                count += 1;
                if !help.contains(&flag) && !WRONG.contains(&&*flag) {
                    faults.push(format!("{}: {span}: {flag}", page.display()));
                }
            }
        }
    }
    assert!(count > 30, "flags are found: {count}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Does what a page says from its first line to its last, in one folder; returns what is not as it says.
fn walk(page: &Path) -> Vec<String> {
    let blocks = blocks(page);
    let folder = TempDir::new().expect("a folder");
    stock::lay_out(folder.path());
    let mut faults: Vec<String> = blocks
        .iter()
        .filter_map(|block| Some(format!("{}: {}", block.place, fault(block, page, folder.path())?)))
        .collect();
    let marker = format!("FANLANE_RUNTIME_DIR={}/runtime", folder.path().display());
    wait_until(&format!("the processes of {} to end", page.display()), || !is_in_an_environment(&marker));
    // Later ones often follow from the first.
    faults.truncate(2);
    faults
}

/// Whether some process has this variable in its environment.
fn is_in_an_environment(variable: &str) -> bool {
    let processes = fs::read_dir("/proc").expect("it can be read");
    processes.flatten().any(|process| {
        let environment = fs::read(process.path().join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|one| one == variable.as_bytes())
    })
}

/// What is not as the block says.
fn fault(block: &Block, page: &Path, folder: &Path) -> Option<String> {
    if matches!(block.mark, Some(Mark::NotRun(_))) {
        return None;
    }
    match block.language.as_str() {
        "sh" => wrong_status(block, folder),
        "console" => wrong_output(block, folder),
        "ron" => wrong_job(block, folder),
        "python" if !matches!(block.mark, Some(Mark::File(_))) => {
            Some("Python that is no file of the page is run by no test".to_owned())
        }
        "csv" | "text" | "python" => {
            if let Some(Mark::File(name)) = &block.mark {
                fs::write(folder.join(name), &block.text).expect("written");
            }
            None
        }
        "toml" => None,
        "rust" => (!COMPILED.iter().any(|known| page == Path::new(known)))
            .then(|| "Rust of this page is compiled by no test".to_owned()),
        other => Some(format!("'{other}' is no language of a block that is known here")),
    }
}

/// `set -e` with the stand-ins first on the path.
fn shell(text: &str, folder: &Path) -> std::process::Command {
    script(&format!("set -e\nPATH=$HOME/programs:$PATH\n{text}"), folder)
}

fn run(text: &str, folder: &Path) -> Ended {
    ended(shell(text, folder).spawn().expect("a shell can be started"))
}

fn wrong_status(block: &Block, folder: &Path) -> Option<String> {
    if block.mark == Some(Mark::OnTerminal) {
        let (status, last) = Terminal::start(shell(&block.text, folder), 100, 24).ended();
        return (status != Some(0)).then(|| format!("{status:?}: {last}"));
    }
    let ended = run(&block.text, folder);
    (ended.code != Some(block.status())).then(|| format!("{ended:#?}"))
}

fn wrong_output(block: &Block, folder: &Path) -> Option<String> {
    let commands = session(&block.text);
    let last = commands.len() - 1;
    commands.iter().enumerate().find_map(|(place, (command, shown))| {
        let ended = run(&format!("exec 2>&1\n{command}"), folder);
        let status = if place == last { block.status() } else { 0 };
        let printed: Vec<&str> = ended.out.lines().collect();
        (ended.code != Some(status) || !is_shown(shown, &printed))
            .then(|| format!("{command}\nends with {:?} and prints\n{}", ended.code, ended.out))
    })
}

/// A job is read, and its tasks are made of its inputs.
fn wrong_job(block: &Block, folder: &Path) -> Option<String> {
    let name = if let Some(Mark::File(name)) = &block.mark { name } else { "block.ron" };
    fs::write(folder.join(name), &block.text).expect("written");
    let planned = run_in(&["run", "--dry-run", name], folder);
    (planned.code != Some(0) || planned.out.is_empty()).then(|| format!("{planned:#?}"))
}
