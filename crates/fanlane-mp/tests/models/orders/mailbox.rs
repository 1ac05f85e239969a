//! Mailboxes: messages arrive whole, once and in order, whichever way they take, and no process polls or sleeps for ever.

use std::sync::Arc;

use crate::Test;
use crate::frame::{body_of, write_frame};
use crate::mailbox::{self, Mailbox};
use crate::message_reader::MessageReader;
use crate::multipath::MultipathSender;
use crate::orders::processes::{explore, explore_deaths, mortal, process};
use crate::shared_memory::Segment;
use crate::socket::Stream;
use crate::spin_wait::SpinDeadline;
use crate::wire::Wire;

pub const TESTS: &[Test] = &[
    ("mailbox::frames_of_a_wire_keep_their_order", frames_of_a_wire_keep_their_order),
    ("mailbox::messages_of_a_reader_keep_their_order", messages_of_a_reader_keep_their_order),
    ("mailbox::endless_polling_is_sent_to_the_socket", endless_polling_is_sent_to_the_socket),
    ("mailbox::a_death_in_sending_leaves_a_wire_whole_frames", a_death_in_sending_leaves_a_wire_whole_frames),
    ("mailbox::a_death_in_sending_leaves_a_reader_whole_messages", a_death_in_sending_leaves_a_reader_whole_messages),
];

/// Enough for the first of two mailboxes; the other is not used.
const BYTES: usize = 64;
/// Too long for a mailbox.
const LONG: usize = 2000;
const SHORT: usize = 9;

/// A socket, and both ends of the mailbox beside it.
fn connected() -> (Arc<Stream>, [Mailbox; 2], [Mailbox; 2]) {
    let segment = Arc::new(Segment::create("model", BYTES).unwrap());
    (Stream::create().unwrap(), mailbox::pair(&segment, 0), mailbox::pair(&segment, 0))
}

fn wires() -> (Arc<Stream>, Wire, Wire) {
    let (stream, [outgoing, unused], [incoming, unused_too]) = connected();
    let sender = Wire::new(Arc::clone(stream.descriptor()), outgoing, unused);
    let receiver = Wire::new(Arc::clone(stream.descriptor()), unused_too, incoming);
    (stream, sender, receiver)
}

/// The message with this number: no byte of it is in another message or in unwritten memory.
fn message(number: usize, len: usize) -> Vec<u8> {
    vec![number as u8 + 1; len]
}

fn send_frames(wire: &mut Wire, lens: &[usize]) {
    for (number, len) in lens.iter().enumerate() {
        let message = message(number, *len);
        let (first, rest) = message.split_at(len / 3);
        wire.send([first, rest], &[]).unwrap();
    }
}

/// Sends as a worker and its engine do.
fn send_to_reader(mailbox: Mailbox, stream: &Stream, lens: &[usize]) {
    let mut sender = MultipathSender::new(Some(mailbox));
    for (number, len) in lens.iter().enumerate() {
        let mut buffer = Vec::new();
        write_frame(&mut buffer, &message(number, *len)).unwrap();
        if !sender.try_mail([body_of(&buffer), &[]], true) {
            let (first, rest) = buffer.split_at(buffer.len() / 3);
            stream.send(first);
            stream.send(rest);
        }
    }
}

/// Receives frames until the end and gives their number. Each `rests`th time it does not poll.
fn receive_frames(wire: &mut Wire, lens: &[usize], rests: usize) -> usize {
    for (number, len) in lens.iter().enumerate() {
        let frame = if number % rests == rests - 1 { wire.receive() } else { wire.receive_soon() };
        let Some(frame) = frame.unwrap() else { return number };
        assert!(frame.body == message(number, *len), "number {number} is whole, and in its place");
    }
    assert!(wire.receive_soon().unwrap().is_none(), "nothing follows");
    lens.len()
}

/// As [`receive_frames`], from a message reader.
fn take_in(reader: &mut MessageReader, stream: &Stream, lens: &[usize], rests: usize) -> usize {
    let mut next = 0;
    for turn in 0.. {
        let filled =
            if turn % rests == rests - 1 { reader.fill(&mut &*stream) } else { reader.fill_soon(&mut &*stream) };
        while let Some(taken) = reader.next_message::<Vec<u8>>().unwrap() {
            assert!(
                next < lens.len() && taken == message(next, lens[next]),
                "number {next} is whole, and in its place"
            );
            next += 1;
        }
        // A death may leave a partial frame on the stream.
        if !filled.unwrap_or(false) {
            break;
        }
    }
    next
}

fn frames_of_a_wire_keep_their_order() -> usize {
    let ways: [(&'static [usize], usize); 3] =
        [(&[SHORT, SHORT, SHORT], 9), (&[SHORT, LONG, SHORT], 9), (&[SHORT, SHORT, SHORT], 2)];
    ways.map(|(lens, rests)| {
        explore(2, move || {
            let (stream, mut sender, mut receiver) = wires();
            let sending = process(2, move || {
                send_frames(&mut sender, lens);
                stream.close();
            });
            assert_eq!(receive_frames(&mut receiver, lens, rests), lens.len());
            sending.join().unwrap();
        })
    })
    .iter()
    .sum()
}

fn messages_of_a_reader_keep_their_order() -> usize {
    let ways: [(&'static [usize], usize); 2] = [(&[SHORT, SHORT, SHORT], 9), (&[SHORT, LONG, SHORT], 3)];
    ways.map(|(lens, rests)| {
        explore(2, move || {
            let (stream, [outgoing, _], [incoming, _]) = connected();
            let view = Arc::clone(&stream);
            let sending = process(2, move || {
                send_to_reader(outgoing, &view, lens);
                view.close();
            });
            assert_eq!(take_in(&mut MessageReader::new(Some(incoming)), &stream, lens, rests), lens.len());
            sending.join().unwrap();
        })
    })
    .iter()
    .sum()
}

/// It polls until all is sent, and only what is sent can stop it.
fn endless_polling_is_sent_to_the_socket() -> usize {
    const LENS: &[usize] = &[SHORT, LONG];
    explore(3, || {
        let (_stream, mut sender, mut receiver) = wires();
        let deadline = SpinDeadline::new();
        let sending = process(2, move || {
            send_frames(&mut sender, LENS);
            deadline.end();
        });
        for (number, len) in LENS.iter().enumerate() {
            assert!(receiver.receive_soon().unwrap().unwrap().body == message(number, *len));
        }
        sending.join().unwrap();
    })
}

fn a_death_in_sending_leaves_a_wire_whole_frames() -> usize {
    const LENS: &[usize] = &[SHORT, LONG, SHORT];
    explore_deaths(2, |steps| {
        let (stream, mut sender, mut receiver) = wires();
        let sending = mortal(2, steps, move || {
            send_frames(&mut sender, LENS);
            stream.close();
        });
        let came = receive_frames(&mut receiver, LENS, 9);
        assert_eq!(sending.join().unwrap().is_none(), came < LENS.len());
    })
}

fn a_death_in_sending_leaves_a_reader_whole_messages() -> usize {
    const LENS: &[usize] = &[SHORT, LONG, SHORT];
    explore_deaths(2, |steps| {
        let (stream, [outgoing, _], [incoming, _]) = connected();
        let view = Arc::clone(&stream);
        let sending = mortal(2, steps, move || {
            send_to_reader(outgoing, &view, LENS);
            view.close();
        });
        let came = take_in(&mut MessageReader::new(Some(incoming)), &stream, LENS, 9);
        assert_eq!(sending.join().unwrap().is_none(), came < LENS.len());
    })
}
