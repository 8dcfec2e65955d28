# SPDX-License-Identifier: Apache-2.0
"""What `auger export tensorboard` writes, read by TensorBoard's own EventAccumulator."""
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import numpy
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from filled_ledger import POINTS, export, filled


def test_scalars_and_hyperparameters(tmp_path):
    run = filled(tmp_path / "home")
    export("tensorboard", tmp_path / "home", tmp_path / "logs")
    events = EventAccumulator(str(tmp_path / "logs" / "drill_a" / f"first-{run[:8]}"), size_guidance={"scalars": 0})
    events.Reload()
    assert events.Tags()["scalars"] == ["loss", "odd"]
    found = [(e.step, e.value, e.wall_time) for e in events.Scalars("loss")]
    assert found == [(p["step"], float(numpy.float32(p["value"])), p["timestamp"] / 1000) for p in POINTS]
    odd = [e.value for e in events.Scalars("odd")]
    assert math.isnan(odd[0]) and odd[1:4] == [math.inf, -math.inf, math.inf] and odd[4] == 0
    kept = events.PluginTagToContent("hparams")
    start = plugin_data_pb2.HParamsPluginData.FromString(kept["_hparams_/session_start_info"]).session_start_info
    assert start.hparams["lr"].number_value == 0.1 and start.hparams["long"].string_value == "y" * 6000
    assert start.start_time_secs == 1700000000.0
    end = plugin_data_pb2.HParamsPluginData.FromString(kept["_hparams_/session_end_info"]).session_end_info
    assert end.status == 1 and end.end_time_secs == 1700000009.0
