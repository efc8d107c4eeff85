//! Registrations that the registrar refuses (RFC 3261 §10.3), and those that do not hold (§10.2.4).

pub(super) mod contact_absent;
pub(super) mod flapping;
pub(super) mod lapsed;
pub(super) mod register_423;
pub(super) mod registrar_6xx;
pub(super) mod rejected;
pub(super) mod short_expiry;
pub(super) mod too_frequent;
pub(super) mod unregistered;

use super::{CallView, Finding, Rule};
use crate::dialog::{Entry, Proof};
use crate::hash::HashSet;
use crate::limits::MAX_FRAMES_SHOWN;
use crate::sip::value::{NameAddr, address_of_record, list, user_and_host};
use crate::sip::{HeaderName, Message};
use crate::transaction::Transaction;
use std::sync::Arc;

/// A finding about a binding, with the REGISTER that shows it.
fn of_binding(rule: &'static Rule, entry: &Entry<'_>, proof: &Proof) -> Finding {
    let mut finding = Finding::of_capture(rule, proof.time)
        .fact("aor", entry.aor)
        .fact("contact", &*entry.binding.contact)
        .fact("dst", entry.registrar.to_string());
    finding.call_id = Some(proof.call_id.clone());
    finding.transactions = vec![proof.id];
    finding.frames.clone_from(&proof.frames);
    finding
}

/// Adds the packets of other REGISTERs.
fn with_proofs<'a>(mut finding: Finding, proofs: impl IntoIterator<Item = &'a Proof>) -> Finding {
    for proof in proofs {
        if !finding.transactions.contains(&proof.id) {
            finding.transactions.push(proof.id);
            finding.frames.extend(&proof.frames);
        }
    }
    finding.frames.sort_unstable();
    finding.frames.dedup();
    finding.frames.truncate(MAX_FRAMES_SHOWN);
    finding
}

/// A REGISTER that passes a proxy is seen on two hops, and what is found on the second is an echo.
#[derive(Default)]
struct Told<'a>(HashSet<(&'a str, Arc<[u8]>)>);

impl<'a> Told<'a> {
    fn is_new(&mut self, entry: &Entry<'a>, proof: &Proof) -> bool {
        self.0.insert((entry.aor, proof.call_id.clone()))
    }
}

/// A finding about a REGISTER with what tells whose it is.
fn of_register(view: &CallView<'_>, rule: &'static Rule, register: &Transaction) -> Finding {
    let (_, domain) = user_and_host(&register.request_uri);
    let contact = register
        .request()
        .and_then(|it| it.uri(HeaderName::Contact))
        .map(|it| String::from_utf8_lossy(&it).into_owned());
    Finding::of(rule, register)
        .fact("aor", address_of_record(&register.to.uri))
        .fact("domain", String::from_utf8_lossy(domain).into_owned())
        .fact_if("user", register.credentials.first().map(|it| &*it.username))
        .fact_if("asked_contact", contact)
        .fact("dst", view.call.answered_by(register).to_string())
}

/// Whether a REGISTER asks to remove all bindings: `Contact: *` (RFC 3261 §10.2.2).
fn has_star(request: &Message) -> bool {
    request
        .headers(HeaderName::Contact)
        .any(|value| list(&value).any(|item| NameAddr::of(item).uri == b"*"))
}

/// What is wrong with `Contact: *`: RFC 3261 §10.3 step 6 allows it alone and with Expires: 0 only.
fn star_is_wrong(register: &Transaction) -> bool {
    register.request().is_some_and(|request| {
        let contacts: usize = request
            .headers(HeaderName::Contact)
            .map(|value| list(&value).count())
            .sum();
        let removes = request.number(HeaderName::Expires) == Some(0);
        has_star(request) && (contacts > 1 || !removes)
    })
}
