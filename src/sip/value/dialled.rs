//! Telephone numbers as the user of a URI: the same one is written in several ways.

use super::Brief;

/// A user as two legs may both write it: of a telephone number the last eight digits.
pub fn normal_user(user: &[u8]) -> Brief {
    let user = user.split(|byte| matches!(byte, b';' | b':')).next();
    let user = user.unwrap_or_default();
    let is_number = !user.is_empty()
        && user
            .iter()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'(' | b')'));
    if !is_number {
        return user.iter().map(u8::to_ascii_lowercase).collect();
    }
    let mut digits: Brief = user.iter().copied().filter(u8::is_ascii_digit).collect();
    digits.drain(..digits.len().saturating_sub(8));
    digits
}

/// Whether a user is a telephone number that is the same one at every gateway, as an extension is not.
pub fn is_dialled(user: &[u8]) -> bool {
    let digits = user.strip_prefix(b"+").unwrap_or(user);
    digits.len() >= SHORTEST_NUMBER && digits.iter().all(u8::is_ascii_digit)
}

/// Digits of the shortest number that is no extension.
const SHORTEST_NUMBER: usize = 6;
