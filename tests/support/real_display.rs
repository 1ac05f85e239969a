//! A display of its own for a test that opens the built program: Xvfb to show it, xdotool to move mouse and keys.
//!
//! Everything that is started here ends with the value that holds it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The timeout of each step: far more than a loaded machine needs.
pub const DEADLINE: Duration = Duration::from_secs(180);
/// The time between pressing, moving and releasing: the window sees them as one event each only when they come apart.
const INPUT_GAP: Duration = Duration::from_millis(100);
/// The time between two polls of a state that cannot be waited for.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Asks again until `answer` has something to say; fails with `what` and the last refusal after [`DEADLINE`].
pub fn wait_for<T>(what: &str, mut answer: impl FnMut() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match answer() {
            Ok(value) => return value,
            Err(refusal) if start.elapsed() > DEADLINE => panic!("waited {DEADLINE:?} for {what}: {refusal}"),
            Err(_) => std::thread::sleep(POLL_INTERVAL),
        }
    }
}

/// A process that is asked to end, and made to if it does not, when the value is dropped.
pub struct Guarded(pub Child);

impl Guarded {
    /// The process's id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let asked = Instant::now();
        if !self.has_ended() {
            let _gone_meanwhile = kill_process(Pid::from_child(&self.0), Signal::TERM);
        }
        while !self.has_ended() && asked.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(POLL_INTERVAL);
        }
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}

/// A display without a monitor.
pub struct RealDisplay {
    name: String,
    /// Where the server keeps the picture that it shows.
    frames: TempDir,
    _manager: Option<Guarded>,
    _server: Guarded,
    variables: Vec<(&'static str, String)>,
}

/// Width and height of the screen, in pixels.
const SCREEN: [u64; 2] = [1280, 800];

impl RealDisplay {
    /// Starts one on a free number. `None`, with a line that says so, where Xvfb or xdotool is not
    /// installed; with `CI=true` that is a failure.
    pub fn start() -> Option<Self> {
        if !are_installed(&["Xvfb", "xdotool"], "xvfb xdotool") {
            return None;
        }
        let frames = TempDir::new().expect("a folder");
        let screen = SCREEN.map(|side| side.to_string()).join("x") + "x24";
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", &screen, "-nolisten", "tcp", "-noreset", "-fbdir"])
            .arg(frames.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts");
        let stdout = server.stdout.take().expect("it is piped");
        let server = Guarded(server);
        let (number, told) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _closed = BufReader::new(stdout).read_line(&mut line);
            let _dropped = number.send(line.trim().to_owned());
        });
        let number = told.recv_timeout(DEADLINE).expect("Xvfb names its display in time");
        assert!(!number.is_empty(), "Xvfb ended without a display");
        Some(Self { name: format!(":{number}"), frames, _server: server, _manager: None, variables: Vec::new() })
    }

    /// Waits until a window is drawn in the middle of the screen. Asked without a pause: for measuring.
    pub fn until_drawn(&self) {
        self.until(|pixel| pixel != [0; 3]);
    }

    /// Waits until nothing is drawn there.
    pub fn until_dark(&self) {
        self.until(|pixel| pixel == [0; 3]);
    }

    fn until(&self, is_so: impl Fn([u8; 3]) -> bool) {
        let begin = Instant::now();
        while !is_so(self.middle()) {
            assert!(begin.elapsed() < DEADLINE, "the screen does not change");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The pixel in the middle, from the server's picture in the format of xwd: a header, colours of 12 bytes, pixels.
    fn middle(&self) -> [u8; 3] {
        let picture = File::open(self.frames.path().join("Xvfb_screen0")).expect("the server keeps its picture");
        let number = |at: u64| {
            let mut bytes = [0; 4];
            picture.read_exact_at(&mut bytes, at).expect("a header");
            u64::from(u32::from_be_bytes(bytes))
        };
        let (header_bytes, line_bytes, colours) = (number(0), number(12 * 4), number(19 * 4));
        let [x, y] = SCREEN.map(|side| side / 2);
        let mut pixel = [0; 3];
        let at = header_bytes + 12 * colours + y * line_bytes + 4 * x;
        picture.read_exact_at(&mut pixel, at).expect("a pixel");
        pixel
    }

    /// Runs `program` on this display to its end; what it wrote to standard output.
    pub fn output(&self, program: &mut Command, home: &Path) -> String {
        let program = self.prepared(program, home).stdout(Stdio::piped());
        String::from_utf8_lossy(&program.output().expect("the program starts").stdout).into_owned()
    }

    /// The same with a window manager, which gives windows their frames and the focus.
    pub fn start_managed() -> Option<Self> {
        if !are_installed(&["openbox"], "openbox") {
            return None;
        }
        let mut display = Self::start()?;
        let mut manager = Command::new("openbox");
        manager.args(["--config-file", "/dev/null"]).env("DISPLAY", &display.name);
        manager.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        display._manager = Some(Guarded(manager.spawn().expect("openbox starts")));
        wait_for("the window manager", || {
            let answer = display.xdotool(&["get_desktop"]);
            if answer.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&answer.stderr).into_owned()) }
        });
        Some(display)
    }

    /// Gives the programs that are opened here a variable.
    pub fn set(&mut self, variable: &'static str, value: String) {
        self.variables.push((variable, value));
    }

    /// The display's name, as in the variable `DISPLAY`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Starts `program` on this display with `home` as its only home, so that it finds and leaves nothing elsewhere.
    pub fn open(&self, program: &mut Command, home: &Path) -> Guarded {
        Guarded(self.prepared(program, home).spawn().expect("the built program starts"))
    }

    fn prepared<'a>(&self, program: &'a mut Command, home: &Path) -> &'a mut Command {
        let folder = |name: &str| {
            let folder = home.join(name);
            std::fs::create_dir_all(&folder).expect("the temporary home takes folders");
            folder
        };
        program
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("DISPLAY", &self.name)
            .env("WINIT_X11_SCALE_FACTOR", "1")
            .envs(self.variables.iter().cloned())
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", folder("config"))
            .env("XDG_DATA_HOME", folder("data"))
            .env("XDG_STATE_HOME", folder("state"))
            .env("XDG_CACHE_HOME", folder("cache"))
            .env("XDG_RUNTIME_DIR", folder("run"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
    }

    /// Waits until `program` shows its window.
    pub fn window_of<'a>(&'a self, program: &mut Guarded) -> Window<'a> {
        let pid = program.id().to_string();
        let id = wait_for("the window", || {
            if program.has_ended() {
                let mut said = String::new();
                let stderr = program.0.stderr.as_mut().expect("it is piped");
                stderr.read_to_string(&mut said).expect("what it said is text");
                panic!("the program ended without a window: {said}");
            }
            let found = self.xdotool(&["search", "--onlyvisible", "--pid", &pid]);
            let found = String::from_utf8_lossy(&found.stdout).lines().last().map(str::to_owned);
            found.ok_or_else(|| "there is none".to_owned())
        });
        Window { display: self, id }
    }

    fn xdotool(&self, arguments: &[&str]) -> Output {
        Command::new("xdotool").args(arguments).env("DISPLAY", &self.name).output().expect("xdotool runs")
    }
}

/// The window of a program.
pub struct Window<'a> {
    display: &'a RealDisplay,
    id: String,
}

impl Window<'_> {
    /// What stands in its title bar.
    pub fn title(&self) -> String {
        self.ask(&["getwindowname", &self.id]).trim().to_owned()
    }

    /// Width and height in pixels.
    pub fn size(&self) -> [f32; 2] {
        let answer = self.ask(&["getwindowgeometry", "--shell", &self.id]);
        let side = |name: &str| {
            let value = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {answer:?}"))
        };
        [side("WIDTH"), side("HEIGHT")]
    }

    /// Clicks at `x`, `y` of the window, in pixels.
    pub fn click(&self, x: f32, y: f32) {
        let (x, y) = (x.round().to_string(), y.round().to_string());
        // Without a window manager nothing else gives the keyboard to a window.
        self.ask(&["windowfocus", &self.id]);
        self.ask(&["mousemove", "--window", &self.id, &x, &y]);
        std::thread::sleep(INPUT_GAP);
        self.ask(&["mousedown", "1"]);
        std::thread::sleep(INPUT_GAP);
        self.ask(&["mouseup", "1"]);
    }

    /// Presses keys, named as in `ctrl+Return`.
    pub fn press(&self, keys: &str) {
        self.ask(&["windowfocus", &self.id]);
        std::thread::sleep(INPUT_GAP);
        self.ask(&["key", "--delay", "100", keys]);
    }

    /// Types text into what has the focus.
    pub fn type_text(&self, text: &str) {
        self.ask(&["windowfocus", &self.id]);
        std::thread::sleep(INPUT_GAP);
        self.ask(&["type", "--delay", "40", text]);
    }

    fn ask(&self, arguments: &[&str]) -> String {
        let output = self.display.xdotool(arguments);
        assert!(output.status.success(), "xdotool {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// Whether these programs are installed. If not, a line says so and names their packages; with `CI=true` that is a failure.
pub fn are_installed(programs: &[&str], packages: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_missing = |program: &&&str| !std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    let Some(missing) = programs.iter().find(is_missing) else { return true };
    let words = format!("{missing} is not installed (apt-get install {packages})");
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{words}");
    // Past the capture of a test's output: a test that was not run must be seen.
    let line = format!("SKIPPED real window: {words}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("standard error takes a line");
    false
}
