//! The parts of an entry of a block: its first byte, which is its kind, numbers of variable length, and length-prefixed
//! bytes.

pub(super) const LINE: u8 = 1;
/// In histories of version 1 alone.
pub(super) const DONE: u8 = 2;
pub(super) const NEVER_BEGUN: u8 = 3;
pub(super) const ATTEMPT: u8 = 4;

/// Appends a number, seven bits a byte, the lowest bits first.
pub(super) fn push_number(block: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        block.push(number as u8 | 0x80);
        number >>= 7;
    }
    block.push(number as u8);
}

/// Appends a number that is near 0, on either side.
pub(super) fn push_signed(block: &mut Vec<u8>, number: i64) {
    push_number(block, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

pub(super) fn push_bytes(block: &mut Vec<u8>, bytes: &[u8]) {
    push_number(block, bytes.len() as u64);
    block.extend_from_slice(bytes);
}

/// Takes a number written by [`push_number`] from the front of `rest`; `None` if it is damaged.
pub(super) fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(rest)?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Takes a number written by [`push_signed`].
pub(super) fn take_signed(rest: &mut &[u8]) -> Option<i64> {
    let number = take_number(rest)?;
    Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
}

pub(super) fn take_byte(rest: &mut &[u8]) -> Option<u8> {
    let (byte, behind) = rest.split_first()?;
    *rest = behind;
    Some(*byte)
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
