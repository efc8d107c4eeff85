//! What a call has, in one look at it: most rules need something rare, and most calls have none of it.

use crate::dialog::Call;
use crate::sip::{HeaderName, Message, Method};
use crate::transaction::{Response, Transaction};

/// A set of things that a call may have, or that a rule needs: without one of them it finds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Has(u32);

/// Declares the members of the set, one bit each.
macro_rules! has {
    ($($(#[$doc:meta])+ $name:ident,)+) => {
        /// The bit of each member.
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "names of constants")]
        #[derive(Clone, Copy)]
        enum Bit {
            $($name,)+
        }

        impl Has {
            $($(#[$doc])+ pub(super) const $name: Self = Self(1 << Bit::$name as u32);)+
        }
    };
}

has! {
    /// A request without the answer it waits for: any response for INVITE, a final one for others.
    SILENCE,
    /// An INVITE without a final response.
    OPEN_INVITE,
    /// A BYE.
    BYE,
    /// A CANCEL.
    CANCEL,
    /// An INVITE that was cancelled.
    CANCELLED,
    /// A REGISTER.
    REGISTER,
    /// A REFER.
    REFER,
    /// An INFO.
    INFO,
    /// A PRACK.
    PRACK,
    /// A reliable provisional response.
    RELIABLE,
    /// A re-INVITE or an UPDATE inside a dialog.
    CHANGE,
    /// A 2xx to an INVITE.
    ANSWER,
    /// A 183.
    PROGRESS,
    /// Responses to INVITEs with different To tags, or several INVITEs that begin a dialog.
    FORKS,
    /// A request that ended with 300 to 699.
    REFUSAL,
    /// A request that ended with 300 to 399.
    REDIRECTION,
    /// A request that ended with 401 or 407.
    CHALLENGE,
    /// A request with credentials.
    CREDENTIALS,
    /// A request that came through a proxy.
    RELAY,
    /// A request that came through a proxy, or one that was refused.
    RELAY_OR_REFUSAL,
    /// A request that was sent more than once.
    REPEAT,
    /// A response that was sent three times or more.
    INSISTENCE,
    /// A response that did not go to where its request came from.
    ASTRAY,
    /// A response that did not come from where its request went.
    FOREIGN,
    /// An ICMP error.
    ICMP,
    /// A Record-Route in a request that may begin a dialog, or in its 2xx.
    RECORD_ROUTE,
    /// A Reason in a BYE, a CANCEL or a final response.
    REASON,
    /// A Warning in a final response.
    WARNING,
    /// A Session-Expires in a 2xx.
    SESSION_TIMER,
    /// An Identity in an INVITE that begins a dialog.
    IDENTITY,
}

impl Has {
    /// Both.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all that the other set has is here.
    pub(super) const fn all(self, needed: Self) -> bool {
        self.0 & needed.0 == needed.0
    }

    /// What a call has.
    pub(super) fn of(call: &Call) -> Self {
        let mut found = Self::default();
        let mut initial: Option<&Transaction> = None;
        let mut tag: Option<&[u8]> = None;
        for transaction in &call.transactions {
            found.look(transaction);
            if transaction.method != Method::Invite {
                continue;
            }
            if !transaction.in_dialog() {
                found.note(initial.is_some(), Self::FORKS);
                initial = Some(transaction);
            }
            for other in transaction.responses.iter().filter(|it| it.code < 300) {
                let other = other.to_tag.as_deref();
                found.note(
                    tag.is_some() && other.is_some() && tag != other,
                    Self::FORKS,
                );
                tag = tag.or(other);
            }
        }
        found
    }

    const fn note(&mut self, is_so: bool, what: Self) {
        if is_so {
            self.0 |= what.0;
        }
    }

    fn look(&mut self, transaction: &Transaction) {
        let is_invite = transaction.method == Method::Invite;
        let in_dialog = transaction.in_dialog();
        let last = transaction.final_response();
        match transaction.method {
            Method::Bye => self.note(true, Self::BYE),
            Method::Cancel => self.note(true, Self::CANCEL),
            Method::Register => self.note(true, Self::REGISTER),
            Method::Refer => self.note(true, Self::REFER),
            Method::Info => self.note(true, Self::INFO),
            Method::Prack => self.note(true, Self::PRACK),
            Method::Invite | Method::Update => self.note(in_dialog, Self::CHANGE),
            _ => {}
        }
        let silent = if is_invite {
            transaction.responses.is_empty()
        } else {
            last.is_none()
        };
        let code = last.map_or(0, |it| it.code);
        self.note(silent, Self::SILENCE);
        self.note(is_invite && last.is_none(), Self::OPEN_INVITE);
        self.note(transaction.cancelled.is_some(), Self::CANCELLED);
        self.note(code >= 300, Self::REFUSAL.and(Self::RELAY_OR_REFUSAL));
        self.note((300..400).contains(&code), Self::REDIRECTION);
        self.note(matches!(code, 401 | 407), Self::CHALLENGE);
        self.note(!transaction.credentials.is_empty(), Self::CREDENTIALS);
        let relayed = transaction.via_count > 1;
        self.note(relayed, Self::RELAY.and(Self::RELAY_OR_REFUSAL));
        self.note(transaction.requests.repeats() > 0, Self::REPEAT);
        self.note(!transaction.icmp.is_empty(), Self::ICMP);
        if let Some(request) = transaction.request() {
            let ends = matches!(transaction.method, Method::Bye | Method::Cancel);
            self.note(
                is_invite && request.has(HeaderName::RecordRoute),
                Self::RECORD_ROUTE,
            );
            self.note(
                is_invite && request.has(HeaderName::Identity),
                Self::IDENTITY,
            );
            self.note(ends && request.has(HeaderName::Reason), Self::REASON);
        }
        for response in &transaction.responses {
            self.look_at_response(transaction, is_invite, response);
        }
    }

    fn look_at_response(&mut self, of: &Transaction, is_invite: bool, response: &Response) {
        self.note(response.flow.dst != of.flow.src, Self::ASTRAY);
        self.note(response.flow.src != of.flow.dst, Self::FOREIGN);
        self.note(response.sends.count() >= 3, Self::INSISTENCE);
        self.note(response.rseq.is_some(), Self::RELIABLE);
        self.note(response.code == 183, Self::PROGRESS);
        if !response.is_final() {
            return;
        }
        let has = |header| {
            response
                .message()
                .is_some_and(|it: &Message| it.has(header))
        };
        self.note(has(HeaderName::Reason), Self::REASON);
        self.note(has(HeaderName::Warning), Self::WARNING);
        if response.is_success() {
            self.note(is_invite, Self::ANSWER);
            self.note(has(HeaderName::RecordRoute), Self::RECORD_ROUTE);
            self.note(has(HeaderName::SessionExpires), Self::SESSION_TIMER);
        }
    }
}
