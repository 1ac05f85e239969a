//! Pools that a manager holds: all ways to call, and what happens to their workers and their clients.

use std::time::Duration;

use fanlane::mp::Process;
use fanlane::mp::manager::proxy::PoolProxy;
use fanlane::mp::manager::{
    Address, Client, ClientOptions, FailureKind, Key, ManagerError, PoolOptions, Server, ServerOptions, to_datum,
};
use tempfile::TempDir;

use crate::functions::map_over_manager;
use crate::{DEADLINE, Test, eventually, is_running};

pub const TESTS: &[Test] = &[
    ("manager_pool::every_way_to_call_over_a_socket_and_over_tcp", every_way_to_call_over_a_socket_and_over_tcp),
    ("manager_pool::what_cannot_be_called_is_told", what_cannot_be_called_is_told),
    ("manager_pool::a_killed_worker_fails_its_own_task_alone", a_killed_worker_fails_its_own_task_alone),
    ("manager_pool::the_map_of_a_client_that_dies_is_cancelled", the_map_of_a_client_that_dies_is_cancelled),
    ("manager_pool::what_a_client_lets_go_of_is_done", what_a_client_lets_go_of_is_done),
    ("manager_pool::results_are_waited_for_and_forgotten", results_are_waited_for_and_forgotten),
    ("manager_pool::it_is_made_with_options", it_is_made_with_options),
    ("manager_pool::it_ends_in_every_way", it_ends_in_every_way),
    ("manager_pool::without_being_asked_for_there_are_none", without_being_asked_for_there_are_none),
];

fn server() -> (Server, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let addresses = vec![Address::Unix(folder.path().join("own/manager")), Address::Tcp("127.0.0.1:0".into())];
    let options = ServerOptions::new(addresses, Key::random().unwrap()).with_pools();
    (Server::start(options).unwrap(), folder)
}

/// A client by the server's address of that place.
fn client(server: &Server, place: usize) -> Client {
    Client::connect(server.addresses()[place].clone(), server.key().clone(), ClientOptions::default()).unwrap()
}

/// The processes of a pool, once there are so many: they start beside the calls.
fn pids(pool: &PoolProxy, count: usize) -> Vec<u32> {
    eventually("the workers", || pool.pids().unwrap().len() == count);
    pool.pids().unwrap()
}

fn is_task(error: &ManagerError) -> bool {
    error.kind() == Some(FailureKind::Task)
}

fn every_way_to_call_over_a_socket_and_over_tcp() {
    let (server, _folder) = server();
    let cubes: Vec<i64> = (0..100).map(|x| x * x * x).collect();
    for place in [0, 1] {
        let pool = client(&server, place).pool("p", 2).unwrap();
        assert_eq!(pool.size().unwrap(), 2);
        assert_eq!(pool.apply::<i64>("power", &(2, 5)).unwrap(), 32);
        // One by its whole name, too.
        let whole = fanlane::mp::function!(crate::functions::cube).name();
        assert_eq!(pool.apply::<i64>(whole, &(3,)).unwrap(), 27);
        pool.apply::<()>("nothing", &()).unwrap();
        assert_eq!(pool.apply_async::<i64>("power", &(3, 2)).unwrap().get().unwrap(), 9);
        assert_eq!(pool.map::<_, i64>("cube", 0..100, None).unwrap(), cubes);
        assert_eq!(pool.map::<_, i64>("cube", 0..100, Some(7)).unwrap(), cubes);
        assert_eq!(pool.map_async::<_, i64>("cube", 0..100, None).unwrap().get().unwrap(), cubes);
        assert_eq!(pool.starmap::<_, i64>("power", [(2, 1), (2, 2)], None).unwrap(), [2, 4]);
        assert_eq!(pool.starmap_async::<_, i64>("power", [(2, 3)], Some(9)).unwrap().get().unwrap(), [8]);
        assert!(pool.map::<i64, i64>("cube", [], None).unwrap().is_empty());
        for chunk_size in [1, 7, 100, 1000] {
            let ordered: Result<Vec<i64>, _> = pool.imap("cube", 0..100, chunk_size).collect();
            assert_eq!(ordered.unwrap(), cubes);
            let mut unordered: Vec<i64> =
                pool.imap_unordered("cube", 0..100, chunk_size).collect::<Result<_, _>>().unwrap();
            unordered.sort_unstable();
            assert_eq!(unordered, cubes);
        }
        let first: Result<Vec<i64>, _> = pool.imap("cube", 0.., 2).take(3).collect();
        assert_eq!(first.unwrap(), [0, 1, 8]);
        // What a function returns as an error is a value like any other.
        let halves: Vec<Result<u32, String>> = pool.map("half", [4, 5], None).unwrap();
        assert_eq!(halves, [Ok(2), Err("5 is odd".to_owned())]);
        pool.resize(3).unwrap();
        assert_eq!((pool.size().unwrap(), pids(&pool, 3).len()), (3, 3));
        pool.resize(2).unwrap();
    }
    let shown = client(&server, 0).objects().unwrap();
    assert_eq!((shown[0].kind.as_str(), shown[0].content.as_str()), ("Pool", "2 workers"));
}

fn what_cannot_be_called_is_told() {
    let (server, _folder) = server();
    let pool = server.client().unwrap().pool("p", 1).unwrap();
    for (outcome, words) in [
        (pool.apply::<i64>("cubes", &(3,)), "there is no function cubes; those given to fanlane::mp::init are"),
        (pool.apply::<i64>("ube", &(3,)), "there is no function ube"),
        (pool.apply::<i64>("call_named", &(3,)), "there is no function call_named"),
        (pool.apply::<i64>("cube", &("x",)), "its arguments do not fit"),
        (pool.apply::<i64>("cube", &(1, 2)), "its arguments do not fit"),
        (pool.apply::<i64>("odd_panics", &(3,)), "the task panicked: 3 is odd"),
    ] {
        let error = outcome.unwrap_err();
        assert!(is_task(&error) && error.to_string().contains(words), "{words}: {error}");
    }
    assert!(is_task(&pool.map::<_, i64>("odd_panics", [2, 3, 4], None).unwrap_err()));
    let outcomes: Vec<Result<i64, _>> = pool.imap("odd_panics", [2, 3, 4], 1).collect();
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert!(pool.resize(0).is_err() && pool.resize(100_000).is_err());
    assert!(pool.handle_call_is_refused());
    assert_eq!(pool.apply::<i64>("cube", &(2,)).unwrap(), 8);
}

/// What no proxy would send.
trait Odd {
    fn handle_call_is_refused(&self) -> bool;
}

impl Odd for PoolProxy {
    fn handle_call_is_refused(&self) -> bool {
        use fanlane::mp::manager::proxy::Proxy;
        let handle = self.handle();
        let calls = [
            handle.call("fork", vec![]),
            handle.call("apply", vec!["cube".into()]),
            handle.call("starmap", vec!["cube".into(), to_datum(&[1, 2]).unwrap()]),
            handle.call("result", vec![to_datum(&[99_u64]).unwrap()]),
        ];
        calls.into_iter().all(|outcome| outcome.is_err())
    }
}

fn a_killed_worker_fails_its_own_task_alone() {
    let (server, _folder) = server();
    let pool = server.client().unwrap().pool("p", 2).unwrap();
    let outcomes: Vec<Result<bool, _>> = pool.imap("kill_self_if", (0..40).map(|number| number == 20), 1).collect();
    for (number, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Ok(value) => assert!(!value && number != 20),
            Err(error) => assert!(number == 20 && is_task(error) && error.to_string().contains("SIGKILL"), "{error}"),
        }
    }
    assert_eq!(outcomes.len(), 40);
    assert!(is_task(&pool.apply::<bool>("kill_self_if", &(true,)).unwrap_err()));
    assert_eq!(pool.apply::<i64>("cube", &(2,)).unwrap(), 8);
}

fn the_map_of_a_client_that_dies_is_cancelled() {
    let (server, folder) = server();
    let pool = server.client().unwrap().pool("p", 2).unwrap();
    let (notes, gate) = (folder.path().join("notes"), folder.path().join("gate"));
    // One worker is another client's, whose task and whose worker have to be the same afterwards.
    let mut held = pool.apply_async::<u32>("note_and_wait", &(folder.path(), &gate, 7)).unwrap();
    eventually("the other client's task", || folder.path().join("7").exists());
    let before = pids(&pool, 2);
    for (place, has_tickets) in [(0, false), (1, false), (0, true), (1, true)] {
        std::fs::create_dir(&notes).unwrap();
        let connections = server.connections();
        let address = server.addresses()[place].to_string();
        let arguments = (address, server.key().reveal().to_owned(), has_tickets, notes.clone());
        let process = Process::spawn(map_over_manager, arguments).unwrap();
        eventually("its first task", || std::fs::read_dir(&notes).unwrap().count() == 1);
        let after = pool.map_async::<_, i64>("cube", 0..4, Some(1)).unwrap();
        process.kill().unwrap();
        process.join().unwrap();
        eventually("its end", || server.connections() == connections);
        // Nothing has let its tasks go on, and yet others are served.
        assert_eq!(after.get().unwrap(), [0, 1, 8, 27]);
        assert_eq!(pool.map::<_, i64>("cube", 0..4, None).unwrap(), [0, 1, 8, 27]);
        assert_eq!(std::fs::read_dir(&notes).unwrap().count(), 1, "what had not begun is not begun");
        std::fs::remove_dir_all(&notes).unwrap();
    }
    let kept = pids(&pool, 2).into_iter().filter(|pid| before.contains(pid)).count();
    assert_eq!(kept, 1, "the worker of the other client");
    assert!(!held.ready().unwrap());
    std::fs::write(&gate, "").unwrap();
    assert_eq!(held.get_timeout(DEADLINE).unwrap(), 7);
}

fn what_a_client_lets_go_of_is_done() {
    let (server, folder) = server();
    let gate = folder.path().join("gate");
    let connections = server.connections();
    std::thread::scope(|scope| {
        // The connection is that of the thread, and ends with it.
        scope.spawn(|| {
            let pool = client(&server, 0).pool("p", 1).unwrap();
            for number in 0..3 {
                drop(pool.apply_async::<u32>("note_and_wait", &(folder.path(), &gate, number)).unwrap());
            }
        });
    });
    eventually("its end", || server.connections() == connections);
    std::fs::write(&gate, "").unwrap();
    eventually("its tasks", || (0..3).all(|number| folder.path().join(number.to_string()).exists()));
}

fn results_are_waited_for_and_forgotten() {
    let (server, folder) = server();
    let client = server.client().unwrap();
    let pool = client.pool("p", 1).unwrap();
    let gate = folder.path().join("gate");
    let mut held = pool.apply_async::<u32>("wait_for_file", &(&gate, 7)).unwrap();
    assert!(!held.ready().unwrap());
    for timeout in [Duration::ZERO, Duration::from_millis(5)] {
        assert_eq!(held.get_timeout(timeout).unwrap_err().kind(), Some(FailureKind::Empty));
    }
    // Nobody waits for this one, and none of the time that is over for the other is for it.
    drop(pool.apply_async::<u32>("wait_for_file", &(&gate, 8)).unwrap());
    std::fs::write(&gate, "").unwrap();
    assert_eq!(held.get_timeout(DEADLINE).unwrap(), 7);
    let later = pool.apply_async::<u32>("wait_for_file", &(&gate, 9)).unwrap();
    eventually("the result", || later.ready().unwrap());
    assert_eq!(later.get().unwrap(), 9);
}

fn it_is_made_with_options() {
    let (server, folder) = server();
    let client = server.client().unwrap();
    let options = PoolOptions { max_tasks_per_child: Some(1), retries: 1, ..PoolOptions::default() };
    let pool = client.pool_with("p", 1, &options).unwrap();
    let pids: Vec<u32> = pool.map("own_pid", 0..3, Some(1)).unwrap();
    assert!(pids[0] != pids[1] && pids[1] != pids[2], "{pids:?}");
    assert_eq!(pool.apply::<u32>("kill_self_once", &(folder.path().join("mark"),)).unwrap(), 7);
    let initargs = vec![to_datum(&2).unwrap(), to_datum(&3).unwrap()];
    let options = PoolOptions { initializer: Some("power".to_owned()), initargs, ..PoolOptions::default() };
    let pool = client.pool_with("begun", 1, &options).unwrap();
    assert_eq!(pool.apply::<i64>("cube", &(2,)).unwrap(), 8);
    let options = PoolOptions { initializer: Some("panics".to_owned()), ..PoolOptions::default() };
    let pool = client.pool_with("fails", 1, &options).unwrap();
    let error = pool.apply::<i64>("cube", &(2,)).unwrap_err();
    assert!(is_task(&error) && error.to_string().contains("the pool stopped"), "{error}");
}

fn it_ends_in_every_way() {
    let (server, folder) = server();
    let client = server.client().unwrap();
    let gate = folder.path().join("gate");
    let pool = client.pool("closed", 1).unwrap();
    assert!(pool.join().is_err(), "it is neither closed nor terminated");
    let last = pool.apply_async::<i64>("cube", &(2,)).unwrap();
    pool.close().unwrap();
    assert!(is_task(&pool.apply::<i64>("cube", &(2,)).unwrap_err()));
    pool.join().unwrap();
    assert_eq!(last.get().unwrap(), 8);
    // Terminated, deleted, or gone with the server: whoever waits is told, and no process is left.
    for way in ["terminate", "delete", "server"] {
        let (server, _folder) = self::server();
        let pool = server.client().unwrap().pool("p", 1).unwrap();
        let pid = pids(&pool, 1)[0];
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| pool.apply::<u32>("wait_for_file", &(&gate, 1)));
            eventually("the call", || server.list()[0].waiting == 1);
            match way {
                "terminate" => pool.terminate().unwrap(),
                "delete" => server.client().unwrap().delete("p").unwrap(),
                _ => server.client().unwrap().stop_server().unwrap(),
            }
            assert!(waiting.join().unwrap().is_err(), "{way}");
        });
        drop(server);
        eventually("its end", || !is_running(pid));
    }
}

fn without_being_asked_for_there_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let address = Address::Unix(folder.path().join("own/manager"));
    let server = Server::start(ServerOptions::new(vec![address], Key::random().unwrap())).unwrap();
    let error = server.client().unwrap().pool("p", 1).unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::NoSuchKind));
}
