//! The manager without its sockets: objects, their names, and the clients that wait for them. It is pure: it reads no
//! clock and sends nothing; the server feeds it requests, ends of connections and the time, and delivers its answers. So
//! every order of these can be tested, and one thread serves all clients.

mod arguments;
mod array;
mod barrier;
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
mod value;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(super) use arguments::Arguments;
pub use kinds::KINDS;
use names::check_name;
pub use names::check_object;
pub(super) use object::{Answer, Answered, CallContext, CallResult, ClientId, Interface, Object};
pub(super) use ownership::OWNER_DIED;
pub(super) use quota::{Quota, Weight};

use super::dynamic_value::{DynamicValue, Reference};
use super::failure::{Failure, FailureKind};
use super::wire::{Request, Target};

/// Makes an object of a custom type.
pub(super) type Maker = Arc<dyn Fn(Vec<DynamicValue>) -> Result<Box<dyn Object>, Failure> + Send + Sync>;

/// Maximum number of items in an object's preview.
const MAX_PREVIEW_ITEMS: usize = 64;

/// The description of an object, of bounded size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ObjectInfo {
    /// Its name; empty for an object that only its reference leads to.
    pub name: String,
    /// Its reference.
    pub reference: u64,
    /// The name of its kind: `list`, `Lock`, that of a custom type.
    pub kind: String,
    /// The number of its items, where it has items.
    pub length: Option<u64>,
    /// Its content as JSON, cut where it is long; or its state in words (`held, 2 waiting`).
    pub content: String,
    /// The number of calls so far.
    pub calls: u64,
    /// The number of clients that wait for it.
    pub waiting: u64,
}

/// All objects of a manager.
pub(super) struct Registry {
    objects: HashMap<u64, ObjectEntry>,
    names: BTreeMap<String, u64>,
    clients: HashMap<ClientId, ClientState>,
    /// The ends of waits with a timeout, each as a time in nanoseconds.
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
    wait: Option<PendingWait>,
    /// Objects that are told of its end.
    called: BTreeSet<u64>,
}

#[derive(Clone, Copy)]
struct PendingWait {
    object: u64,
    deadline_ns: Option<u64>,
}

impl Registry {
    /// An empty registry for at most `max_objects` objects, of built-in kinds and of `custom_types`.
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

    /// Handles a request of a client. Its answer is added to `answers`, unless it waits, and so are the answers of other
    /// clients whose waits end. `Stop` is done by the server.
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
            Request::Snapshot(target) => self.find(target).map(|(_, entry)| entry.object.content(usize::MAX)),
            Request::Stop => Ok(DynamicValue::Nil),
        };
        answers.push(Answered { client, result: done, taken_from: None });
    }

    /// Calls a method; `None`: the client waits.
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
        self.quota.check_call(kind, method, &arguments, || weigh(&self.objects))?;
        let entry = self.objects.get_mut(&reference).expect("it was just found");
        entry.calls += 1;
        let interface = entry.object.interface();
        let mut context = CallContext { client, object: reference, answers };
        let checked = interface.map_or(Ok(()), |interface| interface.check_count(method, arguments.len()));
        let answer =
            checked.and_then(|()| entry.object.call(&mut context, method, &mut Arguments::new(method, arguments)));
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
                self.clients.entry(client).or_default().wait = Some(PendingWait { object: reference, deadline_ns });
                if let Some(deadline_ns) = deadline_ns {
                    self.deadlines.insert((deadline_ns, client));
                }
                None
            }
        };
        self.calls += 1;
        if interface.is_some_and(|interface| interface.tracks_clients) {
            self.clients.entry(client).or_default().called.insert(reference);
        }
        self.settle(answers);
        match answered {
            None => Ok(None),
            Some(Ok((value, taken_from))) => Ok(Some(Answered { client, result: Ok(value), taken_from })),
            Some(Err(failure)) => Err(failure),
        }
    }

    /// Ends the waits of the clients that were answered.
    fn settle(&mut self, answers: &[Answered]) {
        for answered in answers {
            let Some(wait) = self.clients.get_mut(&answered.client).and_then(|client| client.wait.take()) else {
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

    /// A call of an object of a custom type has its result.
    pub(super) fn custom_call_ended(
        &mut self,
        client: ClientId,
        object: u64,
        result: Result<DynamicValue, Failure>,
        answers: &mut Vec<Answered>,
    ) {
        // The client may be gone, or wait for another object since this one was deleted.
        let waits = self.clients.get(&client).and_then(|client| client.wait);
        if waits.is_some_and(|wait| wait.object == object) {
            answers.push(Answered { client, result, taken_from: None });
            self.settle(answers);
        }
    }

    /// The connection of a client has ended: its wait ends, and what it held is free.
    pub(super) fn client_gone(&mut self, client: ClientId, answers: &mut Vec<Answered>) {
        let Some(state) = self.clients.remove(&client) else { return };
        if let Some(wait) = state.wait {
            if let Some(deadline_ns) = wait.deadline_ns {
                self.deadlines.remove(&(deadline_ns, client));
            }
            if let Some(entry) = self.objects.get_mut(&wait.object) {
                entry.waiting = entry.waiting.saturating_sub(1);
            }
        }
        for object in state.called {
            if let Some(entry) = self.objects.get_mut(&object) {
                entry.object.client_gone(&mut CallContext { client, object, answers });
            }
        }
        self.settle(answers);
    }

    /// A value that was taken out of `object` did not reach its client and goes back.
    pub(super) fn give_back(&mut self, object: u64, value: DynamicValue, answers: &mut Vec<Answered>) {
        if let Some(entry) = self.objects.get_mut(&object) {
            entry.object.give_back(&mut CallContext { client: 0, object, answers }, value);
            self.settle(answers);
        }
    }

    /// Ends the waits that have timed out.
    pub(super) fn tick(&mut self, now_ns: u64, answers: &mut Vec<Answered>) {
        while let Some(&(deadline_ns, client)) = self.deadlines.first()
            && deadline_ns <= now_ns
        {
            self.deadlines.pop_first();
            let Some(wait) = self.clients.get_mut(&client).and_then(|client| client.wait.as_mut()) else { continue };
            wait.deadline_ns = None;
            let object = wait.object;
            if let Some(entry) = self.objects.get_mut(&object) {
                entry.object.timed_out(&mut CallContext { client, object, answers });
            }
            self.settle(answers);
        }
    }

    /// The end of the next wait with a timeout.
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
                    let message = format!("there is a {there} called '{name}' already; use another name, or delete it");
                    return Err(Failure::new(FailureKind::NameTaken, message));
                }
                return Ok(DynamicValue::Reference(Reference(*reference)));
            }
        }
        if self.objects.len() >= self.max_objects {
            let message = format!("the manager holds {} objects, its maximum; delete some", self.max_objects);
            return Err(Failure::new(FailureKind::Limit, message));
        }
        self.quota.reserve(Weight::of(&arguments).bytes, || weigh(&self.objects))?;
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
        let waits_for_it = |client: &ClientState| client.wait.is_some_and(|wait| wait.object == reference);
        for (&client, _) in self.clients.iter().filter(|(_, client)| waits_for_it(client)) {
            let failure =
                Failure::new(FailureKind::NoSuchObject, format!("{what} was deleted while a call waited for it"));
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

    /// All objects: those with names in the order of these, then the others in the order of their references.
    pub(super) fn list(&self) -> Vec<ObjectInfo> {
        let mut all: Vec<ObjectInfo> = self.objects.iter().map(|(reference, entry)| entry.info(*reference)).collect();
        all.sort_by(|one, two| {
            (one.name.is_empty(), &one.name, one.reference).cmp(&(two.name.is_empty(), &two.name, two.reference))
        });
        all
    }

    /// The content of every object that has a name.
    pub(super) fn contents(&self) -> BTreeMap<String, DynamicValue> {
        self.names
            .iter()
            .map(|(name, reference)| (name.clone(), self.objects[reference].object.content(usize::MAX)))
            .collect()
    }

    /// The number of calls so far. While it stays the same, nothing has changed.
    pub(super) const fn calls(&self) -> u64 {
        self.calls
    }
}

/// The size of all objects.
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
            content: state.unwrap_or_else(|| self.object.content(MAX_PREVIEW_ITEMS).to_short_json(PREVIEW_BYTES)),
            calls: self.calls,
            waiting: self.waiting,
        }
    }
}
