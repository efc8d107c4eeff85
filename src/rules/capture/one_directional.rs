//! `capture-one-directional`: answers existed that the capture does not have (guard G-1WAY).

use crate::rules::{CallView, Finding, Judge, Rule};
use crate::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    name: "capture-one-directional",
    code: "CAP008",
    severity: Severity::Info,
    judge: Judge::Call(judge),
    words: include_str!("one_directional.toml"),
};

fn judge(view: &CallView<'_>, found: &mut Vec<Finding>) {
    let mut pairs = Vec::new();
    for transaction in &view.call.transactions {
        let pair = (transaction.flow.src.ip(), transaction.flow.dst.ip());
        if !pairs.contains(&pair)
            && view.call.response_is_implied(transaction)
            && view.is_one_directional(transaction)
        {
            pairs.push(pair);
            found.push(
                Finding::of(&RULE, transaction)
                    .fact("src", pair.0.to_string())
                    .fact("dst", pair.1.to_string()),
            );
        }
    }
}
