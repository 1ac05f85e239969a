//! Queues: each item comes out once and in order, and no process goes on waiting for what has happened.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Test;
use crate::error::{RecvError, SendError};
use crate::orders::processes::{explore, explore_deaths, mortal, process};
use crate::queue::Queue;

pub const TESTS: &[Test] = &[
    ("queue::each_item_comes_out_once_and_in_its_order", each_item_comes_out_once_and_in_its_order),
    ("queue::a_full_queue_makes_producers_wait_and_no_longer", a_full_queue_makes_producers_wait),
    ("queue::join_waits_for_what_was_put_in", join_waits_for_what_was_put_in),
    ("queue::closing_wakes_all_waiters", closing_wakes_all_waiters),
    ("queue::a_death_in_put_strands_no_waiter", a_death_in_put_strands_no_waiter),
    ("queue::a_death_in_get_strands_no_waiter", a_death_in_get_strands_no_waiter),
    ("queue::a_death_in_task_done_strands_no_waiter", a_death_in_task_done_strands_no_waiter),
];

fn each_item_comes_out_once_and_in_its_order() -> usize {
    explore(2, || {
        let queue = Queue::unbounded().unwrap();
        let producers = [2, 3].map(|number| {
            let queue: Queue<u32> = queue.clone();
            process(number, move || {
                queue.put(&(number * 10)).unwrap();
                queue.put(&(number * 10 + 1)).unwrap();
            })
        });
        let items: Vec<u32> = (0..4).map(|_| queue.get().unwrap()).collect();
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        for number in [2, 3] {
            let of_one: Vec<u32> = items.iter().copied().filter(|item| item / 10 == number).collect();
            assert_eq!(of_one, [number * 10, number * 10 + 1], "{items:?}");
        }
        assert!(queue.is_empty());
    })
}

fn a_full_queue_makes_producers_wait() -> usize {
    explore(2, || {
        let queue: Queue<u8> = Queue::bounded(1).unwrap();
        let producer = queue.clone();
        let producer = process(2, move || (0..3).for_each(|item| producer.put(&item).unwrap()));
        for item in 0..3 {
            assert!(queue.qsize() <= 1, "it holds no more than it may");
            assert_eq!(queue.get().unwrap(), item);
        }
        producer.join().unwrap();
    })
}

fn join_waits_for_what_was_put_in() -> usize {
    explore(3, || {
        let queue: Queue<u8> = Queue::unbounded().unwrap();
        queue.put(&1).unwrap();
        queue.put(&2).unwrap();
        let all_done = Arc::new(AtomicBool::new(false));
        let (consumer, done) = (queue.clone(), Arc::clone(&all_done));
        let consumer = process(2, move || {
            consumer.get().unwrap();
            consumer.task_done().unwrap();
            consumer.get().unwrap();
            done.store(true, Ordering::Relaxed);
            consumer.task_done().unwrap();
        });
        queue.join();
        assert!(all_done.load(Ordering::Relaxed));
        consumer.join().unwrap();
    })
}

fn closing_wakes_all_waiters() -> usize {
    explore(3, || {
        let (empty, full): (Queue<u8>, Queue<u8>) = (Queue::unbounded().unwrap(), Queue::bounded(1).unwrap());
        full.put(&1).unwrap();
        let (getting, putting) = (empty.clone(), full.clone());
        let getting = process(2, move || getting.get());
        let putting = process(3, move || putting.put(&2));
        empty.close();
        full.close();
        assert!(matches!(getting.join().unwrap(), Err(RecvError::Closed)));
        assert!(matches!(putting.join().unwrap(), Err(SendError::Closed)));
    })
}

/// It may die when the item is in and no consumer is notified yet.
fn a_death_in_put_strands_no_waiter() -> usize {
    explore_deaths(2, |steps| {
        let queue: Queue<u8> = Queue::unbounded().unwrap();
        let (producer, consumer) = (queue.clone(), queue.clone());
        let producer = mortal(2, steps, move || producer.put(&7).unwrap());
        let consumer = process(3, move || consumer.get());
        let put = producer.join().unwrap().is_some();
        // What was put in is not done.
        let is_in = queue.task_done().is_ok();
        assert!(is_in || !put);
        if !is_in {
            queue.put(&8).unwrap();
        }
        assert_eq!(consumer.join().unwrap().unwrap(), if is_in { 7 } else { 8 });
        assert!(queue.is_empty());
    })
}

/// It may die when there is room and no producer is notified yet.
fn a_death_in_get_strands_no_waiter() -> usize {
    explore_deaths(2, |steps| {
        let queue: Queue<u8> = Queue::bounded(1).unwrap();
        queue.put(&1).unwrap();
        let (producer, consumer) = (queue.clone(), queue.clone());
        let consumer = mortal(2, steps, move || consumer.get().unwrap());
        let producer = process(3, move || producer.put(&2));
        let got = consumer.join().unwrap();
        assert!(got.is_none_or(|item| item == 1));
        let left = queue.get().unwrap();
        producer.join().unwrap().unwrap();
        let items: Vec<u8> = std::iter::once(left).chain(std::iter::from_fn(|| queue.get_nowait().ok())).collect();
        assert!(items == [2] || got.is_none() && items == [1, 2], "{items:?}");
    })
}

fn a_death_in_task_done_strands_no_waiter() -> usize {
    explore_deaths(2, |steps| {
        let queue: Queue<u8> = Queue::unbounded().unwrap();
        queue.put(&1).unwrap();
        let (done, joins) = (queue.clone(), queue.clone());
        let done = mortal(2, steps, move || done.task_done().unwrap());
        let joins = process(3, move || joins.join());
        done.join().unwrap();
        // In case it died before the change.
        let _ = queue.task_done();
        joins.join().unwrap();
    })
}
