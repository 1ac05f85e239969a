//! What the window asks of the desktop over D-Bus: no sleep while something runs, a message when it is done, and to shut down.
//!
//! It is asked on a thread of its own. A desktop that has no such service goes without; only a refused shutdown is told. What holds
//! sleep off is a descriptor, which the system closes with this process, however that ends.

use crossbeam_channel::{Receiver, Sender, unbounded};
use egui::Context;
use zbus::Connection;
use zbus::zvariant::{OwnedFd, Value};

/// How long a message is shown, in milliseconds.
const NOTIFICATION_MS: i32 = 10_000;

/// A wish to the desktop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Whether the machine must not fall asleep.
    StayAwake(bool),
    /// A message.
    Notify {
        /// Its title.
        title: String,
        /// Its text.
        text: String,
        /// With a sound.
        sound: bool,
    },
    /// The machine is to be shut down.
    ShutDown,
}

/// The desktop, as far as it answers.
#[derive(Default)]
pub struct Desktop {
    link: Option<(Sender<Wish>, Receiver<String>)>,
    is_awake: bool,
}

impl Desktop {
    /// The desktop of this session.
    pub fn of_session(ctx: &Context) -> Self {
        let (sender, wishes) = unbounded();
        let (told, faults) = unbounded();
        let ctx = ctx.clone();
        let thread = std::thread::Builder::new().name("desktop".to_owned()).spawn(move || serve(&wishes, &told, &ctx));
        // Without a thread, as without a desktop.
        Self { link: thread.is_ok().then_some((sender, faults)), ..Self::default() }
    }

    /// Asks that the machine does not fall asleep, or no longer asks that.
    pub fn stay_awake(&mut self, wanted: bool) {
        if std::mem::replace(&mut self.is_awake, wanted) != wanted {
            self.wish(Wish::StayAwake(wanted));
        }
    }

    /// Passes on a wish.
    pub fn wish(&mut self, wish: Wish) {
        if let Some((sender, _)) = &self.link {
            // The thread lives as long as this.
            drop(sender.send(wish));
        }
    }

    /// What could not be done and must be known, once.
    pub fn fault(&self) -> Option<String> {
        self.link.as_ref().and_then(|(_, faults)| faults.try_recv().ok())
    }
}

/// Carries out wishes until the window is gone.
fn serve(wishes: &Receiver<Wish>, faults: &Sender<String>, ctx: &Context) {
    let (mut session, mut system) = (None, None);
    let mut held: Option<OwnedFd> = None;
    for wish in wishes {
        match wish {
            Wish::StayAwake(false) => held = None,
            Wish::StayAwake(true) => {
                held = system_bus(&mut system).and_then(|bus| pollster::block_on(inhibit_sleep(bus)).ok());
            }
            Wish::Notify { title, text, sound } => {
                if session.is_none() {
                    session = pollster::block_on(Connection::session()).ok();
                }
                if let Some(bus) = &session {
                    // A desktop without messages goes without.
                    drop(pollster::block_on(notify(bus, &title, &text, sound)));
                }
            }
            Wish::ShutDown => {
                let done = match system_bus(&mut system) {
                    Some(bus) => pollster::block_on(shut_down(bus)).map_err(|error| error.to_string()),
                    None => Err("there is no system bus".to_owned()),
                };
                if let Err(error) = done {
                    drop(faults.send(format!("The machine was not shut down: {error}.")));
                    ctx.request_repaint();
                }
            }
        }
    }
    drop(held);
}

fn system_bus(kept: &mut Option<Connection>) -> Option<&Connection> {
    if kept.is_none() {
        *kept = pollster::block_on(Connection::system()).ok();
    }
    kept.as_ref()
}

const LOGIN: (&str, &str, &str) =
    ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager");
const MESSAGES: (&str, &str, &str) =
    ("org.freedesktop.Notifications", "/org/freedesktop/Notifications", "org.freedesktop.Notifications");

/// Holds sleep off until the descriptor is closed.
async fn inhibit_sleep(bus: &Connection) -> zbus::Result<OwnedFd> {
    let (service, path, interface) = LOGIN;
    let words = ("sleep:idle", "Fanlane", "A batch of tasks is running", "block");
    bus.call_method(Some(service), path, Some(interface), "Inhibit", &words).await?.body().deserialize()
}

async fn shut_down(bus: &Connection) -> zbus::Result<()> {
    let (service, path, interface) = LOGIN;
    bus.call_method(Some(service), path, Some(interface), "PowerOff", &true).await.map(drop)
}

async fn notify(bus: &Connection, title: &str, text: &str, sound: bool) -> zbus::Result<u32> {
    let (service, path, interface) = MESSAGES;
    let mut hints = std::collections::HashMap::from([("desktop-entry", Value::from("fanlane"))]);
    if sound {
        hints.insert("sound-name", Value::from("complete"));
    }
    let actions: [&str; 0] = [];
    let words = ("Fanlane", 0_u32, "fanlane", title, text, &actions[..], hints, NOTIFICATION_MS);
    bus.call_method(Some(service), path, Some(interface), "Notify", &words).await?.body().deserialize()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::io::Read as _;
    use std::os::fd::OwnedFd as StdFd;
    use std::os::unix::net::UnixStream;
    use std::sync::{Arc, Mutex};

    use zbus::zvariant::{Fd, OwnedValue};

    use super::*;

    /// What a service was called with.
    type Calls = Arc<Mutex<Vec<String>>>;

    struct Login {
        calls: Calls,
        held: Option<StdFd>,
    }

    #[zbus::interface(name = "org.freedesktop.login1.Manager")]
    impl Login {
        fn inhibit(&mut self, what: &str, who: &str, _why: &str, mode: &str) -> Fd<'static> {
            self.calls.lock().expect("no panic").push(format!("inhibit {what} {who} {mode}"));
            Fd::from(self.held.take().expect("asked once"))
        }

        fn power_off(&self, interactive: bool) -> zbus::fdo::Result<()> {
            self.calls.lock().expect("no panic").push(format!("power off {interactive}"));
            Err(zbus::fdo::Error::AccessDenied("not for you".to_owned()))
        }
    }

    struct Messages(Calls);

    #[zbus::interface(name = "org.freedesktop.Notifications")]
    impl Messages {
        #[expect(clippy::too_many_arguments, reason = "the desktop's own interface")]
        fn notify(
            &self,
            app: &str,
            _replaces: u32,
            _icon: &str,
            title: &str,
            text: &str,
            _actions: Vec<String>,
            hints: HashMap<String, OwnedValue>,
            _timeout: i32,
        ) -> u32 {
            let sound = hints.contains_key("sound-name");
            self.0.lock().expect("no panic").push(format!("{app}: {title}: {text}: {sound}"));
            7
        }
    }

    /// Connections to services that stand in for those of a desktop.
    async fn services(held: StdFd) -> (Connection, Connection, Calls) {
        let calls = Calls::default();
        let (near, far) = UnixStream::pair().expect("a pair of sockets");
        let guid = zbus::Guid::generate();
        let far = zbus::connection::Builder::async_io_unix_stream(far).server(guid).expect("a name").p2p();
        let far = far.serve_at(LOGIN.1, Login { calls: Arc::clone(&calls), held: Some(held) }).expect("served");
        let far = far.serve_at(MESSAGES.1, Messages(Arc::clone(&calls))).expect("served");
        let near = zbus::connection::Builder::async_io_unix_stream(near).p2p();
        let (far, near) = futures_join(far.build(), near.build()).await;
        (far.expect("the service answers"), near.expect("the service is reached"), calls)
    }

    /// Both at once: each waits for the other.
    async fn futures_join<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
        let (mut one, mut other) = (Box::pin(one), Box::pin(other));
        let (mut first, mut second) = (None, None);
        std::future::poll_fn(|task| {
            if first.is_none()
                && let std::task::Poll::Ready(value) = one.as_mut().poll(task)
            {
                first = Some(value);
            }
            if second.is_none()
                && let std::task::Poll::Ready(value) = other.as_mut().poll(task)
            {
                second = Some(value);
            }
            if first.is_some() && second.is_some() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        (first.expect("it is ready"), second.expect("it is ready"))
    }

    #[test]
    fn sleep_is_held_off_by_a_descriptor_and_no_longer_and_a_message_has_words() {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        pollster::block_on(async {
            let (_far, bus, calls) = services(StdFd::from(writer)).await;
            let held = inhibit_sleep(&bus).await.expect("it is held off");
            assert_eq!(notify(&bus, "Done", "3 of 4", true).await.expect("shown"), 7);
            notify(&bus, "Done", "4 of 4", false).await.expect("shown");
            let refused = shut_down(&bus).await.expect_err("it is refused").to_string();
            assert!(refused.contains("not for you"), "{refused}");
            let told = std::mem::take(&mut *calls.lock().expect("no panic"));
            let expected = [
                "inhibit sleep:idle Fanlane block",
                "Fanlane: Done: 3 of 4: true",
                "Fanlane: Done: 4 of 4: false",
                "power off true",
            ];
            assert_eq!(told, expected);
            drop(held);
        });
        // The other end is closed with the last descriptor, as when this process ends.
        let mut rest = Vec::new();
        { reader }.read_to_end(&mut rest).expect("it is closed");
        assert!(rest.is_empty());
    }
}
