//! The ramp of heat maps: lightness changes in equal steps and in one direction only, so that equal differences look
//! equal and the order is readable without colour.

use std::sync::LazyLock;

use egui::{Color32, Rgba};

const STEPS: usize = 256;
// Night blue over teal and green to yellow: bright stands out from a dark panel.
const DARK_STOPS: [[u8; 3]; 6] =
    [[34, 28, 62], [50, 68, 134], [34, 116, 146], [46, 162, 122], [150, 200, 70], [248, 230, 80]];
// Almost the panel's own white over blue to navy: dark stands out from a light panel.
const LIGHT_STOPS: [[u8; 3]; 6] =
    [[228, 235, 241], [176, 208, 228], [108, 170, 208], [44, 124, 180], [16, 78, 136], [10, 38, 84]];

static DARK: LazyLock<[Color32; STEPS]> = LazyLock::new(|| ramp(&DARK_STOPS));
static LIGHT: LazyLock<[Color32; STEPS]> = LazyLock::new(|| ramp(&LIGHT_STOPS));

/// The colour for a share, 0 to 1; what lies outside is drawn as the nearest end.
pub fn color(dark: bool, share: f32) -> Color32 {
    let ramp = if dark { &DARK } else { &LIGHT };
    ramp[(share.clamp(0.0, 1.0) * (STEPS - 1) as f32).round() as usize]
}

fn ramp(stops: &[[u8; 3]]) -> [Color32; STEPS] {
    let stops: Vec<[f32; 3]> = stops.iter().map(|&[r, g, b]| oklab(Color32::from_rgb(r, g, b))).collect();
    std::array::from_fn(|step| {
        let at = step as f32 / (STEPS - 1) as f32 * (stops.len() - 1) as f32;
        let left = (at as usize).min(stops.len() - 2);
        let part = at - left as f32;
        let [a, b] = [stops[left], stops[left + 1]];
        from_oklab(std::array::from_fn(|axis| a[axis] + (b[axis] - a[axis]) * part))
    })
}

/// Lightness, green to red, blue to yellow, in a space where equal distances look equal.
pub fn oklab(color: Color32) -> [f32; 3] {
    let color = Rgba::from(color);
    let (r, g, b) = (color.r(), color.g(), color.b());
    let long = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
    let medium = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
    let short = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
    [
        0.210_454_26 * long + 0.793_617_8 * medium - 0.004_072_047 * short,
        1.977_998_5 * long - 2.428_592_2 * medium + 0.450_593_7 * short,
        0.025_904_037 * long + 0.782_771_77 * medium - 0.808_675_77 * short,
    ]
}

fn from_oklab([lightness, a, b]: [f32; 3]) -> Color32 {
    let long = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let medium = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let short = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    let channel = |value: f32| value.clamp(0.0, 1.0);
    Rgba::from_rgb(
        channel(4.076_741_7 * long - 3.307_711_6 * medium + 0.230_969_94 * short),
        channel(-1.268_438 * long + 2.609_757_4 * medium - 0.341_319_38 * short),
        channel(-0.004_196_086_3 * long - 0.703_418_6 * medium + 1.707_614_7 * short),
    )
    .into()
}
