//! The window driven through its accessibility tree, on sessions made by hand: no display, no process.

#[path = "support/canned.rs"]
mod canned;
#[path = "support/picture_renderer.rs"]
mod picture_renderer;

use canned::{FakeEngine, session, session_with_run};
use egui_kittest::Harness;
use fanlane::session::Session;
use fanlane::ui::FanlaneApp;

fn window<'a>(session: Session, size: [f32; 2]) -> Harness<'a, FanlaneApp> {
    let mut harness = Harness::builder()
        .with_size(size)
        .with_max_steps(20)
        .renderer(picture_renderer::PictureRenderer::default())
        .build_eframe(|cc| FanlaneApp::with_session(&cc.egui_ctx, session));
    harness.run_steps(4);
    harness
}

#[test]
#[ignore = "writes pictures to look at"]
fn pictures() {
    use fanlane::session::{Command, Page};
    let folder = std::path::Path::new("/tmp/app-pictures");
    std::fs::create_dir_all(folder).expect("a folder");
    for size in [[1024.0, 640.0], [1920.0, 1080.0]] {
        for dark in [true, false] {
            for page in Page::ALL {
                let mut session = session_with_run(&FakeEngine::default(), true);
                session.handle(Command::Show(page));
                session.handle(Command::SelectTask(Some(fanlane::event::TaskId(6))));
                let mut harness = window(session, size);
                harness.ctx.set_theme(if dark { eframe::egui::Theme::Dark } else { eframe::egui::Theme::Light });
                harness.run_steps(4);
                let name = format!("{page:?}-{}-{}.png", size[0], if dark { "dark" } else { "light" });
                harness.render().expect("a picture").save(folder.join(name)).expect("saved");
            }
        }
    }
}
