//! `{= … =}`: what becomes of a value before it is put in. The expressions look as those in command lines of GNU parallel do,
//! and each is a function written here: there is no Perl, so an expression of any other form is an error that names it.
//!
//! Statements stand one behind the other, with `;` between them: `s/…/…/` and `tr/…/…/` ([`substitution`]), assignments to `$_`
//! ([`assignment`]), and `uq()`, after which the value is not quoted. Bytes are bytes and letters are those of ASCII, as there.

mod assignment;
mod numeral;
mod substitution;

use super::TaskPlace;
use assignment::Assignment;
use substitution::{Substitution, Transliteration};

pub(super) use substitution::Delimited;

/// An expression, ready to be used.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    /// As it is written.
    source: String,
    statements: Vec<Statement>,
    /// Its result is put in without quotes.
    is_unquoted: bool,
}

#[derive(Clone, Debug)]
enum Statement {
    /// Of substitutions with `||` between them the first that finds something is done.
    Substitute(Vec<Substitution>),
    Transliterate(Transliteration),
    Assign(Assignment),
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Eq for Expression {}

impl Expression {
    /// Reads an expression; the error is the part of it that is none of those known here, or what is wrong with that.
    pub(super) fn read(source: &str) -> Result<Self, String> {
        let mut expression = Self { source: source.to_owned(), statements: Vec::new(), is_unquoted: false };
        let mut rest = source;
        loop {
            rest = rest.trim_start_matches(|letter: char| letter == ';' || letter.is_whitespace());
            if rest.is_empty() {
                return Ok(expression);
            }
            rest = expression.read_statement(rest)?;
        }
    }

    /// Reads the statement at the beginning of `text`; what stands behind it.
    fn read_statement<'a>(&mut self, text: &'a str) -> Result<&'a str, String> {
        let Some((delimited, mut rest)) = Delimited::read(text) else {
            let (statement, rest) = text.split_at(end_of_statement(text));
            let plain = without_blanks(statement);
            if matches!(&*plain, "uq()" | "uq" | "::uq()") {
                self.is_unquoted = true;
            } else {
                let assignment = Assignment::read(&plain).ok_or_else(|| unknown(statement))?;
                self.statements.push(Statement::Assign(assignment));
            }
            return Ok(rest);
        };
        if !delimited.is_substitution() {
            self.statements.push(Statement::Transliterate(Transliteration::of(&delimited)?));
        } else {
            let mut alternatives = vec![Substitution::of(&delimited)?];
            while let Some(next) = rest.trim_start().strip_prefix("||") {
                let next = next.trim_start();
                let (delimited, behind) =
                    Delimited::read(next).filter(|(next, _)| next.is_substitution()).ok_or_else(|| unknown(next))?;
                alternatives.push(Substitution::of(&delimited)?);
                rest = behind;
            }
            self.statements.push(Statement::Substitute(alternatives));
        }
        let rest = rest.trim_start();
        if rest.is_empty() || rest.starts_with(';') { Ok(rest) } else { Err(unknown(text)) }
    }

    /// Whether its result is put in without quotes.
    pub(super) const fn is_unquoted(&self) -> bool {
        self.is_unquoted
    }

    /// Whether it depends on the lane.
    pub(super) fn uses_slot(&self) -> bool {
        self.statements
            .iter()
            .any(|statement| matches!(statement, Statement::Assign(assignment) if assignment.uses_slot()))
    }

    /// What becomes of a value.
    pub(super) fn of(&self, value: &[u8], place: TaskPlace) -> Vec<u8> {
        let mut value = value.to_owned();
        for statement in &self.statements {
            match statement {
                Statement::Substitute(alternatives) => {
                    if let Some(changed) = alternatives.iter().find_map(|substitution| substitution.of_value(&value)) {
                        value = changed;
                    }
                }
                Statement::Transliterate(table) => table.apply(&mut value),
                Statement::Assign(assignment) => value = assignment.of(value, place),
            }
        }
        value
    }
}

fn unknown(statement: &str) -> String {
    format!("'{}' is no expression that is known here", statement.trim())
}

/// Where the statement at the beginning of `text` ends: before a semicolon that is in no quotes.
pub(super) fn end_of_statement(text: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (None, ';') => return at,
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
    }
    text.len()
}

/// A statement without the blanks that are in no quotes.
fn without_blanks(statement: &str) -> String {
    let mut quote = None;
    let mut escaped = false;
    let keeps = |letter: &char| {
        match (quote, *letter) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (None, '"' | '\'') => quote = Some(*letter),
            (Some(open), letter) if open == letter => quote = None,
            _ => {}
        }
        quote.is_some() || !letter.is_whitespace()
    };
    statement.chars().filter(keeps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: TaskPlace = TaskPlace { number: 7, slot: 2, total: 120 };

    /// What Perl 5.36 gave in GNU parallel 20221122.
    #[test]
    fn values_become_what_parallel_makes_of_them() {
        for (expression, value, expected) in [
            (r"s:\.[^/.]+$::", "a.b/c.tar.gz", "a.b/c.tar"),
            (r"s:\.[^/.]+$::;s:\.[^/.]+$::;", "c.tar.gz", "c"),
            (r"s:.*/::; s:\.[^/.]+$::;", "d/c.tar.gz", "c.tar"),
            (r"s/a/b/", "aaa", "baa"),
            (r"s/a/b/g", "aAa", "bAb"),
            (r"s/a/b/gi", "aAa", "bbb"),
            (r"s{a/(b)}{$1/\$1}", "xa/b", "xb/$1"),
            (r"s/\//_/g", "a/b/c", "a_b_c"),
            (r"s/(\w+) (\w+)/$2 ${1}x $&/", "ab cd", "cd abx ab cd"),
            (r"s/^(.)/uc($1)/e", "abc", "Abc"),
            (r"s/(\d+)/sprintf('%03d',$1)/e", "img7.png", "img007.png"),
            (r"s/x/\t/; s/y/\U$&z/", "xy", "\tYZ"),
            (r"s/z/1/ || s/b/2/ || s/a/3/", "ab", "a2"),
            (r"tr/a-c/A-C/", "abcd", "ABCd"),
            (r"y/ /_/", "a b c", "a_b_c"),
            (r"$_=lc($_)", "ABC", "abc"),
            (r"$_ = uc $_", "abc", "ABC"),
            (r"$_=ucfirst", "abc", "Abc"),
            (r"$_=length($_)", "abc", "3"),
            (r"$_=reverse $_", "abc", "cba"),
            (r"$_++", "9", "10"),
            (r"$_++", "2.5", "3.5"),
            (r"$_++", "az9", "ba0"),
            (r"$_++", "Zz", "AAa"),
            (r"$_++", "a-b", "1"),
            (r"$_--", "9", "8"),
            (r"$_%=3", "10", "1"),
            (r"$_ = $_*10", "2.5", "25"),
            (r"$_/=3", "1", "0.333333333333333"),
            (r"$_ += -1", "5x", "4"),
            (r"$_**=2", "12", "144"),
            (r"$_*=10", "1e308", "Inf"),
            (r"$_=seq()", "x", "7"),
            (r"$_ = $job->seq() - 1", "x", "6"),
            (r"$_=slot()+1", "x", "3"),
            (r"$_=total_jobs()", "x", "120"),
            (r"$_=padded_seq()", "x", "007"),
            (r#"$_=sprintf("%05.1f",$_)"#, "2.25", "002.2"),
            (r#"$_=sprintf("<%4d|",seq())"#, "x", "<   7|"),
            (r#"$_=sprintf("%-4s.%%",$_)"#, "ab", "ab  .%"),
            (r"$_=substr($_,1,2)", "abcd", "bc"),
            (r"$_=substr($_,-2)", "abcd", "cd"),
            (r#"substr($_,0,2) = """#, "abcd", "cd"),
            (r#"$_ ||= "none""#, "", "none"),
            (r#"$_ ||= "none""#, "0", "none"),
            (r#"$_ ||= "none""#, "a", "a"),
            (r#"$_="<$_; >""#, "a b", "<a b; >"),
            (r#"$_="${_}s""#, "car", "cars"),
            (r"chop", "abc", "ab"),
            ("chomp", "abc\n", "abc"),
            ("", "a", "a"),
        ] {
            let read = Expression::read(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
            assert_eq!(String::from_utf8_lossy(&read.of(value.as_bytes(), PLACE)), expected, "{expression} of {value}");
        }
        assert!(Expression::read("s/a/b/; uq()").is_ok_and(|expression| expression.is_unquoted()));
    }

    #[test]
    fn what_is_not_known_is_named() {
        for (expression, expected) in [
            ("skip()", "'skip()' is no expression that is known here"),
            ("s/a/b/; $f = 3", "'$f = 3' is no expression that is known here"),
            ("s/a/b/ || die", "'die' is no expression that is known here"),
            ("s/a/b/x", "'x' of 's/a/b/x' is no modifier that is known here"),
            ("s/a/b", "'s/a/b' is no expression that is known here"),
            ("s/a/$x/", "'$x' in 's/a/$x/' is no variable that is known here"),
            ("s/a/f($1)/e", "'f($1)' is no expression that is known here"),
            ("tr/a-z/x/d", "'d' of 'tr/a-z/x/d' is no modifier that is known here"),
            ("$_ = `date`", "'$_ = `date`' is no expression that is known here"),
            ("$_ %= 0", "'$_ %= 0' is no expression that is known here"),
            (r"s/(?=a)/b/", "the regular expression (?=a) cannot be read: look-around"),
            ("$_=seq() % 2 ? 1 : 2", "'$_=seq() % 2 ? 1 : 2' is no expression"),
        ] {
            let error = Expression::read(expression).expect_err(expression);
            assert!(error.starts_with(expected), "{expression}: {error}");
        }
    }
}
