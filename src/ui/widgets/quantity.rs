//! Formats of plots: moments of a run, marks of an axis, shares. All others are in [`fanlane_core::model::format`].

use fanlane_core::model::date::local_minute;

/// A moment of a run: `4.20 s`, `3:05`, `2:03:05`.
pub fn moment(time_ns: f64) -> String {
    if time_ns < 100e9 { format!("{:.2} s", time_ns.max(0.0) / 1e9) } else { clock(time_ns) }
}

/// Hours, minutes and seconds: `0:07`, `3:05`, `2:03:05`.
pub fn clock(time_ns: f64) -> String {
    let secs = (time_ns.max(0.0) / 1e9).round() as u64;
    let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{secs:02}") } else { format!("{minutes}:{secs:02}") }
}

/// A whole number in few characters, for axes: `950`, `12k`, `1.5M`.
pub fn short_count(count: f64) -> String {
    let (value, unit) = match count.abs() {
        size if size >= 1e9 => (count / 1e9, "G"),
        size if size >= 1e6 => (count / 1e6, "M"),
        size if size >= 1e3 => (count / 1e3, "k"),
        _ => (count, ""),
    };
    let text = format!("{value:.2}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

/// The smallest round number that is not below `min`: 1, 2 or 5 times a power of ten.
pub fn round_step(min: f64) -> f64 {
    let power = 10_f64.powf(min.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= min).unwrap_or(10.0 * power)
}

/// A share of 0 to 1: `87 %`; neither 0 nor 100 unless it is exactly that.
pub fn share(share: f64) -> String {
    let percent = (share * 100.0).clamp(0.0, 100.0);
    match percent {
        _ if percent > 0.0 && percent < 1.0 => "<1 %".to_owned(),
        _ if percent < 100.0 => format!("{:.0} %", percent.round().min(99.0)),
        _ => "100 %".to_owned(),
    }
}

/// A day, in the time zone of this process: `2026-03-01`. The wall clock is given in milliseconds since 1970-01-01 UTC.
pub fn day(unix_ms: u64) -> String {
    let mut text = local_minute(unix_ms);
    text.truncate("2026-03-01".len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_date_without_the_time() {
        // Noon, which is the same day in most of the world.
        assert_eq!(day(951_825_600_000), "2000-02-29");
    }

    #[test]
    fn moments_change_from_seconds_to_the_clock() {
        assert_eq!([moment(4.2e9), moment(185e9), moment(7385e9)], ["4.20 s", "3:05", "2:03:05"]);
    }

    #[test]
    fn marks_are_short_and_shares_never_claim_a_whole_that_is_not() {
        assert_eq!([0.0, 950.0, 12_000.0, 1_500_000.0].map(short_count), ["0", "950", "12k", "1.5M"]);
        assert_eq!([0.0, 0.001, 0.87, 0.999, 1.0].map(share), ["0 %", "<1 %", "87 %", "99 %", "100 %"]);
    }
}
