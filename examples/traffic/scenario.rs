//! What the phones do, and when.

use crate::{Kind, MILLISECOND, Random, SECOND};
use std::ops::Range;

pub(crate) const PROXY: u32 = 0xc000_0201;
pub(crate) const REGISTRAR: u32 = 0xc000_0202;
/// 198.18.0.0/15 is for benchmarks (RFC 2544 §C.2.2).
pub(crate) const PHONES: u32 = 0xc612_0000;
/// Of a hundred scenarios: calls that are challenged and answered, and those that are only answered.
pub(crate) const CHALLENGED: Range<u64> = 0..22;
pub(crate) const ANSWERED: Range<u64> = 22..50;

/// One thing that a phone does, from its first request to its last response.
pub(crate) struct Scenario {
    pub(crate) kind: Kind,
    begin: u64,
    pub(crate) number: u64,
    pub(crate) phone: u32,
    pub(crate) user: u64,
    pub(crate) callee: u64,
    pub(crate) chance: u64,
    ringing: u64,
    talk: u64,
}

/// When, from whom, to whom, and what.
pub(crate) type Step = (u64, u32, u32, String);

impl Scenario {
    pub(crate) fn new(kind: Kind, begin: u64, number: u64, random: &mut Random) -> Self {
        let phone = random.below(2_000) as u32;
        let host = match kind {
            // Few connections with much on each, as between SBCs: one for sixteen users.
            Kind::Tcp => phone & !0xf,
            Kind::OneSource => 0,
            _ => phone,
        };
        Self {
            kind,
            begin,
            number,
            phone: PHONES + host + 16,
            user: 1_000 + u64::from(phone),
            callee: 200_000 + random.below(700_000),
            chance: match kind {
                Kind::Open => ANSWERED.start,
                _ => random.below(100),
            },
            ringing: (1 + random.below(8)) * SECOND,
            talk: (6 + random.below(50)) * SECOND,
        }
    }

    pub(crate) fn events(&self) -> Vec<Step> {
        if self.kind == Kind::Open {
            // Long enough that the last call begins before the first ends.
            return self.answered(false, 10_000 * SECOND);
        }
        match self.chance {
            it if CHALLENGED.contains(&it) => self.answered(true, self.talk),
            it if ANSWERED.contains(&it) => self.answered(false, self.talk),
            50..62 => self.refused(486, "Busy Here"),
            62..68 => self.refused(404, "Not Found"),
            68..70 => self.refused(503, "Service Unavailable"),
            70..78 => self.cancelled(),
            78..92 => self.registered(),
            92..99 => self.pinged(),
            _ => self.unanswered(),
        }
    }

    fn answered(&self, challenged: bool, talk: u64) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut at = self.begin;
        let mut cseq = 1;
        if challenged {
            self.ask(&mut steps, at, "INVITE", cseq, false);
            self.answer(
                &mut steps,
                at + 9_000,
                "INVITE",
                cseq,
                407,
                "Proxy Authentication Required",
            );
            self.ask(&mut steps, at + 12_000, "ACK", cseq, false);
            at += 20_000;
            cseq += 1;
        }
        self.ask(&mut steps, at, "INVITE", cseq, challenged);
        self.answer(&mut steps, at + 3_000, "INVITE", cseq, 100, "Trying");
        self.answer(&mut steps, at + 300_000, "INVITE", cseq, 180, "Ringing");
        let up = at + self.ringing;
        self.answer(&mut steps, up, "INVITE", cseq, 200, "OK");
        self.ask(&mut steps, up + 5_000, "ACK", cseq, false);
        self.ask(&mut steps, up + talk, "BYE", cseq + 1, false);
        self.answer(&mut steps, up + talk + 4_000, "BYE", cseq + 1, 200, "OK");
        steps
    }

    fn refused(&self, code: u16, phrase: &str) -> Vec<Step> {
        let mut steps = Vec::new();
        self.ask(&mut steps, self.begin, "INVITE", 1, false);
        self.answer(&mut steps, self.begin + 2_000, "INVITE", 1, 100, "Trying");
        let end = self.begin + 90_000;
        self.answer(&mut steps, end, "INVITE", 1, code, phrase);
        self.ask(&mut steps, end + 4_000, "ACK", 1, false);
        steps
    }

    fn cancelled(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        self.ask(&mut steps, self.begin, "INVITE", 1, false);
        self.answer(&mut steps, self.begin + 2_000, "INVITE", 1, 100, "Trying");
        self.answer(
            &mut steps,
            self.begin + 200_000,
            "INVITE",
            1,
            180,
            "Ringing",
        );
        let end = self.begin + self.ringing;
        self.ask(&mut steps, end, "CANCEL", 1, false);
        self.answer(&mut steps, end + 2_000, "CANCEL", 1, 200, "OK");
        self.answer(
            &mut steps,
            end + 3_000,
            "INVITE",
            1,
            487,
            "Request Terminated",
        );
        self.ask(&mut steps, end + 6_000, "ACK", 1, false);
        steps
    }

    fn registered(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        self.ask(&mut steps, self.begin, "REGISTER", 1, false);
        self.answer(
            &mut steps,
            self.begin + 3_000,
            "REGISTER",
            1,
            401,
            "Unauthorized",
        );
        self.ask(&mut steps, self.begin + 8_000, "REGISTER", 2, true);
        self.answer(&mut steps, self.begin + 12_000, "REGISTER", 2, 200, "OK");
        steps
    }

    fn pinged(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        self.ask(&mut steps, self.begin, "OPTIONS", 1, false);
        self.answer(&mut steps, self.begin + 5_000, "OPTIONS", 1, 200, "OK");
        steps
    }

    fn unanswered(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut after = 0;
        for step in [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000] {
            after += step * MILLISECOND;
            self.ask(&mut steps, self.begin + after, "INVITE", 1, false);
        }
        steps
    }
}
