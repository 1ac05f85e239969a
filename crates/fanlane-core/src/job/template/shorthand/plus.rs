//! The replacement strings that `--plus` of GNU parallel adds.

/// The replacement strings of `--plus`, each with what it stands for.
pub(super) const PLUS: [(&str, &str); 26] = [
    ("{+/}", "s:/?[^/]*$::"),
    ("{+.}", r"s:^(.*\.|.*)::"),
    ("{+..}", r"s:^.*\.([^/.]*\.[^/.]*)$|^.*$:$1:"),
    ("{+...}", r"s:^.*\.([^/.]*\.[^/.]*\.[^/.]*)$|^.*$:$1:"),
    ("{..}", r"s:(\.[^/.]*){2}$::"),
    ("{...}", r"s:(\.[^/.]*){3}$::"),
    ("{/..}", r"s:.*/::; s:(\.[^/.]*){2}$::"),
    ("{/...}", r"s:.*/::; s:(\.[^/.]*){3}$::"),
    ("{##}", "1 $_=total_jobs()"),
    ("{0#}", "1 $_=padded_seq()"),
    ("{slot}", "1 $_=slot()"),
    ("{:-([^}]+?)}", "$_ ||= $$1"),
    (r"{:(\d+?)}", r#"substr($_,0,$$1) = """#),
    (r"{:(\d+?):(\d+?)}", "$_ = substr($_,$$1,$$2)"),
    ("{#([^#}][^}]*?)}", "s/^(?U:$$1)//"),
    ("{##([^#}][^}]*?)}", "s/^$$1//"),
    ("{%([^}]+?)}", "s/(.*)(?U:$$1)$/$1/"),
    ("{%%([^}]+?)}", "s/$$1$//"),
    ("{/([^#%}/]+?)/([^}]*?)}", "s/$$1/$$2/"),
    ("{/#([^}]+?)/([^}]*?)}", "s/^$$1/$$2/"),
    ("{/%([^}]+?)/([^}]*?)}", "s/$$1$/$$2/"),
    ("{//([^}]+?)/([^}]*?)}", "s/$$1/$$2/g"),
    ("{^([^}]+?)}", "s/^($$1)/uc($1)/e"),
    ("{^^([^}]+?)}", "s/($$1)/uc($1)/eg"),
    ("{,([^}]+?)}", "s/^($$1)/lc($1)/e"),
    ("{,,([^}]+?)}", "s/($$1)/lc($1)/eg"),
];

/// The replacement strings of `--plus` that are refused.
pub(super) const REFUSED: [(&str, &str); 7] = [
    ("{0%}", "how many lanes there are is not known before the run; write {%:%02d}"),
    ("{choose_k}", "tasks are not left out by their values; filter the inputs first"),
    ("{uniq}", "tasks are not left out by their values; filter the inputs first"),
    ("{host}", REMOTE),
    ("{sshlogin}", REMOTE),
    ("{hgrp}", REMOTE),
    ("{agrp}", REMOTE),
];

const REMOTE: &str = "all tasks run on this machine";
