use egui::Rgba;

use super::heat::oklab;
use super::*;

fn luminance(color: Color32) -> f32 {
    let color = Rgba::from(color);
    0.2126 * color.r() + 0.7152 * color.g() + 0.0722 * color.b()
}

fn contrast(a: Color32, b: Color32) -> f32 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn contrast_is_measured_as_the_guideline_does() {
    assert!((contrast(Color32::WHITE, Color32::BLACK) - 21.0).abs() < 0.01);
    assert!((contrast(Color32::from_gray(119), Color32::WHITE) - 4.48).abs() < 0.01);
}

#[test]
fn every_text_can_be_read_on_every_background() {
    for palette in [&DARK, &LIGHT] {
        let backgrounds = [
            ("panel", palette.panel),
            ("sunken", palette.sunken),
            ("stripe", palette.stripe),
            ("raised", palette.raised),
            ("idle", palette.idle),
        ];
        let mut texts = vec![
            ("text", palette.text),
            ("text_strong", palette.text_strong),
            ("text_weak", palette.text_weak),
            ("accent_text", palette.accent_text),
            ("warning", palette.warning),
            ("error", palette.error),
        ];
        texts.extend(OutcomeClass::ALL.map(|class| (class.name(), palette.outcome_text(class))));
        for (text, color) in texts {
            for (background, fill) in backgrounds {
                let ratio = contrast(color, fill);
                assert!(ratio >= 4.5, "{text} on {background}, dark {}: {ratio:.2}", palette.dark);
            }
        }
        for (text, fill) in [
            (palette.on_accent, palette.accent),
            (palette.text_strong, palette.selected),
            (palette.text_strong, palette.hovered),
            (palette.text, palette.selected),
        ] {
            assert!(contrast(text, fill) >= 4.5, "dark {}: {text:?} on {fill:?}", palette.dark);
        }
    }
}

#[test]
fn every_graphic_stands_out_from_its_background() {
    for palette in [&DARK, &LIGHT] {
        let mut graphics = vec![("accent", palette.accent), ("edge", palette.edge), ("queued", palette.queued)];
        graphics.extend(OutcomeClass::ALL.map(|class| (class.name(), palette.outcome(class))));
        graphics.extend([("done bar", palette.done_bar), ("retried bar", palette.retried_bar)]);
        graphics.extend(palette.series.map(|color| ("series", color)));
        for (graphic, color) in graphics {
            for (background, fill) in [("panel", palette.panel), ("sunken", palette.sunken), ("idle", palette.idle)] {
                let ratio = contrast(color, fill);
                assert!(ratio >= 3.0, "{graphic} on {background}, dark {}: {ratio:.2}", palette.dark);
            }
        }
    }
}

// The simulation of Machado, Oliveira and Fernandes for the complete absence of one kind of cone.
const VISIONS: [(&str, [[f32; 3]; 3]); 4] = [
    ("full", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "no red cones",
        [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]],
    ),
    (
        "no green cones",
        [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]],
    ),
    (
        "no blue cones",
        [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]],
    ),
];

fn seen(color: Color32, vision: &[[f32; 3]; 3]) -> [f32; 3] {
    let color = Rgba::from(color);
    let channel = |row: [f32; 3]| (row[0] * color.r() + row[1] * color.g() + row[2] * color.b()).clamp(0.0, 1.0);
    oklab(Rgba::from_rgb(channel(vision[0]), channel(vision[1]), channel(vision[2])).into())
}

fn distance(a: [f32; 3], b: [f32; 3]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
}

#[test]
fn outcomes_differ_for_every_kind_of_colour_vision() {
    for palette in [&DARK, &LIGHT] {
        for (name, vision) in &VISIONS {
            for a in OutcomeClass::ALL {
                for b in OutcomeClass::ALL.into_iter().filter(|&b| b > a) {
                    let apart = distance(seen(palette.outcome(a), vision), seen(palette.outcome(b), vision));
                    assert!(
                        apart > 0.09,
                        "{} and {} with {name}, dark {}: {apart:.3}",
                        a.name(),
                        b.name(),
                        palette.dark
                    );
                }
            }
        }
    }
}

#[test]
fn text_can_be_read_on_every_fill() {
    for palette in [&DARK, &LIGHT] {
        let bars = [palette.accent, palette.done_bar, palette.retried_bar];
        for fill in OutcomeClass::ALL.map(|class| palette.outcome(class)).into_iter().chain(bars) {
            assert!(contrast(on(fill), fill) >= 4.5, "{fill:?}");
        }
    }
}

#[test]
fn what_is_done_is_calmer_in_the_lanes_than_what_failed() {
    for palette in [&DARK, &LIGHT] {
        let colorfulness = |color: Color32| {
            let [_, a, b] = oklab(color);
            a.hypot(b)
        };
        let failed = palette.outcome(OutcomeClass::Failed);
        let [done, retried] = [palette.done_bar, palette.retried_bar].map(colorfulness);
        assert!(done < 0.6 * colorfulness(failed), "{done} beside {}", colorfulness(failed));
        assert!(retried < 0.8 * colorfulness(failed) && done < retried, "{retried}");
        let apart = distance(oklab(palette.retried_bar), oklab(failed));
        assert!(apart > 0.06, "{apart}");
    }
}

#[test]
fn heat_rises_in_equal_steps() {
    for dark in [true, false] {
        let lightness: Vec<f32> = (0..=16).map(|step| oklab(heat::color(dark, step as f32 / 16.0))[0]).collect();
        let steps: Vec<f32> =
            lightness.windows(2).map(|pair| (pair[1] - pair[0]) * if dark { 1.0 } else { -1.0 }).collect();
        let mean = steps.iter().sum::<f32>() / steps.len() as f32;
        for step in &steps {
            assert!((0.6..1.4).contains(&(step / mean)), "dark {dark}: {steps:?}");
        }
    }
    assert_eq!(heat::color(true, -1.0), heat::color(true, 0.0));
    assert_eq!(heat::color(true, 2.0), Color32::from_rgb(248, 230, 80));
}

#[test]
fn both_themes_are_installed_and_follow_the_system() {
    let ctx = Context::default();
    install(&ctx);
    assert_eq!(ctx.style_of(Theme::Dark).visuals.panel_fill, DARK.panel);
    assert_eq!(ctx.style_of(Theme::Light).visuals.panel_fill, LIGHT.panel);
    assert!(ctx.style_of(Theme::Dark).visuals.dark_mode && !ctx.style_of(Theme::Light).visuals.dark_mode);
    assert_eq!(ctx.options(|options| options.theme_preference), ThemePreference::System);
}

#[test]
fn digits_have_one_width_in_every_style_so_that_numbers_line_up() {
    let ctx = Context::default();
    install(&ctx);
    let style = ctx.style_of(Theme::Dark);
    // Fonts are there in the first frame.
    let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
        for (name, font) in &style.text_styles {
            let widths = ('0'..='9').map(|digit| ui.fonts_mut(|fonts| fonts.glyph_width(font, digit)));
            let widths: Vec<f32> = widths.collect();
            assert!(widths.iter().all(|width| *width == widths[0] && *width > 0.0), "{name}: {widths:?}");
        }
    });
    output.textures_delta.clear();
}

#[test]
fn icons_and_words_differ_between_outcomes() {
    for a in OutcomeClass::ALL {
        for b in OutcomeClass::ALL.into_iter().filter(|&b| b > a) {
            assert_ne!(outcome_icon(a).codepoint, outcome_icon(b).codepoint);
            assert_ne!(outcome_word(a), outcome_word(b));
        }
    }
}
