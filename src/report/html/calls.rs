//! The calls of the page while they come: those with a problem have a place before the others, and what does not fit is
//! counted.

use crate::dialog::Call;
use crate::dialog::attempt::{Attempt, AttemptState};
use crate::dialog::legs::Legs;
use crate::limits::{MAX_LADDER_ROWS, MAX_PAGE_CALLS, MAX_PAGE_ROWS, MAX_PAGE_TEXT};
use crate::report::ladder::{Ladder, Room};
use crate::severity::Severity;
use crate::sip::Method;
use crate::time::Timestamp;
use crate::transaction::{State, Transaction};
use std::sync::Arc;
use std::time::Duration;

/// A call of the page: all of one Call-ID that was judged together.
#[derive(Debug)]
pub(super) struct PageCall {
    pub(super) call_id: Arc<[u8]>,
    pub(super) start: Timestamp,
    pub(super) method: Method,
    pub(super) from: Box<[u8]>,
    pub(super) to: Box<[u8]>,
    pub(super) state: AttemptState,
    pub(super) code: Option<u64>,
    /// Post-dial delay.
    pub(super) delay: Option<Duration>,
    pub(super) duration: Option<Duration>,
    /// The worst of it, notes apart.
    pub(super) severity: Option<Severity>,
    /// The Call-ID of the leg before it.
    pub(super) before: Option<Arc<[u8]>>,
    pub(super) ladder: Ladder,
}

/// All that are kept.
#[derive(Debug)]
pub(super) struct Calls {
    troubled: Vec<PageCall>,
    others: Vec<PageCall>,
    rows: usize,
    text_of_troubled: Room,
    text_of_others: Room,
    /// Calls that found no place.
    pub(super) left_out: usize,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            troubled: Vec::new(),
            others: Vec::new(),
            rows: 0,
            text_of_troubled: Room(MAX_PAGE_TEXT),
            text_of_others: Room(MAX_PAGE_TEXT),
            left_out: 0,
        }
    }
}

impl Calls {
    /// Takes a judged call, and how bad it is.
    pub(super) fn take(&mut self, call: &Call, legs: &Legs, severity: Option<Severity>) {
        let Some(first) = call.transactions.first() else {
            return;
        };
        let troubled = severity.is_some();
        if self.troubled.len() + self.others.len() >= MAX_PAGE_CALLS {
            self.left_out += 1;
            // The page is for what went wrong: that takes the place of what did not.
            let other = if troubled { self.others.pop() } else { None };
            let Some(other) = other else {
                return;
            };
            self.rows -= other.ladder.rows.len();
        }
        let room = if troubled {
            &mut self.text_of_troubled
        } else {
            &mut self.text_of_others
        };
        let rows = MAX_LADDER_ROWS.min(MAX_PAGE_ROWS.saturating_sub(self.rows));
        let ladder = Ladder::of(call, rows, room);
        self.rows += ladder.rows.len();
        let before = legs.link_of(&call.call_id).map(|link| link.from.clone());
        let page_call = PageCall {
            severity,
            before,
            ..of(call, first, ladder)
        };
        if troubled {
            self.troubled.push(page_call);
        } else {
            self.others.push(page_call);
        }
    }

    /// All of them in order of time.
    pub(super) fn finish(self) -> Vec<PageCall> {
        let mut all = self.troubled;
        all.extend(self.others);
        all.sort_by_key(|it| it.start);
        all
    }
}

fn of(call: &Call, first: &Transaction, ladder: Ladder) -> PageCall {
    let attempts = call.attempts();
    let attempt = attempts
        .iter()
        .rev()
        .find(|it| !it.is_leg)
        .or_else(|| attempts.last());
    let (method, decisive) = match attempt.and_then(|it| it.tries.first()) {
        Some(invite) => (Method::Invite, *invite),
        None => (first.method.clone(), first),
    };
    let last = call.of(&method).last().unwrap_or(first);
    PageCall {
        call_id: call.call_id.clone(),
        start: call
            .transactions
            .iter()
            .map(Transaction::start)
            .min()
            .unwrap_or(Timestamp::MIN),
        from: decisive.from.uri.clone(),
        to: decisive.to.uri.clone(),
        state: attempt.map_or_else(|| state(last), Attempt::state),
        code: match attempt {
            Some(attempt) => attempt.outcome().map(|it| it.code),
            None => last.final_code(),
        },
        delay: attempt.and_then(Attempt::progress_after),
        duration: attempt.and_then(Attempt::talk_time),
        severity: None,
        before: None,
        method,
        ladder,
    }
}

/// How a transaction that sets up no call ended.
fn state(transaction: &Transaction) -> AttemptState {
    match transaction.final_response() {
        Some(response) if response.is_success() => AttemptState::Completed,
        Some(_) => AttemptState::Failed,
        None if transaction.state == State::TimedOut => AttemptState::NoResponse,
        None => AttemptState::Pending,
    }
}
