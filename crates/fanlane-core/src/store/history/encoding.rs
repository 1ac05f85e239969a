//! The parts of an entry of a block: its first byte, which is its kind, numbers of variable length, and length-prefixed
//! bytes.

pub(super) const LINE: u8 = 1;
pub(super) const DONE: u8 = 2;
pub(super) const NEVER_BEGUN: u8 = 3;

/// Appends a number, seven bits a byte, the lowest bits first.
pub(super) fn push_number(block: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        block.push(number as u8 | 0x80);
        number >>= 7;
    }
    block.push(number as u8);
}

pub(super) fn push_bytes(block: &mut Vec<u8>, bytes: &[u8]) {
    push_number(block, bytes.len() as u64);
    block.extend_from_slice(bytes);
}

/// Takes a number written by [`push_number`] from the front of `rest`; `None` if it is damaged.
pub(super) fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

pub(super) fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(take_number(rest)?).ok()?;
    take(rest, length)
}

pub(super) fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(taken)
}
