//! The program: a worker, a headless command or the window.

fn main() {
    if std::env::args_os().nth(1).is_some_and(|first| first == fanlane::engine::WORKER_ROLE) {
        fanlane::engine::worker_main();
    }
}
