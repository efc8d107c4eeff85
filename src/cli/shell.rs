//! `sipdiag completions` and `sipdiag man`: from the definition of the command line itself.

use super::args::CompletionsOptions;
use super::output::Output;

pub(super) fn completions(options: &CompletionsOptions) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut super::command(), "sipdiag", &mut script);
    write(&script)
}

pub(super) fn man() -> anyhow::Result<u8> {
    let mut page = Vec::new();
    clap_mangen::Man::new(super::command()).render(&mut page)?;
    for subcommand in super::command().get_subcommands() {
        if subcommand.get_name() == "help" {
            continue;
        }
        // The options of each command, as sections of the one page.
        let title = format!("SIPDIAG {}", subcommand.get_name().to_uppercase());
        page.extend_from_slice(format!(".SH \"{title}\"\n").as_bytes());
        let man = clap_mangen::Man::new(subcommand.clone());
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    write(&page)
}

fn write(bytes: &[u8]) -> anyhow::Result<u8> {
    use std::io::Write;
    let mut out = Output::open(None)?;
    out.write_all(bytes)?;
    out.commit()?;
    Ok(0)
}
