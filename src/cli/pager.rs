//! Shows an answer that is longer than the screen page by page, as git does: what is written is held back until it fills the
//! screen, and then goes to a pager. What fits is printed as it is.

use super::signals;
use std::io::{self, BufWriter, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use unicode_width::UnicodeWidthStr;

/// What a shell says of a command that it cannot run, or cannot find.
const NOT_RUN: [i32; 2] = [126, 127];

/// Bytes that are held back at most: no screen shows as many, whatever their lines are like.
const MOST_HELD: usize = 256 * 1024;

/// The pager of this terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pager {
    /// As the variable has it.
    command: String,
    rows: usize,
    columns: usize,
}

impl Pager {
    /// The one that the environment asks for; `None` where it asks for none. `rows` and `columns` are the terminal's.
    pub(super) fn of(
        variable: impl Fn(&str) -> Option<String>,
        rows: usize,
        columns: usize,
    ) -> Option<Self> {
        let command = variable("SIPDIAG_PAGER").or_else(|| variable("PAGER"));
        let command = command.unwrap_or_else(|| "less".to_owned());
        let command = command.trim();
        (!matches!(command, "" | "cat")).then(|| Self {
            command: command.to_owned(),
            rows,
            columns,
        })
    }

    /// Runs it. A command of more than words needs a shell.
    fn start(&self) -> io::Result<Child> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" -_./+,:=%@".contains(&byte);
        let mut words = self.command.split_whitespace();
        let mut command = match words.next() {
            Some(program) if self.command.bytes().all(is_plain) && !program.contains('=') => {
                let mut command = Command::new(program);
                command.args(words);
                command
            }
            _ => {
                let mut command = Command::new("sh");
                command.args(["-c", &self.command]);
                command
            }
        };
        // As git has it: end where all fits, let colours through, leave the screen as it is.
        for (name, value) in [("LESS", "FRX"), ("LV", "-c")] {
            if std::env::var_os(name).is_none() {
                command.env(name, value);
            }
        }
        command.stdin(Stdio::piped()).spawn()
    }

    /// How many rows of the screen a line takes.
    fn rows_of(&self, line: &str) -> usize {
        let width = anstream::adapter::strip_str(line).to_string().width();
        width.div_ceil(self.columns.max(1)).max(1)
    }
}

/// stdout with a pager before it.
#[derive(Debug)]
pub(super) struct Paged {
    pager: Pager,
    state: State,
}

#[derive(Debug)]
enum State {
    /// It may still fit: so many rows are taken by the whole lines before the offset.
    Held {
        bytes: Vec<u8>,
        rows: usize,
        counted: usize,
    },
    Shown {
        child: Child,
        stdin: BufWriter<ChildStdin>,
    },
    /// There is no such pager, or all is said.
    Plain,
}

impl Paged {
    pub(super) const fn new(pager: Pager) -> Self {
        Self {
            pager,
            state: State::Held {
                bytes: Vec::new(),
                rows: 0,
                counted: 0,
            },
        }
    }

    /// Counts the rows of what came; whether it is more than the screen has, one being the prompt's.
    fn is_full(&mut self) -> bool {
        let State::Held {
            bytes,
            rows,
            counted,
        } = &mut self.state
        else {
            return false;
        };
        while let Some(rest) = bytes.get(*counted..)
            && let Some(end) = memchr::memchr(b'\n', rest)
            && *rows < self.pager.rows
        {
            let line = String::from_utf8_lossy(rest.get(..end).unwrap_or_default());
            *rows += self.pager.rows_of(&line);
            *counted += end + 1;
        }
        *rows >= self.pager.rows || bytes.len() > MOST_HELD
    }

    /// Hands what is held to the pager; to the terminal itself where there is no such pager.
    fn show(&mut self) -> io::Result<()> {
        let State::Held { bytes, .. } = std::mem::replace(&mut self.state, State::Plain) else {
            return Ok(());
        };
        match signals::pager_begins(|| self.pager.start()) {
            Ok(mut child) => {
                if let Some(stdin) = child.stdin.take() {
                    let mut stdin = BufWriter::new(stdin);
                    let written = stdin.write_all(&bytes);
                    self.state = State::Shown { child, stdin };
                    return written;
                }
                Ok(())
            }
            Err(_) => io::stdout().write_all(&bytes),
        }
    }

    /// Writes what is left and waits until the pager is left.
    ///
    /// # Errors
    /// When it cannot be written, which is of the kind broken pipe where the pager was left early; when there is no such pager.
    pub(super) fn finish(mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.state, State::Plain) {
            State::Held { bytes, .. } => io::stdout().write_all(&bytes),
            State::Shown { mut child, stdin } => {
                let flushed = stdin
                    .into_inner()
                    .map(drop)
                    .map_err(io::IntoInnerError::into_error);
                let status = wait(&mut child)?;
                if (status.code()).is_some_and(|code| NOT_RUN.contains(&code)) {
                    let what = format!("the pager \"{}\" cannot be run", self.pager.command);
                    return Err(io::Error::other(what));
                }
                flushed
            }
            State::Plain => io::stdout().flush(),
        }
    }
}

/// Waits until the pager is left, and says that it was.
fn wait(child: &mut Child) -> io::Result<ExitStatus> {
    let status = child.wait();
    signals::pager_ends();
    status
}

impl Write for Paged {
    fn write(&mut self, new: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Held { bytes, .. } => {
                bytes.extend_from_slice(new);
                if self.is_full() {
                    self.show()?;
                }
                Ok(new.len())
            }
            State::Shown { stdin, .. } => stdin.write(new),
            State::Plain => io::stdout().write(new),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Held { .. } => Ok(()),
            State::Shown { stdin, .. } => stdin.flush(),
            State::Plain => io::stdout().flush(),
        }
    }
}

impl Drop for Paged {
    /// Whatever ends the writing: the terminal is the pager's until it is left.
    fn drop(&mut self) {
        if let State::Shown { mut child, stdin } = std::mem::replace(&mut self.state, State::Plain)
        {
            drop(stdin);
            let _ = wait(&mut child);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pager(variables: &[(&str, &str)]) -> Option<String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Pager::of(variable, 24, 80).map(|it| it.command)
    }

    #[test]
    fn the_first_variable_that_is_set_decides() {
        assert_eq!(pager(&[]).as_deref(), Some("less"));
        assert_eq!(pager(&[("PAGER", "more")]).as_deref(), Some("more"));
        let both = [("SIPDIAG_PAGER", "most -s"), ("PAGER", "more")];
        assert_eq!(pager(&both).as_deref(), Some("most -s"));
        assert_eq!(pager(&[("PAGER", "cat")]), None);
        assert_eq!(pager(&[("SIPDIAG_PAGER", ""), ("PAGER", "more")]), None);
    }

    #[test]
    fn rows_are_counted_as_the_screen_has_them() {
        let pager = Pager::of(|_| None, 4, 10).unwrap();
        assert_eq!(pager.rows_of(""), 1);
        assert_eq!(pager.rows_of("0123456789"), 1);
        assert_eq!(pager.rows_of("0123456789a"), 2);
        assert_eq!(pager.rows_of("\u{1b}[31m0123456789\u{1b}[0m"), 1);
        assert_eq!(pager.rows_of("音声音声音声"), 2);
        let mut shown = Paged::new(pager);
        let State::Held { bytes, .. } = &mut shown.state else {
            panic!("nothing was written");
        };
        bytes.extend_from_slice(b"one\ntwo\nthree\n");
        assert!(!shown.is_full(), "three lines and the prompt");
        let State::Held { bytes, .. } = &mut shown.state else {
            panic!("it fits");
        };
        bytes.extend_from_slice(b"four\n");
        assert!(shown.is_full());
    }
}
