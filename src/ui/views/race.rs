//! The page Race: whether a pool is worth it. At the top a race is set up and started; below are its verdict and the views
//! that explain it.

mod chunk_sizes;
mod digest;
mod lanes;
mod losses;
mod pep371;
mod scaling;
mod setup;
mod standings;
mod times;
mod what_if;

use egui::text::{LayoutJob, TextFormat};
use egui::{Align, Button, Frame, Layout, Margin, RichText, ScrollArea, TextStyle, Ui, UiBuilder};
use egui_material_icons::icons::ICON_SPORTS_SCORE;

use crate::session::{Page, Session};
use crate::ui::cut_label::cut_label;
use crate::ui::part::right_end_ui;
use crate::ui::request::Requests;
use crate::ui::sanitize;
use crate::ui::theme;
use crate::ui::widgets::empty_state_ui;
use crate::ui::{PageTab, PageView};
use fanlane_core::job::Mode;
use fanlane_core::model::race::RaceModel;

use digest::Digest;
use lanes::LanesView;
use what_if::WhatIfView;

/// Height below the verdict that is too low for a line of its own for the machine, in points.
const LOW: f32 = 480.0;

/// A view of a race.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tab {
    #[default]
    Times,
    Scaling,
    Losses,
    Lanes,
    WhatIf,
    Chunks,
    Wall,
}

impl Tab {
    const ALL: [Self; 7] =
        [Self::Times, Self::Scaling, Self::Losses, Self::Lanes, Self::WhatIf, Self::Chunks, Self::Wall];

    const fn name(self) -> &'static str {
        match self {
            Self::Times => "Times",
            Self::Scaling => "Scaling",
            Self::Losses => "Losses",
            Self::Lanes => "Lanes",
            Self::WhatIf => "What if",
            Self::Chunks => "Chunk size",
            Self::Wall => "PEP 371",
        }
    }

    const fn explanation(self) -> &'static str {
        match self {
            Self::Times => "Progress of the runs, and time and memory of each contender",
            Self::Scaling => "Speed-up by number of workers, against the ideal and the laws of scaling",
            Self::Losses => "Where the time went, from ideal to measured",
            Self::Lanes => "What each worker did in two runs, on one axis of time",
            Self::WhatIf => "How long the same tasks would take with another pool size, chunk size or order",
            Self::Chunks => "Wall time by chunk size, the number of tasks per message",
            Self::Wall => "The six workloads of PEP 371, which introduced multiprocessing: in 2008 and here",
        }
    }
}

/// The page Race.
#[derive(Default)]
pub struct RaceView {
    tab: Tab,
    digest: Option<Digest>,
    beside: Option<Digest>,
    lanes: LanesView,
    what_if: WhatIfView,
}

impl PageView for RaceView {
    fn tab(&self) -> PageTab {
        PageTab {
            page: Page::RACE,
            icon: ICON_SPORTS_SCORE,
            explanation: "Compare one process, threads and pools of several sizes",
        }
    }

    fn show_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        setup::setup_ui(ui, session, requests);
        ui.add_space(theme::HALF);
        self.refresh(session);
        if let Some(digest) = &self.digest {
            verdict_ui(ui, digest);
            ui.add_space(theme::HALF);
        }
        self.tabs_ui(ui, session, requests);
        let room = ui.available_rect_before_wrap();
        ui.painter().rect_filled(room, 2 * theme::RADIUS, theme::palette(ui).sunken);
        let builder = UiBuilder::new().max_rect(room).layout(Layout::top_down(Align::Min));
        ui.scope_builder(builder, |ui| {
            Frame::new().inner_margin(Margin::symmetric(theme::UNIT as i8 + 4, theme::UNIT as i8)).show(ui, |ui| {
                ui.set_min_size(ui.available_size());
                self.contents_ui(ui, session, requests);
            });
        });
    }
}

impl RaceView {
    /// Works the figures out again only when a run has ended, not for each frame.
    fn refresh(&mut self, session: &Session) {
        self.digest = session.race.shown().map(|race| {
            let model = race.model();
            self.digest
                .take()
                .filter(|digest| digest.is_of(race.serial, &model))
                .unwrap_or_else(|| Digest::of(race.serial, &model))
        });
        self.beside = session.race.comparison().map(|(_, model)| {
            let is_same = |digest: &Digest| digest.is_of(0, model) && digest.is_about(model);
            self.beside.take().filter(is_same).unwrap_or_else(|| Digest::of(0, model))
        });
    }

    fn tabs_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = theme::HALF / 2.0;
            for tab in Tab::ALL {
                let button = Button::selectable(self.tab == tab, tab.name());
                let response = ui.add(button).on_hover_text(tab.explanation());
                if response.accessible_name(format!("View {}", tab.name())).clicked() {
                    self.tab = tab;
                }
            }
            let narrow = ui.available_width() < setup::WIDE_FILES;
            right_end_ui(ui, "races", |ui| {
                ui.spacing_mut().item_spacing.x = theme::UNIT;
                setup::files_ui(ui, session, narrow, requests);
            });
        });
    }

    fn contents_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        if self.tab == Tab::Wall {
            let obstacle = session.pep371_obstacle();
            let model = session.race.shown().map(|race| race.model());
            let model = model.as_deref().filter(|model| digest::is_wall(model));
            return pep371::wall_ui(ui, model, obstacle, requests);
        }
        let (Some(race), Some(digest)) = (session.race.shown(), &self.digest) else {
            let how = "the tasks run in each mode and pool size chosen above, in turns, several times each. Their times \
                       are compared here.";
            let advice = match session.race_obstacle() {
                Some(obstacle) => format!("{obstacle} In a race {how}"),
                None => format!("Press Race: {how}"),
            };
            empty_state_ui(ui, ICON_SPORTS_SCORE, "No race yet", &sanitize::line(advice.as_bytes()));
            return;
        };
        let model = race.model();
        if digest::is_wall(&model) {
            empty_state_ui(ui, ICON_SPORTS_SCORE, "Six workloads at once", "This race is shown in the view PEP 371.");
            return;
        }
        let beside = self.beside.as_ref().zip(session.race.comparison().map(|(_, model)| model));
        match self.tab {
            Tab::Times => {
                let room = ui.available_height();
                scrolled_ui(ui, |ui| times::times_ui(ui, &model, digest, beside, room));
            }
            Tab::Scaling => scaling::scaling_ui(ui, &model, digest, beside),
            Tab::Losses => scrolled_ui(ui, |ui| losses::losses_ui(ui, &model, digest)),
            Tab::Lanes => self.lanes.show_ui(ui, &model, beside.map(|(_, model)| model)),
            Tab::WhatIf => self.what_if.show_ui(ui, &model, digest),
            Tab::Chunks => chunk_sizes::chunk_sizes_ui(ui, &model),
            Tab::Wall => {}
        }
    }
}

fn scrolled_ui(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical().auto_shrink(false).show(ui, contents);
}

fn verdict_ui(ui: &mut Ui, digest: &Digest) {
    let palette = theme::palette(ui);
    let sample = digest.sample.as_ref().map_or_else(String::new, |sample| format!(" Measured {sample}."));
    let sentence = RichText::new(format!("{}{sample}", digest.verdict.sentence))
        .text_style(theme::title_style())
        .color(palette.text_strong);
    ui.add(egui::Label::new(sentence).wrap());
    let doubts = digest.verdict.doubts.join(" ");
    let small = TextFormat::simple(TextStyle::Small.resolve(ui.style()), palette.warning);
    let evidence = TextFormat { color: palette.text_weak, ..small.clone() };
    let line = |ui: &mut Ui, parts: &[(&str, &TextFormat)]| {
        let mut job = LayoutJob::default();
        for (words, format) in parts.iter().filter(|(words, _)| !words.is_empty()) {
            let space = if job.is_empty() { 0.0 } else { theme::UNIT };
            job.append(words, space, (*format).clone());
        }
        if !job.is_empty() {
            let whole = job.text.clone();
            // One line; the tooltip has the whole text.
            ui.add(cut_label(job)).on_hover_text(whole);
        }
    };
    if ui.available_height() < LOW {
        return line(ui, &[(&doubts, &small), (&digest.evidence, &evidence)]);
    }
    line(ui, &[(&doubts, &small)]);
    line(ui, &[(&digest.evidence, &evidence)]);
}

/// How a contender is drawn: a colour for each size, dashed for threads.
struct Look {
    color: egui::Color32,
    dashed: bool,
}

impl Look {
    fn of(ui: &Ui, model: &RaceModel, place: usize) -> Self {
        let palette = theme::palette(ui);
        let Some(one) = model.contenders().get(place) else { return Self { color: palette.edge, dashed: false } };
        let mut sizes: Vec<u32> =
            model.contenders().iter().filter(|one| one.mode != Mode::One).map(|one| one.workers).collect();
        sizes.sort_unstable();
        sizes.dedup();
        let size = sizes.iter().position(|size| *size == one.workers).unwrap_or(0);
        // The last colour of the series is plain: it is for one process.
        let sized = palette.series.len() - 1;
        let color = if one.mode == Mode::One { palette.line(sized) } else { palette.line(size % sized) };
        Self { color, dashed: one.mode == Mode::Threads }
    }
}

/// Times on axes and in read-outs.
fn secs_words(secs: f64) -> String {
    // Nothing has no unit.
    if secs == 0.0 {
        return "0".to_owned();
    }
    fanlane_core::model::race::secs_words(secs)
}

/// The name of a race in a comparison: its machine, or its job if the machine has no name, and its day.
fn race_name(model: &RaceModel) -> String {
    let Some(header) = &model.header else { return String::new() };
    let evidence = &header.evidence;
    let date = crate::ui::widgets::quantity::day(evidence.started_unix_ms);
    if evidence.host.is_empty() { format!("{} {date}", header.name) } else { format!("{} {date}", evidence.host) }
}
