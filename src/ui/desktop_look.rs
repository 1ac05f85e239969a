//! Whether the desktop is light or dark and wants less motion, as its portal says: the window library does not know it on X11.

use egui::{Context, Theme};
use zbus::export::futures_core::Stream;
use zbus::zvariant::{OwnedValue, Value};

use super::look::DesktopWish;

/// A setting of the portal: its namespace and key, and what its value wishes.
struct Setting {
    namespace: &'static str,
    key: &'static str,
    wish: fn(&Value<'_>) -> DesktopWish,
}

/// The settings that are followed. Desktops have the one or the other for motion; a later one decides.
const SETTINGS: [Setting; 3] = [
    Setting {
        namespace: "org.freedesktop.appearance",
        key: "color-scheme",
        // 1 prefers dark, 2 prefers light.
        wish: |value| DesktopWish::Theme(if *value == Value::U32(2) { Theme::Light } else { Theme::Dark }),
    },
    Setting {
        namespace: "org.gnome.desktop.interface",
        key: "enable-animations",
        wish: |value| DesktopWish::LessMotion(*value == Value::Bool(false)),
    },
    Setting {
        namespace: "org.freedesktop.appearance",
        key: "reduced-motion",
        wish: |value| DesktopWish::LessMotion(*value == Value::U32(1)),
    },
];

/// Follows the desktop on a thread of its own as long as the process lives. Without a portal the window stays dark and moves.
pub fn follow(ctx: &Context) {
    let ctx = ctx.clone();
    let thread = std::thread::Builder::new().name("desktop-look".to_owned());
    // Without a thread, as without a portal.
    drop(thread.spawn(move || drop(pollster::block_on(listen(&ctx)))));
}

async fn listen(ctx: &Context) -> zbus::Result<()> {
    let bus = zbus::Connection::session().await?;
    let (service, path) = ("org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop");
    let portal = zbus::Proxy::new(&bus, service, path, "org.freedesktop.portal.Settings").await?;
    let mut changes = Box::pin(portal.receive_signal("SettingChanged").await?);
    for setting in &SETTINGS {
        // A desktop has not all of them.
        if let Ok(value) = portal.call::<_, _, OwnedValue>("Read", &(setting.namespace, setting.key)).await {
            (setting.wish)(inner(&value)).take_over(ctx);
        }
    }
    while let Some(change) = std::future::poll_fn(|task| changes.as_mut().poll_next(task)).await {
        if let Ok((namespace, key, value)) = change.body().deserialize::<(String, String, Value<'_>)>()
            && let Some(wish) = wish_of(&namespace, &key, &value)
        {
            wish.take_over(ctx);
        }
    }
    Ok(())
}

/// What a changed setting wishes; `None` for one that is not followed.
fn wish_of(namespace: &str, key: &str, value: &Value<'_>) -> Option<DesktopWish> {
    let setting = SETTINGS.iter().find(|setting| (setting.namespace, setting.key) == (namespace, key))?;
    Some((setting.wish)(inner(value)))
}

/// The portal's answer, which may be wrapped several times.
fn inner<'a>(value: &'a Value<'a>) -> &'a Value<'a> {
    match value {
        Value::Value(wrapped) => inner(wrapped),
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPEARANCE: &str = "org.freedesktop.appearance";

    #[test]
    fn the_window_is_light_only_where_the_desktop_prefers_that() {
        for (number, theme) in [(0, Theme::Dark), (1, Theme::Dark), (2, Theme::Light), (3, Theme::Dark)] {
            let wrapped = Value::Value(Box::new(Value::U32(number)));
            for value in [Value::U32(number), wrapped] {
                assert_eq!(wish_of(APPEARANCE, "color-scheme", &value), Some(DesktopWish::Theme(theme)), "{value:?}");
            }
        }
        let other = Value::Bool(true);
        assert_eq!(wish_of(APPEARANCE, "color-scheme", &other), Some(DesktopWish::Theme(Theme::Dark)));
    }

    #[test]
    fn motion_is_less_where_the_desktop_wants_none() {
        let gnome = "org.gnome.desktop.interface";
        for (namespace, key, value, less) in [
            (gnome, "enable-animations", Value::Bool(false), true),
            (gnome, "enable-animations", Value::Bool(true), false),
            (APPEARANCE, "reduced-motion", Value::U32(1), true),
            (APPEARANCE, "reduced-motion", Value::U32(0), false),
        ] {
            assert_eq!(wish_of(namespace, key, &value), Some(DesktopWish::LessMotion(less)), "{key} {value:?}");
        }
        assert_eq!(wish_of(gnome, "clock-format", &Value::Bool(false)), None);
    }
}
