# SPDX-License-Identifier: Apache-2.0
"""Crowds: 64 writers while readers list and search all the time, and nobody hears of a lock; two servers on one
PostgreSQL that agree about everything."""
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from serving import FULL, Client, Refused, Serving, in_threads  # noqa: E402

WRITERS, READERS = 64, 6
OPERATIONS = 200 if FULL else 8


class Crowd(Serving):
    def crowd(self, kind):
        server = self.serve(self.database(kind))
        self.addCleanup(server.stop)
        runs, done = [None] * WRITERS, threading.Event()
        errors = []

        def write(number):
            client = Client(server.address)
            run = runs[number] = client.new_run()
            for i in range(OPERATIONS):
                client.post("runs/log-metric", run_id=run, key="m", value=i, timestamp=i + 1, step=i)
                client.post("runs/log-batch", run_id=run, params=[{"key": f"p{i}", "value": "v"}],
                            metrics=[{"key": f"b{k}", "value": i, "timestamp": i, "step": i} for k in range(3)],
                            tags=[{"key": "last", "value": str(i)}])
            client.post("runs/update", run_id=run, status="FINISHED", end_time=5)
            client.close()

        def read(number):
            client = Client(server.address)
            while not done.is_set():
                if number % 3 == 0:
                    client.post("runs/search", experiment_ids=["0"], filter="metrics.m >= 0", max_results=50,
                                order_by=["metrics.m DESC"])
                elif number % 3 == 1:
                    client.post("experiments/search", max_results=10)
                else:
                    run = next((one for one in runs if one), None)
                    if run:
                        client.get("metrics/get-history", run_id=run, metric_key="m")
            client.close()

        def watched(work):
            def run(number):
                try:
                    work(number)
                except Exception as error:  # pylint: disable=broad-exception-caught: counted below
                    errors.append(error)
            return run

        reading = threading.Thread(target=in_threads, args=(watched(read), READERS))
        reading.start()
        in_threads(watched(write), WRITERS)
        done.set()
        reading.join()
        self.assertEqual(errors, [])
        client = self.client(server)
        for run in runs:
            found = client.get("runs/get", run_id=run)["run"]
            self.assertEqual(found["info"]["status"], "FINISHED")
            self.assertEqual(len(found["data"]["params"]), OPERATIONS)
            points = client.get("metrics/get-history", run_id=run, metric_key="m")["metrics"]
            self.assertEqual([point["step"] for point in points], list(range(OPERATIONS)))

    def test_sqlite__64_writers_and_readers_hear_of_no_lock(self):
        self.crowd("sqlite")

    def test_postgres__64_writers_and_readers_hear_of_no_lock(self):
        self.crowd("postgres")


class Two(Serving):
    def setUp(self):
        super().setUp()
        options = self.database("postgres") + ["--artifacts-destination", str(self.home / "artifacts")]
        self.servers = [self.serve(options), self.serve(options)]
        for server in self.servers:
            self.addCleanup(server.stop)

    def clients(self):
        return [self.client(server) for server in self.servers]

    def test_two_servers__one_name_is_given_once(self):
        outcomes = []

        def make(number):
            client = Client(self.servers[number % 2].address)
            for i in range(10):
                try:
                    outcomes.append(("made", i, client.post("experiments/create", name=f"e{i}")["experiment_id"]))
                except Refused as refused:
                    self.assertIn("RESOURCE_ALREADY_EXISTS", refused.text)
            client.close()

        in_threads(make, 8)
        self.assertEqual(sorted(one[1] for one in outcomes), list(range(10)))
        self.assertEqual(len({one[2] for one in outcomes}), 10)

    def test_two_servers__versions_are_numbered_without_gap_or_repeat(self):
        self.client(self.servers[0]).post("registered-models/create", name="m")
        numbers = []

        def make(number):
            client = Client(self.servers[number % 2].address)
            for _ in range(5):
                made = client.post("model-versions/create", name="m", source="s3://b/m")["model_version"]["version"]
                numbers.append(int(made))
            client.close()

        in_threads(make, 8)
        self.assertEqual(sorted(numbers), list(range(1, 41)))

    def test_two_servers__see_what_the_other_has_acknowledged(self):
        one, other = self.clients()
        run = one.new_run()
        for i in range(20):
            writer, reader = (one, other) if i % 2 else (other, one)
            writer.post("runs/log-metric", run_id=run, key="m", value=i, timestamp=i + 1, step=i)
            self.assertEqual(len(reader.get("metrics/get-history", run_id=run, metric_key="m")["metrics"]), i + 1)
            writer.post("runs/set-tag", run_id=run, key="t", value=str(i))
            tags = reader.get("runs/get", run_id=run)["run"]["data"]["tags"]
            self.assertIn({"key": "t", "value": str(i)}, tags)
        path = f"/api/2.0/mlflow-artifacts/artifacts/0/{run}/artifacts/f"
        one.raw("PUT", path, b"bytes")
        self.assertEqual(other.raw("GET", path), b"bytes")
        with self.assertRaises(Refused) as caught:
            one.post("runs/log-parameter", run_id=run, key="p", value="a")
            other.post("runs/log-parameter", run_id=run, key="p", value="b")
        self.assertIn("Changing param values is not allowed", caught.exception.text)
        queries = {"experiment_ids": ["0"], "filter": "tags.t = '19'"}
        self.assertEqual(one.post("runs/search", **queries), other.post("runs/search", **queries))


if __name__ == "__main__":
    unittest.main()
