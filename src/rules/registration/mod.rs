//! Registrations that the registrar refuses (RFC 3261 §10.3).

pub(super) mod register_423;
pub(super) mod rejected;
