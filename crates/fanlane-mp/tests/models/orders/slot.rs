//! Slots of shared results: none is written while a process reads it.

use std::sync::Arc;

use crate::Test;
use crate::orders::processes::{explore, explore_deaths, mortal, process};
use crate::slot::Slot;

pub const TESTS: &[Test] = &[
    ("slot::it_is_written_again_once_it_has_no_readers", it_is_written_again_once_it_has_no_readers),
    ("slot::a_slot_of_a_dead_reader_is_not_written_again", a_slot_of_a_dead_reader_is_not_written_again),
];

const LEN: usize = 8;

fn written() -> Arc<Slot> {
    let slot = Slot::create(LEN).unwrap();
    write(&slot, 1);
    Arc::new(slot)
}

/// Loom fails the model if another process reads meanwhile, or has read without being ordered before this.
fn write(slot: &Slot, fill: u8) {
    #[expect(unsafe_code, reason = "whether it is safe is what is tested")]
    // SAFETY: loom checks it.
    unsafe { slot.bytes_mut(LEN) }.fill(fill);
}

fn read(slot: &Slot) {
    #[expect(unsafe_code, reason = "whether it is safe is what is tested")]
    // SAFETY: loom checks it.
    let bytes = unsafe { slot.bytes(LEN) };
    assert_eq!(bytes, [1; LEN], "it is what was sent");
}

/// The reader shares it with another before it lets go.
fn it_is_written_again_once_it_has_no_readers() -> usize {
    explore(4, || {
        let slot = written();
        let view = Arc::clone(&slot);
        let reader = process(2, move || {
            view.share();
            let other = Arc::clone(&view);
            let next = process(3, move || {
                read(&other);
                other.let_go();
            });
            read(&view);
            view.let_go();
            next.join().unwrap();
        });
        let mut is_again = false;
        for _ in 0..2 {
            is_again = slot.is_free();
            if is_again {
                slot.take();
                write(&slot, 2);
                break;
            }
        }
        reader.join().unwrap();
        assert!(is_again || slot.is_free(), "it has no readers");
    })
}

fn a_slot_of_a_dead_reader_is_not_written_again() -> usize {
    explore_deaths(4, |steps| {
        let slot = written();
        slot.share();
        let view = Arc::clone(&slot);
        let reader = mortal(2, steps, move || {
            read(&view);
            view.let_go();
        });
        read(&slot);
        slot.let_go();
        let is_free = slot.is_free();
        if is_free {
            slot.take();
            write(&slot, 2);
        }
        let died = reader.join().unwrap().is_none();
        assert_eq!(slot.is_free(), !died && !is_free);
        assert!(!died || !is_free, "it goes with its writer");
    })
}
