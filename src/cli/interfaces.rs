//! `sipdiag interfaces`: what there is to listen on.

use super::environment::Environment;

#[cfg(feature = "live")]
pub(super) fn run(environment: &Environment) -> anyhow::Result<u8> {
    use crate::capture::{interfaces, may_capture};
    use crate::report::{empty_table, printed};

    let catalogue = environment.catalogue;
    let mut table = empty_table(environment.width);
    table.set_header(
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
            addresses.join(catalogue.word("comma")),
        ]);
    }
    let page = printed(&table);
    let may = if may_capture() {
        "may_capture"
    } else {
        "may_not_capture"
    };
    environment.show(format!("{page}\n{}\n", catalogue.word(may)))
}

#[cfg(not(feature = "live"))]
pub(super) fn run(_environment: &Environment) -> anyhow::Result<u8> {
    Err(super::errors::WrongUse {
        headline: "this sipdiag was built without libpcap and cannot listen".to_owned(),
        help: Some("build it with the feature `live`, which is on by default".to_owned()),
    }
    .into())
}
