use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Instant;

use super::*;
use crate::authentication::handshake::{CLAIM_BYTES, Claim, GREETING_BYTES, VERDICT_BYTES};
use crate::manager::failure::FailureKind;
use crate::manager::proxy::{CustomProxy, Proxy};
use crate::manager::wire::{Target, write_frame};

const LONG: Duration = Duration::from_secs(60);

/// A server on a Unix socket and on TCP.
fn server() -> (Server, tempfile::TempDir) {
    serve(|_| ())
}

fn serve(change: impl FnOnce(&mut ServerOptions)) -> (Server, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let addresses = vec![Address::Unix(folder.path().join("own/manager")), Address::Tcp("127.0.0.1:0".into())];
    let mut options = ServerOptions::new(addresses, Key::random().unwrap());
    change(&mut options);
    (Server::start(options).unwrap(), folder)
}

fn socket(server: &Server) -> &Path {
    match &server.addresses()[0] {
        Address::Unix(path) => path,
        Address::Tcp(_) => panic!("the first is a path"),
    }
}

fn connect_raw(server: &Server) -> UnixStream {
    let stream = UnixStream::connect(socket(server)).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// A connection that has proven the key and can break the protocol.
fn authenticated(server: &Server) -> UnixStream {
    let mut stream = connect_raw(server);
    let mut greeting = [0; GREETING_BYTES];
    stream.read_exact(&mut greeting).unwrap();
    let claim = Claim::answer(&greeting, [3; 32]).unwrap();
    stream.write_all(&claim.bytes(server.key())).unwrap();
    let mut verdict = [0; VERDICT_BYTES];
    stream.read_exact(&mut verdict).unwrap();
    claim.check(server.key(), &verdict).unwrap();
    stream
}

fn is_closed(mut stream: impl Read) -> bool {
    let mut rest = Vec::new();
    // A reset connection is closed too.
    stream.read_to_end(&mut rest).map_or_else(|error| error.kind() == io::ErrorKind::ConnectionReset, |_| true)
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < end, "{what} has not come about");
        thread::sleep(Duration::from_millis(1));
    }
}

fn call(target: &str, method: &str, arguments: Vec<DynamicValue>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_frame(&mut bytes, &Request::Call { target: Target::Name(target), method, arguments }, usize::MAX).unwrap();
    bytes
}

#[test]
fn the_socket_is_for_its_owner_alone_and_goes_with_the_server() {
    let (server, folder) = server();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(socket(&server)), mode(&folder.path().join("own"))), (0o600, 0o700));
    let again = ServerOptions::new(vec![server.addresses()[0].clone()], server.key().clone());
    assert!(Server::start(again.clone()).unwrap_err().to_string().contains("another manager"));
    drop(server);
    assert_eq!(std::fs::read_dir(folder.path().join("own")).unwrap().count(), 0);
    // The socket that a killed server has left is taken over.
    let Address::Unix(path) = &again.addresses[0] else { unreachable!("it is a path") };
    drop(std::os::unix::net::UnixListener::bind(path).unwrap());
    drop(Server::start(again.clone()).unwrap());
    std::fs::set_permissions(folder.path().join("own"), std::fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(Server::start(again), Err(ServeError::Exposed(_))));
}

#[test]
fn the_same_objects_are_reached_over_tcp() {
    let (server, _folder) = server();
    let connect = |address: &Address, key: Key| Client::connect(address.clone(), key, ClientOptions::default());
    let [unix, tcp] = server.addresses() else { panic!("two addresses") };
    connect(unix, server.key().clone()).unwrap().value("v", &1).unwrap();
    let remote = connect(tcp, server.key().clone()).unwrap();
    assert_eq!(remote.value("v", &0).unwrap().get().unwrap(), 1);
    for address in [unix, tcp] {
        let refused = connect(address, Key::random().unwrap()).unwrap_err();
        assert!(matches!(refused, ConnectError::WrongKey(_)), "{refused}");
    }
    let nowhere = connect(&Address::Unix("/nowhere/at/all".into()), server.key().clone()).unwrap_err();
    assert!(nowhere.to_string().contains("cannot be reached"), "{nowhere}");
}

#[test]
fn nothing_that_an_unauthenticated_peer_sends_is_answered_or_harms() {
    let (server, _folder) = server();
    let client = server.client().unwrap();
    let mut recorded = [0; CLAIM_BYTES];
    {
        let mut stream = connect_raw(&server);
        let mut greeting = [0; GREETING_BYTES];
        stream.read_exact(&mut greeting).unwrap();
        recorded.copy_from_slice(&Claim::answer(&greeting, [9; 32]).unwrap().bytes(server.key()));
        stream.write_all(&recorded).unwrap();
        stream.read_exact(&mut [0; VERDICT_BYTES]).unwrap();
    }
    let garbage: Vec<u8> = (0..200_000_u32).map(|number| (number * 31 % 251) as u8).collect();
    let huge = u32::MAX.to_le_bytes();
    let cases: [(&str, &[u8]); 6] = [
        ("garbage", &garbage),
        ("a claim that was recorded", &recorded),
        ("a claim of zeros", &[0; CLAIM_BYTES]),
        ("half a claim and the end", &recorded[..20]),
        ("a call without a proof", &call("v", "get", vec![]).repeat(20)),
        ("a huge length", &huge.repeat(30)),
    ];
    for (what, bytes) in cases {
        let mut stream = connect_raw(&server);
        // The server may close before all is written.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut said = Vec::new();
        let _ = stream.read_to_end(&mut said);
        assert!(said.len() <= GREETING_BYTES + VERDICT_BYTES, "{what}");
        assert!(said.iter().skip(GREETING_BYTES).all(|byte| *byte == 0), "{what}: no proof of the server's");
        assert_eq!(client.value("v", &1).unwrap().get().unwrap(), 1, "{what}");
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_peer_that_sends_no_proof_is_sent_away() {
    let (server, _folder) = serve(|options| options.handshake_timeout = Duration::from_millis(50));
    let Address::Tcp(place) = &server.addresses()[1] else { panic!("the second is a port") };
    let silent = TcpStream::connect(place).unwrap();
    let mut slow = connect_raw(&server);
    slow.write_all(b"fan").unwrap();
    assert!(is_closed(silent) && is_closed(slow));
    // On a busy machine the time to prove itself may pass before a client does.
    let mut client = server.client();
    until("a client that is quick enough", || {
        if client.is_err() {
            client = server.client();
        }
        client.is_ok()
    });
    // A peer that connects now is sent away too; by then the time of the client has passed as well.
    assert!(is_closed(connect_raw(&server)));
    assert_eq!(client.unwrap().value("v", &1).unwrap().get().unwrap(), 1, "a client may be silent");
}

#[test]
fn unauthenticated_peers_do_not_keep_out_clients() {
    let (server, _folder) = server();
    let peers: Vec<_> = (0..200).map(|_| connect_raw(&server)).collect();
    let client = server.client().unwrap();
    assert_eq!(client.value("v", &1).unwrap().get().unwrap(), 1);
    assert!(is_closed(&peers[0]), "the first had to make room");
}

#[test]
fn there_is_a_limit_to_connections_and_room_again_after() {
    let (server, _folder) = serve(|options| options.max_connections = 2);
    let clients = [server.client().unwrap(), server.client().unwrap()];
    assert!(matches!(server.client(), Err(ConnectError::TooManyConnections(_))));
    drop(clients);
    until("room", || server.connections() == 0);
    assert!(server.client().is_ok());
}

#[test]
fn a_client_cannot_break_the_server() {
    let (server, _folder) = serve(|options| options.max_frame_bytes = 100_000);
    let client = server.client().unwrap();
    let value = client.value("v", &1).unwrap();
    let mut deep = vec![0, 0, 1, b'v', 3, b's', b'e', b't', 1];
    deep.extend([6, 1].repeat(40_000));
    let framed = |body: &[u8]| [&u32::try_from(body.len()).unwrap().to_le_bytes(), body].concat();
    for bytes in [framed(&[255; 20]), framed(&[]), framed(&deep), framed(&[0; 50]), 100_001_u32.to_le_bytes().to_vec()]
    {
        let mut stream = authenticated(&server);
        stream.write_all(&bytes).unwrap();
        assert!(is_closed(stream), "{bytes:?}");
        assert_eq!(value.get().unwrap(), 1);
    }
    // Half a frame, and then nothing: only its own connection waits.
    let mut half = authenticated(&server);
    half.write_all(&framed(&[0; 50])[..20]).unwrap();
    assert_eq!(value.get().unwrap(), 1);
    // A client that calls much and never reads.
    client.call("v", "set", vec![DynamicValue::Text("x".repeat(90_000))]).unwrap();
    let mut deaf = authenticated(&server);
    for _ in 0..50 {
        deaf.write_all(&call("v", "get", vec![])).unwrap();
    }
    assert_eq!(client.objects().unwrap().len(), 1);
    // An answer that is too large is an error, and the connection stays.
    let list = client.list::<String>("l").unwrap();
    list.extend(&["y".repeat(60_000)]).unwrap();
    list.extend(&["z".repeat(60_000)]).unwrap();
    assert_eq!(list.to_vec().unwrap_err().kind(), Some(FailureKind::Limit));
    assert_eq!(list.page(1, 1).unwrap()[0].len(), 60_000);
    // A call that is too large is an error before it ends the connection.
    assert_eq!(list.append(&"w".repeat(200_000)).unwrap_err().kind(), Some(FailureKind::Limit));
    assert_eq!(list.len().unwrap(), 2);
}

#[test]
fn calls_that_are_sent_at_once_are_answered_in_their_order() {
    let (server, _folder) = server();
    server.create("v", "Value", vec![0_i64.into()]).unwrap();
    server.create("q", "Queue", vec![]).unwrap();
    let mut stream = authenticated(&server);
    let mut bytes = call("v", "add", vec![]);
    bytes.extend(call("q", "get", vec![]));
    bytes.extend(call("v", "add", vec![]));
    stream.write_all(&bytes).unwrap();
    server.client().unwrap().queue("q", 0).unwrap().put(&7, None).unwrap();
    let mut answers = [0; 3 * 7];
    stream.read_exact(&mut answers).unwrap();
    // Each: its length, done, a whole number, the number as postcard writes it.
    assert_eq!(answers.chunks(7).map(|one| one[6]).collect::<Vec<_>>(), [2, 14, 4]);
}

#[test]
fn a_killed_holder_frees_its_lock_and_leaves_its_place_in_a_queue() {
    let (server, _folder) = server();
    let client = server.client().unwrap();
    let (lock, queue) = (client.lock("l").unwrap(), client.queue::<u8>("q", 0).unwrap());
    let mut holder = authenticated(&server);
    holder.write_all(&call("l", "acquire", vec![DynamicValue::Nil])).unwrap();
    until("the lock", || lock.is_locked().unwrap());
    let mut consumer = authenticated(&server);
    consumer.write_all(&call("q", "get", vec![DynamicValue::Nil])).unwrap();
    until("the consumer", || server.list().iter().any(|one| one.name == "q" && one.waiting == 1));
    drop((holder, consumer));
    assert!(lock.acquire().unwrap().owner_died());
    until("its end", || server.list().iter().all(|one| one.waiting == 0));
    queue.put(&1, None).unwrap();
    assert_eq!(queue.get(Some(LONG)).unwrap(), 1);
}

#[test]
fn an_item_that_does_not_reach_its_consumer_goes_back() {
    let (server, _folder) = server();
    let client = server.client().unwrap();
    let queue = client.queue::<u8>("q", 0).unwrap();
    for number in [1, 2] {
        queue.put(&number, None).unwrap();
    }
    // It is killed between the server's answer and its own reading of it.
    let mut consumer = authenticated(&server);
    consumer.write_all(&call("q", "get", vec![])).unwrap();
    until("the taking", || queue.qsize().unwrap() == 1);
    let mut byte = [0];
    until("the answer", || rustix::net::recv(&consumer, &mut byte, rustix::net::RecvFlags::PEEK).is_ok());
    drop(consumer);
    until("the item's return", || queue.qsize().unwrap() == 2);
    // A client that has read the item has it, however it ends.
    let mut consumer = authenticated(&server);
    consumer.write_all(&call("q", "get", vec![])).unwrap();
    consumer.read_exact(&mut [0; 7]).unwrap();
    drop(consumer);
    until("its end", || server.connections() == 1);
    assert_eq!(queue.get(Some(Duration::ZERO)).unwrap(), 2);
    assert!(queue.is_empty().unwrap());
}

#[test]
fn many_clients_count_together() {
    const THREADS: usize = 16;
    const TIMES: i64 = 50;
    let (server, _folder) = server();
    let client = server.client().unwrap();
    let (count, lock, shown) =
        (client.value("n", &0_i64).unwrap(), client.lock("l").unwrap(), client.value("s", &0_i64).unwrap());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..TIMES {
                    count.add(&1).unwrap();
                    let _held = lock.acquire().unwrap();
                    let before = shown.get().unwrap();
                    shown.set(&(before + 1)).unwrap();
                }
            });
        }
    });
    let all = i64::try_from(THREADS).unwrap() * TIMES;
    assert_eq!((count.get().unwrap(), shown.get().unwrap()), (all, all));
    drop((count, lock, shown, client));
    until("the end of all connections", || server.connections() == 0);
}

struct Slow;

impl CustomType for Slow {
    fn call(&mut self, method: &str, _arguments: Vec<DynamicValue>) -> Result<DynamicValue, Failure> {
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        if method == "sleep" {
            // Longer than this test takes.
            let _ = receiver.recv_timeout(Duration::from_millis(300));
        }
        drop(sender);
        Ok(DynamicValue::Nil)
    }
}

#[test]
fn a_slow_method_of_a_custom_type_delays_its_callers_only() {
    let folder = tempfile::tempdir().unwrap();
    let address = Address::Unix(folder.path().join("own/manager"));
    let options = ServerOptions::new(vec![address], Key::random().unwrap()).register("Slow", |_| Ok(Slow));
    let server = Server::start(options).unwrap();
    let client = server.client().unwrap();
    let slow = client.custom("slow", "Slow", vec![]).unwrap();
    let other = slow.clone();
    let caller = thread::spawn(move || other.call::<()>("sleep", vec![]));
    until("the call", || server.list()[0].waiting == 1);
    assert_eq!(client.value("v", &1).unwrap().get().unwrap(), 1);
    let deleted = client.find::<CustomProxy>("slow").unwrap();
    deleted.delete().unwrap();
    assert_eq!(caller.join().unwrap().unwrap_err().kind(), Some(FailureKind::NoSuchObject));
}

#[test]
fn there_is_a_limit_to_what_is_held_and_room_again_after() {
    let (server, _folder) = serve(|options| {
        options.max_bytes = 100_000;
        options.max_bytes_is_set_by = "--max-bytes".to_owned();
    });
    let client = server.client().unwrap();
    let (queue, count) = (client.queue::<String>("q", 0).unwrap(), client.value("n", &0).unwrap());
    let item = "x".repeat(30_000);
    let full = |outcome: Result<(), crate::manager::ManagerError>| {
        let error = outcome.unwrap_err();
        assert!(error.to_string().ends_with("take something out, or allow more with --max-bytes"), "{error}");
        error.kind() == Some(FailureKind::Limit)
    };
    for _ in 0..3 {
        queue.put(&item, None).unwrap();
    }
    assert!(full(queue.put(&item, None)));
    assert!(full(client.list::<String>("l").unwrap().append(&item)));
    let made = client.custom("b", "list", vec![DynamicValue::List(vec![DynamicValue::from(item.as_str())])]);
    assert!(full(made.map(drop)));
    // What there is can be read and taken, and counters count on.
    assert_eq!((queue.get(None).unwrap(), count.add(&1).unwrap(), queue.qsize().unwrap()), (item.clone(), 1, 2));
    queue.put(&item, None).unwrap();
    // Any number of items may pass through.
    for _ in 0..20 {
        queue.get(None).unwrap();
        queue.put(&item, None).unwrap();
    }
    assert!(full(queue.put(&item, None)));
    client.delete("q").unwrap();
    client.list::<String>("l").unwrap().append(&item).unwrap();
}

#[test]
fn a_server_without_an_address_has_a_folder_of_its_own_which_goes_with_it() {
    let server = Server::start(ServerOptions::local().unwrap()).unwrap();
    let folder = server.folder().unwrap().to_owned();
    assert_eq!(server.addresses(), [Address::Unix(folder.join("manager"))]);
    assert_eq!(server.client().unwrap().value("count", &1).unwrap().get().unwrap(), 1);
    drop(server);
    assert!(!folder.exists());
}
