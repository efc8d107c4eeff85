//! The options that choose calls, the same for every command that reads captures.

use super::complete;
use super::errors::WrongUse;
use super::values;
use crate::limits::MAX_PATTERNS;
use crate::selection::{Codes, FindingPattern, Glob, HostPattern, Moment, Selection, party, user};
use crate::severity::Severity;
use clap::Args;
use clap_complete::engine::ArgValueCompleter;

/// What stands above them: a word, and what they have in common.
pub(super) const HEADING: &str =
    "Selection (whole calls that meet all of these; * and ? are wildcards)";

/// Different ones must all be met, of the same one repeated one is enough.
#[derive(Debug, Args)]
#[command(next_help_heading = HEADING)]
pub(super) struct SelectionOptions {
    /// Calls with a warning or an error
    #[arg(long)]
    problems: bool,
    /// Call-ID, in upper and lower case as it is
    ///
    /// Repeatable; commas belong to it.
    #[arg(long, value_name = "ID", value_parser = Glob::of_call_id)]
    call_id: Vec<Glob>,
    /// Who calls: alice, alice@example.com, '+1202*'
    ///
    /// A list is divided by commas, and so are those of the other options here but --call-id. A URI is taken as it stands in
    /// a message: sip:alice@example.com.
    #[arg(long, value_name = "WHO", value_delimiter = ',', value_parser = party)]
    from: Vec<Glob>,
    /// Who is called
    #[arg(long, value_name = "WHO", value_delimiter = ',', value_parser = party)]
    to: Vec<Glob>,
    /// User in From, To or Request-URI
    #[arg(long, value_name = "USER", value_delimiter = ',', value_parser = user, hide_short_help = true)]
    user: Vec<Glob>,
    /// 192.0.2.1:5060, 192.0.2.0/24, '*.example.com'
    ///
    /// An address, with or without a port, a network, or a name in From, To or Request-URI.
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    host: Vec<HostPattern>,
    /// With a request of this method
    #[arg(long, value_name = "METHOD", value_delimiter = ',', add = ArgValueCompleter::new(complete::methods))]
    method: Vec<Glob>,
    /// With a response of this code: 401, 4xx, 500-599
    ///
    /// Or 48*.
    #[arg(long, value_name = "CODE", value_delimiter = ',', add = ArgValueCompleter::new(complete::code_patterns))]
    code: Vec<Codes>,
    /// With this finding: auth-loop, 'auth-*', DLG486
    #[arg(long, value_name = "NAME", value_delimiter = ',', add = ArgValueCompleter::new(complete::findings))]
    finding: Vec<FindingPattern>,
    /// With a finding of this severity
    #[arg(
        long,
        value_name = "SEVERITY",
        value_parser = values::severity(),
        ignore_case = true,
        value_delimiter = ',',
        hide_short_help = true
    )]
    severity: Vec<Severity>,
    /// Under way then or later: 14:05, or 90s (after start)
    ///
    /// 2026-11-21T14:05:00Z, 2026-11-21, 14:05 (UTC, the first behind the capture's start or less than 12 h before it), or 90s
    /// (since its start).
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<Moment>,
    /// Under way then or earlier
    ///
    /// A time of day is the first behind --since.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<Moment>,
}

impl SelectionOptions {
    /// What they ask for.
    ///
    /// # Errors
    /// When there are too many of one, or nothing can meet all of them.
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
            severities: self.severity.clone(),
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
        if let Some(headline) = selection.contradiction() {
            return Err(WrongUse {
                headline,
                help: Some("over midnight, give the date too: --until 2026-11-22T00:05".to_owned()),
            });
        }
        Ok(selection)
    }
}
