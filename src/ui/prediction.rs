//! What is said under the slider of the workers while it is moved: when the job or the run would end, and what was best in a race.

use egui::{Id, Label, Rect, Response, Shape, Stroke, Tooltip, Ui, pos2};

use super::theme;
use super::widgets::announce;
use crate::session::race::Forecast;
use fanlane_core::model::{date, format};

/// How long a prediction is shown after the last step, in seconds.
const SHOWN_SECS: f64 = 4.0;

/// A slider that is being moved.
#[derive(Clone, Copy)]
struct InHand {
    /// The number of workers before.
    from: u32,
    until_secs: f64,
}

/// What the prediction for a number of workers is made by; the error says why there is none.
pub type Predict<'a> = &'a dyn Fn(u32) -> Result<f64, &'static str>;

/// Says when the end is predicted, while `control` is moved by drag or keys from `was` to `workers`; true while it does.
pub fn prediction_ui(ui: &Ui, control: &Response, was: u32, workers: u32, predict: Predict<'_>) -> bool {
    let id = control.id.with("prediction");
    let now_secs = ui.input(|input| input.time);
    let before = ui.data(|data| data.get_temp::<InHand>(id)).filter(|state| now_secs < state.until_secs);
    let moves = control.dragged() || control.changed();
    let state = match before {
        Some(state) if !moves => state,
        None if !moves => return false,
        known => InHand { from: known.map_or(was, |known| known.from), until_secs: now_secs + SHOWN_SECS },
    };
    ui.data_mut(|data| data.insert_temp(id, state));
    ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(state.until_secs - now_secs));
    let words = words(workers, predict(workers), state.from, predict);
    tooltip_ui(ui, id, control.rect, &words);
    true
}

fn tooltip_ui(ui: &Ui, id: Id, anchor: Rect, words: &str) {
    Tooltip::always_open(ui.ctx().clone(), ui.layer_id(), id, anchor).show(|ui| {
        announce(&ui.add(Label::new(words).extend()), false);
    });
}

/// `With 6: about 2 min 10 s, 40 s sooner than with 4`.
fn words(workers: u32, secs: Result<f64, &'static str>, from: u32, predict: Predict<'_>) -> String {
    let secs = match secs {
        Ok(secs) => secs,
        Err(why) => return format!("With {workers}: the end cannot be predicted, {why}"),
    };
    let difference = match predict(from) {
        Ok(before) if from != workers => match before - secs {
            sooner if sooner >= 1.0 => format!(", {} sooner than with {from}", format::estimate(sooner)),
            sooner if sooner <= -1.0 => format!(", {} later than with {from}", format::estimate(-sooner)),
            _ => format!(", no sooner than with {from}"),
        },
        _ => String::new(),
    };
    format!("With {workers}: about {}{difference}", format::estimate(secs.max(1.0)))
}

/// `4 was best in the race of 12 May 2026`, where a race has told; the number comes first, since the end may be cut.
pub fn best_words(forecast: Option<&Forecast>) -> Option<String> {
    let forecast = forecast?;
    Some(format!("{} was best in the race of {}", forecast.knee?, date::local_day(forecast.raced_unix_ms)))
}

/// Marks the best number of workers of a race above the rail of a slider from 1 to `end`.
pub fn best_mark_ui(ui: &Ui, slider: Rect, end: u32, forecast: Option<&Forecast>) {
    let Some(best) = forecast.and_then(|forecast| forecast.knee).filter(|best| *best <= end && end > 1) else { return };
    let rail = slider.x_range().shrink(slider.height() / 2.5);
    let x = rail.min + rail.span() * (best - 1) as f32 / (end - 1) as f32;
    let tip = pos2(x, slider.center().y - theme::HALF - 1.0);
    let corners = vec![tip, pos2(x - theme::HALF, slider.top()), pos2(x + theme::HALF, slider.top())];
    ui.painter().add(Shape::convex_polygon(corners, theme::palette(ui).accent_text, Stroke::NONE));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prediction_says_when_how_much_sooner_and_why_there_is_none() {
        let predict =
            |workers: u32| if workers > 90 { Err("no task has ended yet") } else { Ok(600.0 / f64::from(workers)) };
        let said = |workers, from| words(workers, predict(workers), from, &predict);
        assert_eq!(said(6, 4), "With 6: about 1 min 40 s, 50 s sooner than with 4");
        assert_eq!(said(4, 6), "With 4: about 2 min 30 s, 50 s later than with 6");
        assert_eq!(said(60, 61), "With 60: about 10 s, no sooner than with 61");
        assert_eq!(said(4, 4), "With 4: about 2 min 30 s");
        assert_eq!(said(91, 4), "With 91: the end cannot be predicted, no task has ended yet");
    }
}
