//! Caps on what strangers can make sipdiag do or store: each number with its reason.

use std::time::Duration;

/// Layers peeled off one packet: deeper than any real stack of tags and tunnels, and the end of a packet made to recurse.
pub const MAX_LAYERS: usize = 24;

/// Names of layers kept of one packet: a tag, a few tunnels, each with its own; what is deeper is peeled, not named.
pub const MAX_LAYERS_NAMED: usize = 8;

/// Messages that are remembered to recognise packets that were captured twice: two seconds at 130,000 messages a second.
pub const MAX_RECENT_MESSAGES: usize = 262_144;

/// Transactions open at once: about 3 KiB each with ordinary messages, so about 3 GiB; the one whose timers end first is
/// given up.
pub const MAX_OPEN_TRANSACTIONS: usize = 1_000_000;

/// INVITEs without any response that UDP did not repeat and that are kept open as long as one that is known to ring: 3 KiB each, so
/// 3 MiB. A caller of whom one direction is captured has few of them at a time, and a flood of them must not be kept that long.
pub const MAX_RINGING_UNSEEN: usize = 1024;

/// Judged requests without an answer whose dialog may still show that there was one: 150 bytes each; those of some minutes, and a
/// capture of one direction proves it by any of them.
pub const MAX_UNANSWERED: usize = 1024;

/// Different responses kept of one transaction: a fork over many targets has dozens; what comes beyond is only counted.
pub const MAX_RESPONSES: usize = 64;

/// ACKs and ICMP errors kept of one transaction: one a fork and one a retransmission, with room.
pub const MAX_NOTES: usize = 64;

/// Challenges of one response and credentials of one request: a realm on each of some hops, each with a few algorithms.
/// Rules compare each with each.
pub const MAX_CHALLENGES: usize = 8;

/// Bytes of a password: far more than any server stores.
pub const MAX_PASSWORD: usize = 1024;

/// Transactions of one Call-ID that are judged together where no dialog holds them together: scanners and keep-alives use
/// one Call-ID for days, and rules compare each with each. A request that goes round until its Max-Forwards of 70 is used up
/// is 71 of them, and one loop.
pub const MAX_CALL_TRANSACTIONS: usize = 96;

/// The same of a call with a dialog: a day of session refreshes every ten minutes on one hop, or an hour of INFO each minute
/// on four.
pub const MAX_DIALOG_TRANSACTIONS: usize = 256;

/// Finished transactions that wait for the end of their dialog, in all calls together: about 2 KiB each. Beyond that, calls
/// are judged as soon as nothing of them is open.
pub const MAX_WAITING_TRANSACTIONS: usize = 1_000_000;

/// Dialogs told apart within one Call-ID: a fork over many targets has dozens.
pub const MAX_CALL_DIALOGS: usize = 64;

/// Calls that wait for their end with their transactions at hand, about 10 KiB each; those that are silent longer are packed,
/// which costs the time of reading some messages again.
pub const MAX_UNPACKED_CALLS: usize = 2048;
/// The same where more dialogs than [`CROWD_OF_DIALOGS`] are open: few of them end soon, so that few are worth it.
pub const MAX_UNPACKED_OF_CROWD: usize = 128;
/// So many are a crowd.
pub const CROWD_OF_DIALOGS: usize = 65_536;

/// Bytes of messages kept for judgement, with what keeping them takes: those of 100,000 calls under way. Of the messages
/// beyond, rules know what the transaction notes of them.
pub const MAX_KEPT_BYTES: usize = 512 * 1024 * 1024;

/// Bytes kept of a text that a stranger wrote (a reason phrase, a Server header): a screen line or two.
pub const MAX_TEXT: usize = 256;

/// Call-IDs counted exactly: 16 bytes each, so at most 256 MiB.
pub const MAX_CALL_IDS: usize = 16_000_000;

/// The longest SIP message taken from a stream: the datagram limit, above which no real element goes.
pub const MAX_MESSAGE_LEN: usize = 65_535;

/// Ordered pairs of hosts remembered: about 64 bytes each; a scan over a /16 in both directions fits.
pub const MAX_HOST_PAIRS: usize = 262_144;

/// Addresses-of-record whose last success is remembered, and calls whose first INVITE is: 16 to 64 bytes each and their place in a
/// table, the users of a large registrar.
pub const MAX_SUCCESSES: usize = 262_144;

/// Frames and transactions listed in one finding: more than anybody looks up by hand.
pub const MAX_FRAMES_SHOWN: usize = 256;

/// Findings kept for the report: 1 to 5 KiB each. What comes beyond is counted by name, and with the headline that says the same.
pub const MAX_FINDINGS: usize = 50_000;

/// Kinds of findings beyond [`MAX_FINDINGS`] that are counted with their headlines, by what they say of which peer: 200 bytes each.
pub const MAX_TALLIES: usize = 4_096;

/// Messages held back to bring them into time order: one second at 65,000 messages a second.
pub const MAX_HELD_BACK: usize = 65_536;

/// Different reasons for not decoding, and different unknown methods, that are counted by name.
pub const MAX_UNDECODED_REASONS: usize = 256;

/// Bytes of a configuration file: some thousand lines, where a few dozen are many.
pub const MAX_CONFIG: u64 = 256 * 1024;

/// Bytes of a file held at a time: large enough that reads are few, small enough to stay in the second-level cache.
pub const READ_BUFFER: usize = 256 * 1024;

/// The same when many files are merged: a thousand rotated files then hold 64 MiB together.
pub const READ_BUFFER_OF_MANY: usize = 64 * 1024;

/// Bytes of one packet that any file may hold: what libpcap and Wireshark allow for every link type that carries IP.
pub const PACKET_BYTES: u32 = 262_144;

/// Bytes of one packet when the file's own snap length asks for more than [`PACKET_BYTES`]: the largest block that
/// Wireshark reads; also the cap on a pcapng block whose content is needed, and so on the read buffer.
pub const RECORD_BYTES: u32 = 16 * 1024 * 1024;

/// Interfaces of one pcapng section: no machine has as many, and each costs memory until the section ends.
pub const INTERFACES: usize = 65_536;

/// Words of a filter up to which its wrong one is looked for: each costs some thirty compilations.
pub const FILTER_WORDS: usize = 200;

/// Batches of packets between the threads that listen and the one that reads: with [`LIVE_BATCH_BYTES`] about 64 MiB,
/// as much again as the kernel's own buffer; beyond that the kernel drops, and counts.
pub const LIVE_BATCHES: usize = 256;

/// Packets of one batch: hands on a busy link's packets at the cost of one channel operation for many.
pub const LIVE_BATCH_PACKETS: usize = 512;

/// Bytes after which a batch is handed on.
pub const LIVE_BATCH_BYTES: usize = 256 * 1024;

/// Bytes that wait for a slower interface's packets so as to come out in time order; beyond that the oldest goes first.
pub const LIVE_WAITING_BYTES: usize = 64 * 1024 * 1024;

/// Rows of the transaction table when `--all` asks for them: about 300 bytes each.
pub const MAX_ROWS: usize = 1_000_000;

/// Rows when nobody asks: more than a few screens nobody reads.
pub const MAX_ROWS_UNASKED: usize = 100;

/// Unanswered pings in a row that are kept of one peer: enough for a finding to name, whatever the outage's length.
pub const MAX_PINGS: usize = 64;

/// Gaps between files that are remembered: as many as anybody gives files.
pub const MAX_GAPS: usize = 65_536;

/// Transactions that share one key: the hops on which one message is seen, or the open INVITEs of one Call-ID.
pub const MAX_LEGS: usize = 64;

/// Bytes kept of a URI: longer ones exist in tests only.
pub const MAX_URI: usize = 512;

/// Dialogs watched for their BYE: 16 bytes each, so at most 16 MiB.
pub const MAX_OPEN_DIALOGS: usize = 1_000_000;

/// Findings about the capture as a whole that are kept beside [`MAX_FINDINGS`]: one of them explains thousands of calls.
pub const MAX_CAPTURE_FINDINGS: usize = 10_000;

/// Notes among [`MAX_FINDINGS`]: they must not keep an error out of the report.
pub const MAX_NOTED: usize = 10_000;

/// Bytes of one direction of a TCP connection that wait for a missing segment: as many as a window of a SIP stack holds,
/// several times over; beyond that the missing ones are given up.
pub const MAX_STREAM_WAITING: usize = 256 * 1024;

/// How long a hole in a TCP stream may be when the receiver has acknowledged what is behind it: the capture lacks the
/// segment, or has it a little later.
pub const HOLE_PATIENCE_ACKNOWLEDGED: Duration = Duration::from_millis(500);

/// The same without an acknowledgment: TCP may send again after several doubled timeouts (RFC 6298 §5).
pub const HOLE_PATIENCE: Duration = Duration::from_secs(10);

/// TCP connections known at once: 2 to 4 KiB each when nothing waits in them, so at most some 800 MB; of too many the ones
/// idle longest are given up.
pub const MAX_CONNECTIONS: usize = 200_000;

/// Bytes that wait in all TCP connections together.
pub const MAX_STREAMS_WAITING: usize = 256 * 1024 * 1024;

/// The longest message taken from a stream: sixteen times what a datagram can hold.
pub const MAX_STREAM_MESSAGE: usize = 1024 * 1024;

/// The longest start line waited for in a stream: RFC 3261 has no limit, real Request-URIs stay far below.
pub const MAX_START_LINE: usize = 4096;

/// Connections whose faults are kept for the findings: about 1 KiB each.
pub const MAX_CONNECTION_FACTS: usize = 10_000;

/// How long pieces of a datagram are waited for, in capture time. They leave their sender in one go, and what a network
/// delays it delays by far less; a request that stays unanswered is sent again after half of it (RFC 3261 §17.1.1.2).
pub const FRAGMENTS_WAIT: Duration = Duration::from_secs(1);

/// Datagrams whose pieces are collected at once: what one sender can have on its way in a second, as an IPv4
/// identification has 16 bits. The oldest is given up.
pub const MAX_FRAGMENTED_DATAGRAMS: usize = 65_536;

/// Bytes of pieces kept, with what keeping them takes: a thousand of the largest datagrams, or 40,000 large INVITEs.
pub const MAX_FRAGMENT_BYTES: usize = 64 * 1024 * 1024;

/// Copies of one datagram that are put together side by side: `any` on a bridge shows three.
pub const MAX_FRAGMENT_COPIES: usize = 4;

/// Datagrams with lost fragments that are remembered: about 1 KiB each, more than findings show. The rest is counted.
pub const MAX_LOST_DATAGRAMS: usize = 16_384;

/// Fragments of SCTP user messages held at once: what a thousand peers have under way when each message has some sixty.
pub const MAX_SCTP_FRAGMENTS: usize = 65_536;

/// Bytes of such fragments: the receive windows of a hundred busy associations.
pub const MAX_SCTP_BYTES: usize = 16 * 1024 * 1024;

/// TSNs remembered to recognise what SCTP sends again: about 100 bytes each; a minute at 4,000 chunks a second.
pub const MAX_SCTP_TSNS: usize = 262_144;

/// Bytes of an HTTP head before a WebSocket: web servers refuse more than 8 to 16 KiB.
pub const MAX_HTTP_HEAD: usize = 16 * 1024;

/// Sub-protocols kept of those that a WebSocket client offers: browsers are given one or two.
pub const MAX_SUBPROTOCOLS: usize = 8;

/// Bytes of one WebSocket frame that are believed: what web servers take at most by default; a larger length is no length.
pub const MAX_WEBSOCKET_FRAME: u64 = 16 * 1024 * 1024;

/// Bytes searched for the next WebSocket frame after a gap before the stream is given up: several whole messages, and a
/// large file in between.
pub const MAX_WEBSOCKET_SEARCH: usize = 1024 * 1024;

/// Bytes that a compressed HEP payload may grow to: the longest packet there is to copy.
pub const HEP_INFLATED_BYTES: usize = 65_535;

/// Bytes of HEP packets that wait to be read, over all listeners: as much as interfaces may have waiting.
pub const HEP_QUEUED_BYTES: usize = 64 * 1024 * 1024;

/// The same of one sending address: a quarter, so that one agent that floods leaves room for the others.
pub const HEP_QUEUED_BYTES_OF_ONE: usize = 16 * 1024 * 1024;

/// Bytes that a waiting HEP packet counts for beside its own: what is stored about it and its sender.
pub const HEP_PACKET_OVERHEAD: usize = 256;

/// HEP connections open at once, a thread and at most 128 KiB each: more agents than one Homer has.
pub const HEP_CONNECTIONS: usize = 512;

/// HEP connections of one address: a proxy's processes connect one by one, dozens of them.
pub const HEP_CONNECTIONS_OF_ONE: usize = 64;

/// How long a HEP connection may be silent: agents keep theirs busy or come again, and dead ones must not fill the places.
pub const HEP_IDLE: Duration = Duration::from_mins(10);

/// How long a HEP connection may leave a packet, or its TLS handshake, unfinished.
pub const HEP_UNFINISHED: Duration = Duration::from_secs(30);

/// Bytes of the kernel's buffer for each HEP socket over UDP: a second of 5,000 messages; the kernel may allow less.
pub const HEP_RECEIVE_BUFFER: usize = 8 * 1024 * 1024;

/// How far the time that an agent tells may be from the clock here: more than what sending on takes is a clock that is
/// wrong, and one agent's wrong clock must not let the timers of all run out.
pub const HEP_CLOCK_TOLERANCE: Duration = Duration::from_secs(10);

/// Bytes of a line of a TLS key log: the longest that is understood has 161, the longest that is passed over is an ECH
/// configuration of some hundreds.
pub const MAX_KEYLOG_LINE: usize = 4096;

/// TLS connections whose secrets are kept: with about 600 bytes each at most 150 MiB; the oldest gives way.
pub const MAX_TLS_SECRETS: usize = 262_144;

/// TLS sessions remembered in case they are resumed: 150 bytes each; the oldest gives way.
pub const MAX_TLS_SESSIONS: usize = 65_536;

/// Private keys for TLS: each may be tried on a handshake, at a millisecond or two.
pub const MAX_TLS_KEYS: usize = 64;

/// Bytes of one TLS handshake message, and of a handshake that an extended master secret is bound to: what OpenSSL takes of
/// a certificate chain, with room.
pub const MAX_TLS_HANDSHAKE: usize = 131_072;

/// Bytes of records that one TLS connection keeps back until its secrets come; then the oldest go.
pub const MAX_TLS_HELD: usize = 131_072;

/// Alerts kept of one TLS connection: it ends after one or two, the rest only count.
pub const MAX_TLS_ALERTS: usize = 16;

/// Names and other short lists kept of one TLS handshake (versions, protocols, alternative names of a certificate).
pub const MAX_TLS_NAMES: usize = 64;

/// TLS servers of which is kept what became of their handshakes: about 1 KiB each and 4 KiB for each way to fail; half of
/// them are for those that SIP ports or protocols name. More SIP servers no network has.
pub const MAX_TLS_SERVERS: usize = 4096;

/// Ways to fail that are kept of one TLS server: real ones have one or two.
pub const MAX_TLS_FAILURE_KINDS: usize = 8;

/// Clients of TLS servers that are remembered: about 64 bytes each, the users of a large edge proxy.
pub const MAX_TLS_CLIENTS: usize = 262_144;

/// Sequence numbers tried for a TLS record behind missing bytes: a lost segment or two of the smallest records that carry
/// SIP; each costs the opening of one record.
pub const MAX_TLS_SKIP: u64 = 64;

/// TLS records in a row that may fail to open before a direction is given up: with the wrong secret all do.
pub const MAX_TLS_FAILURES: u32 = 16;

/// Calls whose talk times are kept, 56 bytes each and some 60 for a host that nobody had before: so at most 55 MiB.
pub const MAX_TALK_TIMES: usize = 250_000;

/// Clients and servers remembered for a 503 with Retry-After: 200 bytes each, and 24 for each request within the time.
pub const MAX_BACKOFFS: usize = 16_384;

/// Hosts whose requests are remembered for what came of them: half a KiB each, and the stores below.
pub const MAX_SOURCES: usize = 131_072;

/// Facts kept of all these hosts together (names, accounts, tries, numbers, servers): about 100 bytes each.
pub const MAX_SOURCE_FACTS: usize = 1_000_000;

/// Users that one host asked for, and accounts that it used, that are remembered: a scan tries thousands within minutes, and
/// ten prove it.
pub const MAX_SOURCE_NAMES: usize = 256;

/// Hosts that one host asked that are remembered: a sweep is proven by twenty.
pub const MAX_SOURCE_HOSTS: usize = 256;

/// Bytes kept of a name that a stranger tried: longer ones no server has.
pub const MAX_SOURCE_NAME: usize = 64;

/// Requests kept as proof of what one host did in vain.
pub const MAX_SOURCE_PROOF: usize = 32;

/// Windows of half a second in which one host's requests are counted: four minutes of a flood; beyond that the fullest stay.
pub const MAX_SOURCE_WINDOWS: usize = 512;

/// Rejected tries kept of one account at one host: three times as many as prove that passwords are guessed.
pub const MAX_TRIES: usize = 32;

/// Telephone numbers kept of those that one host called: fraud is proven by four to ten.
pub const MAX_DIALLED: usize = 64;

/// Requests inside dialogs that the caller challenged: about 200 bytes each; an attack has one a call.
pub const MAX_LEAKS: usize = 4096;

/// Kinds of wrong messages and their senders that are told apart: about 5 KiB each when all they show is full. A network has
/// a few; more are made up.
pub const MAX_DEFECT_GROUPS: usize = 4096;

/// Transactions with wrong messages that are remembered until they are judged, and those that failed for it: about 64 bytes
/// each.
pub const MAX_DEFECT_TRANSACTIONS: usize = 65_536;

/// Identifiers of legs that began in the last half minute: about 100 bytes each; ten for each of 100,000 INVITEs.
pub const MAX_LEG_KEYS: usize = 1_000_000;

/// Links from a leg to the one before it: about 200 bytes each.
pub const MAX_LEG_LINKS: usize = 262_144;

/// Legs behind one leg: a call that rings a large group of telephones.
pub const MAX_LEG_CHILDREN: usize = 64;

/// Legs one behind the other that are followed: more elements than a call passes.
pub const MAX_LEG_DEPTH: usize = 8;

/// Hosts named of those that met the same fault: more than a line of the screen holds.
pub const MAX_CLUSTER_PEERS: usize = 16;

/// Multipart bodies inside each other: RFC 5621 §3.1 has none deeper than two.
pub const MAX_MULTIPART_DEPTH: usize = 4;

/// Session descriptions read of one call: more than two hundred changes of an answered one. What comes behind counts as
/// unreadable, so that nothing is said to be missing.
pub const MAX_CALL_DESCRIPTIONS: usize = 512;

/// `m=` lines read of one session description: a conference of WebRTC has dozens.
pub const MAX_SDP_MEDIA: usize = 128;

/// Attributes read of the session and of each medium: ICE candidates and codecs make up to two hundred.
pub const MAX_SDP_ATTRIBUTES: usize = 512;

/// Formats read of one `m=` line: there are 128 payload types.
pub const MAX_SDP_FORMATS: usize = 128;

/// Contacts bound to addresses-of-record that are followed, and as many addresses-of-record: 2 to 3 KiB each with what waits
/// to be brought into order, the users of a large registrar; half of the latter for those that were never accepted, which
/// anybody can invent.
pub const MAX_REGISTRATIONS: usize = 65_536;

/// Contacts of one address-of-record: more telephones than ring together.
pub const MAX_BINDINGS_OF_ONE: usize = 64;

/// Devices of one address-of-record that are watched for what they do again and again.
pub const MAX_DEVICES_OF_ONE: usize = 8;

/// REGISTERs kept with their packets for each thing that is found of a registration: enough to look at.
pub const MAX_REGISTERS_KEPT: usize = 8;

/// Contacts read from one REGISTER or its response: the bindings of one address-of-record.
pub const MAX_CONTACTS: usize = 64;

/// Attempts to open a connection that are kept when they fail: about 250 bytes each; half of them for servers that nothing
/// names as SIP's yet. A dead server's clients come again for hours.
pub const MAX_CONNECT_ATTEMPTS: usize = 65_536;

/// Ended connections that are remembered, so that requests which were open on them are found when their timers have run
/// out: about 300 bytes each; more than end in the minutes that an INVITE may wait. The oldest give way.
pub const MAX_ENDED_CONNECTIONS: usize = 65_536;

/// Addresses and ports known to speak SIP, as many named in messages, and as many connections of which one direction is not
/// captured: about 40 bytes each.
pub const MAX_SIP_PORTS: usize = 262_144;

/// Clients behind NATs of which is kept where they registered from: about 200 bytes each, the users of a large registrar.
pub const MAX_NAT_BINDINGS: usize = 262_144;

/// Requests to such clients after a silence that are remembered until they are answered or the capture ends: about 300 bytes
/// each; the oldest are forgotten first.
pub const MAX_WAKES: usize = 65_536;

/// Further requests to such a client before it speaks that are kept with the first: calls of one headline.
pub const MAX_WAKES_OF_ONE: usize = 32;

/// Pairs of addresses noted for what they show of NATs, secrets and inside addresses: about 300 bytes each.
pub const MAX_TRAITS: usize = 65_536;

/// Packets kept of each such pair: one or two calls as examples.
pub const MAX_TRAIT_FRAMES: usize = 16;

/// Addresses that ICMP errors about other datagrams than SIP's are remembered for: half a KiB each with one run; those of
/// some minutes where a hundred calls a second each end in one. The oldest are forgotten first.
pub const MAX_ICMP_ENDS: usize = 65_536;

/// Runs of such errors kept of one address: four seconds and more as they came, what is older in one.
pub const MAX_ICMP_RUNS: usize = 16;

/// Messages that are marked for the network, remembered to see whether they keep their mark on the next hop: 80 bytes each;
/// those of seconds, and a proxy sends on within one.
pub const MAX_MARKED_MESSAGES: usize = 65_536;

/// Hosts, and pairs of them, of which is kept how they mark their packets: about 300 bytes each.
pub const MAX_MARKED_HOSTS: usize = 65_536;

/// Calls in the table of an HTML page: 300 bytes of page each; a person filters what is more before looking at it.
pub const MAX_PAGE_CALLS: usize = 10_000;

/// Messages of one call in its ladder: some hundred rows are more than anybody scrolls through.
pub const MAX_LADDER_ROWS: usize = 400;

/// Messages in all ladders of an HTML page: 40 to 60 bytes of page each, about 300 of memory until it is written; twelve for
/// each of its calls.
pub const MAX_PAGE_ROWS: usize = 120_000;

/// Bytes of messages that an HTML page has in full, of the calls with a problem and as many of the others: what a mail
/// attachment may have.
pub const MAX_PAGE_TEXT: usize = 2_500_000;

/// Findings beside the ladders of an HTML page: 200 bytes of page each. The headlines are all there.
pub const MAX_PAGE_FINDINGS: usize = 10_000;

/// Bytes of messages that `flow --raw` shows, of the calls with a problem and as many of the others: far more than anybody
/// reads.
pub const MAX_FLOW_TEXT: usize = 32 * 1024 * 1024;

/// Bytes of a diagram for Mermaid, which by default draws no text with more than 50,000 characters.
pub const MAX_DIAGRAM: usize = 48_000;

/// Hosts whose responses are counted by code for an HTML page: about 200 bytes each; the page shows the busiest.
pub const MAX_PAGE_PEERS: usize = 4096;

/// Call-IDs of which is known what of a selection they met: 16 bytes each, and more than open at once anywhere.
pub const MAX_SELECTION_STATES: usize = 4_000_000;

/// Bytes of messages and transactions that are held back until their call is known to be selected: the calls under way of a
/// busy SBC, some kilobytes each.
pub const MAX_SELECTION_BYTES: usize = 256 * 1024 * 1024;

/// Patterns of one option of a selection, each tried on every message: more than anybody types.
pub const MAX_PATTERNS: usize = 1024;

/// Bytes on disk that `--write` keeps until it is known which calls are wanted: the signalling of some hours of a busy SBC.
pub const MAX_EXTRACT_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// Stretches of streams that `--write` remembers with their packets until their messages are known: 24 bytes each, and a
/// second of the busiest link has fewer.
pub const MAX_EXTRACT_PIECES: usize = 1_000_000;

/// Packets of streams, and fragments, of which `--write` remembers to what they belong: messages come a second later at most.
pub const MAX_EXTRACT_RECENT: usize = 262_144;

/// Bytes of a connection without SIP that `--write` keeps: what is said before the first message, and what decides that there
/// will be none.
pub const MAX_EXTRACT_SILENT: u64 = 1024 * 1024;

/// Bytes of these that may be media: signalling, without which nothing can be diagnosed, keeps its room.
pub const MAX_EXTRACT_MEDIA_BYTES: u64 = 12 * 1024 * 1024 * 1024;

/// Addresses of media that `--with-media` remembers at a time, with whose they are: 200 bytes each, and four a call are those of
/// 60,000 calls under way.
pub const MAX_MEDIA_ADDRESSES: usize = 262_144;

/// Bytes of packets that wait with `--with-media` until descriptions are known: two seconds of 250 Mbit/s.
pub const MAX_MEDIA_WAITING: usize = 64 * 1024 * 1024;

/// Addresses of media of one call: an offer with ICE names some ten, and is made anew now and then.
pub const MAX_MEDIA_OF_CALL: usize = 256;

/// Calls that share an address of media: the legs that proxies and B2BUAs make of one call.
pub const MAX_MEDIA_SHARED: usize = 16;

/// Comments of one packet: more findings cite one only when they say the same.
pub const MAX_COMMENTS: usize = 16;

/// Users, hosts or numbers for which `--redact` remembers what stands for them, each kind for itself: about 200 bytes each; those
/// beyond are enciphered, as Call-IDs are.
pub const MAX_REDACTED_NAMES: usize = 500_000;

/// Addresses for which `--redact` remembers what stands for them: about 200 bytes each, and a scan of the whole Internet has
/// more than anybody looks at. Those beyond may share what stands for them.
pub const MAX_REDACTED_ADDRESSES: usize = 500_000;

/// Packets with parts of messages that `--redact` with `--write` remembers: about 60 bytes each; what more packets of streams
/// hold is filled.
pub const MAX_REDACTED_PIECES: usize = 4_000_000;

/// Words for which `--redact` remembers lately what they are enciphered to, and their longest: 5 MB in all. A call has a Call-ID, tags and
/// branches in all its messages, and those of 2,000 calls at once are as many.
pub const MAX_REDACTED_RECENT: usize = 16_384;
/// See [`MAX_REDACTED_RECENT`].
pub const MAX_REDACTED_RECENT_LEN: usize = 128;
