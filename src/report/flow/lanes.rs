//! Where the lanes stand, and what stands above them.

use super::canvas::{Ink, Line};
use crate::report::Settings;
use crate::report::ladder::{Ladder, Lane};
use crate::report::text::{clip, columns_of, sanitize};
use std::cmp::Reverse;
use std::net::SocketAddr;

/// The least distance of two lanes: `│─ 200 OK ─>│`.
const NARROWEST: usize = 12;
/// The greatest one: an arrow over a whole wide screen is hard to follow, and what stands beside it is not.
const WIDEST: usize = 44;
/// Columns of a name above its lane.
const NAME: usize = 30;

/// The columns of a ladder.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    /// Columns of the terminal.
    pub(super) width: usize,
    /// The columns of the lanes that are drawn, from left to right.
    pub(super) columns: Vec<usize>,
    /// For each lane of the ladder its place among them.
    places: Vec<usize>,
    /// The lanes that share the last place, as there is no room for each.
    pub(super) together: Vec<usize>,
}

impl Lanes {
    /// The lanes of a ladder on so many columns, behind those that the numbers take.
    pub(super) fn of(ladder: &Ladder, numbers: usize, width: usize) -> Self {
        let count = ladder.lanes.len();
        let area = width.saturating_sub(numbers + 1);
        let fit = (area / NARROWEST + 1).max(2);
        let mut kept: Vec<usize> = (0..count).collect();
        let mut together = Vec::new();
        if count > fit {
            let mut uses = vec![0_usize; count];
            for row in &ladder.rows {
                for lane in [row.from, row.to] {
                    if let Some(uses) = uses.get_mut(lane) {
                        // A message that a finding points at is what people look for.
                        *uses += 1 + 10 * row.findings.len();
                    }
                }
            }
            kept.sort_by_key(|lane| Reverse(uses.get(*lane).copied()));
            together = kept.split_off(fit - 1);
            kept.sort_unstable();
            together.sort_unstable();
        }
        let drawn = kept.len() + usize::from(!together.is_empty());
        let gap = area / drawn.saturating_sub(1).max(1);
        let gap = gap.clamp(NARROWEST, WIDEST);
        let place = |lane: usize| kept.binary_search(&lane).unwrap_or(kept.len());
        Self {
            width,
            columns: (0..drawn).map(|it| numbers + it * gap).collect(),
            places: (0..count).map(place).collect(),
            together,
        }
    }

    /// The column of a lane.
    pub(super) fn column(&self, lane: usize) -> usize {
        let place = self.places.get(lane).copied().unwrap_or_default();
        self.columns.get(place).copied().unwrap_or_default()
    }

    /// Whether a lane has no column of its own.
    pub(super) fn is_shared(&self, lane: usize) -> bool {
        self.together.binary_search(&lane).is_ok()
    }

    /// The columns of the first and the last lane.
    pub(super) fn ends(&self) -> (usize, usize) {
        let first = self.columns.first().copied().unwrap_or_default();
        (first, self.columns.last().copied().unwrap_or(first))
    }

    /// A line with nothing but the lanes.
    pub(super) fn line(&self) -> Line {
        let mut line = Line::default();
        for column in &self.columns {
            line.put(*column, "│", Ink::Dim);
        }
        line
    }

    /// The names above the lanes, in as many lines as they need beside each other.
    pub(super) fn header(&self, settings: &Settings, ladder: &Ladder) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        let mut bottoms: Vec<(usize, usize)> = Vec::new();
        for (place, column) in self.columns.iter().enumerate() {
            let words = self.words(settings, ladder, place);
            let columns = words.iter().map(|it| columns_of(it)).max().unwrap_or(0);
            let start = column
                .saturating_sub(columns / 2)
                .min(self.width.saturating_sub(columns));
            // Two columns apart from what stands before it.
            let before = start.saturating_sub(2);
            let room = columns + start - before;
            let mut top = 0;
            while lines
                .iter()
                .skip(top)
                .take(words.len())
                .any(|it| !it.is_free(before, room))
            {
                top += 1;
            }
            for (index, word) in words.iter().enumerate() {
                let ink = if index == 0 { Ink::Request } else { Ink::Dim };
                while lines.len() <= top + index {
                    lines.push(Line::default());
                }
                let at = column
                    .saturating_sub(columns_of(word) / 2)
                    .min(self.width.saturating_sub(columns_of(word)));
                if let Some(line) = lines.get_mut(top + index) {
                    line.put(at, word, ink);
                }
            }
            bottoms.push((*column, top + words.len()));
        }
        for (column, bottom) in bottoms {
            for line in lines.iter_mut().skip(bottom) {
                if line.is_free(column, 1) {
                    line.put(column, "│", Ink::Dim);
                }
            }
        }
        lines
    }

    /// What stands above a place: the name that the user gave, the address, what the host calls itself.
    fn words(&self, settings: &Settings, ladder: &Ladder, place: usize) -> Vec<String> {
        let shares = !self.together.is_empty() && place + 1 == self.columns.len();
        if shares {
            let count = self.together.len().to_string();
            return vec![settings.filled("flow_more_hosts", &[("n", count)])];
        }
        let lane = self.places.iter().position(|it| *it == place);
        let Some(lane) = lane.and_then(|it| ladder.lanes.get(it)) else {
            return Vec::new();
        };
        let mut words = Vec::new();
        let name = name(settings, lane);
        let address = address(lane);
        if name != address {
            words.push(clip(&name, NAME));
        }
        words.push(address);
        if let Some(agent) = &lane.agent {
            words.push(clip(&sanitize(agent), NAME));
        }
        words
    }
}

/// The name of a lane: the user's own, or the address.
pub(in crate::report) fn name(settings: &Settings, lane: &Lane) -> String {
    let aliases = &settings.aliases;
    match lane.port {
        Some(port) => aliases.address(SocketAddr::new(lane.host, port)),
        None => aliases
            .name(lane.host, None)
            .map_or_else(|| lane.host.to_string(), str::to_owned),
    }
}

/// The address of a lane.
fn address(lane: &Lane) -> String {
    match lane.port {
        Some(port) => SocketAddr::new(lane.host, port).to_string(),
        None => lane.host.to_string(),
    }
}
