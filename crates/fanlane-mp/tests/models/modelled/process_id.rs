//! The identity of a process of the model.

use crate::orders::processes;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessId(u32);

impl ProcessId {
    pub fn own() -> Self {
        Self(processes::own())
    }

    pub fn from_word(word: u64) -> Option<Self> {
        u32::try_from(word).ok().filter(|number| *number != 0).map(Self)
    }

    pub fn as_word(self) -> u64 {
        self.0.into()
    }

    pub fn pid(self) -> u32 {
        self.0
    }

    pub fn is_alive(self) -> bool {
        processes::is_alive(self.0)
    }
}
