//! `sipdiag completions` and `sipdiag man`: from the definition of the command line itself.

use super::args::CompletionsOptions;
use super::output::Output;

pub(super) fn completions(options: &CompletionsOptions) -> anyhow::Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut super::command(), "sipdiag", &mut script);
    write(&script)
}

/// One page for the program and all its commands.
pub(super) fn man() -> anyhow::Result<u8> {
    let mut page = Vec::new();
    let program = super::command();
    let whole = clap_mangen::Man::new(program.clone());
    whole.render_title(&mut page)?;
    whole.render_name_section(&mut page)?;
    page.extend_from_slice(EXAMPLES.as_bytes());
    whole.render_description_section(&mut page)?;
    whole.render_options_section(&mut page)?;
    for command in program.get_subcommands() {
        let name = command.get_name();
        if name == "help" {
            continue;
        }
        // The options of each command, as sections of the one page.
        page.extend_from_slice(format!(".SH \"SIPDIAG {}\"\n", name.to_uppercase()).as_bytes());
        let mut described = command.clone();
        let usage = described.render_usage().to_string();
        page.extend_from_slice(format!("{}\n.PP\n", usage.replace('-', "\\-")).as_bytes());
        let man = clap_mangen::Man::new(described);
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    page.extend_from_slice(ENDING.as_bytes());
    write(&page)
}

const EXAMPLES: &str = r#".SH EXAMPLES
.nf
sipdiag read trace.pcap
sipdiag live eth0 \-f 'port 5060'
sipdiag read \-\-format ndjson trace.pcap | jq 'select(.record=="finding")'
sipdiag explain 401 auth\-loop timer\-b
sipdiag compare 480 408
.fi
"#;

const ENDING: &str = r#".SH "EXIT STATUS"
.TP
.B 0
It ran, whatever it found. A closed pipe is success.
.TP
.B 1
\-\-fail\-on was met.
.TP
.B 2
The command line is wrong, or nothing matches.
.TP
.B 3
The input or the interface cannot be used, or the output cannot be written.
.TP
.B 4
The input was damaged or cut: what could be read was reported, and the damage too.
.SH ENVIRONMENT
.TP
.B LC_ALL, LC_MESSAGES, LANG
The language of the words, unless \-\-lang says it: the first that is set decides.
.TP
.B NO_COLOR
No colours, unless \-\-color says otherwise.
.TP
.B COLUMNS
The width of the report where stdout is no terminal.
"#;

fn write(bytes: &[u8]) -> anyhow::Result<u8> {
    use std::io::Write;
    let mut out = Output::open(None)?;
    out.write_all(bytes)?;
    out.commit()?;
    Ok(0)
}
