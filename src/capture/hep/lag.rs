//! How far behind the clock here the packets of agents are, by their own time.

use crate::time::Timestamp;
use std::time::Duration;

/// How long a packet speaks for its agent's clock.
const MEMORY: Duration = Duration::from_mins(5);

/// The largest lag of the last five to ten minutes. A silence of agents means that time has passed for *them*: an agent
/// whose clock is behind by a minute has not waited a minute for the answer to what it just sent.
#[derive(Debug, Default)]
pub(in crate::capture) struct Lag {
    since: Timestamp,
    now: Duration,
    before: Duration,
}

impl Lag {
    /// Takes note of a packet.
    pub(in crate::capture) fn note(&mut self, arrived: Timestamp, told: Timestamp) {
        if arrived.since(self.since) > MEMORY {
            self.since = arrived;
            self.before = std::mem::take(&mut self.now);
        }
        self.now = self.now.max(arrived.since(told));
    }

    /// The lag.
    pub(in crate::capture) fn get(&self) -> Duration {
        self.now.max(self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_lag_counts_until_it_is_old() {
        let at = |seconds: i64| Timestamp::from_parts(1_700_000_000 + seconds, 0);
        let mut lag = Lag::default();
        lag.note(at(0), at(-40));
        lag.note(at(1), at(1));
        // A clock that is ahead does not lag.
        lag.note(at(2), at(60));
        assert_eq!(lag.get(), Duration::from_secs(40));
        lag.note(at(301), at(300));
        assert_eq!(lag.get(), Duration::from_secs(40));
        lag.note(at(602), at(602));
        assert_eq!(lag.get(), Duration::from_secs(1));
        lag.note(at(903), at(903));
        assert_eq!(lag.get(), Duration::ZERO);
    }
}
