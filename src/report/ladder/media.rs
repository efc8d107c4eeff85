//! What a session description says, in a few words: `audio 192.0.2.1:4000 PCMA PCMU sendonly`.

use crate::sip::Message;
use crate::sip::sdp::{Direction, Media, Sdp};

/// Media named of one description.
const MEDIA_NAMED: usize = 3;
/// Codecs named of one medium.
const CODECS_NAMED: usize = 4;

/// The words for the description that a message carries; `None` when it has none. Not sanitised.
pub(super) fn of(message: &Message) -> Option<Box<str>> {
    let sdp = Sdp::of(message)?;
    let mut parts: Vec<_> = sdp
        .media
        .iter()
        .take(MEDIA_NAMED)
        .map(|medium| words(&sdp, medium))
        .collect();
    if sdp.media.len() > MEDIA_NAMED {
        parts.push("…".to_owned());
    }
    Some(parts.join(", ").into())
}

/// Whether what a request inside a dialog offers puts the other side on hold: nothing is to be sent to the offerer (RFC 3264
/// §8.4, and the address 0.0.0.0 of RFC 2543).
pub(super) fn is_hold(message: &Message) -> bool {
    let Some(sdp) = Sdp::of(message) else {
        return false;
    };
    let mut media = sdp
        .media
        .iter()
        .filter(|medium| medium.port != 0)
        .peekable();
    media.peek().is_some()
        && media.all(|medium| {
            let nowhere = |address: &str| matches!(address, "0.0.0.0" | "::");
            let connection = sdp.connection_of(medium);
            matches!(
                sdp.direction_of(medium),
                Direction::SendOnly | Direction::Inactive
            ) || connection.is_some_and(|it| nowhere(it.address))
        })
}

fn words(sdp: &Sdp<'_>, medium: &Media<'_>) -> String {
    let mut words = vec![medium.kind.to_owned()];
    if medium.port == 0 {
        words.push("0".to_owned());
        return words.join(" ");
    }
    words.push(match sdp.connection_of(medium) {
        Some(connection) if connection.address.contains(':') => {
            format!("[{}]:{}", connection.address, medium.port)
        }
        Some(connection) => format!("{}:{}", connection.address, medium.port),
        None => medium.port.to_string(),
    });
    let mut codecs: Vec<&str> = Vec::new();
    for codec in medium.codecs() {
        if !codec.name.is_empty() && !codecs.contains(&codec.name) {
            codecs.push(codec.name);
        }
    }
    words.extend(codecs.iter().take(CODECS_NAMED).map(|it| (*it).to_owned()));
    if codecs.len() > CODECS_NAMED {
        words.push("…".to_owned());
    }
    if medium.is_secure() {
        words.push("SRTP".to_owned());
    }
    let direction = sdp.direction_of(medium);
    if direction != Direction::SendRecv {
        words.push(direction.name().to_owned());
    }
    words.join(" ")
}
