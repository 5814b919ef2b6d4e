#!/usr/bin/env python3
"""The engine's benchmark: CPU per stored call beside wrk, wall time at latency, memory, and a finished re-run.

Everything is measured in one run on one machine against the same fake server. Needs `wrk` (Debian package) and
Python 3; builds what it runs. Prints Markdown for docs/benchmarks.md.

    just bench-engine            # all of it, about two minutes
    python3 testkit/bench/engine.py --quick
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RELEASE = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
WORDS = "the request names a person and asks to share what was told in confidence without asking first "


def build():
    command = ["cargo", "build", "--release", "--locked", "-p", "undersight", "-p", "testkit", "--bins"]
    subprocess.run(command, cwd=ROOT, check=True)


def measured(command, **options):
    """Runs a command to its end: its output, wall seconds, CPU seconds and peak memory in MiB."""
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    out = child.stdout.read()
    err = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command[0]} failed ({child.returncode}):\n{err.decode()}")
    wall = time.monotonic() - start
    return out.decode(), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


class Server:
    """The fake provider as a process of its own."""

    def __init__(self, *flags):
        self.child = subprocess.Popen([RELEASE / "fake-provider", *flags], stdout=subprocess.PIPE)
        self.url = self.child.stdout.readline().decode().strip()

    def __enter__(self):
        return self.url

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGTERM)
        self.child.wait()


def wrk_script(folder):
    """One generation to two verdicts, with bodies of the sizes the pipeline sends."""
    generation = {"model": "fake", "messages": [{"role": "user", "content": WORDS * 4}], "seed": 1}
    schema = {
        "type": "object",
        "properties": {
            "explanation": {"type": "string"},
            "risks": {"type": "array"},
            "label": {"enum": ["Fully Covered", "Partially Covered", "Not Covered"]},
        },
    }
    verdict = {
        "model": "judge",
        "messages": [{"role": "user", "content": WORDS * 50}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "verdict", "schema": schema}},
    }
    bodies = [json.dumps(body) for body in (generation, verdict, verdict)]
    lua = "local bodies = {%s}\nlocal n = 0\n" % ", ".join(f"[==[{body}]==]" for body in bodies)
    lua += 'local headers = {["content-type"] = "application/json"}\n'
    lua += "request = function()\n  n = n + 1\n"
    lua += '  return wrk.format("POST", nil, headers, bodies[n % 3 + 1])\nend\n'
    path = Path(folder) / "mix.lua"
    path.write_text(lua)
    return path


def run_wrk(url, folder, seconds, connections):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", wrk_script(folder), f"{url}/chat/completions"]
    out, _, cpu, _ = measured(command)
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    if "Non-2xx" in out:
        sys.exit(f"wrk met refusals:\n{out}")
    return requests, cpu


def run_eval(url, folder, store, connections, limit):
    command = [
        RELEASE / "undersight", "eval", "--dataset", Path(folder) / "dataset.csv",
        "--model", "vllm/fake", "--judge", "vllm/judge", "--model-base-url", url, "--judge-base-url", url,
        "--samples", "5", "--seed", "1", "--max-connections", str(connections), "--limit", str(limit), "--allow-no-trace",
        "--store", f"sqlite:{Path(folder) / store}", "--json",
    ]
    return measured(command, cwd=folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the instances")
    parser.add_argument("--folder", help="where the stores go [a temporary folder]")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed (Debian: apt-get install wrk)")
    build()
    limit = 200 if options.quick else 2000
    samples, calls = 5 * limit, 15 * limit
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        with open(Path(folder) / "dataset.csv", "wb") as file:
            subprocess.run([RELEASE / "official-like"], stdout=file, check=True)
        rows = []
        with Server("--body-bytes", "2400") as url:
            requests, wrk_cpu = run_wrk(url, folder, 3 if options.quick else 10, 64)
            _, wall, cpu, memory = run_eval(url, folder, "cpu.db", 64, limit)
            again = run_eval(url, folder, "cpu.db", 64, limit)
        per_wrk, per_call = 1e6 * wrk_cpu / requests, 1e6 * cpu / calls
        rows.append(("CPU per call, wrk", f"{per_wrk:.1f} µs", f"{requests:,} requests"))
        rows.append(("CPU per durably stored call, undersight", f"{per_call:.1f} µs", f"{calls:,} calls in {wall:.1f} s"))
        rows.append(("ratio (at most 15)", f"{per_call / per_wrk:.1f}×", ""))
        rows.append(("re-run of the finished run (under 1 s)", f"{again[1]:.2f} s", f"{samples:,} samples"))
        with Server("--body-bytes", "2400", "--latency-ms", "200") as url:
            _, wall, _, _ = run_eval(url, folder, "latency.db", 256, limit)
        ideal = calls * 0.2 / 256
        rows.append(("wall at 200 ms and 256 connections", f"{wall:.1f} s", f"calls × latency ÷ connections = {ideal:.1f} s"))
        rows.append(("over that (at most 15 %)", f"{100 * (wall / ideal - 1):.1f} %", ""))
        with Server("--body-bytes", "8192") as url:
            _, _, _, memory = run_eval(url, folder, "memory.db", 256, limit)
        rows.append(("peak memory, samples of 8 KB (under 200 MB)", f"{memory * 1.048576:.0f} MB", f"{samples:,} samples"))
    print("| measure | value | over |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
