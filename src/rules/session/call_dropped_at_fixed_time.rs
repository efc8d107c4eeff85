//! `call-dropped-at-fixed-time`: several calls with one host ended after the same time, so a timer ends them (RFC 3261
//! §13.3.1.4, RFC 4028 §10).

use crate::capture::FrameNumber;
use crate::dialog::Talk;
use crate::hash::HashSet;
use crate::limits::MAX_FRAMES_SHOWN;
use crate::rules::{CaptureView, Finding, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::thresholds::Thresholds;
use crate::transaction::timers;
use std::cmp::Reverse;
use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "call-dropped-at-fixed-time",
    code: "DLG030",
    severity: Severity::Warning,
    guards: &[],
    judge: Judge::Capture(judge),
    words: include_str!("call_dropped_at_fixed_time.toml"),
};

/// A shorter session interval would end calls before anybody talks; RFC 4028 §5 allows none below 90 s.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(30);
/// How exactly one call has to meet a constant of the protocol.
const EXACT: Duration = Duration::from_millis(500);

fn judge(view: &CaptureView<'_>, found: &mut Vec<Finding>) {
    let mut clusters: Vec<(IpAddr, Vec<Talk>)> = Vec::new();
    // One call may be chance: a note, and only where it meets a constant of the protocol exactly.
    let mut exact: Vec<(IpAddr, Vec<(Talk, Constant)>)> = Vec::new();
    view.talk_times.each_host(|host, talks| {
        clusters.extend(cluster(talks, view.thresholds).map(|it| (host, it)));
        let constant = |it: &Talk| constant(it, EXACT, view.thresholds.t1);
        let own = talks.iter().filter(|it| it.from == host);
        let own: Vec<_> = own.filter_map(|it| Some((*it, constant(it)?))).collect();
        if !own.is_empty() {
            exact.push((host, own));
        }
    });
    // Of two hosts that had the same calls with each other, the one with more calls; then the one that hung up.
    clusters.sort_by_key(|(host, talks)| {
        let hung_up = talks.iter().filter(|it| it.from == *host).count();
        Reverse((talks.len(), hung_up))
    });
    let mut told: HashSet<FrameNumber> = HashSet::default();
    for (host, talks) in clusters {
        if talks.iter().all(|it| told.contains(&it.bye)) {
            continue;
        }
        told.extend(talks.iter().map(|it| it.bye));
        found.push(pattern(host, &talks, view.thresholds));
    }
    for (host, exact) in &exact {
        let mut exact = exact.iter().filter(|(it, _)| !told.contains(&it.bye));
        let Some((talk, constant)) = exact.next() else {
            continue;
        };
        let mut finding = finding(*host, std::slice::from_ref(talk))
            .severity(Severity::Info)
            .confidence(Confidence::Possible)
            .fact("constant", constant.name())
            .variant(Some("one-call"));
        finding.frames.extend(exact.map(|(it, _)| it.bye));
        finding.frames.sort_unstable();
        finding.frames.truncate(MAX_FRAMES_SHOWN);
        found.push(finding);
    }
}

/// The largest number of calls that ended after the same time and that few longer ones outlived.
fn cluster(talks: &[Talk], thresholds: &Thresholds) -> Option<Vec<Talk>> {
    let mut sorted: Vec<&Talk> = talks
        .iter()
        .filter(|it| it.time > thresholds.dropped_calls_shortest)
        .collect();
    sorted.sort_by_key(|it| (it.time, it.bye));
    let mut clusters = Vec::new();
    let mut end = 0;
    for (start, first) in sorted.iter().enumerate() {
        while sorted
            .get(end)
            .is_some_and(|it| it.time.saturating_sub(first.time) <= thresholds.dropped_calls_spread)
        {
            end += 1;
        }
        let count = end - start;
        // What a timer ends, nothing outlives: of the calls that got so far, most ended there.
        let most = 2 * count > sorted.len() - start;
        if count as u64 >= thresholds.dropped_calls && most {
            clusters.push(start..end);
        }
    }
    // Of the largest the shortest talks.
    clusters.sort_by_key(|it| (Reverse(it.len()), it.start));
    let mut clusters = clusters.into_iter().take(LOOKED_AT);
    let cluster = clusters.find(|it| !may_be_chance(&sorted, it, thresholds))?;
    Some(sorted.get(cluster)?.iter().map(|it| **it).collect())
}

/// Clusters of one host that are looked at, the largest first: each is compared with all calls.
const LOOKED_AT: usize = 32;

/// How likely it may be that people ended those calls so: healthy captures are searched at many moments.
const CHANCE: f64 = 0.001;
/// Of how many values that limits are set to, a cluster may by chance be at one.
const ROUND_MOMENTS: f64 = 3.0;
/// How much of the time before a cluster is compared with it, in multiples of its largest spread.
const BEFORE: u32 = 5;

/// Whether calls that people end when they please may have ended as the cluster did. `sorted` are the calls by talk time.
fn may_be_chance(sorted: &[&Talk], cluster: &Range<usize>, thresholds: &Thresholds) -> bool {
    let in_cluster = sorted.get(cluster.clone()).unwrap_or_default();
    let (Some(first), Some(last)) = (in_cluster.first(), in_cluster.last()) else {
        return true;
    };
    if common_constant(in_cluster, thresholds).is_some() {
        return false;
    }
    // How often a call ends by itself, by what they did at all other times: there are few, so one more is added.
    let outside = |it: &&Talk| it.time.min(first.time) + it.time.saturating_sub(last.time);
    let others = number(sorted.len() - in_cluster.len() + 1);
    let by_itself = rate(others, sorted.iter().map(outside).sum());
    // Or by what they did shortly before: talks that are much the same end at much the same time.
    let shortly = (first.time).saturating_sub(thresholds.dropped_calls_spread * BEFORE);
    let before = |it: &&Talk| it.time.min(first.time).saturating_sub(shortly);
    let just_ended = sorted.get(..cluster.start).unwrap_or_default();
    let just_ended = just_ended.iter().filter(|it| it.time >= shortly).count();
    let nearby = rate(number(just_ended), sorted.iter().map(before).sum());
    let span = last.time.saturating_sub(first.time).as_secs_f64();
    let ends_within = 1.0 - (-by_itself.max(nearby) * span).exp();
    // Chernoff's bound of the chance that so many of the calls that were left end together with the first one.
    let left = number(sorted.len() - cluster.start).max(2.0) - 1.0;
    let share = number(in_cluster.len() - 1) / left;
    let chance = if share <= ends_within {
        1.0
    } else {
        let part = |share: f64, of: f64| {
            if share > 0.0 {
                share * (share / of).ln()
            } else {
                0.0
            }
        };
        (-left * (part(share, ends_within) + part(1.0 - share, 1.0 - ends_within))).exp()
    };
    // Any moment that limits are not set to is one of as many as there are calls.
    let moments = if is_round(in_cluster, thresholds) {
        ROUND_MOMENTS
    } else {
        number(sorted.len())
    };
    chance * moments > CHANCE
}

/// How many times a second something happens that happened so often in a time.
fn rate(count: f64, time: Duration) -> f64 {
    count / time.as_secs_f64().max(f64::MIN_POSITIVE)
}

fn number(count: usize) -> f64 {
    u32::try_from(count).unwrap_or(u32::MAX).into()
}

/// The constant of the protocol that all of them meet.
fn common_constant(talks: &[&Talk], thresholds: &Thresholds) -> Option<Constant> {
    let either_side = thresholds.dropped_calls_spread / 2;
    let mut constants = (talks.iter()).map(|it| constant(it, either_side, thresholds.t1));
    let first = constants.next()??;
    constants.all(|other| other == Some(first)).then_some(first)
}

/// Whether they ended after a time that people set limits to.
fn is_round(talks: &[&Talk], thresholds: &Thresholds) -> bool {
    let either_side = thresholds.dropped_calls_spread / 2;
    let near = |talk: &&Talk| {
        (ROUND.iter())
            .any(|seconds| talk.time.abs_diff(Duration::from_secs(*seconds)) <= either_side)
    };
    talks.get(talks.len() / 2).is_some_and(near)
}

fn pattern(host: IpAddr, talks: &[Talk], thresholds: &Thresholds) -> Finding {
    let all: Vec<&Talk> = talks.iter().collect();
    let constant = common_constant(&all, thresholds);
    // Callers that hang up alike are machines that call: a dialer, a test.
    let machines =
        talks.iter().all(|it| it.by_caller) && constant.is_none() && !is_round(&all, thresholds);
    let severity = if machines {
        Severity::Info
    } else {
        Severity::Warning
    };
    let variant = match constant {
        Some(Constant::NoAck) => Some("no-ack"),
        Some(_) => Some("session-timer"),
        None => None,
    };
    finding(host, talks)
        .severity(severity)
        .confidence(Confidence::Likely)
        .fact("constant", constant.map_or("", Constant::name))
        .variant(variant)
}

fn finding(host: IpAddr, talks: &[Talk]) -> Finding {
    let began = talks.iter().map(|it| it.ended).min();
    let enders: HashSet<IpAddr> = talks.iter().map(|it| it.from).collect();
    let middle = talks.get(talks.len() / 2);
    let others: HashSet<IpAddr> = talks.iter().map(|it| it.other).collect();
    let one = |hosts: &HashSet<IpAddr>| match hosts.len() {
        1 => hosts.iter().next().map(ToString::to_string),
        _ => None,
    };
    let mut finding = Finding::of_capture(&RULE, began.unwrap_or(crate::time::Timestamp::MIN))
        .fact("src", host.to_string())
        .fact("calls", talks.len())
        .fact("talk", middle.map_or(Duration::ZERO, |it| it.time))
        .fact_if("hung_up", one(&enders))
        .fact_if("peer", one(&others));
    finding.frames = talks
        .iter()
        .map(|it| it.bye)
        .take(MAX_FRAMES_SHOWN)
        .collect();
    finding.frames.sort_unstable();
    finding
}

/// A moment at which the protocol itself ends calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Constant {
    /// The callee got no ACK (RFC 3261 §13.3.1.4).
    NoAck,
    /// The refresh failed (RFC 4028 §7.2).
    HalfInterval,
    /// The refresh did not come (RFC 4028 §10).
    BeforeInterval,
    /// The session interval.
    Interval,
}

impl Constant {
    const fn name(self) -> &'static str {
        match self {
            Self::NoAck => "64*T1",
            Self::HalfInterval => "SE/2",
            Self::BeforeInterval => "SE - min(32, SE/3)",
            Self::Interval => "SE",
        }
    }
}

/// Which constant a talk time meets.
fn constant(talk: &Talk, tolerance: Duration, t1: Duration) -> Option<Constant> {
    let near = |moment: Duration| talk.time.abs_diff(moment) <= tolerance;
    if let Some(interval) = talk.interval.filter(|it| *it >= SHORTEST_INTERVAL) {
        let margin = Duration::from_secs(32).min(interval / 3);
        let moments = [
            (interval / 2, Constant::HalfInterval),
            (interval.saturating_sub(margin), Constant::BeforeInterval),
            (interval, Constant::Interval),
        ];
        if let Some((_, constant)) = moments.into_iter().find(|(moment, _)| near(*moment)) {
            return Some(constant);
        }
    }
    let no_ack = t1 * timers::TIMEOUT_FACTOR;
    // Half a minute is a limit that somebody set.
    let nearer = |seconds: &u64| talk.time.abs_diff(Duration::from_secs(*seconds));
    let is_round = ROUND
        .iter()
        .any(|it| nearer(it) < talk.time.abs_diff(no_ack));
    (!talk.by_caller && near(no_ack) && !is_round).then_some(Constant::NoAck)
}

/// Seconds to which limits, idle timers of firewalls and RTP timeouts are set.
const ROUND: &[u64] = &[
    30, 60, 90, 120, 180, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 14_400,
];
