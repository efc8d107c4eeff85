//! Names with wildcards, as shells have them: `*` is anything, `?` is one character, what stands behind a backslash is
//! itself (`\*97`, a star code). Upper and lower case are alike but in Call-IDs.

use std::fmt;
use std::str::FromStr;

/// A name, perhaps with wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: Box<str>,
    pattern: Box<[Part]>,
    /// Whether upper and lower case differ.
    by_case: bool,
}

/// What stands at one place of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Anything.
    Star,
    /// One character.
    Any,
    /// This one.
    Byte(u8),
}

impl Part {
    const fn fits(self, byte: u8, by_case: bool) -> bool {
        match self {
            Self::Star => false,
            Self::Any => true,
            Self::Byte(wanted) if by_case => wanted == byte,
            Self::Byte(wanted) => wanted.eq_ignore_ascii_case(&byte),
        }
    }
}

impl Glob {
    /// One for Call-IDs, which are compared byte by byte (RFC 3261 §8.1.1.4).
    ///
    /// # Errors
    /// When there is nothing in it.
    pub fn of_call_id(text: &str) -> Result<Self, String> {
        Ok(Self {
            by_case: true,
            ..text.trim().parse()?
        })
    }

    /// Whether all of a text fits.
    pub fn matches(&self, text: &[u8]) -> bool {
        let pattern = &*self.pattern;
        let (mut at, mut read) = (0, 0);
        // Where the last star was, and how much of the text it is tried with.
        let mut star: Option<(usize, usize)> = None;
        while let Some(&byte) = text.get(read) {
            match pattern.get(at) {
                Some(Part::Star) => {
                    star = Some((at, read));
                    at += 1;
                }
                Some(part) if part.fits(byte, self.by_case) => {
                    at += 1;
                    read += 1;
                }
                _ => match &mut star {
                    Some((behind, tried)) => {
                        *tried += 1;
                        (at, read) = (*behind + 1, *tried);
                    }
                    None => return false,
                },
            }
        }
        pattern
            .get(at..)
            .is_some_and(|rest| rest.iter().all(|part| *part == Part::Star))
    }

    /// Whether it has wildcards.
    pub fn is_wild(&self) -> bool {
        self.pattern.iter().any(|it| !matches!(it, Part::Byte(_)))
    }
}

impl FromStr for Glob {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("nothing is like an empty pattern; * is like everything".to_owned());
        }
        let mut bytes = text.bytes();
        let parts = std::iter::from_fn(|| {
            Some(match bytes.next()? {
                b'*' => Part::Star,
                b'?' => Part::Any,
                b'\\' => Part::Byte(bytes.next().unwrap_or(b'\\')),
                byte => Part::Byte(byte),
            })
        });
        Ok(Self {
            pattern: parts.collect(),
            text: text.into(),
            by_case: false,
        })
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        pattern.parse::<Glob>().unwrap().matches(text.as_bytes())
    }

    #[test]
    fn a_star_is_anything_and_a_question_mark_one_character() {
        for (pattern, text) in [
            ("alice", "Alice"),
            ("alice*", "alice"),
            ("*", ""),
            ("*5550*", "+12025555000"),
            ("a*b*c", "a-b-b-c"),
            ("?lice@*", "alice@example.com"),
            ("**a", "bba"),
            ("\\*97", "*97"),
            ("a\\?", "A?"),
            ("a\\", "a\\"),
        ] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("alice", "alice2"),
            ("a?", "a"),
            ("a*b", "a-c"),
            ("*a?", "ba"),
            ("\\*97", "197"),
        ] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn call_ids_differ_by_case_and_nothing_is_no_pattern() {
        let glob = Glob::of_call_id("aB*").unwrap();
        assert!(glob.matches(b"aBc") && !glob.matches(b"abc"));
        assert!("".parse::<Glob>().is_err() && Glob::of_call_id(" ").is_err());
    }
}
