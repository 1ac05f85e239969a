//! The folder in which the commands of the documents run: files as a reader has them, and stand-ins for the programs that
//! they name, so that each does the same on every machine and nothing is fetched from anywhere.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// Files by their names, with their content.
const FILES: &[(&str, &str)] = &[
    ("photos/beach.jpg", "sand\n"),
    ("photos/forest.jpg", "leaves\n"),
    ("photos/harbour.jpg", "boats\n"),
    ("access.log", "GET /\nGET /about\n"),
    ("error.log", "no such page: /abuot\n"),
    ("one.wav", "la\n"),
    ("two.wav", "la la\n"),
    ("music/song.flac", "la la la\n"),
    ("data/2025.csv", "1,2\n"),
    ("data/2026.csv", "3,4\n"),
    ("files.txt", "access.log\nerror.log\n"),
    ("urls.txt", "http://localhost/here\nhttp://localhost/there\nhttp://localhost/missing\n"),
    ("people.csv", "name,age\nAda,36\nGrace,85\n"),
    ("site/here", "welcome\n"),
    ("site/there", "welcome, too\n"),
];

/// Programs by their names, as scripts of `sh`. Each does what the documents need of the one that it stands for.
const PROGRAMS: &[(&str, &str)] = &[
    // `convert FROM -resize SIZE TO`
    ("convert", "[ \"$2\" = -resize ] && printf '%s pixels of %s' \"$3\" \"$(cat \"$1\")\" > \"$4\""),
    // `ssh [OPTIONS] HOST -- COMMAND`: hosts with homes of their own on this machine, which share a cache.
    (
        "ssh",
        "for word; do [ \"$word\" = -- ] && host=$last; last=$word; done\n\
         mkdir -p \"$HOME/hosts/$host\" && cd \"$HOME/hosts/$host\" &&\n\
         XDG_CACHE_HOME=$HOME/hosts HOME=$PWD exec sh -c \"$last\"",
    ),
    // `lame FROM TO`
    ("lame", "cp \"$1\" \"$2\""),
    // `flac FILE`
    ("flac", "cp \"$1\" \"${1%.*}.flac\""),
    // `jq 'select(.outcome == "failed") | .input[0]'`
    (
        "jq",
        "[ \"$1\" = 'select(.outcome == \"failed\") | .input[0]' ] || exit 3\n\
         sed -n '/\"outcome\":\"failed\"/s/.*\"input\":\\[\\(\"[^\"]*\"\\).*/\\1/p'",
    ),
    // `curl [-s] [-f] [-O] URL`: the pages of a site on this machine.
    (
        "curl",
        "for word; do case $word in -*O*) keep=1 ;; -*) ;; *) name=${word##*/} ;; esac; done\n\
         [ -e \"$HOME/site/$name\" ] || exit 22\n\
         if [ -n \"$keep\" ]; then cp \"$HOME/site/$name\" \"$name\"; else cat \"$HOME/site/$name\"; fi",
    ),
];

/// Makes the folder. The programs are in its folder `programs`.
pub fn lay_out(folder: &Path) {
    for (name, content) in FILES {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("made");
        fs::write(path, content).expect("written");
    }
    let programs = folder.join("programs");
    fs::create_dir(&programs).expect("made");
    symlink(env!("CARGO_BIN_EXE_fanlane"), programs.join("fanlane")).expect("made");
    for (name, script) in PROGRAMS {
        let path = programs.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it can be run");
    }
}
