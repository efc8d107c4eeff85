//! Passwords that the user gave to test digests with. They are wiped when they are let go, and never printed.

use crate::limits::MAX_PASSWORD;
use std::fmt;
use zeroize::Zeroizing;

/// Passwords by `USER@REALM`.
#[derive(Default)]
pub struct Passwords {
    entries: Vec<Entry>,
}

struct Entry {
    name: Box<str>,
    password: Zeroizing<Vec<u8>>,
}

/// Why a password cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The name has no user or no realm.
    #[error("it is for USER@REALM, as the Authorization field names them")]
    Name,
    /// There is one with this name.
    #[error("there is a password of this user and realm already")]
    Twice,
    /// There is nothing on the first line.
    #[error("the first line is empty")]
    Empty,
    /// The first line does not end.
    #[error("the first line has more than {MAX_PASSWORD} bytes")]
    TooLong,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords")
            .field("count", &self.entries.len())
            .finish_non_exhaustive()
    }
}

impl Passwords {
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes the password of `USER@REALM`: the first line of a text, with all its blanks.
    ///
    /// # Errors
    /// [`PasswordError`] says why it cannot be used.
    pub fn add(&mut self, name: &str, text: &[u8]) -> Result<(), PasswordError> {
        let parts = name.rsplit_once('@');
        if parts.is_none_or(|(user, realm)| user.is_empty() || realm.is_empty()) {
            return Err(PasswordError::Name);
        }
        if self.entries.iter().any(|entry| *entry.name == *name) {
            return Err(PasswordError::Twice);
        }
        // Some editors put a byte order mark before UTF-8.
        let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
        let line = text.split(|&byte| byte == b'\n').next().unwrap_or(text);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return Err(PasswordError::Empty);
        }
        if line.len() > MAX_PASSWORD {
            return Err(PasswordError::TooLong);
        }
        self.entries.push(Entry {
            name: name.into(),
            password: Zeroizing::new(line.to_vec()),
        });
        Ok(())
    }

    /// The names in the order in which they were given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| &*entry.name)
    }

    /// The number of the password of a user in a realm, from 0; `None` when none was given.
    pub fn find(&self, user: &[u8], realm: &[u8]) -> Option<usize> {
        self.entries.iter().position(|entry| {
            entry
                .name
                .as_bytes()
                .strip_prefix(user)
                .and_then(|rest| rest.strip_prefix(b"@"))
                == Some(realm)
        })
    }

    /// The password itself.
    pub(super) fn get(&self, user: &[u8], realm: &[u8]) -> Option<&[u8]> {
        let entry = self.entries.get(self.find(user, realm)?)?;
        Some(&entry.password)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password_with_its_blanks() {
        let mut passwords = Passwords::default();
        assert!(passwords.is_empty());
        for (name, text) in [
            ("a@r", &b"one\nmore"[..]),
            ("b@example.com@r", b"two \r\n"),
            ("c@a realm", b"\xef\xbb\xbfthree"),
        ] {
            assert_eq!(passwords.add(name, text), Ok(()), "{name}");
        }
        assert_eq!(passwords.get(b"a", b"r"), Some(&b"one"[..]));
        assert_eq!(passwords.get(b"b@example.com", b"r"), Some(&b"two "[..]));
        assert_eq!(passwords.get(b"c", b"a realm"), Some(&b"three"[..]));
        for (user, realm) in [("a", "x"), ("", "a@r"), ("a@", "r"), ("b", "r")] {
            assert_eq!(passwords.find(user.as_bytes(), realm.as_bytes()), None);
        }
        assert_eq!(passwords.names().count(), 3);
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let mut passwords = Passwords::default();
        for name in ["", "alice", "@r", "alice@"] {
            assert_eq!(passwords.add(name, b"x"), Err(PasswordError::Name));
        }
        assert_eq!(passwords.add("a@r", b"\nx"), Err(PasswordError::Empty));
        let long = vec![b'x'; MAX_PASSWORD + 1];
        assert_eq!(passwords.add("a@r", &long), Err(PasswordError::TooLong));
        assert_eq!(passwords.add("a@r", b"x"), Ok(()));
        assert_eq!(passwords.add("a@r", b"y"), Err(PasswordError::Twice));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let mut passwords = Passwords::default();
        passwords.add("a@r", b"hunter2").unwrap();
        assert_eq!(format!("{passwords:?}"), "Passwords { count: 1, .. }");
    }
}
