# SPDX-License-Identifier: Apache-2.0
"""What pretraining is worth when few holes have labels: the learning curve of docs/drilling-results.md.

Simulates 1,030 holes, of which so many, drawn at random among those that were not drilled in air, have their true
depths as labels, and 300 of another seed to be judged by. Each draw is trained without pretraining and by each method;
everything else is the same. The error is the mean absolute error of all entries, transitions and exits.

With --output F.csv every measurement is added to that table, which `auger plot F.csv -x labels -y error_mm --by method
--log-x` draws.

Usage: pretraining.py [--labels 15,30,60,120,300] [--draws N] [--methods none,both] [--output F.csv] [--threads N]
[--set KEY=VALUE]... from the top of the tree, after `make`
"""
import argparse
import csv
import json
import os
import pathlib
import random
import statistics
import subprocess
import tempfile

AUGER = pathlib.Path(os.environ.get("AUGER_BUILD", "build")) / "auger"
POINTS = ("entry", "transition", "exit")
CONFIG = """strategy: patchtsmixer_24cv
model_config: {architecture: PatchTSMixer, sequence_length: 256, d_model: 16, num_layers: 2}
training_config:
  cross_validation: {enabled: true, n_folds: 4, strategy: stratified}
  batch_size: 32
  learning_rate: 0.001
  epochs: 100
  early_stopping: {patience: 10, metric: val_loss}
pretrain: {epochs: 40, patience: 0, batch_size: 32, learning_rate: 0.002}
data_config:
  label_sources: [truth]
  preprocessing: {cell_mm: 0.12, augmentation: {noise_injection: 0.05, time_warping: 0.1}}
"""


def run(*command):
    subprocess.run([str(part) for part in (AUGER, *command, "--quiet")], check=True, stdout=subprocess.DEVNULL)


def make_holes(folder, name, count, seed, tool_holes):
    files, data = folder / f"{name}-files", folder / name
    run("simulate", "drilling", "--holes", count, "--tool-holes", tool_holes, "--seed", seed, "--output-dir", files)
    run("prepare", "--input-dir", files, "--output-dir", data, "--validate", "--auto-label")
    return data, files / "truth.csv"


def draw_labels(truth, labels, draw, into):
    with open(truth, newline="") as file:
        rows = list(csv.DictReader(file))
    able = [row for row in rows if row["class"] != "air" and not row["regime"].startswith("air")]
    with open(into, "w", newline="") as file:
        table = csv.DictWriter(file, rows[0].keys())
        table.writeheader()
        table.writerows(random.Random(1000 * labels + draw).sample(able, labels))


def train(folder, pool, test, method, ask):
    """(mean absolute error in mm, share of failures)"""
    model, report = folder / "model", folder / "scores.json"
    sets = [f"data_config.labels={folder / 'labels.csv'}", f"pretrain.enabled={str(method != 'none').lower()}",
            *([f"pretrain.method={method}"] if method != "none" else []), *ask.set]
    run("train", "--config", folder / "config.yaml", "--data-dir", pool, "--output-dir", model, "--jobs", ask.threads,
        "--no-record", *(word for line in sets for word in ("--set", line)))
    run("evaluate", "--model-dir", model, "--test-data", test[0], "--truth", test[1], "--output-report", report)
    scores = json.loads(report.read_text())["all"]
    counts = [scores[point]["count"] for point in POINTS]
    error = sum(scores[point]["mae_mm"] * count for point, count in zip(POINTS, counts)) / sum(counts)
    return error, scores["failure_rate"]


def write_down(path, labels, draw, method, error, failures):
    begun = path.exists()
    with open(path, "a", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        if not begun:
            table.writerow(("labels", "draw", "method", "error_mm", "failure_rate"))
        table.writerow((labels, draw, method, f"{error:.5f}", f"{failures:.5f}"))


def measure(folder, ask):
    pool, truth = make_holes(folder, "pool", 1030, ask.seed, ask.tool_holes)
    test = make_holes(folder, "test", 300, ask.seed + 1, ask.tool_holes)
    (folder / "config.yaml").write_text(CONFIG)
    for labels in map(int, ask.labels.split(",")):
        errors = {}
        for draw in range(ask.first, ask.first + ask.draws):
            for method in ask.methods.split(","):
                draw_labels(truth, labels, draw, folder / "labels.csv")
                with tempfile.TemporaryDirectory(dir=folder) as own:
                    own = pathlib.Path(own)
                    for name in ("labels.csv", "config.yaml"):
                        (own / name).write_bytes((folder / name).read_bytes())
                    error, failures = train(own, pool, test, method, ask)
                errors.setdefault(method, []).append(error)
                if ask.output:
                    write_down(ask.output, labels, draw, method, error, failures)
                print(f"{labels} labels, draw {draw}, {method}: {error:.4f} mm, {failures:.1%} failures", flush=True)
        first = next(iter(errors.values()))
        for method, row in errors.items():
            change = statistics.median(100 * (b / a - 1) for a, b in zip(first, row))
            print(f"  {labels} labels, {method}: mean {statistics.mean(row):.4f} mm, median {statistics.median(row):.4f} mm,"
                  f" {min(row):.4f} to {max(row):.4f} mm; median change of a draw {change:+.0f} %", flush=True)


def main():
    parser = argparse.ArgumentParser(description="What pretraining is worth when few holes have labels.")
    parser.add_argument("--labels", default="15,30,60,120,300")
    parser.add_argument("--draws", type=int, default=6, help="of the labelled holes")
    parser.add_argument("--first", type=int, default=101, help="number of the first draw")
    parser.add_argument("--methods", default="none,both", help="none, masked, shapes, both, simulated; compared with the"
                        " first (simulated wants --set data_config.simulated.holes=1000 and .own_share=1)")
    parser.add_argument("--seed", type=int, default=82001, help="of the simulator; that of the test is the next one")
    parser.add_argument("--tool-holes", type=int, default=10, help="holes that a tool drills in a row")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--output", type=pathlib.Path, help="a table (CSV) to add every measurement to")
    parser.add_argument("--set", action="append", default=[], help="as of auger train")
    ask = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure(pathlib.Path(name), ask)


if __name__ == "__main__":
    main()
