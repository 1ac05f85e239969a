//! Connections between programs that have not started each other.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use fanlane_mp::manager::{Address, Client, ClientOptions, ConnectError, Key, Server, ServerOptions};
use fanlane_mp::{Connection, Event, Listener, NetworkError, Process, RecvError, SendError, wait};
use tempfile::TempDir;

use crate::functions::connect_and_answer;
use crate::{DEADLINE, Test};

pub const TESTS: &[Test] = &[
    ("listener::another_process_connects_in_both_ways", another_process_connects_in_both_ways),
    ("listener::another_key_is_refused", another_key_is_refused),
    ("listener::unauthenticated_peers_do_not_block_others", unauthenticated_peers_do_not_block_others),
    ("listener::shared_things_stay_on_their_machine", shared_things_stay_on_their_machine),
    ("listener::an_address_is_had_once_and_given_back", an_address_is_had_once_and_given_back),
    ("listener::a_manager_is_no_listener_and_the_other_way_round", a_manager_is_no_listener_and_the_other_way_round),
];

fn key() -> Key {
    Key::random().unwrap()
}

fn tcp() -> Address {
    Address::Tcp("127.0.0.1:0".into())
}

fn unix(folder: &TempDir) -> Address {
    Address::Unix(folder.path().join("own/socket"))
}

/// Both ends of a connection.
fn connected(listener: &mut Listener, key: &Key) -> (Connection, Connection) {
    let address = listener.address().clone();
    std::thread::scope(|scope| {
        let connecting = scope.spawn(|| Connection::connect(&address, key, DEADLINE));
        let here = listener.accept_timeout(DEADLINE).unwrap();
        (here, connecting.join().unwrap().unwrap())
    })
}

fn another_process_connects_in_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    for address in [unix(&folder), tcp()] {
        let key = key();
        let mut listener = Listener::bind(&address, key.clone()).unwrap();
        let arguments = (listener.address().to_string(), key.reveal().to_owned());
        let process = Process::spawn(connect_and_answer, arguments).unwrap();
        let here = listener.accept_timeout(DEADLINE).unwrap();
        // More than a socket takes at once.
        let large: Vec<u64> = (0..300_000).collect();
        here.send(&large).unwrap();
        assert_eq!(here.recv::<u64>().unwrap(), large.iter().sum::<u64>());
        here.send_bytes(b"").unwrap();
        assert!(matches!(here.recv_bytes(), Err(RecvError::Closed)), "it has ended");
        assert_eq!(process.join().unwrap(), 0);
    }
}

fn another_key_is_refused() {
    let mut listener = Listener::bind(&tcp(), key()).unwrap();
    let address = listener.address().clone();
    std::thread::scope(|scope| {
        let connecting = scope.spawn(|| Connection::connect(&address, &key(), DEADLINE));
        while !connecting.is_finished() {
            let accepted = listener.accept_timeout(Duration::from_millis(1));
            assert!(matches!(accepted, Err(NetworkError::TimedOut)), "{accepted:?}");
        }
        let error = connecting.join().unwrap().unwrap_err();
        assert!(matches!(&error, NetworkError::WrongKey { address: at } if *at == address.to_string()), "{error}");
        assert!(error.to_string().contains("look at the key on both sides"), "{error}");
    });
}

fn unauthenticated_peers_do_not_block_others() {
    let folder = tempfile::tempdir().unwrap();
    for address in [unix(&folder), tcp()] {
        let key = key();
        let mut listener = Listener::bind(&address, key.clone()).unwrap();
        let address = listener.address().clone();
        let mut knock = || -> Box<dyn ReadAndWrite> {
            // Each is heard before the next comes: the system has room for some only.
            let stream: Box<dyn ReadAndWrite> = match &address {
                Address::Unix(path) => Box::new(UnixStream::connect(path).unwrap()),
                Address::Tcp(place) => Box::new(TcpStream::connect(place).unwrap()),
            };
            assert_eq!(wait(&[&listener], Some(DEADLINE)).unwrap(), [0], "a peer connects");
            let accepted = listener.accept_timeout(Duration::ZERO);
            assert!(matches!(accepted, Err(NetworkError::TimedOut)), "{accepted:?}");
            stream
        };
        // More silent ones than may be at it; one that talks nonsense, and one that is gone at once.
        let mut silent: Vec<_> = (0..70).map(|_| knock()).collect();
        let mut odd = knock();
        odd.write_all(&[b'x'; 4_096]).unwrap();
        drop(knock());
        let (here, there) = connected(&mut listener, &key);
        there.send(&7_u8).unwrap();
        assert_eq!(here.recv::<u8>().unwrap(), 7);
        let mut heard = Vec::new();
        // Those that came first had to go; what they were told is a challenge, and nothing else.
        silent[0].read_to_end(&mut heard).unwrap();
        assert_eq!(heard.len(), 40);
    }
}

trait ReadAndWrite: Read + Write {}

impl<T: Read + Write> ReadAndWrite for T {}

fn shared_things_stay_on_their_machine() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key());
    let event = Event::new().unwrap();
    let mut local = Listener::bind(&unix(&folder), key.clone()).unwrap();
    let (here, there) = connected(&mut local, &key);
    here.send(&event).unwrap();
    there.recv::<Event>().unwrap().set();
    assert!(event.is_set());
    let mut remote = Listener::bind(&tcp(), key.clone()).unwrap();
    let (here, there) = connected(&mut remote, &key);
    let error = here.send(&event).unwrap_err();
    assert!(matches!(&error, SendError::Encode(why) if why.contains("over a network")), "{error}");
    here.send(&1_u8).unwrap();
    assert_eq!(there.recv::<u8>().unwrap(), 1, "nothing of it was sent");
}

fn an_address_is_had_once_and_given_back() {
    let (folder, key) = (tempfile::tempdir().unwrap(), key());
    for address in [unix(&folder), tcp()] {
        let listener = Listener::bind(&address, key.clone()).unwrap();
        let address = listener.address().clone();
        let error = Listener::bind(&address, key.clone()).unwrap_err();
        assert!(matches!(&error, NetworkError::Listen { address: at, .. } if *at == address.to_string()), "{error}");
        drop(listener);
        let error = Connection::connect(&address, &key, DEADLINE).unwrap_err();
        assert!(matches!(&error, NetworkError::Connect { address: at, .. } if *at == address.to_string()), "{error}");
        assert!(Listener::bind(&address, key.clone()).is_ok());
    }
    assert_eq!(std::fs::read_dir(folder.path().join("own")).unwrap().count(), 0);
}

fn a_manager_is_no_listener_and_the_other_way_round() {
    let key = key();
    let server = Server::start(ServerOptions::new(vec![tcp()], key.clone())).unwrap();
    let error = Connection::connect(&server.addresses()[0], &key, DEADLINE).unwrap_err();
    assert!(matches!(error, NetworkError::WrongKey { .. }), "{error}");
    let mut listener = Listener::bind(&tcp(), key.clone()).unwrap();
    let address = listener.address().clone();
    std::thread::scope(|scope| {
        let connecting = scope.spawn(|| Client::connect(address, key, ClientOptions::default()).map(drop));
        while !connecting.is_finished() {
            assert!(listener.accept_timeout(Duration::from_millis(1)).is_err());
        }
        assert!(matches!(connecting.join().unwrap(), Err(ConnectError::WrongKey(_))));
    });
}
