//! Which results are shown, and in which order.

use fanlane_core::event::{LaneId, OutcomeClass};
use fanlane_core::model::search::Needle;
use fanlane_core::model::{CauseId, Stretch};

use super::search_words::SearchWords;

/// A column to sort results by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SortKey {
    /// The task's number.
    #[default]
    Number,
    /// The outcome.
    Outcome,
    /// Exit code or signal.
    Exit,
    /// Number of attempts.
    Attempts,
    /// Start time.
    Start,
    /// Wall time.
    Wall,
    /// CPU time.
    Cpu,
    /// Peak memory.
    Memory,
    /// The worker's lane.
    Worker,
}

/// The filter and the order of the results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowQuery {
    /// The column to sort by.
    pub sort: SortKey,
    /// The largest first.
    pub descending: bool,
    /// Only tasks with this outcome; `None`: all.
    pub class: Option<OutcomeClass>,
    /// The next tasks that wait, in place of those that have begun.
    pub waiting: bool,
    /// Only tasks that ran in this lane.
    pub lane: Option<LaneId>,
    /// Only tasks that ran during this stretch of time, or a part of it.
    pub span: Option<Stretch>,
    /// Only tasks that failed for this cause.
    pub cause: Option<CauseId>,
    /// Only tasks that have this text, or what its words say of columns; case is ignored.
    pub text: String,
    /// Where they have it.
    pub scope: SearchScope,
}

/// Where a text is looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SearchScope {
    /// In the command lines.
    #[default]
    Commands,
    /// In what the tasks printed.
    Outputs,
}

impl RowQuery {
    /// What is looked for in outputs, if anything.
    pub fn needle(&self) -> Option<Needle> {
        Needle::new(&self.words().text).filter(|_| self.scope == SearchScope::Outputs)
    }

    /// The text with what its words say of columns.
    pub fn words(&self) -> SearchWords {
        SearchWords::parse(&self.text)
    }

    /// All results, in the same order.
    #[must_use]
    pub fn unfiltered(&self) -> Self {
        Self { sort: self.sort, descending: self.descending, scope: self.scope, ..Self::default() }
    }

    /// Whether some results may be left out.
    pub fn is_filtered(&self) -> bool {
        *self != self.unfiltered()
    }

    /// The query for tasks with all outcomes.
    #[must_use]
    pub fn of_all_outcomes(&self) -> Self {
        Self { class: None, waiting: false, ..self.clone() }
    }

    /// The query without order and outcome, which are applied to what it finds.
    pub(super) fn without_order_and_class(&self) -> Self {
        Self { sort: SortKey::default(), descending: false, class: None, waiting: false, ..self.clone() }
    }

    /// Whether every result of this query is one of another, as far as can be said without looking.
    pub(super) fn narrows(&self, other: &Self) -> bool {
        let (own, others) = (self.words(), other.words());
        let text = own.text.to_lowercase().contains(&others.text.to_lowercase());
        let is_same = |of: &Self| (of.lane, of.span, of.cause, of.scope);
        let is_wider = (other.lane, other.span, other.cause) == (None, None, None);
        let columns = others.columns.is_empty() || own.columns == others.columns;
        text && columns && (is_same(self) == is_same(other) || is_wider && self.scope == other.scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_text_narrows_a_shorter_one_and_nothing_else_does() {
        let of = |text: &str| RowQuery { text: text.to_owned(), ..RowQuery::default() };
        for (text, other, expected) in [
            ("boom", "oo", true),
            ("BOOM", "oo", true),
            ("boom lane:2", "oo", true),
            ("boom lane:2", "oo lane:2", true),
            ("boom", "boom lane:2", false),
            ("boom lane:3", "boom lane:2", false),
            ("bo", "boom", false),
        ] {
            assert_eq!(of(text).narrows(&of(other)), expected, "{text:?} and {other:?}");
        }
        let outputs = RowQuery { scope: SearchScope::Outputs, ..of("boom") };
        assert!(!outputs.narrows(&of("oo")) && !of("boom").narrows(&outputs));
        let lane = RowQuery { lane: Some(LaneId(1)), ..of("x") };
        assert!(lane.narrows(&of("x")) && !of("x").narrows(&lane));
        assert!(lane.is_filtered() && !lane.unfiltered().is_filtered());
        assert!(!RowQuery { sort: SortKey::Wall, descending: true, ..RowQuery::default() }.is_filtered());
    }
}
