//! What an interpreter says to its lane, in messages of a kind, a length and a body.

/// What the interpreter says at the end of a batch.
#[derive(Clone, Copy, Debug)]
pub struct BatchEnd {
    /// Number of calls that are done; the rest was not begun.
    pub done: u32,
    /// CPU time of all, in nanoseconds.
    pub cpu_ns: u64,
    /// Peak memory of the interpreter so far, in bytes.
    pub peak_memory_bytes: u64,
}

impl BatchEnd {
    /// What a message of kind `E` says.
    pub fn read(body: &[u8]) -> Option<Self> {
        let (done, rest) = body.split_first_chunk()?;
        let (cpu_ns, peak_memory_bytes) = rest.split_first_chunk()?;
        Some(Self {
            done: u32::from_le_bytes(*done),
            cpu_ns: u64::from_le_bytes(*cpu_ns),
            peak_memory_bytes: u64::from_le_bytes(peak_memory_bytes.try_into().ok()?),
        })
    }
}

/// A message of the interpreter that is not about the batch.
pub enum Said {
    /// The function is there, and this thread calls it.
    Ready(u32),
    /// The function cannot be had, for this reason.
    Unusable(String),
}

/// The first message of `bytes`: its kind, its body and what is behind it.
pub fn message(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&kind, rest) = bytes.split_first()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = u32::from_le_bytes(*length) as usize;
    (rest.len() >= length).then(|| (kind, &rest[..length], &rest[length..]))
}
