#!/usr/bin/env python3
"""Who names the fault? Python 3.8 or newer, standard library only; no traffic, no root.

    benches/comparison.py CAPTURES                            the page, for the tools that are installed
    benches/comparison.py CAPTURES --write docs/comparison.md
    benches/comparison.py CAPTURES --expected KEY.tsv         the answer key, if it is not CAPTURES/EXPECTED.tsv
    benches/comparison.py CAPTURES --sipdiag PROGRAM          which build (else target/release, else target/debug)
    benches/comparison.py CAPTURES --runs N                   the fastest of N runs of each capture counts for the time (3)

CAPTURES is a folder of labelled captures; the key has a line for each: tab-separated, with the columns capture, class, needs,
sip_messages, must, may, max_severity_otherwise. In must and may, names are separated by commas, alternatives by |, and "-"
is nothing. A file beside a capture with its name and .keys or .key is given to every tool that has an option for it.

Tools that are not installed are skipped, and said so. How each is run, how its words are read and what counts is in the page.
"""

import argparse
import datetime
import csv
import json
import os
import re
import sys
import tempfile
import time
from collections import namedtuple
from pathlib import Path

sys.dont_write_bytecode = True
import decoded  # noqa: E402  (beside this file)

SEVERITIES = {"info": 0, "warn": 1, "warning": 1, "error": 2}

# What a tool says: its own word, how bad it is (0 to 2), and the findings of sipdiag that it amounts to.
Said = namedtuple("Said", "word severity names")

# Words of the tools -------------------------------------------------------------------------------------------------------
# Each word with the names of sipdiag's findings that it counts for; NNN stands for a response code that it names. Where it is
# not plain what a word covers, it counts for all that it may cover.

SIP_DOCTOR = [
    ("no-response", "invite-no-response register-no-response noninvite-no-response bye-no-response cancel-no-response"),
    ("options-no-response", "options-no-response noninvite-no-response"),
    ("auth-failed", "auth-loop auth-rejected-403 registration-rejected status-NNN"),
    ("auth-no-credentials", "auth-no-credentials status-401 status-407"),
    ("registration-failed", "registration-rejected register-NNN status-NNN"),
    ("status-NNN", "status-NNN *-NNN *-NNN-loop"),
    ("status-NNN: Registration failed", "registration-rejected"),
    ("missing-ack", "ack-missing-2xx ack-not-effective"),
    ("bye-rejected", "bye-NNN status-NNN"),
    ("reinvite-rejected", "reinvite-rejected glare-NNN indialog-NNN session-refresh-failed status-NNN"),
    ("session-timer", "session-timer-expired session-refresh-failed"),
    ("slow-pdd", "pdd-high slow-first-response"),
    ("no-final-response", "invite-stuck-trying capture-ends-mid-call ringing-never-ends"),
    ("invite-retransmitted", "slow-first-response retransmission-ratio-high request-retransmitted-after-response"),
    ("nat-contact", "contact-private-nat rport-missing"),
    ("nat-sdp", "sdp-private-address"),
    ("large-udp", "large-udp"),
    ("media-rejected", "codec-mismatch media-rejected"),
    ("no-common-codec", "codec-mismatch"),
    ("srtp", "srtp-profile-mismatch credentials-in-clear"),
    ("one-way-audio", "one-way-audio no-rtp"),
    ("no-audio", "no-rtp one-way-audio"),
    ("poor-audio", "rtp-quality"),
    ("late-audio", "media-late"),
    ("audio-stopped", "media-stops-early peer-vanished"),
    ("dtmf", "dtmf-not-negotiated dtmf-pt-differs"),
    ("transfer-failed", "transfer-failed"),
    ("max-forwards", "max-forwards-low routing-loop-483"),
    ("tcp-refused, tcp-timeout", "tcp-connect-failed"),
    ("tcp-reset", "tcp-reset-with-open-transactions"),
    ("plain-on-tls", "plain-sip-on-tls-port tls-on-plain-port"),
    ("tls-*", "tls-handshake-failed"),
    ("Caller (Callee) hung up after", "short-call bye-right-after-answer"),
    ("Caller hung up before answer", "no-answer status-487"),
    ("SIP scanner", "scanner"),
    ("Extension scan", "extension-enumeration"),
    ("Password guessing", "register-bruteforce auth-loop"),
    ("SIP flood", "flood"),
    ("Account probably compromised", "account-compromised"),
    ("Toll fraud", "toll-fraud"),
]

SIPNAB = [
    ("request_failure, server_failure, global_failure", "status-NNN *-NNN *-NNN-loop"),
    ("registration_failure", "registration-rejected register-NNN auth-rejected-NNN status-NNN"),
    ("retransmissions", "invite-no-response register-no-response noninvite-no-response options-no-response bye-no-response "
     "cancel-no-response retransmission-ratio-high prack-not-effective ack-missing-2xx request-retransmitted-after-response"),
    ("ack_missing", "ack-missing-2xx ack-not-effective"),
    ("abandoned", "no-answer status-487"),
    ("auth_loop", "auth-loop auth-no-credentials"),
    ("icmp_unreachable_signaling", "icmp-unreachable"),
    ("icmp_unreachable_media", "media-port-unreachable"),
    ("one_way_audio", "one-way-audio no-rtp"),
    ("no_media", "no-rtp one-way-audio"),
    ("late_media", "media-late"),
    ("duration_asymmetry", "media-stops-early peer-vanished"),
    ("nat_mismatch", "sdp-private-address contact-private-nat rport-missing"),
    ("codec_asymmetry, payload_asymmetry", "codec-mismatch"),
    ("post_dial_delay, slow_setup", "pdd-high slow-first-response"),
    ("undecodable_frames", "capture-undecoded"),
    ("alert scanner", "scanner extension-enumeration"),
    ("alert *flood*", "flood register-bruteforce"),
]


def names_of(mapping, word, code):
    """The names that a word counts for; code is the response code it names, or None."""
    names = set()
    for words, counts_for in mapping:
        if any(re.fullmatch(re.escape(it).replace(r"\*", ".*").replace("NNN", r"\d{3}"), word) for it in words.split(", ")):
            names.update(name.replace("NNN", str(code)) for name in counts_for.split() if code or "NNN" not in name)
    return names


# The tools: each gives how many messages it counted and what it said --------------------------------------------------------

def secrets(path, keylog, key):
    """The options with which a tool takes the secrets beside a capture."""
    stem = re.sub(r"\.pcap(ng)?(\.gz)?$", "", path)
    pairs = ((stem + ".keys", keylog), (stem + ".key", key))
    return [it for file, option in pairs if os.path.exists(file) for it in (option, file)]


def sipdiag(program, capture, home):
    done = decoded.complete([program, "read", "--format", "json", *secrets(capture, "--keylog", "--tls-key"), capture], home)
    document = json.loads(done.stdout)
    said = [Said(it["name"], SEVERITIES[it["severity"]], {it["name"]}) for it in document["finding"]]
    return document["summary"][0]["sip_messages"], said


def sip_doctor(program, capture, home):
    done = decoded.complete([program, "read", "--json", capture], home)
    if not done.stdout.strip():
        return 0, []
    document, said = json.loads(done.stdout), []

    def walk(value):
        if isinstance(value, dict):
            if "severity" in value and "title" in value:
                title, topic = value["title"], value.get("topic") or ""
                code = next(iter(re.findall(r"\b[3-6]\d\d\b", topic.replace("-", " ") + " " + title)), None)
                names = set()
                if topic:
                    names |= names_of(SIP_DOCTOR, topic, code)
                    if topic.startswith("status-"):
                        names |= names_of(SIP_DOCTOR, f"status-NNN: {title.split(':')[0]}".replace("NNN", code or "000"), code)
                for words, _ in SIP_DOCTOR:
                    pattern = words.replace("Caller (Callee)", "(Caller|Callee)")
                    if words[0].isupper() and re.match(pattern, title):
                        names |= names_of(SIP_DOCTOR, words, code)
                severity = SEVERITIES.get(value["severity"], 1)
                said.append(Said(topic or re.split(r" (?:from|at|after|before) |:", title)[0], severity, names))
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(document)
    return document["stats"].get("sip_messages", 0), said


def sipnab(program, capture, home):
    done = decoded.complete(
        [program, "-N", "-q", "--json", "--json-analyze", "--kill-scanner-detect-only", "--reg-flood",
         *secrets(capture, "--keylog", "--tls-key"), "-I", capture], home)
    messages, said = 0, []
    for line in done.stdout.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        messages += "is_request" in value
        for finding in value.get("findings", []) if "frames_read" in value else []:
            codes = {it.get("counts", {}).get("status_code") for it in finding.get("evidence", [])} or {None}
            names = set().union(*(names_of(SIPNAB, finding["kind"], code) for code in codes))
            severity = {"blind": 0, "minor": 1}.get(finding["severity"], 2)
            said.append(Said(finding["kind"], severity, names))
    for kind in sorted(set(re.findall(r"\[ALERT\] ([\w-]+)", done.stderr))):
        said.append(Said(f"alert {kind}", 1, names_of(SIPNAB, f"alert {kind}", None)))
    return messages, said


JUDGES = {"sipdiag": sipdiag, "sip-doctor": sip_doctor, "sipnab": sipnab}

# The key ---------------------------------------------------------------------------------------------------------------------

Row = namedtuple("Row", "name group healthy path messages must may most")


def key_names(cell):
    """"a|b,c@info" as [{a, b}, {c}]."""
    return [] if cell in ("", "-") else [{name.strip().split("@")[0] for name in group.split("|")} for group in cell.split(",")]


def key(folder, expected):
    with open(expected, encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    rows = []
    for line in lines:
        path = Path(folder) / line["capture"]
        if path.exists():
            must = key_names(line["must"])
            most = SEVERITIES.get(line["max_severity_otherwise"], 0)
            counts = {int(it) for it in line["sip_messages"].split("|") if it.strip().isdigit()}
            healthy = line["class"] == "ok" and not must
            rows.append(Row(line["capture"], line["class"], healthy, str(path), counts, must, key_names(line["may"]), most))
    if not rows:
        sys.exit(f"none of the captures of {expected} lies in {folder}")
    return rows


def is_same(name, wanted):
    """Whether a name is the one of the key, which may name a group of response codes (status-486-600), or the other way round."""
    if name == wanted or {name, wanted} == {"trunk-down", "options-no-response"}:
        return True
    if name.startswith("*-"):
        return re.fullmatch(r"[a-z-]+" + re.escape(name[1:]), wanted) is not None
    one, other = (re.fullmatch(r"status-([\d-]+)", it) for it in (name, wanted))
    if not one or not other:
        return False
    numbers = [int(it) for it in other.group(1).split("-")]
    code = int(one.group(1).split("-")[0])
    is_range = len(numbers) == 2 and numbers[1] - numbers[0] > 1 and wanted in RANGES
    return code in numbers or (is_range and numbers[0] <= code <= numbers[1])


RANGES = {"status-300-399", "status-429-433", "status-430-439"}


def says(said, group):
    return any(is_same(name, wanted) for name in said.names for wanted in group)


def judged(row, said):
    """("named", "part", "else", "silent", "quiet", "alarm", or what kept the tool from an answer; the words behind it)."""
    loud = [it for it in said if it.severity > row.most]
    if row.healthy:
        alarms = [it for it in loud if not any(says(it, group) for group in row.may)]
        return ("alarm" if alarms else "quiet"), alarms
    named = [group for group in row.must if any(says(it, group) for it in said)]
    hits = [it for it in said if any(says(it, group) for group in row.must)]
    if row.must and len(named) == len(row.must):
        return "named", hits
    if named:
        return "part", hits
    return ("else", loud) if loud else ("silent", [])


# Measuring -------------------------------------------------------------------------------------------------------------------

Result = namedtuple("Result", "verdict words messages seconds")


def measure(tool, program, row, home, runs):
    fastest = None
    for _ in range(runs):
        began = time.monotonic()
        try:
            messages, said = JUDGES[tool](program, row.path, home)
            verdict, words = judged(row, said)
        except decoded.Unusable as why:
            return Result(str(why), [], None, None)
        except (ValueError, KeyError, TypeError, IndexError):
            return Result("no answer", [], None, None)
        took = time.monotonic() - began
        fastest = took if fastest is None else min(fastest, took)
    return Result(verdict, list(dict.fromkeys(it.word for it in words)), messages, fastest)


# The page --------------------------------------------------------------------------------------------------------------------

MEANING = {"named": "named the fault", "part": "named a part of it", "else": "said something else", "silent": "said nothing"}


def page(tools, rows, results, runs, sipdiag_program):
    names = [tool.name for tool, _, _ in tools]
    healthy = [row for row in rows if row.healthy]
    faulty = [row for row in rows if not row.healthy and row.must]
    line = decoded.line
    of = lambda name, row: results[row.name, name]  # noqa: E731
    count = lambda name, group, verdict: sum(of(name, row).verdict == verdict for row in group)  # noqa: E731
    out = "# Who names the fault?\n\n"
    out += f"Made by `benches/comparison.py` on {datetime.datetime.now(datetime.timezone.utc).date()} over {len(rows)} labelled captures "
    out += f"({len(faulty)} with a fault, {len(healthy)} healthy): " + ", ".join(f"{it.name} {number}" for it, _, number in tools) + ".\n"
    absent = [name for name in JUDGES if name not in names]
    if absent:
        out += f"Not installed here, and so left out: {', '.join(absent)}.\n"
    out += "\n" + line(["", *names]) + "|---|" + "---|" * len(names) + "\n"
    for verdict, words in MEANING.items():
        out += line([f"of {len(faulty)} faults: {words}", *(str(count(name, faulty, verdict)) for name in names)])
    out += line([f"of {len(healthy)} healthy captures: false alarm", *(str(count(name, healthy, "alarm")) for name in names)])
    exact = lambda name: sum(of(name, row).messages in row.messages for row in rows)  # noqa: E731
    out += line([f"of {len(rows)} captures: SIP messages counted exactly", *(str(exact(name)) for name in names)])
    known = set(MEANING) | {"alarm", "quiet"}
    out += line(["no answer (crash, refused, out of time)", *(str(sum(of(n, row).verdict not in known for row in rows)) for n in names)])
    both = [row for row in rows if all(of(name, row).seconds is not None for name in names)]
    total = {name: sum(of(name, row).seconds for row in both) for name in names}
    if total.get("sipdiag"):
        ratios = (f"{total[name]:.1f} s ({total[name] / total['sipdiag']:.1f}×)" for name in names)
        out += line([f"wall time of {len(both)} captures", *ratios])
    out += "\n## By kind of fault\n\nNamed in full, of how many.\n\n"
    groups = sorted({row.group for row in faulty})
    out += line(["kind", "captures", *names]) + "|---|---|" + "---|" * len(names) + "\n"
    for group in groups:
        members = [row for row in faulty if row.group == group]
        out += line([group, str(len(members)), *(str(count(name, members, "named")) for name in names)])
    out += fairness(runs, sipdiag_program)
    out += "\n## Each capture with a fault\n\nThe words in brackets are the tool's own: those that count for the fault, or what it said instead.\n\n"
    out += line(["capture", "must be named", *names]) + "|---|---|" + "---|" * len(names) + "\n"
    for row in faulty:
        must = ", ".join(" or ".join(sorted(group)) for group in row.must)
        out += line([row.name, must, *(cell(of(name, row)) for name in names)])
    out += "\n## Each false alarm in a healthy capture\n\n" + line(["capture", *names]) + "|---|" + "---|" * len(names) + "\n"
    for row in healthy:
        cells = [of(name, row) for name in names]
        if any(it.verdict != "quiet" for it in cells):
            out += line([row.name, *(cell(it) for it in cells)])
    for name, mapping in (("sip-doctor", SIP_DOCTOR), ("sipnab", SIPNAB)):
        if name in names:
            out += f"\n## What the words of {name} count for\n\n" + line([f"word of {name}", "findings of sipdiag"]) + "|---|---|\n"
            for words, counts_for in mapping:
                out += line([it.replace("*", "\\*") for it in (words, ", ".join(counts_for.split()))])
    return out


def cell(result):
    if result.verdict == "quiet":
        return "–"
    shown = ", ".join(result.words[:4]) + (", …" if len(result.words) > 4 else "")
    return f"{result.verdict} ({shown})" if shown else result.verdict


def fairness(runs, sipdiag_program):
    build = "a debug build" if "/debug/" in str(sipdiag_program) else "a release build"
    out = "\n## How it is measured\n\n"
    out += "- Every tool reads every capture with its defaults, in an empty home. TLS secrets that lie beside a capture are given to each tool "
    out += "that has an option for them (sipdiag and sipnab; sip-doctor has none).\n"
    out += "- `sipdiag read --format json`: the findings. `sip-doctor read --json`: every object with a severity and a title. "
    out += "`sipnab -N -q --json --json-analyze`, with its detectors of scanners and floods, which are off by default, switched on: "
    out += "the findings and the alerts. Its detectors of fraud and digest leaks stay off: they speak up in healthy captures.\n"
    out += "- A fault is named when a tool says what the key asks for, at any severity. The others' words are mapped to sipdiag's names by the tables "
    out += "below; a word that may mean several things counts for all of them, and a failed request's response code counts wherever the key is "
    out += "content with the code. \"Said something else\" is a warning or an error that is not the fault: often the symptom.\n"
    out += "- A false alarm is a warning or an error in a healthy capture that the key does not allow; what the key allows as a note is accepted "
    out += "at any severity, from every tool. sipnab's \"minor\" is a warning, \"major\" and \"critical\" an error, \"blind\" (what it did not read) "
    out += "a note. What a tool warns of as advice, such as large datagrams, counts too: a capture in which nothing fails should not alarm.\n"
    out += "- The key comes with the captures, in sipdiag's names: read it with that in mind. Captures whose fault only RTP shows are counted, "
    out += "although sipdiag reads no RTP.\n"
    out += f"- The time is that of whole runs, one after the other, the fastest of {runs}; sipdiag is {build}. The captures are small: most of it is "
    out += "starting up.\n"
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("captures", metavar="CAPTURES", type=Path)
    parser.add_argument("--expected", metavar="KEY.tsv", type=Path)
    parser.add_argument("--write", metavar="FILE", type=Path)
    parser.add_argument("--sipdiag", metavar="PROGRAM", type=Path)
    parser.add_argument("--runs", metavar="N", type=int, default=3)
    options = parser.parse_args()
    rows = key(options.captures, options.expected or options.captures / "EXPECTED.tsv")
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o755)  # sipnab, started by root, reads as nobody
        tools = list(decoded.installed(options, home, JUDGES))
        if not tools:
            sys.exit("none of the tools is here")
        results = {}
        for row in rows:
            for tool, program, _ in tools:
                results[row.name, tool.name] = measure(tool.name, program, row, home, max(options.runs, 1))
        ours = next((program for tool, program, _ in tools if tool.name == "sipdiag"), "")
        text = page(tools, rows, results, options.runs, ours)
    if options.write:
        options.write.write_text(text, "utf-8")
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
