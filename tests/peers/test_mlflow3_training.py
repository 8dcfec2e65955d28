# SPDX-License-Identifier: Apache-2.0
"""`auger train --tracking` against MLflow's own server, read with MLflow's client: while it runs, at its end, and after the
server was away."""
import json
import math
import os
import signal
import subprocess
import time
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

from ended import with_parent
from mlflow.tracking import MlflowClient
from reserved_port import ReservedPort
from test_mlflow3_logging import Mlflow

AUGER = Path(os.environ.get("AUGER_BUILD", "build")) / "auger"
CONFIGURATION = """
strategy: forecast
model_config: {architecture: PatchTSMixer, patch_length: 4, patch_stride: 4, d_model: 8, num_layers: 1}
data_config: {context_length: 24, horizon: 4}
training_config: {epochs: %d, batch_size: 8, early_stopping: {patience: 1000}}
register: {name: waves, alias: best, description: of June, stage: Staging}
experiment_name: sines
"""


def begin(directory, address, output, epochs=4):
    (directory / "waves.csv").write_text("a,b\n" + "".join(
        f"{math.sin(i * 0.7):.4f},{math.cos(i * 0.2):.4f}\n" for i in range(600)), encoding="utf-8")
    (directory / "config.yaml").write_text(CONFIGURATION % epochs, encoding="utf-8")
    return subprocess.Popen(
        [AUGER, "train", "-c", directory / "config.yaml", "-d", directory / "waves.csv", "-o", directory / output, "--home",
         directory / "home", "--tracking", address, "--json", "--progress", "plain", "-j", "1"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=with_parent())


def end(training):
    out, errors = training.communicate(timeout=300)
    assert training.returncode == 0, errors
    return json.loads(out), errors


def expect_whole(client, run, output, epochs):
    assert run.info.status == "FINISHED"
    assert run.data.params["training_config.epochs"] == str(epochs)
    assert run.data.tags["auger.strategy"] == "forecast" and run.data.tags["mlflow.source.name"]
    assert len(client.get_metric_history(run.info.run_id, "val_loss")) == epochs
    steps = [point.step for point in client.get_metric_history(run.info.run_id, "loss")]
    assert len(steps) > 10 * epochs and sorted(steps) == list(range(1, len(steps) + 1))
    assert [used.dataset.name for used in run.inputs.dataset_inputs] == ["waves.csv"]
    assert {file.path for file in client.list_artifacts(run.info.run_id, "model")} == {
        f"model/{file.name}" for file in (output / "model").iterdir()}


def expect_version(client, run, number):
    version = client.get_model_version_by_alias("waves", "best")
    assert (int(version.version), version.run_id) == (number, run.info.run_id)
    assert version.description == "of June" and version.current_stage == "Staging"
    assert version.tags["auger.strategy"] == "forecast"


def watch(client, training, epochs):
    """The run of a training that goes on, when the server knows that many epochs of it."""
    while training.poll() is None:
        experiment = client.get_experiment_by_name("sines")
        runs = client.search_runs([experiment.experiment_id]) if experiment else []
        if runs and len(client.get_metric_history(runs[0].info.run_id, "val_loss")) >= epochs:
            return client.get_run(runs[0].info.run_id)
        time.sleep(0.02)
    raise AssertionError(f"the training ended: {training.communicate()}")


def test_a_training_is_seen_while_it_runs(tmp_path):
    """It goes on for ever, until what it did has been seen."""
    server = Mlflow(tmp_path)
    client = MlflowClient(server.address, server.address)
    try:
        training = begin(tmp_path, server.address, "endless", 1000000)
        try:
            assert watch(client, training, 3).info.status == "RUNNING"
            training.send_signal(signal.SIGINT)
            out, _ = training.communicate(timeout=300)
        finally:
            training.kill()
        assert training.returncode == 1 and "--resume goes on from there" in json.loads(out)["error"]["hint"]
        told, _ = end(begin(tmp_path, server.address, "out"))
        run = client.get_run(told["run_id"])  # the server's id, which is not ours
        assert run.data.tags["auger.client_run"] != told["run_id"]
        expect_whole(client, run, tmp_path / "out", 4)
        assert told["version"] == "waves/1" and run.data.tags["auger.model.version"] == "waves/1"
        expect_version(client, run, 1)
        stopped, = [other for other in client.search_runs([run.info.experiment_id]) if other.info.run_id != told["run_id"]]
        assert stopped.info.status == "KILLED"
        assert len(client.get_metric_history(stopped.info.run_id, "val_loss")) >= 3
    finally:
        server.stop()


def test_what_a_server_missed_comes_with_the_next_training(tmp_path):
    with ReservedPort() as port:
        missed_by(port, f"http://127.0.0.1:{port.number}", tmp_path)


def missed_by(port, address, tmp_path):
    told, errors = end(begin(tmp_path, address, "one"))
    assert "calls wait in" in errors and "version" not in told
    server = Mlflow(tmp_path, port)
    client = MlflowClient(address, address)
    try:
        later, errors = end(begin(tmp_path, address, "two"))
        assert "calls wait" not in errors and later["version"] == "waves/2"
        experiment = client.get_experiment_by_name("sines")
        found = client.search_runs([experiment.experiment_id], f"tags.`auger.client_run` = '{told['run_id']}'")
        assert len(found) == 1
        expect_whole(client, found[0], tmp_path / "one", 4)
        expect_version(client, client.get_run(later["run_id"]), 2)
        assert client.get_model_version("waves", "1").run_id == found[0].info.run_id
    finally:
        server.stop()
