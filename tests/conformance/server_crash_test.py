# SPDX-License-Identifier: Apache-2.0
"""`kill -9` of the server under 8 writers, again and again: whatever was acknowledged over HTTP (metrics, parameters,
tags, ends of runs, bytes of artifacts, versions and their stages) is there after the next start, on SQLite and on
PostgreSQL. $AUGER_CRASH_ROUNDS says how often it is killed."""
import hashlib
import http.client
import os
import random
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from serving import FULL, Client, Serving, in_threads  # noqa: E402

ROUNDS = int(os.environ.get("AUGER_CRASH_ROUNDS", "100" if FULL else "3"))
WRITERS = 8
AWAY = (OSError, http.client.HTTPException)
PROXY = "/api/2.0/mlflow-artifacts/artifacts/"


class Writer:
    """Writes until the server is gone; keeps what was acknowledged, and the one thing that may or may not be there."""

    def __init__(self, number, seed):
        self.random, self.number = random.Random(f"{seed}-{number}"), number
        self.facts, self.run, self.count, self.model, self.stages = [], None, 0, None, {}

    def write(self, address):
        client = Client(address, timeout=300)
        self.run = self.model = None
        try:
            while True:
                self.one(client)
        except AWAY:
            pass
        finally:
            client.close()

    def one(self, client):
        if self.run is None:
            self.run = client.new_run()
            self.facts.append(("run", self.run))
        kind = self.random.choice(("metric", "metric", "batch", "tag", "artifact", "end", "version"))
        self.count += 1
        getattr(self, kind)(client, self.count)

    def metric(self, client, count):
        client.post("runs/log-metric", run_id=self.run, key="m", value=count / 7, timestamp=count, step=count)
        self.facts.append(("metric", self.run, "m", count, count / 7))

    def batch(self, client, count):
        points = [{"key": f"b{i}", "value": count + i, "timestamp": count, "step": count} for i in range(5)]
        client.post("runs/log-batch", run_id=self.run, metrics=points, params=[{"key": f"p{count}", "value": "v"}],
                    tags=[{"key": f"t{count}", "value": str(count)}])
        self.facts += [("metric", self.run, f"b{i}", count, count + i) for i in range(5)]
        self.facts += [("params", self.run, f"p{count}", "v"), ("tags", self.run, f"t{count}", str(count))]

    def tag(self, client, count):
        client.post("runs/set-tag", run_id=self.run, key=f"s{count}", value="x" * (count % 50))
        self.facts.append(("tags", self.run, f"s{count}", "x" * (count % 50)))

    def artifact(self, client, count):
        data = self.random.randbytes(self.random.choice((0, 1, 1000, 100_000)))
        path = f"{PROXY}0/{self.run}/artifacts/f{count}"
        client.raw("PUT", path, data)
        self.facts.append(("artifact", path, hashlib.sha256(data).hexdigest()))

    def end(self, client, _):
        run, self.run = self.run, None
        client.post("runs/update", run_id=run, status="FINISHED", end_time=1_700_000_000_000)
        self.facts.append(("ended", run))

    def version(self, client, count):
        if self.model is None:
            model = f"model-{self.number}-{self.random.getrandbits(64):x}"
            client.post("registered-models/create", name=model)
            self.model = model
            self.facts.append(("model", model))
        made = client.post("model-versions/create", name=self.model, source="s3://bucket/model")["model_version"]
        self.facts.append(("version", self.model, made["version"]))
        if count % 2:
            client.post("model-versions/transition-stage", name=self.model, version=made["version"], stage="Staging",
                        archive_existing_versions=False)
            self.facts.append(("stage", self.model, made["version"], "Staging"))


class Checker:
    """Looks at facts; a run is asked for once."""

    def __init__(self, address):
        self.client, self.runs, self.histories = Client(address), {}, {}

    def data(self, run):
        if run not in self.runs:
            self.runs[run] = self.client.get("runs/get", run_id=run)["run"]
        return self.runs[run]

    def history(self, run, key):
        if (run, key) not in self.histories:
            points = self.client.get("metrics/get-history", run_id=run, metric_key=key).get("metrics", [])
            self.histories[run, key] = {(point["step"], point["value"]) for point in points}
        return self.histories[run, key]

    def holds(self, fact):
        kind, *rest = fact
        if kind == "run":
            return self.data(rest[0])["info"]["run_id"] == rest[0]
        if kind == "metric":
            return (rest[2], rest[3]) in self.history(rest[0], rest[1])
        if kind in ("params", "tags"):
            return {"key": rest[1], "value": rest[2]} in self.data(rest[0])["data"].get(kind, [])
        if kind == "ended":
            return self.data(rest[0])["info"]["status"] == "FINISHED"
        if kind == "artifact":
            return hashlib.sha256(self.client.raw("GET", rest[0])).hexdigest() == rest[1]
        if kind == "model":
            return self.client.get("registered-models/get", name=rest[0])["registered_model"]["name"] == rest[0]
        found = self.client.get("model-versions/get", name=rest[0], version=rest[1])["model_version"]
        return found["version"] == rest[1] and (kind == "version" or found["current_stage"] == rest[2])


class Crash(Serving):
    def rounds(self, kind):
        options, seed = self.database(kind), os.environ.get("AUGER_SEED", "1")
        chance = random.Random(seed)
        writers = [Writer(number, seed) for number in range(WRITERS)]
        checked = starts = 0
        server = self.serve(options)
        for _ in range(ROUNDS):
            address = server.address
            writing = threading.Thread(target=in_threads, args=(lambda n, at=address: writers[n].write(at), WRITERS))
            known = self.count(writers)
            writing.start()
            while writing.is_alive() and self.count(writers) == known:  # until they are at work, on any machine
                time.sleep(0.005)
            time.sleep(chance.uniform(0.03, 0.4))
            server.process.kill()
            server.process.wait(300)
            writing.join()
            server.close()
            began = time.monotonic()
            server = self.serve(options)
            starts = max(starts, time.monotonic() - began)
            checked += self.check(server.address, [fact for writer in writers for fact in writer.facts])
            for writer in writers:
                writer.facts = self.kept(chance, writer.facts)
        self.assertEqual(server.stop(), 0)
        self.assertGreater(checked, 0)
        if ROUNDS > 3:
            print(f"{kind}: {ROUNDS} kills, {checked} acknowledged facts looked at, slowest start {starts:.2f} s",
                  file=sys.stderr)

    @staticmethod
    def count(writers):
        return sum(len(writer.facts) for writer in writers)

    @staticmethod
    def kept(chance, facts):
        """A few of the old ones are looked at again after later crashes."""
        return chance.sample(facts, min(len(facts), 10))

    def check(self, address, facts):
        checker = Checker(address)
        for fact in facts:
            self.assertTrue(checker.holds(fact), f"lost: {fact}")
        checker.client.close()
        return len(facts)

    def test_sqlite__nothing_acknowledged_is_lost(self):
        self.rounds("sqlite")

    def test_postgres__nothing_acknowledged_is_lost(self):
        self.rounds("postgres")


if __name__ == "__main__":
    unittest.main()
