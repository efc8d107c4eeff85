#!/usr/bin/env python3
"""Does time and memory grow with what is read, and no faster? Python 3.9 or newer, standard library only.

    benches/growth.py FOLDER                   the tables over the captures in FOLDER, which are made when they are missing
    benches/growth.py FOLDER --most N          the longest capture, in messages (default 1,000,000; the table asks for 5,000,000)
    benches/growth.py FOLDER --calls N         the most calls open at once (default 500,000)
    benches/growth.py FOLDER --rounds N        best of N (default 3)
    benches/growth.py FOLDER --only udp,open   some of the kinds
    benches/growth.py FOLDER --sipdiag FILE --traffic FILE     which builds (else those in target/release)
    benches/growth.py FOLDER --write docs/performance.md       replaces what stands between <!-- growth --> and <!-- /growth -->
    benches/growth.py FOLDER --check           exit 1 when a figure is not flat

Time is that of the CPU, less what a capture without a packet takes. An item is a message; of `open`, a call, of which six
in seven messages come before the first call ends. Time for an item is flat when the last figure is at most 1.2 times the
least one; memory for an item when it is at most 1.2 times that at the size before.
"""

import argparse
import datetime
import os
import sys

sys.dont_write_bytecode = True
import measure  # noqa: E402  (beside this file)
from measure import QUESTION, say, size  # noqa: E402

# What is read, and what a stranger could do to make it slow.
KINDS = {
    "udp": "SIP over UDP",
    "media": "95 % RTP",
    "tcp": "SIP over TCP",
    "open": "calls open at once",
    "one-call-id": "flood: one Call-ID",
    "one-branch": "flood: one branch",
    "one-source": "flood: one source",
    "one-tag": "flood: one From tag",
}
MESSAGES_OF_A_CALL = 7
FLAT = 1.2


def sizes(kind, options):
    """How many items of a kind are read."""
    if kind == "open":
        return [it for it in (1_000, 10_000, 100_000, 500_000) if it <= options.calls]
    most = options.most // 5 if kind == "media" else options.most
    return [it for it in (10_000, 100_000, 1_000_000, 5_000_000) if it <= most]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--calls", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(KINDS))
    parser.add_argument("--patience", type=int, default=900, help="seconds until a run is ended")
    parser.add_argument("--sipdiag")
    parser.add_argument("--traffic")
    parser.add_argument("--write", metavar="PAGE")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    sipdiag, traffic = measure.programs(options.sipdiag, options.traffic)

    def read(path, rounds):
        command = [str(sipdiag), "read", str(path), *QUESTION]
        return measure.best([measure.run(command, options.patience) for _ in range(rounds)])

    nothing = read(measure.capture(traffic, options.folder, "udp", 0), 5)
    if nothing is None:
        sys.exit(f"{sipdiag} does not read a capture without packets")
    rows, crooked = [], []
    for kind in options.only.split(","):
        least, before = None, None
        for items in sizes(kind, options):
            messages = items * MESSAGES_OF_A_CALL if kind == "open" else items
            path = measure.capture(traffic, options.folder, kind, messages)
            took = read(path, options.rounds)
            if took is None:
                say(f"{path}: not read within {options.patience} s")
                rows.append([KINDS[kind], f"{items:,}", "–", "failed", "–", "–", "–", "**no**"])
                crooked.append(kind)
                break
            each = max(took.cpu - nothing.cpu, 0) / items
            bytes_each = max(took.rss - nothing.rss, 0) / items if took.rss else None
            least = min(least or each, each)
            grown = each / least if least else 1.0
            flat = grown <= FLAT
            # What is kept of closed calls, and of addresses, has an end; what is open has none.
            heavier = bytes_each and before and bytes_each > FLAT * before
            flat = flat and not heavier
            before = bytes_each
            if not flat:
                crooked.append(kind)
            rows.append([KINDS[kind], f"{items:,}", f"{took.cpu:.2f} s", f"{each * 1e6:,.2f} µs", f"{grown:.2f}", size(took.rss),
                         "–" if bytes_each is None else f"{bytes_each:,.0f}", "yes" if flat else "**no**"])
            say(f"{path}: {took.cpu:.2f} s, {size(took.rss)}")
    head = ["", "items", "CPU", "for each", "× least", "peak RSS", "bytes each", "flat"]
    text = (f"Made by `benches/growth.py` on {datetime.date.today()}, best of {options.rounds}. An item is a message, of calls open "
            f"at once a call. Without a packet: {nothing.cpu * 1e3:.1f} ms, {size(nothing.rss)}.\n\n"
            f"- machine: {measure.machine()}; load at the end: {os.getloadavg()[0]:.1f}\n\n")
    text += measure.table(head, rows)
    print(text)
    if options.write:
        measure.write(options.write, "growth", text)
    if options.check and crooked:
        sys.exit(f"not flat: {', '.join(sorted(set(crooked)))}")


if __name__ == "__main__":
    main()
