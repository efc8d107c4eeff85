#!/usr/bin/env python3
"""Which carriers of SIP does each tool decode? Python 3.8 or newer, standard library only; no traffic, no root.

    benches/decoded.py                      the table, for the tools that are installed
    benches/decoded.py --write README.md    replaces what stands between <!-- decoded --> and <!-- /decoded -->
    benches/decoded.py --check README.md    exit 1 when a cell there is not what the same version of the tool gives here
    benches/decoded.py --validate           asks tshark whether the captures made here are well-formed
    benches/decoded.py --keep FOLDER        leaves these captures there
    benches/decoded.py --times              also how long each tool took, one run after the other; without it nothing is timed

Every capture holds one healthy call of 7 SIP messages: those of fixtures/captures/wire/, and those that carriers.py makes.
Each tool runs with its defaults (no option that changes what is decoded, an empty home, so no configuration of the user),
and its own count of SIP messages is compared with 7: yes, no (0), or "n of 7". Counted is not compared: a tool that takes
the first piece of a message for the whole still says yes. "crash" is a signal, a panic or a traceback; "> 60 s" was ended.
A file that a tool refuses is a no. A tool that does not see 7 in plain Ethernet and UDP is not measured at all.

How the count is got:
  sipdiag     read --format json: summary.sip_messages.
  sngrep      -N -q -O writes the packets that hold SIP and no count: none written is 0. Otherwise its window is run in a
              pseudo terminal, and the column "Msgs" of its call list is added up once nothing changes any more. Its
              configuration is one line that moves this column to the front. It lists a call only when it has read its
              INVITE: that one lost, all seven are.
  sipnab      -N -q --json writes an object for each SIP message: their number. The features are those of a plain
              `cargo install sipnab`; by default it reads SIP on ports 5060 and 5061 only, and says so when it skips some.
  sip-doctor  read --json: stats.sip_messages.
  tshark      -Y sip, one pass: the request methods and status codes of the start lines (several in a frame are several).
"""

import argparse
import concurrent.futures
import datetime
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, namedtuple
from pathlib import Path

sys.dont_write_bytecode = True
import carriers  # noqa: E402  (beside this file)

ROOT = Path(__file__).resolve().parent.parent
WIRE = ROOT / "fixtures/captures/wire"
MESSAGES = 7
PATIENCE = 60  # seconds
BEGIN, END = "<!-- decoded -->\n", "<!-- /decoded -->\n"

# The group of a fixture is that of the first pattern found in its file name; its own name is the one of fixtures/README.md.
GROUPS = [
    ("Link layers", r"^0[1-5]-"),
    ("Tags", r"^0[6-9]-"),
    ("Tunnels", r"^1[0-68]-"),
    ("Encrypted", r"tls|wss"),
    ("TCP", r"tcp|^[a-e]-"),
    ("WebSocket", r"-ws"),
    ("SCTP", r"sctp"),
    ("Mirrors", r"hep"),
    ("Files", r"^3[1-4]-"),
    ("IP and UDP", r"ipv6|frag|udp12k|port6789"),
    ("Ways to write it", r""),
]

ORDER = ["Link layers", "Tags", "Tunnels", "IP and UDP", "TCP", "WebSocket", "SCTP", "Encrypted", "Mirrors", "Files",
         "Ways to write it"]

Row = namedtuple("Row", "group name path hint made")


class Unusable(Exception):
    """The tool ended in a way that is no answer; its text is the cell."""


# The tools -----------------------------------------------------------------------------------------------------------------

def run(argv, home):
    """What the program writes to stdout."""
    return complete(argv, home).stdout


def complete(argv, home):
    """What the program writes to stdout and stderr."""
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
    try:
        done = subprocess.run(argv, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise Unusable(f"> {PATIENCE} s") from None
    if done.returncode < 0 or b"panicked at" in done.stderr or b"Traceback (most recent call last)" in done.stderr:
        raise Unusable("crash")
    done.stdout, done.stderr = (it.decode("utf-8", "replace") for it in (done.stdout, done.stderr))
    return done


def field(text, *path):
    """A number in a JSON document, in the first of a list; 0 when the tool refused the file and so wrote none."""
    value = json.loads(text) if text.strip() else {}
    for name in path:
        value = value[0] if isinstance(value, list) else value
        value = value.get(name, {})
    return value or 0


def sipdiag(program, capture, home):
    return field(run([program, "read", "--format", "json", capture], home), "summary", "sip_messages")


def sip_doctor(program, capture, home):
    return field(run([program, "read", "--json", capture], home), "stats", "sip_messages")


def sipnab(program, capture, home):
    objects = run([program, "-N", "-q", "--json", "-I", capture], home).splitlines()
    return sum("is_request" in json.loads(line) for line in objects)


def tshark(program, capture, home, options=()):
    fields = ["-T", "fields", "-E", "occurrence=a", "-E", "aggregator=,", "-e", "sip.Method", "-e", "sip.Status-Code"]
    return len(re.findall(r"[^,\s]+", run([program, "-r", capture, *options, "-Y", "sip", *fields], home)))


def sngrep(program, capture, home):
    kept = Path(home) / "sngrep.pcap"
    kept.unlink(missing_ok=True)
    run([program, "-F", "-N", "-q", "-I", capture, "-O", str(kept)], home)
    if not kept.exists() or kept.stat().st_size <= 24:  # the head of a pcap file
        return 0
    (Path(home) / "columns").write_text("set cl.column0 msgcnt\n")
    screen = Screen([program, "-F", "-f", f"{home}/columns", "-I", capture], home)
    return sum(map(int, re.findall(CALL_LIST_ROW, screen.settled(CALL_LIST_ROW), re.MULTILINE)))


CALL_LIST_ROW = r"^[ *>]*\[[ *]\] +(\d+)"


class Screen:
    """A program in a pseudo terminal, and as much of a VT100 as its list needs."""

    ROWS, COLUMNS = 50, 150
    TOKEN = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b[()][A-Z0-9]|\x1b.|[\x00-\x1f]|[^\x00-\x1f]+", re.DOTALL)

    def __init__(self, argv, home):
        self.argv, self.home = argv, home
        self.lines = [[" "] * self.COLUMNS for _ in range(self.ROWS)]
        self.row = self.column = 0

    def settled(self, pattern):
        """The screen as text, once `pattern` is on it and nothing has changed for a second; "" when the program ended."""
        import pty
        child, terminal = pty.fork()
        if child == 0:
            os.environ.update(HOME=str(self.home), TERM="vt100", LINES=str(self.ROWS), COLUMNS=str(self.COLUMNS))
            try:
                os.execv(self.argv[0], self.argv)
            finally:
                os._exit(127)
        began = changed = time.monotonic()
        shown = ""
        try:
            while True:
                if select.select([terminal], [], [], 0.1)[0]:
                    try:
                        data = os.read(terminal, 65536)
                    except OSError:  # the program has ended
                        data = b""
                    if not data:
                        break
                    self.write(data.decode("ascii", "replace"))
                now, text = time.monotonic(), "\n".join("".join(line) for line in self.lines)
                if text != shown:
                    shown, changed = text, now
                elif now - changed > 1 and re.search(pattern, text, re.MULTILINE):
                    break
                if now - began > PATIENCE:
                    raise Unusable(f"> {PATIENCE} s")
        finally:
            ended, status = os.waitpid(child, os.WNOHANG)
            if not ended:
                time.sleep(0.1)
                ended, status = os.waitpid(child, os.WNOHANG)
            if not ended:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            os.close(terminal)
        if ended and os.WIFSIGNALED(status):
            raise Unusable("crash")
        return "" if ended else shown

    def write(self, text):
        for token in self.TOKEN.finditer(text):
            numbers, command = token.group(1), token.group(2)
            if command:
                self.control([int(n) for n in re.findall(r"\d+", numbers)], command)
            elif token.group() == "\r":
                self.column = 0
            elif token.group() == "\n":
                self.row = min(self.row + 1, self.ROWS - 1)
            elif token.group() == "\b":
                self.column = max(self.column - 1, 0)
            elif token.group() >= " ":
                for character in token.group():
                    if self.column < self.COLUMNS:
                        self.lines[self.row][self.column] = character
                        self.column += 1

    def control(self, numbers, command):
        first = numbers[0] if numbers else 1
        if command == "H":
            row, column = (numbers + [1, 1])[:2] if len(numbers) != 1 else (first, 1)
            self.row, self.column = min(max(row, 1), self.ROWS) - 1, min(max(column, 1), self.COLUMNS) - 1
        elif command in "AB":
            self.row = min(max(self.row + (first if command == "B" else -first), 0), self.ROWS - 1)
        elif command in "CD":
            self.column = min(max(self.column + (first if command == "C" else -first), 0), self.COLUMNS - 1)
        elif command == "K" and not numbers:
            self.lines[self.row][self.column:] = [" "] * (self.COLUMNS - self.column)
        elif command == "J" and not numbers:
            self.lines[self.row][self.column:] = [" "] * (self.COLUMNS - self.column)
            self.lines[self.row + 1:] = [[" "] * self.COLUMNS for _ in self.lines[self.row + 1:]]


Tool = namedtuple("Tool", "name count install")
TOOLS = [
    Tool("sipdiag", sipdiag, "cargo build --release"),
    Tool("sngrep", sngrep, "apt-get install sngrep"),
    Tool("sipnab", sipnab, "cargo install sipnab --locked"),
    Tool("sip-doctor", sip_doctor, "pip install sip-doctor"),
    Tool("tshark", tshark, "apt-get install tshark"),
]


def version(program, home):
    said = run([program, "--version"], home)
    number = re.search(r"\d+(\.\d+)+", said)
    return number.group() if number else "?"


def installed(options, home, wanted=None):
    """(tool, program, version) of each (of those wanted) that is here and sees a plain call; says on stderr which are not."""
    plain = str(WIRE / "01-eth.pcap")
    for tool in (it for it in TOOLS if wanted is None or it.name in wanted):
        program = shutil.which(tool.name)
        if tool.name == "sipdiag":
            builds = [options.sipdiag] if options.sipdiag else [ROOT / f"target/{it}/sipdiag" for it in ("release", "debug")]
            program = next((str(it) for it in builds if os.access(it, os.X_OK)), None)
        if program is None:
            say(f"{tool.name}: not installed, left out; {tool.install}")
            continue
        try:
            seen = tool.count(program, plain, home)
        except Unusable as why:
            seen = str(why)
        if seen == MESSAGES:
            yield tool, program, version(program, home)
        else:
            say(f"{tool.name}: left out, as it gave {seen} for plain Ethernet and UDP, which should be {MESSAGES}")


def say(text):
    print(text, file=sys.stderr, flush=True)


# The captures ----------------------------------------------------------------------------------------------------------------

def captures(folder):
    """Every row: the fixtures of a group, then what is made for it."""
    named = dict(re.findall(r"^\| `wire/([^`]+)` \| (.*) \|$", (ROOT / "fixtures/README.md").read_text("utf-8"), re.MULTILINE))
    rows = []
    for path in sorted(WIRE.iterdir()):
        group = next(group for group, pattern in GROUPS if re.search(pattern, path.name))
        name = re.sub(f"^{re.escape(group)}, ", "", named.get(path.name, path.name))
        rows.append(Row(group, name, str(path), (), False))
    for carrier in carriers.CARRIERS:
        slug = re.sub(r"[^a-z0-9]+", "-", f"{carrier.group} {carrier.name}".lower()).strip("-")
        path = Path(folder) / f"{slug}.pcap"
        path.write_bytes(carriers.file_of(carrier))
        rows.append(Row(carrier.group, carrier.name, str(path), carrier.hint, True))
    twice = [f"{group}: {name}" for (group, name), times in Counter(row[:2] for row in rows).items() if times > 1]
    if twice:
        sys.exit(f"two captures have the same name: {'; '.join(twice)}")
    return sorted(rows, key=lambda row: ORDER.index(row.group))


def measure(tools, rows, home, jobs):
    """{(group, carrier): {tool: cell}} and the seconds of each tool."""
    cells, seconds = {}, Counter()

    def one(row, tool, program, number):
        began = time.monotonic()
        own = Path(home) / str(number)  # no two runs share a home
        own.mkdir(exist_ok=True)
        own.chmod(0o755)
        try:
            count = tool.count(program, row.path, str(own))
            cell = {MESSAGES: "yes", 0: "no"}.get(count, f"{count} of {MESSAGES}")
        except Unusable as why:
            cell = str(why)
        return row, tool, cell, time.monotonic() - began

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        tasks = [pool.submit(one, row, tool, program, n) for n, row in enumerate(rows) for tool, program, _ in tools]
        for task in concurrent.futures.as_completed(tasks):
            row, tool, cell, took = task.result()
            cells.setdefault((row.group, row.name), {})[tool.name] = cell
            seconds[tool.name] += took
    return cells, seconds


# The table -------------------------------------------------------------------------------------------------------------------

def line(cells):
    return "| " + " | ".join(cells) + " |\n"


def table(tools, rows, cells):
    names = [tool.name for tool, _, _ in tools]
    groups = list(dict.fromkeys(row.group for row in rows))

    def decoded(name, wanted):
        return str(sum(cells[row.group, row.name][name] == "yes" for row in rows if row.group in wanted))

    out = f"Measured on {datetime.datetime.now(datetime.timezone.utc).date()}: "
    out += ", ".join(f"{tool.name} {number}" for tool, _, number in tools) + ".\n\n"
    out += line(["carriers decoded in full", *names]) + "|---|" + "---|" * len(names) + "\n"
    out += line([f"**all {len(rows)}**", *(f"**{decoded(name, groups)}**" for name in names)])
    for group in groups:
        out += line([f"{group}: {sum(row.group == group for row in rows)}", *(decoded(name, [group]) for name in names)])
    out += "\n<details><summary>Each carrier</summary>\n\n"
    out += line(["carrier", *names]) + "|---|" + "---|" * len(names) + "\n"
    for row in rows:
        out += line([f"{row.group}: {row.name}", *(cells[row.group, row.name][name] for name in names)])
    return out + "\n</details>\n"


def between_marks(text, path):
    """What stands before, between and after the marks."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        sys.exit(f"{path}: there must be one {BEGIN.strip()} line and one {END.strip()} line behind it")
    before, rest = text.split(BEGIN)
    return before, *rest.split(END)


def differences(old, tools, rows, cells):
    """Cells of the same version of the same tool that differ."""
    versions = dict(re.findall(r"([a-z-]+) (\d[\w.]*\d)(?=[,.](?:\s|$))", next(iter(old.splitlines()), "")))
    lines = [[cell.strip() for cell in row.strip("|\n").split(" | ")] for row in old.splitlines() if row.startswith("| ")]
    names = next((row[1:] for row in lines if row[0] == "carrier"), [])
    written = {row[0]: dict(zip(names, row[1:])) for row in lines}
    for tool, _, number in tools:
        if versions.get(tool.name) != number:
            say(f"{tool.name}: {number} here, {versions.get(tool.name, 'absent')} there; not compared")
            continue
        for row in rows:
            was = written.get(f"{row.group}: {row.name}", {}).get(tool.name, "absent")
            if was != cells[row.group, row.name][tool.name]:
                yield f"{row.group}: {row.name}: {tool.name}: {was} there, {cells[row.group, row.name][tool.name]} here"


# Whether the captures are right ------------------------------------------------------------------------------------------------

# Marked although they are as meant: what is wrong is what the row is about.
MARKED = {"checksums not filled in (offload)", "keep-alive probes"}
CHECKSUMS = [f"-o{name}:TRUE" for name in ("ip.check_checksum", "udp.check_checksum", "tcp.check_checksum", "sctp.checksum")]
BAD = ("_ws.malformed || ip.checksum.status == Bad || udp.checksum.status == Bad || tcp.checksum.status == Bad"
       " || sctp.checksum.status == Bad")


def validate(rows, home):
    """Asks tshark, with the options that a carrier needs, for marks of malformed packets and for the seven messages."""
    program = shutil.which("tshark")
    if program is None:
        sys.exit(f"--validate needs tshark: {TOOLS[-1].install}")
    malformed = unseen = 0
    for row in rows:
        if not row.made:
            continue
        marked = run([program, "-r", row.path, "-2", *CHECKSUMS, *row.hint, "-Y", BAD, "-Tfields", "-eframe.number"], home)
        frames = marked.split()
        count = tshark(program, row.path, home, row.hint)
        if frames and row.name not in MARKED:
            malformed += 1
            print(f"malformed  {row.group}: {row.name}: frames {' '.join(frames)}")
        if count != MESSAGES:
            unseen += 1
            print(f"unseen     {row.group}: {row.name}: {count} of {MESSAGES} with {' '.join(row.hint) or 'the defaults'}")
    print(f"{malformed} malformed; {unseen} of which tshark does not see all {MESSAGES} messages")
    return 1 if malformed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write", metavar="FILE", type=Path)
    what.add_argument("--check", metavar="FILE", type=Path)
    what.add_argument("--validate", action="store_true")
    parser.add_argument("--keep", metavar="FOLDER", type=Path)
    parser.add_argument("--times", action="store_true")
    parser.add_argument("--sipdiag", metavar="PROGRAM", type=Path)
    parser.add_argument("--jobs", metavar="N", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # sipnab, started by root, reads as nobody
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
        rows = captures(options.keep or folder)
        if options.validate:
            return validate(rows, folder)
        tools = list(installed(options, folder))
        if not tools:
            sys.exit("none of the tools is here")
        cells, seconds = measure(tools, rows, folder, 1 if options.times else options.jobs)
        text = table(tools, rows, cells)
        if options.times:
            for tool, _, _ in tools:
                waiting = ", of which up to 1 s is our wait for its window" if tool.name == "sngrep" else ""
                say(f"{tool.name}: {seconds[tool.name] / len(rows):.3f} s a capture{waiting}")
        if options.write:
            before, _, after = between_marks(options.write.read_text("utf-8"), options.write)
            options.write.write_text(before + BEGIN + text + END + after, "utf-8")
        elif options.check:
            found = list(differences(between_marks(options.check.read_text("utf-8"), options.check)[1], tools, rows, cells))
            print("\n".join(found) or "as written")
            return 1 if found else 0
        else:
            print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
