use super::*;

const DEBIAN: &str = "PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n";
const MINT: &str = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n";
const ROCKY: &str = "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n";
const ARCH: &str = "NAME='Arch Linux'\nID=arch\n";
const UNKNOWN: &str = "ID=haiku\nVERSION_ID=debian\n";

/// A machine, and the expected message; `""`: none.
struct Case {
    variables: &'static [(&'static str, &'static str)],
    missing: &'static [&'static str],
    answering: &'static [&'static str],
    os_release: &'static str,
    said: &'static str,
}

impl Case {
    fn said(&self) -> String {
        let judged = DisplayEnvironment {
            variable: &|name| self.variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned()),
            loads: &|file| !self.missing.contains(&file),
            connects: &|place| {
                let answers = self.answering.contains(&place.to_string().as_str());
                if answers { Ok(()) } else { Err(io::Error::other("no such file")) }
            },
            os_release: self.os_release,
        }
        .judge();
        judged.err().map(|problem| problem.to_string()).unwrap_or_default()
    }
}

const NO_DISPLAY: &str = "there is no display for a window: neither WAYLAND_DISPLAY nor DISPLAY is set; start it from a \
                          desktop session or through `ssh -X`, or run the job without a window: fanlane run JOB.ron";
const X: &[(&str, &str)] = &[("DISPLAY", ":7")];
const X_SOCKET: &[&str] = &["/tmp/.X11-unix/X7"];
const WAYLAND: &[(&str, &str)] = &[("WAYLAND_DISPLAY", "wayland-0"), ("XDG_RUNTIME_DIR", "/run/user/1000")];
const WAYLAND_SOCKET: &[&str] = &["/run/user/1000/wayland-0"];
const ALL_X: &[&str] = &[
    "libX11.so.6",
    "libX11-xcb.so.1",
    "libXcursor.so.1",
    "libXi.so.6",
    "libxkbcommon.so.0",
    "libxkbcommon-x11.so.0",
    "libGL.so.1",
    "libEGL.so.1",
];

/// A machine with Debian on which nothing is missing.
const CASE: Case = Case { variables: &[], missing: &[], answering: &[], os_release: DEBIAN, said: "" };

const CASES: &[Case] = &[
    Case { variables: X, answering: X_SOCKET, ..CASE },
    Case { variables: WAYLAND, answering: WAYLAND_SOCKET, ..CASE },
    Case { variables: &[("WAYLAND_SOCKET", "5")], ..CASE },
    // Either GL library will do on X, and Wayland does not want those of X.
    Case { variables: X, missing: &["libGL.so.1"], answering: X_SOCKET, ..CASE },
    Case { variables: X, missing: &["libEGL.so.1"], answering: X_SOCKET, ..CASE },
    Case { variables: WAYLAND, missing: &["libX11.so.6"], answering: WAYLAND_SOCKET, ..CASE },
    Case { said: NO_DISPLAY, ..CASE },
    Case { variables: &[("DISPLAY", "")], said: NO_DISPLAY, ..CASE },
    Case {
        variables: &[("DISPLAY", "screen")],
        said: "DISPLAY is \"screen\", which names no display: set it to one as in DISPLAY=:0",
        ..CASE
    },
    Case {
        variables: X,
        said: "the display DISPLAY=:7 does not answer at /tmp/.X11-unix/X7 (no such file): set DISPLAY to a running \
               display, or run without a window: fanlane run JOB.ron",
        ..CASE
    },
    Case {
        variables: &[("DISPLAY", "localhost:10.0")],
        said: "the display DISPLAY=localhost:10.0 does not answer at localhost port 6010 (no such file): set DISPLAY to \
               a running display, or run without a window: fanlane run JOB.ron",
        ..CASE
    },
    Case {
        variables: &[("WAYLAND_DISPLAY", "/run/other"), ("DISPLAY", ":7")],
        answering: X_SOCKET,
        said: "the display WAYLAND_DISPLAY=/run/other does not answer at /run/other (no such file): unset \
               WAYLAND_DISPLAY to use DISPLAY=:7, or set it to a running one",
        ..CASE
    },
    Case {
        variables: X,
        missing: &["libxkbcommon-x11.so.0"],
        answering: X_SOCKET,
        said: "the window needs a library that is not installed: libxkbcommon-x11.so.0; install with: sudo apt-get \
               install libxkbcommon-x11-0",
        ..CASE
    },
    Case {
        variables: X,
        missing: ALL_X,
        answering: X_SOCKET,
        os_release: MINT,
        said: "the window needs libraries that are not installed: libX11.so.6, libX11-xcb.so.1, libXcursor.so.1, \
               libXi.so.6, libxkbcommon.so.0, libxkbcommon-x11.so.0, libGL.so.1; install with: sudo apt-get install \
               libx11-6 libx11-xcb1 libxcursor1 libxi6 libxkbcommon0 libxkbcommon-x11-0 libgl1",
    },
    Case {
        variables: X,
        missing: &["libXi.so.6", "libGL.so.1", "libEGL.so.1"],
        answering: X_SOCKET,
        os_release: ROCKY,
        said: "the window needs libraries that are not installed: libXi.so.6, libGL.so.1; install with: sudo dnf \
               install libXi libglvnd-glx",
    },
    // Two libraries of one package name it once.
    Case {
        variables: X,
        missing: &["libX11.so.6", "libX11-xcb.so.1"],
        answering: X_SOCKET,
        os_release: ARCH,
        said: "the window needs libraries that are not installed: libX11.so.6, libX11-xcb.so.1; install with: sudo \
               pacman -S libx11",
    },
    Case {
        variables: WAYLAND,
        missing: &["libwayland-client.so.0", "libEGL.so.1"],
        answering: WAYLAND_SOCKET,
        os_release: UNKNOWN,
        said: "the window needs libraries that are not installed: libwayland-client.so.0, libEGL.so.1; install the \
               packages of your system that hold these files",
    },
];

#[test]
fn every_machine_is_told_what_is_missing_and_what_to_do() {
    for case in CASES {
        assert_eq!(case.said(), case.said, "variables {:?}, missing {:?}", case.variables, case.missing);
        assert!(!case.said().contains('\n'), "one line");
    }
}

#[test]
fn x_displays_are_found_where_x_clients_look() {
    let socket = |path: &str| Some(Place::Socket(path.into()));
    let port = |host: &str, port| Some(Place::Port(host.to_owned(), port));
    for (display, place) in [
        (":0", socket("/tmp/.X11-unix/X0")),
        (":12.1", socket("/tmp/.X11-unix/X12")),
        ("unix:3", socket("/tmp/.X11-unix/X3")),
        ("/private/tmp/launch/org.xquartz:0", socket("/private/tmp/launch/org.xquartz:0")),
        ("localhost:10.0", port("localhost", 6010)),
        ("tcp/far.example:1", port("far.example", 6001)),
        ("::1:0", port("::1", 6000)),
        ("host:65000", None),
        (":x", None),
        ("0", None),
    ] {
        assert_eq!(Place::of_x_display(display), place, "DISPLAY={display}");
    }
}

#[test]
fn a_socket_is_reached_only_while_it_has_a_listener() {
    let folder = tempfile::tempdir().expect("a folder for the socket");
    let path = folder.path().join("X0");
    let place = Place::Socket(path.clone());
    assert_eq!(place.connect().expect_err("nothing is there").kind(), io::ErrorKind::NotFound);
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    place.connect().expect("a listener");
    drop(listener);
    assert_eq!(place.connect().expect_err("no listener").kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_library_that_is_not_there_does_not_load() {
    assert!(libraries::loads("libc.so.6"));
    assert!(!libraries::loads("libfanlane-needs-no-such-library.so.1"));
}
