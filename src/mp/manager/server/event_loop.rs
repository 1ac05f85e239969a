//! The server's thread: waits for sockets, for the end of waits and for results of own types, asks the registry, and
//! delivers what it answers.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::Receiver;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::net::{SendFlags, send};

use super::connection::{Received, ServerConnection, Stage};
use super::listening_socket::ListeningSocket;
use super::poll::{Watched, happened};
use super::{ServerOptions, ServerShared};
use crate::mp::clock::monotonic_ns;
use crate::mp::manager::custom_types::CustomResult;
use crate::mp::manager::failure::{Failure, FailureKind};
use crate::mp::manager::handshake::{CLAIM_BYTES, Challenge};
use crate::mp::manager::registry::{Answered, ClientId};
use crate::mp::manager::wire::{REPLY_SLACK_BYTES, Reply, Request, WireError, read_message, write_frame};
use crate::mp::spin_wait::SpinWait;

/// So many may be proving themselves at once; one more, and the one that has taken longest is sent away. So strangers
/// cannot keep out those who have the key.
const MAX_UNAUTHENTICATED: usize = 64;
/// Where the system has no descriptors left, nobody is let in for so long.
const ACCEPT_PAUSE_NS: u64 = 100_000_000;

const WAKER: u64 = 0;
const FIRST_LISTENER: u64 = 1;
const FIRST_CONNECTION: u64 = 1 << 16;

/// All that the server's thread has.
pub(super) struct EventLoop {
    shared: Arc<ServerShared>,
    options: ServerOptions,
    poller: OwnedFd,
    listeners: Vec<ListeningSocket>,
    connections: HashMap<ClientId, ServerConnection>,
    /// Who has not proven itself, and by when it must have.
    unauthenticated: VecDeque<(u64, ClientId)>,
    custom_results: Receiver<CustomResult>,
    next_client: ClientId,
    accepts_again_ns: Option<u64>,
    buffer: Vec<u8>,
    answers: Vec<Answered>,
    /// Who was answered and has sent more already.
    resuming: Vec<ClientId>,
    spin_wait: SpinWait,
    stops: bool,
}

impl EventLoop {
    pub(super) fn new(
        shared: Arc<ServerShared>,
        options: ServerOptions,
        listeners: Vec<ListeningSocket>,
        custom_results: Receiver<CustomResult>,
    ) -> io::Result<Self> {
        const BUFFER_BYTES: usize = 64 << 10;
        let poller = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&poller, &*shared.waker, EventData::new_u64(WAKER), EventFlags::IN)?;
        for (place, listener) in listeners.iter().enumerate() {
            epoll::add(&poller, listener, EventData::new_u64(FIRST_LISTENER + place as u64), EventFlags::IN)?;
        }
        Ok(Self {
            shared,
            options,
            poller,
            listeners,
            connections: HashMap::new(),
            unauthenticated: VecDeque::new(),
            custom_results,
            next_client: FIRST_CONNECTION,
            accepts_again_ns: None,
            buffer: vec![0; BUFFER_BYTES],
            answers: Vec::new(),
            resuming: Vec::new(),
            spin_wait: SpinWait::default(),
            stops: false,
        })
    }

    pub(super) fn run(mut self) {
        const EVENTS: usize = 64;
        let mut events = Vec::with_capacity(EVENTS);
        while !self.stops && !self.shared.stop.load(Ordering::Acquire) {
            events.clear();
            if self.wait(&mut events).is_err() {
                // Nothing can be waited for any more.
                break;
            }
            for event in &events {
                self.react(*event);
            }
            self.handle_deadlines();
            while let Some(client) = self.resuming.pop() {
                self.handle_requests(client);
            }
        }
    }

    /// Waits until something has happened or is due.
    fn wait(&mut self, events: &mut Vec<Event>) -> io::Result<()> {
        const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        let Self { poller, spin_wait, .. } = self;
        let looked = spin_wait.poll(|| match happened(poller, events, Some(&AT_ONCE)) {
            Ok(()) => (!events.is_empty()).then_some(Ok(())),
            Err(error) => Some(Err(error)),
        });
        looked.unwrap_or_else(|| happened(&self.poller, events, self.timeout().as_ref()))
    }

    fn timeout(&self) -> Option<Timespec> {
        let wait_ns = self.shared.registry().next_deadline_ns();
        let handshake_ns = self.unauthenticated.front().map(|(deadline_ns, _)| *deadline_ns);
        let due_ns = [wait_ns, handshake_ns, self.accepts_again_ns].into_iter().flatten().min()?;
        let left_ns = due_ns.saturating_sub(monotonic_ns());
        Some(Timespec { tv_sec: (left_ns / 1_000_000_000) as i64, tv_nsec: (left_ns % 1_000_000_000) as i64 })
    }

    fn react(&mut self, event: Event) {
        match event.data.u64() {
            WAKER => {
                self.shared.waker.reset();
                while let Ok(CustomResult { client, object, result }) = self.custom_results.try_recv() {
                    self.shared.registry().custom_call_ended(client, object, result, &mut self.answers);
                    self.deliver();
                }
            }
            place if place < FIRST_CONNECTION => self.accept((place - FIRST_LISTENER) as usize),
            client => self.receive(client, event.flags),
        }
    }

    fn handle_deadlines(&mut self) {
        let now_ns = monotonic_ns();
        while let Some(&(deadline_ns, client)) = self.unauthenticated.front() {
            if !self.connections.get(&client).is_some_and(ServerConnection::is_unauthenticated) {
                self.unauthenticated.pop_front();
            } else if deadline_ns <= now_ns {
                self.close(client, false);
            } else {
                break;
            }
        }
        if self.accepts_again_ns.is_some_and(|due_ns| due_ns <= now_ns) {
            self.accepts_again_ns = None;
            self.watch_listeners(EventFlags::IN);
        }
        self.shared.registry().tick(now_ns, &mut self.answers);
        self.deliver();
    }

    fn watch_listeners(&self, flags: EventFlags) {
        for (place, listener) in self.listeners.iter().enumerate() {
            let data = EventData::new_u64(FIRST_LISTENER + place as u64);
            // A listener that cannot be watched any more lets nobody in: clients are told that nobody answers.
            let _ = epoll::modify(&self.poller, listener, data, flags);
        }
    }

    fn accept(&mut self, place: usize) {
        while let Some(listener) = self.listeners.get(place) {
            match listener.accept() {
                Ok(None) => return,
                Ok(Some(stream)) => self.let_in(stream),
                Err(_) => {
                    self.accepts_again_ns = Some(monotonic_ns() + ACCEPT_PAUSE_NS);
                    return self.watch_listeners(EventFlags::empty());
                }
            }
        }
    }

    fn let_in(&mut self, stream: OwnedFd) {
        if self.shared.connections.load(Ordering::Acquire) as usize >= self.options.max_connections {
            // Whoever does not hear it finds the connection closed.
            let _ = send(&stream, &Challenge::full(), SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
            return;
        }
        if self.unauthenticated.len() >= MAX_UNAUTHENTICATED
            && let Some((_, oldest)) = self.unauthenticated.front().copied()
        {
            self.close(oldest, false);
        }
        let client = self.next_client;
        self.next_client += 1;
        let Ok(mut connection) = ServerConnection::new(stream, self.options.max_frame_bytes, Watched::Input) else {
            return;
        };
        let data = EventData::new_u64(client);
        if !connection.flush() || epoll::add(&self.poller, &connection, data, Watched::Input.flags()).is_err() {
            return;
        }
        let deadline_ns = monotonic_ns().saturating_add(self.options.handshake_timeout.as_nanos() as u64);
        self.unauthenticated.push_back((deadline_ns, client));
        self.connections.insert(client, connection);
    }

    fn receive(&mut self, client: ClientId, flags: EventFlags) {
        let Some(connection) = self.connections.get_mut(&client) else { return };
        if flags.contains(EventFlags::OUT) {
            if !connection.flush() {
                return self.close(client, true);
            }
            self.handle_requests(client);
        }
        let Some(connection) = self.connections.get_mut(&client) else { return };
        let ended = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
        if connection.is_waiting || connection.has_unsent() {
            if ended {
                self.close(client, true);
            } else {
                self.watch(client);
            }
            return;
        }
        match connection.read(&mut self.buffer) {
            Received::Nothing => {}
            Received::End { unread } => self.close(client, unread),
            Received::Bytes(count) => match &mut connection.stage {
                Stage::Authenticated => {
                    connection.inbox.push(&self.buffer[..count]);
                    self.handle_requests(client);
                }
                Stage::Unauthenticated { claim, .. } => {
                    claim.extend_from_slice(&self.buffer[..count]);
                    self.judge(client);
                }
            },
        }
    }

    /// Looks at what a stranger has sent. Whoever sends more than a claim before it has its verdict is none of ours.
    fn judge(&mut self, client: ClientId) {
        let Some(connection) = self.connections.get_mut(&client) else { return };
        let Stage::Unauthenticated { challenge, claim } = &connection.stage else { return };
        if claim.len() < CLAIM_BYTES {
            return;
        }
        let Ok(claim) = <&[u8; CLAIM_BYTES]>::try_from(claim.as_slice()) else { return self.close(client, false) };
        let (accepted, verdict) = challenge.judge(&self.options.key, claim);
        connection.out().extend_from_slice(&verdict);
        if accepted {
            connection.stage = Stage::Authenticated;
            self.unauthenticated.retain(|(_, peer)| *peer != client);
            self.shared.connections.fetch_add(1, Ordering::AcqRel);
        } else {
            connection.ends = true;
        }
        self.send(client);
    }

    /// Does what a client has asked for, as long as it is answered at once.
    fn handle_requests(&mut self, client: ClientId) {
        while let Some(connection) = self.connections.get_mut(&client) {
            if connection.is_waiting || connection.has_unsent() || connection.ends {
                return self.watch(client);
            }
            let asked = connection.inbox.next_body().and_then(|body| body.map(read_message::<Request<'_>>).transpose());
            match asked {
                Ok(None) => {
                    connection.inbox.shrink();
                    return self.watch(client);
                }
                Ok(Some(request)) => {
                    self.stops |= request == Request::Stop;
                    let mut registry = self.shared.registry();
                    registry.handle(monotonic_ns(), client, request, &mut self.answers);
                    drop(registry);
                    connection.is_waiting = true;
                    // It has read what it was given before.
                    connection.taken = None;
                    self.deliver();
                }
                Err(error) => return self.refuse(client, error),
            }
        }
    }

    /// Says what is wrong with what a client sent, and ends the connection: what follows cannot be made sense of.
    fn refuse(&mut self, client: ClientId, error: WireError) {
        let limit = self.options.max_frame_bytes;
        let message = match error {
            WireError::TooLarge(bytes) => {
                format!("a call of {bytes} bytes is over the limit of {limit}; send it in parts")
            }
            WireError::Garbage => "the call cannot be read; the client is of another version, or broken".to_owned(),
        };
        let failure = Failure::new(FailureKind::Limit, message);
        if let Some(connection) = self.connections.get_mut(&client) {
            // It fits: it is a sentence.
            let _ = write_frame(connection.out(), &Reply::Refused(failure), usize::MAX);
            connection.ends = true;
            self.send(client);
        }
    }

    /// Sends all answers. What does not reach its client goes back, which may answer others in turn.
    fn deliver(&mut self) {
        while !self.answers.is_empty() {
            for answered in std::mem::take(&mut self.answers) {
                self.answer(answered);
            }
        }
    }

    fn answer(&mut self, answered: Answered) {
        let Answered { client, result, taken_from } = answered;
        let Some(connection) = self.connections.get_mut(&client) else {
            if let (Ok(value), Some(object)) = (result, taken_from) {
                self.shared.registry().give_back(object, value, &mut self.answers);
            }
            return;
        };
        let limit = self.options.max_frame_bytes.saturating_add(REPLY_SLACK_BYTES);
        let reply = result.map_or_else(Reply::Failed, Reply::Done);
        if let Err(error) = write_frame(connection.out(), &reply, limit) {
            let bytes = if let WireError::TooLarge(bytes) = error { bytes } else { 0 };
            let message = format!("the answer has {bytes} bytes, over the limit of {limit}; ask for it in parts");
            let _ =
                write_frame(connection.out(), &Reply::Failed(Failure::new(FailureKind::Limit, message)), usize::MAX);
        }
        connection.is_waiting = false;
        if !connection.inbox.is_empty() {
            self.resuming.push(client);
        }
        if let (Reply::Done(value), Some(object)) = (reply, taken_from) {
            connection.taken = Some((object, value));
        }
        self.send(client);
    }

    fn send(&mut self, client: ClientId) {
        let Some(connection) = self.connections.get_mut(&client) else { return };
        if !connection.flush() {
            return self.close(client, true);
        }
        if connection.ends && !connection.has_unsent() {
            return self.close(client, false);
        }
        self.watch(client);
    }

    /// Watches a connection for what it can do next.
    fn watch(&mut self, client: ClientId) {
        let Some(connection) = self.connections.get_mut(&client) else { return };
        let wanted = match (connection.has_unsent(), connection.is_waiting) {
            (true, _) => Watched::Output,
            (false, true) => Watched::End,
            (false, false) => Watched::Input,
        };
        if connection.watched != wanted {
            connection.watched = wanted;
            let _ = epoll::modify(&self.poller, &*connection, EventData::new_u64(client), wanted.flags());
        }
    }

    /// Ends a connection; `unread`: without having read what it was sent last.
    fn close(&mut self, client: ClientId, unread: bool) {
        let Some(connection) = self.connections.remove(&client) else { return };
        if connection.is_unauthenticated() {
            self.unauthenticated.retain(|(_, peer)| *peer != client);
            return;
        }
        self.shared.connections.fetch_sub(1, Ordering::AcqRel);
        let has_unsent = connection.has_unsent();
        let taken = connection.taken.filter(|_| unread || has_unsent);
        let mut registry = self.shared.registry();
        registry.client_gone(client, &mut self.answers);
        if let Some((object, value)) = taken {
            registry.give_back(object, value, &mut self.answers);
        }
    }
}
