//! The expected command lines are what `parallel --dry-run` of GNU parallel 20221122 printed, unless a test says more.

use bstr::{BStr, ByteSlice};

use super::{TaskPlace, Template, TemplateError};

const FIRST: TaskPlace = TaskPlace { number: 1, slot: 1, total: 1 };

fn columns(count: usize) -> Vec<String> {
    (1..=count).map(|position| position.to_string()).collect()
}

fn expand(template: &str, values: &[&[u8]]) -> String {
    let values: Vec<&BStr> = values.iter().map(|value| BStr::new(*value)).collect();
    let bound = Template::parse(template).expect("parses").bind(&columns(values.len())).expect("binds");
    bound.expand(FIRST, &values).to_str_lossy().into_owned()
}

#[test]
fn forms_of_one_value() {
    let table: &[(&str, &str)] = &[
        ("a.b", "a.b | a | a.b | . | a"),
        ("a/b.c", "a/b.c | a/b | b.c | a | b"),
        (".bashrc", ".bashrc | '' | .bashrc | . | ''"),
        ("a/.bashrc", "a/.bashrc | a/ | .bashrc | a | ''"),
        ("a/b/", "a/b/ | a/b/ | '' | a | ''"),
        ("a.b/", "a.b/ | a.b/ | '' | . | ''"),
        ("/", "/ | / | '' | / | ''"),
        ("//", "// | // | '' | / | ''"),
        ("", "'' | '' | '' | . | ''"),
        ("a.tar.gz", "a.tar.gz | a.tar | a.tar.gz | . | a.tar"),
        ("a.b/c", "a.b/c | a.b/c | c | a.b | c"),
        ("a.", "a. | a | a. | . | a"),
        ("a/.", "a/. | a/ | . | a | ''"),
        ("..", ".. | . | .. | . | ."),
        (".", ". | '' | . | . | ''"),
        ("../x.y", "../x.y | ../x | x.y | .. | x"),
        ("./x", "./x | ./x | x | . | x"),
        ("/x.y", "/x.y | /x | x.y | / | x"),
        ("x.", "x. | x | x. | . | x"),
        ("a/b.c/d", "a/b.c/d | a/b.c/d | d | a/b.c | d"),
        ("a b/c d.e", "'a b/c d.e' | 'a b/c d' | 'c d.e' | 'a b' | 'c d'"),
        ("/a", "/a | /a | a | / | a"),
        ("//a", "//a | //a | a | / | a"),
        ("a//b.c", "a//b.c | a//b | b.c | a | b"),
        ("a/b//", "a/b// | a/b// | '' | a | ''"),
        (".a.b", ".a.b | .a | .a.b | . | .a"),
        ("a.b.", "a.b. | a.b | a.b. | . | a.b"),
        ("a.b\n", "'a.b\n' | a | 'a.b\n' | . | a"),
        ("a.b\nc", "'a.b\nc' | a | 'a.b\nc' | . | a"),
        ("a\nb/c", "'a\nb/c' | 'a\nb/c' | c | 'a\nb' | c"),
    ];
    for (value, expected) in table {
        let line = expand("x {} | {.} | {/} | {//} | {/.}", &[value.as_bytes()]);
        assert_eq!(line, format!("x {expected}"), "{value:?}");
    }
}

/// GNU parallel gives `a\n../../etc` here, which would lead out of the folder that the template names.
#[test]
fn a_base_name_holds_no_slash() {
    assert_eq!(expand("out/{/}", &[b"x/a\n../../etc"]), "out/etc");
}

#[test]
fn positions_names_and_text() {
    let table: &[(&str, &[&[u8]], &str)] = &[
        ("echo", &[b"a"], "echo a"),
        ("echo", &[b"b c"], "echo 'b c'"),
        ("echo", &[b""], "echo ''"),
        ("echo", &[b"a", b"c"], "echo a c"),
        ("echo {1} {2} {1.} {2/}", &[b"a.b", b"d/e"], "echo a.b d/e a e"),
        ("echo {-1} {01} {1//} {2/.} {-1/}", &[b"a", b"b/c.d"], "echo b/c.d a . c c.d"),
        ("echo {+1}", &[b"a"], "echo {+1} a"),
        ("echo {#} {foo} {print} {1foo} {1:} {#.} {} {", &[b"a", b"b"], "echo 1 {foo} {print} {1foo} {1:} {#.} a b {"),
        ("awk '{print}'", &[b"a"], "awk '{print}' a"),
        ("awk \"{print}\" f", &[b"a"], "awk \"{print}\" f a"),
        ("echo {#}", &[b"a"], "echo 1"),
        ("echo {#} x", &[b"a"], "echo 1 x"),
        ("echo {foo}", &[b"a"], "echo {foo} a"),
        ("echo x{}y", &[b"it's"], "echo x'it'\"'\"'s'y"),
        ("echo x{}y", &[b""], "echo x''y"),
        ("echo x{}y {.}z", &[b"a.1", b"b.2"], "echo xa.1 b.2y a bz"),
        ("echo x{.}y{/}", &[b"a.1", b"b.2"], "echo xa bya.1 b.2"),
        ("echo {{}} {{1}} {{ {}} }", &[b"a"], "echo {a} {a} {{ a} }"),
        ("echo {1", &[b"a"], "echo {1 a"),
        ("echo '{}'", &[b"a b"], "echo ''a b''"),
        ("echo { }", &[b"a"], "echo { } a"),
        ("é {}é", &["ü".as_bytes()], "é 'ü'é"),
        ("echo {%} {#:%04d} {1:%3d} {-1:%-3d}| {%:%02d}", &[b"5"], "echo 1 0001   5 5  | 01"),
        ("python3 -c 'print({1:2})' {1:x}", &[b"a"], "python3 -c 'print({1:2})' {1:x} a"),
        // Where a value is the command, none is quoted.
        ("{}", &[b"echo a"], "echo a"),
        ("{} {}", &[b"echo a"], "echo a echo a"),
        ("a{} x", &[b"b c"], "ab c x"),
        ("\"{}\" x", &[b"b c"], "\"b c\" x"),
        ("a;{} {1}", &[b"b c"], "a;b c b c"),
        ("{#} {}", &[b"b c"], "1 b c"),
        ("{1} {2}", &[b"", b"b c"], " b c"),
        ("A={} x", &[b"b c"], "A='b c' x"),
        (" {}", &[b"b c"], " 'b c'"),
        ("a\t{}", &[b"b c"], "a\t'b c'"),
        ("a\n{}", &[b"b c"], "a\n'b c'"),
        ("x{foo} {}", &[b"b c"], "x{foo} 'b c'"),
        // Not in GNU parallel, which runs nothing without a value.
        ("echo {} x", &[], "echo  x"),
        ("echo", &[], "echo"),
    ];
    for (template, values, expected) in table {
        assert_eq!(expand(template, values), *expected, "{template}");
    }
}

#[test]
fn columns_have_names() {
    let bind = |columns: &[&str], template: &str, values: &[&str]| {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let values: Vec<&BStr> = values.iter().map(|value| BStr::new(value.as_bytes())).collect();
        let bound = Template::parse(template).expect("parses").bind(&columns).expect("binds");
        bound.expand(TaskPlace { number: 7, slot: 3, total: 9 }, &values).to_string()
    };
    assert_eq!(
        bind(&["x", "y"], "echo {x} {y.} {x/} {y//} {y/.} {}", &["a.b", "d/e.f"]),
        "echo a.b d/e a.b d e a.b d/e.f"
    );
    assert_eq!(bind(&["first name", "a.b", "2"], "echo {first name} {a.b}", &["v", "w.z", "q"]), "echo v w.z");
    // A position is a position, whatever the columns are called.
    assert_eq!(bind(&["2", "1"], "echo {2} {1}", &["v", "w"]), "echo w v");
    // The whole name wins over a shorter one with a form.
    assert_eq!(bind(&["a", "a."], "echo {a.} {a} {a..}", &["x.y", "z.t"]), "echo z.t x.y z");
    assert_eq!(bind(&["x"], "echo {#}:{x}:{%}", &["v"]), "echo 7:v:3");
    assert_eq!(bind(&["x", "a:b"], "echo {x:%03d} {a:b} {x:y}", &["5", "v"]), "echo 005 v {x:y}");
}

/// A slip in a name would run wrong commands; braces around anything else stay text.
#[test]
fn a_name_that_no_column_has_is_a_fault_where_columns_have_names() {
    let bind = |columns: &[&str], template: &str| {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        Template::parse(template).expect("parses").bind(&columns)
    };
    for (template, found, meant) in [
        ("echo {name} {corse}", "corse", Some("course")),
        ("echo {Course}", "Course", Some("course")),
        ("echo {corse.}", "corse.", Some("course")),
        ("echo {corse:%03d}", "corse:%03d", Some("course")),
        ("echo {photo//}", "photo//", None),
        ("echo '{fist name}'", "fist name", Some("first name")),
        ("awk '{print}' {name}", "print", None),
    ] {
        let fault = bind(&["name", "course", "first name"], template).expect_err(template);
        let is_told = matches!(&fault, TemplateError::NoSuchColumn { found: told, meant: told_meant, names, .. }
            if told == found && told_meant.as_deref() == meant && names.len() == 3);
        assert!(is_told, "{template}: {fault}");
    }
    let fault = bind(&["name", "2"], "é {nmae}").expect_err("a slip").to_string();
    assert_eq!(
        fault,
        "column 3: {nmae} is no column of the inputs; did you mean {name}? the columns are {name}; a text in braces that \
         is no column is written with a quote in it: '{'nmae}"
    );
    for text in
        ["awk '{print $1}'", "${x} ${HOME}", "{a,b} {1..3}", "awk '{n++} END {print n}'", "{'name}", "{x;}", "{ x }"]
    {
        let line = bind(&["name"], &format!("echo {{name}} {text}")).expect(text);
        assert_eq!(line.expand(FIRST, &[BStr::new("v")]), format!("echo v {text}"));
    }
    // Without names every word is text, as in GNU parallel.
    assert!(bind(&["1", "2"], "echo {corse}").is_ok());
}

#[test]
fn faults_name_their_column() {
    let table: &[(&str, TemplateError, &str)] = &[
        ("", TemplateError::Empty, "the command line is empty; write the command to run, for example 'echo {}'"),
        (" \n", TemplateError::Empty, "the command line is empty; write the command to run, for example 'echo {}'"),
        (
            "é\0",
            TemplateError::Nul { column: 2 },
            "column 2: a NUL character cannot be part of a command line; remove it",
        ),
        (
            "é {= $_ =}",
            TemplateError::Expression { column: 3, reason: "'$_' is no expression that is known here".into() },
            "column 3: '$_' is no expression that is known here; {= … =} takes s/…/…/, tr/…/…/ and what \
             docs/from-gnu-parallel.md lists, not Perl; put other computations into the command",
        ),
        (
            "e {=2 {; =}",
            TemplateError::Expression { column: 3, reason: "'{' is no expression that is known here".into() },
            "column 3: '{' is no expression that is known here; {= … =} takes s/…/…/, tr/…/…/ and what \
             docs/from-gnu-parallel.md lists, not Perl; put other computations into the command",
        ),
        (
            "{=0 uq() =}",
            TemplateError::Zero { column: 1 },
            "column 1: values are counted from 1, so there is no {0}; write {1} for the first",
        ),
        (
            "a { 1/. }",
            TemplateError::Blank { column: 3, found: " 1/. ".into(), meant: "1/.".into() },
            "column 3: { 1/. } has a blank in it; write {1/.}",
        ),
        (
            "a {# }",
            TemplateError::Blank { column: 3, found: "# ".into(), meant: "#".into() },
            "column 3: {# } has a blank in it; write {#}",
        ),
        (
            "é {#:x}",
            TemplateError::Format { column: 3, found: "#:x".into(), name: "#".into() },
            "column 3: {#:x} has no format that is known; write for example {#:%04d} for zeros or {#:%4d} for blanks \
             in front of a number of 4 digits",
        ),
        (
            "a {2:03d}",
            TemplateError::Format { column: 3, found: "2:03d".into(), name: "2".into() },
            "column 3: {2:03d} has no format that is known; write for example {2:%04d} for zeros or {2:%4d} for blanks \
             in front of a number of 4 digits",
        ),
        (
            "a {00/.}",
            TemplateError::Zero { column: 3 },
            "column 3: values are counted from 1, so there is no {0}; write {1} for the first",
        ),
    ];
    for (template, fault, message) in table {
        let error = Template::parse(template).expect_err(template);
        assert_eq!(&error, fault, "{template:?}");
        assert_eq!(error.to_string(), *message);
    }
}

#[test]
fn a_position_beyond_the_inputs_is_a_fault() {
    for (template, position) in [("a {3}", 3), ("a {-3.}", -3), ("a {99999999999999999999}", i64::MAX)] {
        let error = Template::parse(template).expect("parses").bind(&columns(2)).expect_err(template);
        assert_eq!(error, TemplateError::NoSuchValue { column: 3, position, given: 2 });
    }
    let error = Template::parse("{1}").expect("parses").bind(&[]).expect_err("no values");
    assert_eq!(
        error.to_string(),
        "column 1: {1} asks for a value that is not there; the inputs give no value for each task"
    );
}

#[test]
fn faults_of_words_without_a_shell() {
    let table: &[(&str, &str)] = &[
        ("é 'a", "column 3: the quote ' that begins here is not closed; close it, or write \\'"),
        ("a b\\", "column 4: there is nothing behind the backslash; remove it, or write \\\\"),
        (" '' a", "column 2: the first word is empty, so there is no program to start; write its name"),
        ("a 'é' {1 }", "column 7: {1 } has a blank in it; write {1}"),
        ("a 'é {0}'", "column 6: values are counted from 1, so there is no {0}; write {1} for the first"),
        (" ", "the command line is empty; write the command to run, for example 'echo {}'"),
    ];
    for (line, message) in table {
        assert_eq!(Template::parse_words(line).expect_err(line).to_string(), *message, "{line}");
    }
    let beyond = Template::parse_words("a 'é'  {3}").expect("parses").bind(&columns(2)).expect_err("two");
    assert_eq!(beyond.column(), Some(8));
}

#[test]
fn a_text_may_be_empty_and_gets_nothing_appended() {
    for (text, expected) in [("", ""), ("x", "x"), ("{} x", "a b c x"), ("{2.}", "c")] {
        let values = [BStr::new("a b"), BStr::new("c")];
        let bound = Template::parse_text(text).expect("parses").bind(&columns(2)).expect("binds");
        assert_eq!(bound.expand(FIRST, &values), expected);
    }
}
