//! The manager without its sockets: objects, their names, and who waits for what. Pure: it reads no clock and talks to
//! nobody; the server feeds it requests, ends of connections and the time, and delivers what it answers. So every order
//! of these can be tested, and one thread serves all clients without a lock.

mod arguments;
mod barrier;
mod cell;
mod condition;
mod dict;
mod event;
mod kinds;
mod list;
mod lock;
mod names;
mod namespace;
mod object;
mod ownership;
mod queue;
mod quota;
mod semaphore;
mod set;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(super) use arguments::Arguments;
pub use kinds::KINDS;
use names::check_name;
pub use names::check_object;
pub(super) use object::{Answer, Answered, CallContext, ClientId, Object};
pub(super) use ownership::OWNER_DIED;
pub(super) use quota::{Quota, Weight};

use super::dynamic_value::{DynamicValue, Reference};
use super::failure::{Failure, FailureKind};
use super::wire::{Request, Target};

/// Makes an object of an own type.
pub(super) type Maker = Arc<dyn Fn(Vec<DynamicValue>) -> Result<Box<dyn Object>, Failure> + Send + Sync>;

/// How many items of an object are looked at for its preview.
const PREVIEW_ITEMS: usize = 64;

/// What an object looks like from outside, in a bounded form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectInfo {
    /// Its name; empty for one that is reached by its reference alone.
    pub name: String,
    /// Its reference.
    pub reference: u64,
    /// Its kind, as it is called when one is made: `list`, `Lock`, an own type's name.
    pub kind: String,
    /// How many items it holds, where it holds items.
    pub length: Option<u64>,
    /// Its content as JSON, cut off where it is long; or its state in words (`held, 2 waiting`).
    pub content: String,
    /// How many calls it has had.
    pub calls: u64,
    /// How many clients wait for it.
    pub waiting: u64,
}

/// All objects of a manager.
pub(super) struct Registry {
    objects: HashMap<u64, ObjectEntry>,
    names: BTreeMap<String, u64>,
    clients: HashMap<ClientId, ClientState>,
    /// When waits end, by the time in nanoseconds.
    deadlines: BTreeSet<(u64, ClientId)>,
    custom_types: BTreeMap<String, Maker>,
    next_reference: u64,
    max_objects: usize,
    quota: Quota,
    calls: u64,
}

struct ObjectEntry {
    name: Option<String>,
    kind: String,
    object: Box<dyn Object>,
    calls: u64,
    waiting: u64,
}

#[derive(Default)]
struct ClientState {
    waits: Option<PendingWait>,
    /// Objects that must be told of its end.
    touched: BTreeSet<u64>,
}

#[derive(Clone, Copy)]
struct PendingWait {
    object: u64,
    deadline_ns: Option<u64>,
}

impl Registry {
    /// An empty one, for at most `max_objects` objects with room for their values, that can also make objects of
    /// `custom_types`.
    pub(super) fn new(custom_types: BTreeMap<String, Maker>, max_objects: usize, quota: Quota) -> Self {
        Self {
            objects: HashMap::new(),
            names: BTreeMap::new(),
            clients: HashMap::new(),
            deadlines: BTreeSet::new(),
            custom_types,
            next_reference: 1,
            max_objects,
            quota,
            calls: 0,
        }
    }

    /// Does what a client asks. Answers are added to `answers`: its own, unless it waits, and those of others that need
    /// not wait any more. `Stop` is the server's to do.
    pub(super) fn handle(&mut self, now_ns: u64, client: ClientId, request: Request<'_>, answers: &mut Vec<Answered>) {
        let done = match request {
            Request::Call { target, method, arguments } => {
                let called = self.call(now_ns, client, target, method, arguments, answers);
                match called {
                    Ok(None) => return,
                    Ok(Some(answered)) => return answers.push(answered),
                    Err(failure) => Err(failure),
                }
            }
            Request::Create { name, kind, arguments, must_be_new } => self.create(name, kind, arguments, must_be_new),
            Request::Find(name) => self.find(Target::Name(name)).map(|(reference, entry)| {
                DynamicValue::List(vec![
                    DynamicValue::Reference(Reference(reference)),
                    DynamicValue::from(entry.kind.as_str()),
                ])
            }),
            Request::Delete(target) => self.delete(target, answers),
            Request::List => {
                super::dynamic_value::to_value(&self.list()).map_err(|error| Failure::arguments(error.to_string()))
            }
            Request::Snapshot(target) => self.find(target).map(|(_, entry)| entry.object.head(usize::MAX)),
            Request::Stop => Ok(DynamicValue::Nil),
        };
        answers.push(Answered { client, result: done, taken_from: None });
    }

    /// `None`: the client waits.
    fn call(
        &mut self,
        now_ns: u64,
        client: ClientId,
        target: Target<'_>,
        method: &str,
        arguments: Vec<DynamicValue>,
        answers: &mut Vec<Answered>,
    ) -> Result<Option<Answered>, Failure> {
        let reference = self.reference_of(&target)?;
        let kind = &self.objects[&reference].kind;
        self.quota.before(kind, method, &arguments, || weigh(&self.objects))?;
        let entry = self.objects.get_mut(&reference).expect("it was just found");
        entry.calls += 1;
        let tells = entry.object.tracks_clients();
        let mut context = CallContext { client, object: reference, answers };
        let answer = entry.object.call(&mut context, method, Arguments::new(method, arguments));
        let answered = match answer {
            Err(failure) => Some(Err(failure)),
            Ok(Answer::Now(value)) => Some(Ok((value, None))),
            Ok(Answer::Taken(value)) => {
                self.quota.took(&value);
                Some(Ok((value, Some(reference))))
            }
            Ok(Answer::Later { timeout_ns }) => {
                entry.waiting += 1;
                let deadline_ns = timeout_ns.map(|timeout_ns| now_ns.saturating_add(timeout_ns));
                self.clients.entry(client).or_default().waits = Some(PendingWait { object: reference, deadline_ns });
                if let Some(deadline_ns) = deadline_ns {
                    self.deadlines.insert((deadline_ns, client));
                }
                None
            }
        };
        self.calls += 1;
        if tells {
            self.clients.entry(client).or_default().touched.insert(reference);
        }
        self.settle(answers);
        match answered {
            None => Ok(None),
            Some(Ok((value, taken_from))) => Ok(Some(Answered { client, result: Ok(value), taken_from })),
            Some(Err(failure)) => Err(failure),
        }
    }

    /// Whoever was answered does not wait any more.
    fn settle(&mut self, answers: &[Answered]) {
        for answered in answers {
            let Some(wait) = self.clients.get_mut(&answered.client).and_then(|client| client.waits.take()) else {
                continue;
            };
            if let Some(deadline_ns) = wait.deadline_ns {
                self.deadlines.remove(&(deadline_ns, answered.client));
            }
            if let Some(entry) = self.objects.get_mut(&wait.object) {
                entry.waiting = entry.waiting.saturating_sub(1);
            }
        }
    }

    /// A call of an own type has its result.
    pub(super) fn custom_call_ended(
        &mut self,
        client: ClientId,
        object: u64,
        result: Result<DynamicValue, Failure>,
        answers: &mut Vec<Answered>,
    ) {
        // Its client may be gone; or the object was deleted meanwhile, and it waits for another.
        let waits = self.clients.get(&client).and_then(|client| client.waits);
        if waits.is_some_and(|wait| wait.object == object) {
            answers.push(Answered { client, result, taken_from: None });
            self.settle(answers);
        }
    }

    /// The connection of a client has ended: what it held is free, what it waited for it does not wait for any more.
    pub(super) fn client_gone(&mut self, client: ClientId, answers: &mut Vec<Answered>) {
        let Some(state) = self.clients.remove(&client) else { return };
        if let Some(wait) = state.waits {
            if let Some(deadline_ns) = wait.deadline_ns {
                self.deadlines.remove(&(deadline_ns, client));
            }
            if let Some(entry) = self.objects.get_mut(&wait.object) {
                entry.waiting = entry.waiting.saturating_sub(1);
            }
        }
        for object in state.touched {
            if let Some(entry) = self.objects.get_mut(&object) {
                entry.object.client_gone(&mut CallContext { client, object, answers });
            }
        }
        self.settle(answers);
    }

    /// What a client was given from `object` has not reached it: it goes back to where it was.
    pub(super) fn give_back(&mut self, object: u64, value: DynamicValue, answers: &mut Vec<Answered>) {
        if let Some(entry) = self.objects.get_mut(&object) {
            entry.object.give_back(&mut CallContext { client: 0, object, answers }, value);
            self.settle(answers);
        }
    }

    /// Ends the waits whose time is over.
    pub(super) fn tick(&mut self, now_ns: u64, answers: &mut Vec<Answered>) {
        while let Some(&(deadline_ns, client)) = self.deadlines.first()
            && deadline_ns <= now_ns
        {
            self.deadlines.pop_first();
            let Some(wait) = self.clients.get_mut(&client).and_then(|client| client.waits.as_mut()) else { continue };
            wait.deadline_ns = None;
            let object = wait.object;
            if let Some(entry) = self.objects.get_mut(&object) {
                entry.object.timed_out(&mut CallContext { client, object, answers });
            }
            self.settle(answers);
        }
    }

    /// When the next wait ends.
    pub(super) fn next_deadline_ns(&self) -> Option<u64> {
        self.deadlines.first().map(|(deadline_ns, _)| *deadline_ns)
    }

    fn create(
        &mut self,
        name: Option<&str>,
        kind: &str,
        arguments: Vec<DynamicValue>,
        must_be_new: bool,
    ) -> Result<DynamicValue, Failure> {
        if let Some(name) = name {
            check_name(name)?;
            if let Some(reference) = self.names.get(name) {
                let there = &self.objects[reference].kind;
                if must_be_new || there != kind {
                    let message =
                        format!("there is a {there} called '{name}' already; take another name, or delete it");
                    return Err(Failure::new(FailureKind::NameTaken, message));
                }
                return Ok(DynamicValue::Reference(Reference(*reference)));
            }
        }
        if self.objects.len() >= self.max_objects {
            let message = format!("the manager holds {} objects, as many as it may; delete some", self.max_objects);
            return Err(Failure::new(FailureKind::Limit, message));
        }
        self.quota.put_in(Weight::of(&arguments).bytes, || weigh(&self.objects))?;
        let object = match self.custom_types.get(kind) {
            Some(maker) => maker(arguments)?,
            None => kinds::make(kind, arguments, self.custom_types.keys())?,
        };
        let reference = self.next_reference;
        self.next_reference += 1;
        if let Some(name) = name {
            self.names.insert(name.to_owned(), reference);
        }
        let entry = ObjectEntry { name: name.map(str::to_owned), kind: kind.to_owned(), object, calls: 0, waiting: 0 };
        self.objects.insert(reference, entry);
        Ok(DynamicValue::Reference(Reference(reference)))
    }

    fn delete(&mut self, target: Target<'_>, answers: &mut Vec<Answered>) -> Result<DynamicValue, Failure> {
        let (reference, _) = self.find(target)?;
        let entry = self.objects.remove(&reference).expect("it was just found");
        self.quota.emptied();
        let what = entry.name.as_ref().map_or_else(|| format!("object {reference}"), |name| format!("'{name}'"));
        if let Some(name) = entry.name {
            self.names.remove(&name);
        }
        let waits_for_it = |client: &ClientState| client.waits.is_some_and(|wait| wait.object == reference);
        for (&client, _) in self.clients.iter().filter(|(_, client)| waits_for_it(client)) {
            let failure =
                Failure::new(FailureKind::NoSuchObject, format!("{what} was deleted while you waited for it"));
            answers.push(Answered { client, result: Err(failure), taken_from: None });
        }
        self.settle(answers);
        Ok(DynamicValue::Nil)
    }

    fn reference_of(&self, target: &Target<'_>) -> Result<u64, Failure> {
        let gone =
            |what: String, hint: &str| Failure::new(FailureKind::NoSuchObject, format!("there is no {what}; {hint}"));
        match target {
            Target::Reference(reference) => Ok(*reference).and_then(|reference| {
                let there = self.objects.contains_key(&reference);
                there.then_some(reference).ok_or_else(|| gone(format!("object {reference}"), "it was deleted"))
            }),
            Target::Name(name) => self.names.get(*name).copied().ok_or_else(|| {
                let names: Vec<&str> = self.names.keys().map(String::as_str).take(20).collect();
                let hint = if names.is_empty() {
                    "there are none yet".to_owned()
                } else {
                    format!("there are: {}", names.join(", "))
                };
                gone(format!("object called '{name}'"), &hint)
            }),
        }
    }

    fn find(&self, target: Target<'_>) -> Result<(u64, &ObjectEntry), Failure> {
        let reference = self.reference_of(&target)?;
        Ok((reference, &self.objects[&reference]))
    }

    /// What objects there are: those with names by their names, then the others by their references.
    pub(super) fn list(&self) -> Vec<ObjectInfo> {
        let mut all: Vec<ObjectInfo> = self.objects.iter().map(|(reference, entry)| entry.info(*reference)).collect();
        all.sort_by(|one, two| {
            (one.name.is_empty(), &one.name, one.reference).cmp(&(two.name.is_empty(), &two.name, two.reference))
        });
        all
    }

    /// The content of every object with a name.
    pub(super) fn contents(&self) -> BTreeMap<String, DynamicValue> {
        self.names
            .iter()
            .map(|(name, reference)| (name.clone(), self.objects[reference].object.head(usize::MAX)))
            .collect()
    }

    /// How many calls there have been: where it is as before, nothing has changed.
    pub(super) const fn calls(&self) -> u64 {
        self.calls
    }
}

/// What all objects hold.
fn weigh(objects: &HashMap<u64, ObjectEntry>) -> Weight {
    objects.values().fold(Weight::default(), |sum, entry| sum.and(entry.object.weight()))
}

impl ObjectEntry {
    fn info(&self, reference: u64) -> ObjectInfo {
        const PREVIEW_BYTES: usize = 160;
        let state = self.object.state();
        ObjectInfo {
            name: self.name.clone().unwrap_or_default(),
            reference,
            kind: self.kind.clone(),
            length: self.object.length().map(|length| length as u64),
            content: state.unwrap_or_else(|| self.object.head(PREVIEW_ITEMS).to_short_json(PREVIEW_BYTES)),
            calls: self.calls,
            waiting: self.waiting,
        }
    }
}
