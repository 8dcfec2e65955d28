# SPDX-License-Identifier: Apache-2.0
"""Stores that real MLflow makes, taken over by `auger import mlflow`, and read back by the real client from
`auger serve`: field by field what the client reads from the original. test_exchange.py runs it with the newest MLflow
and test_exchange2.py with one of the 2.x line."""
import json
import math
import os
import random
import shutil
import signal
import subprocess
import time
import uuid
from pathlib import Path

os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")

import mlflow
import pandas
import pytest
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.tracking import MlflowClient

from mlflow_server import BUILD, Auger, Postgres

NEW = int(mlflow.__version__.split(".", maxsplit=1)[0]) >= 3


@pytest.fixture(scope="session")
def postgres():
    try:
        server = Postgres()
    except (FileNotFoundError, KeyError):
        pytest.skip("PostgreSQL is not installed")
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "directory", "postgres"])
def store(request, tmp_path):
    """The address of an empty store of MLflow's."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/mlflow.db"
    if request.param == "directory":
        return f"file://{tmp_path}/mlruns"
    address = request.getfixturevalue("postgres").database("x" + uuid.uuid4().hex[:12])
    return address.replace("postgresql://", "postgresql+psycopg2://")


def fill(store, tmp_path):
    """What people leave in a store in a year."""
    mlflow.set_tracking_uri(store)
    mlflow.set_registry_uri(store)
    client = MlflowClient(store, store)
    drill = client.create_experiment("drill", artifact_location=f"file://{tmp_path}/art/drill", tags={"team": "lab"})
    gone = client.create_experiment("gone", artifact_location=f"file://{tmp_path}/art/gone")
    client.create_run(gone)
    client.delete_experiment(gone)
    mlflow.set_experiment("drill")
    with mlflow.start_run(run_name="parent") as parent:
        mlflow.log_params({"lr": "0.1", "long": "x" * 400, "two lines": "a\nb", "empty": ""})
        points = [Metric("loss", 1 / (i + 1), 1700000000000 + i // 3, i) for i in range(5000)]
        for at in range(0, 5000, 1000):
            client.log_batch(parent.info.run_id, metrics=points[at:at + 1000])
        client.log_batch(parent.info.run_id, metrics=[
            Metric("nan", math.nan, 1700000000000, 1), Metric("up", math.inf, 1700000000000, 2),
            Metric("down", -math.inf, 1700000000000, 2), Metric("deep/er key", -1.5e-300, 1, -3)])
        mlflow.set_tags({"note": "höhe\nund tiefe", "mlflow.note.content": "**bold**"})
        mlflow.log_text("hello", "dir/hello.txt")
        mlflow.log_text("", "empty.txt")
        frame = pandas.DataFrame({"depth": [1.0, 2.0], "torque": [3, 4]})
        mlflow.log_input(mlflow.data.from_pandas(frame, name="holes"), context="training")
        mlflow.log_input(mlflow.data.from_pandas(frame[:1], name="others"), context="test")
        with mlflow.start_run(nested=True, run_name="child"):
            mlflow.log_metric("loss", 2, step=7)
        model = log_model()
    failed = client.create_run(drill, run_name="failed")
    client.set_terminated(failed.info.run_id, "FAILED")
    client.delete_run(failed.info.run_id)
    client.create_run(drill, run_name="under way")
    register(client, parent.info.run_id, model)
    return client


def log_model():
    from sklearn.linear_model import LinearRegression

    fitted = LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0])
    if not NEW:
        return mlflow.sklearn.log_model(fitted, "model", registered_model_name="depth")
    info = mlflow.sklearn.log_model(fitted, name="model", registered_model_name="depth", params={"p": "1"},
                                    tags={"t": "1"})
    mlflow.log_metric("accuracy", 0.5, step=3, model_id=info.model_id)
    return info


def register(client, run_id, model):
    source = f"models:/{model.model_id}" if NEW else f"runs:/{run_id}/model"
    client.create_model_version("depth", source, run_id=run_id, description="the second", tags={"x": "y"})
    client.create_model_version("depth", source, run_id=run_id)
    client.delete_model_version("depth", "3")
    client.set_registered_model_alias("depth", "champion", "2")
    client.set_registered_model_alias("depth", "old-one", "1")
    client.transition_model_version_stage("depth", "1", "Staging")
    client.update_registered_model("depth", "how deep")
    client.set_registered_model_tag("depth", "owner", "ada")
    client.create_registered_model("empty", tags={"a": "b"}, description="nothing yet")


# ---- everything that the client can read ----


def paged(call, **keywords):
    token = None
    while True:
        page = call(page_token=token, **keywords) if token else call(**keywords)
        yield from page
        token = page.token
        if not token:
            return


def number(value):
    return "nan" if math.isnan(value) else value


def artifacts_of(run, path=None):
    """Names and bytes."""
    found = {}
    root = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=path or "")
    for file in sorted(Path(root).rglob("*")):
        if file.is_file():
            found[str(file.relative_to(root))] = file.read_bytes()
    return found


def run_of(client, run):
    info = run.info
    # A directory may hold the same point twice; a ledger keeps it once, as MLflow's databases do.
    history = {key: sorted({(m.step, m.timestamp, str(m.value)) for m in client.get_metric_history(info.run_id, key)})
               for key in run.data.metrics}
    inputs = sorted((i.dataset.name, i.dataset.digest, i.dataset.source_type, i.dataset.source, i.dataset.schema,
                     i.dataset.profile, sorted((t.key, t.value) for t in i.tags))
                    for i in (run.inputs.dataset_inputs if run.inputs else []))
    made = sorted((o.model_id, o.step) for o in (run.outputs.model_outputs if NEW and run.outputs else []))
    whole = {"name": info.run_name, "status": info.status, "stage": info.lifecycle_stage, "user": info.user_id,
             "start": info.start_time, "end": info.end_time, "params": run.data.params, "tags": run.data.tags,
             "latest": {k: number(v) for k, v in run.data.metrics.items()}, "history": history, "inputs": inputs,
             "made": made}
    if info.lifecycle_stage == "active" and run.data.tags.get("note"):
        whole["files"] = artifacts_of(run)
    return whole


def version_of(version):
    return {"stage": version.current_stage, "description": version.description or "", "source": version.source,
            "run": version.run_id, "tags": version.tags, "aliases": sorted(version.aliases), "user": version.user_id or "",
            "created": version.creation_timestamp, "updated": version.last_updated_timestamp}


def models_of(client):
    found = {}
    for model in paged(client.search_registered_models):
        versions = paged(client.search_model_versions, filter_string=f"name = '{model.name}'")
        found[model.name] = {
            "description": model.description or "", "tags": model.tags, "aliases": {k: str(v) for k, v in model.aliases.items()},
            "created": model.creation_timestamp, "updated": model.last_updated_timestamp,
            "versions": {v.version: version_of(client.get_model_version(model.name, str(v.version))) for v in versions}}
    return json.loads(json.dumps(found))


def logged_models_of(client, experiment):
    if not NEW:
        return {}
    return {m.model_id: {"name": m.name, "status": str(m.status), "run": m.source_run_id, "params": m.params,
                         "tags": m.tags, "created": m.creation_timestamp, "updated": m.last_updated_timestamp,
                         "type": m.model_type or "",
                         "metrics": sorted((x.key, x.value, x.step, x.timestamp, x.dataset_name) for x in m.metrics or [])}
            for m in client.search_logged_models(experiment_ids=[experiment])}


def everything(address):
    mlflow.set_tracking_uri(address)
    mlflow.set_registry_uri(address)
    client = MlflowClient(address, address)
    found = {"models": models_of(client)}
    for experiment in paged(client.search_experiments, view_type=ViewType.ALL):
        runs = paged(client.search_runs, experiment_ids=[experiment.experiment_id], run_view_type=ViewType.ALL)
        found[experiment.name] = {
            "stage": experiment.lifecycle_stage, "tags": experiment.tags, "created": experiment.creation_time,
            "runs": {run.info.run_id: run_of(client, client.get_run(run.info.run_id)) for run in runs},
            "models": logged_models_of(client, experiment.experiment_id)}
    found["Default"].pop("created")  # a ledger has a default experiment of its own
    return found


def differences(found, wanted, where=""):
    """Where two of those differ, in words."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        return [d for key in {**wanted, **found}
                for d in differences(found.get(key, "nothing"), wanted.get(key, "nothing"), f"{where}/{key}")]
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        return [d for at, (one, other) in enumerate(zip(found, wanted)) for d in differences(one, other, f"{where}/{at}")]
    return [] if found == wanted else [f"{where}: {str(found)[:300]} instead of {str(wanted)[:300]}"]


def expect_same(address, before):
    found = differences(everything(address), before)
    assert not found, "\n".join(found)


def auger(*arguments):
    done = subprocess.run([str(BUILD / "auger"), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def take_over(store, home, *more):
    return json.loads(auger("import", "mlflow", "--from", store, "--home", home, "--json", "--quiet", *more))["import"]


def test_a_store_comes_over_whole(store, tmp_path):
    fill(store, tmp_path)
    before = everything(store)
    only_said = take_over(store, tmp_path / "home", "--dry-run")
    first = take_over(store, tmp_path / "home")
    assert only_said["runs"]["added"] == first["runs"]["added"] == 5
    assert first["points"]["added"] >= 5000 and first["files"]["added"] >= 4
    server = Auger(tmp_path / "home")
    try:
        expect_same(server.address, before)
        loaded = mlflow.pyfunc.load_model("models:/depth@champion")
        assert loaded.predict([[3.0]])[0] == pytest.approx(3.0)
        again = take_over(store, tmp_path / "home")  # beside the server
        assert not any(again[what]["added"] for what in ("experiments", "runs", "points", "models", "versions", "files"))
        expect_same(server.address, before)
        new = MlflowClient(server.address).create_experiment("afterwards")  # ids go on behind those that came
        assert MlflowClient(server.address).create_run(new).info.experiment_id == new
    finally:
        assert server.stop() == 0


def test_what_is_logged_afterwards_comes_with_the_next_import(store, tmp_path):
    client = MlflowClient(store, store)
    experiment = client.create_experiment("drill", artifact_location=f"file://{tmp_path}/art")
    run = client.create_run(experiment).info.run_id
    client.log_batch(run, metrics=[Metric("a", 1, 1, 1)], params=[Param("p", "1")], tags=[RunTag("t", "1")])
    take_over(store, tmp_path / "home")
    client.log_batch(run, metrics=[Metric("a", 2, 2, 2)], params=[Param("q", "1")])
    client.set_terminated(run)
    added = take_over(store, tmp_path / "home")
    assert added["points"] == {"added": 1, "there": 1} or added["points"]["added"] == 2
    server = Auger(tmp_path / "home")
    try:
        expect_same(server.address, everything(store))
    finally:
        server.stop()


def test_an_import_that_is_killed_is_taken_up(store, tmp_path):
    client = MlflowClient(store, store)
    experiment = client.create_experiment("many", artifact_location=f"file://{tmp_path}/art")
    for number_of_run in range(30):
        run = client.create_run(experiment).info.run_id
        client.log_batch(run, metrics=[Metric("loss", i * 0.1, i, i) for i in range(1000)],
                         params=[Param(f"p{i}", str(i)) for i in range(20)])
        client.log_text(run, "x" * 1000, f"{number_of_run}.txt")
        client.set_terminated(run)
    chance, kills = random.Random(7), 0
    for _ in range(40):
        process = subprocess.Popen([str(BUILD / "auger"), "import", "mlflow", "--from", store, "--home",
                                    str(tmp_path / "home"), "--quiet"], stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.002, 0.08))
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
    assert kills > 0
    take_over(store, tmp_path / "home")
    server = Auger(tmp_path / "home")
    try:
        expect_same(server.address, everything(store))
    finally:
        server.stop()


def test_an_export_is_read_by_mlflow_and_comes_back(store, tmp_path):
    fill(store, tmp_path)
    take_over(store, tmp_path / "home")
    server = Auger(tmp_path / "home")
    try:
        before = everything(server.address)
    finally:
        server.stop()
    told = json.loads(auger("export", "mlflow", tmp_path / "out", "--home", tmp_path / "home", "--json", "--quiet"))
    assert told["export"]["skipped"] == 0
    expect_same(f"file://{tmp_path}/out", before)
    shutil.copytree(tmp_path / "out", tmp_path / "moved")
    assert mlflow.pyfunc.load_model("models:/depth@champion").predict([[3.0]])[0] == pytest.approx(3.0)
    shutil.rmtree(tmp_path / "out")
    take_over(tmp_path / "moved", tmp_path / "again")
    server = Auger(tmp_path / "again")
    try:
        expect_same(server.address, before)
    finally:
        server.stop()
