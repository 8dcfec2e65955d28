# SPDX-License-Identifier: Apache-2.0
"""Schemathesis against /openapi.json of a running server, with sanitizers where they are built: whatever it sends, it
gets no 5xx, no status, type or body that the description does not have, and the server neither crashes nor leaks."""
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import mlflow_server  # noqa: E402

SOURCE = Path(os.environ.get("AUGER_SOURCE", "."))
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
EXAMPLES = os.environ.get("AUGER_EXAMPLES", "200" if os.environ.get("AUGER_TEST_FULL") == "1" else "15")


@pytest.fixture(params=["sqlite", "postgres"])
def server(request, tmp_path, monkeypatch):
    options, postgres = ["--expose-prometheus", "x"], None
    if (SOURCE / "build-asan/auger").exists():
        monkeypatch.setattr(mlflow_server, "BUILD", SOURCE / "build-asan")
    if request.param == "postgres":
        try:
            postgres = mlflow_server.Postgres()
        except (FileNotFoundError, KeyError):
            pytest.skip("PostgreSQL is not installed")
        options += ["--backend-store-uri", postgres.database("schemathesis")]
    running = mlflow_server.Auger(tmp_path / "home", *options)
    yield running
    if running.process.poll() is None:
        running.stop()
    if postgres:
        postgres.stop()


def test_the_server_does_what_its_description_says(server, tmp_path):
    done = subprocess.run(
        [Path(sys.executable).parent / "schemathesis", "run", f"{server.address}/openapi.json", "--checks", CHECKS,
         "--exclude-path", "/api/auger/v1/events", "--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES,
         "--workers", "1", "--request-timeout", "300", "--seed", os.environ.get("AUGER_SEED", "1"), "--no-color"],
        capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout[-20000:]
    assert server.stop() == 0, "the server crashed, or a sanitizer found something"
