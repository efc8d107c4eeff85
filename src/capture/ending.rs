//! How somebody ends the reading of files and streams before they end themselves.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long a stream is still read: the same Ctrl-C ends the program before it in a pipeline, which hands on what it holds.
const GRACE: Duration = Duration::from_secs(2);

/// How often a stream that is silent looks whether it is over.
const TICK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// The wish to read no more, which may come from another thread.
#[derive(Debug, Default)]
pub struct Ending {
    /// Whether there is something to end yet.
    listens: AtomicBool,
    asked: OnceLock<Instant>,
}

impl Ending {
    /// Asks for the end: of files at once, of streams soon. Whether it is heard: not before they are open, and only once.
    pub fn ask(&self) -> bool {
        self.listens.load(Ordering::SeqCst) && self.asked.set(Instant::now()).is_ok()
    }

    pub(super) fn listen(&self) {
        self.listens.store(true, Ordering::SeqCst);
    }

    /// Says that there is nothing left to end.
    pub(super) fn rest(&self) {
        self.listens.store(false, Ordering::SeqCst);
    }

    /// Whether files end now.
    #[inline]
    pub(super) fn is_asked(&self) -> bool {
        self.asked.get().is_some()
    }

    /// Whether streams end now.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        (self.asked.get()).is_some_and(|asked| asked.elapsed() >= GRACE)
    }
}

/// A stream that may be silent for ever: where it is when it is over, it ends.
pub(super) struct Stream {
    file: File,
    ending: Arc<Ending>,
}

impl Stream {
    pub(super) const fn new(file: File, ending: Arc<Ending>) -> Self {
        Self { file, ending }
    }

    /// Waits a while; whether there is something to read. What cannot be asked is read.
    fn is_ready(&self) -> bool {
        let mut fds = [PollFd::new(&self.file, PollFlags::IN)];
        match poll(&mut fds, Some(&TICK)) {
            Ok(ready) => ready > 0,
            Err(error) => error != rustix::io::Errno::INTR,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        while !self.is_ready() {
            if self.ending.is_over() {
                return Ok(0);
            }
        }
        self.file.read(space)
    }
}
