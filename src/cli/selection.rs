//! The options that choose calls, the same for every command that reads captures.

use super::args::SeverityName;
use super::errors::WrongUse;
use crate::limits::MAX_PATTERNS;
use crate::selection::{Codes, FindingPattern, Glob, HostPattern, Moment, Selection};
use crate::severity::Severity;
use clap::Args;

/// Different ones must all be met, of the same one repeated one is enough.
#[derive(Debug, Args)]
#[command(
    next_help_heading = "Selection: whole calls that meet all of these; * and ? are wildcards"
)]
pub(super) struct SelectionOptions {
    /// Calls with a warning or an error
    #[arg(long)]
    problems: bool,
    /// Call-ID
    #[arg(long, value_name = "ID")]
    call_id: Vec<Glob>,
    /// Who calls: sip:alice@example.com, alice@example.com, alice, '+1202*'
    #[arg(long, value_name = "WHO")]
    from: Vec<Glob>,
    /// Who is called
    #[arg(long, value_name = "WHO")]
    to: Vec<Glob>,
    /// User in From, To or Request-URI
    #[arg(long, value_name = "USER")]
    user: Vec<Glob>,
    /// 192.0.2.1, 192.0.2.1:5060, 192.0.2.0/24, or a name in From, To or Request-URI: '*.example.com'
    #[arg(long, value_name = "HOST")]
    host: Vec<HostPattern>,
    /// With a request of this method
    #[arg(long, value_name = "METHOD", value_delimiter = ',')]
    method: Vec<Glob>,
    /// With a response of this code: 401, 4xx, 500-599
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    code: Vec<Codes>,
    /// With this finding: a name or code such as auth-loop, 'auth-*', DLG486
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    finding: Vec<FindingPattern>,
    /// With a finding of this severity
    #[arg(long, value_name = "SEVERITY", value_delimiter = ',')]
    severity: Vec<SeverityName>,
    /// Under way at this time or later: 2026-11-21T14:05:00Z, 14:05 (UTC, the capture's first day), 90s (since its start)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<Moment>,
    /// Under way at this time or earlier
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<Moment>,
}

impl SelectionOptions {
    /// What they ask for.
    ///
    /// # Errors
    /// When there are too many of one.
    pub(super) fn selection(&self) -> Result<Selection, WrongUse> {
        let selection = Selection {
            call_ids: self.call_id.clone(),
            from: self.from.clone(),
            to: self.to.clone(),
            users: self.user.clone(),
            hosts: self.host.clone(),
            methods: self.method.clone(),
            codes: self.code.clone(),
            findings: self.finding.clone(),
            severities: self.severity.iter().copied().map(Severity::from).collect(),
            problems: self.problems,
            since: self.since.clone(),
            until: self.until.clone(),
            redactor: None,
        };
        let many = [
            selection.call_ids.len(),
            selection.from.len(),
            selection.to.len(),
            selection.users.len(),
            selection.hosts.len(),
            selection.methods.len(),
            selection.codes.len(),
            selection.findings.len(),
        ];
        if many.iter().any(|count| *count > MAX_PATTERNS) {
            return Err(WrongUse {
                headline: format!("more than {MAX_PATTERNS} patterns of one kind"),
                help: Some(
                    "wildcards say more with less: --call-id '*@sbc1.example.com'".to_owned(),
                ),
            });
        }
        Ok(selection)
    }
}
