//! The interfaces there are, whether this process may capture on them, and giving up the right to.

use super::CaptureError;
use caps::{CapSet, Capability, CapsHashSet};
use std::net::IpAddr;

/// An interface that packets can be captured on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceInfo {
    /// Its name, such as `eth0`.
    pub name: String,
    /// What libpcap says about it.
    pub description: Option<String>,
    /// Its IP addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether it is configured up.
    pub up: bool,
    /// Whether it is connected.
    pub running: bool,
    /// Whether it is a loopback interface.
    pub loopback: bool,
}

/// The interfaces there are, as libpcap lists them.
///
/// # Errors
/// When libpcap cannot list them.
pub fn interfaces() -> Result<Vec<InterfaceInfo>, CaptureError> {
    let devices = pcap::Device::list().map_err(|error| CaptureError::ListInterfaces {
        message: error.to_string(),
    })?;
    let info = |device: pcap::Device| InterfaceInfo {
        up: device.flags.is_up(),
        running: device.flags.is_running(),
        loopback: device.flags.is_loopback(),
        addresses: device
            .addresses
            .iter()
            .map(|address| address.addr)
            .collect(),
        name: device.name,
        description: device.desc,
    };
    Ok(devices.into_iter().map(info).collect())
}

/// How libpcap names sources of packets that are no network interfaces; they stamp packets with microseconds only.
const NO_INTERFACES: &[&str] = &["nflog", "nfqueue", "usbmon", "bluetooth", "dbus", "rdma"];

/// Whether libpcap's `name` is one of a network interface.
pub(super) fn is_network(name: &str) -> bool {
    !NO_INTERFACES.iter().any(|prefix| name.starts_with(prefix))
}

/// The names of the network interfaces there are; none when they cannot be listed.
pub(super) fn names() -> Vec<String> {
    let mut known = interfaces().unwrap_or_default();
    known.retain(|interface| is_network(&interface.name));
    known.into_iter().map(|interface| interface.name).collect()
}

/// Whether this process has the right to capture (`CAP_NET_RAW`).
pub fn may_capture() -> bool {
    caps::has_cap(None, CapSet::Effective, Capability::CAP_NET_RAW).unwrap_or(true)
}

/// Drops the capabilities of this thread, and so of those it starts from now on. Keeps the one that lets root write its
/// output wherever it is told to. What the system refuses to drop stays.
pub(super) fn give_up_privileges() {
    let permitted = caps::read(None, CapSet::Permitted).unwrap_or_default();
    let kept: CapsHashSet = permitted
        .into_iter()
        .filter(|capability| *capability == Capability::CAP_DAC_OVERRIDE)
        .collect();
    // Ambient ones are part of the permitted ones; effective before permitted, which bounds it.
    let _ = caps::clear(None, CapSet::Ambient);
    let _ = caps::clear(None, CapSet::Inheritable);
    let _ = caps::set(None, CapSet::Effective, &kept);
    let _ = caps::set(None, CapSet::Permitted, &kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interfaces_can_be_listed_without_rights() {
        assert!(interfaces().is_ok());
    }
}
