//! BPF filters, compiled by libpcap once for each link type, and what is wrong with one that does not compile.

#[cfg(feature = "live")]
pub use compiled::Filter;
#[cfg(feature = "live")]
pub(super) use compiled::{explain, message};
#[cfg(not(feature = "live"))]
pub use missing::Filter;

#[cfg(feature = "live")]
mod compiled {
    use crate::capture::filter_help::help;
    use crate::capture::{CaptureError, LinkType, dlt};
    use pcap::{BpfProgram, Capture, Linktype};

    /// Link types that have keywords of their own, such as `inbound` or `wlan`.
    const TRIED: &[LinkType] = &[
        LinkType::ETHERNET,
        LinkType::LINUX_SLL2,
        LinkType::LINUX_SLL,
        LinkType::RAW,
        LinkType::NULL,
        LinkType(9),
        LinkType(105),
        LinkType(107),
        LinkType(127),
    ];

    /// A BPF filter in the language of tcpdump, for packets of any link type.
    pub struct Filter {
        text: String,
        programs: Vec<(LinkType, BpfProgram)>,
        last: usize,
    }

    impl Filter {
        /// Compiles `text` for Ethernet; for other link types when they appear.
        ///
        /// # Errors
        /// When it compiles for no link type; [`CaptureError::help`] shows where it is wrong.
        pub fn new(text: &str) -> Result<Self, CaptureError> {
            let mut first = None;
            for link_type in TRIED {
                match compile(*link_type, text) {
                    Ok(program) => {
                        return Ok(Self {
                            text: text.to_owned(),
                            programs: vec![(*link_type, program)],
                            last: 0,
                        });
                    }
                    Err(message) => {
                        first.get_or_insert(message);
                    }
                }
            }
            Err(explain(
                LinkType::ETHERNET,
                text,
                &first.unwrap_or_default(),
            ))
        }

        /// The filter as given.
        pub fn text(&self) -> &str {
            &self.text
        }

        /// Whether a packet passes. The filter sees `data`, also for `len`: not what the snap length cut off.
        ///
        /// # Errors
        /// When the filter asks for something that packets of this link type do not have.
        pub fn accepts(&mut self, link_type: LinkType, data: &[u8]) -> Result<bool, CaptureError> {
            let last = self
                .programs
                .get(self.last)
                .filter(|(known, _)| *known == link_type);
            if let Some((_, program)) = last {
                return Ok(program.filter(data));
            }
            self.last = match self
                .programs
                .iter()
                .position(|(known, _)| *known == link_type)
            {
                Some(index) => index,
                None => self.add(link_type)?,
            };
            self.accepts(link_type, data)
        }

        fn add(&mut self, link_type: LinkType) -> Result<usize, CaptureError> {
            let program =
                compile(link_type, &self.text).map_err(|message| CaptureError::FilterLinkType {
                    filter: self.text.clone(),
                    link_type,
                    message,
                })?;
            self.programs.push((link_type, program));
            Ok(self.programs.len() - 1)
        }
    }

    /// The error for a filter that libpcap refused with `message`.
    pub(in crate::capture) fn explain(
        link_type: LinkType,
        text: &str,
        message: &str,
    ) -> CaptureError {
        let help = help(text, message, &|text| compile(link_type, text).map(drop));
        let message = message
            .strip_prefix("can't parse filter expression: ")
            .unwrap_or(message)
            .to_owned();
        CaptureError::Filter { message, help }
    }

    /// libpcap's own words.
    pub(in crate::capture) fn message(error: pcap::Error) -> String {
        match error {
            pcap::Error::PcapError(message) => message.trim().to_owned(),
            other => other.to_string(),
        }
    }

    fn compile(link_type: LinkType, text: &str) -> Result<BpfProgram, String> {
        let dead = Capture::dead(Linktype(dlt::from_link_type(link_type))).map_err(message)?;
        dead.compile(text, true).map_err(message)
    }
}

#[cfg(not(feature = "live"))]
mod missing {
    use crate::capture::{CaptureError, LinkType};
    use std::convert::Infallible;

    /// A BPF filter; this build can make none.
    pub struct Filter(Infallible);

    impl Filter {
        /// Fails: this build has no libpcap.
        ///
        /// # Errors
        /// Always.
        pub fn new(_text: &str) -> Result<Self, CaptureError> {
            Err(CaptureError::NoLibpcap {
                what: "filter packets",
            })
        }

        /// The filter as given.
        pub fn text(&self) -> &str {
            match self.0 {}
        }

        /// Whether a packet passes.
        ///
        /// # Errors
        /// Never: there is no such filter.
        pub fn accepts(
            &mut self,
            _link_type: LinkType,
            _data: &[u8],
        ) -> Result<bool, CaptureError> {
            match self.0 {}
        }
    }
}

#[cfg(all(test, feature = "live"))]
mod tests {
    use super::Filter;
    use crate::capture::LinkType;
    use crate::capture::testing::udp_packet;

    #[test]
    fn finds_the_port_under_every_link_layer() {
        let mut filter = Filter::new("udp port 5060").unwrap();
        let ip = udp_packet(5060, b"OPTIONS");
        let other = udp_packet(5070, b"OPTIONS");
        let links: &[(LinkType, &[u8])] = &[
            (
                LinkType::ETHERNET,
                &[0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 8, 0],
            ),
            (LinkType::RAW, &[]),
            (LinkType::IPV4, &[]),
            (LinkType::NULL, &[2, 0, 0, 0]),
            (LinkType::LOOP, &[0, 0, 0, 2]),
            (
                LinkType::LINUX_SLL,
                &[0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 1, 0, 0, 8, 0],
            ),
            (
                LinkType::LINUX_SLL2,
                &[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0, 0, 1, 0, 0],
            ),
        ];
        for (link_type, header) in links {
            let wanted = [header, ip.as_slice()].concat();
            let unwanted = [header, other.as_slice()].concat();
            assert!(filter.accepts(*link_type, &wanted).unwrap(), "{link_type}");
            assert!(
                !filter.accepts(*link_type, &unwanted).unwrap(),
                "{link_type}"
            );
            assert!(!filter.accepts(*link_type, &[]).unwrap(), "{link_type}");
        }
    }

    #[test]
    fn a_keyword_of_another_link_layer_is_an_error_only_for_the_packets_without_it() {
        let mut filter = Filter::new("type mgt").unwrap();
        assert!(filter.accepts(LinkType(105), &[0; 40]).is_ok());
        let error = filter.accepts(LinkType::ETHERNET, &[0; 40]).unwrap_err();
        assert!(error.to_string().starts_with(
            "the filter \"type mgt\" cannot be used on packets of link type EN10MB: "
        ));
    }

    #[test]
    fn a_wrong_filter_says_where_and_what_could_be_meant() {
        let cases = [
            (
                "port=5060",
                "    port=5060\n    ^^^^^^^^^\ndid you mean: port 5060",
            ),
            (
                "udp and port:5060",
                "    udp and port:5060\n            ^^^^^^^^^\ndid you mean: udp and port 5060",
            ),
            (
                "host 192.0.2.1:5060",
                "    host 192.0.2.1:5060\n         ^^^^^^^^^^^^^^\ndid you mean: host 192.0.2.1 and port 5060",
            ),
            (
                "udp port 5060 host 192.0.2.1",
                "    udp port 5060 host 192.0.2.1\n                  ^^^^\ndid you mean: udp port 5060 and host 192.0.2.1",
            ),
            (
                "udp port",
                "    udp port\n            ^ something is missing here",
            ),
            (
                "(udp or tcp",
                "    (udp or tcp\n               ^ something is missing here\ndid you mean: (udp or tcp)",
            ),
            ("udp)", "    udp)\n       ^\ndid you mean: udp"),
            ("sip", "    sip\n    ^^^\ndid you mean: port 5060"),
            (
                "udp.port == 5060",
                "    udp.port == 5060\n    ^^^^^^^^\ndid you mean: udp port 5060",
            ),
            (
                "ip.addr == 192.0.2.1 && sip",
                "    ip.addr == 192.0.2.1 && sip\n    ^^^^^^^\ndid you mean: host 192.0.2.1 && port 5060",
            ),
        ];
        for (text, help) in cases {
            let error = Filter::new(text).err().unwrap();
            assert_eq!(
                error.help().as_deref(),
                Some(format!("it goes wrong here:\n{help}").as_str()),
                "{error}"
            );
        }
    }
}
