//! Letters that no installed font has: they are drawn as boxes, and the first of them is told.

use std::sync::{Arc, OnceLock};

use egui::Context;
use egui::epaint::text::{FallbackRequest, FontInsert, FontProvider};

/// The first letter that no font has. Clones share it.
#[derive(Clone, Default)]
pub struct Unshown(Arc<OnceLock<char>>);

impl Unshown {
    /// Listens in a window whose fonts are installed.
    pub fn listen(ctx: &Context) -> Self {
        let unshown = Self::default();
        ctx.add_font_provider(Arc::new(unshown.clone()));
        unshown
    }

    /// What to tell of it, once.
    pub fn take_words(&mut self) -> Option<String> {
        let letter = *self.0.get()?;
        *self = Self::default();
        Some(format!(
            "No installed font has “{letter}”, so such letters are shown as boxes. Install a font that has them, such as \
             Noto Sans CJK for Chinese, Japanese and Korean, and open the window again."
        ))
    }
}

/// The last that is asked for a font, after those of the program and of the system.
impl FontProvider for Unshown {
    fn font_for(&self, request: &FallbackRequest<'_>) -> Option<FontInsert> {
        let letter = request.cluster.chars().next().filter(|letter| letter.is_alphanumeric())?;
        // The first stays.
        let _known = self.0.set(letter);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_letter_without_a_font_is_told_once() {
        let ctx = Context::default();
        let mut unshown = Unshown::listen(&ctx);
        let mut show = |words: &str| {
            let mut output = ctx.run_ui(egui::RawInput::default(), |ui| drop(ui.label(words)));
            output.textures_delta.clear();
            unshown.take_words()
        };
        assert_eq!(show("café, größer, 12 µs, ✔"), None, "the program's own fonts have these");
        let told = show("写真").expect("told");
        assert!(told.starts_with("No installed font has “写”"), "{told}");
        assert_eq!(show("写真と字"), None, "once is enough");
    }
}
