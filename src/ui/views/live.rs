//! stand-in
use crate::session::Session;
use crate::ui::request::Requests;
/// stand-in
#[derive(Default)]
pub struct LiveView {}
impl LiveView {
    /// stand-in
    pub fn show_ui(&mut self, ui: &mut egui::Ui, _session: &Session, _requests: &mut Requests) {
        ui.label("live");
    }
}
