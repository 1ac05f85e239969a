//! How a job names a Python function: [`PythonSpec`], and how the values of a task become its arguments.
//!
//! Whether the function is there is not asked here: that needs an interpreter.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::template::{Digits, Values, WrittenAs};

/// Which Python function a job calls, and how.
///
/// In a job file: `task: Python(file: "model.py", function: "cube")`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PythonSpec {
    /// The file with the function, looked up in the working folder; `None`: it is in a module.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The module with the function, as `import` names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The script that has made the calls while it ran: each names its own function, so that the job can be looked at, but not
    /// be run again; `None`: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// The function's name; a dot leads into a class. Empty where a script names the functions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub function: String,
    /// How the values of the inputs are read.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub values: ValueReading,
    /// A function of the same file or module that each interpreter calls once, without arguments, before its first task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initializer: Option<String>,
    /// The interpreter, as a path or a name on `PATH`; `None`: the one that is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<String>,
    /// Number of calls after which an interpreter is replaced by a new one, 1 or more; `None`: it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_calls: Option<u32>,
}

/// How the text of a value becomes a Python value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ValueReading {
    /// A number, `true`, `false` or `null` as JSON writes it is an int, a float, a bool or None; anything else is a str.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// A str.
    #[serde(rename = "str")]
    Str,
    /// A Python literal, such as `(1, 'a')`.
    #[serde(rename = "literal")]
    Literal,
    /// JSON, such as `[1, {"a": null}]`.
    #[serde(rename = "json")]
    Json,
}

impl ValueReading {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Str, Self::Literal, Self::Json];

    /// The word for it in flags and files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Str => "str",
            Self::Literal => "literal",
            Self::Json => "json",
        }
    }
}

/// A place of a function that is not written as `FILE.py:FUNCTION` or `MODULE:FUNCTION`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' names no function; write FILE.py:FUNCTION or MODULE:FUNCTION, such as model.py:cube")]
pub struct NoFunction(String);

impl FromStr for PythonSpec {
    type Err = NoFunction;

    /// Reads `FILE.py:FUNCTION` or `MODULE:FUNCTION`; what has a slash or ends in `.py` is a file.
    fn from_str(text: &str) -> Result<Self, NoFunction> {
        let (place, function) = text.rsplit_once(':').ok_or_else(|| NoFunction(text.to_owned()))?;
        if place.is_empty() || !is_dotted_name(function) {
            return Err(NoFunction(text.to_owned()));
        }
        let is_file = place.contains('/') || place.ends_with(".py") || place.ends_with(".pyw");
        let spec = Self { function: function.to_owned(), ..Self::default() };
        Ok(if is_file {
            Self { file: Some(place.to_owned()), ..spec }
        } else {
            Self { module: Some(place.to_owned()), ..spec }
        })
    }
}

fn is_dotted_name(text: &str) -> bool {
    let is_name = |name: &str| {
        let mut letters = name.chars();
        letters.next().is_some_and(|first| first == '_' || first.is_alphabetic())
            && letters.all(|letter| letter == '_' || letter.is_alphanumeric())
    };
    text.split('.').all(is_name)
}

impl PythonSpec {
    /// Where the function is, and its name: `model.py:cube`; a script's own name.
    pub fn place(&self) -> String {
        if let Some(script) = &self.script {
            return script.clone();
        }
        let place = self.file.as_deref().or(self.module.as_deref()).unwrap_or_default();
        format!("{place}:{}", self.function)
    }

    /// What is called with the values of each task: the function, or what a script asks for.
    pub fn callee(&self) -> &str {
        self.script.as_ref().unwrap_or(&self.function)
    }

    /// Why its calls cannot be made by running the job.
    pub fn obstacle(&self) -> Option<String> {
        let script = self.script.as_ref()?;
        Some(format!("the calls come from {script} while it runs, and are not kept; run the script itself again"))
    }

    /// What is wrong with it as far as its text tells.
    pub(super) fn problem(&self) -> Option<String> {
        if self.script.is_some() {
            let given = [
                (self.file.is_some(), "file"),
                (self.module.is_some(), "module"),
                (!self.function.is_empty(), "function"),
                (self.initializer.is_some(), "initializer"),
            ];
            let field = given.into_iter().find_map(|(is_given, field)| is_given.then_some(field));
            if let Some(field) = field {
                return Some(format!("it names a script, whose calls name their own functions; remove {field}"));
            }
            return self.problem_of_interpreter();
        }
        match (&self.file, &self.module) {
            (Some(_), Some(_)) => return Some("it names a file and a module; remove one".to_owned()),
            (None, None) => return Some("no Python file is named; give one, such as model.py, or a module".to_owned()),
            (Some(file), None) if file.is_empty() => return Some("the name of its file is empty".to_owned()),
            (Some(_), None) => {}
            (None, Some(module)) if is_dotted_name(module) => {}
            (None, Some(module)) => return Some(format!("'{module}' is no name of a module, such as pkg.mod")),
        }
        for (what, name) in [("function", Some(&self.function)), ("initializer", self.initializer.as_ref())] {
            if let Some("") = name.map(String::as_str) {
                return Some(format!("no {what} is named; give one of the file or module, such as cube"));
            }
            if let Some(name) = name.filter(|name| !is_dotted_name(name)) {
                return Some(format!("'{name}' is no name of a function; set {what} to one, such as cube"));
            }
        }
        self.problem_of_interpreter()
    }

    fn problem_of_interpreter(&self) -> Option<String> {
        if self.interpreter.as_deref() == Some("") {
            return Some("the interpreter is empty; leave it out for the one that is found".to_owned());
        }
        (self.max_calls == Some(0)).then(|| "max_calls is 0, expected 1 or more".to_owned())
    }

    /// Appends the arguments of a call as JSON: a list, or a single one alone, which is never a list. What is no number, `true`,
    /// `false` or `null` there is a text, which the interpreter reads as the job says.
    pub(super) fn arguments_into(&self, row: &(impl Values + ?Sized), out: &mut Vec<u8>) {
        if self.script.is_some() {
            // The interpreter has them from the script; the row is what a person reads.
            out.push(b'0');
            return;
        }
        let is_list = row.count() != 1;
        let before = |index: usize, out: &mut Vec<u8>| out.extend_from_slice(if index > 0 { b"," } else { b"" });
        out.extend_from_slice(if is_list { b"[" } else { b"" });
        self.values_into(row, before, unread_json_into, out);
        out.extend_from_slice(if is_list { b"]" } else { b"" });
    }

    /// Appends a call as a person reads it, behind the name of its function: `(3, "a b", size=4)`.
    pub(super) fn call_into(&self, row: &(impl Values + ?Sized), names: Option<&[Option<String>]>, out: &mut Vec<u8>) {
        let name = |index: usize| names.and_then(|names| names.get(index)).and_then(Option::as_deref);
        let before = |index: usize, out: &mut Vec<u8>| {
            out.extend_from_slice(if index > 0 { b", " } else { b"" });
            if let Some(name) = name(index) {
                out.extend_from_slice(name.as_bytes());
                out.push(b'=');
            }
        };
        if self.script.is_some() {
            out.extend_from_slice(row.value(0, &mut Digits::new()));
        } else {
            self.values_into(row, before, |value, out| out.extend_from_slice(value), out);
        }
    }

    /// `other_json` writes what is neither a text nor a number, `true`, `false` or `null`.
    fn values_into(
        &self,
        row: &(impl Values + ?Sized),
        before: impl Fn(usize, &mut Vec<u8>),
        other_json: impl Fn(&[u8], &mut Vec<u8>),
        out: &mut Vec<u8>,
    ) {
        let mut digits = Digits::new();
        for index in 0..row.count() {
            before(index, out);
            let value = row.value(index, &mut digits);
            match (self.values, row.written_as(index)) {
                (ValueReading::Auto, WrittenAs::Text | WrittenAs::Json) if is_plain_json(value) => {
                    out.extend_from_slice(value);
                }
                (ValueReading::Auto, WrittenAs::Json) => other_json(value, out),
                (ValueReading::Json, WrittenAs::JsonText) => {
                    let mut written = Vec::new();
                    python_text_into(value, &mut written);
                    python_text_into(&written, out);
                }
                _ => python_text_into(value, out),
            }
        }
    }
}

/// Appends a JSON text that the interpreter reads itself, so that what it does not take fails that call: in an object, which no other
/// value is.
fn unread_json_into(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"json\":");
    python_text_into(text, out);
    out.push(b'}');
}

/// The names by which the columns of the inputs are given to a function: `None` for one by its place; nothing where all are.
/// Columns without a name are called by their positions.
pub fn keyword_names(columns: &[String]) -> Option<Vec<Option<String>>> {
    let is_position = |(index, name): (usize, &String)| *name == (index + 1).to_string();
    let names: Vec<Option<String>> =
        columns.iter().enumerate().map(|(index, name)| (!is_position((index, name))).then(|| name.clone())).collect();
    names.iter().any(Option::is_some).then_some(names)
}

/// Maximum length of a number; Python refuses to read a longer one.
const MAX_NUMBER_BYTES: usize = 4300;

/// Whether a value is a number, `true`, `false` or `null` as JSON writes it.
fn is_plain_json(value: &[u8]) -> bool {
    matches!(value, b"true" | b"false" | b"null") || (value.len() <= MAX_NUMBER_BYTES && is_json_number(value))
}

fn is_json_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = &fraction[count..];
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let exponent = exponent.strip_prefix(b"-").or_else(|| exponent.strip_prefix(b"+")).unwrap_or(exponent);
        let count = digits(exponent);
        return count > 0 && count == exponent.len();
    }
    rest.is_empty()
}

/// Appends a text as a JSON string. Bytes that are not UTF-8 become what Python's `os.fsdecode` makes of them.
pub fn python_text_into(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' | '\\' => out.extend([b'\\', character as u8]),
                '\0'..='\x1f' => out.extend(format!("\\u{:04x}", character as u32).bytes()),
                _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        chunk.invalid().iter().for_each(|byte| out.extend(format!("\\udc{byte:02x}").bytes()));
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use bstr::{BStr, ByteSlice};

    use super::*;

    #[test]
    fn a_place_is_a_file_or_a_module() {
        let file = |text: &str| text.parse::<PythonSpec>().map(|spec| (spec.file, spec.module, spec.function));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(file("model.py:cube"), Ok((some("model.py"), None, "cube".to_owned())));
        assert_eq!(file("a:b/x.py:A.run"), Ok((some("a:b/x.py"), None, "A.run".to_owned())));
        assert_eq!(file("./model:cube"), Ok((some("./model"), None, "cube".to_owned())));
        assert_eq!(file("pkg.mod:cube"), Ok((None, some("pkg.mod"), "cube".to_owned())));
        for wrong in ["model.py", "cube", ":cube", "model.py:", "model.py:cube(3)", "model.py:1", ""] {
            assert!(file(wrong).is_err_and(|error| error.to_string().contains("model.py:cube")), "{wrong}");
        }
    }

    #[test]
    fn only_what_json_writes_so_becomes_a_number() {
        let read = |reading: ValueReading, value: &[u8]| {
            let mut out = Vec::new();
            let row: [&BStr; 1] = [value.as_bstr()];
            PythonSpec { values: reading, ..PythonSpec::default() }.arguments_into(&row[..], &mut out);
            String::from_utf8(out).expect("JSON is text")
        };
        for plain in ["0", "-7", "3.25", "1e5", "1E-5", "true", "false", "null", "123456789012345678901234567890"] {
            assert_eq!(read(ValueReading::Auto, plain.as_bytes()), plain);
            assert_eq!(read(ValueReading::Str, plain.as_bytes()), format!("\"{plain}\""));
        }
        for text in
            ["007", "+1", "1_000", ".5", "5.", "1e", "0x10", "NaN", "True", "None", "", " 1", "[1]", "1-2", "1.2.3"]
        {
            assert_eq!(read(ValueReading::Auto, text.as_bytes()), format!("\"{text}\""));
        }
        let long = "7".repeat(MAX_NUMBER_BYTES + 1);
        assert_eq!(read(ValueReading::Auto, long.as_bytes()), format!("\"{long}\""));
        assert_eq!(read(ValueReading::Auto, b"a\"\\\n\xff"), r#""a\"\\\u000a\udcff""#);
    }

    #[test]
    fn columns_with_names_are_given_by_them() {
        let names = |columns: &[&str]| keyword_names(&columns.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&["1", "2"]), None);
        assert_eq!(names(&["size", "2"]), Some(vec![Some("size".to_owned()), None]));
        let row: [&BStr; 2] = ["4".into(), "a b".into()];
        let mut out = Vec::new();
        PythonSpec::default().call_into(&row[..], names(&["size", "2"]).as_deref(), &mut out);
        assert_eq!(out.as_bstr(), "size=4, \"a b\"");
        out.clear();
        PythonSpec::default().arguments_into(&row[..], &mut out);
        assert_eq!(out.as_bstr(), "[4,\"a b\"]");
    }

    #[test]
    fn what_can_be_no_function_is_refused() {
        let spec: PythonSpec = "model.py:cube".parse().expect("a place");
        assert_eq!(spec.problem(), None);
        let wrong = [
            (PythonSpec { module: Some("m".to_owned()), ..spec.clone() }, "a file and a module"),
            (PythonSpec { file: None, ..spec.clone() }, "no Python file is named"),
            (PythonSpec { function: "a b".to_owned(), ..spec.clone() }, "'a b' is no name"),
            (PythonSpec { initializer: Some(String::new()), ..spec.clone() }, "no initializer is named"),
            (PythonSpec { max_calls: Some(0), ..spec.clone() }, "max_calls is 0"),
            (PythonSpec { script: Some("train.py".to_owned()), ..spec.clone() }, "remove file"),
        ];
        for (spec, words) in wrong {
            assert!(spec.problem().is_some_and(|problem| problem.contains(words)), "{words}");
        }
        let script = PythonSpec { script: Some("train.py".to_owned()), ..PythonSpec::default() };
        assert_eq!(script.problem(), None);
        assert!(script.obstacle().is_some_and(|words| words.contains("run the script itself again")));
        assert_eq!(spec.obstacle(), None);
    }
}
