//! A list of small values in shared memory whose length is fixed.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::names::{Published, look_up, publish};
use crate::error::{SharedMemoryError, SystemError};
use fanlane_os::fd_passing::Passed;
use fanlane_os::journaled::{HEADER_BYTES, Journaled, Locked, WORDS};

const KIND: &[u8; 8] = b"fl_list1";
const COUNT: usize = 0;
/// From here on one number for each item: where it is, what it is, how long it is.
const STATES: usize = 1;
/// Minimum capacity of a place, in bytes.
const MIN_ROOM_BYTES: usize = 8;

/// Maximum number of items of a list.
pub const MAX_ITEMS: usize = WORDS - STATES;

/// What a [`ShareableList`] can hold.
///
/// ```
/// use fanlane_mp::ListItem;
///
/// let items: [ListItem; 6] = [().into(), true.into(), 7_i64.into(), 0.5.into(), "text".into(), vec![1_u8, 2].into()];
/// assert_eq!(items[0], ListItem::None);
/// assert_eq!(items[1..3], [ListItem::Bool(true), ListItem::Int(7)]);
/// assert_eq!(items[3..5], [ListItem::Float(0.5), ListItem::Text("text".to_owned())]);
/// assert_eq!(items[5], ListItem::Bytes(vec![1, 2]));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum ListItem {
    /// Nothing.
    None,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

macro_rules! item_from {
    ($($from:ty => $make:expr;)*) => {
        $(impl From<$from> for ListItem {
            fn from(value: $from) -> Self {
                ($make)(value)
            }
        })*
    };
}
item_from! {
    () => |()| Self::None;
    bool => Self::Bool;
    i64 => Self::Int;
    f64 => Self::Float;
    String => Self::Text;
    &str => |text: &str| Self::Text(text.to_owned());
    Vec<u8> => Self::Bytes;
}

impl ListItem {
    fn encoded(&self) -> (u64, Vec<u8>) {
        match self {
            Self::None => (0, Vec::new()),
            Self::Bool(value) => (1, vec![u8::from(*value)]),
            Self::Int(value) => (2, value.to_le_bytes().to_vec()),
            Self::Float(value) => (3, value.to_le_bytes().to_vec()),
            Self::Text(value) => (4, value.clone().into_bytes()),
            Self::Bytes(value) => (5, value.clone()),
        }
    }

    fn decoded(kind: u64, bytes: Vec<u8>) -> Result<Self, SharedMemoryError> {
        let fault = || SharedMemoryError::Damaged;
        let eight = |bytes: Vec<u8>| <[u8; 8]>::try_from(bytes).map_err(|_| fault());
        Ok(match kind {
            0 => Self::None,
            1 => Self::Bool(bytes == [1]),
            2 => Self::Int(i64::from_le_bytes(eight(bytes)?)),
            3 => Self::Float(f64::from_le_bytes(eight(bytes)?)),
            4 => Self::Text(String::from_utf8(bytes).map_err(|_| fault())?),
            5 => Self::Bytes(bytes),
            _ => return Err(fault()),
        })
    }
}

/// A list of values in shared memory. Its length is fixed, and each place has room for the value that it had at first;
/// text and bytes may have up to eight bytes at least. A change is whole or has not happened, also when its process is
/// killed.
///
/// ```
/// use fanlane_mp::{ListItem, ShareableList};
///
/// let list = ShareableList::new([ListItem::from("howdy"), 273.154.into(), 100_i64.into(), true.into()])?;
/// list.set(2, -78_i64)?;
/// assert_eq!(list.get(2)?, ListItem::Int(-78));
/// assert_eq!(list.index(&true.into())?, Some(3));
/// assert!(list.set(0, "a much longer text").is_err());
/// # Ok::<(), fanlane_mp::Error>(())
/// ```
#[derive(Debug)]
pub struct ShareableList {
    journaled: Journaled,
    published: Option<Published>,
}

/// Where an item's two places are, and how much goes into each.
#[derive(Clone, Copy)]
struct Room {
    offset: usize,
    bytes: usize,
}

/// An item's number: which of its two places, what it is, how long it is.
const fn state_of(second: bool, kind: u64, len: usize) -> u64 {
    (second as u64) << 63 | kind << 56 | len as u64
}

impl ShareableList {
    /// A list of these values, at most 439.
    ///
    /// # Errors
    /// [`SharedMemoryError::DoesNotFit`] for too many; what the system refuses.
    pub fn new(items: impl IntoIterator<Item = ListItem>) -> Result<Self, SharedMemoryError> {
        let encoded: Vec<_> = items.into_iter().map(|item| item.encoded()).collect();
        if encoded.len() > MAX_ITEMS {
            return Err(SharedMemoryError::DoesNotFit("a shareable list has at most 439 items"));
        }
        // Before the values stands how much room each has.
        let rooms = encoded.iter().map(|(_, bytes)| bytes.len().max(MIN_ROOM_BYTES).next_multiple_of(8));
        let rooms: Vec<usize> = rooms.collect();
        let total = rooms.len() * 8 + 2 * rooms.iter().sum::<usize>();
        let journaled = Journaled::create(KIND, total.max(8))
            .map_err(SystemError::during("no shared memory for a list can be had"))?;
        for (index, bytes) in rooms.iter().enumerate() {
            journaled.segment().store(HEADER_BYTES + index * 8, &(*bytes as u64).to_le_bytes());
        }
        journaled.lock().set(COUNT, encoded.len() as u64);
        let list = Self { journaled, published: None };
        for (index, (kind, bytes)) in encoded.iter().enumerate() {
            list.put(&mut list.journaled.lock(), index, *kind, bytes)?;
        }
        Ok(list)
    }

    /// Gives it a name under which other processes of the same user can open it, as long as this value lives.
    ///
    /// # Errors
    /// [`SharedMemoryError::Name`] where the name is taken.
    pub fn with_name(mut self, name: &str) -> Result<Self, SharedMemoryError> {
        self.published = Some(publish(name, self.journaled.descriptor())?);
        Ok(self)
    }

    /// Opens the list that another process has given this name.
    ///
    /// # Errors
    /// [`SharedMemoryError::Name`] where no process has published it, or it is no list.
    pub fn open(name: &str) -> Result<Self, SharedMemoryError> {
        Self::from_descriptor(look_up(name)?)
            .map_err(|error| SharedMemoryError::Name { name: name.to_owned(), reason: error.to_string() })
    }

    fn from_descriptor(descriptor: OwnedFd) -> io::Result<Self> {
        Journaled::open(KIND, descriptor).map(|journaled| Self { journaled, published: None })
    }

    /// How many items it has.
    pub fn len(&self) -> usize {
        usize::try_from(self.journaled.peek(COUNT)).unwrap_or(0).min(MAX_ITEMS)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn room(&self, index: usize) -> Room {
        let size_of_room = |index: usize| {
            let mut bytes = [0; 8];
            self.journaled.segment().load(HEADER_BYTES + index * 8, &mut bytes);
            usize::try_from(u64::from_le_bytes(bytes)).expect("room in memory fits into an address")
        };
        let before: usize = (0..index).map(size_of_room).sum();
        Room { offset: HEADER_BYTES + self.len() * 8 + 2 * before, bytes: size_of_room(index) }
    }

    fn check(&self, index: usize) -> Result<(), SharedMemoryError> {
        if index < self.len() { Ok(()) } else { Err(SharedMemoryError::DoesNotFit("the list has no such place")) }
    }

    fn put(&self, locked: &mut Locked<'_>, index: usize, kind: u64, bytes: &[u8]) -> Result<(), SharedMemoryError> {
        let room = self.room(index);
        if bytes.len() > room.bytes {
            return Err(SharedMemoryError::DoesNotFit("the value is longer than its place in the list was made for"));
        }
        // Into the place that is not in use, which becomes the one in use with one number.
        let second = locked.get(STATES + index) >> 63 == 0;
        self.journaled.segment().store(room.offset + usize::from(second) * room.bytes, bytes);
        locked.set(STATES + index, state_of(second, kind, bytes.len()));
        Ok(())
    }

    fn take(&self, locked: &Locked<'_>, index: usize) -> Result<ListItem, SharedMemoryError> {
        let (state, room) = (locked.get(STATES + index), self.room(index));
        let len = usize::try_from(state & ((1 << 56) - 1)).unwrap_or(usize::MAX).min(room.bytes);
        let mut bytes = vec![0; len];
        let second = state >> 63 != 0;
        self.journaled.segment().load(room.offset + usize::from(second) * room.bytes, &mut bytes);
        ListItem::decoded(state >> 56 & 0x7f, bytes)
    }

    /// An item.
    ///
    /// # Errors
    /// [`SharedMemoryError::DoesNotFit`] where `index` is not inside the list.
    pub fn get(&self, index: usize) -> Result<ListItem, SharedMemoryError> {
        self.check(index)?;
        self.take(&self.journaled.lock(), index)
    }

    /// Puts another item into a place.
    ///
    /// # Errors
    /// [`SharedMemoryError::DoesNotFit`] where `index` is not inside the list, or the item is too long for it.
    pub fn set(&self, index: usize, item: impl Into<ListItem>) -> Result<(), SharedMemoryError> {
        self.check(index)?;
        let (kind, bytes) = item.into().encoded();
        self.put(&mut self.journaled.lock(), index, kind, &bytes)
    }

    /// All items, from one moment.
    ///
    /// # Errors
    /// [`SharedMemoryError::Damaged`] when another program has written into the memory.
    pub fn to_vec(&self) -> Result<Vec<ListItem>, SharedMemoryError> {
        let locked = self.journaled.lock();
        (0..self.len()).map(|index| self.take(&locked, index)).collect()
    }

    /// How often an item is in it.
    ///
    /// # Errors
    /// As [`ShareableList::to_vec`].
    pub fn count(&self, item: &ListItem) -> Result<usize, SharedMemoryError> {
        Ok(self.to_vec()?.iter().filter(|one| *one == item).count())
    }

    /// The first place of an item.
    ///
    /// # Errors
    /// As [`ShareableList::to_vec`].
    pub fn index(&self, item: &ListItem) -> Result<Option<usize>, SharedMemoryError> {
        Ok(self.to_vec()?.iter().position(|one| one == item))
    }
}

impl Serialize for ShareableList {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Passed(Arc::clone(self.journaled.descriptor())).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ShareableList {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let passed = Passed::deserialize(deserializer)?;
        let descriptor = Arc::into_inner(passed.0).ok_or_else(|| fanlane_os::fd_passing::refuse("it is held twice"))?;
        Self::from_descriptor(descriptor).map_err(|error| fanlane_os::fd_passing::refuse(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use fanlane_os::journaled::deaths::die_after;

    #[test]
    fn items_of_every_kind_come_back_also_by_name() {
        let items = [().into(), true.into(), (-7_i64).into(), 0.5.into(), "text".into(), vec![1_u8; 100].into()];
        let name = format!("list-{}", std::process::id());
        let list = ShareableList::new(items.clone()).unwrap().with_name(&name).unwrap();
        let open = ShareableList::open(&name).unwrap();
        assert_eq!(open.to_vec().unwrap(), items);
        open.set(0, "12345678").unwrap();
        assert_eq!(list.get(0).unwrap(), "12345678".into());
        assert_eq!(list.count(&true.into()).unwrap(), 1);
        assert!(list.get(6).is_err() && list.set(6, 1_i64).is_err());
        assert!(!list.is_empty() && ShareableList::new([]).unwrap().is_empty());
    }

    fn any_item() -> impl Strategy<Value = ListItem> {
        prop_oneof![
            Just(ListItem::None),
            any::<bool>().prop_map(ListItem::Bool),
            any::<i64>().prop_map(ListItem::Int),
            (-1e300..1e300).prop_map(ListItem::Float),
            ".{0,6}".prop_map(ListItem::Text),
            prop::collection::vec(any::<u8>(), 0..30).prop_map(ListItem::Bytes),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Through two mappings, and with changes in which a process dies.
        #[test]
        fn it_is_a_vector_whose_places_have_room_for_what_they_held_at_first(
            items in prop::collection::vec(any_item(), 0..8),
            changes in prop::collection::vec((0..10_usize, any_item(), any::<bool>(), prop::option::weighted(0.3, 0..8_u32)), 0..30),
        ) {
            let list = ShareableList::new(items.clone()).unwrap();
            let there = ShareableList::from_descriptor(list.journaled.descriptor().try_clone().unwrap()).unwrap();
            let room = |item: &ListItem| item.encoded().1.len().max(MIN_ROOM_BYTES).next_multiple_of(8);
            let rooms: Vec<usize> = items.iter().map(room).collect();
            let mut expected = items;
            for (index, item, from_here, death) in changes {
                let one = if from_here { &list } else { &there };
                let fits = rooms.get(index).is_some_and(|room| item.encoded().1.len() <= *room);
                let mut set = None;
                match death {
                    None => set = Some(one.set(index, item.clone())),
                    Some(stores) => {
                        die_after(stores, || set = Some(one.set(index, item.clone())));
                    }
                }
                prop_assert!(set.as_ref().is_none_or(|set| set.is_ok() == fits));
                if set.is_none() {
                    prop_assert!(there.get(index).unwrap() == expected[index] || there.get(index).unwrap() == item);
                    expected[index] = there.get(index).unwrap();
                } else if fits {
                    expected[index] = item;
                }
                prop_assert_eq!(there.to_vec().unwrap(), &expected[..]);
            }
            for item in &expected {
                prop_assert_eq!(list.index(item).unwrap(), expected.iter().position(|one| one == item));
                prop_assert_eq!(list.count(item).unwrap(), expected.iter().filter(|one| *one == item).count());
            }
            prop_assert_eq!(list.len(), expected.len());
        }
    }

    #[test]
    fn a_death_anywhere_in_a_change_leaves_the_old_or_the_new() {
        let list = ShareableList::new(["old one".into()]).unwrap();
        for stores in 0.. {
            let died = die_after(stores, || list.set(0, "new one").unwrap());
            let now = list.get(0).unwrap();
            assert!(now == "old one".into() || now == "new one".into());
            if !died {
                break;
            }
        }
        assert_eq!(list.get(0).unwrap(), "new one".into());
    }
}
