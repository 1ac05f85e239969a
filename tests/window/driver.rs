//! A window without a display, driven through its accessibility tree. Its session is the real one.

use std::time::{Duration, Instant};

use eframe::egui::accesskit::Role;
use eframe::egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use fanlane::session::{Command, JobDraft, Page, Session};
use fanlane::ui::FanlaneApp;

use super::canned::{self, FakeEngine, session, session_with_run};
use super::picture_renderer::PictureRenderer;

pub type Window<'a> = Harness<'a, FanlaneApp>;

/// The smallest window in which everything has its place.
pub const SMALLEST: [f32; 2] = [1024.0, 640.0];

pub fn window<'a>(session: Session) -> Window<'a> {
    sized(session, SMALLEST)
}

pub fn sized<'a>(session: Session, size: [f32; 2]) -> Window<'a> {
    let mut window = Harness::builder()
        .with_size(size)
        .renderer(PictureRenderer::default())
        .build_eframe(|cc| FanlaneApp::with_session(&cc.egui_ctx, session));
    window.run_steps(4);
    window
}

pub fn fresh<'a>() -> (Window<'a>, FakeEngine) {
    let engine = FakeEngine::default();
    (window(session(&engine)), engine)
}

pub fn with_cubes<'a>() -> (Window<'a>, FakeEngine) {
    let engine = FakeEngine::default();
    let mut session = session(&engine);
    session.edit(|draft| *draft = JobDraft::from_job(&canned::cubes()));
    (window(session), engine)
}

pub fn with_run<'a>(page: Page) -> (Window<'a>, FakeEngine) {
    let engine = FakeEngine::default();
    let mut session = session_with_run(&engine, true);
    session.handle(Command::Show(page));
    (window(session), engine)
}

pub fn shown<'a>(window: &'a Window<'_>) -> &'a Session {
    window.state().session()
}

pub fn click(window: &mut Window<'_>, label: &str) {
    window.get_by_role_and_label(Role::Button, label).click();
    window.run_steps(4);
    window.check_accessibility();
}

pub fn press(window: &mut Window<'_>, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.run_steps(4);
}

/// Replaces what stands in a field.
pub fn type_into(window: &mut Window<'_>, label: &str, text: &str) {
    let field = |window: &Window<'_>| {
        let roles = [Role::TextInput, Role::MultilineTextInput, Role::SpinButton];
        window.get_by(|node| roles.contains(&node.role()) && node.label().as_deref() == Some(label)).focus();
    };
    field(window);
    window.run_steps(2);
    window.key_press_modifiers(Modifiers::COMMAND, Key::A);
    window.run_steps(2);
    window.get_by(|node| node.is_focused() && node.role() != Role::Window).type_text(text);
    window.run_steps(4);
}

/// Clicks on what may have to be scrolled to.
pub fn reach(window: &mut Window<'_>, role: Role, label: &str) {
    let find = |window: &Window<'_>, then: fn(&egui_kittest::Node<'_>)| {
        let begins = |node: &egui_kittest::kittest::AccessKitNode<'_>| {
            node.role() == role && node.label().is_some_and(|words| words.starts_with(label))
        };
        then(&window.get_by(begins));
    };
    find(window, |node| node.scroll_to_me());
    window.run_steps(20);
    find(window, |node| node.click());
    // A part opens over some frames.
    window.run_steps(20);
    window.check_accessibility();
}

/// Opens an example, by the line in the side bar and its card.
pub fn open_example(window: &mut Window<'_>, name: &str) {
    reach(window, Role::Button, "Examples…");
    reach(window, Role::Button, &format!("Example {name}"));
}

pub fn unfold(window: &mut Window<'_>, section: &str) {
    reach(window, Role::DisclosureTriangle, section);
}

/// Lets frames pass until something is so; only the session's own threads are waited for.
pub fn until(window: &mut Window<'_>, what: &str, is_so: impl Fn(&Session) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so(shown(window)) {
        assert!(Instant::now() < deadline, "waited in vain: {what}; {:?}", shown(window).notices.all());
        window.run_steps(1);
    }
    window.run_steps(4);
    window.check_accessibility();
}

/// What no click asks for.
pub fn handle(window: &mut Window<'_>, command: impl Into<Command>) {
    window.state_mut().session_mut().handle(command);
    window.run_steps(4);
    window.check_accessibility();
}
