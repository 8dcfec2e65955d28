# SPDX-License-Identifier: Apache-2.0
"""What people do with MLflow, done with the real client, unmodified, against `auger serve`. test_mlflow3.py and
test_mlflow2.py run it with the newest client and with one of the 2.x line."""
import base64
import hashlib
import hmac
import http.server
import itertools
import json
import math
import os
import queue
import sys
import threading
import uuid

os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")  # a 500 fails at once
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

import mlflow
import pandas
import pytest
from mlflow.entities import Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from mlflow_server import Auger, Postgres

NEW = int(mlflow.__version__.split(".", maxsplit=1)[0]) >= 3


@pytest.fixture(scope="session")
def postgres():
    try:
        server = Postgres()
    except (FileNotFoundError, KeyError):
        pytest.skip("PostgreSQL is not installed")
    yield server
    server.stop()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def address(request, tmp_path_factory):
    options = ["--webhook-allow-private"]
    if request.param == "postgres":
        name = "m" + uuid.uuid4().hex[:12]
        options += ["--backend-store-uri", request.getfixturevalue("postgres").database(name)]
    server = Auger(tmp_path_factory.mktemp("auger") / "home", *options)
    yield server.address
    assert server.stop() == 0


@pytest.fixture
def client(address):
    mlflow.set_tracking_uri(address)
    mlflow.set_registry_uri(address)
    yield MlflowClient(address)
    while mlflow.active_run():
        mlflow.end_run()


names = (f"thing-{number}" for number in itertools.count())


@pytest.fixture
def experiment(client):
    name = f"{next(names)}-{uuid.uuid4().hex[:8]}"
    return mlflow.set_experiment(name).experiment_id


def error_of(call, *arguments, **keywords):
    with pytest.raises(MlflowException) as caught:
        call(*arguments, **keywords)
    return caught.value.error_code, str(caught.value)


# ---- experiments ----


def test_experiments_have_a_life(client):
    name = uuid.uuid4().hex
    number = client.create_experiment(name, tags={"team": "drill"})
    found = client.get_experiment_by_name(name)
    assert found.experiment_id == number and found.tags == {"team": "drill"} and found.creation_time > 1e12
    assert error_of(client.create_experiment, name)[0] == "RESOURCE_ALREADY_EXISTS"
    client.set_experiment_tag(number, "owner", "ada")
    client.rename_experiment(number, name + "-2")
    client.delete_experiment(number)
    assert client.get_experiment(number).lifecycle_stage == "deleted"
    error_of(client.rename_experiment, number, "x")  # INVALID_STATE, which comes with 500: the client does not look in
    assert error_of(client.create_experiment, name + "-2")[0] == "RESOURCE_ALREADY_EXISTS"
    client.restore_experiment(number)
    found = client.get_experiment(number)
    assert (found.name, found.lifecycle_stage, found.tags["owner"]) == (name + "-2", "active", "ada")
    assert client.get_experiment_by_name("there is none") is None
    assert error_of(client.get_experiment, "987654321")[0] == "RESOURCE_DOES_NOT_EXIST"
    assert client.get_experiment("0").name == "Default"


def test_experiments_are_found_and_paged(client):
    prefix = uuid.uuid4().hex
    for i in range(7):
        client.create_experiment(f"{prefix}-{i}", tags={"n": str(i % 2)})
    like = f"name LIKE '{prefix}%'"
    assert len(client.search_experiments(filter_string=like)) == 7
    assert len(client.search_experiments(filter_string=f"{like} AND tags.n = '1'")) == 3
    ordered = client.search_experiments(filter_string=like, order_by=["name ASC"])
    assert [e.name[-1] for e in ordered] == list("0123456")
    seen, token = [], None
    while True:
        page = client.search_experiments(filter_string=like, max_results=3, page_token=token, order_by=["name DESC"])
        seen += [e.name[-1] for e in page]
        token = page.token
        if not token:
            break
    assert seen == list("6543210")
    client.delete_experiment(ordered[0].experiment_id)
    assert len(client.search_experiments(ViewType.DELETED_ONLY, filter_string=like)) == 1
    assert len(client.search_experiments(ViewType.ALL, filter_string=like)) == 7
    assert error_of(client.search_experiments, filter_string="name ~ 'x'")[0] == "INVALID_PARAMETER_VALUE"


# ---- runs ----


def test_nested_runs_log_everything(client, experiment):
    with mlflow.start_run(run_name="parent", tags={"a": "b"}) as parent:
        mlflow.log_param("depth", 3)
        mlflow.log_params({f"p{i}": i for i in range(250)})
        mlflow.log_metric("loss", 0.5, step=0)
        for step in range(1, 20):
            mlflow.log_metric("loss", 0.5 / step, step=step)
        mlflow.log_metrics({"nan": math.nan, "inf": math.inf, "low": -math.inf}, step=3)
        mlflow.set_tags({"x": "1", "y": "2"})
        with mlflow.start_run(run_name="child", nested=True) as child:
            mlflow.log_metric("loss", 1)
    run = client.get_run(parent.info.run_id)
    assert (run.info.status, run.info.run_name, run.data.tags["a"]) == ("FINISHED", "parent", "b")
    assert run.info.end_time >= run.info.start_time
    assert len(run.data.params) == 251 and run.data.params["depth"] == "3"
    assert run.data.metrics["loss"] == 0.5 / 19
    assert math.isnan(run.data.metrics["nan"]) and run.data.metrics["low"] == -math.inf
    assert client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == parent.info.run_id
    history = client.get_metric_history(parent.info.run_id, "loss")
    assert [m.step for m in history] == list(range(20))
    assert client.get_metric_history(parent.info.run_id, "nothing") == []


def test_failed_run_says_so(client, experiment):
    with pytest.raises(ZeroDivisionError), mlflow.start_run() as run:
        print(1 / 0)
    assert client.get_run(run.info.run_id).info.status == "FAILED"


def test_parameters_keep_their_value(client, experiment):
    run = client.create_run(experiment).info.run_id
    client.log_param(run, "k", "v")
    client.log_param(run, "k", "v")
    code, text = error_of(client.log_param, run, "k", "w")
    assert code == "INVALID_PARAMETER_VALUE" and "Changing param values is not allowed" in text
    code, text = error_of(client.log_batch, run, params=[Param("d", "1"), Param("d", "1")])
    assert code == "INVALID_PARAMETER_VALUE" and "Duplicate parameter keys" in text
    client.log_param(run, "long", "x" * 7000)
    assert client.get_run(run).data.params["long"] == "x" * 6000


def test_batches(client, experiment):
    run = client.create_run(experiment).info.run_id
    metrics = [Metric("m", i * 0.5, 1700000000000 + i, i) for i in range(1000)]
    client.log_batch(run, metrics=metrics)
    client.log_batch(run, metrics=metrics)  # the same points again
    client.log_batch(run, params=[Param("p", "1")], tags=[RunTag("t", "2")])
    assert len(client.get_metric_history(run, "m")) == 1000
    data = client.get_run(run).data
    assert (data.metrics["m"], data.params["p"], data.tags["t"]) == (499.5, "1", "2")


def test_runs_are_deleted_and_restored(client, experiment):
    run = client.create_run(experiment).info.run_id
    client.delete_run(run)
    assert client.get_run(run).info.lifecycle_stage == "deleted"
    assert error_of(client.log_metric, run, "m", 1)[0] == "INVALID_PARAMETER_VALUE"
    client.restore_run(run)
    client.log_metric(run, "m", 1)
    client.update_run(run, status="KILLED", name="renamed")
    found = client.get_run(run)
    assert (found.info.status, found.info.run_name) == ("KILLED", "renamed")
    assert found.data.tags["mlflow.runName"] == "renamed"
    client.set_tag(run, "gone", "1")
    client.delete_tag(run, "gone")
    assert "No tag with name: gone" in error_of(client.delete_tag, run, "gone")[1]
    assert "not found" in error_of(client.get_run, "0" * 32)[1]


@pytest.fixture
def ten(client, experiment):
    for i in range(10):
        run = client.create_run(experiment, run_name=f"run-{i}", tags={"even": str(i % 2 == 0), "T x": f"tag{i}"})
        client.log_batch(run.info.run_id, metrics=[Metric("m", i / 10, 1700000000000, 0)],
                         params=[Param("p", f"Value{i}"), Param("same", "s")])
        if i >= 8:
            client.set_terminated(run.info.run_id, "FAILED")
    return experiment


@pytest.mark.parametrize("text, count", [
    ("metrics.m > 0.5", 4), ("metrics.m >= 0.5", 5), ("metrics.m = 0.5", 1), ("metrics.m != 0.5", 9),
    ("metrics.m < 0.5", 5), ("metrics.m <= 0.5", 6), ("params.p = 'Value3'", 1), ("params.p != 'Value3'", 9),
    ("params.p LIKE 'Value%'", 10), ("params.p LIKE 'value%'", 0), ("params.p ILIKE 'value%'", 10),
    ("tags.even = 'True'", 5), ("tags.`T x` = 'tag4'", 1), ("tags.\"T x\" LIKE '%4'", 1), ("tags.absent != 'x'", 0),
    ("attributes.status = 'FAILED'", 2), ("status != 'FAILED'", 8), ("run_name = 'run-7'", 1),
    ("attributes.run_name LIKE 'run-%'", 10), ("start_time > 0", 10), ("end_time > 0", 2),
    ("metrics.m > 0.2 AND params.same = 's' AND tags.even = 'True'", 3), ("", 10),
])
def test_every_operator_of_the_search(client, ten, text, count):
    assert len(client.search_runs([ten], text)) == count


def test_run_ids_are_found_in_lists(client, ten):
    ids = [run.info.run_id for run in client.search_runs([ten])]
    quoted = ", ".join(f"'{run}'" for run in ids[:3])
    assert len(client.search_runs([ten], f"run_id IN ({quoted})")) == 3
    assert len(client.search_runs([ten], f"run_id NOT IN ({quoted})")) == 7


def test_orders_and_pages(client, ten):
    def values(order, **more):
        return [run.data.metrics["m"] for run in client.search_runs([ten], order_by=order, **more)]

    assert values(["metrics.m ASC"]) == [i / 10 for i in range(10)]
    assert values(["metrics.m DESC"])[0] == 0.9
    assert values(["params.p DESC"])[0] == 0.9
    assert values(["tags.`T x` ASC"])[0] == 0
    assert values(["attributes.start_time ASC", "metrics.m ASC"])[-1] == 0.9
    assert values(["params.same", "metrics.m DESC"])[0] == 0.9
    seen, token = [], None
    while True:
        page = client.search_runs([ten], order_by=["metrics.m"], max_results=4, page_token=token)
        assert len(page) <= 4
        seen += [run.data.metrics["m"] for run in page]
        token = page.token
        if not token:
            break
    assert seen == [i / 10 for i in range(10)]
    frame = mlflow.search_runs([ten], order_by=["metrics.m DESC"])
    assert len(frame) == 10 and frame["metrics.m"][0] == 0.9 and frame["params.p"][0] == "Value9"
    for wrong in ["metrics.m >", "metrics.m = 'x'", "nonsense.x = 1", "params.p > 'a'"]:
        assert error_of(client.search_runs, [ten], wrong)[0] == "INVALID_PARAMETER_VALUE"
    assert error_of(client.search_runs, [ten], "", max_results=60000)[0] == "INVALID_PARAMETER_VALUE"


def test_data_sets_are_inputs(client, experiment):
    frame = pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    data = mlflow.data.from_pandas(frame, source="https://example.org/holes.csv", name="holes")
    with mlflow.start_run() as run:
        mlflow.log_input(data, context="training")
        mlflow.log_input(data, context="training")
    inputs = client.get_run(run.info.run_id).inputs.dataset_inputs
    assert len(inputs) == 1
    assert (inputs[0].dataset.name, inputs[0].dataset.digest) == ("holes", data.digest)
    assert (inputs[0].tags[0].key, inputs[0].tags[0].value) == ("mlflow.data.context", "training")
    assert len(client.search_runs([experiment], "dataset.name = 'holes'")) == 1
    assert len(client.search_runs([experiment], "dataset.context = 'test'")) == 0


# ---- artifacts ----


def test_artifacts_go_and_come_back(client, experiment, tmp_path):
    folder = tmp_path / "folder"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "one.txt").write_text("one")
    (folder / "deep" / "er" / "two with blank ä.bin").write_bytes(bytes(range(256)) * 20000)
    with mlflow.start_run() as run:
        mlflow.log_artifact(str(folder / "one.txt"))
        mlflow.log_artifact(str(folder / "one.txt"), "sub/dir")
        mlflow.log_artifacts(str(folder), "all")
        mlflow.log_text("hello", "notes/hello.txt")
        mlflow.log_dict({"a": 1}, "d.json")
    ident = run.info.run_id
    assert [(f.path, f.is_dir) for f in client.list_artifacts(ident)] == [
        ("all", True), ("d.json", False), ("notes", True), ("one.txt", False), ("sub", True)]
    assert [f.path for f in client.list_artifacts(ident, "sub/dir")] == ["sub/dir/one.txt"]
    assert client.list_artifacts(ident, "one.txt") == [] or NEW
    assert client.list_artifacts(ident, "absent") == []
    target = tmp_path / "got"
    target.mkdir()
    client.download_artifacts(ident, "", str(target)) if not NEW else mlflow.artifacts.download_artifacts(
        run_id=ident, artifact_path="", dst_path=str(target))
    big = "all/deep/er/two with blank ä.bin"
    assert (target / big).read_bytes() == bytes(range(256)) * 20000
    assert mlflow.artifacts.load_text(f"runs:/{ident}/notes/hello.txt") == "hello"


# ---- models ----


def train():
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])


def log_sklearn(name, **more):
    first = {"name": name} if NEW else {"artifact_path": name}
    return mlflow.sklearn.log_model(train(), **first, input_example=pandas.DataFrame({"x": [1.0]}), **more)


def test_a_model_from_a_run_to_an_alias(client, experiment):
    name = uuid.uuid4().hex
    with mlflow.start_run() as run:
        logged = log_sklearn("model", registered_model_name=name)
    version = client.get_model_version(name, "1")
    assert (version.status, version.run_id, version.current_stage) == ("READY", run.info.run_id, "None")
    client.set_registered_model_alias(name, "champion", "1")
    assert client.get_model_version_by_alias(name, "champion").version in ("1", 1)
    for uri in (f"models:/{name}@champion", f"models:/{name}/1", logged.model_uri):
        model = mlflow.sklearn.load_model(uri)
        assert abs(model.predict([[10.0]])[0] - 21) < 1e-9
    model = mlflow.pyfunc.load_model(f"models:/{name}@champion")
    assert abs(model.predict(pandas.DataFrame({"x": [3.0]}))[0] - 7) < 1e-9
    mlflow.register_model(logged.model_uri, name)
    assert {v.version for v in client.search_model_versions(f"name = '{name}'")} <= {"1", "2", 1, 2}
    assert len(client.search_model_versions(f"name='{name}'")) == 2
    assert client.get_registered_model(name).aliases == {"champion": "1"}
    client.delete_registered_model_alias(name, "champion")
    assert error_of(client.get_model_version_by_alias, name, "champion")[0] == "INVALID_PARAMETER_VALUE"


def test_a_model_as_onnx(client, experiment):
    onnx = pytest.importorskip("onnx")
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["x", "x"], ["y"])], "double",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None, 1])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [None, 1])])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    with mlflow.start_run():
        first = {"name": "onnx"} if NEW else {"artifact_path": "onnx"}
        logged = mlflow.onnx.log_model(model, **first, pip_requirements=[])
    assert mlflow.onnx.load_model(logged.model_uri) == model


def test_stages_and_the_registry(client, experiment):
    name = uuid.uuid4().hex
    client.create_registered_model(name, tags={"k": "v"}, description="first words")
    code, text = error_of(client.create_registered_model, name)
    assert code == "RESOURCE_ALREADY_EXISTS" and f"Registered Model (name={name}) already exists" in text
    for i in range(3):
        made = client.create_model_version(name, f"s3://bucket/{i}", tags={"i": str(i)}, description=f"no {i}")
        assert str(made.version) == str(i + 1)
    for number in ("1", "2"):
        client.transition_model_version_stage(name, number, "production")
    client.transition_model_version_stage(name, "3", "Production", archive_existing_versions=True)
    stages = {str(v.version): v.current_stage for v in client.search_model_versions(f"name='{name}'")}
    assert stages == {"1": "Archived", "2": "Archived", "3": "Production"}
    assert [str(v.version) for v in client.get_latest_versions(name, ["Production"])] == ["3"]
    assert error_of(client.transition_model_version_stage, name, "1", "nowhere")[0] == "INVALID_PARAMETER_VALUE"
    client.update_model_version(name, "1", "other words")
    client.set_model_version_tag(name, "1", "quality", "good")
    found = client.get_model_version(name, "1")
    assert (found.description, found.tags["quality"]) == ("other words", "good")
    client.delete_model_version_tag(name, "1", "quality")
    assert client.get_model_version_download_uri(name, "2") == "s3://bucket/1"
    client.delete_model_version(name, "3")
    assert error_of(client.get_model_version, name, "3")[0] == "RESOURCE_DOES_NOT_EXIST"
    assert str(client.create_model_version(name, "s3://bucket/9").version) == "4"
    client.rename_registered_model(name, name + "-new")
    client.update_registered_model(name + "-new", "new words")
    client.set_registered_model_tag(name + "-new", "a", "b")
    model = client.get_registered_model(name + "-new")
    assert (model.description, model.tags) == ("new words", {"k": "v", "a": "b"})
    client.delete_registered_model_tag(name + "-new", "a")
    client.delete_registered_model(name + "-new")
    assert "not found" in error_of(client.get_registered_model, name)[1]


def test_models_are_found_and_paged(client):
    prefix = uuid.uuid4().hex
    for i in range(5):
        client.create_registered_model(f"{prefix}-{i}", tags={"n": str(i % 2)})
        client.create_model_version(f"{prefix}-{i}", "s3://bucket/x")
    like = f"name LIKE '{prefix}%'"
    found, token = [], None
    while True:
        page = client.search_registered_models(like, max_results=2, page_token=token, order_by=["name DESC"])
        found += [m.name[-1] for m in page]
        token = page.token
        if not token:
            break
    assert found == list("43210")
    assert len(client.search_registered_models(f"{like} AND tags.n = '0'")) == 3
    assert len(client.search_model_versions(like, max_results=3)) == 3
    assert error_of(client.search_registered_models, "name > 'x'")[0] == "INVALID_PARAMETER_VALUE"


@pytest.mark.skipif(sys.platform != "linux", reason="a path of Linux")
@pytest.mark.parametrize("source", ["/etc", "file:///etc", "mlflow-artifacts:/../../etc", "http://h/../../etc",
                                    "mlflow-artifacts:/%2e%2e/%2e%2e/etc", "file:///etc/../etc/passwd"])
def test_a_source_cannot_lead_out(client, source):
    name = uuid.uuid4().hex
    client.create_registered_model(name)
    assert error_of(client.create_model_version, name, source)[0] in ("INVALID_PARAMETER_VALUE", "PERMISSION_DENIED")


@pytest.mark.skipif(not NEW, reason="logged models are of MLflow 3")
def test_logged_models(client, experiment):
    with mlflow.start_run() as run:
        logged = log_sklearn("first", params={"alpha": "1"})
        mlflow.log_metric("accuracy", 0.9, model_id=logged.model_id)
        log_sklearn("second")
    model = mlflow.get_logged_model(logged.model_id)
    assert (model.name, model.source_run_id, str(model.status)) == ("first", run.info.run_id, "READY")
    assert model.params["alpha"] == "1" and model.metrics[0].value == 0.9
    client.set_logged_model_tags(logged.model_id, {"good": "yes"})
    assert mlflow.get_logged_model(logged.model_id).tags["good"] == "yes"
    client.delete_logged_model_tag(logged.model_id, "good")
    found = mlflow.search_logged_models([experiment], filter_string="name = 'first'", output_format="list")
    assert [m.model_id for m in found] == [logged.model_id]
    found = client.search_logged_models([experiment], max_results=1)
    assert len(found) == 1 and found.token
    outputs = client.get_run(run.info.run_id).outputs.model_outputs
    assert {o.model_id for o in outputs} >= {logged.model_id}
    assert "MLmodel" in {f.path for f in client.list_logged_model_artifacts(logged.model_id)}
    client.delete_logged_model(logged.model_id)
    assert error_of(client.get_logged_model, logged.model_id)[0] == "RESOURCE_DOES_NOT_EXIST"


@pytest.mark.skipif(NEW, reason="clients since MLflow 3 log models otherwise")
def test_models_of_old_clients_are_remembered(client, experiment):
    with mlflow.start_run() as run:
        log_sklearn("one")
        log_sklearn("two")
    history = client.get_run(run.info.run_id).data.tags["mlflow.log-model.history"]
    assert '"artifact_path":"one"' in history and '"artifact_path":"two"' in history


def test_autolog(client, experiment):
    mlflow.sklearn.autolog(log_models=False, silent=True)
    try:
        with mlflow.start_run() as run:
            train()
    finally:
        mlflow.sklearn.autolog(disable=True, silent=True)
    assert client.get_run(run.info.run_id).data.params["fit_intercept"] == "True"


# ---- webhooks and prompts: clients of MLflow 3 ----


class Receiver(http.server.BaseHTTPRequestHandler):
    got = queue.Queue()

    def do_POST(self):  # noqa: N802: the library's name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Receiver.got.put((dict(self.headers), body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook"
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(not NEW, reason="webhooks came with MLflow 3.3")
def test_webhooks(client, receiver):
    hook = client.create_webhook(name="tell-me", url=receiver, events=["model_version.created", "model_version_tag.set"],
                                 secret="a secret", description="for tests")
    assert hook.secret is None and hook.description == "for tests" and str(hook.status) == "ACTIVE"
    assert [str(event) for event in hook.events] == ["model_version.created", "model_version_tag.set"]
    assert client.get_webhook(hook.webhook_id).url == receiver
    assert hook.webhook_id in [one.webhook_id for one in client.list_webhooks()]
    name = uuid.uuid4().hex
    client.create_registered_model(name)
    client.create_model_version(name, "s3://bucket/model", tags={"a": "b"})
    headers, body = Receiver.got.get(timeout=300)
    data = json.loads(body)
    assert (data["entity"], data["action"]) == ("model_version", "created")
    assert data["data"] == {"name": name, "version": "1", "source": "s3://bucket/model", "run_id": None,
                            "tags": {"a": "b"}, "description": None}
    text = f"{headers['X-MLflow-Delivery-Id']}.{headers['X-MLflow-Timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.new(b"a secret", text, hashlib.sha256).digest()).decode()
    assert headers["X-MLflow-Signature"] == f"v1,{digest}"
    client.set_model_version_tag(name, "1", "k", "v")
    assert json.loads(Receiver.got.get(timeout=300)[1])["data"]["value"] == "v"
    result = client.test_webhook(hook.webhook_id)
    assert result.success and result.response_status == 200
    Receiver.got.get(timeout=300)
    changed = client.update_webhook(hook.webhook_id, status="DISABLED", name="tell-nobody")
    assert changed.name == "tell-nobody" and str(changed.status) == "DISABLED"
    client.set_model_version_tag(name, "1", "k", "w")
    client.delete_webhook(hook.webhook_id)
    assert Receiver.got.empty()
    assert error_of(client.get_webhook, hook.webhook_id)[0] == "RESOURCE_DOES_NOT_EXIST"
    code, message = error_of(client.create_webhook, name="-", url=receiver, events=["model_version.created"])
    assert code == "INVALID_PARAMETER_VALUE" and "is invalid" in message


@pytest.mark.skipif(not NEW, reason="prompts of this kind came with MLflow 3")
def test_prompts(client):
    name = "prompt-" + uuid.uuid4().hex[:8]
    prompt = mlflow.genai.register_prompt(name=name, template="Hello {{you}}", commit_message="first", tags={"a": "b"})
    assert prompt.version == 1
    assert mlflow.genai.load_prompt(f"prompts:/{name}/1").template == "Hello {{you}}"
    mlflow.genai.register_prompt(name=name, template="Bye {{you}}")
    mlflow.genai.set_prompt_alias(name, alias="best", version=2)
    assert mlflow.genai.load_prompt(f"prompts:/{name}@best").template == "Bye {{you}}"
    assert name in [one.name for one in mlflow.genai.search_prompts()]
    assert name not in [one.name for one in client.search_registered_models(max_results=1000)]
    assert not [one for one in client.search_model_versions() if one.name == name]
    plain = uuid.uuid4().hex
    client.create_registered_model(plain)
    found = client.search_registered_models(filter_string="tags.`mlflow.prompt.is_prompt` != 'true'", max_results=1000)
    assert plain in [one.name for one in found] and name not in [one.name for one in found]
    mlflow.genai.delete_prompt_alias(name, alias="best")


def test_multipart_uploads(client, experiment, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD", "true")
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE", str(5 << 20))
    monkeypatch.setenv("MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE", str(5 << 20))
    data = os.urandom((16 << 20) + 7)
    (tmp_path / "big.bin").write_bytes(data)
    run = client.create_run(experiment).info.run_id
    client.log_artifact(run, str(tmp_path / "big.bin"), "dir")
    folder = tmp_path / "back"
    folder.mkdir()
    back = client.download_artifacts(run, "dir/big.bin", str(folder))
    with open(back, "rb") as file:
        assert file.read() == data
    assert [one.file_size for one in client.list_artifacts(run, "dir")] == [len(data)]
