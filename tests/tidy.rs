//! The conventions that a reader relies on and that no compiler checks: floors, where egui may be imported, how files
//! open, how large they are, what they are called.

use std::fs;
use std::path::{Path, PathBuf};

/// What each module may import of its own crate besides itself. Which crates a crate may import is for Cargo to check. A module that
/// is not here yet has to be given its floor.
const FLOORS: [(&str, &[&str]); 9] = [
    ("crates/fanlane-core/src/job", &[]),
    ("crates/fanlane-core/src/event", &["job"]),
    ("crates/fanlane-core/src/engine", &["job", "event"]),
    ("crates/fanlane-core/src/model", &["job", "event"]),
    ("crates/fanlane-core/src/store", &["job", "event", "engine", "model"]),
    ("crates/fanlane-core/src/host", &["job", "event", "engine", "model", "store"]),
    ("src/session", &[]),
    ("src/cli", &["session"]),
    ("src/ui", &["session"]),
];

/// Crates without floors: their modules are free to import each other.
const WITHOUT_FLOORS: [&str; 2] = ["crates/fanlane-os", "crates/fanlane-mp"];

/// The most lines that a file has without a reason.
const MAX_LINES: usize = 400;

/// Files that are longer, and why.
const LONG_FILES: &[(&str, &str)] = &[
    ("crates/fanlane-core/src/engine/dispatcher/tests.rs", "orderings of events against simulated workers, one table"),
    ("crates/fanlane-core/src/event/kind.rs", "one table of all facts about a run, and their names in text formats"),
    ("crates/fanlane-core/src/job/import/parallel.rs", "one table of GNU parallel's options and what becomes of each"),
    ("crates/fanlane-mp/src/error.rs", "one error for each family of operations, side by side"),
    ("crates/fanlane-mp/src/pool/threads.rs", "the whole interface of a pool, each method with its contract"),
    ("tests/program/parallel_oracle.rs", "one table of command lines that both programs are given"),
    ("tests/store_faults.rs", "one case for each file that is kept, on the same failing disk"),
    ("src/session/tests.rs", "a table of what a person does and what becomes of it"),
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 6] = ["utils", "util", "helpers", "common", "data", "misc"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files below `folder` with one of the endings, by their paths from the root.
fn files_in(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        // Not every kind of folder is there at every time.
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known)) {
                found.push(path.strip_prefix(root()).expect("it is below the root").to_owned());
            }
        }
    }
    found.sort();
    found
}

fn sources() -> Vec<PathBuf> {
    let folders = ["src", "crates/fanlane-os/src", "crates/fanlane-mp/src", "crates/fanlane-core/src"];
    let found: Vec<PathBuf> = folders.into_iter().flat_map(|folder| files_in(folder, &["rs"])).collect();
    assert!(found.len() > 20, "the sources are found: {found:?}");
    found
}

fn rust_files() -> Vec<PathBuf> {
    ["src", "crates", "tests", "benches", "examples"].into_iter().flat_map(|folder| files_in(folder, &["rs"])).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of code with their numbers; lines of comments are left out.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The modules behind `crate::` in a line, also those in `crate::{one::X, two::Y}`.
fn imported_modules(line: &str) -> Vec<&str> {
    let name = |text: &'_ str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let mut found = Vec::new();
    for (at, prefix) in line.match_indices("crate::") {
        let rest = &line[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => found.push(&rest[..name(rest)]),
            Some(list) => {
                let mut depth = 0;
                let mut begin = 0;
                for (place, character) in list.char_indices() {
                    match character {
                        '{' => depth += 1,
                        '}' if depth > 0 => depth -= 1,
                        ',' | '}' if depth == 0 => {
                            let item = list[begin..place].trim_start();
                            found.push(&item[..name(item)]);
                            begin = place + 1;
                            if character == '}' {
                                break;
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found.retain(|module| !module.is_empty());
    found
}

fn complain(what: &str, faults: &[String]) {
    assert!(faults.is_empty(), "{what}:\n{}", faults.join("\n"));
}

#[test]
fn imports_are_found_in_every_form() {
    let cases: [(&str, &[&str]); 6] = [
        ("use crate::job::Job;", &["job"]),
        ("use crate::{event::Event, job::{Batch, Job}, model};", &["event", "job", "model"]),
        ("    fn f(x: crate::ui::Theme) -> crate::job::Job {", &["ui", "job"]),
        ("pub(crate) fn f() {}", &[]),
        ("use crate::job;", &["job"]),
        ("use super::job;", &[]),
    ];
    for (line, modules) in cases {
        assert_eq!(imported_modules(line), modules, "{line}");
    }
}

#[test]
fn a_module_imports_only_from_lower_floors() {
    let mut faults = Vec::new();
    for path in sources().into_iter().filter(|path| !WITHOUT_FLOORS.iter().any(|known| path.starts_with(known))) {
        let name = path.to_string_lossy();
        if name.ends_with("src/lib.rs") || name.ends_with("src/main.rs") {
            continue;
        }
        let is_in = |module: &str| name.strip_prefix(module).is_some_and(|rest| rest.starts_with(['/', '.']));
        let Some((module, allowed)) = FLOORS.iter().find(|(module, _)| is_in(module)) else {
            faults.push(format!("{name} has no floor in this test's table"));
            continue;
        };
        let (crate_folder, module) = module.rsplit_once('/').expect("a module in a crate");
        let in_same_crate =
            |imported: &str| FLOORS.iter().any(|(known, _)| *known == format!("{crate_folder}/{imported}"));
        for (number, line) in code_lines(&read(&path)) {
            for imported in imported_modules(line) {
                if in_same_crate(imported) && imported != module && !allowed.contains(&imported) {
                    faults.push(format!("{name}:{number}: {module} imports {imported}"));
                }
            }
        }
    }
    complain("imports from the same floor or a higher one", &faults);
}

/// What Linux alone has is read in the system layer.
#[test]
fn files_of_the_system_are_read_in_its_layer_alone() {
    let is_above = |path: &PathBuf| !path.starts_with("crates/fanlane-os") && !path.to_string_lossy().contains("tests");
    let mut faults = Vec::new();
    for path in sources().into_iter().filter(is_above) {
        for (number, line) in code_lines(&read(&path)) {
            if ["/proc/", "/sys/"].iter().any(|word| line.contains(word)) {
                faults.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    complain("what belongs into crates/fanlane-os", &faults);
}

/// A program that uses the library alone builds little.
#[test]
fn the_library_without_managers_needs_few_packages_and_no_compiler_of_c() {
    /// Packages besides the library itself.
    const MAX_PACKAGES: usize = 20;
    let tree = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "fanlane-mp", "--no-default-features"])
        .args(["--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo is there: it runs this test");
    let text = String::from_utf8_lossy(&tree.stdout);
    let names = text.lines().filter_map(|line| line.split(' ').next()).filter(|name| *name != "fanlane-mp");
    let packages: std::collections::BTreeSet<&str> = names.collect();
    assert!(packages.contains("fanlane-os"), "the tree is read: {text}{}", String::from_utf8_lossy(&tree.stderr));
    assert!(packages.len() <= MAX_PACKAGES, "{} packages: {packages:?}", packages.len());
    assert!(!packages.contains("cc"), "no C is compiled: {packages:?}");
}

/// What is printed goes through one seam, which lets nothing act on a terminal.
#[test]
fn standard_streams_are_written_at_one_place() {
    /// The seam, and those that have a reason to write beside it.
    const SEAMS: [&str; 3] = [
        "src/cli/terminal.rs",
        // What tasks print is theirs, and is passed on as it is.
        "src/cli/report/streams.rs",
        // A view that draws a whole terminal.
        "src/cli/watch",
    ];
    const WORDS: [&str; 8] =
        ["io::stdout", "io::stderr", "println!", "print!(", "eprint", ".print()", "/dev/stdout", "/dev/tty"];
    let mut faults = Vec::new();
    let is_outside = |path: &PathBuf| path.starts_with("src") && !SEAMS.iter().any(|seam| path.starts_with(seam));
    for path in sources().into_iter().filter(is_outside) {
        for (number, line) in code_lines(&read(&path)) {
            let in_tests = path.to_string_lossy().contains("test");
            if !in_tests && WORDS.iter().any(|word| line.contains(word)) {
                faults.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    complain("what has to be printed through src/cli/terminal.rs", &faults);
}

#[test]
fn egui_is_imported_in_the_window_alone() {
    let mut faults = Vec::new();
    for path in sources().into_iter().filter(|path| !path.starts_with("src/ui")) {
        for (number, line) in code_lines(&read(&path)) {
            if ["egui", "eframe", "rfd::"].iter().any(|word| line.contains(word)) {
                faults.push(format!("{}:{number}: {}", path.display(), line.trim()));
            }
        }
    }
    complain("what belongs into src/ui", &faults);
}

/// The command line, the window, detached runs and races ask for the engine: a second one is added at one place.
#[test]
fn the_engine_is_chosen_at_one_place() {
    let mut faults = Vec::new();
    for path in sources().into_iter().filter(|path| !path.starts_with("crates/fanlane-core/src/engine")) {
        let text = read(&path);
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code_lines(product).filter(|(_, line)| line.contains("LocalEngine")) {
            faults.push(format!("{}:{number}: {}", path.display(), line.trim()));
        }
    }
    complain("what engine/choice.rs decides", &faults);
}

/// The wall clock says when a run began and how old it is, and nothing else: timeouts and measured times would be wrong
/// whenever it is set.
#[test]
fn the_wall_clock_is_read_where_dates_are_meant_and_nowhere_else() {
    const DATES: [&str; 17] = [
        "crates/fanlane-os/src/clock.rs",
        "crates/fanlane-core/src/engine/slurm/element.rs",
        "crates/fanlane-core/src/engine/slurm/run.rs",
        "crates/fanlane-core/src/engine/run.rs",
        "crates/fanlane-core/src/host/queue_runner.rs",
        "crates/fanlane-core/src/host/wire.rs",
        "crates/fanlane-core/src/store/history/row.rs",
        "crates/fanlane-core/src/store/queue/change.rs",
        "crates/fanlane-core/src/store/queue/leftovers.rs",
        "crates/fanlane-core/src/store/queue/turn.rs",
        "src/session/race/machine_facts.rs",
        "src/cli/history/list.rs",
        "src/cli/history/mod.rs",
        "src/cli/queue/list.rs",
        "src/cli/queue/mod.rs",
        "src/ui/dialogs/queue.rs",
        "src/ui/views/runs/queue.rs",
    ];
    const WORDS: [&str; 5] = ["SystemTime", "UNIX_EPOCH", "ClockId::Realtime", "CLOCK_REALTIME", "unix_ms()"];
    let reads = |path: &Path| code_lines(&read(path)).any(|(_, line)| WORDS.iter().any(|word| line.contains(word)));
    let faults: Vec<String> = sources()
        .into_iter()
        .filter(|path| !DATES.contains(&&*path.to_string_lossy()))
        .filter(|path| reads(path))
        .map(|path| path.display().to_string())
        .collect();
    complain("files that read the wall clock; use fanlane_os::clock, or say here what date they need", &faults);
    for file in DATES {
        assert!(reads(Path::new(file)), "{file} reads no wall clock any more");
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    let is_silent = |path: &PathBuf| !read(path).starts_with("//! ");
    // The tests of a module, in a file beside it, are for that module.
    let is_own = |path: &PathBuf| path.file_name().is_some_and(|name| name != "tests.rs");
    let faults: Vec<_> =
        rust_files().into_iter().filter(is_own).filter(is_silent).map(|path| path.display().to_string()).collect();
    complain("files that do not open with `//!`", &faults);
}

#[test]
fn files_are_short_or_have_a_reason() {
    let mut faults = Vec::new();
    for path in rust_files() {
        let lines = read(&path).lines().count();
        let listed = LONG_FILES.iter().any(|(known, _)| path == Path::new(known));
        if lines > MAX_LINES && !listed {
            faults.push(format!("{}: {lines} lines, split it or list it with a reason", path.display()));
        }
    }
    let is_short = |path: &&str| read(Path::new(path)).lines().count() <= MAX_LINES;
    faults.extend(
        LONG_FILES.iter().map(|(path, _)| *path).filter(is_short).map(|path| format!("{path}: listed, but short")),
    );
    complain("files that are too long", &faults);
}

#[test]
fn files_are_named_by_what_is_in_them() {
    let faults: Vec<_> = rust_files()
        .into_iter()
        .filter(|path| path.iter().any(|part| EMPTY_NAMES.contains(&part.to_string_lossy().trim_end_matches(".rs"))))
        .map(|path| path.display().to_string())
        .collect();
    complain("names that say nothing", &faults);
}

#[test]
fn nothing_names_a_place_on_one_machine() {
    // In two parts, so that this file does not name them.
    let places = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/ubuntu"), concat!("/Us", "ers/")];
    let texts = ["src", "crates", "tests", "benches", "examples", "assets", ".ci", ".cargo"]
        .into_iter()
        .flat_map(|folder| files_in(folder, &["rs", "ron", "toml", "md", "json", "svg"]));
    let top = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "Cargo.toml", ".ci/run"];
    let top = top.into_iter().map(PathBuf::from).filter(|path| root().join(path).exists());
    let mut faults = Vec::new();
    for path in texts.chain(top) {
        for (index, line) in read(&path).lines().enumerate() {
            if places.iter().any(|place| line.contains(place)) {
                faults.push(format!("{}:{}: {}", path.display(), index + 1, line.trim()));
            }
        }
    }
    complain("paths of a machine", &faults);
}

/// Paths in the map's tables are below the root, or below the sources of the core.
#[test]
fn the_places_that_the_map_names_are_there() {
    let text = read(Path::new("ARCHITECTURE.md"));
    let spans = text.lines().filter(|line| line.starts_with("| ")).flat_map(|line| line.split('`').skip(1).step_by(2));
    let paths: Vec<&str> = spans.filter(|span| span.contains('/') && !span.contains([' ', '('])).collect();
    assert!(paths.len() > 30, "the tables are found: {paths:?}");
    let is_there =
        |path: &str| root().join(path).exists() || root().join("crates/fanlane-core/src").join(path).exists();
    let faults: Vec<String> = paths.into_iter().filter(|path| !is_there(path)).map(str::to_owned).collect();
    complain("places that ARCHITECTURE.md names and that are not there", &faults);
}

#[test]
fn every_test_that_the_table_of_faults_names_exists() {
    let code: String = rust_files().iter().map(|path| read(path)).collect();
    let text = read(Path::new("docs/faults.md"));
    let is_case = |line: &&str| line.starts_with("| ") && line[2..].starts_with(|letter: char| letter.is_ascii_digit());
    let rows = text.lines().take_while(|line| !line.starts_with("## ")).filter(is_case);
    let names: Vec<&str> = rows
        .filter_map(|row| row.trim_end_matches('|').rsplit('|').next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    assert!(names.len() > 40, "the table is found: {names:?}");
    let is_missing = |name: &&&str| !code.contains(&format!("fn {name}("));
    let faults: Vec<String> = names.iter().filter(is_missing).map(|name| (*name).to_owned()).collect();
    complain("tests that docs/faults.md names and that are not there", &faults);
}

#[test]
fn what_the_readme_shows_is_there() {
    let text = read(Path::new("README.md"));
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let faults: Vec<_> =
        targets.filter(|link| !link.contains("://") && !root().join(link).exists()).map(str::to_owned).collect();
    complain("links of README.md that lead nowhere", &faults);
    // The commands that are promised to be the only ones needed.
    for command in ["cargo run --release", "cargo test"] {
        assert!(text.contains(&format!("```sh\n{command}\n```")), "{command}");
    }
    assert!(read(Path::new(".ci/run")).contains("\nstep cargo test\n"), "the machine runs the README's test command");
}
