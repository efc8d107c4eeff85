"""What compare.py and growth.py share: captures to read, commands to time, tables to write."""

import gzip
import json
import os
import platform
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
# Of GNU, for the peak of memory: what the system tells a parent begins with the parent's own size.
GNU_TIME = shutil.which("time")
QUESTION = ["--format", "ndjson", "--records", "summary,finding", "-o", os.devnull]

# wall and cpu in seconds, rss in bytes (None without GNU time), ok: whether it ended by itself and well.
Run = namedtuple("Run", "wall cpu rss ok")


def say(text):
    print(text, file=sys.stderr, flush=True)


def programs(sipdiag, traffic):
    """The two programs, as given or as the release build leaves them."""
    found = [Path(sipdiag or TARGET / "sipdiag"), Path(traffic or TARGET / "examples/traffic")]
    for path in found:
        if not path.exists():
            sys.exit(f"{path} is missing: cargo build --release --locked --bins --example traffic")
    return found


def capture(traffic, folder, kind, messages):
    """The capture of that kind and size; made when it is not there or older than the generator."""
    path = Path(folder) / f"{kind}-{messages}.pcap"
    if not path.exists() or path.stat().st_mtime < traffic.stat().st_mtime:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        subprocess.run([traffic, kind, str(messages), part], check=True, stderr=subprocess.DEVNULL)
        part.rename(path)
    return path


def zipped(path):
    """The same, compressed."""
    packed = Path(f"{path}.gz")
    if not packed.exists() or packed.stat().st_mtime < path.stat().st_mtime:
        with open(path, "rb") as plain, gzip.open(f"{packed}.part", "wb", compresslevel=6) as file:
            shutil.copyfileobj(plain, file, 1 << 20)
        os.rename(f"{packed}.part", packed)
    return packed


def packets_of(path):
    """Where the packets of a little-endian pcap file end, one after the other."""
    with open(path, "rb") as file:
        end = file.seek(24)
        while len(header := file.read(16)) == 16:
            end = file.seek(struct.unpack("<8xI4x", header)[0], os.SEEK_CUR)
            yield end


def prefix(path, packets):
    """A capture with the first packets of another, or that one when it has no more; and how many there are."""
    there, end = 0, 0
    for there, end in enumerate(packets_of(path), 1):
        if there > packets:
            break
        cut = end
    if there <= packets:
        return path, there
    short = path.with_name(f"{path.stem}-first-{packets}.pcap")
    if not short.exists() or short.stat().st_mtime < path.stat().st_mtime:
        with open(path, "rb") as whole:
            short.write_bytes(whole.read(cut))
    return short, packets


def run(command, patience=600, home=None):
    """Runs a command without output and tells what it took."""
    environment = {**os.environ, "HOME": home, "XDG_CONFIG_HOME": home} if home else None
    with tempfile.NamedTemporaryFile("r") as note:
        if GNU_TIME:
            command = [GNU_TIME, "-q", "-f", "%M", "-o", note.name, *command]
        began = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True, env=environment)
        late = threading.Timer(patience, lambda: os.killpg(process.pid, signal.SIGKILL))
        late.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        late.cancel()
        # The process is gone: subprocess need not look for it.
        process.returncode = os.waitstatus_to_exitcode(status)
        said = note.read().split()
    rss = int(said[-1]) * 1024 if said and said[-1].isdigit() else None
    return Run(wall, usage.ru_utime + usage.ru_stime, rss, process.returncode == 0)


def best(runs):
    """The least of each figure over runs that went well; None when none did."""
    good = [it for it in runs if it.ok]
    if not good:
        return None
    peaks = [it.rss for it in good if it.rss is not None]
    return Run(min(it.wall for it in good), min(it.cpu for it in good), min(peaks, default=None), True)


def output(command):
    """What a program prints; nothing when it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr


def first_line(command):
    """What a program says of its version."""
    lines = output(command).strip().splitlines()
    return lines[0].strip() if lines else "?"


def contents(sipdiag, path):
    """How many SIP messages and packets a capture holds, as sipdiag counts them."""
    command = [sipdiag, "read", path, "--format", "ndjson", "--records", "capture,summary"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    records = {record["record"]: record for record in map(json.loads, done.stdout.splitlines())}
    return records["summary"]["sip_messages"], sum(file["packets"] for file in records["capture"]["files"])


def machine():
    """What it ran on."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    kib = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())[1])
    cores = len(os.sched_getaffinity(0))
    return (f"{cpu[1] if cpu else platform.machine()}, {cores} cores, {kib / 2**20:.0f} GiB, Linux {platform.release()}, "
            f"{first_line(['rustc', '--version'])}")


def table(head, rows):
    """A table in Markdown; the first column is text, the others are figures."""
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def write(page, name, text):
    """Replaces what a page has between <!-- name --> and <!-- /name -->."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, marked, rest = Path(page).read_text(encoding="utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not marked or not ended:
        sys.exit(f"{page} has no {begin.strip()} … {end}")
    Path(page).write_text(before + begin + text + end + after, encoding="utf-8")


def size(count):
    """Bytes for people."""
    return "–" if count is None else f"{count / 1e6:,.0f} MB" if count >= 1e7 else f"{count / 1e6:.1f} MB"


def seconds(value):
    """A time for people."""
    return f"{value:.1f} s" if value >= 10 else f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.1f} ms"
