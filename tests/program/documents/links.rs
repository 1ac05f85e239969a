//! Links of the documents: each leads to a page or a file that is there, and to a heading that it has. The book of the
//! documents has each of its pages in its table of contents once.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::blocks::{pages, read, root};

#[test]
fn every_link_leads_to_a_place_that_is_there() {
    let mut faults = Vec::new();
    let mut count = 0;
    for page in pages() {
        for link in links(&read(&page)) {
            count += 1;
            if let Some(fault) = fault(&page, &link) {
                faults.push(format!("{}: {link}: {fault}", page.display()));
            }
        }
    }
    assert!(count > 100, "links are found: {count}");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A page that is not in the table of contents is not in the book.
#[test]
fn the_book_has_each_page_once() {
    let mut listed = links(&read(Path::new("docs/SUMMARY.md")));
    listed.sort();
    let in_book = pages().into_iter().filter_map(|page| page.strip_prefix("docs").ok().map(Path::to_owned));
    let mut there: Vec<String> = in_book.map(|page| page.to_string_lossy().into_owned()).collect();
    there.retain(|page| page != "SUMMARY.md");
    let missing: Vec<&String> = there.iter().filter(|page| !listed.contains(page)).collect();
    assert!(missing.is_empty(), "docs/SUMMARY.md lacks {missing:?}");
    there.sort();
    assert_eq!(listed, there, "each page once, and no others");
}

fn fault(page: &Path, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target =
        if target.is_empty() { page.to_owned() } else { normal(&page.parent().unwrap_or(Path::new("")).join(target)) };
    if !root().join(&target).exists() {
        return Some("nothing is there".to_owned());
    }
    // A page of the book would lead out of it.
    if page.starts_with("docs") && !target.starts_with("docs") {
        return Some("it leads out of docs, of which a book is made; name the file without a link".to_owned());
    }
    (!anchor.is_empty() && !anchors(&read(&target)).contains(anchor)).then(|| "no such heading".to_owned())
}

/// The path without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts
}

/// The lines that are not in a fenced block.
pub fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_code = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// The targets of all links and pictures, without those in spans of code.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    // A paragraph may break its line within a link.
    let text = prose(text).collect::<Vec<_>>().join("\n");
    let without_code: String = text.split('`').step_by(2).collect::<Vec<_>>().join("`");
    for rest in without_code.split("](").skip(1) {
        found.extend(rest.split(')').next().map(str::to_owned));
    }
    found
}

/// The anchors of a page's headings, as they are made for the web.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for heading in prose(text).filter(|line| line.starts_with('#')) {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let further = (1..).map(|number| format!("{anchor}-{number}"));
        let free = std::iter::once(anchor.clone()).chain(further).find(|name| !found.contains(name));
        found.extend(free);
    }
    found
}

#[test]
fn links_and_headings_are_found() {
    let page =
        "# A `b` c!\n[x](y.md) and [`z`](z.md#a-b-c)\n`[no](no)`\n```sh\n# no [no](no)\n```\n## Two words\n# A b c\n";
    assert_eq!(links(page), ["y.md", "z.md#a-b-c"]);
    assert_eq!(anchors(page).into_iter().collect::<Vec<_>>(), ["a-b-c", "a-b-c-1", "two-words"]);
    assert_eq!(normal(Path::new("docs/design/../../A.md")), Path::new("A.md"));
}
