//! Times of the wall clock as dates: in the time zone of the reader where a person reads them, in UTC in files.

use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::job::duration;

/// The pattern of a date with its minute.
const MINUTE: &str = "%Y-%m-%d %H:%M";

/// A time in milliseconds since 1970-01-01 UTC, as `2026-11-22 16:45`.
pub fn utc_minute(unix_ms: u64) -> String {
    let minutes = unix_ms / 60_000;
    let (days, minute) = (minutes / 1440, minutes % 1440);
    let (year, month, day) = civil(days);
    format!("{year}-{month:02}-{day:02} {:02}:{:02}", minute / 60, minute % 60)
}

/// A time in milliseconds since 1970-01-01 UTC in the time zone of this process, as `2026-11-22 17:45`: the one that `TZ`
/// names, or else that of the machine. Where neither is known it is UTC, and says so.
pub fn local_minute(unix_ms: u64) -> String {
    minute_in(unix_ms, TimeZone::try_system().ok())
}

/// The same as a day, as `22 November 2026`.
pub fn local_day(unix_ms: u64) -> String {
    in_zone(unix_ms, TimeZone::try_system().ok(), "%-d %B %Y")
}

/// A time to come, as short as it is plain: `22:30` today, `tomorrow 08:00`, or as [`local_minute`].
pub fn coming_minute(unix_ms: u64, now_unix_ms: u64) -> String {
    coming_minute_in(unix_ms, now_unix_ms, TimeZone::try_system().ok())
}

fn coming_minute_in(unix_ms: u64, now_unix_ms: u64, zone: Option<TimeZone>) -> String {
    let date = |unix_ms| Some(timestamp(unix_ms)?.to_zoned_datetime(zone.clone()?).date());
    let pattern = match date(now_unix_ms).zip(date(unix_ms)) {
        Some((today, day)) if today == day => "%H:%M",
        Some((today, day)) if today.saturating_add(1.day()) == day => "tomorrow %H:%M",
        _ => MINUTE,
    };
    in_zone(unix_ms, zone, pattern)
}

/// A time that has a date.
fn timestamp(unix_ms: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(unix_ms).ok()?).ok()
}

fn in_zone(unix_ms: u64, zone: Option<TimeZone>, pattern: &str) -> String {
    match (timestamp(unix_ms), zone) {
        (Some(time), Some(zone)) => time.to_zoned_datetime(zone).strftime(pattern).to_string(),
        _ => format!("{} UTC", utc_minute(unix_ms)),
    }
}

fn minute_in(unix_ms: u64, zone: Option<TimeZone>) -> String {
    in_zone(unix_ms, zone, MINUTE)
}

/// Reads a time to come, in milliseconds since 1970-01-01 UTC: of the day (`22:30`), of another (`2026-11-23 08:00`), with its
/// zone (`2026-11-23T08:00Z`), or from now on (`+90m`). Times without a zone are of the zone of this process.
///
/// # Errors
/// The message says what is expected.
pub fn parse_coming(text: &str, now_unix_ms: u64) -> Result<u64, String> {
    coming_in(text.trim(), now_unix_ms, &TimeZone::try_system().unwrap_or(TimeZone::UTC))
}

fn coming_in(text: &str, now_unix_ms: u64, zone: &TimeZone) -> Result<u64, String> {
    const FORMS: &str = "expected a time to come: 22:30, 2026-11-23 08:00, 2026-11-23T08:00Z, or +90m from now";
    let unix_ms = |time: Timestamp| u64::try_from(time.as_millisecond()).ok();
    if let Some(wait) = text.strip_prefix('+') {
        let secs = duration::parse(wait).map_err(|_| FORMS.to_owned())?.secs;
        let at = Duration::try_from_secs_f64(secs).ok().and_then(|wait| u64::try_from(wait.as_millis()).ok());
        // Within what has a date.
        let at = at.and_then(|wait| now_unix_ms.checked_add(wait)).filter(|at| timestamp(*at).is_some());
        return at.ok_or_else(|| FORMS.to_owned());
    }
    let now = timestamp(now_unix_ms).ok_or(FORMS)?;
    // Only digits and a colon: a date alone is no time of the day.
    let is_of_day = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') && text.contains(':');
    let at = if let Some(time) = is_of_day.then(|| text.parse::<Time>().ok()).flatten() {
        let today = now.to_zoned_datetime(zone.clone()).date();
        let days = [today, today.saturating_add(1.day())];
        days.into_iter().flat_map(|day| moments(day.to_datetime(time), zone)).find(|time| *time > now)
    } else if let Ok(time) = text.parse::<Timestamp>() {
        Some(time)
    } else {
        // A date alone would silently mean midnight.
        let time = text.contains(':').then(|| text.parse::<DateTime>().ok()).flatten();
        let moments = time.map(|time| moments(time, zone)).unwrap_or_default();
        moments.iter().find(|time| **time > now).or(moments.last()).copied()
    };
    match at {
        Some(at) if at <= now => Err(format!("{text} is over; give a time to come")),
        at => at.and_then(unix_ms).ok_or_else(|| FORMS.to_owned()),
    }
}

/// The moments that a clock of the zone shows as this time: two where its hour is repeated in autumn, and the one after the gap
/// where it is left out in spring.
fn moments(time: DateTime, zone: &TimeZone) -> Vec<Timestamp> {
    let either = zone.to_ambiguous_timestamp(time);
    [either.compatible(), either.later()].into_iter().flatten().collect()
}

/// The date a number of days after 1970-01-01. Years are counted from March, so that leap days come last.
const fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (unix_secs, date) in [
            (0, "1970-01-01 00:00"),
            (951_782_399, "2000-02-28 23:59"),
            (951_782_400, "2000-02-29 00:00"),
            (951_868_800, "2000-03-01 00:00"),
            (1_709_164_800, "2024-02-29 00:00"),
            (1_795_362_594, "2026-11-22 15:49"),
            (4_107_542_400, "2100-03-01 00:00"),
        ] {
            assert_eq!(utc_minute(unix_secs * 1000), date);
        }
    }

    #[test]
    fn a_person_reads_times_of_the_own_zone() {
        // Summer and winter of a zone as TZ can spell it without a database of zones.
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        for (unix_secs, date) in [(1_795_362_594, "2026-11-22 16:49"), (1_783_900_800, "2026-07-13 02:00")] {
            assert_eq!(minute_in(unix_secs * 1000, Some(zone.clone())), date);
        }
        assert_eq!(minute_in(0, None), "1970-01-01 00:00 UTC");
        assert!(minute_in(u64::MAX, Some(zone)).ends_with(" UTC"), "beyond the calendar");
    }

    #[test]
    fn a_time_to_come_has_no_date_today_and_tomorrow() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        let now = 1_795_362_594_000; // 2026-11-22 16:49:54 there.
        let hours = |hours: u64| coming_minute_in(now + hours * 3_600_000, now, Some(zone.clone()));
        assert_eq!(
            [hours(1), hours(8), hours(31)].each_ref().map(String::as_str),
            ["17:49", "tomorrow 00:49", "tomorrow 23:49"]
        );
        assert_eq!(hours(32), "2026-11-24 00:49");
        assert_eq!(coming_minute_in(now, now, None), "2026-11-22 15:49 UTC");
    }

    #[test]
    fn a_time_to_come_is_read_in_the_zone_of_the_reader_and_what_is_over_is_refused() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
        let now = 1_795_362_594_000; // 2026-11-22 16:49:54 there.
        for (text, date) in [
            ("17:00", "2026-11-22 17:00"),
            ("16:49", "2026-11-23 16:49"),
            ("08:15:30", "2026-11-23 08:15"),
            ("2026-12-01 08:00", "2026-12-01 08:00"),
            ("2027-07-01T08:00", "2027-07-01 08:00"),
            ("2026-12-01T08:00Z", "2026-12-01 09:00"),
            ("2026-12-01T08:00+03:00", "2026-12-01 06:00"),
            ("+90m", "2026-11-22 18:19"),
            ("+1.5d", "2026-11-24 04:49"),
        ] {
            let at = coming_in(text, now, &zone).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(minute_in(at, Some(zone.clone())), date, "{text}");
        }
        // The hour from 2 to 3 is repeated that night: now it is 2:10 for the first time, and for the second.
        let first = 1_792_887_000_000; // 2026-10-25 00:10 UTC.
        for (now, text, minutes) in [
            (first, "02:30", 20),
            (first + 3_600_000, "02:30", 20),
            (first + 3_600_000, "2026-10-25 02:30", 20),
            (first + 3_600_000, "02:05", 24 * 60 - 5),
            (first, "02:05", 55),
        ] {
            assert_eq!(coming_in(text, now, &zone), Ok(now + minutes * 60_000), "{text}");
        }
        for (text, words) in [
            ("2026-11-22 16:49", "is over"),
            ("1969-01-01T00:00Z", "is over"),
            ("25:00", "expected a time"),
            ("2026-12-01", "expected a time"),
            ("2026-02-30 08:00", "expected a time"),
            ("10", "expected a time"),
            ("", "expected a time"),
            ("+", "expected a time"),
            ("+-5m", "expected a time"),
            ("+9999999999999d", "expected a time"),
            ("soon", "expected a time"),
        ] {
            let error = coming_in(text, now, &zone).expect_err(text);
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
