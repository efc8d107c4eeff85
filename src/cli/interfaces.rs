//! `sipdiag interfaces`: what there is to listen on.

use super::environment::Environment;

#[cfg(feature = "live")]
pub(super) fn run(environment: &Environment) -> anyhow::Result<u8> {
    use super::output::Output;
    use crate::capture::{interfaces, may_capture};
    use comfy_table::{ContentArrangement, Table, presets};
    use std::io::Write;

    let catalogue = environment.catalogue;
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(u16::try_from(environment.width).unwrap_or(u16::MAX))
        .set_header(
            ["column_interface", "column_state", "column_addresses"].map(|key| catalogue.word(key)),
        );
    for interface in interfaces()? {
        let addresses: Vec<_> = interface
            .addresses
            .iter()
            .map(ToString::to_string)
            .collect();
        let state = if interface.up {
            "interface_up"
        } else {
            "interface_down"
        };
        table.add_row([
            interface.name,
            catalogue.word(state).to_owned(),
            addresses.join(", "),
        ]);
    }
    let mut out = Output::open(None)?;
    for line in table.to_string().lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    let may = if may_capture() {
        "may_capture"
    } else {
        "may_not_capture"
    };
    writeln!(out, "\n{}", catalogue.word(may))?;
    out.commit()?;
    Ok(0)
}

#[cfg(not(feature = "live"))]
pub(super) fn run(_environment: &Environment) -> anyhow::Result<u8> {
    Err(super::errors::WrongUse {
        headline: "this sipdiag was built without libpcap and cannot listen".to_owned(),
        help: Some("build it with the feature `live`, which is on by default".to_owned()),
    }
    .into())
}
