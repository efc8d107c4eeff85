//! The passwords that the command line names, to test digests with. They are read from files: a command line can be read by
//! everybody on the host.

use super::environment::Environment;
use super::errors::{self, WrongUse};
use crate::limits::MAX_PASSWORD;
use crate::sip::digest::Passwords;
use anyhow::Context;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use zeroize::Zeroizing;

/// The permission of everybody to read a file.
const READ_BY_OTHERS: u32 = 0o004;

/// Takes the passwords of `USER@REALM=@FILE`.
pub(super) fn load(
    given: &[String],
    passwords: &mut Passwords,
    environment: &Environment,
) -> anyhow::Result<()> {
    for value in given {
        let Some((name, file)) = value.rsplit_once("=@") else {
            return Err(refused(value).into());
        };
        let path = Path::new(file);
        let cannot = || format!("cannot read the password of {name} from {}", path.display());
        let mut text = Zeroizing::new(Vec::with_capacity(ROOM));
        let mut opened = File::open(path).with_context(cannot)?;
        if let Some(complaint) = complaint(&opened, path) {
            errors::warn(environment, &complaint);
        }
        read_line(&mut opened, &mut text).with_context(cannot)?;
        passwords.add(name, &text).map_err(|error| WrongUse {
            headline: format!(
                "cannot use the password of {name} in {}: {error}",
                path.display()
            ),
            help: None,
        })?;
    }
    Ok(())
}

/// Bytes that are read at most: the longest password with a byte order mark and the end of its line. With room for them from
/// the start nothing is left behind by growing.
const ROOM: usize = MAX_PASSWORD + 8;

/// Reads up to the end of the first line; not further, so that a terminal or a pipe will do as well.
fn read_line(from: &mut impl Read, text: &mut Vec<u8>) -> io::Result<()> {
    let mut byte = Zeroizing::new([0]);
    while text.len() < ROOM {
        match from.read(&mut *byte) {
            Ok(0) => break,
            Ok(_) => text.extend_from_slice(&*byte),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        if *byte == [b'\n'] {
            break;
        }
    }
    Ok(())
}

/// What does not say where the password is. The value is not repeated: it may be the password.
fn refused(value: &str) -> WrongUse {
    let name = value.split_once('=').map(|(name, _)| name);
    match name.filter(|name| name.contains('@')) {
        Some(name) => WrongUse {
            headline: "a password must not stand on the command line: everybody on this host can read it there (ps)"
                .to_owned(),
            help: Some(format!(
                "write it to a file that only you can read, and give --sip-password '{name}=@FILE'; \
                 the one just given is in the history of your shell"
            )),
        },
        None => WrongUse {
            headline: "--sip-password takes USER@REALM=@FILE".to_owned(),
            help: Some(
                "USER and REALM are those of the Authorization field, FILE has the password on its first line".to_owned(),
            ),
        },
    }
}

/// What to say of a file that others can read as well.
fn complaint(file: &File, path: &Path) -> Option<String> {
    let metadata = file.metadata().ok()?;
    let open = metadata.is_file() && metadata.permissions().mode() & READ_BY_OTHERS != 0;
    open.then(|| {
        format!(
            "everybody can read the password in {}: chmod 600 keeps it yours",
            path.display()
        )
    })
}
