//! Replaces what names people, hosts and calls by something else of the same length. Comes in: messages, addresses and texts
//! as captured. Goes out: the same with other names. This room does not know what is made of them.
//!
//! It stands at the way in: the engine judges what was replaced already, so that no rule, no word and no format can show what
//! was captured. For that to give the same findings, all that a rule compares is kept: what was equal is equal, private
//! addresses are private, hosts of one network stay in one, numbers keep their last eight digits in common whatever stands before
//! them, and every length is what it was. Whoever knows the run ([`Redactor`]) finds the way back: a selection asks for what was
//! captured, and a password is tested on it.
//!
//! `docs/redaction.md` says what is replaced by what.

mod addresses;
mod body;
mod headers;
mod media;
mod message;
mod names;
mod passport;
mod pieces;
mod sdp;
mod secret;
mod text;
mod values;
mod who;

pub use media::media;

use crate::flow::Flow;
use addresses::Addresses;
use names::Names;
use secret::{Cipher, Recent, Way};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use who::EMERGENCY;

/// What stands for what in this run. Its copies are one and the same.
#[derive(Clone, Debug, Default)]
pub struct Redactor(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    addresses: Addresses,
    users: Names,
    hosts: Names,
    /// Telephone numbers and extensions of up to seven digits, and the first five of the last eight of longer ones.
    numbers: Names,
    /// The last three digits, by the five before them.
    lines: BTreeMap<Box<[u8]>, Names>,
    cipher: Option<Cipher>,
    recent: Recent,
}

impl Default for State {
    fn default() -> Self {
        Self {
            addresses: Addresses::default(),
            users: Names::of_letter(b'u'),
            hosts: Names::of_letter(b'h'),
            numbers: Names::of_digits().keeping(EMERGENCY),
            lines: BTreeMap::new(),
            cipher: None,
            recent: Recent::default(),
        }
    }
}

impl Redactor {
    /// What stands for an address.
    pub fn address(&self, address: IpAddr) -> IpAddr {
        self.with(|state| state.addresses.hide(address, state.cipher.as_ref()))
    }

    /// The same with its port, which stays.
    pub fn socket(&self, socket: SocketAddr) -> SocketAddr {
        SocketAddr::new(self.address(socket.ip()), socket.port())
    }

    /// The same of both ends.
    pub fn flow(&self, flow: Flow) -> Flow {
        Flow {
            src: self.socket(flow.src),
            dst: self.socket(flow.dst),
            transport: flow.transport,
        }
    }

    /// The address for which one stands.
    pub fn captured_socket(&self, socket: SocketAddr) -> SocketAddr {
        self.with(|state| SocketAddr::new(state.addresses.show(socket.ip()), socket.port()))
    }

    /// What stands for a SIP message, or as much of one as there is: as many bytes.
    pub fn message(&self, message: &[u8]) -> Vec<u8> {
        self.with(|state| {
            let mut bytes = message.to_vec();
            let known = state.known();
            state.walk(message, Way::Hide).message(&mut bytes);
            // A word in an unknown place is a name where the message says so further down. Its copies must say the same.
            if state.known() > known {
                bytes = message.to_vec();
                state.walk(message, Way::Hide).message(&mut bytes);
            }
            bytes
        })
    }

    /// What stands for the beginning of a payload that an ICMP error quotes. Of what is no message the head of RTP or STUN stays, which
    /// says what it was.
    pub fn quote(&self, payload: &[u8], is_message: bool) -> Vec<u8> {
        if is_message {
            return self.message(payload);
        }
        let head = match payload {
            // RFC 8489 §5: two zero bits, and the cookie.
            [0..=0x3f, _, _, _, 0x21, 0x12, 0xa4, 0x42, ..] => 20,
            // RFC 3550 §5.1.
            [0x80..=0xbf, ..] => 12,
            _ => 0,
        };
        let kept = |(place, byte): (usize, &u8)| if place < head { *byte } else { b'x' };
        payload.iter().enumerate().map(kept).collect()
    }

    /// The message for which one stands, but for bodies and texts, which do not come back.
    pub fn captured_message(&self, message: &[u8]) -> Vec<u8> {
        self.with(|state| {
            let mut bytes = message.to_vec();
            state.walk(message, Way::Show).message(&mut bytes);
            bytes
        })
    }

    /// The URI for which one stands.
    pub fn captured_uri(&self, uri: &[u8]) -> Vec<u8> {
        self.with(|state| {
            let mut bytes = uri.to_vec();
            state.walk(uri, Way::Show).uri(&mut bytes);
            bytes
        })
    }

    /// The user for whom one stands.
    pub fn captured_user(&self, user: &[u8]) -> Vec<u8> {
        self.with(|state| {
            let mut bytes = user.to_vec();
            state.walk(user, Way::Show).user(&mut bytes);
            bytes
        })
    }

    /// The host name for which one stands, or the realm.
    pub fn captured_host(&self, host: &[u8]) -> Vec<u8> {
        self.with(|state| {
            let mut bytes = host.to_vec();
            state.walk(host, Way::Show).host(&mut bytes);
            bytes
        })
    }

    /// What stands for a Call-ID.
    pub fn call_id(&self, call_id: &[u8]) -> Vec<u8> {
        self.with(|state| {
            let mut bytes = call_id.to_vec();
            state.walk(call_id, Way::Hide).call_id(&mut bytes);
            bytes
        })
    }

    /// What stands for a word of which nothing is known.
    pub fn word(&self, word: &[u8]) -> Vec<u8> {
        self.with(|state| {
            let mut bytes = word.to_vec();
            state.walk(word, Way::Hide).words(&mut bytes);
            bytes
        })
    }

    /// What stands for a host name, or for the names in a list of them.
    pub fn host(&self, host: &str) -> String {
        self.with(|state| {
            let mut bytes = host.as_bytes().to_vec();
            state.walk(host.as_bytes(), Way::Hide).hosts(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })
    }

    /// A text for people with what stands for the addresses, numbers and names in it.
    pub fn text(&self, text: &str) -> String {
        self.with(|state| {
            let mut bytes = text.as_bytes().to_vec();
            state.walk(text.as_bytes(), Way::Hide).text(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })
    }

    /// How many names and addresses were more than are remembered.
    pub fn not_kept(&self) -> u64 {
        self.with(|state| {
            [&state.users, &state.hosts, &state.numbers]
                .into_iter()
                .chain(state.lines.values())
                .map(Names::not_kept)
                .sum::<u64>()
                + state.addresses.not_kept()
        })
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        // Nothing is left half done: a table that a panic left is as good as before.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// How many names and numbers were met.
    fn known(&self) -> usize {
        self.users.count() + self.hosts.count() + self.numbers.count()
    }

    /// Goes through some text; the first that comes makes the key.
    fn walk(&mut self, seed: &[u8], way: Way) -> Walk<'_> {
        let cipher = self.cipher.get_or_insert_with(|| Cipher::new(seed)).clone();
        Walk {
            state: self,
            cipher,
            way,
        }
    }
}

/// A way through a text that replaces each name in its place.
struct Walk<'a> {
    state: &'a mut State,
    cipher: Cipher,
    way: Way,
}
