//! Calls with their media.

/// Two calls that talk, one of them from behind a NAT, and a packet that is of neither. `SDP HOST PORT` is a description.
const CALLS: &str = "
alice = 192.0.2.10:5060
bob = 192.0.2.20:5060
carol = 192.0.2.30:5060

+0.000 alice -> bob  INVITE a1 call=talk
SDP 192.0.2.10 4000
+0.100 bob -> alice  200 INVITE a1 tag=x
SDP 192.0.2.20 6000
+0.110 alice -> bob  ACK a2 call=talk to=bob;x
+0.120 192.0.2.10:4000 -> 192.0.2.20:6000  rtp
+0.130 203.0.113.9:61000 -> 192.0.2.20:6000  rtp
+0.140 192.0.2.10:4001 -> 192.0.2.20:6001  rtcp
+0.150 192.0.2.10:4002 -> 192.0.2.20:6002  rtp
+0.160 192.0.2.10:4000 -> 192.0.2.20:6000  fragments=2 rtp
+0.200 carol -> bob  INVITE c1 call=other from=carol;c
SDP 192.0.2.30 4000
+0.300 bob -> carol  200 INVITE c1 tag=y
SDP 192.0.2.20 6010
+0.310 carol -> bob  ACK c2 call=other from=carol;c to=bob;y
+0.320 192.0.2.30:4000 -> 192.0.2.20:6010  rtp
+5.000 alice -> bob  BYE a3 cseq=2 call=talk to=bob;x
+5.010 bob -> alice  200 BYE a3
+6.000 carol -> bob  BYE c3 cseq=2 call=other from=carol;c to=bob;y
+6.010 bob -> carol  200 BYE c3
";

/// The same with its descriptions written out.
pub(crate) fn calls() -> String {
    let described = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let &["SDP", host, port] = words.as_slice() else {
            return format!("{line}\n");
        };
        format!(
            "    Content-Type: application/sdp
    | v=0
    | o=- 1 1 IN IP4 {host}
    | s=-
    | c=IN IP4 {host}
    | t=0 0
    | m=audio {port} RTP/AVP 0\n"
        )
    };
    CALLS.lines().map(described).collect()
}
