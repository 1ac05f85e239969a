//! Every public item of the multiprocessing library is used by a test or by an example in the documentation. The sources
//! are read as text, so what is asked for is the least: a unit test, a test file or a documented example that has to do
//! with the type and uses the item by its name. What it checks is for its reader to judge.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What is made by others and seldom named: what has to do with it calls one of these.
const MADE_BY: &[(&str, &[&str])] = &[
    ("AsCompleted", &["as_completed("]),
    ("AsyncResult", &["_async("]),
    ("ConditionGuard", &["Condition::new"]),
    ("CurrentProcess", &["current_process("]),
    ("Handle", &[".handle()"]),
    ("Held", &[".acquire()", ".acquire_within("]),
    ("HeldSlot", &[".hold("]),
    ("OwnerDied", &["acquire("]),
    ("Imap", &[".imap"]),
    ("LockProxy", &[".lock("]),
    ("ObjectInfo", &[".list()", ".objects()"]),
    ("Permit", &["Semaphore::new"]),
    ("PoolBuilder", &["Pool::builder"]),
    ("Sentinel", &[".sentinel("]),
    ("ThreadImap", &[".imap"]),
    ("ThreadPoolBuilder", &["ThreadPool::builder"]),
    ("TaskError", &["TaskError"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The code that is no test, without comments.
fn code(text: &str) -> String {
    let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    own.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

/// Pieces of code that check something: each documented example, and the unit tests.
fn checks(text: &str) -> Vec<String> {
    let mut found: Vec<String> =
        text.split_once("#[cfg(test)]\nmod tests {").map(|(_, tests)| tests.to_owned()).into_iter().collect();
    let mut block: Option<String> = None;
    for line in text.lines() {
        let line = line.trim_start();
        let Some(line) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) else {
            block = None;
            continue;
        };
        match (&mut block, line.trim().strip_prefix("```")) {
            (None, Some(kind)) if kind.is_empty() || kind == "no_run" => block = Some(String::new()),
            (Some(_), Some(_)) => found.extend(block.take()),
            (Some(code), None) => *code = format!("{code}{line}\n"),
            (None, _) => {}
        }
    }
    found
}

/// The words of a piece of code.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').filter(|word| !word.is_empty())
}

/// Whether `text` has `name` as a whole word after `before`.
fn has(text: &str, before: &str, name: &str) -> bool {
    let whole = format!("{before}{name}");
    text.match_indices(&whole).any(|(at, _)| {
        let next = text[at + whole.len()..].chars().next();
        !next.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

/// What the library shows: the names behind `pub use` in its two front modules, and its proxies.
fn shown() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for module in ["src/lib.rs", "src/manager/mod.rs"] {
        let text = code(&read(&root().join(module)));
        let parts: Vec<&str> = text.split("\npub use ").collect();
        for pair in parts.windows(2).filter(|pair| !pair[0].ends_with("#[doc(hidden)]")) {
            let list = pair[1].split(';').next().unwrap_or_default();
            let list = list.rsplit("::").next().unwrap_or_default();
            let list = list.rsplit_once(" as ").map_or(list, |(_, name)| name);
            names.extend(words(list).map(str::to_owned));
        }
    }
    for file in rust_files(&root().join("src/manager/proxy")) {
        let text = code(&read(&file));
        let structs = text.split("pub struct ").chain(text.split("pub trait ")).skip(1);
        let made = structs.filter_map(|rest| words(rest).next()).map(str::to_owned);
        names.extend(made.filter(|name| name.starts_with(char::is_uppercase)));
        names.extend(words(&text).filter(|word| word.ends_with("Proxy") && word.len() > 5).map(str::to_owned));
    }
    assert!(names.len() > 60 && names.contains("Pool") && names.contains("DictProxy"), "they are found: {names:?}");
    names
}

/// What a line at the very left begins, where that has public items: the name of the type or of the macro that writes
/// methods, and which word begins an item in it.
fn owner(line: &str) -> Option<(&str, &'static str)> {
    let generic = |rest: &'static str| line.strip_prefix(rest).and_then(|rest| words(rest).next());
    if let Some(rest) = line.strip_prefix("impl") {
        let target = if rest.starts_with('<') { rest.split_once("> ")?.1 } else { rest };
        return (!rest.contains(" for ")).then(|| Some((words(target).next()?, "pub fn ")))?;
    }
    None.or_else(|| Some((generic("macro_rules! ")?, "pub fn ")))
        .or_else(|| Some((generic("pub enum ")?, "")))
        .or_else(|| Some((generic("pub struct ")?, "pub ")))
        .or_else(|| Some((generic("pub trait ")?, "fn ")))
}

/// Public methods, fields and variants by the type that has them, or the macro that writes them for some types.
fn members() -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut written = Vec::new();
    for file in rust_files(&root().join("src")) {
        let text = code(&read(&file));
        let mut inside = None;
        let mut lines = text.lines().filter(|line| !line.is_empty()).peekable();
        while let Some(line) = lines.next() {
            if !line.starts_with(' ') {
                // Between the head of a long one and its body.
                if line != "where" && line != "{" {
                    inside = owner(line);
                }
                if let Some((name, types)) = line.split_once("_methods!(") {
                    // The arguments of a long call stand on lines of their own.
                    let next = lines.peek().copied().unwrap_or_default();
                    let owner = words(types).chain(words(next)).next().expect("a type");
                    written.push((format!("{name}_methods"), owner.to_owned()));
                }
                continue;
            }
            let Some((owner, begins)) = inside else { continue };
            let item = line.trim_start().replace("pub const fn ", "pub fn ").replace("pub unsafe fn ", "pub fn ");
            let is_variant = begins.is_empty() && line.starts_with("    ") && !line.starts_with("     ");
            let member = item.strip_prefix(begins).filter(|_| !begins.is_empty() || is_variant);
            let member = member.and_then(|rest| words(rest).next().filter(|_| !rest.starts_with(['#', '(', '}'])));
            found.entry(owner.to_owned()).or_default().extend(member.map(str::to_owned));
        }
    }
    for (name, owner) in written {
        let members = found[&name].clone();
        found.entry(owner).or_default().extend(members);
    }
    found
}

/// All pieces of code that check something, each with the source that it stands in.
fn all_checks() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for file in rust_files(&root().join("src")) {
        let text = read(&file);
        if file.file_name().is_some_and(|name| name == "tests.rs")
            || file.components().any(|part| part.as_os_str() == "tests")
        {
            found.push((file, text));
        } else {
            found.extend(checks(&text).into_iter().map(|check| (file.clone(), check)));
        }
    }
    for folder in ["tests", "examples"] {
        found.extend(rust_files(&root().join(folder)).into_iter().filter(|file| !file.ends_with(file!())).map(
            |file| {
                let text = read(&file);
                (file, text)
            },
        ));
    }
    found
}

/// The name by which clients of a manager ask for what a proxy stands for.
fn maker(proxy: &str) -> String {
    let mut name = String::from(".");
    for letter in proxy.trim_end_matches("Proxy").chars() {
        if letter.is_uppercase() && name.len() > 1 {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name.replace("r_lock", "rlock")
}

#[test]
fn every_public_item_of_the_library_is_used_by_a_test() {
    let (shown, checks) = (shown(), all_checks());
    let members: BTreeMap<_, _> = members().into_iter().filter(|(name, _)| shown.contains(name)).collect();
    assert!(members.values().map(BTreeSet::len).sum::<usize>() > 350, "they are found: {members:?}");
    let mut missing = Vec::new();
    for name in &shown {
        let makers = MADE_BY.iter().find(|(made, _)| made == name).map_or(&[][..], |(_, makers)| makers);
        let proxy = name.ends_with("Proxy").then(|| maker(name));
        let concerns = |text: &str| {
            has(text, "", name)
                || makers.iter().any(|maker| text.contains(maker))
                || proxy.as_ref().is_some_and(|maker| has(text, "", maker))
        };
        let own: Vec<&str> = checks.iter().map(|(_, text)| &**text).filter(|text| concerns(text)).collect();
        if own.is_empty() {
            missing.push(name.clone());
        }
        for member in members.get(name).into_iter().flatten() {
            let uses = |text: &&str| [".", "::", " ", "("].iter().any(|before| has(text, before, member));
            if !own.iter().any(uses) {
                missing.push(format!("{name}::{member}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "{} public items that no test and no documented example uses:\n{}",
        missing.len(),
        missing.join("\n")
    );
}
