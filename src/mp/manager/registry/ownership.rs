//! Who holds a lock and who waits for it, in the order of waiting: the heart of `Lock`, `RLock` and `Condition`.

use std::collections::VecDeque;

use super::{Answer, CallContext, ClientId};
use crate::mp::manager::dynamic_value::DynamicValue;
use crate::mp::manager::failure::{Failure, FailureKind};

/// What an acquire answers when the one who held it before has died.
pub const OWNER_DIED: &str = "holder died";

/// The state of a lock.
#[derive(Default)]
pub struct Ownership {
    /// Who holds it, and how many times.
    holder: Option<(ClientId, u64)>,
    waiting: VecDeque<Waiting>,
    /// Who held it last was gone before it was released: what the lock protects may be half done.
    owner_died: bool,
}

struct Waiting {
    client: ClientId,
    /// How many times it will hold it.
    depth: u64,
    /// What it is answered once it holds it; `None`: how it came to hold it.
    answer: Option<DynamicValue>,
}

impl Ownership {
    pub fn is_held_by(&self, client: ClientId) -> bool {
        self.holder.is_some_and(|(holder, _)| holder == client)
    }

    pub const fn is_held(&self) -> bool {
        self.holder.is_some()
    }

    fn granted(&mut self, client: ClientId, depth: u64) -> DynamicValue {
        self.holder = Some((client, depth));
        if std::mem::take(&mut self.owner_died) { DynamicValue::from(OWNER_DIED) } else { DynamicValue::Bool(true) }
    }

    /// Acquires it for the turn's client: `true`, [`OWNER_DIED`], or `false` where it may not wait.
    pub fn acquire(
        &mut self,
        context: &CallContext<'_>,
        timeout_ns: Option<u64>,
        again: bool,
    ) -> Result<Answer, Failure> {
        match &mut self.holder {
            None => {
                let granted = self.granted(context.client, 1);
                Answer::now(granted)
            }
            Some((holder, depth)) if again && *holder == context.client => {
                *depth += 1;
                Answer::now(true)
            }
            Some((holder, _)) if *holder == context.client && timeout_ns.is_none() => Err(Failure::new(
                FailureKind::NotHeld,
                "you hold this lock already and would wait for yourself; release it first, or use an RLock",
            )),
            Some(_) if timeout_ns == Some(0) => Answer::now(false),
            Some(_) => {
                self.waiting.push_back(Waiting { client: context.client, depth: 1, answer: None });
                Ok(Answer::Later { timeout_ns })
            }
        }
    }

    /// Has `client` acquire it as soon as can be, `depth` times; then it is answered `answer`.
    pub fn reacquire(&mut self, context: &mut CallContext<'_>, client: ClientId, depth: u64, answer: DynamicValue) {
        if self.holder.is_none() {
            // What has happened meanwhile is said to whoever acquires it next.
            self.holder = Some((client, depth));
            context.answer(client, Ok(answer));
        } else {
            self.waiting.push_back(Waiting { client, depth, answer: Some(answer) });
        }
    }

    /// Releases it once.
    pub fn release(&mut self, context: &mut CallContext<'_>) -> Result<(), Failure> {
        match &mut self.holder {
            Some((holder, depth)) if *holder == context.client => {
                *depth -= 1;
                if *depth == 0 {
                    self.hand_over_to_next(context);
                }
                Ok(())
            }
            holder => {
                let who = if holder.is_some() { "somebody else holds it" } else { "nobody holds it" };
                Err(Failure::new(FailureKind::NotHeld, format!("the lock is not yours to release: {who}")))
            }
        }
    }

    /// Releases it as often as it was acquired, which is what is returned.
    pub fn release_all(&mut self, context: &mut CallContext<'_>) -> u64 {
        let depth = self.holder.filter(|(holder, _)| *holder == context.client).map_or(0, |(_, depth)| depth);
        if depth > 0 {
            self.hand_over_to_next(context);
        }
        depth
    }

    fn hand_over_to_next(&mut self, context: &mut CallContext<'_>) {
        self.holder = None;
        if let Some(next) = self.waiting.pop_front() {
            let answer = match next.answer {
                None => self.granted(next.client, next.depth),
                Some(answer) => {
                    self.holder = Some((next.client, next.depth));
                    answer
                }
            };
            context.answer(next.client, Ok(answer));
        }
    }

    /// The wait of `client` is over. `false`: it must have the lock before it can be answered, and goes on waiting.
    pub fn cancel_wait(&mut self, client: ClientId) -> bool {
        let place = self.waiting.iter().position(|one| one.client == client && one.answer.is_none());
        place.map(|place| self.waiting.remove(place)).is_some()
    }

    /// A client is gone: it does not wait any more, and what it held is free.
    pub fn forget(&mut self, context: &mut CallContext<'_>) {
        let client = context.client;
        self.waiting.retain(|one| one.client != client);
        if self.is_held_by(client) {
            self.owner_died = true;
            self.hand_over_to_next(context);
        }
    }

    /// For people.
    pub fn words(&self) -> String {
        let state = match (self.is_held(), self.owner_died) {
            (true, _) => "held",
            (false, true) => "free, its last holder died",
            (false, false) => "free",
        };
        if self.waiting.is_empty() { state.to_owned() } else { format!("{state}, {} waiting", self.waiting.len()) }
    }
}
