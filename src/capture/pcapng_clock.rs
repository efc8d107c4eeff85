//! The time of pcapng packets: any power of ten or two of a second, from any second on.

use crate::time::Timestamp;

const NANOS: i128 = 1_000_000_000;

/// How an interface counts time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    unit: Unit,
    offset: i128,
}

#[derive(Clone, Copy, Debug)]
enum Unit {
    /// So many nanoseconds.
    Nanos(i128),
    /// So many to the nanosecond.
    PerNano(i128),
    /// Two to this power to the second.
    PowerOfTwo(u32),
    /// Too short to count up to a nanosecond with 64 bits.
    Nothing,
}

impl Clock {
    /// A clock with the options `if_tsresol` (microseconds when there is none) and `if_tsoffset` (seconds).
    pub(super) fn new(resolution: Option<u8>, offset: i64) -> Self {
        let resolution = resolution.unwrap_or(6);
        let power = u32::from(resolution & 0x7f);
        let unit = if resolution & 0x80 != 0 {
            Unit::PowerOfTwo(power)
        } else if power <= 9 {
            Unit::Nanos(10_i128.pow(9 - power))
        } else {
            10_i128
                .checked_pow(power - 9)
                .map_or(Unit::Nothing, Unit::PerNano)
        };
        Self {
            unit,
            offset: i128::from(offset) * NANOS,
        }
    }

    /// The moment `units` after the clock's start; saturates outside the years 1678 to 2262.
    pub(super) fn time(self, units: u64) -> Timestamp {
        let units = i128::from(units);
        let nanos = match self.unit {
            Unit::Nanos(factor) => units * factor,
            Unit::PerNano(divisor) => units / divisor,
            Unit::PowerOfTwo(power) => (units * NANOS) >> power,
            Unit::Nothing => 0,
        };
        let nanos = (nanos + self.offset).clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        Timestamp::from_nanos(i64::try_from(nanos).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_powers_of_ten_and_two() {
        let time = |resolution, units| Clock::new(resolution, 0).time(units).as_nanos();
        assert_eq!(time(None, 1_500_000), 1_500_000_000);
        assert_eq!(time(Some(0), 2), 2_000_000_000);
        assert_eq!(time(Some(9), 7), 7);
        assert_eq!(time(Some(12), 7_999), 7);
        assert_eq!(time(Some(0x80 | 0x0a), 1_536), 1_500_000_000);
        assert_eq!(time(Some(0x80), 3), 3_000_000_000);
        assert_eq!(time(Some(127), u64::MAX), 0);
        assert_eq!(time(Some(255), u64::MAX), 0);
    }

    #[test]
    fn starts_at_its_offset_and_saturates() {
        assert_eq!(Clock::new(Some(6), -1).time(0).as_nanos(), -1_000_000_000);
        assert_eq!(
            Clock::new(Some(0), i64::MAX).time(u64::MAX).as_nanos(),
            i64::MAX
        );
        assert_eq!(Clock::new(Some(6), i64::MIN).time(0), Timestamp::MIN);
    }
}
