//! The calls with their ladders while they come, for the formats that show them: those with a problem have a place before
//! the others, and what does not fit is counted.

use crate::dialog::Call;
use crate::dialog::attempt::{Attempt, AttemptState};
use crate::dialog::legs::{Legs, Link};
use crate::hash::HashMap;
use crate::limits::{MAX_LADDER_ROWS, MAX_PAGE_CALLS, MAX_PAGE_ROWS};
use crate::report::ladder::{Ladder, Room};
use crate::severity::Severity;
use crate::sip::Method;
use crate::time::Timestamp;
use crate::transaction::{State, Transaction, Value};
use std::sync::Arc;
use std::time::Duration;

/// A call: all of one Call-ID that was judged together.
#[derive(Debug)]
pub(super) struct LadderCall {
    pub(super) call_id: Arc<[u8]>,
    pub(super) start: Timestamp,
    pub(super) method: Method,
    pub(super) from: Value,
    pub(super) to: Value,
    pub(super) state: AttemptState,
    pub(super) code: Option<u64>,
    /// Post-dial delay; `None` where the caller heard of nothing but the end.
    pub(super) delay: Option<Duration>,
    pub(super) duration: Option<Duration>,
    /// The worst of it, notes apart.
    pub(super) severity: Option<Severity>,
    /// The leg before it.
    pub(super) before: Option<Link>,
    pub(super) ladder: Ladder,
}

/// All that are kept.
#[derive(Debug)]
pub(super) struct Calls {
    troubled: Vec<LadderCall>,
    others: Vec<LadderCall>,
    rows: usize,
    text_of_troubled: Room,
    text_of_others: Room,
    /// Calls that found no place.
    pub(super) left_out: usize,
}

impl Calls {
    /// None yet; of the messages of calls with a problem so many bytes are kept, and as many of the others'.
    pub(super) const fn keeping(text: usize) -> Self {
        Self {
            troubled: Vec::new(),
            others: Vec::new(),
            rows: 0,
            text_of_troubled: Room(text),
            text_of_others: Room(text),
            left_out: 0,
        }
    }

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
        let before = legs.link_of(&call.call_id).cloned();
        let ladder_call = LadderCall {
            severity,
            before,
            ..of(call, first, ladder)
        };
        if troubled {
            self.troubled.push(ladder_call);
        } else {
            self.others.push(ladder_call);
        }
    }

    /// All of them in order of time.
    pub(super) fn finish(self) -> Vec<LadderCall> {
        let mut all = self.troubled;
        all.extend(self.others);
        all.sort_by_key(|it| it.start);
        all
    }
}

fn of(call: &Call, first: &Transaction, ladder: Ladder) -> LadderCall {
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
    LadderCall {
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

/// Which calls are legs of one: the number of its group for each, counted from 0 in the order of the calls.
pub(super) fn groups(calls: &[LadderCall]) -> Vec<usize> {
    let mut group_of: HashMap<&Arc<[u8]>, usize> = HashMap::default();
    let mut count = 0;
    let mut found = Vec::with_capacity(calls.len());
    for call in calls {
        let known = group_of.get(&call.call_id).copied();
        let before = call.before.as_ref();
        let before = before.and_then(|it| group_of.get(&it.from).copied());
        let group = known.or(before).unwrap_or_else(|| {
            count += 1;
            count - 1
        });
        group_of.insert(&call.call_id, group);
        found.push(group);
    }
    found
}
