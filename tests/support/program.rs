//! Runs the program as a user or a script does, where nothing of the machine speaks.
#![allow(dead_code, reason = "each test binary uses a part")]

use assert_cmd::Command;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What a run left.
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn with_status(self, status: i32) -> Self {
        assert_eq!(
            self.status,
            Some(status),
            "\nstdout: {}\nstderr: {}",
            self.stdout,
            self.stderr
        );
        self
    }

    #[track_caller]
    pub(crate) fn objects(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
            })
            .collect()
    }
}

pub(crate) fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures")
}

/// The program beside the captures: no locale, no colours, a pipe for a terminal.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sipdiag"));
    command.env_clear().current_dir(captures());
    command
}

pub(crate) fn finish(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn run(arguments: &[&str]) -> Ran {
    run_with(&[], arguments)
}

pub(crate) fn run_with(variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let mut command = program();
    command.envs(variables.iter().copied()).args(arguments);
    finish(command)
}
