# SPDX-License-Identifier: Apache-2.0
"""A ledger with something in it, made over HTTP without any client, for the tests of exports."""
import json
import subprocess
import urllib.request

from mlflow_server import BUILD, Auger


def call(address, path, **body):
    request = urllib.request.Request(f"{address}/api/2.0/mlflow/{path}", json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


POINTS = [{"key": "loss", "value": 1 / (i + 1), "timestamp": 1700000000000 + i, "step": i} for i in range(3000)]
ODD = [{"key": "odd", "value": value, "timestamp": 1700000000000 + i, "step": -1 + i // 2}
       for i, value in enumerate(["NaN", "Infinity", "-Infinity", 1e300, -0.0])]
PARAMS = [{"key": "lr", "value": "0.1"}, {"key": "layers", "value": "4"}, {"key": "text", "value": "höhe \"x\"\n"},
          {"key": "long", "value": "y" * 6000}]


def filled(home):
    """Returns the id of a run with POINTS, ODD and PARAMS, of the experiment "drill/a"."""
    server = Auger(home)
    try:
        experiment = call(server.address, "experiments/create", name="drill/a")["experiment_id"]
        run = call(server.address, "runs/create", experiment_id=experiment, start_time=1700000000000, run_name="first",
                   tags=[{"key": "team", "value": "lab"}])["run"]["info"]["run_id"]
        for at in range(0, len(POINTS), 1000):
            call(server.address, "runs/log-batch", run_id=run, metrics=POINTS[at:at + 1000])
        call(server.address, "runs/log-batch", run_id=run, metrics=ODD, params=PARAMS)
        call(server.address, "runs/update", run_id=run, status="FINISHED", end_time=1700000009000)
    finally:
        assert server.stop() == 0
    return run


def export(what, home, target, *more):
    subprocess.run([str(BUILD / "auger"), "export", what, str(target), "--home", str(home), "--quiet", *more], check=True,
                   stdout=subprocess.DEVNULL)
