//! `fanlane sem`: commands of a name, a limited number of which run at the same time.

use super::start;

/// What a script prints whose commands have folders of their own for semaphores.
fn printed(script: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let ended = start::ended(start::script(script, folder.path()).spawn().expect("a shell"));
    format!("{}{}", ended.out, ended.err)
}

#[test]
fn a_place_is_taken_until_its_command_has_ended() {
    // The first command holds its place until a line comes through the pipe.
    let script = "mkfifo gate
        fanlane sem --id 'a/b c' 'read line < gate; echo $line >> log' > out 2>&1; echo $?
        fanlane sem --id 'a/b c' --st -0.01 --fg 'echo no >> log' 2>&1; echo $?
        fanlane sem --id other --fg 'echo other; exit 7'; echo $?
        fanlane sem --id 'a/b c' -j2 --fg echo 'a  b'; echo $?
        fanlane sem --id 'a/b c' --st 0.01 --fg 'echo late >> log' 2>&1; echo $?
        echo first > gate
        fanlane sem --wait --id 'a/b c'; echo $?
        cat log out";
    let expected = "0
fanlane: the semaphore a/b c was not free within 0.01 s; nothing was run
2
other
7
a b
0
fanlane: the semaphore a/b c was not free within 0.01 s; the command runs without a place in it
0
0
late
first
";
    assert_eq!(printed(script), expected);
}

#[test]
fn a_command_that_waits_gets_the_place_of_one_that_was_killed() {
    let script = "mkfifo gate
        fanlane sem --id k 'read line < gate; kill -9 $$' > out 2>&1
        fanlane sem --id k --fg 'echo waited' &
        echo > gate
        wait $!; echo $?";
    assert_eq!(printed(script), "waited\n0\n");
}

#[test]
fn standard_input_is_left_to_a_loop_unless_it_is_asked_for() {
    let script = "printf 'a\\nb\\n' | while read name; do fanlane sem --id x --fg \"cat; echo $name\"; done
        echo text | fanlane sem --id x --fg --pipe cat";
    assert_eq!(printed(script), "a\nb\ntext\n");
}

#[test]
fn what_has_no_meaning_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    for (words, part) in [
        (&["sem"][..], "COMMAND"),
        (&["sem", "--wait", "echo"], "--wait"),
        (&["sem", "--fg", "--bg", "echo"], "--bg"),
        (&["sem", "--st", "nan", "echo"], "takes a number of seconds"),
    ] {
        let ended = start::run_in(words, folder.path());
        assert!(ended.code == Some(2) && ended.err.contains(part), "{words:?}: {ended:?}");
    }
}
