# SPDX-License-Identifier: Apache-2.0
"""A server under steady load must not grow: memory and descriptors are looked at while clients write, read, upload,
listen and make mistakes at about 70 % of what they can drive. A few seconds by default (more on a machine that does too
little in them), ten minutes with AUGER_TEST_FULL=1 ($AUGER_SOAK_SECONDS)."""
import http.client
import os
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from serving import FULL, Refused, Serving  # noqa: E402

SECONDS = float(os.environ.get("AUGER_SOAK_SECONDS", "600" if FULL else "2"))
CLIENTS = 8
LOAD = 0.7
LOOKS = 20
STEP = 50  # operations of all clients between two looks, at the least


class Worker:
    """One client in a loop; between two operations it waits so that it is busy for the wanted share of the time."""

    def __init__(self, client, address):
        self.client, self.address, self.count, self.run = client, address, 0, None

    def one(self):
        self.count += 1
        i = self.count
        if i % 200 == 1:
            self.run = self.client.new_run()
        if i % 50 == 7:
            path = f"/api/2.0/mlflow-artifacts/artifacts/0/{self.run}/artifacts/f{i}"
            self.client.raw("PUT", path, b"x" * 50_000)
            self.client.raw("GET", path)
            self.client.raw("DELETE", path)
        elif i % 50 == 8:
            self.client.post("runs/search", experiment_ids=["0"], max_results=20, order_by=["metrics.m DESC"])
        elif i % 50 == 9:
            self.mistake()
        elif i % 100 == 10:
            self.listen()
        elif i % 5 == 0:
            self.client.get("runs/get", run_id=self.run)
        else:
            self.client.post("runs/log-metric", run_id=self.run, key="m", value=i, timestamp=i, step=i)

    def mistake(self):
        try:
            self.client.get("runs/get", run_id="0" * 32)
        except Refused:
            pass

    def listen(self):
        other = http.client.HTTPConnection(self.address.removeprefix("http://"), timeout=300)
        other.request("GET", f"/api/auger/v1/events?run_id={self.run}")
        other.getresponse().read(8)
        other.close()

    def loop(self, done, share):
        while not done.is_set():
            began = time.monotonic()
            self.one()
            if share < 1:
                time.sleep((time.monotonic() - began) * (1 / share - 1))


def resident(process):
    text = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]) // 1024


def descriptors(process):
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


class Soak(Serving):
    def soak(self, kind, room):
        server = self.serve(self.database(kind))
        self.addCleanup(server.stop)
        workers = [Worker(self.client(server), server.address) for _ in range(CLIENTS)]
        fast = self.drive(workers, 1, LOOKS // 10, lambda: None)
        samples = []
        slow = self.drive(workers, LOAD, LOOKS,
                          lambda: samples.append((resident(server.process.pid), descriptors(server.process.pid))))
        early = max(memory for memory, _ in samples[2:8])
        late = min(memory for memory, _ in samples[-4:])
        self.assertLessEqual(late, early + room, f"resident MiB: {[memory for memory, _ in samples]}")
        self.assertLessEqual(min(count for _, count in samples[-4:]), max(count for _, count in samples[2:8]) + 8)
        if SECONDS > 10:
            print(f"soak on {kind}: {SECONDS:.0f} s, {slow:.0f} operations a second ({slow / fast:.0%} of the fastest), "
                  f"resident MiB {[memory for memory, _ in samples]}, descriptors {samples[0][1]}..{samples[-1][1]}",
                  file=sys.stderr)

    def test_postgres__memory_and_descriptors_do_not_grow(self):
        self.soak("postgres", 4)

    def test_sqlite__memory_grows_by_page_caches_alone(self):
        self.soak("sqlite", 64)  # a cache of up to 16 MiB per connection, which fills as the file grows

    def drive(self, workers, share, looks, look):
        """Runs the workers until look() has been called that often, each time after a step of time and of operations.
        Returns the operations per second."""
        done, failures = threading.Event(), []

        def work(worker):
            try:
                worker.loop(done, share)
            except Exception as error:  # pylint: disable=broad-exception-caught: looked at below
                failures.append(error)

        def count():
            return sum(worker.count for worker in workers)

        threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
        began, before = time.monotonic(), count()
        for thread in threads:
            thread.start()
        for _ in range(looks):
            until, wanted = time.monotonic() + SECONDS / LOOKS, count() + STEP
            while (time.monotonic() < until or count() < wanted) and not failures:
                time.sleep(0.01)
            look()
        rate = (count() - before) / (time.monotonic() - began)
        done.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        return rate


if __name__ == "__main__":
    unittest.main()
