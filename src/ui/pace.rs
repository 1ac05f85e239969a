//! How often a run under way is drawn. Where no graphics processor draws, each picture takes its time from the cores that
//! the tasks need.

use std::time::Duration;

use eframe::glow::{self, HasContext as _};

/// The eye needs no more, and the tasks need the cores.
pub const FRAME_EVERY: Duration = Duration::from_millis(50);

/// A picture that is drawn by the cores themselves costs as much as a good many tasks.
const SLOW_FRAME_EVERY: Duration = Duration::from_millis(500);

/// How often a run is drawn in this window. Whoever moves the mouse or types sees what that does at once in any case.
pub fn frame_every(creation: &eframe::CreationContext<'_>) -> Duration {
    let renderer = creation.gl.as_ref().map(|gl| renderer_name(gl));
    if renderer.is_some_and(|name| is_software(&name)) { SLOW_FRAME_EVERY } else { FRAME_EVERY }
}

#[expect(unsafe_code, reason = "OpenGL is asked for its renderer's name, which any thread with a context may do")]
fn renderer_name(gl: &glow::Context) -> String {
    // SAFETY: eframe makes its context current before it creates the app, and this name can always be asked for.
    unsafe { gl.get_parameter_string(glow::RENDERER) }
}

/// Whether a renderer of this name draws without a graphics processor.
fn is_software(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["llvmpipe", "softpipe", "swrast", "swiftshader", "software"].iter().any(|known| name.contains(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renderers_without_a_graphics_processor_are_known() {
        assert!(is_software("llvmpipe (LLVM 15.0.6, 256 bits)") && is_software("Google SwiftShader"));
        assert!(!is_software("Mesa Intel(R) UHD Graphics 620 (KBL GT2)") && !is_software("AMD Radeon RX 6600"));
    }
}
