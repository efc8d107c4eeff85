#!/usr/bin/env python3
"""How fast is sipdiag beside others, and beside only reading the file? Python 3.9 or newer, standard library only.

    benches/compare.py FOLDER                  the tables over the captures in FOLDER, which are made when they are missing
    benches/compare.py FOLDER --messages N     how long S is (default 1,000,000); the others are as long in proportion
    benches/compare.py FOLDER --only S,M       some of the captures
    benches/compare.py FOLDER --rounds N       best of N (default 5)
    benches/compare.py FOLDER --prefix N       slow tools get the first N packets (default 100,000)
    benches/compare.py FOLDER --sipdiag FILE --traffic FILE    which builds (else those in target/release)
    benches/compare.py FOLDER --write docs/performance.md      replaces what stands between <!-- compare --> and <!-- /compare -->

In a round every tool runs once, one after the other; tools that are not installed are left out and named. What they print
goes to /dev/null. Slow tools get the beginning of the capture, and their ratios are those of the time for a packet.
`benches/compare.sh` builds first.
"""

import argparse
import datetime
import os
import shutil
import sys
import tempfile
from collections import namedtuple

sys.dont_write_bytecode = True
import measure  # noqa: E402  (beside this file)
from measure import QUESTION, say, seconds, size  # noqa: E402

# Each capture: its letter, the generator's name for it, messages for one of S, what it is, whether slow tools read it too.
Capture = namedtuple("Capture", "letter kind share words slow")
CAPTURES = [
    Capture("S", "udp", 1.0, "SIP over UDP", True),
    Capture("M", "media", 0.2, "95 % RTP", True),
    Capture("T", "tcp", 1.0, "SIP over TCP, several messages in a segment and one over several", False),
    Capture("R", "lossy", 1.0, "5 % lost, and what was sent again", False),
    Capture("O", "open", 3.5, "all calls open at once", False),
    Capture("F", "fragments", 1.0, "every message in fragments", False),
    Capture("G", "udp", 1.0, "S with gzip", False),
]
# In an `open` capture so many messages are there for each call.
MESSAGES_OF_A_CALL = 7

# Each tool: its name, its command for a file, whether it gets only the beginning, how it tells its version.
Tool = namedtuple("Tool", "name command slow version")
OTHERS = [
    Tool("cat", lambda file: ["cat", file], False, "--version"),
    Tool("tcpdump", lambda file: ["tcpdump", "-r", file, "-w", os.devnull], False, "--version"),
    Tool("tshark", lambda file: ["tshark", "-q", "-z", "sip,stat", "-r", file], True, "--version"),
    Tool("sngrep", lambda file: ["sngrep", "-N", "-q", "-l", "1000000", "-I", file], True, "-V"),
    Tool("sipgrep", lambda file: ["sipgrep", "-C", "-G", "-I", file], True, "-V"),
    Tool("sipnab", lambda file: ["sipnab", "-N", "-q", "--report", "-I", file], True, "--version"),
    # What it is told to leave out costs it time.
    Tool("sipnab, tuned", lambda file: ["sipnab", "-N", "-q", "--report", "--no-rtp", "--no-reassembly", "-I", file], True, None),
    Tool("sip-doctor", lambda file: ["sip-doctor", "read", "--json", file], True, "--version"),
]

# One line of a table; `packets` is how many of them the tool read.
Line = namedtuple("Line", "tool command packets run")


def sipdiag_tools(sipdiag):
    tools = [Tool("sipdiag", lambda file: [sipdiag, "read", file, *QUESTION], False, "--version")]
    if "--threads" in measure.output([sipdiag, "read", "--help"]):
        tools.append(Tool("sipdiag, one thread", lambda file: [sipdiag, "read", file, *QUESTION, "--threads", "1"], False, None))
    return tools


def installed(tools):
    """Those that are here; the others are named on stderr."""
    here = [tool for tool in tools if shutil.which(tool.command("")[0])]
    missing = [tool.name for tool in tools if tool not in here]
    return here, missing


def measured(path, packets, tools, rounds, short, home):
    """A line a tool over so many rounds; `short` is the beginning of the capture and how many packets that has."""
    whole = (path, packets)
    runs = {tool: [] for tool in tools}
    commands = {}
    for number in range(rounds):
        for tool in tools:
            file, _ = short if tool.slow else whole
            commands[tool] = [str(word) for word in tool.command(file)]
            took = measure.run(commands[tool], home=home)
            runs[tool].append(took)
            say(f"  {number + 1}/{rounds} {tool.name}: {seconds(took.wall)}" + ("" if took.ok else " FAILED"))
    return [Line(tool, commands[tool], (short if tool.slow else whole)[1], measure.best(runs[tool])) for tool in tools]


def rate(line):
    """Seconds for a packet; None when the tool failed."""
    return line.run and line.run.wall / line.packets


def ratio(line, base):
    """How many times the time of another a tool takes for a packet."""
    return line.run and base and base.run and rate(line) / rate(base)


def by_name(lines):
    return {line.tool.name: line for line in lines}


def shown(lines, messages, packets):
    """The lines as a table."""
    base = by_name(lines)
    rows = []
    for line in lines:
        read = "all" if line.packets == packets else f"first {line.packets:,}"
        if line.run is None:
            rows.append([line.tool.name, read, "failed", *["–"] * 6])
            continue
        ratios = [ratio(line, base.get(name)) for name in ("cat", "tcpdump", "sipdiag")]
        rows.append([line.tool.name, read, seconds(line.run.wall), *[f"{it:.2f}" if it else "–" for it in ratios],
                     seconds(line.run.cpu), size(line.run.rss), f"{messages / packets / rate(line):,.0f}"])
    head = ["", "packets", "wall", "× `cat`", "× `tcpdump`", "× sipdiag", "CPU", "peak RSS", "messages/s"]
    return measure.table(head, rows)


def starts(sipdiag, traffic, folder, home):
    """How long it takes when there is next to nothing to do: (what, seconds)."""
    ten = measure.capture(traffic, folder, "udp", 10)
    commands = {
        "`explain 486`": [sipdiag, "explain", "486"],
        "`--help`": [sipdiag, "--help"],
        "a capture of ten packets": [sipdiag, "read", ten],
    }
    return {what: measure.best([measure.run(command, home=home) for _ in range(20)]) for what, command in commands.items()}


def goals(captures, began):
    """What issue 5 asks for, and what was measured: rows of a table."""
    lines = {letter: by_name(measured) for letter, (measured, *_) in captures.items()}
    counts = {letter: messages for letter, (_, messages, _) in captures.items()}
    rows = []

    def row(what, value, limit, show, at_most=True):
        if value is not None:
            sign, met = ("≤", value <= limit) if at_most else ("≥", value >= limit)
            rows.append([what, f"{sign} {show(limit)}", show(value), "yes" if met else "**no**"])

    def times(value):
        return f"{value:.2f} ×"

    def beside(letter, other, limit, at_most=True, of="sipdiag"):
        own, base = (lines.get(letter, {}).get(name) for name in (of, other))
        if own and base:
            value = ratio(own, base) if at_most else ratio(base, own)
            row(f"{letter}: wall, beside {other}", value, limit, times, at_most)

    beside("S", "cat", 2.5)
    beside("S", "tcpdump", 1.0)
    beside("M", "cat", 1.3)
    beside("M", "tcpdump", 0.35)
    s, t, o = (lines.get(letter, {}).get("sipdiag") for letter in "STO")
    if s and t and s.run and t.run:
        row("T: wall for a message, beside S", t.run.wall / counts["T"] / (s.run.wall / counts["S"]), 2.0, times)
    one = lines.get("S", {}).get("sipdiag, one thread") or s
    if one and one.run:
        row("S: messages/s with one thread", counts["S"] / one.run.wall, 1.5e6, lambda it: f"{it / 1e6:.2f} M", False)
    for other, limit in (("tshark", 25), ("sipnab, tuned", 10), ("sngrep", 30)):
        beside("S", other, limit, False)
    if s and s.run and s.run.rss:
        row("S: peak RSS", s.run.rss, 100e6, size)
    if o and o.run and o.run.rss:
        calls = counts["O"] / MESSAGES_OF_A_CALL
        row("O: peak RSS", o.run.rss, 64e6 + 700 * calls, size)
        row("O: bytes an open call, above 64 MB", max(o.run.rss - 64e6, 0) / calls, 700, lambda it: f"{it:,.0f}")
    for what, took in began.items():
        row(f"start-up: {what}", took and took.wall, 0.01, seconds)
    return rows


def page(options, captures, tools, missing, began):
    """All of it."""
    out = f"Made by `benches/compare.sh` on {datetime.date.today()}, best of {options.rounds} interleaved rounds, warm page cache.\n\n"
    out += f"- machine: {measure.machine()}; load before the run: {options.load:.1f}\n"
    for tool in tools:
        if tool.version:
            out += f"- {tool.name}: {measure.first_line([tool.command('')[0], tool.version])}\n"
    if missing:
        out += f"- not installed here: {', '.join(missing)}\n"
    out += "\n### Goals\n\n" + measure.table(["", "goal", "measured", "met"], goals(captures, began))
    for capture in CAPTURES:
        if capture.letter in captures:
            lines, messages, path = captures[capture.letter]
            packets = max(line.packets for line in lines)
            out += f"\n### {capture.letter}: {capture.words}\n\n"
            out += f"{messages:,} messages in {packets:,} packets, {size(path.stat().st_size)}.\n\n"
            out += shown(lines, messages, packets)
    out += "\n### Commands\n\n```text\n"
    for tool in tools:
        command = [str(word) for word in tool.command("FILE")]
        command[0] = os.path.basename(command[0])
        out += " ".join(command) + "\n"
    return out + "```\n"


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--only", default="S,M,T,R,O,F,G")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prefix", type=int, default=100_000)
    parser.add_argument("--sipdiag")
    parser.add_argument("--traffic")
    parser.add_argument("--write", metavar="PAGE")
    options = parser.parse_args()
    options.load = os.getloadavg()[0]
    sipdiag, traffic = measure.programs(options.sipdiag, options.traffic)
    tools, missing = installed(OTHERS)
    # Beside `cat`, whose time it is held against.
    tools[1:1] = sipdiag_tools(sipdiag)
    if missing:
        say(f"not installed, left out: {', '.join(missing)}")
    if not measure.GNU_TIME:
        say("GNU time is not installed: no peak of memory")
    captures = {}
    # Their homes are empty, so that no configuration counts.
    with tempfile.TemporaryDirectory() as home:
        for capture in CAPTURES:
            if capture.letter not in options.only.split(","):
                continue
            path = measure.capture(traffic, options.folder, capture.kind, int(options.messages * capture.share))
            if capture.letter == "G":
                path = measure.zipped(path)
            say(f"{capture.letter}: {path}")
            messages, packets = measure.contents(sipdiag, path)
            wanted = [tool for tool in tools if capture.slow or not tool.slow]
            if capture.letter == "G":
                # libpcap opens no gzip.
                wanted = [tool for tool in wanted if tool.name != "tcpdump"]
                wanted.append(Tool("gzip -dc", lambda file: ["gzip", "-dc", file], False, None))
            short = measure.prefix(path, options.prefix) if capture.slow else None
            captures[capture.letter] = (measured(path, packets, wanted, options.rounds, short, home), messages, path)
        began = starts(sipdiag, traffic, options.folder, home)
    text = page(options, captures, tools, missing, began)
    print(text)
    if options.write:
        measure.write(options.write, "compare", text)


if __name__ == "__main__":
    main()
