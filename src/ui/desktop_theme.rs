//! Whether the desktop is light or dark, as its portal says: the window library does not know it on X11.

use egui::{Context, Theme};
use zbus::export::futures_core::Stream;
use zbus::zvariant::{OwnedValue, Value};

const NAMESPACE: &str = "org.freedesktop.appearance";
const KEY: &str = "color-scheme";
/// What the portal says for a preference of light.
const PREFERS_LIGHT: u32 = 2;

/// Follows the desktop on a thread of its own as long as the process lives. Without a portal the window stays dark.
pub fn follow(ctx: &Context) {
    let ctx = ctx.clone();
    let thread = std::thread::Builder::new().name("desktop-theme".to_owned());
    // Without a thread, as without a portal.
    drop(thread.spawn(move || drop(pollster::block_on(listen(&ctx)))));
}

async fn listen(ctx: &Context) -> zbus::Result<()> {
    let bus = zbus::Connection::session().await?;
    let (service, path) = ("org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop");
    let portal = zbus::Proxy::new(&bus, service, path, "org.freedesktop.portal.Settings").await?;
    let mut changes = Box::pin(portal.receive_signal("SettingChanged").await?);
    let value: OwnedValue = portal.call("Read", &(NAMESPACE, KEY)).await?;
    apply(ctx, &value);
    while let Some(change) = std::future::poll_fn(|task| changes.as_mut().poll_next(task)).await {
        if let Ok((namespace, key, value)) = change.body().deserialize::<(String, String, Value<'_>)>()
            && (namespace.as_str(), key.as_str()) == (NAMESPACE, KEY)
        {
            apply(ctx, &value);
        }
    }
    Ok(())
}

fn apply(ctx: &Context, value: &Value<'_>) {
    let theme = theme_of(value);
    ctx.options_mut(|options| options.fallback_theme = theme);
    ctx.request_repaint();
}

/// The theme for the portal's answer, which may be wrapped several times.
fn theme_of(value: &Value<'_>) -> Theme {
    match value {
        Value::Value(inner) => theme_of(inner),
        Value::U32(PREFERS_LIGHT) => Theme::Light,
        _ => Theme::Dark,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_light_only_where_the_desktop_prefers_that() {
        let wrapped = |number: u32| Value::Value(Box::new(Value::U32(number)));
        assert_eq!(
            [0, 1, 2, 3].map(|number| theme_of(&Value::U32(number)) == Theme::Light),
            [false, false, true, false]
        );
        assert_eq!(theme_of(&wrapped(2)), Theme::Light);
        assert_eq!(theme_of(&Value::Bool(true)), Theme::Dark);
    }
}
