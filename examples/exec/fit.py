#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A training program for the strategy `exec`, with nothing but Python's standard library.

    auger prepare --input-dir FILES --output-dir prepared --auto-label
    auger train --config fit.yaml --data-dir prepared --output-dir out

It learns from holes.csv where a hole is left, from how deep the tool went: exit = slope * depth + offset, by gradient
descent. Told on stdout: epochs and results. Left: model.json. After SIGTERM, or a kill, it goes on with --resume.
"""
import csv
import json
import os
import random
import signal
import sys
from pathlib import Path


def tell(**what):
    print(json.dumps(what), flush=True)


def read_holes(folder):
    pairs = []
    with open(Path(folder) / "holes.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["label_outcome"] == "found":
                pairs.append((float(row["max_depth_mm"]), float(row["exit_mm"])))
    if len(pairs) < 4:
        sys.exit(f"{folder}: {len(pairs)} labelled holes are too few: prepare with --auto-label")
    return pairs


def loss_of(model, pairs):
    return sum((model["slope"] * x + model["offset"] - y) ** 2 for x, y in pairs) / len(pairs)


def main():
    with open(os.environ["AUGER_CONFIG"], encoding="utf-8") as file:
        config = json.load(file)
    settings = config["configuration"]["training_config"]
    parameters = config["parameters"] or {}
    holes = read_holes(config["data_dir"])
    random.Random(int(os.environ["AUGER_SEED"])).shuffle(holes)
    cut = max(1, len(holes) // 4)
    judged, learned = holes[:cut], holes[cut:]
    middle = sum(x for x, _ in learned) / len(learned)
    spread = max(abs(x - middle) for x, _ in learned) or 1.0

    checkpoint = Path(config["checkpoint_dir"]) / "fit.json"
    model, begin = {"slope": 0.0, "offset": 0.0}, 0
    if config["resume"] and checkpoint.exists():
        model, begin = json.loads(checkpoint.read_text(encoding="utf-8"))
        tell(remark=f"goes on behind epoch {begin}")
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))

    epochs, rate = settings["epochs"], parameters.get("rate", 0.3)
    for epoch in range(begin, epochs):
        errors = [(model["slope"] * x + model["offset"] - y, (x - middle) / spread) for x, y in learned]
        down = sum(e for e, _ in errors) / len(errors)
        tilt = sum(e * z for e, z in errors) / len(errors) / spread
        model["slope"] -= rate * tilt
        model["offset"] -= rate * (down - tilt * middle)
        tell(epoch=epoch + 1, train_loss=loss_of(model, learned), val_loss=loss_of(model, judged), learning_rate=rate,
             slope=model["slope"], progress=(epoch + 1) / epochs)
        checkpoint.write_text(json.dumps([model, epoch + 1]), encoding="utf-8")
        if stopped:
            sys.exit("asked to stop")

    off = [abs(model["slope"] * x + model["offset"] - y) for x, y in judged]
    tell(metric="val_mae_mm", value=sum(off) / len(off))
    with open(Path(config["model_dir"]) / "model.json", "w", encoding="utf-8") as file:
        json.dump(model, file)


if __name__ == "__main__":
    main()
