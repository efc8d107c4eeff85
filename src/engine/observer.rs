//! What the engine is asked for: what can be chosen, whom it tells, and what it tells of a message.

use crate::dialog::Call;
use crate::dialog::legs::Legs;
use crate::frame::{Direction, Encapsulation};
use crate::redact::Redactor;
use crate::rules::{Finding, Policy};
use crate::thresholds::Thresholds;
use crate::transaction::{Arrival, Placement, Transaction};
use crate::workers::Workers;

/// What can be chosen.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// See [`Thresholds`].
    pub thresholds: Thresholds,
    /// What is not told, and what is judged otherwise.
    pub policy: Policy,
    /// Whether what is stuck is told while it is stuck, as `live` does.
    pub alerts: bool,
    /// Header fields in which a B2BUA names the other leg's Call-ID, beside those that are known.
    pub leg_headers: Vec<String>,
    /// How many bytes of messages are kept until their calls are judged; `None` for what is usual.
    pub memory: Option<usize>,
    /// What stands for the names in the capture; `None` when they are shown.
    pub redactor: Option<Redactor>,
    /// Who judges.
    pub workers: Workers,
}

/// Takes what the engine finds out, as soon as it is known.
pub trait Observer {
    /// A SIP message, in time order.
    fn message(&mut self, _message: &SeenMessage<'_>, _placement: Placement) {}
    /// A call that was judged, with all findings about it, before anything else is told of either. A Call-ID that is used
    /// again, as by keep-alives, is judged several times.
    fn judged(&mut self, _call: &Call, _findings: &[Finding], _legs: &Legs) {}
    /// A transaction that is finished or was open when the capture ended, with the findings it belongs to.
    fn transaction(&mut self, _transaction: &Transaction, _findings: &[&Finding]) {}
    /// A call that was judged, with what is known of its other legs.
    fn call(&mut self, _call: &Call, _legs: &Legs) {}
    /// A finding that is final.
    fn finding(&mut self, _finding: &Finding) {}
    /// All findings at the end of the capture, sorted, before the report is made of them.
    fn over(&mut self, _findings: &[Finding], _legs: &Legs) {}
    /// Something that is wrong at this moment and not over yet; the final finding, if any, comes later.
    fn alert(&mut self, _finding: &Finding) {}
}

/// Nothing is observed.
impl Observer for () {}

/// A message with all that its packet says.
#[derive(Clone, Copy, Debug)]
pub struct SeenMessage<'a> {
    /// Message, packet and addresses.
    pub arrival: Arrival<'a>,
    /// Through what it came.
    pub encapsulation: Encapsulation,
    /// Whether the capturing host sent or received it, where the capture says so.
    pub direction: Option<Direction>,
    /// What its mirror says of it, when one copied it.
    pub mirror: Option<&'a Mirror>,
}

/// What a mirror says of a message beside its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// What it calls itself: HEP's capture node.
    pub node: Option<u64>,
    /// What it ties messages together with: HEP's correlation id.
    pub correlation: Option<Box<[u8]>>,
}
