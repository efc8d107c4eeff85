//! The catalogue is whole: every data file can be read, every language has every entry with the same placeholders, and
//! every finding has its words.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

use sipdiag::catalogue::{Catalogue, Language, Registration};
use sipdiag::rules::RULES;
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};

/// The codes of the IANA registry "Session Initiation Protocol (SIP) Parameters / Response Codes".
const IANA: [u16; 75] = [
    100, 180, 181, 182, 183, 199, 200, 202, 204, 300, 301, 302, 305, 380, 400, 401, 402, 403, 404,
    405, 406, 407, 408, 410, 412, 413, 414, 415, 416, 417, 420, 421, 422, 423, 424, 425, 428, 429,
    430, 433, 436, 437, 438, 439, 440, 469, 470, 480, 481, 482, 483, 484, 485, 486, 487, 488, 489,
    491, 493, 494, 500, 501, 502, 503, 504, 505, 513, 555, 580, 600, 603, 604, 606, 607, 608,
];

/// In use, or once defined, and in no registry.
const OTHERS: [(&str, Registration); 16] = [
    ("101", Registration::Unregistered),
    ("409", Registration::Obsolete),
    ("411", Registration::Obsolete),
    ("473", Registration::Unregistered),
    ("474", Registration::Unregistered),
    ("475", Registration::Unregistered),
    ("476", Registration::Unregistered),
    ("477", Registration::Unregistered),
    ("478", Registration::Unregistered),
    ("479", Registration::Unregistered),
    ("510", Registration::Unregistered),
    ("520", Registration::Unregistered),
    ("603+", Registration::Profile),
    ("687", Registration::Unregistered),
    ("900-904", Registration::Local),
    ("999", Registration::Local),
];

/// RFC 3261 §20.43, RFC 5939 and the other registrations.
const WARNINGS: [u16; 14] = [
    300, 301, 302, 303, 304, 305, 306, 307, 330, 331, 370, 380, 381, 399,
];

/// RFC 3261, its extensions, and those that are only met in captures.
const METHODS: [&str; 14] = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "OPTIONS",
    "REGISTER",
    "PRACK",
    "UPDATE",
    "INFO",
    "SUBSCRIBE",
    "NOTIFY",
    "REFER",
    "MESSAGE",
    "PUBLISH",
];

/// The files of a language.
const FILES: [&str; 9] = [
    "codes",
    "q850",
    "warnings",
    "timers",
    "methods",
    "alerts",
    "fingerprints",
    "pairs",
    "ui",
];

/// A text that long and the same in two languages was forgotten, not chosen.
const LONGEST_LOAN: usize = 25;

/// The languages that are compared with English.
const TRANSLATIONS: &[Language] = Language::ALL.split_at(1).1;

/// What a sentence ends with.
const FULL_STOPS: [char; 2] = ['.', '。'];

#[test]
fn every_code_of_the_iana_registry_is_known_and_the_others_are_what_they_are() {
    let known: BTreeMap<_, _> = Catalogue::new(Language::English)
        .codes()
        .map(|(name, facts, _)| (name.to_owned(), facts.registration))
        .collect();
    let mut expected: BTreeMap<_, _> = IANA
        .iter()
        .map(|code| (code.to_string(), Registration::Iana))
        .collect();
    expected.extend(
        OTHERS
            .iter()
            .map(|(code, registration)| ((*code).to_owned(), *registration)),
    );
    assert_eq!(known, expected);
}

#[test]
fn provisional_codes_are_the_1xx() {
    for (name, facts, _) in Catalogue::new(Language::English).codes() {
        if facts.registration != Registration::Local {
            assert_eq!(facts.is_final, !name.starts_with('1'), "{name}");
        }
    }
}

#[test]
fn every_entry_of_every_file_comes_out_of_the_catalogue_in_every_language() {
    for language in Language::ALL {
        let catalogue = Catalogue::new(language);
        let count = |file: &str, found: &dyn Fn(&str) -> bool| {
            let facts = facts(file);
            let words = words(language, file);
            for key in facts.keys() {
                assert!(found(key), "{} of {file} in {}", key, language.code());
            }
            for key in words.keys() {
                assert!(
                    facts.contains_key(key) || key.ends_with("xx"),
                    "{key}: words without facts in {file} of {}",
                    language.code()
                );
            }
            facts.len()
        };
        let codes = count("codes", &|key| {
            catalogue.codes().any(|(name, _, _)| name == key)
        });
        assert_eq!(codes, IANA.len() + OTHERS.len());
        let causes = count("q850", &|key| catalogue.cause(key).is_some());
        assert_eq!(causes, 127, "ITU-T Q.850 has causes 1 to 127");
        for cause in 1..=127 {
            assert!(catalogue.cause(&cause.to_string()).is_some(), "{cause}");
        }
        let warnings = count("warnings", &|key| catalogue.warning(key).is_some());
        assert_eq!(warnings, WARNINGS.len());
        for warning in WARNINGS {
            assert!(catalogue.warning(&warning.to_string()).is_some());
        }
        let timers = count("timers", &|key| catalogue.timer(key).is_some());
        assert_eq!(timers, catalogue.timers().count());
        for letter in 'a'..='n' {
            let key = format!("timer-{letter}");
            assert!(catalogue.timer(&key).is_some(), "{key}");
        }
        let methods = count("methods", &|key| catalogue.method(key).is_some());
        assert!(methods >= METHODS.len());
        for method in METHODS {
            assert!(catalogue.method(method).is_some(), "{method}");
        }
        let alerts = count("alerts", &|key| catalogue.alert(key).is_some());
        assert!(alerts > 20);
        let fingerprints = facts("fingerprints");
        for key in words(language, "fingerprints").keys() {
            assert!(fingerprints.contains_key(key), "{key}: words without facts");
        }
        for class in 1..=6 {
            assert!(catalogue.code_named(&format!("{class}xx")).is_some());
            assert!(catalogue.code(class * 100 + 98).is_some());
        }
        for key in words(language, "pairs").keys() {
            let (a, b) = key.split_once('-').unwrap();
            assert!(catalogue.pair(a, b).is_some(), "{key}");
            for code in [a, b] {
                let known = catalogue.code_named(code).and_then(|it| it.facts);
                assert!(known.is_some(), "the pair {key} has an unknown code");
            }
        }
    }
}

#[test]
fn alerts_have_the_numbers_of_the_registry() {
    for (name, facts) in facts("alerts") {
        let number = facts["number"].as_integer().unwrap();
        let known = sipdiag::reassembly::tls::alert_name(u8::try_from(number).unwrap());
        assert_eq!(known, Some(name.as_str()));
    }
}

#[test]
fn codes_that_are_confused_exist() {
    let catalogue = Catalogue::new(Language::English);
    for (name, facts, _) in catalogue.codes() {
        for other in &facts.confused_with {
            assert!(catalogue.code_named(other).is_some(), "{name}: {other}");
            assert_ne!(name, other);
        }
    }
}

#[test]
fn every_language_has_every_key_and_the_same_placeholders() {
    for file in FILES {
        let english = flat(&Value::Table(words(Language::English, file)));
        assert!(english.len() > 20, "{file}");
        for language in TRANSLATIONS {
            let other = flat(&Value::Table(words(*language, file)));
            compare(file, *language, &english, &other);
        }
    }
}

#[test]
fn every_rule_has_its_words_in_every_language() {
    let english: Table = RULES
        .iter()
        .map(|rule| {
            let words: Table =
                toml::from_str(rule.words).unwrap_or_else(|error| panic!("{}: {error}", rule.name));
            (rule.name.to_owned(), Value::Table(words))
        })
        .collect();
    let mut spoken = english;
    for (name, words) in &mut spoken {
        // References are the same in every language; English has them. Those of `status` are its code's.
        let references = words.as_table_mut().unwrap().remove("references");
        assert_eq!(references.is_some(), name != "status", "{name}");
    }
    let spoken = flat(&Value::Table(spoken));
    for language in TRANSLATIONS {
        let other = flat(&Value::Table(findings(*language)));
        compare("findings", *language, &spoken, &other);
    }
    for language in Language::ALL {
        for rule in RULES {
            let words = Catalogue::new(language).rule(rule);
            assert!(
                !words.message.is_empty(),
                "{} in {}",
                rule.name,
                language.code()
            );
        }
    }
}

#[test]
fn names_and_codes_of_rules_are_used_once() {
    let names: BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
    let codes: BTreeSet<_> = RULES.iter().map(|rule| rule.code).collect();
    assert_eq!(names.len(), RULES.len());
    assert_eq!(codes.len(), RULES.len());
    for rule in RULES {
        let prefix = rule.code.get(..3).unwrap();
        assert!(
            [
                "CAP", "NET", "MSG", "TXN", "DLG", "REG", "SDP", "RTP", "SEC"
            ]
            .contains(&prefix),
            "{}",
            rule.code
        );
        for name in [rule.name.to_owned(), rule.code.to_lowercase()] {
            let found = sipdiag::rules::find(&name).map(|it| it.name);
            assert_eq!(found, Some(rule.name), "{name}");
        }
    }
}

#[test]
fn words_have_the_form_that_the_screen_needs() {
    for language in Language::ALL {
        let place = |name: &str| format!("{name} in {}", language.code());
        let catalogue = Catalogue::new(language);
        for rule in RULES {
            let words = catalogue.rule(rule);
            let of_variants = words.variants.values().map(|it| &it.message);
            let messages = std::iter::once(&words.message).chain(&words.message_so_far);
            for message in messages.chain(of_variants) {
                assert!(
                    !message.ends_with(FULL_STOPS),
                    "{}: {message}",
                    place(rule.name)
                );
                assert!(!message.contains('\n'), "{}: {message}", place(rule.name));
            }
            let of_variants = words.variants.values().flat_map(|it| &it.advice).flatten();
            for step in words.advice.iter().chain(of_variants) {
                assert!(step.ends_with(FULL_STOPS), "{}: {step}", place(rule.name));
            }
        }
        for (name, _, words) in catalogue.codes() {
            assert!(!words.short.contains('\n'), "{}", place(name));
            for step in &words.fix {
                assert!(step.ends_with(FULL_STOPS), "{}: {step}", place(name));
            }
        }
    }
}

#[test]
fn messages_and_cells_begin_with_a_capital_letter() {
    for language in Language::ALL {
        // A Latin term at the beginning is as it is on the wire where the script knows no capitals.
        if matches!(
            language,
            Language::Chinese | Language::Japanese | Language::Arabic
        ) {
            continue;
        }
        let catalogue = Catalogue::new(language);
        let begins_small = |text: &str| text.starts_with(char::is_lowercase);
        for rule in RULES {
            let words = catalogue.rule(rule);
            let of_variants = words.variants.values().map(|it| &it.message);
            let messages = std::iter::once(&words.message).chain(&words.message_so_far);
            for message in messages.chain(of_variants) {
                assert!(!begins_small(message), "{}: {message}", language.code());
            }
        }
        for (name, _, words) in catalogue.codes() {
            let short = &words.short;
            assert!(
                !begins_small(short),
                "{name} in {}: {short}",
                language.code()
            );
        }
        // What stands in the same column.
        for (key, word) in self::words(language, "ui") {
            let word = word.as_str().unwrap();
            let of_column = key.starts_with("context_") || key == "no_such_code";
            assert!(
                !of_column || !begins_small(word),
                "{key} in {}",
                language.code()
            );
        }
    }
}

#[test]
fn the_words_of_the_interface_are_those_that_the_program_asks_for() {
    let mut source = String::new();
    let mut folders = vec![folder()];
    while let Some(next) = folders.pop() {
        for entry in next.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|it| it == "rs" || it == "html")
            {
                source.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let there = words(Language::English, "ui");
    for key in there.keys() {
        assert!(
            source.contains(&format!("\"{key}\"")),
            "nobody asks for {key}"
        );
    }
    for asked in source.split("word(\"").skip(1) {
        let key = asked.split('"').next().unwrap();
        assert!(there.contains_key(key), "ui.toml lacks {key}");
    }
}

fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn facts(file: &str) -> Table {
    table(&format!("catalogue/facts/{file}.toml"))
}

fn words(language: Language, file: &str) -> Table {
    table(&format!(
        "catalogue/locales/{}/{file}.toml",
        language.code()
    ))
}

/// The words of all findings in a language other than English.
fn findings(language: Language) -> Table {
    let families = folder().join(format!("catalogue/locales/{}/findings", language.code()));
    let mut all = Table::new();
    for family in families.read_dir().unwrap() {
        let text = std::fs::read_to_string(family.unwrap().path()).unwrap();
        all.extend(toml::from_str::<Table>(&text).unwrap());
    }
    all
}

fn table(path: &str) -> Table {
    let text = std::fs::read_to_string(folder().join(path)).unwrap();
    toml::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every text with the path to it.
fn flat(value: &Value) -> BTreeMap<String, String> {
    fn walk(path: &str, value: &Value, texts: &mut BTreeMap<String, String>) {
        let mut step = |name: &str, value: &Value| walk(&format!("{path}/{name}"), value, texts);
        match value {
            Value::Table(table) => table.iter().for_each(|(name, it)| step(name, it)),
            Value::Array(items) => (0..).zip(items).for_each(|(index, it): (i32, _)| {
                step(&index.to_string(), it);
            }),
            Value::String(text) => {
                texts.insert(path.to_owned(), text.clone());
            }
            other => panic!("{path}: {other:?} is no text"),
        }
    }
    let mut texts = BTreeMap::new();
    walk("", value, &mut texts);
    texts
}

fn compare(
    file: &str,
    language: Language,
    english: &BTreeMap<String, String>,
    other: &BTreeMap<String, String>,
) {
    // Lists may differ in length where a language needs fewer words; entries and fields may not.
    let shortens = matches!(language, Language::French | Language::Vietnamese);
    let fields = |texts: &BTreeMap<String, String>| -> BTreeSet<String> {
        let shortened = |path: &String| {
            if shortens {
                path.trim_end_matches(|it: char| it.is_ascii_digit())
                    .to_owned()
            } else {
                path.clone()
            }
        };
        texts.keys().map(shortened).collect()
    };
    let (theirs, ours) = (fields(other), fields(english));
    let differing: Vec<_> = theirs.symmetric_difference(&ours).collect();
    let code = language.code();
    assert!(differing.is_empty(), "{file} in {code}: {differing:?}");
    for (path, text) in other {
        assert!(!text.trim().is_empty(), "{file} in {code}: {path} is empty");
        let Some(original) = english.get(path) else {
            continue;
        };
        assert_eq!(
            placeholders(text),
            placeholders(original),
            "{file} in {code}: {path}"
        );
        let is_reference = path.contains("/read_on/");
        assert!(
            is_reference || text != original || text.chars().count() <= LONGEST_LOAN,
            "{file} in {code}: {path} is not translated: {text}"
        );
    }
    for (path, text) in english {
        assert!(!text.trim().is_empty(), "{file} in en: {path} is empty");
    }
}

/// The names in `{…}`; the same one twice counts once.
fn placeholders(text: &str) -> BTreeSet<&str> {
    text.split('{')
        .skip(1)
        .filter_map(|behind| Some(behind.split_once('}')?.0))
        .collect()
}
