//! The picture at the top of `src/lib.rs` holds: import arrows point left and down only, nothing below `cli` talks to the
//! process it runs in, and no file grows beyond what one can read in a sitting.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What every room may import.
const FOUNDATIONS: &[&str] = &[
    "address",
    "fetch",
    "flow",
    "hash",
    "limits",
    "severity",
    "text",
    "thresholds",
    "time",
    "workers",
];

/// Each room with the rooms it may import beside the foundations, as the picture has them.
const ROOMS: &[(&str, &[&str])] = &[
    ("address", &[]),
    ("fetch", &[]),
    ("flow", &[]),
    // Its tables are brought into the cache before they are asked.
    ("hash", &["fetch"]),
    ("limits", &[]),
    ("severity", &[]),
    ("text", &[]),
    // Counts end where what is kept does.
    ("thresholds", &["limits"]),
    ("time", &[]),
    ("workers", &[]),
    ("capture", &[]),
    ("sip", &[]),
    // Link types and packets; what to do with them is the engine's business.
    ("frame", &["capture"]),
    ("reassembly", &["sip", "frame", "capture"]),
    // What stands for what, in texts and addresses alone.
    ("redact", &[]),
    ("transaction", &["sip", "frame", "capture"]),
    (
        "dialog",
        &["transaction", "sip", "reassembly", "frame", "capture"],
    ),
    (
        "rules",
        &[
            "dialog",
            "transaction",
            "redact",
            "sip",
            "reassembly",
            "frame",
            "capture",
        ],
    ),
    ("catalogue", &["rules"]),
    (
        "engine",
        &[
            "rules",
            "dialog",
            "transaction",
            "redact",
            "sip",
            "reassembly",
            "frame",
            "capture",
        ],
    ),
    (
        "selection",
        &[
            "engine",
            "rules",
            "dialog",
            "transaction",
            "redact",
            "sip",
            "frame",
            "capture",
        ],
    ),
    (
        "extract",
        &[
            "selection",
            "engine",
            "catalogue",
            "rules",
            "dialog",
            "transaction",
            "redact",
            "sip",
            "reassembly",
            "frame",
            "capture",
        ],
    ),
    (
        "report",
        &[
            "engine",
            "catalogue",
            "rules",
            "dialog",
            "transaction",
            "redact",
            "sip",
            "frame",
            "capture",
        ],
    ),
    (
        "cli",
        &[
            "report",
            "extract",
            "selection",
            "engine",
            "catalogue",
            "rules",
            "dialog",
            "transaction",
            "redact",
            "sip",
            "reassembly",
            "frame",
            "capture",
        ],
    ),
];

/// What only `cli` may do, and who else may for a reason.
const OF_THE_PROCESS: &[(&str, &[&str])] = &[
    ("std::env", &[]),
    ("env::", &[]),
    ("std::process", &[]),
    ("process::exit", &[]),
    ("io::stdout", &[]),
    ("io::stderr", &[]),
    ("stdout()", &[]),
    ("stderr()", &[]),
    ("println!", &[]),
    ("print!", &[]),
    ("eprintln!", &[]),
    ("eprint!", &[]),
    ("dbg!", &[]),
    // An idle interface has no packet to tell the time by.
    ("SystemTime", &["capture/live.rs", "capture/listener.rs"]),
    (
        "Instant",
        &[
            "capture/live.rs",
            "capture/listener.rs",
            // What a pipe still brings when its reading is to end comes within a time, or never.
            "capture/ending.rs",
            // A connection that stays silent has no packet either.
            "capture/hep/intake.rs",
            "capture/hep/tcp.rs",
            "capture/hep/udp.rs",
        ],
    ),
];

/// The longest file.
const MAX_LINES: usize = 600;

#[test]
fn import_arrows_point_left_and_down_only() {
    let mut wrong = Vec::new();
    for (path, source) in sources() {
        let room = room(&path);
        if room == "lib" || room == "main" {
            continue;
        }
        let (_, may) = ROOMS
            .iter()
            .find(|(name, _)| *name == room)
            .unwrap_or_else(|| panic!("the room of {} has no row in ROOMS", path.display()));
        for (line, imported) in imports(&source) {
            let allowed = imported == room
                || FOUNDATIONS.contains(&imported.as_str()) && !FOUNDATIONS.contains(&&*room)
                || FOUNDATIONS.contains(&&*room) && imported == "time"
                || may.contains(&&*imported);
            if !allowed {
                wrong.push(format!(
                    "{}:{line}: {room} imports {imported}",
                    path.display()
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "against the picture in src/lib.rs:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_room_is_in_the_picture_and_in_the_table() {
    let lib = std::fs::read_to_string(folder().join("lib.rs")).unwrap();
    let declared: BTreeSet<_> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let listed: BTreeSet<_> = ROOMS.iter().map(|(name, _)| *name).collect();
    assert_eq!(declared, listed);
    let picture: String = lib.lines().filter(|line| line.starts_with("//!")).collect();
    for room in declared {
        assert!(picture.contains(room), "the picture lacks {room}");
    }
}

#[test]
fn nothing_below_cli_prints_reads_the_environment_or_asks_the_clock() {
    let mut wrong = Vec::new();
    for (path, source) in sources() {
        if matches!(&*room(&path), "cli" | "main") {
            continue;
        }
        for (number, line) in code(&source) {
            for (word, excused) in OF_THE_PROCESS {
                let excused = excused.iter().any(|it| Path::new(it) == path);
                if !excused && mentions(line, word) {
                    wrong.push(format!("{}:{number}: {word}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "only cli may:\n{}", wrong.join("\n"));
}

#[test]
fn every_room_says_what_it_is_for() {
    for (path, source) in sources() {
        assert!(
            source.starts_with("//! "),
            "{} does not begin with what it is for",
            path.display()
        );
    }
}

#[test]
fn no_file_is_too_long_to_read_in_a_sitting() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|(path, source)| (path, source.lines().count()))
        .filter(|(_, lines)| *lines > MAX_LINES)
        .collect();
    assert!(
        long.is_empty(),
        "is there a second subject inside? (at most {MAX_LINES} lines) {long:?}"
    );
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file, by its path below `src/`.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder()];
    while let Some(next) = folders.pop() {
        for entry in next.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                let source = std::fs::read_to_string(&path).unwrap();
                found.push((path.strip_prefix(folder()).unwrap().to_owned(), source));
            }
        }
    }
    assert!(found.len() > 50, "the sources were not found");
    found.sort();
    found
}

/// The room of a file: its folder, or its own name.
fn room(path: &Path) -> String {
    let first = path.iter().next().unwrap().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

/// The lines that are no comments, with their numbers.
fn code(source: &str) -> impl Iterator<Item = (usize, &str)> {
    source
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The rooms that a file names after `crate::`, in `use` lines and anywhere else, and those that `use crate::{…}` lists.
fn imports(source: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in code(source) {
        for behind in line.split("crate::").skip(1) {
            if let Some(list) = behind.strip_prefix('{') {
                assert!(
                    list.contains('}'),
                    "line {number}: one `use` a room is what this test can read"
                );
                let list = list.split('}').next().unwrap_or_default();
                for item in list.split(',').filter(|item| !item.trim().is_empty()) {
                    found.push((number, word(item.trim())));
                }
            } else {
                found.push((number, word(behind)));
            }
        }
    }
    found.retain(|(_, name)| !name.is_empty());
    found
}

fn word(text: &str) -> String {
    text.chars()
        .take_while(|it| it.is_alphanumeric() || *it == '_')
        .collect()
}

/// Whether a line has the words, and not as the end of longer ones.
fn mentions(line: &str, words: &str) -> bool {
    line.match_indices(words).any(|(at, _)| {
        !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
    })
}

#[test]
fn the_readers_of_this_test_see_what_is_there() {
    let source = "use crate::sip::Message;\n// crate::cli\nlet x = crate::flow::Flow::new(crate::time::T);\nuse crate::{a, b::C};\n";
    let names: Vec<_> = imports(source).into_iter().map(|(_, it)| it).collect();
    assert_eq!(names, ["sip", "flow", "time", "a", "b"]);
    assert!(mentions("println!(1)", "println!"));
    assert!(!mentions("eprintln!(1)", "println!"));
}
