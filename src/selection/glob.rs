//! Names with wildcards, as shells have them: `*` is anything, `?` is one character; upper and lower case are alike.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A name, perhaps with wildcards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Box<[u8]>);

impl Glob {
    /// Whether all of a text fits.
    pub fn matches(&self, text: &[u8]) -> bool {
        let pattern = &*self.0;
        let (mut at, mut read) = (0, 0);
        // Where the last star was, and how much of the text it is tried with.
        let mut star: Option<(usize, usize)> = None;
        while let Some(&byte) = text.get(read) {
            match pattern.get(at) {
                Some(b'*') => {
                    star = Some((at, read));
                    at += 1;
                }
                Some(&wanted) if wanted == b'?' || wanted.eq_ignore_ascii_case(&byte) => {
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
            .is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
    }

    /// Whether it has wildcards.
    pub fn is_wild(&self) -> bool {
        self.0.iter().any(|byte| matches!(byte, b'*' | b'?'))
    }
}

impl FromStr for Glob {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.as_bytes().into()))
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        let Ok(glob) = pattern.parse::<Glob>();
        glob.matches(text.as_bytes())
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
        ] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("alice", "alice2"),
            ("a?", "a"),
            ("", "a"),
            ("a*b", "a-c"),
            ("*a?", "ba"),
        ] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }
}
