# SPDX-License-Identifier: Apache-2.0
"""`auger serve` beside `mlflow server`, on SQLite and on PostgreSQL: the same requests, from the same client program,
on the same cores, in turn, in one run.

Both have as many runs, with 20 metrics, 10 parameters and 5 tags each. Ours has 400 points in each run; MLflow's has
--peer-points in all, because filling its tables takes long: its searches read the latest points only, and the histories
that are asked for have the same length on both. MLflow's server runs with the number of workers that was best for
itself in a first round, without access log, security checks and job runners, with uvloop and httptools. The servers
(and PostgreSQL) have all cores but the last, the client has that one.

Usage: server.py [--runs N] [--rounds N] [--seconds S] [--databases LIST] [--only PATTERN] [--alone] [--folder D]
from the top of the tree, after `make bench` has built bench-server; --alone leaves MLflow out, --folder keeps what was
filled, so that the next run need not.
"""
import argparse
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/peers"))
from mlflow_server import Postgres  # noqa: E402: it lies with the tests

BUILD = pathlib.Path(os.environ.get("AUGER_BUILD", "build"))
CORES = sorted(os.sched_getaffinity(0))
SERVERS, CLIENT = (set(CORES[:-1]), {CORES[-1]}) if len(CORES) > 1 else (set(CORES), set(CORES))
API = "/api/2.0/mlflow"
KEYS, PARAMS, TAGS, LONG = 20, 10, 5, 10000
MEGABYTE = 1 << 20


PRIORITY = None  # of --priority


def on(cores):
    def prepare():
        os.sched_setaffinity(0, cores)
        if PRIORITY is not None:
            pathlib.Path("/proc/self/autogroup").write_text(str(PRIORITY))
    return prepare


# ---- servers ----

class Server:
    """One that runs; started anew for each measurement of starting."""

    def __init__(self, name, home, database):
        self.name, self.home, self.database, self.process = name, home, database, None
        home.mkdir(exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def start(self):
        """Seconds to the first good answer."""
        log = open(self.home / "log", "ab")
        begin = time.perf_counter()
        self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=self.home, preexec_fn=on(SERVERS),
                                        env=self.environment(), start_new_session=True)
        log.close()
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                connection.request("GET", f"{API}/experiments/get?experiment_id=0")
                if connection.getresponse().status == 200:
                    return time.perf_counter() - begin
            except OSError:
                pass
            finally:
                connection.close()
            if self.process.poll() is not None or time.perf_counter() - begin > 120:
                raise RuntimeError(f"{self.name} did not start: {(self.home / 'log').read_text()[-3000:]}")
            time.sleep(0.001)

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.process = None

    def environment(self):
        return dict(os.environ)

    def memory(self):
        """Megabytes of the process and all that it started; a page that several share is counted once."""
        total = 0
        for folder in pathlib.Path("/proc").iterdir():
            try:
                if folder.name.isdigit() and os.getsid(int(folder.name)) == self.process.pid:
                    for line in (folder / "smaps_rollup").read_text().splitlines():
                        if line.startswith("Pss:"):
                            total += int(line.split()[1])
            except OSError:
                pass
        return total / 1024

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        connection.request(method, path, json.dumps(body) if body is not None else None,
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{self.name}: {method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)


class Auger(Server):
    def command(self):
        options = ["--backend-store-uri", self.database] if self.database else []
        return [str(BUILD.resolve() / "auger"), "serve", "--home", str(self.home / "home"), "--port", str(self.port),
                "--no-access-log", *options]

    def fill(self, runs, _points):
        environment = dict(os.environ, AUGER_BENCH_RUNS=str(runs))
        if self.database:
            environment["AUGER_BENCH_POSTGRES"] = self.database
        subprocess.run([str(BUILD / "bench/bench-ledger"), str(self.home / "home"), "fill"], check=True,
                       env=environment, stdout=subprocess.DEVNULL)
        if self.database:  # as PostgreSQL does by itself after a minute
            import psycopg2
            connection = psycopg2.connect(self.database)
            connection.autocommit = True
            connection.cursor().execute("ANALYZE")
            connection.close()


class Mlflow(Server):
    workers = 4

    def uri(self):
        if self.database:
            return self.database.replace("postgresql://", "postgresql+psycopg2://")
        return f"sqlite:///{self.home}/mlflow.db"

    def command(self):
        return [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", self.uri(), "--host", "127.0.0.1",
                "--port", str(self.port), "--workers", str(self.workers), "--disable-security-middleware",
                "--artifacts-destination", str(self.home / "files"), "--uvicorn-opts",
                "--no-access-log --log-level error --loop uvloop --http httptools"]

    def environment(self):
        return dict(os.environ, MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false", MLFLOW_DISABLE_TELEMETRY="true",
                    DO_NOT_TRACK="true")

    def fill(self, runs, points):
        self.start()  # makes the tables
        self.stop()
        if self.database:
            import psycopg2
            connection = psycopg2.connect(self.database)
            mark, series = "%s", "generate_series"
        else:
            connection = sqlite3.connect(self.home / "mlflow.db")
            mark, series = "?", None
        fill_tables(connection, mark, series, runs, points)


def numbers(name, count, series):
    """A table of the numbers from 0, as SQL."""
    if series:
        return f"(SELECT generate_series(0, {count - 1}) AS n) {name}"
    return f"(WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < {count - 1}) SELECT n FROM c) {name}"


def fill_tables(connection, mark, series, runs, points):
    """The values of bench/ledger_bench.c, in MLflow's own tables."""
    start = 1700000000000
    steps = max(points // runs // KEYS, 1)
    do = connection.cursor()
    do.execute("CREATE TABLE numbered (run_uuid VARCHAR(32) PRIMARY KEY, n BIGINT)")
    ids = [f"{random.getrandbits(128):032x}" for _ in range(runs)]
    do.executemany(f"INSERT INTO numbered VALUES ({mark}, {mark})", [(one, n) for n, one in enumerate(ids)])
    do.execute("INSERT INTO runs (run_uuid, name, source_type, user_id, status, start_time, lifecycle_stage, "
               "artifact_uri, experiment_id) SELECT run_uuid, 'run', 'UNKNOWN', 'me', 'FINISHED', "
               f"{start} + n, 'active', 'mlflow-artifacts:/0/' || run_uuid || '/artifacts', 0 FROM numbered")
    value = "((r.n * 7919 + (s.n * 20 + k.n) * 104729) % 100000) / 1000.0"
    moment = f"{start} + s.n * 20 + k.n"
    for table, count in (("metrics", steps), ("latest_metrics", 1)):
        step = "s.n" if table == "metrics" else str(steps - 1)
        do.execute(f"INSERT INTO {table} (key, value, timestamp, run_uuid, step, is_nan) SELECT 'metric_' || k.n, "
                   f"{value}, {moment}, r.run_uuid, {step}, {'FALSE' if series else '0'} FROM numbered r, "
                   f"{numbers('k', KEYS, series)}, {numbers('s', count, series)}")
    for table, first, count in (("params", 0, PARAMS), ("tags", PARAMS, TAGS)):
        word = "param" if table == "params" else "tag"
        do.execute(f"INSERT INTO {table} (key, value, run_uuid) SELECT '{word}_' || (k.n + {first}), 'value ' || "
                   f"(r.n * (k.n + {first + 1}) % 997), r.run_uuid FROM numbered r, {numbers('k', count, series)}")
    do.execute("DROP TABLE numbered")
    connection.commit()
    if series:
        connection.autocommit = True
    do.execute("ANALYZE")
    connection.close()


# ---- what is asked ----

def line(method, path, body=None):
    return f"{method} {path} " + ("" if body is None else body if isinstance(body, str) else json.dumps(body))


def post(path, **body):
    return line("POST", f"{API}/{path}", json.dumps(body).replace('"@N@"', "@N@"))  # a number, not a text


def batch_line(run, points):
    metrics = [f'{{"key": "metric_{i % KEYS}", "value": {i * 0.37}, "timestamp": @N@{i:03d}, "step": @N@{i // KEYS:02d}}}'
               for i in range(points)]
    return line("POST", f"{API}/runs/log-batch", f'{{"run_id": "{run}", "metrics": [{", ".join(metrics)}]}}')


def search(**body):
    return [post("runs/search", experiment_ids=["0"], max_results=100, **body)]


class Facts:
    """What the requests must name: runs of this server."""

    def __init__(self, server):
        found = server.call("POST", f"{API}/runs/search", {"experiment_ids": ["0"], "max_results": 200,
                                                           "filter": "metrics.metric_1 > 0"})
        self.old = [run["info"]["run_id"] for run in found["runs"]]
        self.new = [server.call("POST", f"{API}/runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
                    for _ in range(50)]
        for first in range(0, LONG, 1000):
            points = [{"key": "long", "value": i * 0.1, "timestamp": 1700000000000 + i, "step": i}
                      for i in range(first, first + 1000)]
            server.call("POST", f"{API}/runs/log-batch", {"run_id": self.new[0], "metrics": points})
        for i in range(20):  # histories of the same length on both
            points = [{"key": "short", "value": j * 0.1, "timestamp": 1700000000000 + j, "step": j} for j in range(400)]
            server.call("POST", f"{API}/runs/log-batch", {"run_id": self.new[i], "metrics": points})


def workloads(facts):
    """(name, clients, lines, how many requests at most)"""
    metric = [post("runs/log-metric", run_id=run, key="loss", value=0.25, timestamp="@N@", step="@N@")
              for run in facts.new]
    create = [post("runs/create", experiment_id="0", start_time="@N@", tags=[{"key": "mlflow.user", "value": "me"}])]
    batch = [batch_line(run, 1000) for run in facts.new]
    searches = {
        "newest": search(),
        "by metric": search(filter="metrics.metric_3 < 10"),
        "by parameter": search(filter="params.param_2 = 'value 42'"),
        "by tag": search(filter="tags.tag_11 = 'value 42'"),
        "ordered by metric": search(order_by=["metrics.metric_5 ASC"]),
        "by metric, ordered by parameter": search(filter="metrics.metric_1 > 50", order_by=["params.param_2 DESC"]),
    }
    runs = "&".join(f"run_ids={run}" for run in facts.new[:20])
    out = [("log-metric", 1, metric), ("log-metric", 50, metric), ("log-batch, 1,000 points", 1, batch),
           ("log-batch, 1,000 points", 20, batch), ("runs/create", 1, create), ("runs/create", 20, create)]
    out += [(f"runs/search, 100 {what}", 1, lines) for what, lines in searches.items()]
    out += [(f"runs/search, 100 {what}", 20, lines) for what, lines in searches.items()]
    out += [("runs/get", 20, [line("GET", f"{API}/runs/get?run_id={run}") for run in facts.old]),
            ("metric history, 400 points", 1, [line("GET", f"{API}/metrics/get-history?run_id={run}&metric_key=short")
                                               for run in facts.new[:20]]),
            ("metric history, 10,000 points", 1,
             [line("GET", f"{API}/metrics/get-history?run_id={facts.new[0]}&metric_key=long")]),
            ("metric history of 20 runs, thinned to 320", 1,
             [line("GET", f"/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?{runs}&metric_key=short&max_results=320")])]
    return out


FILES = "/api/2.0/mlflow-artifacts/artifacts/0/bench/artifacts"


# ---- measuring ----

def load(server, lines, clients, seconds, most=None):
    with tempfile.NamedTemporaryFile("w", suffix=".requests") as file:
        file.write("\n".join(lines))
        file.flush()
        command = [str(BUILD / "bench/bench-server"), "load", f"127.0.0.1:{server.port}", file.name, str(clients),
                   str(seconds), *([str(most)] if most else [])]
        done = subprocess.run(command, preexec_fn=on(CLIENT), start_new_session=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, check=True)
    result = json.loads(done.stdout)
    if result["refused"] and server.name == "auger":
        raise RuntimeError(f"{result['refused']} of {result['requests']} requests were refused: {lines[0][:60]}")
    return result


def median(rows, of):
    return statistics.median(of(row) for row in rows)


def show(values):
    p50, p99, rate = values
    return f"{p50 / 1000:9.3f} {p99 / 1000:9.3f} {rate:9.0f}/s"


def compare(servers, name, clients, lines_of, rounds, seconds):
    """In turn, round by round, after a warm-up of each."""
    results = {server: [] for server in servers}
    for server in servers:
        load(server, lines_of[server], clients, min(seconds, 0.3))
    for _ in range(rounds):
        for server in servers:
            results[server].append(load(server, lines_of[server], clients, seconds))
    text = f"  {name + f', {clients} client' + 's' * (clients > 1):58}"
    for server in servers:
        text += " |" + show([median(results[server], lambda r: r["p50"]), median(results[server], lambda r: r["p99"]),
                             median(results[server], lambda r: r["requests"] / r["seconds"])])
    if len(servers) > 1:
        pairs = zip(results[servers[0]], results[servers[1]])
        ratio = statistics.median((a["requests"] / a["seconds"]) / (b["requests"] / b["seconds"]) for a, b in pairs)
        refused = sum(r["refused"] for r in results[servers[1]])
        text += f" | x {ratio:7.1f}" + (f" (it refused {refused})" if refused else "")
    print(text, flush=True)


def compare_files(servers, rounds):
    size, count = 64 * MEGABYTE, 8
    for what in ("up", "down"):
        text = f"  {f'artifact of 64 MiB, {what}load, 1 client':58}"
        rates = {server: [] for server in servers}
        for number in range(rounds):
            for server in servers:
                verb = line("PUT", f"{FILES}/{number}", f"+{size}") if what == "up" else line("GET", f"{FILES}/{number}")
                result = load(server, [verb], 1, 60, count)
                rates[server].append(result["bytes"] / result["seconds"] / 1e6)
        for server in servers:
            text += f" | {statistics.median(rates[server]):24.0f} MB/s"
        if len(servers) > 1:
            text += f" | x {statistics.median(a / b for a, b in zip(*(rates[s] for s in servers))):7.1f}"
        print(text, flush=True)


def compare_starts(servers, rounds):
    times, idle = {server: [] for server in servers}, {}
    for _ in range(rounds):
        for server in servers:
            times[server].append(server.start() * 1e3)
            server.stop()
    for server in servers:
        server.start()
    time.sleep(3)
    for server in servers:
        idle[server] = server.memory()
    text = f"  {'start to first answer':58}"
    for server in servers:
        text += f" | {statistics.median(times[server]):26.0f} ms"
    print(text)
    print(f"  {'memory, idle':58}" + "".join(f" | {idle[server]:26.1f} MB" for server in servers), flush=True)


def choose_workers(peer, rounds=2):
    """The number with which the peer itself is quickest at what it is mostly asked: metrics of 20 clients."""
    best = (0, 4)
    for workers in sorted({1, 2, len(CORES), 2 * len(CORES)}):
        peer.workers = workers
        peer.start()
        run = peer.call("POST", f"{API}/runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
        lines = [post("runs/log-metric", run_id=run, key="k", value=1, timestamp="@N@", step="@N@")]
        rates = [r["requests"] / r["seconds"] for r in (load(peer, lines, 20, 1.5) for _ in range(rounds))]
        best = max(best, (max(rates), workers))
        peer.stop()
    peer.workers = best[1]
    print(f"  mlflow with {best[1]} workers")


def measure(kind, servers, ask, postgres):
    for server, points in zip(servers, (400 * ask.runs, ask.peer_points)):
        if (server.home / "log").exists():
            continue  # of an earlier run in the same folder
        begin = time.perf_counter()
        server.fill(ask.runs, points)
        (server.home / "log").touch()
        print(f"  {server.name}: {ask.runs} runs, {points} points, filled in {time.perf_counter() - begin:.0f} s", flush=True)
    if postgres:
        os.sched_setaffinity(postgres.process.pid, SERVERS)
    for peer in servers[1:]:
        peer.workers = ask.workers
        if not ask.workers:
            choose_workers(peer)
    print(f"  {kind:58}" + "".join(f" | {server.name + ': p50, p99 in ms':>29}" for server in servers))
    compare_starts(servers, 3)
    facts = {server: workloads(Facts(server)) for server in servers}
    for number, (name, clients, _) in enumerate(facts[servers[0]]):
        if re.search(ask.only, f"{name}, {clients}"):
            compare(servers, name, clients, {s: facts[s][number][2] for s in servers}, ask.rounds, ask.seconds)
    if re.search(ask.only, "artifact"):
        compare_files(servers, min(ask.rounds, 3))
    print(f"  {'memory, after all that':58}" + "".join(f" | {s.memory():26.1f} MB" for s in servers), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=20000)
    parser.add_argument("--peer-points", type=int, default=2000000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--only", default="", help="a pattern: log-metric, 1$")
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--workers", type=int, help="of MLflow's server; else what is best is found first")
    parser.add_argument("--priority", type=int, help="of the servers and the client among other sessions (root), -20..19")
    parser.add_argument("--folder", help="keep what was filled there, and use it again (SQLite)")
    ask = parser.parse_args()
    global PRIORITY
    PRIORITY = ask.priority
    print(f"servers on cores {sorted(SERVERS)}, client on {sorted(CLIENT)}, load {os.getloadavg()[0]:.1f} at the start;"
          f" {ask.rounds} rounds of {ask.seconds} s, medians")
    for kind in ask.databases.split(","):
        postgres = Postgres() if kind == "postgresql" else None
        folder = pathlib.Path(ask.folder or tempfile.mkdtemp(prefix="auger-bench-"))
        folder.mkdir(exist_ok=True)
        databases = [postgres.database(name) if postgres else None for name in ("auger", "mlflow")]
        servers = [Auger("auger", folder / "auger", databases[0]), Mlflow("mlflow", folder / "mlflow", databases[1])]
        try:
            measure(kind, servers[:1] if ask.alone else servers, ask, postgres)
        finally:
            for server in servers:
                server.stop()
            if postgres:
                postgres.stop()
            if not ask.folder:
                shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
