//! Lists and maps on the wire, never deeper than [`MAX_DEPTH`]: each level takes some of the reader's stack, which received
//! bytes must not exhaust.

use std::cell::Cell;

use super::MAX_DEPTH;

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// One level of nesting, while this value lives.
struct Level;

impl Level {
    fn enter() -> Option<Self> {
        DEPTH.with(|depth| {
            (depth.get() < MAX_DEPTH).then(|| {
                depth.set(depth.get() + 1);
                Self
            })
        })
    }
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get() - 1));
    }
}

fn too_deep() -> String {
    format!("lists and maps are nested more than {MAX_DEPTH} deep; flatten them")
}

macro_rules! levelled {
    ($(#[$what:meta])* $name:ident, $type:ty) => {
        $(#[$what])*
        pub mod $name {
            use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

            use super::{Level, too_deep};

            type Inner = $type;

            /// Writes it, unless it is nested too deep.
            pub fn serialize<S: Serializer>(inner: &Inner, serializer: S) -> Result<S::Ok, S::Error> {
                let _level = Level::enter().ok_or_else(|| ser::Error::custom(too_deep()))?;
                inner.serialize(serializer)
            }

            /// Reads it, unless it is nested too deep.
            pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Inner, D::Error> {
                let _level = Level::enter().ok_or_else(|| de::Error::custom(too_deep()))?;
                Inner::deserialize(deserializer)
            }
        }
    };
}

levelled!(
    /// For [`DynamicValue::List`](super::DynamicValue::List).
    list,
    Vec<crate::manager::dynamic_value::DynamicValue>
);
levelled!(
    /// For [`DynamicValue::Map`](super::DynamicValue::Map).
    map,
    std::collections::BTreeMap<crate::manager::dynamic_value::DynamicValue, crate::manager::dynamic_value::DynamicValue>
);
