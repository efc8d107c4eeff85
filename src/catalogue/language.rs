//! How a language is chosen: the tag or locale that a user writes.

use super::files::Language;

impl Language {
    /// Whether it is written from right to left.
    pub const fn is_right_to_left(self) -> bool {
        matches!(self, Self::Arabic)
    }

    /// The language of a locale or tag such as `fr_CA.UTF-8`, `zh-Hans-CN` or `en-GB`; `None` when there is none. Whoever
    /// asks for traditional Chinese gets none: its readers are not helped with simplified characters (CLDR has the root
    /// as the parent of `zh_Hant`, too).
    pub fn of(locale: &str) -> Option<Self> {
        let tag = locale.split(['.', '@']).next().unwrap_or_default();
        let mut parts = tag.split(['_', '-']);
        let language = parts.next().unwrap_or_default();
        let found = Self::ALL
            .into_iter()
            .find(|it| it.code().eq_ignore_ascii_case(language))?;
        (found != Self::Chinese || is_simplified(parts)).then_some(found)
    }
}

/// What the script says, and without one the region.
fn is_simplified<'a>(mut subtags: impl Iterator<Item = &'a str>) -> bool {
    subtags
        .find_map(|it| match it.to_ascii_lowercase().as_str() {
            "hans" => Some(true),
            "hant" | "tw" | "hk" | "mo" => Some(false),
            _ => None,
        })
        .unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_locales_lead_to_their_language() {
        for (tags, language) in [
            ("en en_US.UTF-8 EN-gb en@quot", Some(Language::English)),
            ("fr fr_CA.UTF-8 fr-BE", Some(Language::French)),
            ("es es_MX.UTF-8 es-419", Some(Language::Spanish)),
            ("de de_AT de_DE@euro de-CH-1996", Some(Language::German)),
            ("pt pt_BR.UTF-8 pt-PT", Some(Language::Portuguese)),
            (
                "zh zh_CN.UTF-8 zh-Hans zh-Hans-HK zh_SG",
                Some(Language::Chinese),
            ),
            ("ja ja_JP.eucJP JA", Some(Language::Japanese)),
            ("ar ar_EG.UTF-8 ar-SA", Some(Language::Arabic)),
            ("zh_TW.UTF-8 zh-Hant zh-Hant-CN zh-HK zh_MO", None),
            ("C POSIX C.UTF-8 xx deu zhx _ -", None),
        ] {
            for tag in tags.split(' ') {
                assert_eq!(Language::of(tag), language, "{tag}");
            }
        }
        assert_eq!(Language::of(""), None);
    }
}
