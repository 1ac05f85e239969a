//! Formats of plots: moments of a run, marks of an axis, shares. All others are in [`fanlane_core::model::format`].

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

/// A share of 0 to 1: `87 %`; neither 0 nor 100 unless it is exactly that.
pub fn share(share: f64) -> String {
    let percent = (share * 100.0).clamp(0.0, 100.0);
    match percent {
        _ if percent > 0.0 && percent < 1.0 => "<1 %".to_owned(),
        _ if percent < 100.0 => format!("{:.0} %", percent.round().min(99.0)),
        _ => "100 %".to_owned(),
    }
}

/// A day of the calendar, in UTC: `2026-03-01`. The wall clock is given in milliseconds since 1970-01-01 UTC.
pub fn day(unix_ms: u64) -> String {
    // Years are counted from March on, so that a leap day is the last of its year; eras have 400 years.
    const DAYS_OF_ERA: u64 = 146_097;
    let days = unix_ms / 86_400_000 + 719_468;
    let (era, day) = (days / DAYS_OF_ERA, days % DAYS_OF_ERA);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year + next_year)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        let table = [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_767_225_599, "2025-12-31"),
            (1_767_225_600, "2026-01-01"),
        ];
        for (secs, text) in table {
            assert_eq!(day(secs * 1000), text);
        }
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
