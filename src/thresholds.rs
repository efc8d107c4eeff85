//! From where on something counts: the thresholds of the findings, a row each with its default and the reason for it. From
//! the one table come the values that rules read, the options of the command line, the keys of the configuration file and
//! their documentation.

use crate::limits::{MAX_DIALLED, MAX_TRIES};
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A stretch of time.
type Time = Duration;
/// How many.
type Count = u64;
/// So many of a hundred.
type Percent = u64;

/// What a threshold is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A stretch of time.
    Time(Duration),
    /// How many.
    Count(u64),
    /// So many of a hundred.
    Percent(u64),
}

/// What a threshold may be set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `500ms`, `10s`, `3m`, `1h30m`, `2d`; a bare number is seconds.
    Time,
    /// A whole number.
    Count,
    /// A whole number up to 100.
    Percent,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    /// Its key in the configuration file, and with `--` before it its option.
    pub key: &'static str,
    /// What it may be set to.
    pub kind: Kind,
    /// What it is, in half a line.
    pub help: &'static str,
    /// Why its default is what it is.
    pub reason: &'static str,
    /// The largest count, where what is kept of the packets ends earlier than the number could.
    most: Option<u64>,
    get: fn(&Thresholds) -> Value,
    set: fn(&mut Thresholds, Value),
}

/// A row is: its name, its kind, with the largest count in brackets where there is one; its default; its key; its help. The reason for
/// the default stands above it.
macro_rules! thresholds {
    ($($(#[doc = $reason:literal])+ $name:ident: $kind:ident $([$most:expr])? = $default:expr, $key:literal, $help:literal;)+) => {
        /// What every rule measures with; each field is a row of [`Thresholds::ALL`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Thresholds {
            $($(#[doc = $reason])+ pub $name: $kind,)+
        }

        impl Default for Thresholds {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl Thresholds {
            /// The table.
            pub const ALL: &'static [Threshold] = &[$(Threshold {
                key: $key,
                kind: Kind::$kind,
                help: $help,
                reason: concat!($($reason),+),
                most: first(&[$($most)?]),
                get: |thresholds| Value::$kind(thresholds.$name),
                set: |thresholds, value| if let Value::$kind(value) = value {
                    thresholds.$name = value;
                },
            }),+];
        }
    };
}

const fn first(values: &[u64]) -> Option<u64> {
    match values {
        [value, ..] => Some(*value),
        [] => None,
    }
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

thresholds! {
    /// RFC 3261 §17.1.1.1: an estimate of the round trip. Where a retransmission shows another T1, that one is used.
    t1: Time = Duration::from_millis(500), "t1",
        "T1 where no retransmission shows another one";
    /// RFC 3261 §17.1.2.2: the longest interval between two sends of one message.
    t2: Time = seconds(4), "t2",
        "T2: the longest gap of a ladder of retransmissions";
    /// The next hop answers with 100 at once (RFC 3261 §17.2.1); people hang up after some ten seconds of nothing.
    stuck_after: Time = seconds(10), "stuck-after",
        "How long a 100 Trying may stand alone";
    /// RFC 3261 §16.6 step 11: Timer C, which ends a call that rings, is longer than three minutes.
    long_ringing: Time = seconds(180), "long-ringing",
        "Ringing in vain from which on no-answer is a warning";
    /// A person refuses sooner, and no PBX gives up as soon.
    ring_timeout: Time = seconds(10), "ring-timeout",
        "The shortest ringing whose 408 or 480 is a ring timeout";
    /// ITU-T E.721: the post-selection delay of local and toll calls under load.
    pdd_warning: Time = seconds(6), "pdd-warning",
        "From the first INVITE to ringing: what is long";
    /// ITU-T E.721: the same of international calls.
    pdd_error: Time = seconds(11), "pdd-error",
        "From the first INVITE to ringing: what is too long";
    /// Over transports that repeat nothing; over UDP a response later than T1 is one (RFC 3261 §17.1.1.2).
    slow_response: Time = seconds(1), "slow-response",
        "How long the first response over TCP, TLS and the like may take";
    /// Shorter silence nobody notices.
    silent_ringing: Time = seconds(3), "silent-ringing",
        "Silence before the answer from which on no-ringback is told";
    /// Shorter silence nobody notices.
    early_silence_warning: Time = seconds(2), "early-silence-warning",
        "Silence although early media was promised: what is long";
    /// Callers hang up in it.
    early_silence_error: Time = seconds(10), "early-silence-error",
        "The same: what is too long";
    /// Timer C is longer than this (RFC 3261 §16.6 step 11).
    endless_ringing: Time = seconds(180), "endless-ringing",
        "Ringing without a further response from which on it never ends";
    /// A caller that follows does so at once; a person who is asked first takes longer.
    redirect_within: Time = seconds(5), "redirect-within",
        "How long a caller may take to follow a redirection";
    /// Nobody configures as many on purpose.
    redirections: Count [60] = 5, "redirections",
        "Redirections of one attempt that are a loop";
    /// A fork or a transfer brings a request back once, and a spiral (RFC 3261 §16.3 item 4) twice.
    loop_passes: Count [200] = 3, "loop-passes",
        "Arrivals of a request at one address that are a loop";
    /// RFC 3261 §8.1.1.6 recommends 70, and no default of any element is lower.
    few_hops: Count [255] = 10, "few-hops",
        "A Max-Forwards from which on downwards it is low at the start of a request";
    /// Timers fire late, and answers take their way.
    next_hop_tolerance: Time = seconds(2), "next-hop-tolerance",
        "How far from 64*T1 a refusal may be that the next hop's timeout explains";
    /// One repeat may have crossed the ACK or the PRACK on its way.
    repeats_after_ack: Count [31] = 2, "repeats-after-ack",
        "Repeats of a response behind its ACK or PRACK that show that it did not arrive";
    /// Two in a row may be chance.
    several_calls: Count = 3, "several-calls",
        "Calls, all busy at once, from which on a host is always busy";
    /// A client answers a challenge within a round trip; the end of the capture may come before that.
    credentials_within: Time = seconds(5), "credentials-within",
        "How long a client may take to answer a challenge";
    /// A nonce that lives shorter costs more challenges than it is worth.
    nonce_lifetime: Time = seconds(60), "nonce-lifetime",
        "The shortest life of a nonce that is not too short";
    /// Once or twice is the end of a nonce's life.
    stale_nonces: Count = 3, "stale-nonces",
        "Stale nonces that make a habit";
    /// Nobody says anything in less.
    short_call: Time = seconds(5), "short-call",
        "Talk times below this are short";
    /// Two calls of one length are chance.
    dropped_calls: Count = 3, "dropped-calls",
        "Calls that end after the same time from which on it is a pattern";
    /// Two seconds either side: people take as long to hang up when the line is dead.
    dropped_calls_spread: Time = seconds(4), "dropped-calls-spread",
        "How far apart the lengths of these calls may be";
    /// Shorter calls are tests, announcements and wrong numbers.
    dropped_calls_shortest: Time = seconds(10), "dropped-calls-shortest",
        "Calls up to this are not among them";
    /// Nobody hangs up that fast; a program does.
    hang_up_after_answer: Time = Duration::from_millis(500), "hang-up-after-answer",
        "A BYE that comes sooner after the answer is the work of a program";
    /// RFC 4028 §10 leaves open when exactly; a tenth of the interval is the most all the same.
    session_timer_tolerance: Time = seconds(5), "session-timer-tolerance",
        "How far from the moment of a session timer the BYE may be";
    /// A program does so at once; a person who hears nothing takes longer.
    refresh_bye_within: Time = seconds(5), "refresh-bye-within",
        "A BYE that comes so soon after a refresh failed follows from it";
    /// One ping or two may be lost; three in a row are a peer that is down.
    options_down_after: Count = 3, "options-down-after",
        "OPTIONS pings without an answer, in a row, from which on a peer is down";
    /// Down and up again is one outage.
    options_flaps: Count = 3, "options-flaps",
        "Changes between answering and not that make options-flapping";
    /// Registrars grant minutes to hours; what is shorter is chosen to keep a NAT open.
    registration_short: Time = seconds(120), "registration-short",
        "A granted lifetime below this is short";
    /// Clients refresh at half of the lifetime, and cannot try again in time.
    registration_very_short: Time = seconds(30), "registration-very-short",
        "A lifetime below this that the registrar cut is a warning";
    /// Half is what many clients do, less what clocks take.
    registration_refresh: Percent = 45, "registration-refresh",
        "The part of the lifetime before which a refresh is early";
    /// A client that starts again refreshes early once or twice.
    registration_refreshes: Count = 3, "registration-refreshes",
        "Early refreshes in a row from which on they are told";
    /// A telephone that is restarted to try a setting vanishes once or twice.
    registration_turns: Count [100] = 3, "registration-turns",
        "Times that a device vanishes and comes back that make registration-flapping";
    /// Slower turns have a cause each.
    registration_turns_within: Time = seconds(600), "registration-turns-within",
        "How close together they are";
    /// Of fewer requests a ratio says little.
    loss_requests: Count = 100, "loss-requests",
        "Requests over UDP from which on the ratio of retransmissions counts";
    /// What a healthy path loses is far below.
    loss_warning: Percent = 1, "loss-warning",
        "Requests that are sent again, of a hundred: beyond that they are many";
    /// One in twenty is heard in the calls as well.
    loss_error: Percent = 5, "loss-error",
        "The same: beyond that they are too many";
    /// TCP sends that many SYNs within three seconds (RFC 6298 §2).
    syns: Count [16] = 3, "syns",
        "SYNs without an answer after which a server does not answer";
    /// Firewalls and NATs that forget idle connections do so after this at the earliest.
    idle_connection: Time = seconds(30), "idle-connection",
        "Silence of a connection that may have made a firewall forget it";
    /// RFC 4787 §4.3 asks for two minutes; many NATs forget UDP after thirty seconds.
    nat_binding: Time = seconds(30), "nat-binding",
        "Silence over UDP that may have made a NAT forget its binding";
    /// One sign alone has other explanations, such as STUN and an SBC.
    alg_signs: Count [4] = 2, "alg-signs",
        "Signs of rewritten addresses in a request that make a SIP ALG likely";
    /// RFC 3261 §18.1.1: larger requests must not go over UDP where the MTU of the path is not known.
    large_udp: Count [65_535] = 1300, "large-udp",
        "Bytes of a message over UDP beyond which it is large";
    /// A handshake is a few round trips, and TCP sends the ClientHello again within this time.
    server_hello_within: Time = seconds(4), "server-hello-within",
        "How long a ServerHello may take";
    /// RFC 5626 §4.4.1: a pong that has not come after ten seconds will not come.
    pong_within: Time = seconds(10), "pong-within",
        "How long the answer to a keep-alive of a connection may take";
    /// Different users that no client asks for.
    enumerated_users: Count [200] = 10, "enumerated-users",
        "Different users that one host asks for from which on it is enumeration";
    /// No operator at a switchboard dials that many wrong users in a minute.
    enumerated_within: Time = seconds(60), "enumerated-within",
        "How close together it asks";
    /// No person and no telephone tries as many.
    bruteforce_tries: Count [MAX_TRIES as u64] = 10, "bruteforce-tries",
        "Different passwords of one host for one user from which on they are guessed";
    /// Nobody has as many telephones with a stale password.
    bruteforce_hosts: Count = 10, "bruteforce-hosts",
        "Hosts that try one user in vain from which on they guess together";
    /// What has a stale password tries again at the pace of its registrations.
    bruteforce_within: Time = seconds(60), "bruteforce-within",
        "How close together the passwords are, and the hosts";
    /// No person calls as many.
    fraud_calls: Count [MAX_DIALLED as u64] = 10, "fraud-calls",
        "Calls of one caller to costly numbers from which on they are toll fraud";
    /// A person talks in between.
    fraud_within: Time = seconds(60), "fraud-within",
        "How close together these calls are";
    /// Hosts of a network that a switch monitors answer.
    scanned_hosts: Count [200] = 20, "scanned-hosts",
        "Silent hosts that one host asks beyond which it is a scanner";
    /// Requests a second in vain of a large trunk whose other side fails.
    flood_warning: Count = 50, "flood-warning",
        "Requests a second in vain beyond which they are a flood";
    /// What takes a proxy's capacity from all others.
    flood_error: Count = 500, "flood-error",
        "Requests a second in vain beyond which a flood is an error (where the flooded host never answers, a flood)";
    /// RFC 8224 §6.2: what verification services go by.
    identity_age: Time = seconds(60), "identity-age",
        "The age of a signature of the caller's number beyond which it is stale";
}

impl Thresholds {
    /// The row with that key.
    pub fn named(key: &str) -> Option<&'static Threshold> {
        Self::ALL.iter().find(|row| row.key == key)
    }

    /// The rows that are not at their defaults, with their values.
    pub fn changed(&self) -> impl Iterator<Item = (&'static Threshold, Value)> {
        let defaults = Self::default();
        Self::ALL.iter().filter_map(move |row| {
            let value = row.of(self);
            (value != row.of(&defaults)).then_some((row, value))
        })
    }
}

impl Threshold {
    /// Its value.
    pub fn of(&self, thresholds: &Thresholds) -> Value {
        (self.get)(thresholds)
    }

    /// Sets it, to what [`Self::parse`] or [`Self::take`] made.
    pub fn set(&self, thresholds: &mut Thresholds, value: Value) {
        (self.set)(thresholds, value);
    }

    /// A value from text.
    ///
    /// # Errors
    /// What it may be instead.
    pub fn parse(&self, text: &str) -> Result<Value, String> {
        match self.kind {
            Kind::Time => duration(text).map(Value::Time),
            Kind::Count | Kind::Percent => {
                let digits = match self.kind {
                    Kind::Percent => text.strip_suffix('%').unwrap_or(text),
                    _ => text,
                };
                self.take(digits.parse().map_err(|_| self.range_text())?)
            }
        }
    }

    /// A value from a number, which is seconds where it is a time.
    ///
    /// # Errors
    /// What it may be instead.
    pub fn take(&self, number: u64) -> Result<Value, String> {
        if self.kind == Kind::Time {
            return check(Duration::from_secs(number)).map(Value::Time);
        }
        if !self.range().contains(&number) {
            return Err(self.range_text());
        }
        Ok(match self.kind {
            Kind::Percent => Value::Percent(number),
            _ => Value::Count(number),
        })
    }

    fn range(&self) -> RangeInclusive<u64> {
        let most = match self.kind {
            Kind::Percent => 100,
            _ => self.most.unwrap_or(MOST),
        };
        1..=most
    }

    fn range_text(&self) -> String {
        let range = self.range();
        format!("a whole number from {} to {}", range.start(), range.end())
    }
}

/// More than anything is counted to.
const MOST: u64 = 1_000_000;

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Time(time) => {
                let millis = time.as_millis();
                match (millis % 1000, millis / 1000) {
                    (0, seconds) if seconds > 0 && seconds % 3600 == 0 => {
                        write!(f, "{}h", seconds / 3600)
                    }
                    (0, seconds) if seconds > 0 && seconds % 60 == 0 => {
                        write!(f, "{}m", seconds / 60)
                    }
                    (0, seconds) => write!(f, "{seconds}s"),
                    _ => write!(f, "{millis}ms"),
                }
            }
        }
    }
}

/// `500ms`, `10s`, `3m`, `1h30m`, `2d`; a bare number is seconds.
///
/// # Errors
/// What it should look like.
pub fn duration(text: &str) -> Result<Duration, String> {
    check(stretch(text)?)
}

/// A stretch of time, none at all too.
///
/// # Errors
/// What it may be instead.
pub fn stretch(text: &str) -> Result<Duration, String> {
    let wrong =
        || "a duration is a number with ms, s, m, h or d, such as 500ms, 10s or 1h30m".to_owned();
    let mut all = Duration::ZERO;
    let mut rest = text;
    loop {
        let is_number = |it: char| it.is_ascii_digit() || it == '.';
        let behind = rest.trim_start_matches(is_number);
        let number = rest.strip_suffix(behind).unwrap_or_default();
        let next = behind.trim_start_matches(|it: char| it.is_ascii_alphabetic());
        let unit = behind.strip_suffix(next).unwrap_or_default();
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let factor = match unit {
            "ms" => 1e-3,
            "s" => 1.0,
            // Seconds, but not behind hours: that would be minutes.
            "" if rest.len() == text.len() => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return Err(wrong()),
        };
        let time = Duration::try_from_secs_f64(number * factor).map_err(|_| wrong())?;
        all = all.saturating_add(time);
        if all > LONGEST {
            return Err(check(all).err().unwrap_or_default());
        }
        if next.is_empty() {
            return Ok(all);
        }
        rest = next;
    }
}

fn check(time: Duration) -> Result<Duration, String> {
    if time.is_zero() || time > LONGEST {
        return Err("a duration is longer than nothing and at most 100 days".to_owned());
    }
    Ok(time)
}

const LONGEST: Duration = Duration::from_hours(100 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("1.5m"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("7"), Ok(Duration::from_secs(7)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_mins(90)));
        assert_eq!(duration("3d"), Ok(Duration::from_hours(72)));
        assert_eq!(stretch("0s"), Ok(Duration::ZERO));
        for wrong in [
            "",
            "s",
            "0s",
            "-1s",
            "1w",
            "1e999",
            "99999999h",
            "ms",
            "1h30",
            "5 s",
            "1..5s",
            "1h-5m",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_row_can_be_set_and_reads_as_it_is_written() {
        for row in Thresholds::ALL {
            let default = row.of(&Thresholds::default());
            assert_eq!(row.parse(&default.to_string()), Ok(default), "{}", row.key);
            let other = ["3", "2"]
                .into_iter()
                .find_map(|text| row.parse(text).ok().filter(|it| *it != default))
                .unwrap_or_else(|| panic!("{}", row.key));
            let mut thresholds = Thresholds::default();
            row.set(&mut thresholds, other);
            let changed: Vec<_> = thresholds
                .changed()
                .map(|(it, value)| (it.key, value))
                .collect();
            assert_eq!(changed, [(row.key, other)]);
            let kind = matches!(
                (row.kind, default),
                (Kind::Time, Value::Time(_))
                    | (Kind::Count, Value::Count(_))
                    | (Kind::Percent, Value::Percent(_))
            );
            assert!(
                kind && row.parse("0").is_err() && row.parse("-1").is_err(),
                "{}",
                row.key
            );
        }
    }

    #[test]
    fn keys_are_different_and_written_alike() {
        let mut keys: Vec<_> = Thresholds::ALL.iter().map(|row| row.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), Thresholds::ALL.len());
        for row in Thresholds::ALL {
            let plain =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            assert!(row.key.bytes().all(plain), "{}", row.key);
            assert!(
                row.reason.trim_end().ends_with('.') && !row.help.ends_with('.'),
                "{}",
                row.key
            );
        }
    }

    #[test]
    fn counts_end_where_the_packets_kept_do() {
        let row = Thresholds::named("registration-turns").unwrap_or_else(|| panic!("no row"));
        assert_eq!(
            row.parse("101"),
            Err("a whole number from 1 to 100".to_owned())
        );
        let row = Thresholds::named("registration-refresh").unwrap_or_else(|| panic!("no row"));
        assert_eq!(row.parse("50%"), Ok(Value::Percent(50)));
        assert!(row.parse("101").is_err());
    }
}
