//! The messages with which both sides prove that they have the key. They have fixed lengths; reading and writing them, and
//! the time for that, is the business of server and client.
//!
//! ```text
//! server → client   greeting  MAGIC, the server's nonce
//! client → server   claim     MAGIC, the client's nonce, HMAC-SHA256(key, "client", both nonces)
//! server → client   verdict   1, HMAC-SHA256(key, "server", both nonces)   or 0 and no proof
//! ```
//!
//! Nonces are fresh for each connection, so a recorded message is of no use again; the two labels differ, so neither
//! side's proof can be sent back to it. The server proves itself only to a client that has proven the key: a peer that
//! merely connects learns nothing to guess keys with. Proofs are compared in constant time.

use std::io;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::key::{Key, random_bytes};

/// Names the protocol and its version.
const MAGIC: [u8; 8] = *b"fanlane1";
/// In place of [`MAGIC`]: the server has its maximum number of connections.
const FULL: [u8; 8] = *b"fan-full";

const CLIENT_LABEL: &[u8] = b"fanlane manager 1: I am the client";
const SERVER_LABEL: &[u8] = b"fanlane manager 1: I am the server";

const ACCEPTED: u8 = 1;

/// Length of a nonce and of a proof, in bytes.
const PART_BYTES: usize = 32;
/// Length of a greeting, in bytes.
pub const GREETING_BYTES: usize = MAGIC.len() + PART_BYTES;
/// Length of a claim, in bytes.
pub const CLAIM_BYTES: usize = MAGIC.len() + 2 * PART_BYTES;
/// Length of a verdict, in bytes.
pub const VERDICT_BYTES: usize = 1 + PART_BYTES;

type Nonce = [u8; PART_BYTES];

fn proof(key: &Key, label: &[u8], server_nonce: &[u8], client_nonce: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.reveal().as_bytes()).expect("HMAC takes keys of any length");
    mac.update(label);
    mac.update(server_nonce);
    mac.update(client_nonce);
    mac
}

/// The server's side of one connection.
#[derive(Debug)]
pub struct Challenge {
    nonce: Nonce,
}

impl Challenge {
    /// A challenge with a fresh nonce.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn new() -> io::Result<Self> {
        Ok(Self { nonce: random_bytes()? })
    }

    /// The message to a peer that has just connected.
    pub fn greeting(&self) -> [u8; GREETING_BYTES] {
        let mut greeting = [0; GREETING_BYTES];
        greeting[..MAGIC.len()].copy_from_slice(&MAGIC);
        greeting[MAGIC.len()..].copy_from_slice(&self.nonce);
        greeting
    }

    /// The message in its place when the server has its maximum number of connections.
    pub fn full() -> [u8; GREETING_BYTES] {
        let mut greeting = [0; GREETING_BYTES];
        greeting[..FULL.len()].copy_from_slice(&FULL);
        greeting
    }

    /// Checks a claim: whether the peer has the key, and the answer to it.
    pub fn judge(&self, key: &Key, claim: &[u8; CLAIM_BYTES]) -> (bool, [u8; VERDICT_BYTES]) {
        let (magic, rest) = claim.split_at(MAGIC.len());
        let (client_nonce, tag) = rest.split_at(PART_BYTES);
        let proven = proof(key, CLIENT_LABEL, &self.nonce, client_nonce).verify_slice(tag).is_ok();
        let mut verdict = [0; VERDICT_BYTES];
        if magic != MAGIC || !proven {
            return (false, verdict);
        }
        verdict[0] = ACCEPTED;
        let own = proof(key, SERVER_LABEL, &self.nonce, client_nonce).finalize().into_bytes();
        verdict[1..].copy_from_slice(&own);
        (true, verdict)
    }
}

/// Why a handshake failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The other side speaks another protocol.
    OtherProtocol,
    /// The server has its maximum number of connections.
    Full,
    /// The two sides have different keys.
    WrongKey,
}

/// The client's side of one connection.
#[derive(Debug)]
pub struct Claim {
    server_nonce: Nonce,
    client_nonce: Nonce,
}

impl Claim {
    /// Answers a greeting.
    ///
    /// # Errors
    /// [`Refusal::OtherProtocol`] and [`Refusal::Full`].
    pub fn answer(greeting: &[u8; GREETING_BYTES], client_nonce: Nonce) -> Result<Self, Refusal> {
        let (magic, nonce) = greeting.split_at(MAGIC.len());
        if magic == FULL {
            return Err(Refusal::Full);
        }
        if magic != MAGIC {
            return Err(Refusal::OtherProtocol);
        }
        let mut server_nonce = Nonce::default();
        server_nonce.copy_from_slice(nonce);
        Ok(Self { server_nonce, client_nonce })
    }

    /// The message to the server.
    pub fn bytes(&self, key: &Key) -> [u8; CLAIM_BYTES] {
        let tag = proof(key, CLIENT_LABEL, &self.server_nonce, &self.client_nonce).finalize().into_bytes();
        let mut claim = [0; CLAIM_BYTES];
        claim[..MAGIC.len()].copy_from_slice(&MAGIC);
        claim[MAGIC.len()..][..PART_BYTES].copy_from_slice(&self.client_nonce);
        claim[MAGIC.len() + PART_BYTES..].copy_from_slice(&tag);
        claim
    }

    /// Checks that the server has the key too.
    ///
    /// # Errors
    /// [`Refusal::WrongKey`].
    pub fn check(&self, key: &Key, verdict: &[u8; VERDICT_BYTES]) -> Result<(), Refusal> {
        let (accepted, tag) = verdict.split_at(1);
        let proven = proof(key, SERVER_LABEL, &self.server_nonce, &self.client_nonce).verify_slice(tag).is_ok();
        if accepted == [ACCEPTED] && proven { Ok(()) } else { Err(Refusal::WrongKey) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::from_text(text).expect("long enough")
    }

    #[test]
    fn both_sides_are_convinced_by_the_same_key_alone() {
        let (mine, other) = (key("0123456789abcdef"), key("0123456789abcdeg"));
        let challenge = Challenge::new().unwrap();
        let claim = Claim::answer(&challenge.greeting(), random_bytes().unwrap()).unwrap();
        let (accepted, verdict) = challenge.judge(&mine, &claim.bytes(&mine));
        assert!(accepted);
        assert_eq!(claim.check(&mine, &verdict), Ok(()));
        assert_eq!(claim.check(&other, &verdict), Err(Refusal::WrongKey));
        let (accepted, verdict) = challenge.judge(&other, &claim.bytes(&mine));
        assert!(!accepted);
        assert_eq!(verdict, [0; VERDICT_BYTES], "a peer without the key learns nothing");
        assert_eq!(claim.check(&mine, &verdict), Err(Refusal::WrongKey));
    }

    #[test]
    fn what_was_recorded_or_sent_back_is_refused() {
        let key = key("0123456789abcdef");
        let challenge = Challenge::new().unwrap();
        let claim = Claim::answer(&challenge.greeting(), [7; 32]).unwrap();
        let recorded = claim.bytes(&key);
        let (_, verdict) = challenge.judge(&key, &recorded);
        assert!(!Challenge::new().unwrap().judge(&key, &recorded).0, "another connection has another nonce");
        // The server's own proof, sent back as a claim.
        let mut reflected = recorded;
        reflected[40..].copy_from_slice(&verdict[1..]);
        assert!(!challenge.judge(&key, &reflected).0);
        // A server that sends a client its own proof back.
        let mut echo = [1; VERDICT_BYTES];
        echo[1..].copy_from_slice(&recorded[40..]);
        assert_eq!(claim.check(&key, &echo), Err(Refusal::WrongKey));
    }

    #[test]
    fn every_bit_counts() {
        let key = key("0123456789abcdef");
        let challenge = Challenge::new().unwrap();
        let claim = Claim::answer(&challenge.greeting(), [0; 32]).unwrap();
        let (whole, verdict) = (claim.bytes(&key), challenge.judge(&key, &claim.bytes(&key)).1);
        for bit in 0..CLAIM_BYTES * 8 {
            let mut bent = whole;
            bent[bit / 8] ^= 1 << (bit % 8);
            assert!(!challenge.judge(&key, &bent).0, "bit {bit} of the claim");
        }
        for bit in 0..VERDICT_BYTES * 8 {
            let mut bent = verdict;
            bent[bit / 8] ^= 1 << (bit % 8);
            assert!(claim.check(&key, &bent).is_err(), "bit {bit} of the verdict");
        }
    }

    #[test]
    fn a_full_server_and_another_protocol_are_told_apart() {
        assert_eq!(Claim::answer(&Challenge::full(), [0; 32]).unwrap_err(), Refusal::Full);
        assert_eq!(
            Claim::answer(b"SSH-2.0-OpenSSH_9.6 and then some words.", [0; 32]).unwrap_err(),
            Refusal::OtherProtocol
        );
    }
}
