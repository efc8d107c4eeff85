//! Names and numbers that people chose: users, hosts, telephone numbers. Each gets the next free name of the same length, in
//! the order in which they come, so that what is shown tells nothing of what was captured.

use super::secret::{Cipher, Way};
use crate::hash::HashMap;
use crate::limits::MAX_REDACTED_NAMES;

/// One kind of name with what stands for each.
#[derive(Debug)]
pub(super) struct Names {
    /// What a name begins with; `None` for digits alone.
    letter: Option<u8>,
    /// What stands for itself alone.
    kept: &'static [&'static [u8]],
    hidden: HashMap<Box<[u8]>, Box<[u8]>>,
    shown: HashMap<Box<[u8]>, Box<[u8]>>,
    /// How many names of each length were tried.
    tried: HashMap<usize, u64>,
    not_kept: u64,
}

impl Names {
    pub(super) fn of_letter(letter: u8) -> Self {
        Self::new(Some(letter))
    }

    pub(super) fn of_digits() -> Self {
        Self::new(None)
    }

    /// With names that stand for themselves, and so for no other.
    pub(super) fn keeping(self, kept: &'static [&'static [u8]]) -> Self {
        Self { kept, ..self }
    }

    fn new(letter: Option<u8>) -> Self {
        Self {
            letter,
            kept: &[],
            hidden: HashMap::default(),
            shown: HashMap::default(),
            tried: HashMap::default(),
            not_kept: 0,
        }
    }

    /// How many had to be enciphered because there was no room to remember them.
    pub(super) const fn not_kept(&self) -> u64 {
        self.not_kept
    }

    /// How many came before.
    pub(super) fn count(&self) -> usize {
        self.hidden.len()
    }

    /// Whether a name came before, or what stands for it.
    pub(super) fn knows(&self, name: &[u8], way: Way) -> bool {
        match way {
            Way::Hide => self.hidden.contains_key(name),
            Way::Show => self.shown.contains_key(name),
        }
    }

    /// Replaces a name in its place, or puts back what it stands for. Line ends inside of it stay: they end a header field.
    pub(super) fn replace(&mut self, name: &mut [u8], cipher: &Cipher, way: Way) {
        let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        if name.iter().any(is_line_end) {
            let lines = name.split_mut(is_line_end);
            for line in lines.filter(|line| !line.is_empty()) {
                self.replace(line, cipher, way);
            }
            return;
        }
        let table = match way {
            Way::Hide => &self.hidden,
            Way::Show => &self.shown,
        };
        if let Some(other) = table.get(&*name) {
            put(name, other);
            return;
        }
        if way == Way::Show || self.hidden.len() >= MAX_REDACTED_NAMES {
            self.not_kept += u64::from(way == Way::Hide);
            cipher.word(name, way);
            return;
        }
        let other = self.other(name, cipher);
        put(name, &other);
    }

    /// A new name for one that was not met before.
    fn other(&mut self, name: &[u8], cipher: &Cipher) -> Box<[u8]> {
        let lower = name.to_ascii_lowercase();
        let other = if self.letter.is_none() || *lower == *name {
            self.next(name)
        } else {
            // The same name in another spelling is the same name.
            let mut alike = lower;
            self.replace(&mut alike, cipher, Way::Hide);
            let alike = in_case_of(&alike, name);
            if self.shown.contains_key(&*alike) {
                self.next(name)
            } else {
                alike
            }
        };
        self.hidden.insert(name.into(), other.clone());
        self.shown.insert(other.clone(), name.into());
        other
    }

    /// The next free name, which is none that was captured.
    fn next(&mut self, name: &[u8]) -> Box<[u8]> {
        let len = name.len();
        let mut wrapped = false;
        loop {
            let tried = self.tried.entry(len).or_default();
            let candidate = match self.letter {
                Some(letter) => named(letter, len, *tried),
                None => numbered(len, *tried),
            };
            *tried += 1;
            let Some(candidate) = candidate else {
                if wrapped {
                    // All names of this length are taken: only of one or two letters.
                    return name.into();
                }
                wrapped = true;
                *tried = 0;
                continue;
            };
            let is_taken = self.shown.contains_key(&*candidate) || self.kept.contains(&&*candidate);
            // Once round, what was captured may be used for another.
            let is_captured = !wrapped && self.hidden.contains_key(&*candidate);
            if !is_taken && !is_captured && (wrapped || *candidate != *name) {
                return candidate;
            }
        }
    }
}

/// `u0001`, then `v0001`, then all that letters and digits make of so many places. `None` behind the last.
fn named(letter: u8, len: usize, index: u64) -> Option<Box<[u8]>> {
    let decimal = 10_u64
        .checked_pow(u32::try_from(len.saturating_sub(1)).ok()?)
        .unwrap_or(u64::MAX);
    let letters = 26_u64;
    if let Some(round) = index.checked_div(decimal).filter(|round| *round < letters) {
        let from = u64::from(letter - b'a');
        let first = b'a' + u8::try_from((from + round) % letters).ok()?;
        // Counted from 1, as people do.
        let number = (index + 1) % decimal;
        let digits = len - 1;
        let text = if digits == 0 {
            String::new()
        } else {
            format!("{number:0digits$}")
        };
        return Some([&[first], text.as_bytes()].concat().into());
    }
    let mut rest = index - decimal * letters;
    let mut name = vec![0; len];
    for place in name.iter_mut().rev() {
        let digit = u8::try_from(rest % 36).ok()?;
        rest /= 36;
        *place = if digit < 26 {
            b'a' + digit
        } else {
            b'0' + digit - 26
        };
    }
    (rest == 0).then(|| name.into())
}

/// `100`, `101` and so on, at the end those that begin with 0.
fn numbered(len: usize, index: u64) -> Option<Box<[u8]>> {
    let all = 10_u64
        .checked_pow(u32::try_from(len).ok()?)
        .unwrap_or(u64::MAX);
    if index >= all {
        return None;
    }
    let number = (all / 10 + index) % all;
    Some(format!("{number:0len$}").into_bytes().into())
}

/// A name written as another one is: with its first letter large, or all of them.
fn in_case_of(name: &[u8], other: &[u8]) -> Box<[u8]> {
    let is_loud = other.iter().all(|byte| !byte.is_ascii_lowercase());
    let mut name: Box<[u8]> = name.into();
    if is_loud {
        name.make_ascii_uppercase();
    } else if let Some(first) = name.first_mut() {
        first.make_ascii_uppercase();
    }
    name
}

/// Writes one text over another of the same length.
pub(super) fn put(place: &mut [u8], text: &[u8]) {
    for (byte, new) in place.iter_mut().zip(text) {
        *byte = *new;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(names: &mut Names, name: &str) -> String {
        let mut bytes = name.as_bytes().to_vec();
        names.replace(&mut bytes, &Cipher::new(b""), Way::Hide);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn line_ends_inside_a_name_stay() {
        let mut names = Names::of_letter(b'h');
        let name = hidden(&mut names, "one\r\n two");
        assert_eq!(name.find("\r\n"), Some(3), "{name:?}");
        assert_eq!(name.len(), 9);
    }

    #[test]
    fn names_are_numbered_in_their_order_and_keep_their_length() {
        let mut names = Names::of_letter(b'u');
        assert_eq!(hidden(&mut names, "alice"), "u0001");
        assert_eq!(hidden(&mut names, "carol"), "u0002");
        assert_eq!(hidden(&mut names, "bob"), "u01");
        assert_eq!(hidden(&mut names, "Alice"), "U0001");
        assert_eq!(hidden(&mut names, "ALICE"), "U0003".to_lowercase());
        assert_eq!(hidden(&mut names, "alice"), "u0001");
        assert_eq!(hidden(&mut names, "x"), "u");
        let mut back = b"U0001".to_vec();
        names.replace(&mut back, &Cipher::new(b""), Way::Show);
        assert_eq!(back, b"Alice");
    }

    #[test]
    fn every_name_of_one_letter_finds_another() {
        let mut names = Names::of_letter(b'h');
        let all: std::collections::BTreeSet<_> = ('a'..='z')
            .chain('0'..='9')
            .map(|it| hidden(&mut names, &it.to_string()))
            .collect();
        assert_eq!(all.len(), 36);
        let mut digits = Names::of_digits();
        assert_eq!(hidden(&mut digits, "101"), "100");
        assert_eq!(hidden(&mut digits, "102"), "103");
    }
}
