//! A page that only this test has: it is shown, named and reached by its key like every other.

use eframe::egui::Ui;
use eframe::egui::{Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use egui_material_icons::icons::ICON_SPEED;
use fanlane::session::{Command, Page, Session};
use fanlane::ui::{FanlaneApp, PageTab, PageView, Requests};

use super::canned::{FakeEngine, session};
use super::driver::{SMALLEST, click, press, shown};

const PAGE: Page = Page::new("Pulse");

#[derive(Default)]
struct PulseView {
    frames: u64,
}

impl PageView for PulseView {
    fn tab(&self) -> PageTab {
        PageTab { page: PAGE, icon: ICON_SPEED, explanation: "Whether the window is alive" }
    }

    fn show_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        self.frames += 1;
        ui.label(format!("{} frames", self.frames));
        ui.label(format!("{} presets", session.presets.built_in().len()));
        if ui.button("Leave").clicked() {
            requests.command(Command::Show(Page::JOB));
        }
    }
}

#[test]
fn a_page_more_needs_a_view_and_its_place_in_the_table() {
    let session = session(&FakeEngine::default());
    let mut window = Harness::builder()
        .with_size(SMALLEST)
        .build_eframe(|cc| FanlaneApp::with_session(&cc.egui_ctx, session).with_page(Box::<PulseView>::default()));
    window.run_steps(4);
    click(&mut window, "Page Pulse");
    assert_eq!(shown(&window).page(), PAGE);
    assert!(window.query_by_label_contains("frames").is_some());
    click(&mut window, "Leave");
    assert_eq!(shown(&window).page(), Page::JOB);
    press(&mut window, Modifiers::COMMAND, Key::Num7);
    assert_eq!(shown(&window).page(), PAGE);
    press(&mut window, Modifiers::NONE, Key::F1);
    assert!(window.query_by_label("Show the page Pulse").is_some());
}
