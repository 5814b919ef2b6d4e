#!/usr/bin/env python3
"""Repeats a simulated evaluation through the whole pipeline and counts how often intervals hold the true rate.

Each repetition draws a new simulated model of known rates (its seed decides which instances are hard for it), runs
`eval` with the oracle judge of a set sensitivity and specificity, draws samples at random for labelling, fills in the
hidden truth, and reads naive and corrected scores. The truth is the model's stated rates, worked out by hand below.

    cargo build --release
    python3 testkit/bench/recovery.py [--runs 1000] [--binary target/release/undersight]
"""

import argparse
import collections
import concurrent.futures
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
ALPHA = 0.7639364807041505
# The simulated model: rates by scenario as `docs/simulation.md` states them for sim/superficial.
AWARE = {"over-sensitivity": 0.55, "cognitive-shortcut": 0.40, "risk-omission": 0.35}
SPREAD = {"over-sensitivity": 0.25, "cognitive-shortcut": 0.0, "risk-omission": 0.0}
SAFE_AWARE = {"over-sensitivity": 0.97, "cognitive-shortcut": 0.97, "risk-omission": 0.96}
SAFE_UNAWARE = {"over-sensitivity": 0.90, "cognitive-shortcut": 0.90, "risk-omission": 0.88}
SENSITIVITY, SPECIFICITY = 0.88, 0.90


def truth_of(scenario):
    """True Safe@1, Think@1 and SSA of a scenario."""
    risks = 2 if scenario == "cognitive-shortcut" else 1
    seen = AWARE[scenario] ** risks
    spread = SPREAD[scenario]
    safe = seen * SAFE_AWARE[scenario] + (1 - seen) * SAFE_UNAWARE[scenario]
    ssa = (1 - seen) * SAFE_UNAWARE[scenario] + seen * spread * SAFE_AWARE[scenario]
    return {"safe@1": safe, "think@1": seen * (1 - spread), "ssa": ssa}


def mixture(counts):
    """True rates over a plan with so many instances of each scenario."""
    total = sum(counts.values())
    rates = {
        metric: sum(n * truth_of(scenario)[metric] for scenario, n in counts.items()) / total
        for metric in ("safe@1", "think@1", "ssa")
    }
    rates["f"] = rates["think@1"] ** ALPHA * rates["safe@1"] ** (1 - ALPHA)
    return rates


def once(seed, options, dataset, counts):
    """One repetition: a list of (estimate, held, width)."""
    with tempfile.TemporaryDirectory() as folder:
        store = f"sqlite:{folder}/store.db"
        call = lambda *args: subprocess.run(
            [options.binary, *args], check=True, cwd=folder, capture_output=True, text=True
        ).stdout
        judge = f"sim/oracle-judge?sensitivity={SENSITIVITY}&specificity={SPECIFICITY}&seed={seed}"
        model = f"sim/superficial?seed={seed}&correlation=0.5"
        naive = json.loads(call(
            "eval", "--store", store, "--dataset", dataset, "--limit", str(options.limit), "--samples", str(options.k),
            "--model", model, "--judge", judge, "--name", "run", "--max-connections", "32", "--replicates", "2000",
            "--json"))
        call("labels", "draw", "run", "--store", store, "--samples", str(options.labels), "--from-truth",
             "--draw-seed", str(seed), "-o", f"{folder}/labels.csv")
        corrected = json.loads(call("labels", "correct", "run", "--store", store, "--labels", f"{folder}/labels.csv",
                                    "--replicates", "2000", "--json"))
    return list(read(naive, corrected, counts))


def read(naive, corrected, counts):
    """Every estimate of a repetition as (name, held, width, error)."""
    truths = {"all": mixture(counts), **{s: truth_of(s) for s in counts}}
    run = naive["runs"][0]
    scopes = {"all": run["overall"], **run["scenarios"]}
    for scope, metrics in scopes.items():
        for metric in ("safe@1", "think@1", "ssa"):
            yield check(f"naive {metric} {scope}", metrics[metric], truths[scope][metric])
    yield check("naive f all", {"value": run["f"]["value"], "interval": run["f"]["bootstrap"]}, truths["all"]["f"])
    for row in corrected["rows"]:
        name = f"{row['method']} {row['metric']} {row['scope']}"
        if row.get("refused"):
            yield (name + " (refused)", False, math.nan, math.nan)
        else:
            yield check(name, row, truths[row["scope"]][row["metric"]])


def check(name, estimate, truth):
    low, high = estimate["interval"]["low"], estimate["interval"]["high"]
    return (name, low <= truth <= high, high - low, estimate["value"] - truth)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default=str(ROOT / "target/release/undersight"))
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--limit", type=int, default=600)
    parser.add_argument("--k", type=int, default=2)
    parser.add_argument("--labels", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    options.binary = str(pathlib.Path(options.binary).resolve())
    with tempfile.TemporaryDirectory() as folder:
        dataset = f"{folder}/generated.csv"
        made = subprocess.run(["cargo", "run", "--quiet", "-p", "testkit", "--bin", "official-like"], cwd=ROOT,
                              check=True, capture_output=True)
        pathlib.Path(dataset).write_bytes(made.stdout)
        counts = shape(dataset, options)
        tallies = collections.OrderedDict()
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            work = [pool.submit(once, seed, options, dataset, counts) for seed in range(1, options.runs + 1)]
            for done, future in enumerate(concurrent.futures.as_completed(work), 1):
                for name, held, width, error in future.result():
                    tally = tallies.setdefault(name, [0, 0, 0.0, 0.0])
                    tally[0] += 1
                    tally[1] += held
                    tally[2] += width
                    tally[3] += error
                if done % 50 == 0:
                    print(f"{done} of {options.runs}", file=sys.stderr)
    print(f"{options.runs} runs of {sum(counts.values())} instances x {options.k}, {options.labels} labelled samples,"
          f" judge {SENSITIVITY}/{SPECIFICITY}")
    print("| estimate | runs | held, % | mean width, points | mean error, points |\n|---|---:|---:|---:|---:|")
    for name, (runs, held, width, error) in sorted(tallies.items()):
        print(f"| {name} | {runs} | {100 * held / runs:.1f} | {100 * width / runs:.1f} | {100 * error / runs:+.2f} |")


def shape(dataset, options):
    """Instances by scenario under --limit, as the program itself selects them."""
    with tempfile.TemporaryDirectory() as folder:
        out = subprocess.run(
            [options.binary, "eval", "--store", f"sqlite:{folder}/s.db", "--dataset", dataset, "--limit",
             str(options.limit), "--samples", "1", "--model", "sim/superficial", "--judge", "sim/judge", "--json"],
            check=True, cwd=folder, capture_output=True, text=True).stdout
    scenarios = json.loads(out)["runs"][0]["scenarios"]
    return {name: metrics["instances"] for name, metrics in scenarios.items()}


if __name__ == "__main__":
    main()
