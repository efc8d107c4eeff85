//! Every screen that the README and the tutorial show is what the program prints. `UPDATE_SCREENS=1 cargo test --test
//! readme` writes them anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

const MARK: &str = "<!-- screen: sipdiag ";

#[test]
fn the_screens_of_the_readme_are_true() {
    the_screens_are_true("README.md");
}

#[test]
fn the_screens_of_the_tutorial_are_true() {
    the_screens_are_true("docs/tutorial.md");
}

fn the_screens_are_true(page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = fs::read_to_string(&path).expect(page);
    let mut written = String::new();
    let mut rest = text.as_str();
    let mut screens = 0;
    while let Some((before, after)) = rest.split_once(MARK) {
        let (command, after) = after.split_once(" -->\n").expect("the end of the mark");
        let (old, after) = after
            .strip_prefix("```text\n")
            .and_then(|body| body.split_once("```\n"))
            .expect("a text block behind the mark");
        let screen = run(command);
        if std::env::var_os("UPDATE_SCREENS").is_none() {
            assert_eq!(old, screen, "{page}: sipdiag {command}");
        }
        write!(
            written,
            "{before}{MARK}{command} -->\n```text\n{screen}```\n"
        )
        .expect("a String");
        rest = after;
        screens += 1;
    }
    written.push_str(rest);
    assert!(screens > 0, "{page} shows no screen");
    if std::env::var_os("UPDATE_SCREENS").is_some() {
        fs::write(&path, written).expect(page);
    }
}

fn run(command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_sipdiag"))
        .args(command.split(' '))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("COLUMNS", "100")
        .env("LC_ALL", "C")
        .output()
        .expect("sipdiag runs");
    String::from_utf8(output.stdout).expect("UTF-8")
}
