//! Calls of a manager a second, beside Python's `BaseManager` doing the same on the same machine, in turns: quote the
//! ratios. Servers and clients are processes of their own on both sides.
//!
//! `cargo bench --bench manager` prints a table; `-- ROUNDS` sets how many rounds the medians are taken from.

#[path = "../../../benches/measuring/mod.rs"]
mod measuring;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fanlane_mp::manager::{Address, Client, ClientOptions, Key, Server, ServerOptions};

use measuring::{median, say};

/// The word that makes this program the server.
const SERVER: &str = "--serve";
const KEY: &str = "a key that is no secret";

const PYTHON_SERVER: &str = r#"
import sys
from multiprocessing.managers import SyncManager
class Manager(SyncManager): pass
value, queue, held = {"n": 0}, __import__("queue").Queue(), []
Manager.register("get_dict", lambda: value, __import__("multiprocessing.managers").managers.DictProxy)
Manager.register("get_list", lambda: held, __import__("multiprocessing.managers").managers.ListProxy)
manager = Manager(address=sys.argv[1], authkey=b"a key that is no secret")
server = manager.get_server()
print("ready", flush=True)
server.serve_forever()
"#;

const PYTHON_CLIENT: &str = r#"
import sys, time, threading
from multiprocessing.managers import SyncManager, DictProxy, ListProxy
class Manager(SyncManager): pass
Manager.register("get_dict", proxytype=DictProxy)
Manager.register("get_list", proxytype=ListProxy)
manager = Manager(address=sys.argv[1], authkey=b"a key that is no secret")
manager.connect()
shared, items = manager.get_dict(), manager.get_list()
what, calls = sys.argv[2], int(sys.argv[3])
text = "x" * 10000
begun = time.perf_counter()
if what == "get":
    for _ in range(calls): shared.get("n")
elif what == "append":
    for _ in range(calls): items.append(1)
elif what == "text":
    for _ in range(calls): shared["t"] = text
print(calls / (time.perf_counter() - begun))
"#;

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let Some(place) = words.iter().position(|word| word == SERVER) {
        return serve(&words[place + 1]);
    }
    let rounds = words.iter().skip(1).find_map(|word| word.parse().ok()).unwrap_or(5);
    let folder = tempfile::tempdir().expect("a folder");
    let own_address = folder.path().join("own/manager").display().to_string();
    let python_address = folder.path().join("python").display().to_string();
    let program = std::env::current_exe().expect("this program has a path");
    let mut servers = [
        start(Command::new(program).args([SERVER, &own_address])),
        start(Command::new("python3").args(["-c", PYTHON_SERVER, &python_address])),
    ];
    say(&format!("calls a second of one client, medians of {rounds} rounds in turns"));
    say(&format!("{:<34} {:>10} {:>10} {:>7}", "", "fanlane", "Python", "ratio"));
    for (what, words, calls, python_calls) in [
        ("get", "a value by its key", 30_000, 3_000),
        ("append", "a number appended to a list", 30_000, 3_000),
        ("text", "10,000 characters set", 10_000, 2_000),
    ] {
        let (mut own, mut python) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            own.push(client(&own_address, what, calls));
            python.push(python_client(&python_address, what, python_calls));
        }
        let (own, python) = (median(own), median(python));
        say(&format!("{words:<34} {own:>10.0} {python:>10.0} {:>6.1}×", own / python));
    }
    for server in &mut servers {
        // How it ends does not matter any more.
        let _ = server.kill();
        let _ = server.wait();
    }
}

fn serve(address: &str) {
    let key = Key::from_text(KEY).expect("long enough");
    let server = Server::start(ServerOptions::new(vec![Address::Unix(address.into())], key)).expect("it serves");
    say("ready");
    server.join();
}

fn start(command: &mut Command) -> Child {
    let mut server = command.stdout(Stdio::piped()).spawn().expect("the server starts");
    let mut line = String::new();
    BufReader::new(server.stdout.as_mut().expect("it is piped")).read_line(&mut line).expect("it speaks");
    assert_eq!(line, "ready\n");
    server
}

fn client(address: &str, what: &str, calls: u32) -> f64 {
    let key = Key::from_text(KEY).expect("long enough");
    let client = Client::connect(Address::Unix(address.into()), key, ClientOptions::default()).expect("it is there");
    let (shared, texts) =
        (client.dict::<String, i64>("d").expect("made"), client.dict::<String, String>("t").expect("made"));
    let items = client.list::<i64>("l").expect("made");
    shared.set(&"n".into(), &0).expect("set");
    let (key, text) = ("n".to_owned(), "x".repeat(10_000));
    let begun = Instant::now();
    for _ in 0..calls {
        match what {
            "get" => drop(shared.get(&key).expect("got")),
            "append" => items.append(&1).expect("appended"),
            _ => texts.set(&key, &text).expect("set"),
        }
    }
    rate(calls, begun.elapsed())
}

fn rate(calls: u32, elapsed: Duration) -> f64 {
    f64::from(calls) / elapsed.as_secs_f64()
}

fn python_client(address: &str, what: &str, calls: u32) -> f64 {
    let mut child = Command::new("python3")
        .args(["-c", PYTHON_CLIENT, address, what, &calls.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 starts");
    let mut said = String::new();
    child.stdout.take().expect("it is piped").read_to_string(&mut said).expect("it speaks");
    assert!(child.wait().expect("it ends").success());
    said.trim().parse().expect("a number")
}
