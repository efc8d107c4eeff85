//! What refusals, BYEs and CANCELs say of themselves: codes of Warning and Reason, and the time to wait that they ask for.

pub(super) mod busy;
pub(super) mod cause;
pub(super) mod evidence;
mod explain;
pub(super) mod reason_q850;
pub(super) mod reason_sip;
pub(super) mod retry_after_ignored;
pub(super) mod warning_3xx;

pub(super) use explain::{DECLINED, deepest, explain};

use crate::dialog::Call;
use crate::limits::{MAX_NOTES, MAX_TEXT};
use crate::rules::Finding;
use crate::sip::value::{self, NameAddr};
use crate::sip::{HeaderName, Message, Method};
use crate::transaction::{Response, Transaction};

/// A Reason value (RFC 3326): protocol, cause and text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reason {
    protocol: String,
    cause: u64,
    text: String,
}

impl Reason {
    fn of(value: &[u8]) -> Option<Self> {
        // Its grammar is that of a Contact without brackets.
        let value = NameAddr::of(value);
        let text = |bytes: &[u8]| -> String {
            let text = String::from_utf8_lossy(bytes);
            text.trim_matches('"').chars().take(MAX_TEXT).collect()
        };
        Some(Self {
            protocol: text(value.uri).to_lowercase(),
            cause: std::str::from_utf8(value.param(b"cause")?)
                .ok()?
                .parse()
                .ok()?,
            text: value.param(b"text").map(text).unwrap_or_default(),
        })
    }
}

/// A message that says why it was sent.
struct Said<'a> {
    transaction: &'a Transaction,
    /// The response, or else the request says it.
    response: Option<&'a Response>,
    message: &'a Message,
}

impl Said<'_> {
    /// What carries it: a method or a status code.
    fn place(&self) -> String {
        match self.response {
            Some(response) => response.code.to_string(),
            None => self.transaction.method.name().to_owned(),
        }
    }

    fn src(&self) -> String {
        match self.response {
            Some(response) => response.flow.src.to_string(),
            None => self.transaction.flow.src.to_string(),
        }
    }
}

/// The BYEs, the CANCELs and the final responses of a call, as far as they are kept. What a proxy passes on comes again.
fn said(call: &Call) -> impl Iterator<Item = Said<'_>> {
    call.transactions.iter().flat_map(|transaction| {
        let ends = matches!(transaction.method, Method::Bye | Method::Cancel);
        let of_request = transaction.request().filter(|_| ends).map(|message| Said {
            transaction,
            response: None,
            message,
        });
        let of_responses = transaction
            .responses
            .iter()
            .filter(|response| response.is_final())
            .filter_map(move |response| {
                Some(Said {
                    transaction,
                    response: Some(response),
                    message: response.message()?,
                })
            });
        of_request.into_iter().chain(of_responses)
    })
}

/// Tells one finding for each cause, as bad as the worst message that gives it.
fn tell(found: &mut Vec<Finding>, finding: Finding, said_by: &Transaction) {
    let same = |it: &&mut Finding| {
        it.get("cause") == finding.get("cause")
            && (it.variant == Some("own")) == (finding.variant == Some("own"))
    };
    match found.iter_mut().find(same) {
        None => found.push(finding),
        Some(known) if known.severity >= finding.severity => {
            *known = known.clone().also(said_by);
        }
        Some(known) => *known = finding.with_proof_of(known),
    }
}

/// The Reason values of a message for one protocol. There may be several, one for each (RFC 3326 §2).
fn reasons(message: &Message, protocol: &str) -> Vec<Reason> {
    message
        .headers(HeaderName::Reason)
        .flat_map(|value| {
            value::list(&value)
                .filter_map(Reason::of)
                .collect::<Vec<_>>()
        })
        .filter(|reason| reason.protocol == protocol)
        .take(MAX_NOTES)
        .collect()
}
