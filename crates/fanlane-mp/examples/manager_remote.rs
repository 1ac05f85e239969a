//! A manager with a remote client: a server listens on TCP, and a client in another process (it could be on another
//! machine) uses its objects and a custom type of the server.
//!
//! `cargo run --example manager_remote` prints
//!
//! ```text
//! the client has put 3 words into a list
//! list: ["one", "two", "three"]
//! longest: three
//! a client with another key is refused
//! ```

use std::process::Command;

use anyhow::{Context, Result, ensure};
use fanlane_mp::manager::{
    Address, Client, ClientOptions, ConnectError, CustomType, DynamicValue, Failure, Key, Server, ServerOptions,
};

/// A custom type: it keeps the longest word that it was shown.
#[derive(Default)]
struct Longest(String);

impl CustomType for Longest {
    fn call(&mut self, method: &str, arguments: Vec<DynamicValue>) -> Result<DynamicValue, Failure> {
        match (method, arguments.as_slice()) {
            ("show", [DynamicValue::Text(word)]) => {
                if word.len() > self.0.len() {
                    self.0.clone_from(word);
                }
                Ok(DynamicValue::Nil)
            }
            ("get", []) => Ok(DynamicValue::from(self.0.as_str())),
            _ => Err(self.no_method(method)),
        }
    }
}

#[expect(clippy::print_stdout, reason = "an example prints what it found")]
pub(crate) fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some("client") {
        return client();
    }
    let options = ServerOptions::new(vec![Address::Tcp("127.0.0.1:0".into())], Key::random()?);
    let server = Server::start(options.register("Longest", |_| Ok(Longest::default())))?;
    let address = &server.addresses()[0];

    // On another machine: the same two variables, with the key copied there safely.
    let status = Command::new(std::env::current_exe()?)
        .arg("client")
        .env("FANLANE_MANAGER", address.to_string())
        .env("FANLANE_MANAGER_KEY", server.key().reveal())
        .status()
        .context("the client cannot be started")?;
    ensure!(status.success(), "the client failed");

    let local = server.client()?;
    println!("list: {:?}", local.list::<String>("words")?.to_vec()?);
    println!("longest: {}", local.custom("longest", "Longest", vec![])?.call::<String>("get", vec![])?);
    let other_key = Client::connect(address.clone(), Key::random()?, ClientOptions::default());
    ensure!(matches!(other_key, Err(ConnectError::WrongKey(_))), "a client with another key was accepted");
    println!("a client with another key is refused");
    Ok(())
}

/// The other process.
#[expect(clippy::print_stdout, reason = "an example prints what it found")]
fn client() -> Result<()> {
    let manager = Client::from_environment()?;
    let words = manager.list::<String>("words")?;
    let longest = manager.custom("longest", "Longest", vec![])?;
    for word in ["one", "two", "three"] {
        words.append(&word.to_owned())?;
        longest.call::<()>("show", vec![word.into()])?;
    }
    println!("the client has put {} words into a list", words.len()?);
    Ok(())
}
