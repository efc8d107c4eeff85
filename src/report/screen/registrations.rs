//! How registrations stand, in a few lines, where one of them is not as it should be.

use super::Screen;
use crate::dialog::RegistrationState;
use crate::engine::Report;
use crate::report::cells::{cell, printed};
use crate::report::text::{clip, sanitize};
use comfy_table::Cell;
use std::io::Write;

/// Registrations named one by one: what is wrong with them, the findings say.
const NAMED: usize = 5;
/// Characters of an address-of-record or a contact.
const SHOWN: usize = 48;

/// The states with their words, in the order in which they are counted.
const STATES: [(RegistrationState, &str); 5] = [
    (RegistrationState::Registered, "registration_registered"),
    (RegistrationState::Expired, "registration_expired"),
    (RegistrationState::Rejected, "registration_rejected"),
    (RegistrationState::Unregistered, "registration_unregistered"),
    (RegistrationState::Unknown, "registration_unknown"),
];

impl<W: Write> Screen<W> {
    pub(super) fn registrations(&self, report: &Report, page: &mut String) {
        let all = &report.registrations;
        let of = |state| all.iter().filter(move |it| it.state == state);
        let lost = of(RegistrationState::Expired).filter(|it| !it.replaced);
        let troubled: Vec<_> = lost.chain(of(RegistrationState::Rejected)).collect();
        // Where nobody ever was registered, the findings say it all.
        let any_was = all.iter().any(|it| {
            !matches!(
                it.state,
                RegistrationState::Rejected | RegistrationState::Unknown
            )
        });
        if troubled.is_empty() || !any_was {
            return;
        }
        let counts: Vec<_> = STATES
            .into_iter()
            .map(|(state, key)| (of(state).count(), key))
            .filter(|(count, _)| *count > 0)
            .map(|(count, key)| format!("{} {count}", self.word(key)))
            .collect();
        let heading = format!(
            "{}{}{}",
            self.word("section_registrations"),
            self.word("colon"),
            counts.join(self.word("comma"))
        );
        page.push_str(&self.heading(&heading));
        let mut table = self.table();
        for registration in troubled.into_iter().take(NAMED) {
            let state = STATES
                .into_iter()
                .find(|(state, _)| *state == registration.state)
                .map_or("", |(_, key)| self.word(key));
            let granted = registration
                .granted
                .map_or_else(String::new, |it| format!("{it} s"));
            table.add_row([
                cell(state),
                Cell::new(clip(&sanitize(&registration.aor), SHOWN)),
                Cell::new(clip(&sanitize(&registration.contact), SHOWN)),
                Cell::new(format!(
                    "→ {}",
                    self.settings.aliases.address(registration.registrar)
                )),
                Cell::new(granted),
            ]);
        }
        page.push_str(&printed(&table));
        page.push('\n');
    }
}
