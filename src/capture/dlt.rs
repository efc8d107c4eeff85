//! libpcap's own link type numbers (DLT_), which differ from those in files (LINKTYPE_) for a few, and by system.

use super::LinkType;

/// DLT_ on this system, LINKTYPE_; all others are the same number in both.
const DIFFERENT: &[(i32, u16)] = &[
    (if cfg!(target_os = "openbsd") { 14 } else { 12 }, 101), // raw IP
    (11, 100),                                                // RFC 1483 ATM
    (15, 102),                                                // BSD/OS SLIP
    (16, 103),                                                // BSD/OS PPP
    (19, 106),                                                // Linux classical IP over ATM
];

/// libpcap's number for a link type.
pub(super) fn from_link_type(link_type: LinkType) -> i32 {
    DIFFERENT
        .iter()
        .find(|(_, known)| *known == link_type.0)
        .map_or(i32::from(link_type.0), |(dlt, _)| *dlt)
}

/// The link type for libpcap's number; `None` for one that no file can say.
pub(super) fn to_link_type(dlt: i32) -> Option<LinkType> {
    DIFFERENT
        .iter()
        .find(|(known, _)| *known == dlt)
        .map(|(_, link_type)| *link_type)
        .or_else(|| u16::try_from(dlt).ok())
        .map(LinkType)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_ip_has_two_numbers() {
        assert_eq!(
            to_link_type(from_link_type(LinkType::RAW)),
            Some(LinkType::RAW)
        );
        assert_ne!(from_link_type(LinkType::RAW), 101);
        assert_eq!(from_link_type(LinkType::LINUX_SLL2), 276);
        assert_eq!(to_link_type(-1), None);
    }
}
