# SPDX-License-Identifier: Apache-2.0
"""What the tests of a running `auger serve` share: the server on either database, and a client of one connection."""
import http.client
import json
import os
import shutil
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "peers"))

from mlflow_server import Auger, Postgres  # noqa: E402: they lie with the peers

API = "/api/2.0/mlflow/"
FULL = os.environ.get("AUGER_TEST_FULL") == "1"


class Refused(Exception):
    """An answer that is not 200."""

    def __init__(self, status, text):
        super().__init__(f"{status}: {text[:400]}")
        self.status, self.text = status, text


class Client:
    """One kept connection."""

    def __init__(self, address, timeout=300):
        self.connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=timeout)

    def raw(self, method, path, body=None, headers=None):
        self.connection.request(method, path, body=body, headers=headers or {})
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise Refused(answer.status, data.decode(errors="replace"))
        return data

    def post(self, path, **body):
        return json.loads(self.raw("POST", API + path, json.dumps(body), {"Content-Type": "application/json"}))

    def get(self, path, **query):
        words = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
        return json.loads(self.raw("GET", f"{API}{path}?{words}"))

    def new_run(self, experiment="0"):
        return self.post("runs/create", experiment_id=experiment)["run"]["info"]["run_id"]

    def close(self):
        self.connection.close()


class Serving(unittest.TestCase):
    """A directory per test, and a database on request."""

    postgres = None

    def setUp(self):
        self.home = Path(tempfile.mkdtemp(prefix="auger-serving-"))
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)

    def database(self, kind):
        """The options that name a fresh database."""
        if kind == "sqlite":
            return []
        if Serving.postgres is None:
            try:
                Serving.postgres = Postgres("-c", "fsync=off")  # processes die here, not the machine
            except (FileNotFoundError, KeyError):
                self.skipTest("PostgreSQL is not installed")
            unittest.addModuleCleanup(stop_postgres)
        name = "s" + self.home.name.lower().translate({ord(c): "x" for c in "-_"})
        return ["--backend-store-uri", Serving.postgres.database(name)]

    def serve(self, options):
        return Auger(self.home / "home", *options)

    def client(self, server):
        client = Client(server.address)
        self.addCleanup(client.close)
        return client


def stop_postgres():
    Serving.postgres.stop()
    Serving.postgres = None


def in_threads(work, count):
    """Runs work(number) in that many threads at once; the first failure of one is raised."""
    failures = []

    def run(number):
        try:
            work(number)
        except BaseException as failure:  # pylint: disable=broad-exception-caught: it is raised below
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
