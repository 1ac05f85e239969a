//! The owner of a lock and the clients that wait for it, in the order of their calls: the core of `Lock`, `RLock` and
//! `Condition`.

use std::collections::VecDeque;

use super::object::with_waiting;
use super::{Answer, CallContext, ClientId};
use crate::manager::dynamic_value::DynamicValue;
use crate::manager::failure::{Failure, FailureKind};

/// The answer to an acquire when the previous owner has died.
pub const OWNER_DIED: &str = "owner died";

/// The state of a lock.
#[derive(Default)]
pub struct Ownership {
    /// The owner, and how often it has acquired the lock.
    owner: Option<(ClientId, u64)>,
    waiting: VecDeque<WaitingClient>,
    /// The last owner was gone before it released the lock: what the lock protects may be half done.
    owner_died: bool,
}

struct WaitingClient {
    client: ClientId,
    /// How often it will have acquired the lock.
    depth: u64,
    /// Its answer once it owns the lock; `None`: the usual one.
    answer: Option<DynamicValue>,
}

impl Ownership {
    pub fn is_owner(&self, client: ClientId) -> bool {
        self.owner.is_some_and(|(owner, _)| owner == client)
    }

    pub const fn is_owned(&self) -> bool {
        self.owner.is_some()
    }

    fn grant(&mut self, client: ClientId, depth: u64) -> DynamicValue {
        self.owner = Some((client, depth));
        if std::mem::take(&mut self.owner_died) { DynamicValue::from(OWNER_DIED) } else { DynamicValue::Bool(true) }
    }

    /// Acquires the lock for the context's client: `true`, [`OWNER_DIED`], or `false` where it may not wait.
    pub fn acquire(
        &mut self,
        context: &CallContext<'_>,
        timeout_ns: Option<u64>,
        is_reentrant: bool,
    ) -> Result<Answer, Failure> {
        match &mut self.owner {
            None => Ok(Answer::Now(self.grant(context.client, 1))),
            Some((owner, depth)) if is_reentrant && *owner == context.client => {
                *depth += 1;
                Answer::now(true)
            }
            Some((owner, _)) if *owner == context.client && timeout_ns.is_none() => Err(Failure::new(
                FailureKind::NotHeld,
                "you hold this lock already and would wait for yourself; release it first, or use an RLock",
            )),
            Some(_) if timeout_ns == Some(0) => Answer::now(false),
            Some(_) => {
                self.waiting.push_back(WaitingClient { client: context.client, depth: 1, answer: None });
                Ok(Answer::Later { timeout_ns })
            }
        }
    }

    /// Has `client` acquire the lock to `depth` as soon as possible and then answers it with `answer`.
    pub fn reacquire(&mut self, context: &mut CallContext<'_>, client: ClientId, depth: u64, answer: DynamicValue) {
        if self.owner.is_none() {
            // The death of an owner in the meantime is told to the next client that acquires the lock.
            self.owner = Some((client, depth));
            context.answer(client, Ok(answer));
        } else {
            self.waiting.push_back(WaitingClient { client, depth, answer: Some(answer) });
        }
    }

    /// Releases the lock once.
    pub fn release(&mut self, context: &mut CallContext<'_>) -> Result<Answer, Failure> {
        match &mut self.owner {
            Some((owner, depth)) if *owner == context.client => {
                *depth -= 1;
                if *depth == 0 {
                    self.hand_over_to_next(context);
                }
                Answer::done()
            }
            owner => {
                let state = if owner.is_some() { "another client holds it" } else { "it is not held" };
                Err(Failure::new(FailureKind::NotHeld, format!("the lock is not yours to release: {state}")))
            }
        }
    }

    /// Releases the lock as often as the context's client has acquired it, and returns how often that was.
    pub fn release_all(&mut self, context: &mut CallContext<'_>) -> u64 {
        let depth = self.owner.filter(|(owner, _)| *owner == context.client).map_or(0, |(_, depth)| depth);
        if depth > 0 {
            self.hand_over_to_next(context);
        }
        depth
    }

    fn hand_over_to_next(&mut self, context: &mut CallContext<'_>) {
        self.owner = None;
        if let Some(WaitingClient { client, depth, answer }) = self.waiting.pop_front() {
            let answer = match answer {
                None => self.grant(client, depth),
                Some(answer) => {
                    self.owner = Some((client, depth));
                    answer
                }
            };
            context.answer(client, Ok(answer));
        }
    }

    /// Ends the wait of `client`. `false`: it must own the lock before it can be answered, and waits on.
    pub fn cancel_wait(&mut self, client: ClientId) -> bool {
        let place = self.waiting.iter().position(|one| one.client == client && one.answer.is_none());
        place.map(|place| self.waiting.remove(place)).is_some()
    }

    /// The context's client is gone: it does not wait any more, and a lock that it owned is free.
    pub fn client_gone(&mut self, context: &mut CallContext<'_>) {
        let client = context.client;
        self.waiting.retain(|one| one.client != client);
        if self.is_owner(client) {
            self.owner_died = true;
            self.hand_over_to_next(context);
        }
    }

    /// The state in words.
    pub fn state(&self) -> String {
        let state = match (self.is_owned(), self.owner_died) {
            (true, _) => "held",
            (false, true) => "free, its last owner died",
            (false, false) => "free",
        };
        with_waiting(state, self.waiting.len())
    }
}
