//! Replays the corpora of the fuzz targets, so that what fuzzing once found stays found, with any compiler.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::fs;
use std::path::Path;

fn replay(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("a corpus") {
        run(&fs::read(entry.expect("an entry").path()).expect("a file"));
        count += 1;
    }
    assert!(count > 0, "an empty corpus says nothing");
}

#[test]
fn message() {
    replay("message", targets::message);
}

#[test]
fn stream() {
    replay("stream", targets::stream);
}

#[test]
fn frame() {
    replay("frame", targets::frame);
}

#[test]
fn capture() {
    replay("capture", targets::capture);
}

#[test]
fn fragments() {
    replay("fragments", targets::fragments);
}

#[test]
fn websocket() {
    replay("websocket", targets::websocket);
}

#[test]
fn sctp() {
    replay("sctp", targets::sctp);
}

#[test]
fn hep() {
    replay("hep", targets::hep);
}

#[test]
fn tls() {
    replay("tls", targets::tls);
}

#[test]
fn sdp() {
    replay("sdp", targets::sdp);
}

#[test]
fn redact() {
    replay("redact", targets::redact);
}
