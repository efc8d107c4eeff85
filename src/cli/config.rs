//! The configuration: a file with thresholds, severities and what is not to be told, and the options that go before it.

use super::args::DiagnosisOptions;
use super::errors::WrongUse;
use super::values::header_name;
use crate::limits::MAX_CONFIG;
use crate::report::{Alias, Aliases};
use crate::rules::{Named, Policy, UnknownFinding};
use crate::severity::Severity;
use crate::text::nearest;
use crate::thresholds::{Threshold, Thresholds};
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};
use tracing::{debug, info};

/// The keys of the file.
const KEYS: [&str; 6] = [
    "thresholds",
    "severity",
    "silence",
    "leg-headers",
    "aliases",
    "redact",
];

/// What is measured with and what is told.
#[derive(Debug, Default)]
pub(super) struct Configuration {
    pub(super) thresholds: Thresholds,
    pub(super) policy: Policy,
    pub(super) leg_headers: Vec<String>,
    pub(super) aliases: Aliases,
    pub(super) redact: bool,
}

impl Configuration {
    /// The file, and the options, which go before it: a threshold replaces the file's, names are added to the file's.
    pub(super) fn load(options: &DiagnosisOptions) -> Result<Self, WrongUse> {
        let mut configuration = match file(options)? {
            Some((path, text)) => Reader { path, text: &text }.read()?,
            None => Self::default(),
        };
        for (row, value) in &options.thresholds.0 {
            row.set(&mut configuration.thresholds, *value);
        }
        for named in &options.silence {
            configuration.policy.silence(*named);
        }
        (configuration.leg_headers).extend(options.leg_header.iter().cloned());
        for alias in &options.alias {
            configuration.aliases.add(alias.clone());
        }
        configuration.redact |= options.redact;
        Ok(configuration)
    }
}

/// The file that was named, or the user's own where there is one.
fn file(options: &DiagnosisOptions) -> Result<Option<(PathBuf, String)>, WrongUse> {
    let named = options.config.clone();
    let Some(path) = named
        .clone()
        .or_else(own_file)
        .filter(|_| !options.no_config)
    else {
        return Ok(None);
    };
    match read(&path) {
        Ok(text) => {
            info!("configuration: {}", path.display());
            Ok(Some((path, text)))
        }
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => {
            debug!("no configuration at {}", path.display());
            Ok(None)
        }
        Err(error) => Err(WrongUse {
            headline: format!("cannot read the configuration {}: {error}", path.display()),
            help: named
                .is_none()
                .then(|| "run without it: --no-config".to_owned()),
        }),
    }
}

/// `$XDG_CONFIG_HOME/sipdiag/config.toml`, or below `~/.config`: by the XDG Base Directory Specification a relative path is as
/// none.
fn own_file() -> Option<PathBuf> {
    let folder = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|it| it.is_absolute())
    };
    let base = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(base.join("sipdiag/config.toml"))
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?
        .take(MAX_CONFIG + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > MAX_CONFIG {
        return Err(io::Error::other("it is too large for a configuration"));
    }
    Ok(text)
}

/// The entries of a table as they stand in the file, so that the first error is told.
fn in_order<'v, 'i>(table: &'v DeTable<'i>) -> Vec<(&'v Spanned<DeString<'i>>, &'v Item<'i>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

/// Makes a configuration of the text of a file.
struct Reader<'a> {
    path: PathBuf,
    text: &'a str,
}

type Item<'a> = Spanned<DeValue<'a>>;

impl Reader<'_> {
    fn read(&self) -> Result<Configuration, WrongUse> {
        let document = DeTable::parse(self.text)
            .map_err(|error| self.wrong(error.span().unwrap_or_default(), error.message(), None))?;
        let mut configuration = Configuration::default();
        for (key, value) in in_order(document.get_ref()) {
            match &**key.get_ref() {
                "thresholds" => self.thresholds(value, &mut configuration.thresholds)?,
                "severity" => self.severities(value, &mut configuration.policy)?,
                "silence" => {
                    for (name, span) in self.texts(value)? {
                        let named = self.named(name, span)?;
                        configuration.policy.silence(named);
                    }
                }
                "leg-headers" => {
                    let names = self.texts(value)?.into_iter().map(|(name, span)| {
                        header_name(name).map_err(|what| self.wrong(span, &what, None))
                    });
                    configuration.leg_headers = names.collect::<Result<_, _>>()?;
                }
                "aliases" => self.aliases(value, &mut configuration.aliases)?,
                "redact" => match value.get_ref() {
                    DeValue::Boolean(redact) => configuration.redact = *redact,
                    other => return Err(self.not_a("true or false", value.span(), other)),
                },
                other => return Err(self.unknown(key.span(), "key", other, &KEYS)),
            }
        }
        Ok(configuration)
    }

    fn thresholds(&self, value: &Item<'_>, thresholds: &mut Thresholds) -> Result<(), WrongUse> {
        for (key, value) in in_order(self.table(value)?) {
            let name = &**key.get_ref();
            let Some(row) = Thresholds::named(name) else {
                let keys: Vec<_> = Thresholds::ALL.iter().map(|row| row.key).collect();
                return Err(self.unknown(key.span(), "threshold", name, &keys));
            };
            self.threshold(row, value, thresholds)?;
        }
        Ok(())
    }

    fn threshold(
        &self,
        row: &Threshold,
        value: &Item<'_>,
        thresholds: &mut Thresholds,
    ) -> Result<(), WrongUse> {
        let written = match value.get_ref() {
            DeValue::String(text) => text.to_string(),
            // As it stands there, so that 0.5 is half a second.
            _ => self
                .text
                .get(value.span())
                .unwrap_or_default()
                .replace('_', ""),
        };
        let value = row.parse(&written).map_err(|expected| {
            let what = format!("{written:?} is no {}: {expected}", row.key);
            self.wrong(value.span(), &what, None)
        })?;
        row.set(thresholds, value);
        Ok(())
    }

    fn severities(&self, value: &Item<'_>, policy: &mut Policy) -> Result<(), WrongUse> {
        for (key, value) in in_order(self.table(value)?) {
            let named = self.named(key.get_ref(), key.span())?;
            let (written, span) = self.one_text(value)?;
            let known = Severity::ALL.map(Severity::name);
            let severity = Severity::named(written)
                .ok_or_else(|| self.unknown(span, "severity", written, &known))?;
            if !policy.judge(named, severity) {
                let what = format!("the severity of {named} is given twice");
                return Err(self.wrong(key.span(), &what, None));
            }
        }
        Ok(())
    }

    fn aliases(&self, value: &Item<'_>, aliases: &mut Aliases) -> Result<(), WrongUse> {
        for (key, value) in in_order(self.table(value)?) {
            let (name, _) = self.one_text(value)?;
            let alias = Alias::new(key.get_ref(), name)
                .map_err(|what| self.wrong(key.span(), &what, None))?;
            aliases.add(alias);
        }
        Ok(())
    }

    fn named(&self, name: &str, span: Range<usize>) -> Result<Named, WrongUse> {
        Named::parse(name).map_err(|error: UnknownFinding| {
            self.wrong(span, &error.to_string(), Some(error.help()))
        })
    }

    fn table<'v, 'i>(&self, value: &'v Item<'i>) -> Result<&'v DeTable<'i>, WrongUse> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(table),
            other => Err(self.not_a("table", value.span(), other)),
        }
    }

    fn texts<'v>(&self, value: &'v Item<'_>) -> Result<Vec<(&'v str, Range<usize>)>, WrongUse> {
        match value.get_ref() {
            DeValue::Array(items) => items.iter().map(|item| self.one_text(item)).collect(),
            other => Err(self.not_a(
                "list of texts, such as [\"auth-loop\"]",
                value.span(),
                other,
            )),
        }
    }

    fn one_text<'v>(&self, value: &'v Item<'_>) -> Result<(&'v str, Range<usize>), WrongUse> {
        match value.get_ref() {
            DeValue::String(text) => Ok((text, value.span())),
            other => Err(self.not_a("text in quotation marks", value.span(), other)),
        }
    }

    fn not_a(&self, wanted: &str, at: Range<usize>, found: &DeValue<'_>) -> WrongUse {
        let found = match found {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.wrong(
            at,
            &match wanted {
                "true or false" => format!("here stands {found}, and not {wanted}"),
                _ => format!("here stands {found}, and not a {wanted}"),
            },
            None,
        )
    }

    /// A name that nothing has.
    fn unknown(&self, at: Range<usize>, kind: &str, name: &str, known: &[&str]) -> WrongUse {
        let help = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("there are {}", known.join(", ")),
        };
        self.wrong(at, &format!("there is no {kind} \"{name}\""), Some(help))
    }

    /// What is wrong, with its place in the file.
    fn wrong(&self, at: Range<usize>, what: &str, help: Option<String>) -> WrongUse {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|it| *it != '\n').count() + 1;
        WrongUse {
            headline: format!("{}:{line}:{column}: {what}", self.path.display()),
            help,
        }
    }
}
