use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;

use super::*;
use crate::manager::failure::{ConnectError, Failure, FailureKind};
use crate::manager::{Address, CustomType, Key, Server, ServerOptions};

/// Timeout of waits that a test expects to end.
const LONG: Option<Duration> = Some(Duration::from_secs(60));
const NOW: Option<Duration> = Some(Duration::ZERO);

fn server() -> (Server, Client, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let address = Address::Unix(folder.path().join("own/manager"));
    let options = ServerOptions::new(vec![address], Key::random().expect("a key")).register("Counter", Counter::new);
    let server = Server::start(options).expect("it serves");
    let client = server.client().expect("it accepts the client");
    (server, client, folder)
}

struct Counter(i64);

impl Counter {
    fn new(arguments: Vec<DynamicValue>) -> Result<Self, Failure> {
        match arguments.as_slice() {
            [DynamicValue::Int(start)] => Ok(Self(*start as i64)),
            _ => Err(Failure::custom("a Counter is made of a number")),
        }
    }
}

impl CustomType for Counter {
    fn call(&mut self, method: &str, arguments: Vec<DynamicValue>) -> Result<DynamicValue, Failure> {
        match method {
            "next" => {
                self.0 += 1;
                Ok(self.0.into())
            }
            "echo" => Ok(DynamicValue::List(arguments)),
            "fall" => panic!("over"),
            _ => Err(self.no_method(method)),
        }
    }

    fn content(&self) -> DynamicValue {
        self.0.into()
    }
}

#[test]
fn collections_hold_values_of_rust_types() {
    let (_server, client, _folder) = server();
    let list = client.list::<(u8, String)>("list").unwrap();
    list.append(&(1, "a".into())).unwrap();
    list.extend(&[(2, "b".into()), (3, "c".into())]).unwrap();
    list.insert(0, &(0, String::new())).unwrap();
    assert_eq!(list.len().unwrap(), 4);
    assert_eq!(list.index(&(2, "b".into())).unwrap(), 2);
    assert_eq!((list.count(&(9, "b".into())).unwrap(), list.contains(&(1, "a".into())).unwrap()), (0, true));
    assert_eq!(list.pop().unwrap(), (3, "c".to_owned()));
    assert_eq!(list.pop_at(0).unwrap().0, 0);
    list.set(-1, &(5, "z".into())).unwrap();
    list.reverse().unwrap();
    assert_eq!(list.slice(0, 1).unwrap(), [(5, "z".to_owned())]);
    assert_eq!(list.page(1, 5).unwrap(), [(1, "a".to_owned())]);
    list.sort().unwrap();
    assert_eq!(list.get(0).unwrap().0, 1);
    list.remove(&(1, "a".into())).unwrap();
    list.delete_at(0).unwrap();
    assert!(list.is_empty().unwrap());
    list.clear().unwrap();
    assert_eq!(list.to_vec().unwrap(), []);
    assert_eq!(list.pop().unwrap_err().kind(), Some(FailureKind::NotFound));

    let dict = client.dict::<String, i64>("dict").unwrap();
    dict.set(&"b".into(), &2).unwrap();
    assert_eq!(dict.add(&"b".into(), &3).unwrap(), 5);
    assert_eq!(dict.set_default(&"a".into(), &1).unwrap(), 1);
    assert_eq!((dict.get(&"b".into()).unwrap(), dict.get(&"x".into()).unwrap()), (Some(5), None));
    dict.update(&BTreeMap::from([("c".to_owned(), 7)])).unwrap();
    assert_eq!(dict.keys().unwrap(), ["a", "b", "c"]);
    assert_eq!(dict.values().unwrap(), [1, 5, 7]);
    assert_eq!(dict.items().unwrap()[2], ("c".to_owned(), 7));
    assert_eq!(dict.pop_item().unwrap(), Some(("c".to_owned(), 7)));
    assert_eq!((dict.pop(&"b".into()).unwrap(), dict.pop(&"b".into()).unwrap()), (Some(5), None));
    assert!(dict.contains_key(&"a".into()).unwrap() && !dict.is_empty().unwrap());
    assert_eq!(dict.to_map().unwrap().len(), dict.len().unwrap());
    dict.remove(&"a".into()).unwrap();
    assert_eq!(dict.pop_item().unwrap(), None);
    dict.clear().unwrap();

    let set = client.set::<u32>("set").unwrap();
    assert_eq!((set.add(&1).unwrap(), set.add(&1).unwrap()), (true, false));
    set.update(&[2, 3]).unwrap();
    assert_eq!(set.union(&[9]).unwrap(), [1, 2, 3, 9]);
    assert_eq!(set.intersection(&[1, 9]).unwrap(), [1]);
    assert_eq!(set.difference(&[1]).unwrap(), [2, 3]);
    assert_eq!(set.symmetric_difference(&[1, 9]).unwrap(), [2, 3, 9]);
    assert!(set.is_subset(&[1, 2, 3]).unwrap() && set.is_superset(&[1]).unwrap() && set.is_disjoint(&[9]).unwrap());
    set.intersection_update(&[1, 2, 9]).unwrap();
    set.difference_update(&[1]).unwrap();
    set.symmetric_difference_update(&[2, 7, 8]).unwrap();
    assert_eq!(set.to_vec().unwrap(), [7, 8]);
    assert!(set.contains(&7).unwrap() && set.discard(&7).unwrap());
    assert_eq!(set.pop().unwrap(), 8);
    assert!(set.is_empty().unwrap() && set.len().unwrap() == 0);
    assert_eq!(set.remove(&1).unwrap_err().kind(), Some(FailureKind::NotFound));
    set.clear().unwrap();
}

#[test]
fn values_arrays_and_namespaces_keep_their_types() {
    let (_server, client, _folder) = server();
    let value = client.value("v", &1.5).unwrap();
    assert_eq!(value.add(&1.0).unwrap(), 2.5);
    assert!(value.compare_exchange(&2.5, &3.0).unwrap() && !value.compare_exchange(&2.5, &4.0).unwrap());
    value.set(&7.0).unwrap();
    assert_eq!(client.value("v", &0.0).unwrap().get().unwrap(), 7.0, "it is there already");
    let array = client.array("a", &[1_i32, 2]).unwrap();
    array.set(0, &-1).unwrap();
    assert_eq!((array.add(1, &5).unwrap(), array.get(0).unwrap()), (7, -1));
    assert_eq!((array.len().unwrap(), array.is_empty().unwrap(), array.to_vec().unwrap()), (2, false, vec![-1, 7]));
    let space = client.namespace("n").unwrap();
    space.set("x", &Some(1_u8)).unwrap();
    space.set("y", &"text").unwrap();
    assert_eq!((space.get::<u8>("x").unwrap(), space.get::<String>("y").unwrap()), (1, "text".to_owned()));
    assert_eq!(space.names().unwrap(), ["x", "y"]);
    space.remove("x").unwrap();
    assert!(matches!(space.get::<u8>("y"), Err(ManagerError::Value(_))), "a text is no number");
}

#[test]
fn queues_pass_items_between_threads_and_join() {
    let (_server, client, _folder) = server();
    let queue = client.joinable_queue::<u32>("q", 2).unwrap();
    let consumer = queue.clone();
    let worker = thread::spawn(move || {
        let mut sum = 0;
        while let number @ 1.. = consumer.get(LONG).unwrap() {
            sum += number;
            consumer.task_done().unwrap();
        }
        consumer.task_done().unwrap();
        sum
    });
    for number in (1..=10).chain([0]) {
        queue.put(&number, LONG).unwrap();
    }
    assert!(queue.join(LONG).unwrap());
    assert_eq!((worker.join().unwrap(), queue.unfinished().unwrap()), (55, 0));
    let plain = client.queue::<String>("plain", 1).unwrap();
    assert!(plain.get(NOW).unwrap_err().is_timeout());
    plain.put(&"x".into(), NOW).unwrap();
    assert_eq!(plain.put(&"y".into(), NOW).unwrap_err().kind(), Some(FailureKind::Full));
    assert_eq!((plain.qsize().unwrap(), plain.is_empty().unwrap(), plain.is_full().unwrap()), (1, false, true));
}

#[test]
fn a_lock_is_held_by_a_thread_and_freed_when_it_ends() {
    let (_server, client, _folder) = server();
    let lock = client.lock("l").unwrap();
    let held = lock.acquire().unwrap();
    assert!(!held.owner_died() && lock.is_locked().unwrap());
    let other = lock.clone();
    let (said, heard) = mpsc::channel();
    let waiter = thread::spawn(move || {
        assert!(other.acquire_within(Duration::ZERO).unwrap().is_none());
        said.send(()).unwrap();
        // Never released: the thread ends with it.
        std::mem::forget(other.acquire().unwrap());
    });
    heard.recv().unwrap();
    held.release().unwrap();
    waiter.join().unwrap();
    let held = lock.acquire().unwrap();
    assert!(held.owner_died(), "the thread ended without a release");
    drop(held);
    assert!(!lock.acquire().unwrap().owner_died());

    let again = client.rlock("r").unwrap();
    let outer = again.acquire().unwrap();
    drop(again.acquire_within(Duration::ZERO).unwrap().expect("it is ours"));
    drop(outer);
    assert_eq!(again.handle().call("release", vec![]).unwrap_err().kind(), Some(FailureKind::NotHeld));
}

#[test]
fn conditions_events_barriers_and_semaphores_bring_threads_together() {
    let (_server, client, _folder) = server();
    let (condition, ready) = (client.condition("c").unwrap(), client.value("ready", &false).unwrap());
    let waiter = {
        let (condition, ready) = (condition.clone(), ready.clone());
        thread::spawn(move || {
            let _held = condition.acquire().unwrap();
            condition.wait_for(|| ready.get(), LONG).unwrap()
        })
    };
    {
        let _held = condition.acquire().unwrap();
        ready.set(&true).unwrap();
        condition.notify_all().unwrap();
        assert_eq!(condition.notify(1).unwrap(), 0);
        assert!(!condition.wait(NOW).unwrap());
    }
    assert!(waiter.join().unwrap());
    let held = condition.acquire().unwrap();
    assert!(!condition.wait_for(|| Ok(false), NOW).unwrap());
    drop(held);

    let (event, barrier) = (client.event("e").unwrap(), client.barrier("b", 2).unwrap());
    let other = (event.clone(), barrier.clone());
    let second = thread::spawn(move || (other.0.wait(LONG).unwrap(), other.1.wait(LONG).unwrap()));
    assert!(!event.is_set().unwrap() && !event.wait(NOW).unwrap());
    event.set().unwrap();
    let mine = barrier.wait(LONG).unwrap();
    assert_eq!(second.join().unwrap(), (true, 1 - mine));
    event.clear().unwrap();
    assert_eq!((barrier.parties().unwrap(), barrier.n_waiting().unwrap()), (2, 0));
    barrier.abort().unwrap();
    assert!(barrier.is_broken().unwrap());
    assert_eq!(barrier.wait(None).unwrap_err().kind(), Some(FailureKind::BrokenBarrier));
    barrier.reset().unwrap();

    let slots = client.bounded_semaphore("s", 1).unwrap();
    let held = slots.hold(LONG).unwrap().expect("one is free");
    assert!(!slots.acquire(NOW).unwrap() && slots.hold(NOW).unwrap().is_none());
    drop(held);
    assert_eq!(slots.get_value().unwrap(), 1);
    assert_eq!(slots.release(1).unwrap_err().kind(), Some(FailureKind::NotHeld));
    let tokens = client.semaphore("t", 0).unwrap();
    tokens.release(2).unwrap();
    assert!(tokens.acquire(NOW).unwrap());
}

#[test]
fn objects_hold_each_other_by_reference() {
    let (_server, client, _folder) = server();
    let inner: ListProxy<i32> = client.unnamed(vec![]).unwrap();
    let outer = client.dict::<String, Reference>("outer").unwrap();
    outer.set(&"inner".into(), &inner.reference()).unwrap();
    let found = outer.get(&"inner".into()).unwrap().expect("it is there");
    client.proxy::<ListProxy<i32>>(found).append(&1).unwrap();
    assert_eq!(inner.to_vec().unwrap(), [1]);
    inner.delete().unwrap();
    assert_eq!(inner.len().unwrap_err().kind(), Some(FailureKind::NoSuchObject));
}

#[test]
fn names_kinds_and_contents_can_be_asked_for() {
    let (server, client, _folder) = server();
    let list: ListProxy<u8> = client.create("l", vec![encode(&[1, 2]).unwrap()]).unwrap();
    assert_eq!(client.create::<ListProxy<u8>>("l", vec![]).unwrap_err().kind(), Some(FailureKind::NameTaken));
    assert_eq!(client.find::<SetProxy<u8>>("l").unwrap_err().kind(), Some(FailureKind::NameTaken));
    assert_eq!(client.find::<ListProxy<u8>>("l").unwrap().to_vec().unwrap(), [1, 2]);
    assert_eq!(client.open::<ListProxy<u8>>("l", vec![]).unwrap().reference(), list.reference());
    assert_eq!(client.call("l", "pop", vec![]).unwrap(), DynamicValue::Int(2));
    assert_eq!(client.snapshot("l").unwrap(), DynamicValue::List(vec![DynamicValue::Int(1)]));
    server.create("v", "Value", vec![7_i64.into()]).unwrap();
    assert!(server.create("v", "Value", vec![]).is_err());
    let objects = client.objects().unwrap();
    assert_eq!(objects, server.list());
    assert_eq!(objects.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["l", "v"]);
    assert_eq!(server.contents()["v"], DynamicValue::Int(7));
    assert!(server.calls() >= 2 && server.connections() == 1);
    assert_eq!(list.handle().client().address(), &server.addresses()[0]);
    client.delete("l").unwrap();
    assert_eq!(client.delete("l").unwrap_err().kind(), Some(FailureKind::NoSuchObject));
}

#[test]
fn custom_types_are_called_by_name_and_survive_a_panic() {
    let (server, client, _folder) = server();
    let counter = client.custom("c", "Counter", vec![5_i64.into()]).unwrap();
    assert_eq!(counter.call::<i64>("next", vec![]).unwrap(), 6);
    assert_eq!(counter.call::<(u8, String)>("echo", vec![1_i64.into(), "x".into()]).unwrap(), (1, "x".to_owned()));
    let fault = counter.call::<()>("fall", vec![]).unwrap_err();
    assert_eq!(
        (fault.kind(), fault.to_string().contains("panicked: over")),
        (Some(FailureKind::Custom), true),
        "{fault}"
    );
    assert_eq!(counter.call::<i64>("next", vec![]).unwrap(), 7);
    assert_eq!(counter.call::<()>("fly", vec![]).unwrap_err().kind(), Some(FailureKind::NoSuchMethod));
    assert!(client.custom("d", "Counter", vec![]).unwrap_err().to_string().contains("made of a number"));
    assert_eq!(server.contents()["c"], DynamicValue::Int(7));
    let other = counter.clone();
    thread::spawn(move || other.call::<i64>("next", vec![]).unwrap()).join().unwrap();
    assert_eq!(client.find::<CustomProxy>("c").unwrap().call::<i64>("next", vec![]).unwrap(), 9);
}

#[test]
fn a_server_that_ends_is_told_to_those_who_wait() {
    let (server, client, _folder) = server();
    let queue = client.queue::<u8>("q", 0).unwrap();
    let waiter = {
        let queue = queue.clone();
        thread::spawn(move || queue.get(None))
    };
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while server.list()[0].waiting == 0 {
        assert!(std::time::Instant::now() < until, "it never waited");
        thread::yield_now();
    }
    client.stop_server().unwrap();
    assert!(matches!(waiter.join().unwrap(), Err(ManagerError::Gone { .. })));
    assert!(matches!(
        queue.qsize(),
        Err(ManagerError::Gone { .. } | ManagerError::Connect(ConnectError::Unreachable { .. }))
    ));
    server.join();
    assert!(matches!(queue.qsize(), Err(ManagerError::Connect(ConnectError::Unreachable { .. }))));
}
