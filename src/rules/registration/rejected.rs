//! `registration-rejected`: a REGISTER was refused for good (RFC 3261 §10.3).

use super::{of_register, star_is_wrong};
use crate::rules::auth::rejected_403;
use crate::rules::{CallView, Finding, Guard, Has, Judge, Rule, Silence};
use crate::severity::{Confidence, Severity};
use crate::sip::value::{NameAddr, list};
use crate::sip::{HeaderName, Method};
use crate::transaction::{Response, Transaction};

pub(in crate::rules) static RULE: Rule = Rule {
    name: "registration-rejected",
    code: "REG001",
    severity: Severity::Error,
    guards: &[
        Guard::End,
        Guard::Loss,
        Guard::Snap,
        Guard::Start,
        Guard::Outcome,
    ],
    judge: Judge::CallWith(Has::REGISTER.and(Has::REFUSAL), judge),
    words: include_str!("rejected.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let mut told: Vec<(u64, u64)> = Vec::new();
    for register in view.call.of(&Method::Register) {
        let Some(response) = register.final_response() else {
            continue;
        };
        // Challenges, 423 and a 403 to credentials have findings of their own.
        let told_elsewhere = matches!(response.code, 401 | 407 | 423)
            || rejected_403::tells(view.call, register, response);
        if told_elsewhere || response.code < 300 {
            continue;
        }
        // A proxy passes the refusal on: the same REGISTER on the next hop.
        let step = (register.cseq, response.code);
        if let Some(at) = told.iter().position(|it| *it == step) {
            if let Some(finding) = found.get_mut(at) {
                *finding = finding.clone().also(register);
            }
            continue;
        }
        let came_right = view.came_right(register)
            || view.surroundings.succeeded_after(register, response.time());
        let redirected = response.code < 400;
        // What a client that follows meets there is told of that (RFC 3261 §8.1.3.4).
        if redirected && (came_right || goes_elsewhere(view, register)) {
            continue;
        }
        told.push(step);
        // The capture may lack the answer to the next try, for which some take a new From tag.
        let open = view.call.of(&Method::Register).any(|next| {
            next.id > register.id
                && next.flow == register.flow
                && next.cseq > register.cseq
                && next.final_response().is_none()
        });
        let bound = bound_already(register, response).filter(|_| !redirected);
        let finding = of_register(view, &RULE, register)
            .variant(if bound.is_some() {
                Some("contact-limit")
            } else {
                variant(register, response.code)
            })
            .fact_if("contacts", bound)
            .fact("code", response.code)
            .fact("reason", &*response.reason)
            .fact_if("server", response.evidence("Server"))
            .fact_if("warning", response.evidence("Warning"))
            .fact_if("retry_after", response.evidence("Retry-After"))
            .confidence(if open || redirected {
                Confidence::Likely
            } else {
                Confidence::Certain
            })
            .note_if(came_right);
        let so_far =
            redirected && view.watched_since(response.time()) < view.thresholds.redirect_within;
        found.push(if so_far {
            finding.silence(Silence::SoFar, view.lossy)
        } else if redirected && view.lossy {
            finding.confidence(Confidence::Possible)
        } else if redirected {
            finding
        } else {
            finding.seen()
        });
    }
}

/// Whether the client asked another server behind a redirection.
fn goes_elsewhere(view: &CallView<'_>, register: &Transaction) -> bool {
    let mut others = view.call.of(&Method::Register);
    others.any(|next| {
        next.id > register.id
            && next.flow.src.ip() == register.flow.src.ip()
            && next.flow.dst != register.flow.dst
    })
}

/// How many contacts a refusal lists as bound, none of them the one asked for: as many as the registrar allows.
fn bound_already(register: &Transaction, response: &Response) -> Option<u64> {
    let asked = register.request().filter(|it| !it.is_cut())?;
    let asked = asked.uri(HeaderName::Contact)?;
    let answer = response.message().filter(|it| !it.is_cut())?;
    let mut bound = 0;
    for value in answer.headers(HeaderName::Contact) {
        for item in list(&value) {
            let address = NameAddr::of(item);
            if address.uri == &*asked {
                return None;
            }
            // Only a registrar that lists its bindings says how long they live (RFC 3261 §10.3 step 8).
            bound += u64::from(address.param(b"expires").is_some());
        }
    }
    (bound > 0).then_some(bound)
}

/// What the code says of the cause.
fn variant(register: &Transaction, code: u64) -> Option<&'static str> {
    match code {
        ..400 => Some("redirected"),
        400 if star_is_wrong(register) => Some("star"),
        // Where the request was not captured, or was cut, it may have had credentials (guards G-START, G-SNAP).
        403 if register.requests.count() > 0
            && !register.cut
            && register.credentials.is_empty() =>
        {
            Some("not-allowed")
        }
        404 | 604 => Some("not-found"),
        405 | 501 => Some("no-registrar"),
        408 | 480 | 500 | 502..=504 => Some("unable"),
        _ => None,
    }
}
