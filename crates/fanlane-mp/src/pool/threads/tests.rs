use std::sync::mpsc;

use super::*;

#[test]
fn every_way_to_call() {
    let pool = ThreadPool::new(2).unwrap();
    assert_eq!(pool.size(), 2);
    let expected: Vec<u64> = (0..100).map(|x| x * 2).collect();
    let double = |x: u64| x * 2;
    assert_eq!(pool.map(double, 0..100).unwrap(), expected);
    assert_eq!(pool.map_chunked(double, 0..100, 1).unwrap(), expected);
    assert_eq!(pool.imap(double, 0..100).collect::<Result<Vec<_>, _>>().unwrap(), expected);
    assert_eq!(pool.imap(double, 0..).take(3).collect::<Result<Vec<_>, _>>().unwrap(), [0, 2, 4]);
    let mut unordered: Vec<_> = pool.imap_unordered(double, 0..100).collect::<Result<_, _>>().unwrap();
    unordered.sort_unstable();
    assert_eq!(unordered, expected);
    assert_eq!(pool.starmap(u32::pow, [(2, 3), (3, 2)]).unwrap(), [8, 9]);
    assert!(pool.map(double, []).unwrap().is_empty());
    let error = pool.map(|x: u8| assert!(x != 3, "three"), 0..9).unwrap_err();
    assert!(matches!(error, PoolError::Task(TaskError::Panicked(message)) if message == "three"));
    pool.resize(3).unwrap();
    pool.resize(1).unwrap();
    assert_eq!(pool.apply(double, (4,)).unwrap(), 8);
    assert!(pool.resize(0).is_err() && pool.join().is_err());
    pool.close();
    assert!(matches!(pool.apply(double, (4,)), Err(PoolError::Task(TaskError::PoolClosed))));
    pool.join().unwrap();
}

#[test]
fn terminated_it_begins_nothing_more() {
    let pool = ThreadPool::new(1).unwrap();
    let (arrived, arrives) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel::<()>();
    let goes_on = Mutex::new(goes_on);
    let begun = pool
        .apply_async(
            move || {
                arrived.send(()).unwrap();
                goes_on.lock().unwrap().recv().unwrap();
            },
            (),
        )
        .unwrap();
    let waiting = pool.apply_async(|| (), ()).unwrap();
    arrives.recv().unwrap();
    pool.terminate();
    assert!(matches!(waiting.get(), Err(PoolError::Task(TaskError::Terminated))));
    go_on.send(()).unwrap();
    begun.get().unwrap();
    pool.join().unwrap();
}
