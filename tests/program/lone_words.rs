//! Words that are no command line, as people type them first: each answer says what they probably meant.

use super::start::{run_in, run_in_with};

/// Words with `|` between them, and a part of the answer; nothing is run.
#[test]
fn what_was_probably_meant_is_said() {
    const CASES: &[(&str, &str)] = &[
        ("rn|echo|:::|a", "did you mean fanlane run?"),
        ("rnu", "did you mean fanlane run?"),
        ("completion|bash", "did you mean fanlane completions?"),
        ("hsitory", "did you mean fanlane history?"),
        ("echo|hi|:::|a", "did you mean fanlane run echo ...?"),
        ("thumbnail.ron", "did you mean thumbnails.ron?"),
        ("thumbnails", "did you mean thumbnails.ron?"),
        ("thumbnails.ron|echo", "to run it in the terminal: fanlane run thumbnails.ron"),
        ("presets|lst", "'list'"),
        ("run|--job-log|f|echo|:::|a", "--joblog"),
        ("run|--preset|cube", "did you mean 'Cubes'?"),
        ("run|--preset|Cubes|echo", "so 'echo' has no meaning with it"),
        ("run|--preset|Cubes|-0", "so --null has no meaning with it"),
        ("run|Cubes", "did you mean fanlane run --preset Cubes?"),
        ("run|--quiet|cubes", "did you mean fanlane run --preset cubes?"),
        ("run|job.txt", "job.txt is a file and no command; did you mean its lines? fanlane run COMMAND :::: job.txt"),
        ("run|folder", "folder is a folder and no command; did you mean its files? fanlane run COMMAND ::: folder/*"),
        ("run|.", ". is a folder and no command"),
        ("run|/dev/zero", "/dev/zero is a device and no command"),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("folder")).expect("made");
    std::fs::write(folder.path().join("job.txt"), "a\n").expect("written");
    let job = "Job(version: 1, task: Command(\"echo {}\"), inputs: [Range(1, 3)])";
    std::fs::write(folder.path().join("thumbnails.ron"), job).expect("written");
    let mut wrong = Vec::new();
    for (words, answer) in CASES {
        let ended = run_in(&words.split('|').collect::<Vec<_>>(), folder.path());
        if ended.code != Some(2) || !ended.err.contains(answer) || !ended.out.is_empty() {
            wrong.push((words, ended));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// As with GNU parallel, no input is no fault; but it is said.
#[test]
fn a_command_without_input_says_that_none_came() {
    let folder = tempfile::tempdir().expect("a folder");
    for input in [None, Some(&b""[..])] {
        let ended = match input {
            None => run_in(&["run", "echo", "hello"], folder.path()),
            Some(input) => run_in_with(&["run", "echo", "hello"], folder.path(), input),
        };
        assert!(ended.code == Some(0) && ended.out.is_empty(), "{ended:?}");
        assert!(ended.err.contains("no input came on standard input"), "{ended:?}");
    }
    let misplaced = run_in(&["run", "echo {a}", "--csv", "table.csv"], folder.path());
    assert!(misplaced.err.contains("--csv behind the command"), "{misplaced:?}");
    let full = run_in_with(&["run", "echo", "hello"], folder.path(), b"x\n");
    assert!(full.out == "hello x\n" && !full.err.contains("no input"), "{full:?}");
}

#[test]
fn a_preset_is_saved_with_the_folder_of_its_inputs_and_run_by_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let photos = folder.path().join("album");
    std::fs::create_dir(&photos).expect("made");
    std::fs::write(photos.join("a.jpg"), "").expect("written");
    let job = "Job(version: 1, name: \"Album\", task: Command(\"echo {}; pwd\"), inputs: [Glob(\"*.jpg\")])";
    std::fs::write(photos.join("album.ron"), job).expect("written");
    let saved = run_in(&["presets", "save", "album/album.ron"], folder.path());
    assert!(saved.code == Some(0) && saved.err.contains("--preset 'Album'"), "{saved:?}");
    let ended = run_in(&["run", "--preset", "album"], folder.path());
    let there = photos.canonicalize().expect("it is there");
    assert_eq!((ended.code, ended.out), (Some(0), format!("a.jpg\n{}\n", there.display())));
    let again = run_in(&["presets", "save", "album/album.ron"], folder.path());
    assert!(again.code == Some(2) && again.err.contains("--force"), "{again:?}");
    let named = run_in(&["presets", "save", "album/album.ron", "--name", "Other"], folder.path());
    assert_eq!(named.code, Some(0), "{named:?}");
    assert!(run_in(&["presets"], folder.path()).out.contains("Other"));
    let built_in = run_in(&["run", "-k", "--preset", "cubes"], folder.path());
    assert_eq!((built_in.code, built_in.out.lines().next()), (Some(0), Some("1")), "{built_in:?}");
}
