//! The pages of the window: what a page is, the table of all pages, and their tabs.
//!
//! A new page is a file with a [`PageView`] and a line in the table.

use egui::{Button, Key, RichText, Ui};
use egui_material_icons::MaterialIcon;
use egui_material_icons::icons::{ICON_CONTRAST, ICON_KEYBOARD, ICON_SEARCH};

use crate::session::{Command, MotionChoice, Page, Session, ThemeChoice};

use super::action::{Action, Shortcut};
use super::icon_button::{icon_text, small_icon_button};
use super::part::right_end_ui;
use super::request::Requests;
use super::theme;
use super::views::job::JobView;
use super::views::live::LiveView;
use super::views::race::RaceView;
use super::views::results::ResultsView;
use super::views::runs::RunsView;
use super::views::shared::SharedView;

/// The tab of a page.
pub struct PageTab {
    /// The page, whose title is the label.
    pub page: Page,
    /// The icon.
    pub icon: MaterialIcon,
    /// The tooltip: what the page shows.
    pub explanation: &'static str,
}

/// A page of the window. It reads the session and requests changes; its own state is that of the view.
pub trait PageView {
    /// Its tab.
    fn tab(&self) -> PageTab;

    /// Draws the page.
    fn show_ui(&mut self, ui: &mut Ui, session: &Session, requests: &mut Requests);

    /// Focuses its first field, if it has one, when it is drawn next.
    fn focus_first(&mut self) {}

    /// Focuses its search field, if it has one, when it is drawn next.
    fn focus_search(&mut self) {}

    /// Opens the bar that finds a text in what it shows, if it has one.
    fn find(&mut self) {}

    /// Closes what was opened over its contents, such as that bar; true if there was something.
    fn dismiss(&mut self) -> bool {
        false
    }
}

/// The pages, in the order of their tabs.
pub struct Pages(Vec<Box<dyn PageView>>);

impl Default for Pages {
    /// The table of all pages.
    fn default() -> Self {
        Self(vec![
            Box::<JobView>::default(),
            Box::<LiveView>::default(),
            Box::<ResultsView>::default(),
            Box::new(SharedView),
            Box::<RaceView>::default(),
            Box::<RunsView>::default(),
        ])
    }
}

/// The menu with theme, size and motion.
fn view_ui(ui: &mut Ui, session: &Session, requests: &mut Requests) {
    let menu = ui.menu_button(icon_text(ICON_CONTRAST), |ui| {
        let heading = |ui: &mut Ui, words: &str| {
            ui.label(RichText::new(words).small().color(theme::palette(ui).text_weak));
        };
        let mut entry = |ui: &mut Ui, is_chosen, words: &str, spoken: String, command| {
            if ui.add(Button::selectable(is_chosen, words)).accessible_name(spoken).clicked() {
                requests.command(command);
                ui.close();
            }
        };
        heading(ui, "Theme");
        for theme in ThemeChoice::ALL {
            let spoken = format!("Theme {}", theme.name());
            entry(ui, session.theme() == theme, theme.name(), spoken, Command::SetTheme(theme));
        }
        heading(ui, "Motion");
        for motion in MotionChoice::ALL {
            let spoken = format!("Motion {}", motion.name());
            entry(ui, session.motion() == motion, motion.name(), spoken, Command::SetMotion(motion));
        }
        heading(ui, &format!("Size: {}", session.scale()));
        for action in [Action::ZoomIn, Action::ZoomOut, Action::ZoomReset] {
            let key = action.shortcut().map(|shortcut| shortcut.to_string()).unwrap_or_default();
            let button = ui.add(Button::new(action.text()).shortcut_text(key).frame_when_inactive(false));
            if button.accessible_name(action.text()).clicked() {
                requests.action(action);
            }
        }
    });
    menu.response.on_hover_text("Theme, motion and size of the window").accessible_name("View");
}

/// Where the id of a page's tab is kept.
fn tab_id(page: Page) -> egui::Id {
    egui::Id::unique(("tab", page.title()))
}

impl Pages {
    /// Puts the focus on the tab of a page.
    pub fn focus_tab(&self, ctx: &egui::Context, page: Page) {
        if let Some(id) = ctx.data(|data| data.get_temp::<egui::Id>(tab_id(page))) {
            ctx.memory_mut(|memory| memory.request_focus(id));
        }
    }

    /// A tab has the focus.
    pub fn has_focus(&self, ctx: &egui::Context) -> bool {
        let focused = ctx.memory(|memory| memory.focused());
        let id_of = |page| ctx.data(|data| data.get_temp::<egui::Id>(tab_id(page)));
        focused.is_some() && self.0.iter().any(|view| id_of(view.tab().page) == focused)
    }

    /// Adds a page at the end.
    pub fn add(&mut self, view: Box<dyn PageView>) {
        self.0.push(view);
    }

    /// The pages with their shortcuts: Ctrl and the number of the tab, for the first nine.
    pub fn iter(&self) -> impl Iterator<Item = (&dyn PageView, Option<Shortcut>)> {
        const DIGITS: [Key; 9] =
            [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];
        let digits = DIGITS.into_iter().map(|key| Some(Shortcut::ctrl(key))).chain(std::iter::repeat(None));
        self.0.iter().map(|view| &**view).zip(digits)
    }

    /// The view of a page.
    pub fn view_mut(&mut self, page: Page) -> Option<&mut (dyn PageView + 'static)> {
        self.0.iter_mut().find(|view| view.tab().page == page).map(|view| &mut **view)
    }

    /// Draws the tabs.
    pub fn tabs_ui(&self, ui: &mut Ui, session: &Session, requests: &mut Requests) {
        ui.horizontal(|ui| {
            for (view, shortcut) in self.iter() {
                let PageTab { page, icon, explanation } = view.tab();
                let words = RichText::new(page.title()).text_style(theme::title_style());
                let tab = Button::selectable(session.page() == page, (icon_text(icon), words));
                let tab = ui.push_id(tab_id(page), |ui| ui.add(tab)).inner;
                ui.data_mut(|data| data.insert_temp(tab_id(page), tab.id));
                let tab = tab.on_hover_text(Shortcut::hint(shortcut, explanation));
                if tab.accessible_name(format!("Page {}", page.title())).clicked() {
                    requests.command(Command::Show(page));
                }
            }
            right_end_ui(ui, "view", |ui| {
                view_ui(ui, session, requests);
                if small_icon_button(ui, ICON_SEARCH, "Commands (Ctrl+P)").clicked() {
                    requests.action(Action::Palette);
                }
                if small_icon_button(ui, ICON_KEYBOARD, "Keyboard shortcuts (F1)").clicked() {
                    requests.action(Action::Keys);
                }
            });
        });
    }
}
