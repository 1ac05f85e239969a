//! Any bytes received by a manager and by its clients: handshakes are refused, frames are complete messages that are
//! written and read back as the same, or refused; nothing panics or uses up memory.

use fanlane_mp::manager::handshake::{CLAIM_BYTES, Challenge, Claim, GREETING_BYTES, VERDICT_BYTES};
use fanlane_mp::manager::wire::{Inbox, Reply, Request, read_message, write_frame};
use fanlane_mp::manager::{DynamicValue, Key};

const LIMIT: usize = 1 << 16;

fn padded<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut whole = [0; N];
    let length = bytes.len().min(N);
    whole[..length].copy_from_slice(&bytes[..length]);
    whole
}

/// Panics where this does not hold.
pub fn check(bytes: &[u8]) {
    let key = Key::from_text("0123456789abcdef").expect("long enough");
    let challenge = Challenge::new().expect("random numbers");
    let (accepted, verdict) = challenge.judge(&key, &padded::<CLAIM_BYTES>(bytes));
    assert!(!accepted && verdict == [0; VERDICT_BYTES]);
    if let Ok(claim) = Claim::answer(&padded::<GREETING_BYTES>(bytes), padded(bytes)) {
        assert!(claim.check(&key, &padded(bytes)).is_err());
    }
    let mut inbox = Inbox::new(LIMIT);
    'read: for part in bytes.chunks(7) {
        inbox.push(part);
        loop {
            match inbox.next_body() {
                Ok(Some(body)) => {
                    if let Ok(request) = read_message::<Request<'_>>(body) {
                        check_request(&request);
                    }
                    if let Ok(Reply::Done(value)) = read_message::<Reply>(body) {
                        assert!(value.to_short_json(100).len() < 200);
                    }
                }
                Ok(None) => break,
                Err(_) => break 'read,
            }
        }
    }
    if let Ok(request) = read_message::<Request<'_>>(bytes) {
        check_request(&request);
    }
    if let Ok(text) = str::from_utf8(bytes) {
        let value = DynamicValue::from_word(text);
        assert_eq!(
            DynamicValue::from_word(&value.to_json()),
            DynamicValue::from_word(&DynamicValue::from_word(&value.to_json()).to_json())
        );
    }
}

fn check_request(request: &Request<'_>) {
    let mut frame = Vec::new();
    write_frame(&mut frame, request, usize::MAX).expect("what was read can be written");
    assert_eq!(&read_message::<Request<'_>>(&frame[4..]).expect("what was written can be read"), request);
}
