use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use fanlane_os::journaled::deaths::die_after;

/// The same queue as another process has it.
fn other_end<T>(queue: &Queue<T>) -> Queue<T> {
    Queue::from_descriptor(queue.descriptor().try_clone().unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Through two mappings, so each has to notice that the other has grown the ring.
    #[test]
    fn it_is_first_in_first_out_whatever_the_sizes(steps in prop::collection::vec((any::<bool>(), any::<bool>(), 0_usize..20_000), 1..40)) {
        let here: Queue<Vec<u8>> = Queue::unbounded().unwrap();
        let there = other_end(&here);
        let mut expected = VecDeque::new();
        for (number, (put, from_here, size)) in steps.into_iter().enumerate() {
            let queue = if from_here { &here } else { &there };
            if put {
                let item = vec![u8::try_from(number).unwrap(); size];
                queue.put(&item).unwrap();
                expected.push_back(item);
            } else {
                prop_assert_eq!(queue.get_nowait().ok(), expected.pop_front());
            }
            prop_assert_eq!(queue.qsize(), expected.len());
        }
        for item in expected {
            prop_assert_eq!(here.get().unwrap(), item);
        }
        prop_assert!(there.is_empty());
    }
}

#[test]
fn a_death_anywhere_in_put_leaves_the_whole_item_or_none() {
    let queue: Queue<Vec<u8>> = Queue::unbounded().unwrap();
    // The ring is wrapped around and has to grow in the middle of it.
    for _ in 0..2 {
        queue.put(&vec![1; FIRST_CAPACITY / 2 - 64]).unwrap();
    }
    queue.get().unwrap();
    queue.put(&vec![2; FIRST_CAPACITY / 4]).unwrap();
    let mut expected = 2;
    for stores in 0.. {
        let died = die_after(stores, || queue.put(&vec![3; FIRST_CAPACITY / 2]).unwrap());
        let now = queue.qsize();
        assert!(now == expected || now == expected + 1, "{now} after {expected}");
        expected = now;
        if !died {
            break;
        }
    }
    let items: Vec<_> = (0..expected).map(|_| queue.get().unwrap()).collect();
    assert_eq!(items[0], vec![1; FIRST_CAPACITY / 2 - 64]);
    assert_eq!(items[1], vec![2; FIRST_CAPACITY / 4]);
    assert!(items.len() > 2 && items[2..].iter().all(|item| *item == vec![3; FIRST_CAPACITY / 2]));
}

#[test]
fn a_death_anywhere_in_get_has_taken_one_item_or_none() {
    let queue: Queue<u32> = Queue::bounded(100).unwrap();
    for number in 0..100 {
        queue.put(&number).unwrap();
    }
    for stores in 0.. {
        let before = queue.qsize();
        let died = die_after(stores, || assert!(queue.get().is_ok()));
        let after = queue.qsize();
        assert!(before - after <= 1);
        if !died {
            break;
        }
    }
    let left = u32::try_from(queue.qsize()).unwrap();
    let items: Vec<_> = std::iter::from_fn(|| queue.get_nowait().ok()).collect();
    assert_eq!(items, (100 - left..100).collect::<Vec<_>>());
}

#[test]
fn limits_timeouts_and_closing_are_told_apart() {
    let queue: Queue<u8> = Queue::bounded(1).unwrap();
    let soon = Duration::from_millis(1);
    assert!(matches!(queue.get_nowait(), Err(RecvError::Empty)));
    assert!(matches!(queue.get_timeout(soon), Err(RecvError::TimedOut)));
    queue.put(&1).unwrap();
    assert!(queue.is_full());
    assert!(matches!(queue.put_nowait(&2), Err(SendError::Full)));
    assert!(matches!(queue.put_timeout(&2, soon), Err(SendError::TimedOut)));
    queue.close();
    assert!(queue.is_closed());
    assert!(matches!(queue.put(&2), Err(SendError::Closed)));
    assert_eq!(queue.get().unwrap(), 1);
    assert!(matches!(queue.get(), Err(RecvError::Closed)));
}

#[test]
fn closing_wakes_all_waiters() {
    let empty: Queue<u8> = Queue::unbounded().unwrap();
    let full: Queue<u8> = Queue::bounded(1).unwrap();
    full.put(&1).unwrap();
    std::thread::scope(|scope| {
        let getting = scope.spawn(|| empty.get());
        let putting = scope.spawn(|| full.put(&2));
        empty.close();
        full.close();
        assert!(matches!(getting.join().unwrap(), Err(RecvError::Closed)));
        assert!(matches!(putting.join().unwrap(), Err(SendError::Closed)));
    });
}

#[test]
fn join_waits_for_every_task_done() {
    let queue: Queue<u8> = Queue::unbounded().unwrap();
    queue.join();
    queue.put(&1).unwrap();
    queue.put(&2).unwrap();
    assert!(!queue.join_timeout(Duration::from_millis(1)));
    std::thread::scope(|scope| {
        let joining = scope.spawn(|| queue.join());
        for _ in 0..2 {
            queue.get().unwrap();
            assert!(!joining.is_finished());
            queue.task_done().unwrap();
        }
    });
    assert!(matches!(queue.task_done(), Err(LockError::ReleasedTooOften(_))));
}

#[test]
fn many_producers_and_consumers_lose_and_duplicate_nothing() {
    const EACH: u64 = 2_000;
    let queue: Queue<u64> = Queue::bounded(50).unwrap();
    let total = std::thread::scope(|scope| {
        let producers: Vec<_> = (0..3)
            .map(|producer| {
                let queue = other_end(&queue);
                scope.spawn(move || (0..EACH).for_each(|number| queue.put(&(producer * EACH + number)).unwrap()))
            })
            .collect();
        let consumers: Vec<_> = (0..3)
            .map(|_| {
                let queue = other_end(&queue);
                scope.spawn(move || std::iter::from_fn(|| queue.get().ok()).sum::<u64>())
            })
            .collect();
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        queue.close();
        consumers.into_iter().map(|consumer| consumer.join().unwrap()).sum::<u64>()
    });
    assert_eq!(total, (0..3 * EACH).sum::<u64>());
}
