//! The colours of the dark and the light theme. Outcomes keep the hues of Okabe and Ito's set, which differ for every
//! kind of colour vision, shifted in lightness until they stand out from the panel as well.

use egui::Color32;

use fanlane_core::event::OutcomeClass;

/// Every colour of one theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// It is the dark one.
    pub dark: bool,
    /// Background of the window.
    pub panel: Color32,
    /// Background of plots and text fields.
    pub sunken: Color32,
    /// Background of every other row.
    pub stripe: Color32,
    /// Background of buttons and cards.
    pub raised: Color32,
    /// Background of a button under the pointer.
    pub hovered: Color32,
    /// Background of what is selected.
    pub selected: Color32,
    /// Lines that separate.
    pub border: Color32,
    /// Edges that must be seen, and marks of axes.
    pub edge: Color32,
    /// Lines behind plots.
    pub grid: Color32,
    /// Usual text.
    pub text: Color32,
    /// Titles and what matters.
    pub text_strong: Color32,
    /// Captions, units, axes.
    pub text_weak: Color32,
    /// The one accent: the main action, focus, and what is running.
    pub accent: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// The accent as text.
    pub accent_text: Color32,
    /// Text of a warning.
    pub warning: Color32,
    /// Text of an error.
    pub error: Color32,
    /// The idle time of a worker.
    pub idle: Color32,
    /// Tasks that wait, in plots.
    pub queued: Color32,
    /// Shadows of windows and menus.
    pub shadow: Color32,
    /// A task that is done, in the lanes: calm, so that the others are seen.
    pub done_bar: Color32,
    /// An attempt that another followed, in the lanes.
    pub retried_bar: Color32,
    outcomes: [Color32; 5],
    outcome_texts: [Color32; 5],
    /// Lines with a legend, as in a race.
    pub series: [Color32; 6],
}

impl Palette {
    /// The colour of an outcome for bars, icons and lines.
    pub const fn outcome(&self, class: OutcomeClass) -> Color32 {
        self.outcomes[index(class)]
    }

    /// The colour of an outcome for text.
    pub const fn outcome_text(&self, class: OutcomeClass) -> Color32 {
        self.outcome_texts[index(class)]
    }

    /// The colour of the `index`th line; it repeats after six, so a legend must name the lines.
    pub const fn line(&self, index: usize) -> Color32 {
        self.series[index % self.series.len()]
    }
}

const fn index(class: OutcomeClass) -> usize {
    match class {
        OutcomeClass::Done => 0,
        OutcomeClass::Failed => 1,
        OutcomeClass::TimedOut => 2,
        OutcomeClass::Cancelled => 3,
        OutcomeClass::Lost => 4,
    }
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// The dark theme.
pub const DARK: Palette = Palette {
    dark: true,
    panel: rgb(0x181b20),
    sunken: rgb(0x101216),
    stripe: rgb(0x1d2127),
    raised: rgb(0x262b33),
    hovered: rgb(0x333a44),
    selected: rgb(0x1c4666),
    border: rgb(0x333943),
    edge: rgb(0x7c8593),
    grid: rgb(0x2b313a),
    text: rgb(0xd6dae1),
    text_strong: rgb(0xf4f6f9),
    text_weak: rgb(0xa2aab6),
    accent: rgb(0x56b4e9),
    on_accent: rgb(0x061a28),
    accent_text: rgb(0x7cc6f0),
    warning: rgb(0xf0bc5a),
    error: rgb(0xff8f66),
    idle: rgb(0x22272e),
    queued: rgb(0x9aa3b0),
    shadow: Color32::from_black_alpha(110),
    done_bar: rgb(0x3b8a6d),
    retried_bar: rgb(0xb5734e),
    outcomes: [rgb(0x1bb87a), rgb(0xe2560c), rgb(0xf0d650), rgb(0x7c828b), rgb(0xe096d2)],
    outcome_texts: [rgb(0x3fc298), rgb(0xff8f66), rgb(0xf0d650), rgb(0xc8ced8), rgb(0xe6a8da)],
    series: [rgb(0x56b4e9), rgb(0xe69f00), rgb(0x1bb87a), rgb(0xcc79a7), rgb(0xf0e442), rgb(0xdce2eb)],
};

/// The light theme.
pub const LIGHT: Palette = Palette {
    dark: false,
    panel: rgb(0xf7f8fa),
    sunken: rgb(0xffffff),
    stripe: rgb(0xf0f2f5),
    raised: rgb(0xe6e9ee),
    hovered: rgb(0xd9dee5),
    selected: rgb(0xbfddf2),
    border: rgb(0xd3d8df),
    edge: rgb(0x747c88),
    grid: rgb(0xe4e7ec),
    text: rgb(0x272d37),
    text_strong: rgb(0x0c1016),
    text_weak: rgb(0x545c68),
    accent: rgb(0x006cab),
    on_accent: rgb(0xffffff),
    accent_text: rgb(0x005f97),
    warning: rgb(0x7d5200),
    error: rgb(0xa82b08),
    idle: rgb(0xeef0f4),
    queued: rgb(0x6d7684),
    shadow: Color32::from_black_alpha(36),
    done_bar: rgb(0x4f8c7b),
    retried_bar: rgb(0xb06a52),
    outcomes: [rgb(0x009b7c), rgb(0xb9220f), rgb(0xb47810), rgb(0x545a63), rgb(0xaa3e9e)],
    outcome_texts: [rgb(0x006b50), rgb(0xa82b08), rgb(0x7d5200), rgb(0x484f59), rgb(0x8a2a80)],
    series: [rgb(0x0072b2), rgb(0xb9220f), rgb(0x008a6c), rgb(0xaa3e9e), rgb(0x9a6a00), rgb(0x545a63)],
};
