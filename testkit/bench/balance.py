#!/usr/bin/env python3
"""The balancer's benchmark: two servers of unequal speed, each alone and then both in one run.

A fake provider that answers so many requests at a time, each after so long, has a capacity that does not depend on
the machine. Needs Python 3; builds what it runs. Prints Markdown for docs/benchmarks.md, and fails below 90 %.

    just bench-balance           # about three minutes
    python3 testkit/bench/balance.py --quick --debug
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import engine

# Workers, milliseconds for a request.
SERVERS = {"fast": (8, 40), "slow": (8, 160)}
REQUIRED = 0.9


def run(folder, store, urls, instances, connections):
    """Generation alone, judged by the lexical stand-in: calls a second."""
    command = [
        engine.RELEASE / "undersight", "eval", "--dataset", Path(folder) / "dataset.csv", "--model", "vllm/fake",
        "--judge", "sim/judge", "--samples", "5", "--seed", "1", "--limit", str(instances), "--allow-no-trace",
        "--store", f"sqlite:{Path(folder) / store}", "--json",
    ]
    for url in urls:
        command += ["--model-base-url", url]
    if connections:
        command += ["--max-connections", str(connections)]
    _, wall, _, _ = engine.measured(command, cwd=folder)
    return 5 * instances / wall


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a third of the instances")
    parser.add_argument("--debug", action="store_true", help="a debug build, only to see that it works")
    options = parser.parse_args()
    if options.debug:
        engine.RELEASE = engine.RELEASE.parent / "debug"
        subprocess.run(["cargo", "build", "--locked", "-p", "undersight", "-p", "testkit", "--bins"], cwd=engine.ROOT, check=True)
    else:
        engine.build()
    instances = 300 if options.quick else 900
    ideal = {name: 1000 * workers / ms for name, (workers, ms) in SERVERS.items()}
    with tempfile.TemporaryDirectory() as folder:
        with open(Path(folder) / "dataset.csv", "wb") as file:
            subprocess.run([engine.RELEASE / "official-like"], stdout=file, check=True)
        rows, worst = [], 1.0
        flags = {name: ("--workers", str(workers), "--latency-ms", str(ms)) for name, (workers, ms) in SERVERS.items()}
        with engine.Server(*flags["fast"]) as fast, engine.Server(*flags["slow"]) as slow:
            for title, connections in (("adaptive", None), ("16 connections a host", 16)):
                alone = {}
                for name, url in (("fast", fast), ("slow", slow)):
                    # So many that all runs take about as long: each begins and ends with a little idleness.
                    share = round(instances * ideal[name] / ideal["fast"])
                    alone[name] = run(folder, f"{name}{connections}.db", [url], share, connections)
                share = round(instances * sum(ideal.values()) / ideal["fast"])
                both = run(folder, f"both{connections}.db", [fast, slow], share, connections)
                share = both / sum(alone.values())
                worst = min(worst, share)
                rows.append((title, alone["fast"], alone["slow"], both, share))
    print(f"| calls a second | fast alone ({ideal['fast']:.0f} at best) | slow alone ({ideal['slow']:.0f} at best) | together | of the sum |")
    print("|---|---:|---:|---:|---:|")
    for title, fast, slow, both, share in rows:
        print(f"| {title} | {fast:.0f} | {slow:.0f} | {both:.0f} | {100 * share:.0f} % |")
    if worst < REQUIRED:
        sys.exit(f"together less than {100 * REQUIRED:.0f} % of the sum")


if __name__ == "__main__":
    main()
