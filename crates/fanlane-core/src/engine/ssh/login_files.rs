//! Files with a host a line, as GNU parallel reads them: empty lines and those that begin with `#` are left out.

use std::fs;
use std::path::Path;

use super::SshError;
use super::login::{LoginError, SshLogin};
use super::target::SshTarget;

/// All hosts of a target, those of its files behind those by name, each once.
///
/// # Errors
/// When a file cannot be read, or has a line that is no host.
pub fn all(target: &SshTarget) -> Result<Vec<SshLogin>, SshError> {
    let mut found: Vec<SshLogin> = Vec::new();
    let mut add = |login: SshLogin| {
        if !found.iter().any(|known| known.name() == login.name()) {
            found.push(login);
        }
    };
    target.hosts.iter().cloned().for_each(&mut add);
    for file in &target.files {
        read(&file.0)?.into_iter().for_each(&mut add);
    }
    Ok(found)
}

fn read(path: &Path) -> Result<Vec<SshLogin>, SshError> {
    let fault = |reason: String| SshError::File { path: path.to_owned(), reason };
    let text = fs::read_to_string(path).map_err(|error| fault(error.to_string()))?;
    parse(&text).map_err(|(line, error)| fault(format!("line {line}: {error}")))
}

/// The hosts of a text; a fault with the number of its line.
fn parse(text: &str) -> Result<Vec<SshLogin>, (usize, LoginError)> {
    let lines = text.lines().map(str::trim).zip(1..).filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(line, number)| line.parse().map_err(|error| (number, error))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ssh::target::HostFile;

    #[test]
    fn a_line_is_a_host_and_a_fault_names_its_line() {
        let hosts = parse("# mine\n\n4/ada\r\n  ssh -p 2222 grace \n").expect("they are read");
        assert_eq!(hosts.iter().map(SshLogin::to_string).collect::<Vec<_>>(), ["4/ada", "ssh -p 2222 grace"]);
        assert_eq!(parse("ada\nx:y\n").expect_err("a fault").0, 2);
    }

    #[test]
    fn a_host_that_is_named_twice_is_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("hosts");
        fs::write(&file, "8/ada\ngrace\n").expect("written");
        let hosts = vec!["4/ada".parse().expect("a host")];
        let target = SshTarget { hosts, files: vec![HostFile(file)], ..SshTarget::default() };
        let found = all(&target).expect("they are read");
        assert_eq!(found.iter().map(SshLogin::to_string).collect::<Vec<_>>(), ["4/ada", "grace"]);
        let missing = SshTarget { files: vec![HostFile(folder.path().join("none"))], ..target };
        assert!(all(&missing).expect_err("it is not there").to_string().contains("none"));
    }
}
