//! Which value of a refused request its answer objects to: the two are read side by side.

use super::evidence::field;
use super::{busy, cause, reasons};
use crate::dialog::Call;
use crate::limits::{MAX_NOTES, MAX_TEXT};
use crate::rules::dialog::no_answer::rings;
use crate::rules::{CallView, Fact};
use crate::sip::sdp::Sdp;
use crate::sip::value::{list, user_and_host};
use crate::sip::{HeaderName, Message, Method};
use crate::transaction::{Response, Transaction};
use std::time::Duration;

/// What the packets prove beyond the code: the variant of words that says it, and its facts.
#[derive(Debug, Default)]
pub(in crate::rules) struct Explained {
    /// `None` when the code says all there is.
    pub variant: Option<&'static str>,
    /// What the words are filled with.
    pub facts: Vec<(&'static str, Fact)>,
}

impl Explained {
    pub(super) fn new(variant: &'static str) -> Self {
        Self {
            variant: Some(variant),
            facts: Vec::new(),
        }
    }

    pub(super) fn fact(mut self, name: &'static str, value: impl Into<Fact>) -> Self {
        self.facts.push((name, value.into()));
        self
    }
}

/// Reads request and answer side by side.
pub(in crate::rules) fn explain(
    view: &CallView<'_>,
    transaction: &Transaction,
    response: &Response,
) -> Explained {
    let pair = Pair::of(transaction, response);
    if let Some(explained) = cause::told(response) {
        return explained;
    }
    let explained = match response.code {
        403 => pair.forbidden(view.call),
        404 | 604 | 484 => pair.number(view),
        405 => pair.allow(),
        406 => pair.accepted(),
        413 | 513 => pair.size(),
        415 => pair.body(),
        416 => pair.scheme(),
        420 => pair.unsupported(),
        421 => pair.wanted(),
        422 => pair.session_interval(view.call),
        423 => pair.expiry(),
        489 => pair.event(),
        503 => pair.retry_after(),
        580 => pair.precondition(),
        487 if transaction.method == Method::Invite => pair.timing(view),
        // Who only passes it on may have tried others before.
        _ if transaction.method == Method::Invite => {
            let (asked, answer) = deepest(view, transaction, response);
            Pair::of(asked, answer).timing(view)
        }
        _ => None,
    };
    explained.unwrap_or_default()
}

/// A person said no.
pub(in crate::rules) const DECLINED: &str = "declined-after-ringing";

/// Where this answer was given first: of the hops that show the same code for the same request, the one farthest from the
/// caller.
pub(in crate::rules) fn deepest<'a>(
    view: &CallView<'a>,
    transaction: &'a Transaction,
    response: &'a Response,
) -> (&'a Transaction, &'a Response) {
    let hops = view.call.of(&transaction.method);
    hops.filter(|hop| hop.in_dialog() == transaction.in_dialog())
        .filter_map(|hop| Some((hop, hop.final_response()?)))
        .filter(|(_, answer)| answer.code == response.code)
        .max_by_key(|(hop, _)| hop.via_count)
        .unwrap_or((transaction, response))
}

/// A request and its answer, as far as they were captured whole.
struct Pair<'a> {
    transaction: &'a Transaction,
    response: &'a Response,
    request: Option<&'a Message>,
    answer: Option<&'a Message>,
}

impl<'a> Pair<'a> {
    fn of(transaction: &'a Transaction, response: &'a Response) -> Self {
        Self {
            transaction,
            response,
            request: transaction.request().filter(|it| !it.is_cut()),
            answer: response.message().filter(|it| !it.is_cut()),
        }
    }

    /// RFC 3261 §21.4.4: no credentials were refused where none were sent, and none asked for.
    fn forbidden(&self, call: &Call) -> Option<Explained> {
        let of_credentials = |it: &Transaction| {
            !it.credentials.is_empty() || matches!(it.final_code(), Some(401 | 407))
        };
        let begins = self.transaction.method == Method::Invite && !self.transaction.in_dialog();
        let asked = call.transactions.iter().any(of_credentials);
        (begins && self.request.is_some() && !asked).then(|| Explained::new("forbidden"))
    }

    /// RFC 3261 §21.4.6: the answer must say which methods it takes.
    fn allow(&self) -> Option<Explained> {
        let allowed = tokens(self.answer?, HeaderName::Allow);
        let method = self.transaction.method.name();
        Some(if allowed.is_empty() {
            Explained::new("allow-missing")
        } else if allowed.iter().any(|it| it.eq_ignore_ascii_case(method)) {
            Explained::new("allow-contradicts").fact("allowed", allowed.join(", "))
        } else {
            Explained::new("not-in-allow").fact("allowed", allowed.join(", "))
        })
    }

    /// RFC 3261 §21.4.7: the request's own Accept leaves the answer nothing to send.
    fn accepted(&self) -> Option<Explained> {
        let accept = tokens(self.request?, HeaderName::Accept);
        (!accept.is_empty())
            .then(|| Explained::new("accept-too-narrow").fact("accept", accept.join(", ")))
    }

    /// RFC 3261 §21.4.11, §21.5.7.
    fn size(&self) -> Option<Explained> {
        let size = self.request?.raw().len();
        Some(Explained::new("too-large").fact("size", size))
    }

    /// RFC 3261 §21.4.13: which of type, encoding and language is refused is in the answer.
    fn body(&self) -> Option<Explained> {
        let (request, answer) = (self.request?, self.answer?);
        let encoding = tokens(request, HeaderName::ContentEncoding);
        let encodings = field(answer, "Accept-Encoding");
        if let (Some(encodings), false) = (&encodings, encoding.is_empty()) {
            return Some(
                Explained::new("encoding-not-accepted")
                    .fact("encoding", encoding.join(", "))
                    .fact("accept", encodings.as_str()),
            );
        }
        let sent = request.text(HeaderName::ContentType)?;
        let sent = clip(sent.split(';').next().unwrap_or_default().trim());
        let accept = tokens(answer, HeaderName::Accept);
        if accept.is_empty() {
            return Some(Explained::new("accept-missing").fact("content_type", sent));
        }
        let takes = accept.iter().any(|it| {
            let it = it.split(';').next().unwrap_or_default().trim();
            let (kind, all) = it.split_once('/').unwrap_or((it, ""));
            it.eq_ignore_ascii_case(&sent)
                || it == "*/*"
                || (all == "*"
                    && sent
                        .split('/')
                        .next()
                        .is_some_and(|other| other.eq_ignore_ascii_case(kind)))
        });
        (!takes).then(|| {
            Explained::new("type-not-accepted")
                .fact("content_type", sent)
                .fact("accept", accept.join(", "))
        })
    }

    /// RFC 3261 §21.4.14.
    fn scheme(&self) -> Option<Explained> {
        let uri = String::from_utf8_lossy(&self.transaction.request_uri);
        let (scheme, _) = uri.split_once(':')?;
        Some(Explained::new("scheme").fact("scheme", clip(scheme)))
    }

    /// RFC 3261 §8.2.2.3: the answer must list what it does not support of what the request requires.
    fn unsupported(&self) -> Option<Explained> {
        let (request, answer) = (self.request?, self.answer?);
        let refused = tokens(answer, HeaderName::Unsupported);
        let required = tokens(request, HeaderName::Require);
        let of_proxies = tokens(request, HeaderName::ProxyRequire);
        if refused.is_empty() {
            let all: Vec<_> = required.into_iter().chain(of_proxies).collect();
            return (!all.is_empty())
                .then(|| Explained::new("unsupported-missing").fact("options", all.join(", ")));
        }
        for (header, asked) in [("Require", required), ("Proxy-Require", of_proxies)] {
            let both: Vec<_> = refused
                .iter()
                .filter(|it| has(&asked, it))
                .cloned()
                .collect();
            if !both.is_empty() {
                return Some(
                    Explained::new("option-unsupported")
                        .fact("options", both.join(", "))
                        .fact("header", header),
                );
            }
        }
        None
    }

    /// RFC 3261 §21.4.16: what the answer requires and the request does not say it supports.
    fn wanted(&self) -> Option<Explained> {
        let supported = tokens(self.request?, HeaderName::Supported);
        let wanted: Vec<_> = tokens(self.answer?, HeaderName::Require)
            .into_iter()
            .filter(|it| !has(&supported, it))
            .collect();
        (!wanted.is_empty())
            .then(|| Explained::new("option-wanted").fact("options", wanted.join(", ")))
    }

    /// RFC 4028 §6, §7.3: too short an interval, and whether the next try had a longer one.
    fn session_interval(&self, call: &Call) -> Option<Explained> {
        let Some(least) = self.answer?.number(HeaderName::MinSe) else {
            return Some(Explained::new("min-se-missing"));
        };
        let asked = |it: &Transaction| it.request()?.number(HeaderName::SessionExpires);
        let seconds = asked(self.transaction)?;
        let again = call.later_tries(self.transaction).find_map(asked);
        let explained = match again {
            Some(again) if again < least => {
                Explained::new("interval-not-raised").fact("again_s", again)
            }
            _ if seconds < least => Explained::new("interval-too-small"),
            _ => return None,
        };
        Some(explained.fact("asked_s", seconds).fact("least_s", least))
    }

    /// RFC 3261 §21.4.17, for SUBSCRIBE and PUBLISH.
    fn expiry(&self) -> Option<Explained> {
        let least = self.answer?.number(HeaderName::MinExpires)?;
        let asked = self.request?.number(HeaderName::Expires)?;
        (asked < least).then(|| {
            Explained::new("expiry-too-small")
                .fact("asked_s", asked)
                .fact("least_s", least)
        })
    }

    /// RFC 6665 §8.3.2: which event packages it has.
    fn event(&self) -> Option<Explained> {
        let event = self.request?.text(HeaderName::Event)?;
        let event = clip(event.split(';').next().unwrap_or_default().trim());
        let known = tokens(self.answer?, HeaderName::AllowEvents);
        Some(if known.is_empty() {
            Explained::new("event-unknown").fact("event", event)
        } else if has(&known, &event) {
            Explained::new("event-contradicts")
                .fact("event", event)
                .fact("allowed", known.join(", "))
        } else {
            Explained::new("event-not-allowed")
                .fact("event", event)
                .fact("allowed", known.join(", "))
        })
    }

    /// RFC 3261 §21.5.4.
    fn retry_after(&self) -> Option<Explained> {
        let seconds = self.answer?.number(HeaderName::RetryAfter)?;
        let wait = Duration::from_secs(seconds.min(u64::from(u32::MAX)));
        Some(Explained::new("come-back-later").fact("wait", wait))
    }

    /// RFC 3312 §8: the strengths that were wanted and cannot be had.
    fn precondition(&self) -> Option<Explained> {
        let lines = [self.answer, self.request]
            .into_iter()
            .flatten()
            .find_map(|message| desired(&Sdp::of(message)?))?;
        Some(Explained::new("precondition").fact("desired", lines))
    }

    /// The number that was called; with 484, whether more digits followed (RFC 3578).
    fn number(&self, view: &CallView<'_>) -> Option<Explained> {
        let invite = self.transaction.method == Method::Invite && !self.transaction.in_dialog();
        let (user, host) = called(self.transaction)?;
        let known = |variant| {
            Explained::new(variant)
                .fact("number", user.clone())
                .fact("domain", host)
        };
        if self.response.code != 484 {
            return invite.then(|| known("unknown-number"));
        }
        // What stands for a longer number does not begin as what stands for the shorter one.
        let dialled = |user: &str| match view.redactor {
            Some(redactor) => redactor.captured_user(user.as_bytes()),
            None => user.as_bytes().to_vec(),
        };
        let more = view.call.attempt(self.transaction).find_map(|other| {
            let (longer, _) = called(other).filter(|_| other.id > self.transaction.id)?;
            let follows =
                longer.len() > user.len() && dialled(&longer).starts_with(&dialled(&user));
            follows.then_some(longer)
        });
        Some(match more {
            Some(longer) => known("overlap").fact("longer", longer),
            None => known("incomplete-number"),
        })
    }

    /// How fast it was refused, and whether it rang before: machines decide at once, people do not.
    fn timing(&self, view: &CallView<'_>) -> Option<Explained> {
        if self.transaction.in_dialog() || self.transaction.requests.count() == 0 {
            return None;
        }
        let after = self.response.time().since(self.transaction.start());
        let rang = self
            .transaction
            .responses
            .iter()
            .find(|it| rings(it))
            .map(|it| self.response.time().since(it.time()));
        let at_once = rang.is_none() && after < AT_ONCE;
        match self.response.code {
            // No timer is so short.
            408 if after < AT_ONCE => None,
            408 => Some(Explained::new("timed-out").fact("after", after)),
            480 => Some(match rang {
                Some(time) => Explained::new("unavailable-after-ringing").fact("ring", time),
                None if self.was_held_back() => return None,
                None => Explained::new("unavailable-without-ringing").fact("after", after),
            }),
            486 | 600 => match rang {
                Some(time) => Some(Explained::new("busy-after-ringing").fact("ring", time)),
                None => busy::told(view, self.transaction, self.response, after),
            },
            487 if self.transaction.cancelled.is_none() => Some(self.ended_without_cancel(view)),
            603 | 607 | 608 if self.is_by_analytics() => Some(Explained::new("analytics")),
            603 => match rang {
                Some(time) => Some(Explained::new(DECLINED).fact("ring", time)),
                None if at_once => Some(Explained::new("declined-at-once").fact("after", after)),
                None => None,
            },
            _ => None,
        }
    }

    /// Whether it was forwarded or queued: somebody knew what to do with it.
    fn was_held_back(&self) -> bool {
        let mut responses = self.transaction.responses.iter();
        responses.any(|it| matches!(it.code, 181 | 182))
    }

    /// RFC 3261 §15: a BYE may end an early dialog as well; else somebody on the way had a timer.
    fn ended_without_cancel(&self, view: &CallView<'_>) -> Explained {
        let bye = view.call.of(&Method::Bye).any(|bye| {
            bye.from.tag == self.transaction.from.tag && bye.start() <= self.response.time()
        });
        Explained::new(if bye {
            "bye-before-answer"
        } else {
            "without-cancel"
        })
        .fact(
            "after",
            self.response.time().since(self.transaction.start()),
        )
    }

    /// ATIS-1000099: carriers mark what their analytics block.
    fn is_by_analytics(&self) -> bool {
        let phrase = self.response.reason.to_lowercase();
        let of_reason = self.answer.is_some_and(|answer| {
            ["sip", "q.850"].iter().any(|protocol| {
                reasons(answer, protocol).iter().any(|reason| {
                    let text = reason.text.to_lowercase();
                    text.contains("analytics")
                })
            })
        });
        phrase == "network blocked" || phrase.contains("analytics") || of_reason
    }
}

/// User and host of the Request-URI, when it has a user.
fn called(transaction: &Transaction) -> Option<(String, String)> {
    let (user, host) = user_and_host(&transaction.request_uri);
    let text = |bytes| clip(&String::from_utf8_lossy(bytes));
    (!user.is_empty()).then(|| (text(user), text(host)))
}

/// The strengths that a description wishes for (RFC 3312 §5.1), of all its media; `None` without any.
fn desired(sdp: &Sdp<'_>) -> Option<String> {
    let lines: Vec<_> = sdp
        .media
        .iter()
        .flat_map(|medium| &medium.attributes)
        .filter(|(name, _)| *name == "des")
        .take(MAX_DESIRED)
        .map(|(_, value)| clip(&format!("a=des:{value}")))
        .collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

/// The values of a field, of all its lines.
fn tokens(message: &Message, header: HeaderName) -> Vec<String> {
    message
        .headers(header)
        .flat_map(|value| {
            list(&value)
                .map(|item| clip(&String::from_utf8_lossy(item)))
                .collect::<Vec<_>>()
        })
        .take(MAX_NOTES)
        .collect()
}

fn has(tokens: &[String], wanted: &str) -> bool {
    tokens.iter().any(|it| it.eq_ignore_ascii_case(wanted))
}

fn clip(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

/// Lines of preconditions that are shown: two media have four.
const MAX_DESIRED: usize = 4;
/// Faster than anybody sees who calls.
const AT_ONCE: Duration = Duration::from_secs(1);
