//! Signals: what ends the program, and what has to be tidied up before.

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;

/// The files that are written beside their place: there are two at most, of `-o` and of `-w`.
static TEMPORARIES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// What Ctrl-C sends.
pub(super) const CTRL_C: i32 = SIGINT;

/// Whether Ctrl-C is for a pager.
static PAGED: AtomicBool = AtomicBool::new(false);

/// The pager, and whether the program is being ended by a signal.
static PAGER: Mutex<(Option<Pid>, bool)> = Mutex::new((None, false));

/// How long a pager has to give the terminal back.
const PAGER_ENDS_WITHIN: Duration = Duration::from_secs(2);

/// Starts a pager. From now on Ctrl-C is for it, and it stays: whoever pressed it wants to look at what there is.
///
/// # Errors
/// Those of `start`.
pub(super) fn pager_begins(start: impl FnOnce() -> io::Result<Child>) -> io::Result<Child> {
    // Held until the pager is noted: a signal waits that long.
    let mut state = PAGER.lock().unwrap_or_else(PoisonError::into_inner);
    if state.1 {
        drop(state);
        wait_for_the_end();
    }
    let pager = start()?;
    state.0 = Some(Pid::from_child(&pager));
    drop(state);
    PAGED.store(true, Ordering::SeqCst);
    // Where nothing listens, a handler is what keeps the default away. Without it Ctrl-C ends both, which is no reason to
    // show nothing.
    let _ = signal_hook::flag::register(SIGINT, Arc::new(AtomicBool::new(false)));
    Ok(pager)
}

/// The pager was left. Where a signal is ending the program, that is its last word: this does not come back.
pub(super) fn pager_ends() {
    let mut state = PAGER.lock().unwrap_or_else(PoisonError::into_inner);
    state.0 = None;
    let is_ending = state.1;
    drop(state);
    if is_ending {
        wait_for_the_end();
    }
}

/// While a signal is ending the program.
fn wait_for_the_end() -> ! {
    loop {
        thread::park();
    }
}

/// Ends the pager too: one that outlives the program would read from a terminal that is the shell's again.
fn end_pager() {
    let mut state = PAGER.lock().unwrap_or_else(PoisonError::into_inner);
    state.1 = true;
    let Some(pager) = state.0 else {
        return;
    };
    drop(state);
    if kill_process(pager, Signal::TERM).is_err() {
        return;
    }
    let began = Instant::now();
    // Whoever writes to it waits for its end, and says so.
    let is_there = || {
        let state = PAGER.lock().unwrap_or_else(PoisonError::into_inner);
        state.0.is_some()
    };
    while is_there() && began.elapsed() < PAGER_ENDS_WITHIN {
        thread::sleep(Duration::from_millis(5));
    }
}

/// A file that takes its name only when it is finished, and that no signal leaves behind; with the permissions of any new file where
/// it `is_new`, else for nobody else yet.
pub(super) fn temporary_in(folder: &Path, is_new: bool) -> io::Result<NamedTempFile> {
    // Held until the name is noted: a signal waits that long.
    let mut temporaries = TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner);
    // The system takes from these what the umask says.
    let mode = if is_new { 0o666 } else { 0o600 };
    let file = tempfile::Builder::new()
        .prefix(".sipdiag-")
        .permissions(Permissions::from_mode(mode))
        .tempfile_in(folder)?;
    temporaries.push(file.path().to_owned());
    Ok(file)
}

/// From now on signals end the program as they do by default, but tidily, and not those that `is_taken` says somebody else makes
/// something of. A file that must not grow any more is an error of who writes it.
pub(super) fn listen(is_taken: impl Fn(i32) -> bool + Send + 'static) -> io::Result<()> {
    let ends = [SIGINT, SIGTERM, SIGHUP];
    // What nohup took away stays away. Scripts take SIGINT from what they start in the background, and end it with that.
    let is_away = |signal: i32| signal == SIGHUP && ignored() & (1 << (signal - 1)) != 0;
    let heard = ends.iter().filter(|it| !is_away(**it));
    let mut signals = Signals::new(heard.chain(&[SIGXFSZ]))?;
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                let is_for_pager = signal == SIGINT && PAGED.load(Ordering::SeqCst);
                if signal != SIGXFSZ && !is_for_pager && !is_taken(signal) {
                    end(signal);
                }
            }
        })?;
    Ok(())
}

/// Ends the program by a signal, so that whoever waits for it sees which.
fn end(signal: i32) {
    end_pager();
    // Never given back: nothing new may come.
    let temporaries = TEMPORARIES.lock().unwrap_or_else(PoisonError::into_inner);
    for path in &*temporaries {
        // What has its place already is not there any more.
        let _ = std::fs::remove_file(path);
    }
    let _ = emulate_default_handler(signal);
}

/// The signals that are ignored, a bit each; none where the system does not tell.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default()
}
