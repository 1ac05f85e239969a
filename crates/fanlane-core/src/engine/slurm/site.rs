//! What a site allows: what is asked of Slurm before anything is submitted.

use serde::{Deserialize, Serialize};

use super::client::{SlurmClient, SlurmError};
use super::{SlurmProfile, target_error};
use crate::engine::EngineError;

/// What is assumed where Slurm does not say it.
const USUAL_MAX_ARRAY_SIZE: u32 = 1001;

/// What a site allows, and how large it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Maximum number of elements of an array.
    pub max_elements: u32,
    /// How many tasks can run at the same time when all nodes are free.
    pub slots: u32,
}

impl Site {
    /// Asks for the limits of the cluster, and whether the profile's partition is one of it.
    ///
    /// # Errors
    /// When Slurm is not there or does not answer, or there is no such partition.
    pub fn ask(client: &SlurmClient, profile: &SlurmProfile) -> Result<Self, EngineError> {
        let config = client.call("scontrol", ["show", "config"]).map_err(|error| not_usable(&error))?;
        let nodes = client.call("sinfo", ["--noheader", "--format", "%R|%C"]).map_err(|error| not_usable(&error))?;
        let (names, cpus) = partitions(&nodes, profile.partition.as_deref());
        if let Some(wanted) = profile.partition.as_deref()
            && let Some(unknown) = wanted.split(',').find(|wanted| !names.iter().any(|name| name == wanted))
        {
            let names = names.join(", ");
            return Err(target_error(format!("there is no partition '{unknown}' here; the partitions are: {names}")));
        }
        let slots = cpus / profile.cpus_per_task.max(1);
        Ok(Self { max_elements: max_elements(&config), slots: slots.max(1) })
    }
}

fn not_usable(error: &SlurmError) -> EngineError {
    target_error(format!("nothing was submitted, since Slurm cannot be asked: {error}"))
}

/// One less than the largest place of an element in an array plus one, which is what `MaxArraySize` says.
fn max_elements(config: &str) -> u32 {
    let value = |line: &str| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == "MaxArraySize").then(|| value.trim().parse().ok())?
    };
    // The index of an element stays below the size.
    config.lines().find_map(value).unwrap_or(USUAL_MAX_ARRAY_SIZE).max(1)
}

/// The names of all partitions, and the CPUs of the wanted one, or of the largest.
fn partitions(printed: &str, wanted: Option<&str>) -> (Vec<String>, u32) {
    let mut names: Vec<String> = Vec::new();
    let mut cpus = 0;
    for line in printed.lines() {
        let Some((name, counts)) = line.trim().split_once('|') else { continue };
        // Allocated, idle, other, all: those that are down are no help.
        let counts: Vec<u32> = counts.split('/').filter_map(|count| count.parse().ok()).collect();
        let own = match counts[..] {
            [allocated, idle, _, _] => allocated + idle,
            _ => 0,
        };
        let is_wanted = wanted.is_none_or(|wanted| wanted.split(',').any(|wanted| wanted == name));
        cpus = if is_wanted { cpus.max(own) } else { cpus };
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    (names, cpus)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_and_partitions_are_read() {
        assert_eq!(max_elements("KillWait = 3\nMaxArraySize            = 10001\nMaxJobCount = 5\n"), 10001);
        assert_eq!(max_elements("nothing"), USUAL_MAX_ARRAY_SIZE);
        let printed = "main|2/6/8/16\nbig|0/64/0/64\n";
        assert_eq!(partitions(printed, None), (vec!["main".to_owned(), "big".to_owned()], 64));
        assert_eq!(partitions(printed, Some("main")).1, 8);
        assert_eq!(partitions("", Some("main")), (vec![], 0));
    }
}
