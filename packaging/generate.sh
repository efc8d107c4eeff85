#!/usr/bin/env bash
# Man pages and completions of a sipdiag, for a package: packaging/generate.sh PROGRAM FOLDER
set -euo pipefail
program=$1
folder=$2
rm -rf "$folder"
mkdir -p "$folder/man" "$folder/completions"
"$program" man --dir "$folder/man"
"$program" completions bash >"$folder/completions/sipdiag"
"$program" completions zsh >"$folder/completions/_sipdiag"
"$program" completions fish >"$folder/completions/sipdiag.fish"
