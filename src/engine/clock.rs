//! The time of the capture, as its packets tell it.

use super::prepared::Event;
use crate::time::Timestamp;
use std::time::Duration;

/// Silence of all packets for longer than this is a clock that was set, or a capture that was paused.
const CLOCK_JUMP: Duration = Duration::from_hours(1);

/// The time of the last packet.
#[derive(Debug, Default)]
pub(super) struct Clock {
    now: Option<Timestamp>,
    /// The time of the last packet, where that is older than one before it.
    behind: Option<Timestamp>,
    /// The time of a packet that is far ahead of all others.
    suspect: Option<Timestamp>,
}

impl Clock {
    /// The latest time that is believed; `None` before the first packet.
    pub(super) const fn now(&self) -> Option<Timestamp> {
        self.now
    }

    /// Moves to the time of a packet; what is not as usual with it. `in_order` says that packets should come in the order of
    /// their times, as mirrors' do not.
    #[inline]
    pub(super) fn packet(&mut self, time: Timestamp, in_order: bool) -> Option<Event> {
        let Some(latest) = self.now else {
            self.now = Some(time);
            return None;
        };
        if self.suspect.is_none() && time >= latest && time.distance(latest) <= CLOCK_JUMP {
            self.now = Some(time);
            self.behind = None;
            return None;
        }
        self.irregular(latest, time, in_order)
    }

    #[cold]
    fn irregular(&mut self, latest: Timestamp, time: Timestamp, in_order: bool) -> Option<Event> {
        let jumps = time.since(latest) > CLOCK_JUMP;
        if jumps {
            // One packet may be stamped wrongly; two that agree are a clock that was set, or a pause.
            let agree = self
                .suspect
                .is_some_and(|other| time.distance(other) <= CLOCK_JUMP);
            if !agree {
                self.suspect = Some(time);
                return None;
            }
        }
        self.suspect = None;
        self.now = Some(latest.max(time));
        // A clock that was set back is one step, however long it takes to be where it was.
        let before = self.behind.unwrap_or(latest);
        self.behind = (time < latest).then_some(time);
        if jumps {
            return Some(Event::Gap(latest, time));
        }
        let back = before.since(time);
        (in_order && back > Duration::from_millis(1)).then_some(Event::Back(back))
    }

    /// Says that time has passed without packets.
    pub(super) fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(Some(now));
    }

    /// Ends the capture: nothing contradicts a packet that was far ahead any more.
    pub(super) fn finish(&mut self) -> Option<Event> {
        let (latest, late) = self.now.zip(self.suspect.take())?;
        self.now = Some(late);
        Some(Event::Gap(latest, late))
    }
}
