//! How the window looks by choice: theme, size of everything, motion. Applied when a choice or the desktop's wish changes.

use egui::{Context, Id, Theme};

use crate::session::{MotionChoice, Scale, Session, ThemeChoice};

use super::theme;

/// What is applied.
#[derive(Clone, Copy, PartialEq)]
pub struct Look {
    theme: ThemeChoice,
    scale: Scale,
    /// Nothing slides, fades or blinks, and a run is redrawn seldom.
    pub is_calm: bool,
}

impl Look {
    /// What is chosen in the session, with the wish of the desktop where that is followed.
    pub fn of(ctx: &Context, session: &Session) -> Self {
        let is_calm = match session.motion() {
            MotionChoice::System => ctx.data(|data| data.get_temp(desktop_id())).unwrap_or(false),
            MotionChoice::Full => false,
            MotionChoice::Reduced => true,
        };
        Self { theme: session.theme(), scale: session.scale(), is_calm }
    }

    /// Gives the window this look.
    pub fn apply(self, ctx: &Context) {
        theme::apply(ctx, self.theme);
        theme::set_motion(ctx, !self.is_calm);
        ctx.set_zoom_factor(self.scale.factor());
    }
}

/// Where the desktop's wish for less motion is kept.
fn desktop_id() -> Id {
    Id::unique("desktop wants less motion")
}

/// What the desktop wishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DesktopWish {
    /// A theme.
    Theme(Theme),
    /// Less motion, or the usual.
    LessMotion(bool),
}

impl DesktopWish {
    /// Takes the wish over.
    pub fn take_over(self, ctx: &Context) {
        match self {
            Self::Theme(theme) => ctx.options_mut(|options| options.fallback_theme = theme),
            Self::LessMotion(less) => ctx.data_mut(|data| {
                data.insert_temp(desktop_id(), less);
            }),
        }
        ctx.request_repaint();
    }
}
