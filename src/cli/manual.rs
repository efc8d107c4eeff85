//! The man pages: one for the program, one for each command, from the definition of the command line.

use super::selection::HEADING;
use clap::Command;
use clap_mangen::Man;
use std::io;

/// Every page by its name, such as `sipdiag-read`; the program's own comes first.
///
/// # Errors
/// Never in memory; it is the writer's type.
pub(super) fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut program = super::command();
    program.build();
    let names: Vec<_> = commands(&program).map(page_name).collect();
    let mut pages = vec![("sipdiag".to_owned(), page(&program, &names)?)];
    for command in commands(&program) {
        pages.push((page_name(command), page(command, &names)?));
    }
    Ok(pages)
}

/// The commands that have a page.
fn commands(program: &Command) -> impl Iterator<Item = &Command> {
    (program.get_subcommands()).filter(|it| it.get_name() != "help" && !it.is_hide_set())
}

fn page_name(command: &Command) -> String {
    format!("sipdiag-{}", command.get_name())
}

fn page(command: &Command, others: &[String]) -> io::Result<Vec<u8>> {
    let is_program = command.get_name() == "sipdiag";
    let name = if is_program {
        "sipdiag".to_owned()
    } else {
        page_name(command)
    };
    let examples = (command.get_before_help()).map(ToString::to_string);
    // Headings of a manual are short; what stands behind the colon goes below. And a manual hides nothing.
    let (heading, below) = HEADING.split_once(": ").unwrap_or((HEADING, ""));
    let described = (command.clone()).mut_args(|argument| {
        let argument = argument.hide_short_help(false);
        match argument.get_help_heading() {
            Some(HEADING) => argument.help_heading(heading),
            _ => argument,
        }
    });
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim().to_owned();
    let man = Man::new(described.display_name(&name).override_usage(usage));
    let version = env!("CARGO_PKG_VERSION");
    let mut text =
        format!(".TH {name} 1 \"\" \"sipdiag {version}\" \"User Commands\"\n").into_bytes();
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    if let Some(examples) = examples {
        section(&mut text, "EXAMPLES");
        text.extend_from_slice(b".nf\n");
        for line in examples.lines() {
            text.extend_from_slice(escaped(line.trim()).as_bytes());
            text.push(b'\n');
        }
        text.extend_from_slice(b".fi\n");
    }
    man.render_description_section(&mut text)?;
    if is_program {
        section(&mut text, "COMMANDS");
        for command in commands(command) {
            let about = command.get_about().map(ToString::to_string);
            let page = escaped(&page_name(command));
            let line = format!(
                ".TP\n.BR {page} (1)\n{}\n",
                escaped(&about.unwrap_or_default())
            );
            text.extend_from_slice(line.as_bytes());
        }
    }
    let mut options = Vec::new();
    man.render_options_section(&mut options)?;
    let heading = format!(".SH {}\n", heading.to_uppercase());
    let options = String::from_utf8_lossy(&options).replacen(
        &heading,
        &format!("{heading}Options for {}.\n", escaped(below)),
        1,
    );
    text.extend_from_slice(options.as_bytes());
    let reads = matches!(command.get_name(), "sipdiag" | "read" | "live" | "flow");
    section(&mut text, "EXIT STATUS");
    for (status, of_reading, meaning) in STATUS {
        if reads || !of_reading {
            text.extend_from_slice(format!(".TP\n.B {status}\n{meaning}\n").as_bytes());
        }
    }
    if reads {
        text.extend_from_slice(FILES.as_bytes());
    }
    text.extend_from_slice(ENVIRONMENT.as_bytes());
    section(&mut text, "SEE ALSO");
    let mut see: Vec<_> = (["sipdiag".to_owned()].iter().chain(others))
        .filter(|other| **other != name)
        .map(|other| format!(".BR {} (1)", escaped(other)))
        .collect();
    if reads {
        see.extend(
            [
                ".BR tcpdump (1)",
                ".BR wireshark (1)",
                ".BR pcap\\-filter (7)",
            ]
            .map(str::to_owned),
        );
    }
    text.extend_from_slice(see.join(",\n").as_bytes());
    text.push(b'\n');
    Ok(text)
}

fn section(text: &mut Vec<u8>, name: &str) {
    text.extend_from_slice(format!(".SH \"{name}\"\n").as_bytes());
}

/// A line as roff takes it word by word.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    // Quotes of examples are to be typed, and stay straight.
    let line = line.replace('\'', "\\(aq");
    if line.starts_with('.') {
        format!("\\&{line}")
    } else {
        line
    }
}

/// Each status, whether only reading has it, and what it means.
const STATUS: [(u8, bool, &str); 5] = [
    (
        0,
        false,
        "It ran, whatever it found. A closed pipe, and a pager that is left early, are success.",
    ),
    (1, true, "\\-\\-fail\\-on was met."),
    (2, false, "The command line is wrong, or nothing matches."),
    (
        3,
        false,
        "The input or the interface cannot be used, or the output cannot be written.",
    ),
    (
        4,
        true,
        "The input was damaged or cut, and what could be read was reported, and the damage too; or an interface went away; or Ctrl\\-C ended \
         the reading before the input ended, and what was read was reported. Whatever \\-\\-fail\\-on says.",
    ),
];

const FILES: &str = r".SH FILES
.TP
.I $XDG_CONFIG_HOME/sipdiag/config.toml
Thresholds, severities, silenced findings and names for hosts, unless \-\-config names another file; without XDG_CONFIG_HOME
.IR ~/.config/sipdiag/config.toml .
";

const ENVIRONMENT: &str = r#".SH ENVIRONMENT
.TP
.BR LC_ALL ", " LC_MESSAGES ", " LANG
The language of the words, unless \-\-lang says it: the first that is set decides.
.TP
.BR SIPDIAG_PAGER ", " PAGER
What shows an answer that is longer than the screen: the first that is set decides, and without one it is
.BR less (1),
with LESS=FRX where LESS is not set.
.B cat
or nothing in it means none.
.TP
.B NO_COLOR
No colours, unless \-\-color says otherwise.
.TP
.B COLUMNS
The width of the report where stdout is no terminal.
"#;
