//! Statistics of few measurements: summaries, outliers, Student's distribution, comparisons of two means, and least
//! squares. Pure numbers, without units.
//!
//! `tests/statistics.rs` checks the values against SciPy's.

mod comparison;
mod least_squares;
mod paired;
mod student;
mod summary;

pub use comparison::{Comparison, Quotient};
pub use least_squares::{Line, fit};
pub use paired::{Paired, median_interval};
pub use student::{two_sided_p, two_sided_quantile};
pub use summary::{OUTLIER_SCORE, Summary, median, modified_z_scores};
