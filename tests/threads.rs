//! Any number of threads gives the same answer, to the byte.
#![allow(clippy::unwrap_used, missing_docs)]

use assert_cmd::cargo::cargo_bin_cmd;
use std::path::PathBuf;

const EVERY_RECORD: &str = "capture,message,transaction,call,registration,finding,summary";

fn answer(file: &PathBuf, threads: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let run = cargo_bin_cmd!("sipdiag")
        .args(["read", "--threads", threads, "--no-config", "--lang", "en"])
        .args(more)
        .arg(file)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (run.status.code(), text(run.stdout), text(run.stderr))
}

#[test]
fn one_thread_and_several_write_the_same() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/captures");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        for more in [
            &["--format", "ndjson", "--records", EVERY_RECORD][..],
            &["--all", "--color", "always"],
        ] {
            let one = answer(&file, "1", more);
            for threads in ["2", "3", "8"] {
                assert_eq!(one, answer(&file, threads, more), "{}", file.display());
            }
        }
        files += 1;
    }
    assert!(files > 20, "{files} captures");
}
