//! The colours of the dark and the light theme. Outcomes keep the hues of Okabe and Ito's set, which differ for every
//! kind of colour vision, shifted in lightness until they stand out from the panel as well.

use egui::Color32;

use crate::event::OutcomeClass;

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
    /// Where a worker lives and does nothing.
    pub idle: Color32,
    /// Tasks that wait, in plots.
    pub queued: Color32,
    /// Shadows of windows and menus.
    pub shadow: Color32,
    outcomes: [Color32; 5],
    outcome_texts: [Color32; 5],
    /// Lines that are told apart by name, as in a race.
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
    panel: rgb(0x18_1b_20),
    sunken: rgb(0x10_12_16),
    stripe: rgb(0x1d_21_27),
    raised: rgb(0x26_2b_33),
    hovered: rgb(0x33_3a_44),
    selected: rgb(0x1c_46_66),
    border: rgb(0x33_39_43),
    edge: rgb(0x7c_85_93),
    grid: rgb(0x2b_31_3a),
    text: rgb(0xd6_da_e1),
    text_strong: rgb(0xf4_f6_f9),
    text_weak: rgb(0xa2_aa_b6),
    accent: rgb(0x56_b4_e9),
    on_accent: rgb(0x06_1a_28),
    accent_text: rgb(0x7c_c6_f0),
    warning: rgb(0xf0_bc_5a),
    error: rgb(0xff_8f_66),
    idle: rgb(0x22_27_2e),
    queued: rgb(0x9a_a3_b0),
    shadow: Color32::from_black_alpha(110),
    outcomes: [rgb(0x15_9f_75), rgb(0xf6_4e_00), rgb(0xe6_b8_4e), rgb(0xdc_e2_eb), rgb(0xb0_5d_c3)],
    outcome_texts: [rgb(0x3f_c2_98), rgb(0xff_8f_66), rgb(0xe6_b8_4e), rgb(0xc8_ce_d8), rgb(0xd3_98_e2)],
    series: [rgb(0x56_b4_e9), rgb(0xe6_9f_00), rgb(0x15_9f_75), rgb(0xcc_79_a7), rgb(0xf0_e4_42), rgb(0xdc_e2_eb)],
};

/// The light theme.
pub const LIGHT: Palette = Palette {
    dark: false,
    panel: rgb(0xf7_f8_fa),
    sunken: rgb(0xff_ff_ff),
    stripe: rgb(0xf0_f2_f5),
    raised: rgb(0xe6_e9_ee),
    hovered: rgb(0xd9_de_e5),
    selected: rgb(0xbf_dd_f2),
    border: rgb(0xd3_d8_df),
    edge: rgb(0x74_7c_88),
    grid: rgb(0xe4_e7_ec),
    text: rgb(0x27_2d_37),
    text_strong: rgb(0x0c_10_16),
    text_weak: rgb(0x54_5c_68),
    accent: rgb(0x00_6c_ab),
    on_accent: rgb(0xff_ff_ff),
    accent_text: rgb(0x00_5f_97),
    warning: rgb(0x7d_52_00),
    error: rgb(0xa8_2b_08),
    idle: rgb(0xee_f0_f4),
    queued: rgb(0x6d_76_84),
    shadow: Color32::from_black_alpha(36),
    outcomes: [rgb(0x00_9b_7c), rgb(0xb9_22_0f), rgb(0xb4_78_10), rgb(0x54_5a_63), rgb(0xaa_3e_9e)],
    outcome_texts: [rgb(0x00_6b_50), rgb(0xa8_2b_08), rgb(0x7d_52_00), rgb(0x48_4f_59), rgb(0x8a_2a_80)],
    series: [rgb(0x00_72_b2), rgb(0xb9_22_0f), rgb(0x00_8a_6c), rgb(0xaa_3e_9e), rgb(0x9a_6a_00), rgb(0x54_5a_63)],
};
