//! How often something happened, or how long it took, in a sentence of the catalogue: it stands in brackets, `[: {count}×]`,
//! which are left out where it happened once, or took no time. That goes without saying, and a headline that ends with `1×` asks
//! for an explanation.

use std::borrow::Cow;

/// The sentence without its brackets, and without what is in them where `once` says of the name there that its value goes without
/// saying.
/// Brackets without a name are not meant.
pub fn counted(template: &str, once: impl Fn(&str) -> bool) -> Cow<'_, str> {
    if !template.contains('[') {
        return template.into();
    }
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, behind)) = rest.split_once('[') {
        text.push_str(before);
        let held = behind.split_once(']');
        match held.and_then(|(inside, after)| Some((inside, name(inside)?, after))) {
            Some((inside, name, after)) => {
                if !once(name) {
                    text.push_str(inside);
                }
                rest = after;
            }
            None => {
                text.push('[');
                rest = behind;
            }
        }
    }
    text.push_str(rest);
    text.into()
}

/// The first name in a text.
fn name(text: &str) -> Option<&str> {
    let (_, behind) = text.split_once('{')?;
    Some(behind.split_once('}')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_goes_without_saying() {
        let of = |template, value: u8| counted(template, |name| name == "n" && value == 1);
        assert_eq!(
            of("{dst} refused[ ({n}×)]: {why}", 1),
            "{dst} refused: {why}"
        );
        assert_eq!(
            of("{dst} refused[ ({n}×)]: {why}", 2),
            "{dst} refused ({n}×): {why}"
        );
        assert_eq!(
            of("[2001:db8::1] refused[: {n}×]", 1),
            "[2001:db8::1] refused"
        );
        assert_eq!(of("not closed [ {n}", 1), "not closed [ {n}");
    }
}
