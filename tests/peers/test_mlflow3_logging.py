# SPDX-License-Identifier: Apache-2.0
"""The C API of the ledger against MLflow's own server: everything arrives and is read with MLflow's client, also when the
server is away at first, and once only when its answers are lost."""
import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

import pytest
from mlflow.tracking import MlflowClient
from ended import Group, with_parent
from reserved_port import ReservedPort

PROGRAM = Path(os.environ.get("AUGER_BUILD", "build")) / "tests/peer-logging"
STEPS = 2500


class Mlflow:
    """`mlflow server` on SQLite, one worker, without the eight processes that run its jobs, each of which loads all of
    MLflow first. `reserved`: the caller's port, on which a server is started again."""

    def __init__(self, directory, reserved=None):
        self.own = None if reserved else ReservedPort()
        self.port = (reserved or self.own).number
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = open(Path(directory) / "mlflow.log", "a", encoding="utf-8")
        self.group = Group(
            [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{directory}/mlflow.db",
             "--artifacts-destination", f"{directory}/artifacts", "--host", "127.0.0.1", "--port", str(self.port),
             "--workers", "1"], stdout=self.log, stderr=self.log,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"})
        for _ in range(3000):
            try:
                with urllib.request.urlopen(self.address + "/health", timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("mlflow server did not start")

    def stop(self):
        self.group.stop()
        self.log.close()
        if self.own:
            self.own.close()


class Lossy(socketserver.ThreadingTCPServer):
    """Passes requests on, and swallows the answer to the first of each kind: the server has done it, nobody knows."""
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port, paths):
        super().__init__(("127.0.0.1", 0), Passing)
        self.to, self.paths, self.lock, self.lost = port, set(paths), threading.Lock(), []

    def is_lost(self, head):
        path = head.split(b" ")[1].decode()
        with self.lock:
            for wanted in self.paths:
                if wanted in path and head.startswith(b"POST"):
                    self.paths.remove(wanted)
                    self.lost.append(wanted)
                    return True
        return False


def read_message(stream):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return b""
        head += line
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return head + stream.read(length)


class Passing(socketserver.StreamRequestHandler):
    def handle(self):
        with socket.create_connection(("127.0.0.1", self.server.to)) as there, there.makefile("rwb") as stream:
            while request := read_message(self.rfile):
                stream.write(request)
                stream.flush()
                answer = read_message(stream)
                if self.server.is_lost(request) or not answer:
                    return
                self.wfile.write(answer)


@pytest.fixture
def directory(tmp_path):
    return tmp_path


@pytest.fixture
def port():
    with ReservedPort() as reserved:
        yield reserved


def log(address, spool, steps=STEPS, wait=60000):
    ended = subprocess.run([PROGRAM, address, spool, str(steps), str(wait)], stdout=subprocess.PIPE, text=True, timeout=300,
                           check=True)
    return dict(line.split(" ", 1) if " " in line else (line, "") for line in ended.stdout.splitlines())


def expect_everything(address, run_id):
    """`run_id`: the client's. Each thing once."""
    client = MlflowClient(address, address)  # the registry is not where an earlier test left it
    experiment = client.get_experiment_by_name("from C")
    found = client.search_runs([experiment.experiment_id], f"tags.`auger.client_run` = '{run_id}'")
    assert len(found) == 1
    run = found[0]
    assert run.info.status == "FINISHED" and run.info.run_name == "outer"
    assert run.data.params == {"a": "1", "b": "two"}
    assert run.data.tags["colour"] == "blue"
    history = client.get_metric_history(run.info.run_id, "loss")
    assert sorted(point.step for point in history) == list(range(STEPS))
    assert len(client.get_metric_history(run.info.run_id, "odd")) == 2
    assert [file.path for file in client.list_artifacts(run.info.run_id, "model")] == ["model/the weights.bin"]
    assert [used.dataset.name for used in run.inputs.dataset_inputs] == ["holes"]
    inner = client.search_runs([experiment.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'")
    assert [(child.info.run_name, child.info.status) for child in inner] == [("inner", "FAILED")]
    versions = client.search_model_versions("name = 'drill'")
    assert [(version.version, version.run_id) for version in versions] == [("1", run.info.run_id)] or \
        [(version.version, version.run_id) for version in versions] == [(1, run.info.run_id)]
    assert client.get_model_version_download_uri("drill", "1").endswith("/artifacts/model")


def test_everything_arrives_and_what_is_refused_is_told(directory):
    server = Mlflow(directory)
    try:
        told = log(server.address, directory / "spool")
        assert told["version"] == "1" and "delivered" in told
        expect_everything(server.address, told["run"])
        failed = [json.loads(line) for line in (directory / "spool/failed.jsonl").read_text().splitlines()]
        assert [(line["kind"], line["key"], line["value"]) for line in failed] == [("parameter", "a", "other")]
    finally:
        server.stop()


def test_lost_answers_double_nothing(directory):
    server = Mlflow(directory)
    lossy = Lossy(server.port, ["experiments/create", "runs/create", "runs/log-batch", "runs/log-inputs",
                                "registered-models/create", "model-versions/create", "runs/update"])
    threading.Thread(target=lossy.serve_forever, daemon=True).start()
    try:
        told = log(f"http://127.0.0.1:{lossy.server_address[1]}", directory / "spool")
        assert told["version"] == "1" and "delivered" in told
        assert len(lossy.lost) == 7
        expect_everything(server.address, told["run"])
    finally:
        lossy.shutdown()
        lossy.server_close()
        server.stop()


def test_a_server_that_comes_later_gets_it_from_the_next_program(directory, port):
    told = log(f"http://127.0.0.1:{port.number}", directory / "spool", wait=300)
    assert told["version"] == "0" and "wait in the spool" in told["left:"]
    server = Mlflow(directory, port)
    try:
        assert "delivered" in log(server.address, directory / "spool", steps=0)
        expect_everything(server.address, told["run"])
    finally:
        server.stop()


def test_a_server_that_ends_in_the_midst(directory, port):
    """The second program finds the run that the first has started by what the spool noted of it."""
    server = Mlflow(directory, port)
    program = subprocess.Popen([PROGRAM, server.address, directory / "spool", str(STEPS), "4000"], stdout=subprocess.PIPE,
                               text=True, preexec_fn=with_parent())
    run_id = program.stdout.readline().split()[1]
    time.sleep(0.15)
    server.stop()
    program.communicate(timeout=300)
    server = Mlflow(directory, port)
    try:
        assert "delivered" in log(server.address, directory / "spool", steps=0)
        expect_everything(server.address, run_id)
    finally:
        server.stop()
