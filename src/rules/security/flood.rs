//! `flood`: more requests in vain than any client makes (FINDINGS section 12: good calls do not count).

use super::{about, is_relay, judge_each_host};
use crate::dialog::sources::Source;
use crate::rules::{Finding, Guard, Judge, Rule};
use crate::severity::{Confidence, Severity};
use crate::thresholds::Thresholds;
use std::net::IpAddr;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "flood",
    code: "SEC045",
    severity: Severity::Warning,
    guards: &[Guard::OneWay],
    judge: Judge::Capture(judge),
    words: include_str!("flood.toml"),
};

judge_each_host!();

pub(super) fn of_source(host: IpAddr, source: &Source, thresholds: &Thresholds) -> Option<Finding> {
    // Proxies and trunks carry the requests of many, and what most of them get through is no flood.
    if is_relay(source) || source.vain() <= source.good {
        return None;
    }
    let told = |peak: u64| {
        let finding = about(&RULE, host, source, &source.proof);
        let target = source.target();
        finding
            .fact("peak", peak)
            .fact("method", source.kind().name())
            .fact("requests", source.vain())
            .fact("refused", source.refused)
            .fact("unanswered", source.silent + source.unheard)
            .fact("open", source.open)
            .fact("good", source.good)
            .fact_if(
                "dst",
                target.map(|(it, several)| {
                    if several {
                        format!("{it}, …")
                    } else {
                        it.to_string()
                    }
                }),
            )
    };
    match source.rate.peak() {
        Some((_, peak)) if peak > thresholds.flood_error => {
            Some(told(peak).severity(Severity::Error))
        }
        Some((_, peak)) if peak > thresholds.flood_warning => Some(told(peak)),
        // Of a host that is never heard one cannot say whether it is down: clients without an answer try again.
        _ => source
            .unheard_rate
            .peak()
            .filter(|(_, peak)| *peak > thresholds.flood_error)
            .map(|(_, peak)| told(peak).confidence(Confidence::Possible)),
    }
}
