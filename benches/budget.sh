#!/usr/bin/env bash
# How many instructions does a message cost, and a packet of RTP, and starting? Counted by callgrind, which gives the same
# figures on a loaded machine, and held against benches/budget.tsv: more than a tenth above it fails.
#
#     benches/budget.sh [FOLDER]       checks the build in FOLDER (default: target/debug), exit 1 when a figure is too high
#     benches/budget.sh --record       builds and writes the figures of this tree into budget.tsv
#
# The build is that of the tests, so that CI builds nothing for it: its figures are higher than those of a release build,
# and what makes one slower makes the other slower. Costs of starting are those of a capture without packets, and are
# taken off the others.
set -euo pipefail
cd "$(dirname "$0")/.."

BUDGET=benches/budget.tsv
ALLOWED=10 # percent
MESSAGES=2000
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")/debug

record=
case ${1:-} in
--record) record=yes ;;
-*) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2 ;;
?*) target=$1 ;;
esac

if ! command -v valgrind >/dev/null; then
    echo "budget NOT checked: valgrind is not installed" >&2
    exit 0
fi
if [ -z "$record" ] && [ ! -e "$BUDGET" ]; then
    echo "error: $BUDGET is missing; write it with benches/budget.sh --record" >&2
    exit 1
fi
if [ "$record" ] || [ ! -x "$target/sipdiag" ] || [ ! -x "$target/examples/traffic" ]; then
    cargo build --locked --bin sipdiag --example traffic
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
threads=()
if "$target/sipdiag" read --help | grep -q -- --threads; then
    # A thread that waits for another counts what it does meanwhile.
    threads=(--threads 1)
fi

# instructions KIND MESSAGES: what reading such a capture takes
instructions() {
    local capture=$folder/$1-$2.pcap log=$folder/$1-$2.log
    "$target/examples/traffic" "$1" "$2" "$capture" 2>/dev/null
    env -i PATH="$PATH" HOME="$folder" valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        "$target/sipdiag" read "$capture" --format ndjson --records summary,finding -o /dev/null "${threads[@]}" \
        >"$log" 2>&1 || { cat "$log" >&2; return 1; }
    sed -n 's/.*Collected : //p' "$log"
}

start=$(instructions udp 0)
udp=$(instructions udp "$MESSAGES")
tcp=$(instructions tcp "$MESSAGES")
# `media` has the messages of `udp`, and nineteen packets of RTP for each of a part of them.
few=$((MESSAGES / 4))
less=$(instructions udp "$few")
media=$(instructions media "$few")

figures=$(
    printf 'start-up\t%d\n' "$start"
    printf 'message over UDP\t%d\n' $(((udp - start) / MESSAGES))
    printf 'message over TCP\t%d\n' $(((tcp - start) / MESSAGES))
    printf 'RTP packet\t%d\n' $(((media - less) / (few * 19)))
)

if [ "$record" ]; then
    printf '# Instructions of the build that tests use; written by benches/budget.sh --record.\n%s\n' "$figures" >"$BUDGET"
    cat "$BUDGET"
    exit 0
fi

failed=0
while IFS=$'\t' read -r what now; do
    allowed=$(awk -F'\t' -v what="$what" '$1 == what { print $2 }' "$BUDGET")
    if [ -z "$allowed" ]; then
        echo "error: $BUDGET has no row for $what" >&2
        failed=1
        continue
    fi
    verdict=$(awk -v now="$now" -v was="$allowed" -v most="$ALLOWED" 'BEGIN {
        change = 100 * (now - was) / was
        word = change > most ? " TOO MUCH" : change < -most ? " (record it: benches/budget.sh --record)" : ""
        printf "%+.1f %%%s", change, word
    }')
    printf '%-18s %10d instructions, budget %10d: %s\n' "$what" "$now" "$allowed" "$verdict"
    [[ $verdict != *"TOO MUCH"* ]] || failed=1
done <<<"$figures"
if [ $failed -ne 0 ]; then
    echo "error: more instructions than $BUDGET allows; find out why, or record them with a reason in the commit" >&2
fi
exit $failed
