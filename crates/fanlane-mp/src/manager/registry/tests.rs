mod methods;

use proptest::prelude::*;

use super::*;

/// A registry with a clock of its own.
struct Table {
    registry: Registry,
    now_ns: u64,
}

type Results = Vec<(ClientId, Result<DynamicValue, FailureKind>)>;

const SEC: u64 = 1_000_000_000;

impl Table {
    fn with(objects: &[(&str, &str, Vec<DynamicValue>)]) -> Self {
        let mut table =
            Self { registry: Registry::new(BTreeMap::new(), 100, Quota::new(1 << 30, String::new())), now_ns: 0 };
        for (name, kind, arguments) in objects {
            let request = Request::Create { name: Some(name), kind, arguments: arguments.clone(), must_be_new: true };
            let made = table.ask(0, request);
            assert!(made[0].1.is_ok(), "{name}: {made:?}");
        }
        table
    }

    fn ask(&mut self, client: ClientId, request: Request<'_>) -> Results {
        let mut answers = Vec::new();
        self.registry.handle(self.now_ns, client, request, &mut answers);
        results(answers)
    }

    /// All answers that a call brings about; none where it waits.
    fn call(&mut self, client: ClientId, name: &str, method: &str, arguments: &[DynamicValue]) -> Results {
        self.ask(client, Request::Call { target: Target::Name(name), method, arguments: arguments.to_vec() })
    }

    /// The one answer to a call that does not wait.
    fn get(&mut self, name: &str, method: &str, arguments: &[DynamicValue]) -> Result<DynamicValue, FailureKind> {
        let mut results = self.call(1, name, method, arguments);
        assert_eq!(results.len(), 1, "{name}.{method}: {results:?}");
        results.remove(0).1
    }

    fn gone(&mut self, client: ClientId) -> Results {
        let mut answers = Vec::new();
        self.registry.client_gone(client, &mut answers);
        results(answers)
    }

    fn later(&mut self, secs: u64) -> Results {
        self.now_ns += secs * SEC;
        let mut answers = Vec::new();
        self.registry.tick(self.now_ns, &mut answers);
        results(answers)
    }

    fn waiting(&self, name: &str) -> u64 {
        self.registry.list().into_iter().find(|info| info.name == name).expect("it is there").waiting
    }
}

fn results(answers: Vec<Answered>) -> Results {
    answers.into_iter().map(|one| (one.client, one.result.map_err(|failure| failure.kind))).collect()
}

fn int(number: i128) -> DynamicValue {
    DynamicValue::Int(number)
}

fn ints(numbers: &[i128]) -> DynamicValue {
    DynamicValue::List(numbers.iter().copied().map(int).collect())
}

fn yes() -> Result<DynamicValue, FailureKind> {
    Ok(DynamicValue::Bool(true))
}

fn no() -> Result<DynamicValue, FailureKind> {
    Ok(DynamicValue::Bool(false))
}

fn nil() -> Result<DynamicValue, FailureKind> {
    Ok(DynamicValue::Nil)
}

#[test]
fn objects_are_made_found_and_deleted_by_name() {
    let mut table = Table::with(&[("l", "list", vec![])]);
    let create = |name, kind, must_be_new| Request::Create { name, kind, arguments: Vec::new(), must_be_new };
    let kind = |results: Results| results[0].1.clone().map(drop);
    assert_eq!(kind(table.ask(1, create(Some("l"), "list", false))), Ok(()));
    assert_eq!(kind(table.ask(1, create(Some("l"), "list", true))), Err(FailureKind::NameTaken));
    assert_eq!(kind(table.ask(1, create(Some("l"), "dict", false))), Err(FailureKind::NameTaken));
    assert_eq!(kind(table.ask(1, create(Some("x"), "tree", false))), Err(FailureKind::NoSuchKind));
    assert_eq!(kind(table.ask(1, create(Some("a\nb"), "list", false))), Err(FailureKind::WrongArguments));
    assert_eq!(kind(table.ask(1, create(Some(""), "list", false))), Err(FailureKind::WrongArguments));
    let found = table.ask(1, Request::Find("l"));
    assert_eq!(found[0].1, Ok(DynamicValue::List(vec![DynamicValue::Reference(Reference(1)), "list".into()])));
    assert_eq!(kind(table.ask(1, Request::Find("x"))), Err(FailureKind::NoSuchObject));
    assert_eq!(table.ask(1, Request::Delete(Target::Reference(1)))[0].1, nil());
    assert_eq!(kind(table.ask(1, Request::Delete(Target::Name("l")))), Err(FailureKind::NoSuchObject));
    assert_eq!(table.get("l", "len", &[]), Err(FailureKind::NoSuchObject));
    for _ in 0..100 {
        assert_eq!(kind(table.ask(1, create(None, "list", true))), Ok(()));
    }
    assert_eq!(kind(table.ask(1, create(None, "list", true))), Err(FailureKind::Limit));
    assert!(table.registry.contents().is_empty(), "only objects with names are shown at the end");
}

#[test]
fn arguments_that_make_no_object_are_refused() {
    let mut table = Table::with(&[]);
    let cases = [
        ("list", vec![int(1)]),
        ("dict", vec![ints(&[])]),
        ("set", vec![int(1)]),
        ("Namespace", vec![DynamicValue::Map([(int(1), int(1))].into())]),
        ("Namespace", vec![int(1)]),
        ("Array", vec![]),
        ("Array", vec![int(-1)]),
        ("Array", vec![int(i128::MAX)]),
        ("Array", vec![DynamicValue::List(vec![int(1), "x".into()])]),
        ("Queue", vec![int(-1)]),
        ("Barrier", vec![]),
        ("Barrier", vec![int(0)]),
        ("Semaphore", vec!["x".into()]),
        ("Lock", vec![int(1)]),
    ];
    for (kind, arguments) in cases {
        let request = Request::Create { name: None, kind, arguments: arguments.clone(), must_be_new: true };
        assert_eq!(table.ask(1, request)[0].1, Err(FailureKind::WrongArguments), "{kind} of {arguments:?}");
    }
}

#[test]
fn a_lock_goes_to_those_who_wait_in_their_order() {
    let mut table = Table::with(&[("l", "Lock", vec![])]);
    assert_eq!(table.call(1, "l", "acquire", &[]), [(1, yes())]);
    assert_eq!(table.call(2, "l", "acquire", &[]), []);
    assert_eq!(table.call(3, "l", "acquire", &[int(5)]), []);
    assert_eq!(table.call(4, "l", "acquire", &[int(0)]), [(4, no())]);
    assert_eq!(table.waiting("l"), 2);
    assert_eq!(table.call(4, "l", "release", &[]), [(4, Err(FailureKind::NotHeld))]);
    assert_eq!(table.call(1, "l", "acquire", &[]), [(1, Err(FailureKind::NotHeld))], "it would wait for itself");
    assert_eq!(table.call(1, "l", "release", &[]), [(2, yes()), (1, nil())]);
    assert_eq!(table.registry.next_deadline_ns(), Some(5 * SEC));
    assert_eq!(table.later(5), [(3, no())]);
    assert_eq!((table.waiting("l"), table.registry.next_deadline_ns()), (0, None));
    assert_eq!(table.call(2, "l", "release", &[]), [(2, nil())]);
    assert_eq!(table.get("l", "locked", &[]), no());
}

#[test]
fn the_death_of_an_owner_is_told_to_the_next_one() {
    let died = Ok(DynamicValue::from(OWNER_DIED));
    let mut table = Table::with(&[("l", "Lock", vec![]), ("r", "RLock", vec![])]);
    table.call(1, "l", "acquire", &[]);
    table.call(1, "r", "acquire", &[]);
    table.call(2, "l", "acquire", &[]);
    table.call(3, "l", "acquire", &[]);
    assert_eq!(table.gone(3), [], "a waiting client owns nothing");
    assert_eq!(table.gone(1), [(2, died.clone())]);
    assert_eq!(table.call(4, "r", "acquire", &[int(0)]), [(4, died)], "also where no client waited");
    assert_eq!(table.call(2, "l", "release", &[]), [(2, nil())]);
    assert_eq!(table.get("l", "acquire", &[]), yes(), "it is told once");
}

#[test]
fn a_reentrant_lock_is_released_as_often_as_it_was_acquired() {
    let mut table = Table::with(&[("r", "RLock", vec![])]);
    assert_eq!(table.get("r", "acquire", &[]), yes());
    assert_eq!(table.get("r", "acquire", &[]), yes());
    assert_eq!(table.call(2, "r", "acquire", &[]), []);
    assert_eq!(table.get("r", "release", &[]), nil());
    assert_eq!(table.call(1, "r", "release", &[]), [(2, yes()), (1, nil())]);
}

#[test]
fn a_condition_lets_go_and_has_the_lock_again() {
    let mut table = Table::with(&[("c", "Condition", vec![])]);
    assert_eq!(table.get("c", "wait", &[]), Err(FailureKind::NotHeld));
    assert_eq!(table.get("c", "notify", &[]), Err(FailureKind::NotHeld));
    for client in [1, 2] {
        // Twice, so that all of it is let go of and had again.
        assert_eq!(table.call(client, "c", "acquire", &[]), [(client, yes())]);
        assert_eq!(table.call(client, "c", "acquire", &[]), [(client, yes())]);
        assert_eq!(table.call(client, "c", "wait", &[int(9)]), []);
    }
    table.call(3, "c", "acquire", &[]);
    assert_eq!(table.call(3, "c", "notify", &[]), [(3, Ok(int(1)))]);
    assert_eq!(table.later(9), [], "the second has to wait for the lock though its time is over");
    assert_eq!(table.call(3, "c", "release", &[]), [(1, yes()), (3, nil())]);
    assert_eq!(table.call(1, "c", "release", &[]), [(1, nil())]);
    assert_eq!(table.call(1, "c", "release", &[]), [(2, no()), (1, nil())], "it is told that its time was over");
    assert_eq!(table.call(2, "c", "notify_all", &[]), [(2, Ok(int(0)))]);
}

#[test]
fn a_queue_serves_those_who_wait_and_loses_nothing() {
    let mut table = Table::with(&[("q", "JoinableQueue", vec![int(1)])]);
    assert_eq!(table.call(1, "q", "get", &[int(3)]), []);
    assert_eq!(table.call(2, "q", "get", &[]), []);
    assert_eq!(table.later(3), [(1, Err(FailureKind::Empty))]);
    assert_eq!(table.call(3, "q", "put", &[int(1)]), [(2, Ok(int(1))), (3, nil())]);
    table.call(3, "q", "put", &[int(2)]);
    assert_eq!(table.call(3, "q", "put", &[int(3)]), []);
    assert_eq!(table.call(4, "q", "put", &[int(4), int(1)]), []);
    assert_eq!(table.later(1), [(4, Err(FailureKind::Full))]);
    assert_eq!(table.call(5, "q", "join", &[]), []);
    assert_eq!(table.call(6, "q", "join", &[int(2)]), []);
    // What did not arrive stands in front again, above the limit if need be.
    let mut answers = Vec::new();
    table.registry.give_back(1, int(1), &mut answers);
    assert!(answers.is_empty());
    assert_eq!(table.get("q", "copy", &[]), Ok(ints(&[1, 2])));
    assert_eq!(table.get("q", "get", &[]), Ok(int(1)));
    assert_eq!(
        table.call(1, "q", "get", &[]),
        [(3, nil()), (1, Ok(int(2)))],
        "the queue has room for a waiting producer"
    );
    assert_eq!(table.get("q", "get", &[]), Ok(int(3)));
    assert_eq!(table.get("q", "unfinished", &[]), Ok(int(3)));
    assert_eq!(table.later(2), [(6, no())]);
    assert_eq!(table.get("q", "task_done", &[]), nil());
    assert_eq!(table.get("q", "task_done", &[]), nil());
    assert_eq!(table.call(1, "q", "task_done", &[]), [(5, yes()), (1, nil())]);
    assert_eq!(table.get("q", "task_done", &[]), Err(FailureKind::WrongArguments));
    assert_eq!(table.get("q", "join", &[]), yes());
}

#[test]
fn the_share_of_a_dead_waiter_goes_to_others() {
    let mut table = Table::with(&[("q", "Queue", vec![int(1)]), ("e", "Event", vec![])]);
    table.call(1, "q", "get", &[]);
    table.call(2, "q", "get", &[]);
    assert_eq!(table.gone(1), []);
    assert_eq!(table.call(3, "q", "put", &[int(7)]), [(2, Ok(int(7))), (3, nil())]);
    table.call(3, "q", "put", &[int(8)]);
    table.call(4, "q", "put", &[int(9)]);
    assert_eq!(table.gone(4), []);
    assert_eq!(table.get("q", "get", &[]), Ok(int(8)));
    assert_eq!(table.get("q", "get", &[int(0)]), Err(FailureKind::Empty), "it was never put");
    table.call(5, "e", "wait", &[]);
    table.call(6, "e", "wait", &[int(1)]);
    table.gone(5);
    assert_eq!(table.call(1, "e", "set", &[]), [(6, yes()), (1, nil())]);
    assert_eq!(table.later(1), []);
}

#[test]
fn slots_that_were_held_come_back_and_those_that_were_taken_do_not() {
    let mut table = Table::with(&[("s", "Semaphore", vec![int(2)])]);
    table.call(1, "s", "acquire", &[DynamicValue::Nil, true.into()]);
    table.call(2, "s", "acquire", &[]);
    assert_eq!(table.call(3, "s", "acquire", &[]), []);
    assert_eq!(table.call(4, "s", "acquire", &[int(1)]), []);
    assert_eq!(table.gone(2), []);
    assert_eq!(table.gone(1), [(3, yes())]);
    assert_eq!(table.later(1), [(4, no())]);
    assert_eq!(table.call(9, "s", "release", &[int(2)]), [(9, nil())]);
    assert_eq!(table.get("s", "get_value", &[]), Ok(int(2)));
}

#[test]
fn a_barrier_opens_for_all_or_breaks_for_all() {
    let mut table = Table::with(&[("b", "Barrier", vec![int(3)])]);
    let broken = || Err(FailureKind::BrokenBarrier);
    table.call(1, "b", "wait", &[]);
    table.call(2, "b", "wait", &[]);
    assert_eq!(table.get("b", "n_waiting", &[]), Ok(int(2)));
    assert_eq!(table.call(3, "b", "wait", &[]), [(1, Ok(int(0))), (2, Ok(int(1))), (3, Ok(int(2)))]);
    table.call(1, "b", "wait", &[]);
    table.call(2, "b", "wait", &[int(1)]);
    assert_eq!(table.later(1), [(1, broken()), (2, broken())]);
    assert_eq!(table.get("b", "wait", &[]), broken());
    assert_eq!(table.get("b", "broken", &[]), yes());
    table.get("b", "reset", &[]).unwrap();
    table.call(1, "b", "wait", &[]);
    table.call(2, "b", "wait", &[]);
    assert_eq!(table.gone(2), [(1, broken())], "a waiting party died");
    table.get("b", "reset", &[]).unwrap();
    table.call(1, "b", "wait", &[]);
    assert_eq!(table.call(2, "b", "abort", &[]), [(1, broken()), (2, nil())]);
    assert_eq!(table.get("b", "parties", &[]), Ok(int(3)));
}

#[test]
fn a_wait_for_a_deleted_object_ends_with_an_error() {
    let mut table = Table::with(&[("q", "Queue", vec![])]);
    table.call(1, "q", "get", &[int(5)]);
    let results = table.ask(2, Request::Delete(Target::Name("q")));
    assert_eq!(results, [(1, Err(FailureKind::NoSuchObject)), (2, nil())]);
    assert_eq!(table.later(9), []);
    assert_eq!(table.gone(1), []);
}

#[test]
fn what_is_listed_is_bounded_and_in_order() {
    let long: Vec<DynamicValue> = (0..10_000).map(int).collect();
    let mut table = Table::with(&[("z", "Lock", vec![]), ("long", "list", vec![DynamicValue::List(long)])]);
    table.ask(1, Request::Create { name: None, kind: "Value", arguments: vec!["x".into()], must_be_new: true });
    table.call(1, "z", "acquire", &[]);
    table.call(2, "z", "acquire", &[]);
    let list = table.registry.list();
    let names: Vec<&str> = list.iter().map(|info| info.name.as_str()).collect();
    assert_eq!(names, ["long", "z", ""]);
    assert_eq!((list[0].length, list[1].length), (Some(10_000), None));
    assert!(list[0].content.starts_with("[0,1,2,") && list[0].content.ends_with('…') && list[0].content.len() < 200);
    assert_eq!((list[1].content.as_str(), list[1].waiting, list[1].calls), ("held, 1 waiting", 1, 2));
    assert_eq!(list[2].content, "\"x\"");
    assert_eq!(table.registry.calls(), 2);
}

/// What happens at random to one lock, one queue and one condition.
#[derive(Clone, Debug)]
enum Step {
    Call(ClientId, &'static str, &'static str, Option<u8>),
    Gone(ClientId),
    Later(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let calls = prop::sample::select(vec![
        ("l", "acquire", true),
        ("l", "release", false),
        ("q", "get", true),
        ("q", "put", false),
        ("c", "acquire", true),
        ("c", "release", false),
        ("c", "wait", true),
        ("c", "notify", false),
        ("s", "acquire", true),
        ("s", "release", false),
    ]);
    prop_oneof![
        8 => (1..5_u64, calls, prop::option::of(0..3_u8)).prop_map(|(client, (object, method, waits), secs)| {
            Step::Call(client, object, method, secs.filter(|_| waits))
        }),
        1 => (1..5_u64).prop_map(Step::Gone),
        1 => (0..3_u8).prop_map(Step::Later),
    ]
}

proptest! {
    /// Each call is answered at most once, items are neither lost nor doubled, and when all clients are gone nothing is
    /// held.
    #[test]
    fn every_order_of_calls_deaths_and_time_is_consistent(steps in prop::collection::vec(step(), 0..60)) {
        let mut table = Table::with(&[
            ("l", "Lock", vec![]),
            ("q", "Queue", vec![int(2)]),
            ("c", "Condition", vec![]),
            ("s", "BoundedSemaphore", vec![int(1)]),
        ]);
        let mut asking: BTreeMap<ClientId, &str> = BTreeMap::new();
        let (mut next_item, mut taken) = (0, Vec::new());
        for step in steps {
            let results = match step {
                // A client that waits asks nothing else.
                Step::Call(client, ..) if asking.contains_key(&client) => continue,
                Step::Call(client, object, method, secs) => {
                    let mut arguments = Vec::new();
                    if method == "put" {
                        arguments.push(int(next_item));
                        next_item += 1;
                    }
                    arguments.extend(secs.map(|secs| int(secs.into())));
                    asking.insert(client, method);
                    table.call(client, object, method, &arguments)
                }
                Step::Gone(client) => {
                    asking.remove(&client);
                    table.gone(client)
                }
                Step::Later(secs) => table.later(secs.into()),
            };
            for (client, result) in results {
                let method = asking.remove(&client);
                prop_assert!(method.is_some(), "{client} was answered and had not asked");
                if let (Some("get"), Ok(DynamicValue::Int(item))) = (method, result) {
                    taken.push(item);
                }
            }
        }
        prop_assert!(taken.windows(2).all(|pair| pair[0] < pair[1]), "in their order, each once: {taken:?}");
        for client in 1..5 {
            table.gone(client);
        }
        prop_assert_eq!(table.get("l", "locked", &[]), no());
        prop_assert!(table.get("c", "acquire", &[int(0)]) != no());
        prop_assert_eq!(table.registry.next_deadline_ns(), None);
        prop_assert!(table.registry.list().iter().all(|info| info.waiting == 0));
    }
}
