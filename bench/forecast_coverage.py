# SPDX-License-Identifier: Apache-2.0
"""How often the intervals of forecasts hold, on series whose making is known: the table of docs/tutorials/forecasting.md.

Each series is hourly, with a day, a week and noise that remembers itself (0.7 of the hour before). Five kinds of it are
the same in the training and validation part, and differ in the test part: nothing changes, the noise is half or one and
a half as large, or the level drifts by five deviations of the noise; in the fifth the noise has heavy tails throughout.
A model is trained on each draw; the share of the test part's values inside of its intervals is the coverage.

Usage: forecast_coverage.py [--seed N] [--draws N] [--rows N] from the top of the tree, after `make`
"""
import argparse
import json
import math
import os
import pathlib
import random
import statistics
import subprocess
import tempfile

AUGER = pathlib.Path(os.environ.get("AUGER_BUILD", "build")).resolve() / "auger"
LEVELS = ("0.5", "0.8", "0.9", "0.95", "0.99")
CONFIG = """strategy: forecast
model_config: {architecture: NLinear}
data_config: {context_length: 72, horizon: 24, split: {train: 0.6, validation: 0.2, test: 0.2}}
training_config: {epochs: 5, batch_size: 32, learning_rate: 0.002}
optimizer: adam
"""


def normal(rng):
    return rng.gauss(0.0, 1.0)


def heavy(rng):
    """Student's t with three degrees of freedom, of variance 1."""
    return rng.gauss(0.0, 1.0) / math.sqrt(rng.gammavariate(1.5, 2.0) / 3.0) / math.sqrt(3.0)


# name: noise, its factor in the test part, the drift over the test part
KINDS = {
    "nothing changes": (normal, 1.0, 0.0),
    "heavy tails": (heavy, 1.0, 0.0),
    "noise of one half": (normal, 0.5, 0.0),
    "noise of one and a half": (normal, 1.5, 0.0),
    "drift": (normal, 1.0, 5.0),
}


def write_series(path, kind, rows, rng):
    noise, factor, drift = KINDS[kind]
    test = int(rows * 0.8)
    state = [0.0, 0.0]
    with open(path, "w", encoding="utf-8") as out:
        out.write("x,y\n")
        for i in range(rows):
            late = i >= test
            for c in range(2):
                state[c] = 0.7 * state[c] + noise(rng) * (factor if late else 1.0)
            day, week = 2 * math.pi * i / 24, 2 * math.pi * i / 168
            level = drift * 1.4 * (i - test) / (rows - test) if late else 0.0
            values = (3 * math.sin(day) + math.sin(week) + level, 2 * math.cos(day) - math.cos(week) + level)
            out.write(",".join(f"{v + s:.5f}" for v, s in zip(values, state)) + "\n")


def call(*words):
    return json.loads(subprocess.run([AUGER, *words, "--json", "--quiet"], check=True, capture_output=True).stdout)


def measure(kind, rows, rng, directory):
    series, config, out = (str(directory / name) for name in ("series.csv", "config.yaml", "out"))
    write_series(series, kind, rows, rng)
    pathlib.Path(config).write_text(CONFIG, encoding="utf-8")
    call("train", "-c", config, "-d", series, "-o", out, "--no-record", "-j", "1")
    return [
        call("evaluate", "-m", out, "-d", series, "-j", "1", "--coverage", level)["all"][0]["coverage"] for level in LEVELS
    ]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--draws", type=int, default=5)
    arguments.add_argument("--rows", type=int, default=6000)
    given = arguments.parse_args()
    print(f"{'share inside, mean of draws (least, most)':26s}", *(f"{100 * float(level):18.0f} %" for level in LEVELS))
    for kind in KINDS:
        shares = []
        for draw in range(given.draws):
            rng = random.Random(f"{kind} {given.seed} {draw}")
            with tempfile.TemporaryDirectory() as directory:
                shares.append(measure(kind, given.rows, rng, pathlib.Path(directory)))
        cells = [
            f"{100 * statistics.mean(of):6.1f} ({100 * min(of):.1f}, {100 * max(of):.1f})" for of in zip(*shares)
        ]
        print(f"{kind:26s}", *(f"{cell:>20s}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
