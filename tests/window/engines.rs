//! What runs the next batch, as it is chosen in the bar of the open job.

use std::path::Path;
use std::sync::Arc;

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use fanlane::session::{Command, JobDraft, Session, SessionOptions};
use fanlane_core::host::DetachedRuns;
use fanlane_core::job::{Control, Input, Job, Mode, TaskTemplate};
use fanlane_core::store::engine_profiles::EngineProfiles;

use super::background::PROGRAM;
use super::canned::FakeEngine;
use super::driver::{self, Window, fresh, handle, shown, until};

fn job() -> Job {
    Job {
        name: "Numbers".to_owned(),
        task: TaskTemplate::Command("echo {}".to_owned()),
        inputs: vec![Input::Range(1, 6)],
        workers: Some(2),
        ..Job::default()
    }
}

fn window<'a>(folder: &Path) -> Window<'a> {
    let profiles = folder.join("engines");
    std::fs::create_dir(&profiles).expect("made");
    // It logs in nowhere, but has its home there.
    let ssh = folder.join("ssh");
    let text = format!("for last; do :; done\nexec env -i HOME={} PATH=\"$PATH\" sh -c \"$last\"\n", folder.display());
    std::fs::write(&ssh, text).expect("written");
    for (name, text) in [
        ("big.ron", "Slurm(partition: \"big\")".to_owned()),
        ("lab.ron", format!("Ssh(hosts: [\"2/ada\"], ssh: [\"sh\", {ssh:?}])")),
        ("typo.ron", "Slurm(partitoin: \"big\")".to_owned()),
    ] {
        std::fs::write(profiles.join(name), text).expect("written");
    }
    let options = SessionOptions {
        engines: Some(EngineProfiles::open(profiles)),
        detached: Some(DetachedRuns::in_folder(PROGRAM.into(), folder.join("runtime"))),
        history: Some(folder.join("history")),
        folder: folder.to_owned(),
        ..SessionOptions::in_memory(FakeEngine::default().engine())
    };
    let mut session = Session::new(options, Arc::new(|| {}));
    session.edit(|draft| *draft = JobDraft::from_job(&job()));
    let mut window = driver::window(session);
    until(&mut window, "the preview", |session| session.run_obstacle().is_none());
    window
}

fn open(window: &mut Window<'_>, chosen: &str) {
    window.get_by_role_and_label(Role::ComboBox, &format!("Engine: {chosen}")).click();
    window.run_steps(4);
    window.check_accessibility();
}

/// Whether an engine is offered, by the beginning of what is said of it; `None`: it is not listed.
fn is_offered(window: &Window<'_>, words: &str) -> Option<bool> {
    window
        .query_by(|node| node.label().is_some_and(|label| label.starts_with(words)))
        .map(|node| !node.accesskit_node().is_disabled())
}

#[test]
fn a_place_is_chosen_in_the_bar_and_runs_the_batch() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path());
    open(&mut window, "local");
    let typo = "Engine typo: cannot be used: ";
    assert_eq!(is_offered(&window, typo), Some(false), "a profile with a mistake says so");
    assert_eq!(is_offered(&window, "Engine slurm:big: Slurm: partition big"), Some(true));
    let lab = "Engine ssh:lab: ssh: 2/ada";
    window.get_by(|node| node.label().as_deref() == Some(lab)).click();
    window.run_steps(4);
    assert_eq!(shown(&window).engines.chosen().words(), "ssh:lab");
    window.key_press_modifiers(Modifiers::COMMAND, Key::Enter);
    until(&mut window, "the end", |session| {
        !session.is_running() && session.run.current().is_some_and(|run| run.model().progress.counts.done == 6)
    });
    {
        let model = shown(&window).run.current().expect("it is shown").model();
        assert!(model.lanes.lanes().iter().all(|lane| lane.host.as_deref() == Some("ada")), "it has run there");
    }
    // What is removed by hand is no choice any more.
    std::fs::remove_file(folder.path().join("engines/lab.ron")).expect("removed");
    open(&mut window, "ssh:lab");
    assert_eq!(shown(&window).engines.chosen().words(), "local");
}

#[test]
fn what_an_engine_cannot_do_is_grey_and_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut window = window(folder.path());
    handle(&mut window, Command::SetMode(Mode::Threads));
    until(&mut window, "the preview", |session| session.run_obstacle().is_none());
    open(&mut window, "local");
    assert_eq!(is_offered(&window, "Engine slurm:big: the engine slurm cannot do mode threads"), Some(false));
    window.key_press(Key::Escape);
    handle(&mut window, Command::SetMode(Mode::Pool));
    let engines = EngineProfiles::open(folder.path().join("engines"));
    handle(&mut window, Command::SetEngine(engines.choose("slurm:big").expect("it is there")));
    assert!(window.get_by_role_and_label(Role::Button, "Mode threads").accesskit_node().is_disabled());
    let control = Control { delay_secs: Some(1.0), ..Control::default() };
    let delayed = JobDraft::from_job(&Job { control, ..job() });
    handle(&mut window, Command::Edit(Box::new(delayed)));
    until(&mut window, "the refusal", |session| {
        session.run_obstacle().is_some_and(|words| words.starts_with("The engine slurm cannot do delay_secs"))
    });
    assert!(window.get_by_role_and_label(Role::Button, "Run").accesskit_node().is_disabled());
}

#[test]
fn without_another_place_there_is_nothing_to_choose() {
    let (window, _) = fresh();
    assert!(window.query_by(|node| node.label().is_some_and(|label| label.starts_with("Engine"))).is_none());
}
