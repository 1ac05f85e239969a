//! The shared libraries that a window loads when it opens, and the packages that hold them.

/// A library that the window requires.
#[derive(Clone, Copy)]
pub struct Library {
    /// File names, any of which is enough; the first is the one to install.
    pub any_of: &'static [&'static str],
    debian: &'static str,
    fedora: &'static str,
    arch: &'static str,
}

const fn library(any_of: &'static [&'static str], [debian, fedora, arch]: [&'static str; 3]) -> Library {
    Library { any_of, debian, fedora, arch }
}

const XKBCOMMON: Library = library(&["libxkbcommon.so.0"], ["libxkbcommon0", "libxkbcommon", "libxkbcommon"]);

/// What a window on an X display needs.
pub const X11: &[Library] = &[
    library(&["libX11.so.6"], ["libx11-6", "libX11", "libx11"]),
    library(&["libX11-xcb.so.1"], ["libx11-xcb1", "libX11-xcb", "libx11"]),
    library(&["libXcursor.so.1"], ["libxcursor1", "libXcursor", "libxcursor"]),
    library(&["libXi.so.6"], ["libxi6", "libXi", "libxi"]),
    XKBCOMMON,
    library(&["libxkbcommon-x11.so.0"], ["libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11"]),
    library(&["libGL.so.1", "libEGL.so.1"], ["libgl1", "libglvnd-glx", "libglvnd"]),
];

/// What a window on a Wayland display needs.
pub const WAYLAND: &[Library] = &[
    library(&["libwayland-client.so.0"], ["libwayland-client0", "libwayland-client", "wayland"]),
    library(&["libwayland-egl.so.1"], ["libwayland-egl1", "libwayland-egl", "wayland"]),
    XKBCOMMON,
    library(&["libEGL.so.1"], ["libegl1", "libglvnd-egl", "libglvnd"]),
];

/// A family of systems whose packages have the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packages {
    /// Debian, Ubuntu and derivatives.
    Debian,
    /// Fedora, RHEL and derivatives.
    Fedora,
    /// Arch and derivatives.
    Arch,
}

impl Packages {
    /// The family according to the text of an `os-release` file; `None` for an unknown one.
    pub fn of_system(os_release: &str) -> Option<Self> {
        let words = |key| {
            let line = os_release.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_default().trim_matches(['"', '\'']).split_whitespace()
        };
        words("ID").chain(words("ID_LIKE")).find_map(|word| match word {
            "debian" | "ubuntu" => Some(Self::Debian),
            "fedora" | "rhel" | "centos" => Some(Self::Fedora),
            "arch" => Some(Self::Arch),
            _ => None,
        })
    }

    /// The command that installs `libraries`, each package once.
    pub fn command(self, libraries: &[&Library]) -> String {
        let mut command = String::from(match self {
            Self::Debian => "sudo apt-get install",
            Self::Fedora => "sudo dnf install",
            Self::Arch => "sudo pacman -S",
        });
        let mut named = Vec::new();
        for library in libraries {
            let package = match self {
                Self::Debian => library.debian,
                Self::Fedora => library.fedora,
                Self::Arch => library.arch,
            };
            if !named.contains(&package) {
                named.push(package);
                command.push(' ');
                command.push_str(package);
            }
        }
        command
    }
}

/// Whether the loader finds `file` and everything that it needs in turn.
pub fn loads(file: &str) -> bool {
    #[expect(unsafe_code, reason = "loading a library runs its initialisers; these are the ones the window loads next")]
    // SAFETY: system libraries whose initialisers may run at any time; nothing of them is called here.
    let library = unsafe { libloading::Library::new(file) };
    // A GL driver must not be unloaded and loaded again, and the window loads the same files in a moment.
    library.map(std::mem::forget).is_ok()
}
