use tempfile::TempDir;

use super::*;

fn presets() -> (TempDir, Presets) {
    let outer = tempfile::tempdir().expect("a folder");
    let presets = Presets::open(outer.path().join("config/presets"));
    (outer, presets)
}

fn job(name: &str) -> Job {
    let text = format!("Job(version: 1, name: {name:?}, task: Command(\"echo {{}}\"), inputs: [Range(1, 3)])");
    Job::parse(&text).expect("a job")
}

fn slugs(presets: &Presets) -> Vec<String> {
    presets.list().expect("lists").iter().map(|preset| preset.slug.to_string()).collect()
}

fn files(presets: &Presets) -> Vec<String> {
    let entries = fs::read_dir(presets.folder()).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_folder_is_made_by_the_first_save() {
    let (outer, presets) = presets();
    assert!(presets.list().expect("lists").is_empty());
    assert!(!outer.path().join("config").exists());
    let slug = presets.save(&job("First one"), false).expect("saved");
    assert_eq!(slug.as_str(), "first-one");
    assert_eq!(presets.load(&slug).expect("loads"), job("First one"));
    assert_eq!(files(&presets), ["first-one.ron"]);
}

#[test]
fn lists_are_sorted_and_hide_nothing() {
    let (_outer, presets) = presets();
    for name in ["b", "A", "c d"] {
        presets.save(&job(name), false).expect("saved");
    }
    fs::write(presets.folder().join("bad.ron"), "Job(").expect("written");
    fs::write(presets.folder().join("empty.ron"), "").expect("written");
    fs::write(presets.folder().join("notes.txt"), "").expect("written");
    fs::write(presets.folder().join(".saving-x.tmp"), "").expect("written");
    fs::create_dir(presets.folder().join("folder.ron")).expect("made");
    let pipe = presets.folder().join("pipe.ron");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).expect("made");
    std::os::unix::fs::symlink("gone.ron", presets.folder().join("link.ron")).expect("linked");
    assert_eq!(slugs(&presets), ["a", "b", "bad", "c-d", "empty", "folder", "link", "pipe"]);
    let listed = presets.list().expect("lists");
    let does_load: Vec<bool> = listed.iter().map(|preset| preset.job.is_ok()).collect();
    assert_eq!(does_load, [true, true, false, true, false, false, false, false]);
    let message = listed[2].job.as_ref().expect_err("torn").to_string();
    assert!(message.starts_with(&format!("{}:1:5: ", presets.folder().join("bad.ron").display())), "{message}");
}

#[test]
fn nothing_is_overwritten_without_being_asked_for() {
    let (_outer, presets) = presets();
    presets.save(&job("My job"), false).expect("saved");
    let changed = Job { retries: 7, ..job("my  JOB") };
    let error = presets.save(&changed, false).expect_err("is there");
    assert!(error.to_string().starts_with("there is already a preset 'My job' in "), "{error}");
    assert_eq!(presets.load(&Slug::of("My job")).expect("loads"), job("My job"));
    presets.save(&changed, true).expect("saved");
    assert_eq!(presets.load(&Slug::of("My job")).expect("loads"), changed);
    assert_eq!(files(&presets), ["my-job.ron"]);
    for name in ["My job!", "My (job)"] {
        let slug = presets.save(&job(name), false).expect("another one");
        assert_eq!(presets.load(&slug).expect("loads"), job(name));
    }
    assert_eq!(files(&presets), ["my-job-2.ron", "my-job-3.ron", "my-job.ron"]);
}

#[test]
fn what_could_not_be_loaded_is_not_saved() {
    let (outer, presets) = presets();
    presets.save(&job("kept"), false).expect("saved");
    let broken = Job { workers: Some(0), ..job("kept") };
    assert_eq!(
        presets.save(&broken, true).expect_err("refused").to_string(),
        "the preset cannot be saved: workers: it is 0, expected 1 to 1024"
    );
    let huge = Job { description: "x".repeat(17 << 20), ..job("kept") };
    assert!(matches!(presets.save(&huge, true), Err(PresetError::Unusable(_))));
    assert_eq!(presets.load(&Slug::of("kept")).expect("loads"), job("kept"));
    assert!(matches!(presets.save(&job(" "), true), Err(PresetError::NoName)));
    assert!(matches!(presets.save_as(&job("x"), " ", true), Err(PresetError::NoName)));

    // A file where the folder should be.
    let blocked = Presets::open(outer.path().join("config/presets/kept.ron/presets"));
    assert!(matches!(blocked.save(&job("x"), true), Err(PresetError::System { what: "made", .. })));
    assert!(blocked.list().is_err());
}

#[test]
fn names_lead_nowhere_else() {
    let (outer, presets) = presets();
    for name in ["../../outside", "/etc/x", "..", "a/b", ".hidden"] {
        presets.save(&job(name), false).expect("saved");
    }
    assert_eq!(files(&presets), ["a-b.ron", "etc-x.ron", "hidden.ron", "outside.ron", "preset.ron"]);
    assert_eq!(fs::read_dir(outer.path()).expect("a folder").count(), 1);
    assert_eq!(fs::read_dir(outer.path().join("config")).expect("a folder").count(), 1);
}

#[test]
fn renaming_moves_the_file_along() {
    let (_outer, presets) = presets();
    let old = presets.save(&job("old"), false).expect("saved");
    presets.save(&job("taken"), false).expect("saved");
    assert!(matches!(presets.rename(&old, " TAKEN"), Err(PresetError::Exists { .. })));
    assert_eq!(slugs(&presets), ["old", "taken"]);

    let new = presets.rename(&old, "Brand new").expect("renamed");
    assert_eq!(presets.load(&new).expect("loads"), job("Brand new"));
    assert_eq!(files(&presets), ["brand-new.ron", "taken.ron"]);
    let same = presets.rename(&new, "BRAND NEW").expect("renamed");
    assert_eq!(presets.load(&same).expect("loads"), job("BRAND NEW"));
    assert_eq!(files(&presets), ["brand-new.ron", "taken.ron"]);

    assert!(matches!(presets.rename(&old, "x"), Err(PresetError::Gone { .. })));
    fs::write(presets.folder().join("taken.ron"), "Job(").expect("written");
    assert!(matches!(presets.rename(&Slug::of("taken"), "x"), Err(PresetError::Damaged(_))));
}

#[test]
fn copies_find_a_free_name() {
    let (_outer, presets) = presets();
    let slug = presets.save(&job("One"), false).expect("saved");
    let copies: Vec<Slug> = (0..3).map(|_| presets.duplicate(&slug).expect("copied")).collect();
    let names: Vec<String> = copies.iter().map(|copy| presets.load(copy).expect("loads").name).collect();
    assert_eq!(names, ["One copy", "One copy 2", "One copy 3"]);
    assert_eq!(slugs(&presets), ["one", "one-copy", "one-copy-2", "one-copy-3"]);
    let unnamed = "Job(version: 1, task: Command(\"echo {}\\nexit 1\"), inputs: [])";
    fs::write(presets.folder().join("by hand.ron"), unnamed).expect("written");
    let copy = presets.duplicate(&Slug::of_file_stem("by hand")).expect("copied");
    assert_eq!(presets.load(&copy).expect("loads").name, "echo {} copy");
}

#[test]
fn deleting_can_be_undone() {
    let (_outer, presets) = presets();
    let slug = presets.save(&job("One"), false).expect("saved");
    let content = "// by hand\nJob(".to_owned();
    fs::write(presets.folder().join("one.ron"), &content).expect("written");
    let deleted = presets.delete(&slug).expect("deleted");
    assert!(files(&presets).is_empty());
    assert!(matches!(presets.delete(&slug), Err(PresetError::Gone { .. })));
    presets.restore(&deleted).expect("restored");
    assert_eq!(fs::read_to_string(presets.folder().join("one.ron")).expect("there"), content);
    assert!(matches!(presets.restore(&deleted), Err(PresetError::Exists { .. })));
}
