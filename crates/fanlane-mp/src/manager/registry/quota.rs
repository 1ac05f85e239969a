//! The limit on the memory of all values of a manager.
//!
//! The sizes of values that come in are added up. Only where the sum exceeds the limit are the objects weighed, and not
//! again before enough has changed for that to pay.

use crate::manager::dynamic_value::DynamicValue;
use crate::manager::failure::{Failure, FailureKind};

/// The methods that store values.
const STORING_METHODS: [&str; 10] = [
    "append",
    "extend",
    "insert",
    "set",
    "setdefault",
    "add",
    "update",
    "symmetric_difference_update",
    "put",
    "compare_exchange",
];

/// The largest value, in bytes, that an object with a fixed number of values takes at any time, so that counters go on in
/// a full manager.
const SMALL_BYTES: u64 = 1024;

/// The number of values that each call since the last weighing pays for.
const VALUES_PER_CALL: u64 = 64;

/// The size of some values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// What they take in memory.
    pub bytes: u64,
    /// Their number, with those inside of lists and maps.
    pub values: u64,
}

impl Weight {
    /// The size of these values.
    pub fn of<'a>(values: impl IntoIterator<Item = &'a DynamicValue>) -> Self {
        values.into_iter().fold(Self::default(), |sum, value| sum.and(Self::of_one(value)))
    }

    fn of_one(value: &DynamicValue) -> Self {
        let own = |heap: usize| Self { bytes: (size_of::<DynamicValue>() + heap) as u64, values: 1 };
        match value {
            DynamicValue::Text(text) => own(text.len()),
            DynamicValue::Bytes(bytes) => own(bytes.len()),
            DynamicValue::List(items) => own(0).and(Self::of(items)),
            DynamicValue::Map(entries) => own(0).and(Self::of(entries.keys())).and(Self::of(entries.values())),
            DynamicValue::Nil
            | DynamicValue::Bool(_)
            | DynamicValue::Int(_)
            | DynamicValue::Float(_)
            | DynamicValue::Reference(_) => own(0),
        }
    }

    /// The sum of both.
    pub const fn and(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, values: self.values + other.values }
    }
}

/// The limit and what is known of its use.
pub struct Quota {
    max_bytes: u64,
    /// How the limit is raised, for the message of a refusal.
    raise: String,
    /// The size of all objects when they were weighed, less what has been taken out since.
    weighed: Weight,
    /// Upper bound of what has been stored since, in bytes.
    added_bytes: u64,
    calls: u64,
    /// Something of unknown size was taken out since.
    is_stale: bool,
}

impl Quota {
    pub const fn new(max_bytes: u64, raise: String) -> Self {
        let weighed = Weight { bytes: 0, values: 0 };
        Self { max_bytes, raise, weighed, added_bytes: 0, calls: 0, is_stale: false }
    }

    /// Notes that something of unknown size was taken out.
    pub const fn emptied(&mut self) {
        self.is_stale = true;
    }

    /// Notes that a value was taken out.
    pub fn took(&mut self, value: &DynamicValue) {
        self.weighed.bytes = self.weighed.bytes.saturating_sub(Weight::of([value]).bytes);
    }

    /// Notes a call before it is done; `weigh` weighs all objects.
    ///
    /// # Errors
    /// When the call would store more than the limit allows.
    pub fn check_call<'a>(
        &mut self,
        kind: &str,
        method: &str,
        arguments: impl IntoIterator<Item = &'a DynamicValue>,
        weigh: impl FnOnce() -> Weight,
    ) -> Result<(), Failure> {
        self.calls += 1;
        self.is_stale |= method == "clear";
        if !STORING_METHODS.contains(&method) {
            return Ok(());
        }
        let bytes = Weight::of(arguments).bytes;
        if matches!(kind, "Value" | "Array") && bytes <= SMALL_BYTES {
            return Ok(());
        }
        self.reserve(bytes, weigh)
    }

    /// Notes that values of this size are about to be stored.
    ///
    /// # Errors
    /// When the limit does not allow it.
    pub fn reserve(&mut self, bytes: u64, weigh: impl FnOnce() -> Weight) -> Result<(), Failure> {
        let fits = |quota: &Self| quota.weighed.bytes + quota.added_bytes + bytes <= quota.max_bytes;
        let pays = self.is_stale
            || self.added_bytes >= self.max_bytes / 16
            || self.calls.saturating_mul(VALUES_PER_CALL) >= self.weighed.values;
        if !fits(self) && pays {
            self.weighed = weigh();
            (self.added_bytes, self.calls, self.is_stale) = (0, 0, false);
        }
        if fits(self) {
            self.added_bytes += bytes;
            return Ok(());
        }
        let message = format!(
            "the manager holds {} bytes and may hold {}, so there is no room for {bytes} more; take something out, or \
             allow more with {}",
            self.weighed.bytes + self.added_bytes,
            self.max_bytes,
            self.raise
        );
        Err(Failure::new(FailureKind::Limit, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(max_bytes: u64) -> Quota {
        Quota::new(max_bytes, "--more".to_owned())
    }

    #[test]
    fn a_value_weighs_what_is_in_it() {
        let one = size_of::<DynamicValue>() as u64;
        let nested = DynamicValue::List(vec![
            DynamicValue::Text("abc".into()),
            DynamicValue::Map([(DynamicValue::Int(1), DynamicValue::Nil)].into()),
        ]);
        assert_eq!(Weight::of([&nested]), Weight { bytes: 5 * one + 3, values: 5 });
    }

    #[test]
    fn the_objects_are_weighed_only_where_the_limit_is_near_and_not_for_each_refusal() {
        let mut quota = room(10_000);
        let text = DynamicValue::Text("x".repeat(960));
        let each = Weight::of([&text]);
        let mut weighed = 0;
        let mut put = |quota: &mut Quota, held: u64| {
            quota.check_call("Queue", "put", [&text], || {
                weighed += 1;
                Weight { bytes: held, values: 1_000_000 }
            })
        };
        let fit = 10_000 / each.bytes;
        for _ in 0..fit {
            put(&mut quota, 0).unwrap();
        }
        let failure = put(&mut quota, fit * each.bytes).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Limit);
        assert!(failure.message.ends_with("allow more with --more"), "{}", failure.message);
        for _ in 0..100 {
            assert!(put(&mut quota, 0).is_err(), "too little has happened");
        }
        // What was taken out makes room at once, and so does what may have been much.
        quota.took(&text);
        put(&mut quota, 0).unwrap();
        assert!(put(&mut quota, fit * each.bytes).is_err());
        quota.emptied();
        put(&mut quota, 0).unwrap();
        assert_eq!(weighed, 3);
        // Reading needs no room.
        assert!(self::room(0).check_call("Queue", "get", [&text], Weight::default).is_ok());
        assert!(self::room(0).check_call("Queue", "put", [&text], Weight::default).is_err());
        assert!(self::room(0).check_call("Value", "add", [&DynamicValue::Int(1)], Weight::default).is_ok());
        assert!(
            self::room(0).check_call("Value", "set", [&DynamicValue::Text("x".repeat(2000))], Weight::default).is_err()
        );
    }
}
