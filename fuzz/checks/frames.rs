//! Any bytes as a stream of frames, in pieces of any size: whole messages, an end, or a fault; never a panic, and never
//! more memory than arrived.

use fanlane_os::frame::{FrameReader, write_frame};

type Message = (u64, Vec<String>, Option<Box<[u8]>>);

/// Panics where this does not hold.
pub fn check(bytes: &[u8]) {
    let Some((piece, bytes)) = bytes.split_first() else { return };
    let mut reader = FrameReader::default();
    let mut read = Vec::new();
    'stream: for mut part in bytes.chunks(usize::from(*piece).max(1)) {
        while !part.is_empty() {
            if reader.fill(&mut part).is_err() {
                break 'stream;
            }
        }
        loop {
            match reader.next_message::<Message>() {
                Ok(Some(message)) => read.push(message),
                Ok(None) => break,
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    break 'stream;
                }
            }
        }
    }
    // What was read is written and read as the same.
    let mut written = Vec::new();
    for message in &read {
        write_frame(&mut written, message).expect("what was read can be written");
    }
    let mut again = FrameReader::default();
    let mut rest = &written[..];
    for message in &read {
        let back = loop {
            if let Some(back) = again.next_message::<Message>().expect("what was written can be read") {
                break back;
            }
            assert!(again.fill(&mut rest).expect("whole frames"), "a message is missing");
        };
        assert_eq!(&back, message);
    }
}
