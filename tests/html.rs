//! The HTML page is one safe file: what strangers wrote is text in it, nothing is loaded, only its own script may run; and
//! where a Chromium is installed, a real browser proves that.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    missing_docs
)]

mod support;

use serde_json::Value;
use sipdiag::catalogue::{Catalogue, Language};
use sipdiag::engine::Options;
use sipdiag::report::{Format, RecordKind, Renderer, Settings};
use sipdiag::thresholds::Thresholds;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::flow::Flow;

/// What would show that markup or script of a stranger was obeyed.
const PAYLOAD: &str = "<img/src=x/onerror=document.documentElement.dataset.hacked=1>";
const SCRIPT: &str = "</script><script>document.documentElement.dataset.hacked=2</script>";

/// A refused call that has both wherever a stranger may write.
fn hostile() -> Flow {
    let text = format!(
        "alice = 192.0.2.10:5060\nbob = 192.0.2.20:5060\n\n\
         +0.000 alice -> bob  INVITE a1\n    \
             From: \"{PAYLOAD}\" <sip:{PAYLOAD}@example.com>;tag=a\n    \
             To: <sip:{SCRIPT}@example.com>\n    \
             Call-ID: {SCRIPT}{PAYLOAD}\n    \
             User-Agent: {PAYLOAD}{SCRIPT}\n    \
             Subject: {SCRIPT}\n    \
             Authorization: Digest username=\"a\", response=\"0123456789abcdef\"\n    \
             Content-Type: application/sdp\n    \
             | v=0\n    \
             | o=- 1 1 IN IP4 192.0.2.10\n    \
             | s={SCRIPT}\n    \
             | c=IN IP4 192.0.2.10\n    \
             | t=0 0\n    \
             | m=audio 4000 RTP/AVP 96\n    \
             | a=rtpmap:96 {PAYLOAD}/8000\n\
         +0.010 bob -> alice  500 INVITE a1 reason={PAYLOAD}{SCRIPT}\n    \
             Server: {PAYLOAD}{SCRIPT}\n    \
             Warning: 399 x \"{PAYLOAD}{SCRIPT}\"\n    \
             Reason: SIP;cause=500;text=\"{SCRIPT}\"\n"
    );
    Flow::parse("hostile", &text)
}

#[test]
fn what_strangers_wrote_is_text() {
    let page = page(&hostile(), Language::English);
    // As much as is ours, and all of that is known.
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    assert_eq!(page.matches("<style").count(), 1);
    let shown = page.replace(char::is_whitespace, "");
    assert!(!shown.contains("<img"));
    assert!(shown.contains("&#60;img") || shown.contains("&lt;img"));
    assert!(shown.contains("\\u003cimg"));
    // A digest response lets others in.
    assert!(!page.contains("0123456789abcdef") && page.contains("response=…"));
}

#[test]
fn it_loads_nothing_and_only_its_own_script_may_run() {
    let page = page(&hostile(), Language::English);
    let policy = between(&page, "Content-Security-Policy\" content=\"", "\">");
    assert!(
        policy.starts_with("default-src &#39;none&#39;")
            || policy.starts_with("default-src 'none'")
    );
    assert!(!policy.contains("unsafe"));
    for loads in [
        " src=",
        "<link",
        "<iframe",
        "@import",
        "url(",
        "<base",
        "<form action",
    ] {
        let own = page.split("id=\"data\"").next().unwrap();
        assert!(!own.contains(loads), "{loads}");
    }
    for markup in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
    ] {
        assert!(!page.contains(markup), "{markup}");
    }
}

#[test]
fn its_data_is_json_with_the_call_the_ladder_and_the_messages() {
    let page = page(&hostile(), Language::English);
    let data: Value = serde_json::from_str(between(&page, "id=\"data\">", "</script>")).unwrap();
    let call = &data["calls"][0];
    assert_eq!(call["s"], "failed");
    assert_eq!(call["c"], 500);
    assert_eq!(call["r"].as_array().unwrap().len(), 2);
    assert_eq!(call["l"].as_array().unwrap().len(), 2);
    assert!(data["messages"][0].as_str().unwrap().starts_with("INVITE"));
}

#[test]
fn it_says_which_language_it_is_in() {
    for language in Language::ALL {
        let page = page(&hostile(), language);
        let head = format!("<html lang=\"{}\" dir=\"", language.code());
        assert!(page.contains(&head), "{head}");
        assert!(
            page.contains(
                &*Catalogue::new(language)
                    .word("page_charts")
                    .replace('\'', "&#39;")
            )
        );
    }
}

#[test]
fn a_page_of_nothing_is_a_page() {
    let page = page(&Flow::parse("nothing", "+0 packet\n"), Language::English);
    assert!(page.contains("</html>") && !page.contains("<figure"));
}

/// The browser opens the call and its first message, where a stranger wrote most.
#[test]
fn nothing_of_a_stranger_runs_in_a_browser() {
    let Some(chromium) = chromium() else {
        eprintln!("skipped: there is no Chromium to try the page in");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let page = page(&hostile(), Language::English);
    let shown = dom(&chromium, folder.path(), &page);
    assert!(
        shown.contains("data-ready=\"yes\""),
        "the script did not run: {shown}"
    );
    assert!(!shown.contains("data-hacked"), "a stranger's script ran");
    assert!(!shown.contains("<img"), "a stranger's markup was obeyed");
    for there in [
        "aria-label=\"frame 1",
        "aria-pressed=\"true\"",
        "Subject: &lt;/script&gt;",
    ] {
        assert!(shown.contains(there), "{there} is not in {shown}");
    }
    // The policy alone would hold, too.
    let script = "<script>document.documentElement.dataset.hacked=3</script></main>";
    let broken = page.replace("</main>", script);
    let shown = dom(&chromium, folder.path(), &broken);
    assert!(shown.contains("data-ready=\"yes\"") && !shown.contains("data-hacked"));
}

fn page(flow: &Flow, language: Language) -> String {
    let settings = Settings {
        catalogue: Catalogue::new(language),
        records: RecordKind::DEFAULT.to_vec(),
        all: false,
        width: 100,
        alert_width: None,
        color: false,
        bidi: sipdiag::report::Bidi::Plain,
        live: false,
        aliases: sipdiag::report::Aliases::default(),
        raw: false,
        stuck_after: Thresholds::default().stuck_after,
        workers: sipdiag::workers::Workers::default(),
    };
    let renderer = Renderer::new(Format::Html, settings, Vec::new());
    let (report, renderer) = flow.observe(Options::default(), renderer, false);
    String::from_utf8(renderer.finish(&report).unwrap()).unwrap()
}

fn between<'a>(text: &'a str, before: &str, behind: &str) -> &'a str {
    let (_, rest) = text.split_once(before).expect("the beginning");
    rest.split_once(behind).expect("the end").0
}

fn chromium() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_file())
}

/// The page as elements after its script has run.
fn dom(chromium: &Path, folder: &Path, page: &str) -> String {
    let file = folder.join("report.html");
    std::fs::write(&file, page).unwrap();
    let output = Command::new("timeout")
        .arg("60")
        .arg(chromium)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--virtual-time-budget=3000",
            "--dump-dom",
        ])
        .arg(format!(
            "--user-data-dir={}",
            folder.join("profile").display()
        ))
        .arg(format!("file://{}#call-0-frame-1", file.display()))
        .output()
        .expect("Chromium");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
