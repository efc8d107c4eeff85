//! What a user wants of findings by name: not to be told them, or to have them judged otherwise. Applied to what was found
//! before anybody sees it, and counted.

use super::{Finding, FindingId, RULES, Rule, dialog};
use crate::severity::Severity;
use std::collections::BTreeMap;
use std::fmt;

/// A finding as a user names it: `auth-loop` or `SEC002`, of status codes `status-486` or `DLG486`, or all of them as `status`.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    rule: &'static Rule,
    status: Option<u64>,
}

impl Named {
    /// The finding with that name or code, in any case.
    ///
    /// # Errors
    /// When there is none, with the name that comes nearest.
    pub fn parse(name_or_code: &str) -> Result<Self, UnknownFinding> {
        let wanted = name_or_code.trim().to_ascii_lowercase();
        let rule = RULES
            .iter()
            .copied()
            .find(|rule| rule.name == wanted || rule.code.eq_ignore_ascii_case(&wanted));
        if let Some(rule) = rule {
            return Ok(Self { rule, status: None });
        }
        let prefix = dialog::status::RULE.code.to_ascii_lowercase();
        let code = wanted
            .strip_prefix("status-")
            .or_else(|| wanted.strip_prefix(&prefix));
        // Provisional responses and successes are no findings.
        match code.and_then(|code| code.parse().ok()) {
            Some(status @ 300..700) => Ok(Self {
                rule: &dialog::status::RULE,
                status: Some(status),
            }),
            _ => Err(UnknownFinding {
                nearest: nearest(&wanted),
                given: name_or_code.to_owned(),
            }),
        }
    }

    /// The rule that raises it.
    pub const fn rule(&self) -> &'static Rule {
        self.rule
    }

    /// Whether a finding is the one, or one of those, that it names.
    pub fn is(&self, finding: &Finding) -> bool {
        finding.rule.name == self.rule.name
            && (self.status.is_none() || self.status == finding.status)
    }

    fn is_same(&self, other: &Self) -> bool {
        self.rule.name == other.rule.name && self.status == other.status
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "{}-{status}", self.rule.name),
            None => f.write_str(self.rule.name),
        }
    }
}

/// No finding has that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFinding {
    /// What was given.
    pub given: String,
    /// What may have been meant; `None` when nothing comes near.
    pub nearest: Option<&'static str>,
}

impl UnknownFinding {
    /// What to do instead.
    pub fn help(&self) -> String {
        match self.nearest {
            _ if self.is_status() => "status-NNN has a response code from 300 to 699".to_owned(),
            Some(name) => format!("did you mean \"{name}\"?"),
            None => "sipdiag findings lists them".to_owned(),
        }
    }

    fn is_status(&self) -> bool {
        self.given.to_ascii_lowercase().starts_with("status-")
    }
}

impl fmt::Display for UnknownFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no finding \"{}\"", self.given)
    }
}

impl std::error::Error for UnknownFinding {}

fn nearest(wanted: &str) -> Option<&'static str> {
    crate::text::nearest(wanted, RULES.iter().map(|rule| rule.name))
}

/// What is not told, and what is judged otherwise than its rule does.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    silenced: Vec<Named>,
    severities: Vec<(Named, Severity)>,
}

/// What a policy did, by the names of the findings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// What was not told.
    pub silenced: BTreeMap<String, u64>,
    /// What has another severity than its rule gave it.
    pub changed: BTreeMap<String, u64>,
}

impl Policy {
    /// Says nothing of these findings.
    pub fn silence(&mut self, named: Named) {
        self.silenced.push(named);
    }

    /// Gives these findings another severity. False when they have one from before, which stays.
    pub fn judge(&mut self, named: Named, severity: Severity) -> bool {
        let is_new = !self.severities.iter().any(|(it, _)| it.is_same(&named));
        if is_new {
            self.severities.push((named, severity));
        }
        is_new
    }

    /// The severity that a finding is to have; what names one code goes before what names all.
    fn severity_of(&self, finding: &Finding) -> Option<Severity> {
        self.severities
            .iter()
            .filter(|(named, _)| named.is(finding))
            .max_by_key(|(named, _)| named.status.is_some())
            .map(|(_, severity)| *severity)
    }

    /// Takes the silenced findings out of what was found, and gives others their severity. What a silenced finding explained,
    /// also among the `earlier` ones, stands for itself, or is explained by what explained the silenced one.
    pub fn apply(&self, found: &mut Vec<Finding>, earlier: &mut [Finding], applied: &mut Applied) {
        if self.silenced.is_empty() && self.severities.is_empty() {
            return;
        }
        let mut causes: BTreeMap<FindingId, Option<FindingId>> = BTreeMap::new();
        found.retain(|finding| {
            let silenced = self.silenced.iter().any(|named| named.is(finding));
            if silenced {
                causes.insert(finding.id, finding.consequence_of);
                count(&mut applied.silenced, finding);
            }
            !silenced
        });
        if !causes.is_empty() {
            for finding in found.iter_mut().chain(earlier) {
                while let Some(silenced) = finding.consequence_of.and_then(|id| causes.get(&id)) {
                    finding.consequence_of = *silenced;
                }
            }
        }
        for finding in found {
            let Some(severity) = self.severity_of(finding) else {
                continue;
            };
            // The guards still hold: what came right is a note, and what is told only so far no more than a warning.
            let severity = match finding {
                Finding {
                    came_right: true, ..
                } => finding.severity.min(severity),
                Finding { so_far: true, .. } => {
                    severity.min(finding.severity.max(Severity::Warning))
                }
                _ => severity,
            };
            if severity != finding.severity {
                count(&mut applied.changed, finding);
                finding.severity_was = Some(finding.severity);
                finding.severity = severity;
            }
        }
    }
}

fn count(counts: &mut BTreeMap<String, u64>, finding: &Finding) {
    *counts.entry(finding.name().into_owned()).or_default() += 1;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn named(name: &str) -> Named {
        Named::parse(name).unwrap_or_else(|it| panic!("{it}"))
    }

    fn finding(name: &str, id: u64, cause: Option<u64>) -> Finding {
        let named = named(name);
        let mut finding = Finding::of_capture(named.rule, Timestamp::MIN);
        finding.id = FindingId(id);
        finding.status = named.status;
        finding.consequence_of = cause.map(FindingId);
        finding
    }

    #[test]
    fn findings_have_names_and_codes() {
        assert_eq!(named("auth-loop").to_string(), "auth-loop");
        assert_eq!(named(auth_loop_code()).to_string(), "auth-loop");
        assert_eq!(named("DLG486").to_string(), "status-486");
        assert_eq!(named("Status-503").to_string(), "status-503");
        assert_eq!(named("status").to_string(), "status");
        for wrong in ["", "status-", "status-200", "status-1000", "nonsense"] {
            assert!(Named::parse(wrong).is_err(), "{wrong}");
        }
        let error = Named::parse("auth-lop").map_err(|it| it.nearest);
        assert_eq!(error.err(), Some(Some("auth-loop")));
    }

    fn auth_loop_code() -> &'static str {
        super::super::find("auth-loop").map_or("", |rule| rule.code)
    }

    #[test]
    fn what_a_silenced_finding_explained_stands_for_itself() {
        let mut policy = Policy::default();
        policy.silence(named("icmp-unreachable"));
        let mut found = vec![
            finding("udp-fragments-lost", 1, None),
            finding("icmp-unreachable", 2, Some(1)),
            finding("invite-no-response", 3, Some(2)),
        ];
        let mut earlier = [finding("status-408", 4, Some(2))];
        let mut applied = Applied::default();
        policy.apply(&mut found, &mut earlier, &mut applied);
        let left: Vec<_> = found
            .iter()
            .map(|it| (it.id.0, it.consequence_of))
            .collect();
        assert_eq!(left, [(1, None), (3, Some(FindingId(1)))]);
        assert_eq!(earlier.map(|it| it.consequence_of), [Some(FindingId(1))]);
        assert_eq!(
            applied.silenced,
            [("icmp-unreachable".to_owned(), 1)].into()
        );
    }

    #[test]
    fn a_code_goes_before_all_codes_and_guards_go_before_both() {
        let mut policy = Policy::default();
        assert!(policy.judge(named("status-486"), Severity::Info));
        assert!(policy.judge(named("status"), Severity::Error));
        assert!(!policy.judge(named("DLG486"), Severity::Error));
        let mut right = finding("status-503", 3, None);
        right.came_right = true;
        right.severity = Severity::Info;
        let mut early = finding("status-504", 4, None);
        early.so_far = true;
        early.severity = Severity::Warning;
        let mut found = vec![
            finding("status-486", 1, None),
            finding("status-404", 2, None),
            right,
            early,
        ];
        found
            .iter_mut()
            .take(2)
            .for_each(|it| it.severity = Severity::Warning);
        let mut applied = Applied::default();
        policy.apply(&mut found, &mut [], &mut applied);
        let severities: Vec<_> = found.iter().map(|it| it.severity).collect();
        assert_eq!(
            severities,
            [
                Severity::Info,
                Severity::Error,
                Severity::Info,
                Severity::Warning
            ]
        );
        assert_eq!(
            applied.changed.keys().collect::<Vec<_>>(),
            ["status-404", "status-486"]
        );
    }
}
