# SPDX-License-Identifier: Apache-2.0
"""What `auger export wandb` writes, read by W&B's own reader of offline runs."""
import json
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from wandb.proto import wandb_internal_pb2
from wandb.sdk.internal.datastore import DataStore

from filled_ledger import POINTS, export, filled


def records_of(path):
    store = DataStore()
    store.open_for_scan(str(path))
    while True:
        data = store.scan_data()
        if data is None:
            return
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        yield record


def test_an_offline_run(tmp_path):
    run = filled(tmp_path / "home")
    export("wandb", tmp_path / "home", tmp_path / "out", "--project", "drilling")
    folder = tmp_path / "out" / f"offline-run-20231114_221320-{run}"
    records = list(records_of(folder / f"run-{run}.wandb"))
    assert [r.num for r in records] == list(range(1, len(records) + 1))
    kinds = [r.WhichOneof("record_type") for r in records]
    assert kinds[:2] == ["header", "run"] and kinds[-2:] == ["summary", "exit"] and set(kinds[2:-2]) == {"history"}
    said = records[1].run
    assert (said.run_id, said.project, said.display_name, list(said.tags)) == (run, "drilling", "first", ["team=lab"])
    config = {item.key: json.loads(item.value_json) for item in said.config.update}
    assert config == {"lr": 0.1, "layers": 4, "text": 'höhe "x"\n', "long": "y" * 6000}
    rows = [{i.key: json.loads(i.value_json) for i in r.history.item} for r in records[2:-2]]
    assert [row["_step"] for row in rows] == list(range(len(rows)))
    assert [(row["step"], row["loss"]) for row in rows if "loss" in row] == [(p["step"], p["value"]) for p in POINTS]
    odd = [(row["step"], row["odd"]) for row in rows if "odd" in row]
    assert math.isnan(odd[0][1]) and odd[1:] == [(-1, math.inf), (0, -math.inf), (0, 1e300), (1, 0.0)]
    summary = {i.key: json.loads(i.value_json) for i in records[-2].summary.update}
    assert summary["loss"] == 1 / 3000
    assert records[-1].exit.exit_code == 0 and records[-1].exit.runtime == 9
