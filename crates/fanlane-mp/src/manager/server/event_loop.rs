//! The server's thread: waits for sockets, deadlines and results of custom types, hands them to the registry, and delivers
//! its answers.

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
use super::poll::{Watched, wait_for_events};
use super::{ServerOptions, ServerShared};
use crate::authentication::ListeningSocket;
use crate::authentication::handshake::{CLAIM_BYTES, Challenge};
use crate::manager::custom_types::CustomResult;
use crate::manager::failure::{Failure, FailureKind};
use crate::manager::registry::{Answered, ClientId};
use crate::manager::wire::{REPLY_SLACK_BYTES, Reply, Request, WireError, read_message, write_frame};
use fanlane_os::clock::monotonic_ns;
use fanlane_os::spin_wait::SpinWait;

/// Maximum number of unauthenticated peers. One more, and the oldest is sent away, so that peers without the key cannot
/// keep clients out.
const MAX_UNAUTHENTICATED: usize = 64;
/// Pause of accepting connections when the system has no descriptors left, in nanoseconds.
const ACCEPT_PAUSE_NS: u64 = 100_000_000;

const WAKER: u64 = 0;
const FIRST_LISTENER: u64 = 1;
const FIRST_CONNECTION: u64 = 1 << 16;

/// The state of the server's thread.
pub(super) struct EventLoop {
    shared: Arc<ServerShared>,
    options: ServerOptions,
    poller: OwnedFd,
    listeners: Vec<ListeningSocket>,
    connections: HashMap<ClientId, ServerConnection>,
    /// The unauthenticated peers with their deadlines, the oldest first.
    unauthenticated: VecDeque<(u64, ClientId)>,
    custom_results: Receiver<CustomResult>,
    next_client: ClientId,
    accepts_again_ns: Option<u64>,
    buffer: Vec<u8>,
    answers: Vec<Answered>,
    /// The clients that were answered and have sent more already.
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
                // The poller is broken.
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

    /// Waits for events or the next deadline.
    fn wait(&mut self, events: &mut Vec<Event>) -> io::Result<()> {
        const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
        let Self { poller, spin_wait, .. } = self;
        let polled = spin_wait.poll(|| match wait_for_events(poller, events, Some(&AT_ONCE)) {
            Ok(()) => (!events.is_empty()).then_some(Ok(())),
            Err(error) => Some(Err(error)),
        });
        polled.unwrap_or_else(|| wait_for_events(&self.poller, events, self.timeout().as_ref()))
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
            // A socket that cannot be watched accepts no clients: they are told that the manager does not answer.
            let _ = epoll::modify(&self.poller, listener, data, flags);
        }
    }

    fn accept(&mut self, place: usize) {
        while let Some(listener) = self.listeners.get(place) {
            match listener.accept() {
                Ok(None) => return,
                Ok(Some(stream)) => self.add_connection(stream),
                Err(_) => {
                    self.accepts_again_ns = Some(monotonic_ns() + ACCEPT_PAUSE_NS);
                    return self.watch_listeners(EventFlags::empty());
                }
            }
        }
    }

    fn add_connection(&mut self, stream: OwnedFd) {
        if self.shared.connections.load(Ordering::Acquire) as usize >= self.options.max_connections {
            // A client that misses this message finds the connection closed.
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

    /// Checks the claim of an unauthenticated peer. A peer that sends more before it has the verdict is no client.
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

    /// Handles the requests of a client that have arrived, until one has no answer yet.
    fn handle_requests(&mut self, client: ClientId) {
        while let Some(connection) = self.connections.get_mut(&client) {
            if connection.is_waiting || connection.has_unsent() || connection.ends {
                return self.watch(client);
            }
            let received =
                connection.inbox.next_body().and_then(|body| body.map(read_message::<Request<'_>>).transpose());
            match received {
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
                    // The client has read its last answer.
                    connection.taken = None;
                    self.deliver();
                }
                Err(error) => return self.refuse(client, error),
            }
        }
    }

    /// Tells a client what is wrong with its bytes and ends the connection: the bytes that follow make no sense.
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
            // A message this short always fits.
            let _ = write_frame(connection.out(), &Reply::Refused(failure), usize::MAX);
            connection.ends = true;
            self.send(client);
        }
    }

    /// Sends all answers. A value that does not reach its client goes back, which may answer other clients.
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

    /// Has the poller watch a connection for its next event.
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
