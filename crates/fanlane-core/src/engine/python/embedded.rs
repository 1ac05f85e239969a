//! Python modules that lie in this program: every interpreter of a task can import them, and nothing is installed for it.

use crate::job::PythonSpec;

/// The workloads of PEP 371 as Python functions.
pub const PEP371_MODULE: &str = "fanlane.pep371";

const PEP371: &str = include_str!("pep371.py");

/// What adds the modules to the program of an interpreter, behind its other definitions.
pub const DEFINITION: [&str; 3] = ["\nembedded[\"fanlane.pep371\"] = r'''", PEP371, "'''\n"];

/// The source of a module that lies in this program; `None`: it is another one.
pub fn source(module: &str) -> Option<&'static str> {
    (module == PEP371_MODULE).then_some(PEP371)
}

/// Whether its calls fetch pages from a server that the run starts.
pub fn needs_server(spec: &PythonSpec) -> bool {
    spec.module.as_deref() == Some(PEP371_MODULE) && spec.function == "http_get"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_can_stand_in_a_raw_string() {
        assert!(!PEP371.contains("'''") && !PEP371.ends_with('\\'));
        assert!(DEFINITION[0].contains(PEP371_MODULE) && source(PEP371_MODULE) == Some(PEP371));
        assert_eq!(source("fanlane"), None);
    }
}
