//! A client of the desktop's accessibility bus, as a screen reader is: it sees a window's parts, what they say of themselves, and
//! does what they offer. On a session bus of its own, so that it neither finds nor leaves anything elsewhere.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use zbus::zvariant::OwnedObjectPath;
use zbus::{Connection, Proxy};

use crate::real_display::{Guarded, RealDisplay, are_installed, wait_for};

/// Bits of the states of AT-SPI, by their numbers in its list.
const STATE_FOCUSABLE: u32 = 11;

/// Roles of AT-SPI by their numbers, in its words.
const ROLES: [(u32, &str); 19] = [
    (0, "invalid"),
    (7, "check box"),
    (10, "column header"),
    (11, "combo box"),
    (23, "frame"),
    (27, "image"),
    (29, "label"),
    (39, "panel"),
    (42, "progress bar"),
    (43, "push button"),
    (48, "scroll bar"),
    (51, "slider"),
    (52, "spin button"),
    (55, "table"),
    (62, "toggle button"),
    (67, "unknown"),
    (75, "application"),
    (79, "entry"),
    (90, "table row"),
];

/// A part of a window, as it is told to a screen reader.
#[derive(Clone, Debug)]
pub struct Part {
    path: OwnedObjectPath,
    /// Its role in the words of AT-SPI: `push button`, `slider`.
    pub role: &'static str,
    /// Its name.
    pub name: String,
    /// What is read after its name: its value in words, or a hint.
    pub description: String,
    /// The keyboard can go to it.
    pub is_focusable: bool,
    /// It can be clicked.
    pub has_action: bool,
    /// Its text, if it is a text field.
    pub text: Option<String>,
    /// Its value, if that is a number.
    pub value: Option<f64>,
}

/// A screen reader with its session bus.
pub struct ScreenReader {
    bus: Connection,
    _session: Guarded,
}

impl ScreenReader {
    /// Starts on a bus of its own and lets the programs of `display` use it. `None` where it is not installed.
    pub fn start(display: &mut RealDisplay, home: &Path) -> Option<Self> {
        let launcher = Path::new("/usr/libexec/at-spi-bus-launcher").exists();
        let programs: &[&str] = if launcher { &["dbus-daemon"] } else { &["at-spi-bus-launcher"] };
        if !are_installed(programs, "dbus-daemon at-spi2-core") {
            return None;
        }
        let mut daemon = Command::new("dbus-daemon");
        daemon.args(["--session", "--nofork", "--print-address"]).env_clear();
        // What it starts is known by its home, and ends with it.
        daemon.env("HOME", home).env("XDG_RUNTIME_DIR", home).env("DISPLAY", display.name());
        daemon.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let mut daemon = daemon
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the session bus starts");
        let mut address = String::new();
        let stdout = daemon.stdout.take().expect("it is piped");
        let session = Guarded(daemon);
        BufReader::new(stdout).read_line(&mut address).expect("the bus tells its address");
        let address = address.trim().to_owned();
        display.set("DBUS_SESSION_BUS_ADDRESS", address.clone());
        let bus = pollster::block_on(async {
            let user = connection(&address).await?;
            let status = Proxy::new(&user, "org.a11y.Bus", "/org/a11y/bus", "org.a11y.Status").await?;
            status.set_property("IsEnabled", true).await?;
            let launcher = Proxy::new(&user, "org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus").await?;
            let address: String = launcher.call("GetAddress", &()).await?;
            connection(&address).await
        });
        Some(Self { bus: bus.expect("the accessibility bus answers"), _session: session })
    }

    /// All parts of the window, in their order. It is asked again while the window changes under the questions.
    pub fn parts(&self) -> Vec<Part> {
        wait_for("the parts of the window", || pollster::block_on(self.read()).map_err(|error| error.to_string()))
    }

    /// The first part with this role whose name begins with these words.
    pub fn find(&self, role: &str, name: &str) -> Part {
        wait_for(&format!("the {role} {name:?}"), || {
            let mut parts = self.parts();
            match parts.iter().position(|part| part.role == role && part.name.starts_with(name)) {
                Some(place) => Ok(parts.swap_remove(place)),
                None => Err(format!("there are {:?}", parts.iter().map(|part| &part.name).collect::<Vec<_>>())),
            }
        })
    }

    /// Does what a part offers.
    pub fn click(&self, role: &str, name: &str) {
        let part = self.find(role, name);
        let done: zbus::Result<bool> =
            pollster::block_on(async { self.of(&part.path, "Action").await?.call("DoAction", &0).await });
        assert!(done.unwrap_or_else(|error| panic!("{part:?}: {error}")), "{part:?}");
    }

    /// Gives a slider or a number field another value.
    pub fn set_value(&self, role: &str, name: &str, value: f64) {
        let part = self.find(role, name);
        let done: zbus::Result<()> = pollster::block_on(async {
            Ok(self.of(&part.path, "Value").await?.set_property("CurrentValue", value).await?)
        });
        done.unwrap_or_else(|error| panic!("{part:?}: {error}"));
    }

    /// Writes into a text field.
    pub fn write(&self, name: &str, text: &str) {
        let part = self.find("entry", name);
        let done: zbus::Result<bool> = pollster::block_on(async {
            self.of(&part.path, "EditableText").await?.call("SetTextContents", &text).await
        });
        assert!(done.unwrap_or_else(|error| panic!("{part:?}: {error}")), "{part:?}");
    }

    async fn read(&self) -> zbus::Result<Vec<Part>> {
        let root = "/org/a11y/atspi/accessible/root";
        let desktop = self.proxy("org.a11y.atspi.Registry", root, "Accessible").await?;
        let programs: Vec<(String, OwnedObjectPath)> = desktop.call("GetChildren", &()).await?;
        let [(program, path)] = programs.as_slice() else {
            return Err(zbus::Error::Failure(format!("{} programs are known", programs.len())));
        };
        let mut parts = Vec::new();
        let mut next = vec![path.clone()];
        while let Some(path) = next.pop() {
            let part = self.proxy(program, path.as_str(), "Accessible").await?;
            let interfaces: Vec<String> = part.call("GetInterfaces", &()).await?;
            let has = |name: &str| interfaces.iter().any(|interface| interface.rsplit('.').next() == Some(name));
            let states: Vec<u32> = part.call("GetState", &()).await?;
            let text = match has("EditableText") {
                true => Some(self.proxy(program, path.as_str(), "Text").await?.call("GetText", &(0, -1)).await?),
                false => None,
            };
            let value = match has("Value") {
                true => Some(self.proxy(program, path.as_str(), "Value").await?.get_property("CurrentValue").await?),
                false => None,
            };
            let children: Vec<(String, OwnedObjectPath)> = part.call("GetChildren", &()).await?;
            next.extend(children.into_iter().rev().map(|(_, path)| path));
            parts.push(Part {
                role: role_of(part.call("GetRole", &()).await?),
                name: part.get_property("Name").await?,
                description: part.get_property("Description").await?,
                is_focusable: states.first().is_some_and(|states| states & (1 << STATE_FOCUSABLE) != 0),
                has_action: has("Action"),
                text,
                value,
                path,
            });
        }
        Ok(parts)
    }

    async fn of(&self, path: &OwnedObjectPath, interface: &str) -> zbus::Result<Proxy<'static>> {
        let root = self.proxy("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root", "Accessible").await?;
        let programs: Vec<(String, OwnedObjectPath)> = root.call("GetChildren", &()).await?;
        let program = programs.first().map(|(program, _)| program.clone()).unwrap_or_default();
        self.proxy(&program, path.as_str(), interface).await
    }

    async fn proxy(&self, program: &str, path: &str, interface: &str) -> zbus::Result<Proxy<'static>> {
        zbus::proxy::Builder::<Proxy<'static>>::new(&self.bus)
            .destination(program.to_owned())?
            .path(path.to_owned())?
            .interface(format!("org.a11y.atspi.{interface}"))?
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await
    }
}

fn role_of(number: u32) -> &'static str {
    ROLES.into_iter().find(|(known, _)| *known == number).map_or("another", |(_, name)| name)
}

async fn connection(address: &str) -> zbus::Result<Connection> {
    zbus::connection::Builder::address(address)?.build().await
}
