//! `docs/schema.json` is true: every record of every capture and case fits it, it has no field that is never told of here,
//! and it has the names that were promised. `--format csv` has a column for each of its fields.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod support;

use jsonschema::Validator;
use serde_json::{Value, json};
use sipdiag::capture::{Next, Source, open_files};
use sipdiag::catalogue::{Catalogue, Language};
use sipdiag::engine::{Engine, Options};
use sipdiag::report::{Aliases, Bidi, Format, RecordKind, Renderer, Settings};
use sipdiag::thresholds::Thresholds;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use support::flow::Flow;

/// The fields of each record that a script may rely on, absent ones with `?`.
const PROMISED: &[(&str, &str)] = &[
    (
        "capture",
        "schema_version files first_time? last_time? filter?",
    ),
    (
        "message",
        "frame time src dst transport encapsulation call_id? cseq? method? status? reason? from? to? from_tag? to_tag? kind \
         transaction? oddities",
    ),
    (
        "transaction",
        "id call_id? method cseq branch? src dst transport start end? state request_frames request_retransmissions \
         responses sequence? final? finding_ids",
    ),
    (
        "call",
        "call_id? from? to? start ringing_ms? answer_ms? duration_ms? state outcome attempts dialogs transactions legs?",
    ),
    (
        "registration",
        "aor? contact? registrar granted_expires_s? state start last",
    ),
    (
        "finding",
        "id code name severity time summary call_id? transactions frames facts confidence consequence_of? causes advice \
         references",
    ),
    (
        "summary",
        "packets sip_messages requests responses call_ids transactions calls retransmissions duplicates not_sip_packets \
         undecoded findings dropped? kpi limits_hit",
    ),
];

#[test]
fn every_record_of_every_capture_and_case_fits() {
    let schema = Schema::strict();
    let mut complaints = BTreeSet::new();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut take = |name: &str, text: &str| {
        for line in text.lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            let kind = record["record"].as_str().unwrap().to_owned();
            for complaint in schema.complaints(&kind, &record) {
                complaints.insert(format!("{name}: {complaint}"));
            }
            *kinds.entry(kind).or_default() += 1;
        }
    };
    for path in captures() {
        let name = path.display().to_string();
        take(&name, &of_capture(&path, Format::Ndjson));
    }
    for flow in flows() {
        take(&flow.name, &of_flow(&flow, true));
        take(&flow.name, &of_flow(&flow, false));
    }
    let all = complaints.iter().map(String::as_str).collect::<Vec<_>>();
    assert!(all.is_empty(), "\n{}", all[..all.len().min(40)].join("\n"));
    let seen: Vec<_> = kinds.keys().map(String::as_str).collect();
    let expected = [
        "alert",
        "call",
        "capture",
        "finding",
        "message",
        "registration",
        "summary",
        "transaction",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_document_fits_and_so_does_each_line_by_the_published_schema() {
    let validator = jsonschema::validator_for(&published()).unwrap();
    for name in ["004-register-bad-password.pcap", "001-call-ok.pcap"] {
        let path = folder().join("fixtures/captures").join(name);
        let document: Value = serde_json::from_str(&of_capture(&path, Format::Json)).unwrap();
        assert!(validator.is_valid(&document), "{document}");
        for line in of_capture(&path, Format::Ndjson).lines() {
            let record: Value = serde_json::from_str(line).unwrap();
            assert!(validator.is_valid(&record), "{record}");
        }
    }
    for wrong in [
        json!({}),
        json!({"record": "call"}),
        json!({"record": "other"}),
        json!({"schema_version": 1, "call": [{}]}),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}

#[test]
fn it_has_the_names_that_were_promised() {
    let schema = published();
    for (kind, fields) in PROMISED {
        let record = &schema["$defs"][kind];
        let required = record["required"].as_array().unwrap();
        for field in fields.split_whitespace() {
            let name = field.trim_end_matches('?');
            assert!(record["properties"].get(name).is_some(), "{kind}.{name}");
            let always = required.iter().any(|it| it == name);
            assert_eq!(always, !field.ends_with('?'), "{kind}.{field}");
        }
    }
}

#[test]
fn csv_has_a_column_for_each_field() {
    let schema = published();
    let path = folder().join("fixtures/captures/001-call-ok.pcap");
    for kind in RecordKind::ALL {
        let text = run_capture(&path, Format::Csv, &[kind]);
        let header = text.lines().next().unwrap().trim_end();
        let columns: BTreeSet<_> = header.split(',').map(str::to_owned).collect();
        let mut expected = BTreeSet::new();
        for (name, field) in schema["$defs"][kind.name()]["properties"]
            .as_object()
            .unwrap()
        {
            match field.get("properties").and_then(Value::as_object) {
                // Small objects are spread over columns; large ones stand in one as JSON.
                Some(inner) if inner.len() == 2 && name != "dropped" => {
                    expected.extend(inner.keys().map(|it| format!("{name}_{it}")));
                }
                _ => {
                    expected.insert(name.clone());
                }
            }
        }
        assert_eq!(columns, expected, "{}", kind.name());
    }
}

#[test]
fn csv_has_one_line_and_as_many_cells_for_each_record() {
    for path in captures() {
        let lines = run_capture(&path, Format::Ndjson, &RecordKind::ALL);
        let text = run_capture(&path, Format::Csv, &RecordKind::ALL);
        let rows = lines.lines().count();
        assert_eq!(text.lines().count(), rows + 1, "{}", path.display());
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        for row in reader.records() {
            // The reader demands as many cells as the header has.
            for cell in &row.unwrap() {
                assert!(!cell.starts_with(['=', '+', '@']), "{cell}");
            }
        }
    }
}

/// The schema, and one for each kind that refuses fields it does not name.
struct Schema {
    of_kind: BTreeMap<String, Validator>,
}

impl Schema {
    fn strict() -> Self {
        let mut schema = published();
        close(&mut schema);
        let definitions = schema["$defs"].clone();
        let kinds = RecordKind::ALL.map(RecordKind::name);
        let of_kind = kinds
            .into_iter()
            .chain(["alert"])
            .map(|kind| {
                let root = json!({"$ref": format!("#/$defs/{kind}"), "$defs": definitions});
                (kind.to_owned(), jsonschema::validator_for(&root).unwrap())
            })
            .collect();
        Self { of_kind }
    }

    fn complaints(&self, kind: &str, record: &Value) -> Vec<String> {
        let Some(validator) = self.of_kind.get(kind) else {
            return vec![format!("there is no record {kind}")];
        };
        validator
            .iter_errors(record)
            .map(|error| format!("{kind}{}: {error}", error.instance_path()))
            .collect()
    }
}

/// Lets no object have a field that is not named.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("type") == Some(&json!("object")) && map.contains_key("properties") {
                map.entry("additionalProperties").or_insert(json!(false));
            }
            map.values_mut().for_each(close);
        }
        Value::Array(list) => list.iter_mut().for_each(close),
        _ => {}
    }
}

fn published() -> Value {
    let text = std::fs::read_to_string(folder().join("docs/schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    schema
}

fn settings(records: &[RecordKind], live: bool) -> Settings {
    Settings {
        aliases: Aliases::default(),
        raw: false,
        catalogue: Catalogue::new(Language::English),
        records: records.to_vec(),
        all: false,
        width: 100,
        alert_width: None,
        color: false,
        bidi: Bidi::Plain,
        live,
        stuck_after: Thresholds::default().stuck_after,
        workers: sipdiag::workers::Workers::default(),
    }
}

fn of_capture(path: &Path, format: Format) -> String {
    run_capture(path, format, &RecordKind::ALL)
}

fn run_capture(path: &Path, format: Format, records: &[RecordKind]) -> String {
    let renderer = Renderer::new(format, settings(records, false), Vec::new());
    let mut engine = Engine::new(Options::default(), renderer);
    let mut source = open_files(&[path.to_owned()], None).unwrap();
    loop {
        match source.next().unwrap() {
            Next::Packet(packet) => engine.packet(&packet),
            Next::Gap(from, until) => engine.gap(from, until),
            Next::Keylog(text) => {
                engine.secrets_mut().add_keylog(&text);
            }
            Next::Idle(_) | Next::Refused(_) => {}
            Next::End => break,
        }
    }
    let (report, renderer) = engine.finish(source.facts());
    let bytes = renderer.finish(&report).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// The records of a case; live ones have alerts.
fn of_flow(flow: &Flow, live: bool) -> String {
    let options = Options {
        alerts: live,
        ..Options::default()
    };
    let renderer = Renderer::new(Format::Ndjson, settings(&RecordKind::ALL, live), Vec::new());
    let (report, renderer) = flow.observe(options, renderer, live);
    String::from_utf8(renderer.finish(&report).unwrap()).unwrap()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Everything in `fixtures/captures`, secrets apart.
fn captures() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in [
        "fixtures/captures",
        "fixtures/captures/wire",
        "fixtures/streams",
    ] {
        for entry in self::folder().join(folder).read_dir().unwrap() {
            let path = entry.unwrap().path();
            let is_secret = path
                .extension()
                .is_some_and(|it| it == "key" || it == "keys");
            if path.is_file() && !is_secret {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() > 50);
    found
}

/// Every case of a rule, and the clean ones.
fn flows() -> Vec<Flow> {
    let mut paths = Vec::new();
    let mut folders = vec![folder().join("src/rules"), folder().join("tests/clean")];
    while let Some(next) = folders.pop() {
        for entry in next.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "flow") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    assert!(paths.len() > 300);
    paths.iter().map(|path| Flow::read(path)).collect()
}
