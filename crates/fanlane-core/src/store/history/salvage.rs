//! Salvage of a damaged history: its readable part is copied into a new one. The damaged file is kept under another
//! name, and what could not be read is reported.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params_from_iter};

use super::{HistoryError, block, schema};

/// A history that was set aside, and how much of it was salvaged.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Salvage {
    /// Its new path.
    pub path: PathBuf,
    /// Runs that were copied completely.
    pub whole: u64,
    /// Runs that were copied with parts missing.
    pub in_part: u64,
    /// Runs of which nothing could be copied, as far as is known.
    pub lost: u64,
}

impl Salvage {
    /// As a sentence without a full stop.
    pub fn sentence(&self) -> String {
        let runs = |count: u64| crate::model::format::plural(count, "run");
        let mut words = format!(
            "the history of runs was damaged: it is kept as {}, and a new one was created",
            self.path.display()
        );
        if self.whole + self.in_part > 0 {
            words += &format!(" with {} of it", runs(self.whole + self.in_part));
        }
        if self.in_part > 0 {
            words += &format!(", of which parts are missing in {}", self.in_part);
        }
        if self.lost > 0 {
            words += &format!("; {} could not be read", runs(self.lost));
        }
        words
    }
}

/// A block: its run, place, checksum and bytes.
type Block = (i64, i64, i64, Vec<u8>);

/// Number of consecutive missing rows after which a table with an unknown end is taken to have ended.
const MAX_MISSING: i64 = 10_000;

/// Copies the readable part of the history in the file `from` into the tables of a new one.
pub(super) fn carry_over(from: &Path, into: &mut Connection) -> Result<Salvage, HistoryError> {
    let mut found = Salvage { path: from.to_owned(), whole: 0, in_part: 0, lost: 0 };
    let Some(damaged) = open(from) else { return Ok(found) };
    let fault = |error| HistoryError::of(from, error);
    let change = into.transaction().map_err(fault)?;
    let mut lost: BTreeSet<i64> = BTreeSet::new();
    let mut carried: BTreeSet<i64> = BTreeSet::new();
    each_number(&damaged, "runs", |id| {
        let row = row_of(&damaged, id);
        let insert = |(columns, values): &(String, Vec<Value>)| {
            let places = vec!["?"; values.len()].join(", ");
            change.execute(&format!("INSERT INTO runs ({columns}) VALUES ({places})"), params_from_iter(values))
        };
        match row {
            // A row that the new table does not accept was damaged.
            Ok(Some(values)) if insert(&values).is_ok() && can_be_listed(&change, id) => drop(carried.insert(id)),
            Ok(None) => return Ok(false),
            Ok(Some(_)) => drop(lost.insert(id)),
            Err(_) => {
                lost.insert(id);
                return Ok(false);
            }
        }
        Ok(true)
    })
    .map_err(fault)?;
    each_number(&damaged, "blocks", |rowid| {
        let text = "SELECT run, place, checksum, bytes FROM blocks NOT INDEXED WHERE rowid = ?1";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        let block: Option<Block> = damaged.query_row(text, [rowid], read).ok();
        let Some((run, place, checksum, bytes)) = block else { return Ok(false) };
        if carried.contains(&run) && block::checksum(&bytes) == checksum {
            insert_block(&change, run, place, checksum, &bytes)?;
        }
        Ok(true)
    })
    .map_err(fault)?;
    let last = keep_numbers(&damaged, &change).map_err(fault)?;
    // There was no run beyond the last number that was assigned.
    lost.retain(|run| *run <= last);
    for run in carried {
        let missing = mark_missing(&change, run).map_err(fault)?;
        *if missing { &mut found.in_part } else { &mut found.whole } += 1;
    }
    change.commit().map_err(fault)?;
    found.lost = lost.len() as u64;
    Ok(found)
}

/// Keeps the numbers of lost runs from being reused. Returns the last assigned number, as far as is known.
fn keep_numbers(damaged: &Connection, change: &Connection) -> rusqlite::Result<i64> {
    let number = |connection: &Connection| {
        let text = "SELECT seq FROM sqlite_sequence WHERE name = 'runs'";
        connection.query_row(text, [], |row| row.get::<_, i64>(0)).unwrap_or(0)
    };
    let (before, now) = (number(damaged), number(change));
    let is_sane = before > now && before - now <= MAX_MISSING;
    if is_sane {
        change.execute("DELETE FROM sqlite_sequence WHERE name = 'runs'", [])?;
        change.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('runs', ?1)", [before])?;
    }
    Ok(if is_sane { before } else { now })
}

fn open(path: &Path) -> Option<Connection> {
    // Read-only: the damaged file stays as it is for closer inspection.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).ok()?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).ok()?;
    (1..=schema::VERSION).contains(&version).then_some(connection)
}

/// Calls `look` with each row number that a table may have; it returns whether a row could be read. Rows are read one
/// by one, since a scan would end at the first damaged page.
fn each_number(
    damaged: &Connection,
    table: &str,
    mut look: impl FnMut(i64) -> rusqlite::Result<bool>,
) -> rusqlite::Result<()> {
    let last = damaged.query_row(&format!("SELECT max(rowid) FROM {table}"), [], |row| row.get::<_, Option<i64>>(0));
    let last = last.ok().flatten();
    let (mut number, mut missing) = (0, 0);
    // A damaged last number is far from the others.
    while last.is_none_or(|last| number < last) && missing < MAX_MISSING {
        number += 1;
        missing = if look(number)? { 0 } else { missing + 1 };
    }
    Ok(())
}

/// The names of the columns, of which an older version has fewer, and their values.
fn row_of(damaged: &Connection, id: i64) -> rusqlite::Result<Option<(String, Vec<Value>)>> {
    let mut statement = damaged.prepare("SELECT * FROM runs WHERE rowid = ?1")?;
    let names = statement.column_names().collect::<Vec<_>>().join(", ");
    let columns = statement.column_count();
    let values = statement.query_row([id], |row| (0..columns).map(|place| row.get(place)).collect()).optional()?;
    Ok(values.map(|values| (names, values)))
}

/// Whether a copied run can be listed; removes it again if not.
fn can_be_listed(change: &Connection, id: i64) -> bool {
    let is_whole = super::row::find(change, id).is_ok();
    if !is_whole {
        // It was inserted just before, so it exists.
        let _ = change.execute("DELETE FROM runs WHERE id = ?1", [id]);
    }
    is_whole
}

fn insert_block(change: &Connection, run: i64, place: i64, checksum: i64, bytes: &[u8]) -> rusqlite::Result<()> {
    // A damaged place number may collide with an existing one.
    let text = "INSERT OR IGNORE INTO blocks (run, place, checksum, bytes) VALUES (?1, ?2, ?3, ?4)";
    change.prepare(text)?.execute((run, place, checksum, bytes)).map(drop)
}

/// Inserts an empty block with a wrong checksum for each missing block of a run, so that readers count it as damaged;
/// returns whether there was one.
fn mark_missing(change: &Connection, run: i64) -> rusqlite::Result<bool> {
    let mut statement = change.prepare("SELECT place, length(bytes) FROM blocks WHERE run = ?1 ORDER BY place")?;
    let found: Vec<(i64, i64)> =
        statement.query_map([run], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    let text = "SELECT bytes - coalesce(length(CAST(job AS BLOB)), 0) FROM runs WHERE id = ?1";
    let expected: i64 = change.query_row(text, [run], |row| row.get(0))?;
    let mut missing = Vec::new();
    let mut next = 0;
    for (place, _) in &found {
        // A damaged place number may be absurdly large.
        missing.extend((next..*place).take(found.len() + 1));
        next = place + 1;
    }
    let bytes: i64 = found.iter().map(|(_, bytes)| bytes).sum();
    if missing.is_empty() && bytes != expected {
        missing.push(next);
    }
    for place in &missing {
        insert_block(change, run, *place, !block::checksum(&[]), &[])?;
    }
    Ok(!missing.is_empty())
}
