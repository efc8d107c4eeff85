//! What limits the capture as evidence.

pub(super) mod dropped_packets;
pub(super) mod duplicates;
pub(super) mod encrypted_sip;
pub(super) mod ends_mid_call;
pub(super) mod file_damaged;
pub(super) mod filter_lost_fragments;
pub(super) mod no_sip;
pub(super) mod one_directional;
pub(super) mod starts_mid_call;
pub(super) mod time_disorder;
pub(super) mod truncated;
pub(super) mod undecoded;
