#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Answers for holes with the model of fit.py: one JSON object per line in, one per line out, in the same order.

In: {"file": "...", "rate": 100.0, "depth": [mm, ...], "torque": [A, ...], "thrust": [A, ...], "step": [1, ...]}
Out: {"outcome": "found", "exit": {"mm": 18.1, "low_mm": 17.9, "high_mm": 18.3, "confidence": 0.8}}
"""
import json
import os
import sys
from pathlib import Path

with open(Path(os.environ["AUGER_MODEL_DIR"]) / "model.json", encoding="utf-8") as file:
    model = json.load(file)
for line in sys.stdin:
    depths = [depth for depth in json.loads(line)["depth"] if depth is not None]
    if not depths:
        print(json.dumps({"outcome": "none", "reason": "it has no samples"}), flush=True)
        continue
    mm = model["slope"] * max(depths) + model["offset"]
    answer = {"outcome": "found", "exit": {"mm": mm, "low_mm": mm - 1.0, "high_mm": mm + 1.0, "confidence": 0.5}}
    print(json.dumps(answer), flush=True)
