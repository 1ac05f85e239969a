//! Times of the wall clock as dates: in the time zone of the reader where a person reads them, in UTC in files.

use jiff::Timestamp;
use jiff::tz::TimeZone;

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

fn in_zone(unix_ms: u64, zone: Option<TimeZone>, pattern: &str) -> String {
    let time = i64::try_from(unix_ms).ok().and_then(|unix_ms| Timestamp::from_millisecond(unix_ms).ok());
    match (time, zone) {
        (Some(time), Some(zone)) => time.to_zoned_datetime(zone).strftime(pattern).to_string(),
        _ => format!("{} UTC", utc_minute(unix_ms)),
    }
}

fn minute_in(unix_ms: u64, zone: Option<TimeZone>) -> String {
    in_zone(unix_ms, zone, "%Y-%m-%d %H:%M")
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
}
