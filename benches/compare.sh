#!/usr/bin/env bash
# How fast is sipdiag beside others, and beside only reading the file? Builds it, makes the captures in FOLDER (some 8 GB for
# a million messages), times everything in one interleaved run and prints the tables.
#
#     benches/compare.sh FOLDER [OPTION...]
#
# The options are those of benches/compare.py. Run it on a quiet machine: every figure is the best of the rounds, and only
# the ratios within one run mean anything.
set -euo pipefail
if [ $# -eq 0 ] || [[ $1 = -* ]]; then
    sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2
    exit 2
fi
folder=$(realpath -m "$1")
shift
cd "$(dirname "$0")/.."
cargo build --release --locked --bins --example traffic >&2
exec benches/compare.py "$folder" "$@"
