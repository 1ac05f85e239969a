//! The errors of a client of a manager.

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use fanlane_mp::manager::{
    Address, Client, ClientOptions, ConnectError, CustomType, DynamicValue, EnvironmentError, Failure, FailureKind,
    Key, ManagerError, ServeError, Server, ServerOptions,
};

use crate::{Test, eventually};

pub const TESTS: &[Test] = &[
    ("manager_errors::what_is_no_manager_is_told_apart", what_is_no_manager_is_told_apart),
    ("manager_errors::a_call_that_is_not_answered_is_given_up", a_call_that_is_not_answered_is_given_up),
    ("manager_errors::a_call_that_is_too_large_is_not_sent", a_call_that_is_too_large_is_not_sent),
    ("manager_errors::an_address_that_is_taken_is_told", an_address_that_is_taken_is_told),
    ("manager_errors::what_a_manager_answers_comes_back_whole", what_a_manager_answers_comes_back_whole),
    ("manager_errors::options_show_no_key", options_show_no_key),
];

fn key() -> Key {
    Key::random().unwrap()
}

fn what_is_no_manager_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::scope(|scope| {
        let answering = scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(&[b'x'; 4_096]).unwrap();
        });
        let error = Client::connect(Address::Unix(path.clone()), key(), ClientOptions::default()).unwrap_err();
        assert!(matches!(error, ConnectError::NotAManager(_)), "{error}");
        assert!(error.to_string().ends_with("is no Fanlane manager, or one of another version"), "{error}");
        let error = EnvironmentError::Connect(error);
        assert!(error.to_string().contains("is no Fanlane manager"), "{error}");
        answering.join().unwrap();
    });
}

/// Answers when it is told to.
struct Slow(Receiver<()>);

impl CustomType for Slow {
    fn call(&mut self, _: &str, _: Vec<DynamicValue>) -> Result<DynamicValue, Failure> {
        Ok(DynamicValue::Bool(self.0.recv().is_ok()))
    }
}

fn a_call_that_is_not_answered_is_given_up() {
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = descriptors();
    let (let_go, go) = channel();
    let made = std::sync::Mutex::new(Some(go));
    let options = ServerOptions::new(vec![Address::Tcp("127.0.0.1:0".into())], key());
    let server = Server::start(options.register("Slow", move |_| {
        Ok(Slow(made.lock().unwrap().take().ok_or_else(|| Failure::custom("there is one"))?))
    }))
    .unwrap();
    let options = ClientOptions { answer_timeout: Duration::from_millis(20), ..ClientOptions::default() };
    let client = Client::connect(server.addresses()[0].clone(), server.key().clone(), options).unwrap();
    let list = client.list::<u8>("list").unwrap();
    let slow = client.custom("slow", "Slow", vec![]).unwrap();
    use fanlane_mp::manager::proxy::Proxy;
    let error = slow.handle().call("wait", vec![]).unwrap_err();
    assert!(matches!(error, ManagerError::NoAnswer { .. }), "{error}");
    assert!(error.to_string().contains("whether it has done the call is unknown") && error.kind().is_none());
    // The next call has a connection of its own, and hears nothing of what was given up.
    let_go.send(()).unwrap();
    assert_eq!(list.len().unwrap(), 0);
    drop((list, slow, client, server));
    eventually("the end of the object's thread", || descriptors() == before);
}

fn a_call_that_is_too_large_is_not_sent() {
    let server = Server::start(ServerOptions::new(vec![Address::Tcp("127.0.0.1:0".into())], key())).unwrap();
    let options = ClientOptions { max_frame_bytes: 1_000, ..ClientOptions::default() };
    let client = Client::connect(server.addresses()[0].clone(), server.key().clone(), options).unwrap();
    let list = client.list::<String>("list").unwrap();
    let error = list.append(&"x".repeat(2_000)).unwrap_err();
    assert!(matches!(error, ManagerError::TooLarge { bytes, limit: 1_000 } if bytes > 2_000), "{error}");
    assert!(error.to_string().contains("send it in parts"), "{error}");
    list.append(&"small".to_owned()).unwrap();
    assert_eq!(list.to_vec().unwrap(), ["small"]);
}

fn an_address_that_is_taken_is_told() {
    let server = Server::start(ServerOptions::new(vec![Address::Tcp("127.0.0.1:0".into())], key())).unwrap();
    let taken = server.addresses()[0].clone();
    let error = Server::start(ServerOptions::new(vec![taken.clone()], key())).unwrap_err();
    assert!(matches!(&error, ServeError::Listen { address, .. } if *address == taken.to_string()), "{error}");
    assert!(error.to_string().starts_with(&format!("the manager cannot listen at {taken}: ")), "{error}");
    let system = ServeError::System(std::io::ErrorKind::WouldBlock.into());
    assert!(!system.to_string().is_empty() && std::error::Error::source(&system).is_some());
}

fn what_a_manager_answers_comes_back_whole() {
    let server = Server::start(ServerOptions::new(vec![Address::Tcp("127.0.0.1:0".into())], key())).unwrap();
    let client = server.client().unwrap();
    match client.call("nothing", "get", vec![]).unwrap_err() {
        ManagerError::Failed(Failure { kind: FailureKind::NoSuchObject, message }) => {
            assert!(message.contains("'nothing'") && message.contains("there are none yet"), "{message}");
        }
        other => panic!("{other}"),
    }
    let failure = Failure::new(FailureKind::Ending, "the manager ends");
    assert_eq!(ManagerError::from(failure.clone()).kind(), Some(FailureKind::Ending));
    assert_eq!(failure.to_string(), "the manager ends");
}

fn options_show_no_key() {
    let options = ServerOptions::new(vec![Address::Tcp("localhost:1".into())], key());
    let shown = format!("{options:?}");
    assert!(shown.starts_with("ServerOptions { addresses: [Tcp(\"localhost:1\")]"), "{shown}");
    assert!(!shown.contains(options.key.reveal()));
}
