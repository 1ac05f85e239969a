//! The choice of what runs the next batch: this machine or the place of a profile. Where there is no other, nothing is shown.

use egui::{Button, ComboBox, Ui};

use super::request::Requests;
use super::sanitize;
use super::theme;
use crate::session::{Command, Session};
use fanlane_core::engine::EngineChoice;
use fanlane_core::store::engine_profiles::EngineOffer;

/// Width of the choice, in points.
const WIDTH: f32 = 10.0 * theme::UNIT;

/// Draws the choice; returns whether there is one.
pub fn engine_choice_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) -> bool {
    let offers = session.engines.offers();
    let chosen = session.engines.chosen();
    if offers.is_empty() && *chosen == EngineChoice::Local {
        return false;
    }
    let words = sanitize::command(&chosen.words());
    let combo = ComboBox::from_id_salt("engine").selected_text(words.as_str()).width(WIDTH).truncate();
    let combo = combo.show_ui(ui, |ui| {
        for offer in offers {
            offer_ui(ui, session, offer, requests);
        }
    });
    if combo.response.clicked() {
        requests.command(Command::ListEngines);
    }
    let hint = format!("{words}\nWhat runs the next run: this machine, or a place that a profile describes");
    combo.response.on_hover_text(hint).accessible_name(format!("Engine: {words}"));
    true
}

fn offer_ui(ui: &mut Ui, session: &Session, offer: &EngineOffer, requests: &mut Requests) {
    let words = sanitize::command(&offer.words);
    let about = sanitize::command(&offer.about);
    let obstacle = match &offer.choice {
        Some(choice) => session.engine_obstacle(choice).map(|obstacle| sanitize::command(&obstacle)),
        None => Some(about.clone()),
    };
    let is_chosen = offer.choice.as_ref() == Some(session.engines.chosen());
    let button = ui.add_enabled(obstacle.is_none(), Button::selectable(is_chosen, words.as_str()));
    let spoken = format!("Engine {words}: {}", obstacle.as_ref().unwrap_or(&about));
    let button = button.on_hover_text(&about).on_disabled_hover_text(obstacle.unwrap_or_default());
    if button.accessible_name(spoken).clicked()
        && let Some(choice) = &offer.choice
    {
        requests.command(Command::SetEngine(choice.clone()));
        ui.close();
    }
}
