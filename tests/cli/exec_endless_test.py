# SPDX-License-Identifier: Apache-2.0
"""A training program that prints a million metrics: all of them are in the ledger, none of them stays in memory."""
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

AUGER = Path(os.environ.get("AUGER_BUILD", "build")) / "auger"
LINES = 1000000 if os.environ.get("AUGER_TEST_FULL") == "1" else 200000
PROGRAM = """
import os, sys
lines = int(sys.argv[1])

# Python's own streams lose what a write left over when the program was stopped (SIGSTOP) in it.
def put(text):
    rest = text.encode()
    while rest:
        rest = rest[os.write(1, rest):]

for first in range(1, lines + 1, 10000):
    put("".join('{"step": %d, "loss": 0.5, "own": 1}\\n{"metric": "mae", "value": %d}\\n' % (i, i)
                for i in range(first, first + 10000, 2)))
    put('{"epoch": %d, "train_loss": 1}\\n' % (first // 10000 + 1))
open(os.path.join(os.environ["AUGER_MODEL_DIR"], "model.txt"), "w").write("x")
"""


class Endless(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)
        (self.directory / "program.py").write_text(PROGRAM, encoding="utf-8")
        (self.directory / "data").mkdir()
        (self.directory / "data/holes.csv").write_text("path,exit\na,1\n", encoding="utf-8")

    def train(self, lines):
        """What it says with --json, and the most memory that it had, in KiB."""
        command = json.dumps([sys.executable, str(self.directory / "program.py"), str(lines)])
        (self.directory / "config.yaml").write_text(f"strategy: exec\ndata_config: {{command: {command}}}\n",
                                                    encoding="utf-8")
        with open(self.directory / "said", "wb") as said:
            process = subprocess.Popen(
                [AUGER, "train", "-c", self.directory / "config.yaml", "-d", self.directory / "data", "-o",
                 self.directory / f"out{lines}", "--home", self.directory / "home", "--json", "--quiet"], stdout=said)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return json.loads((self.directory / "said").read_text()), usage.ru_maxrss

    def test_it_takes_no_more_memory_than_few(self):
        _, few = self.train(10000)
        told, many = self.train(LINES)
        self.assertLess(many, few + 24 * 1024)
        self.assertEqual(told["metrics"], {"mae": LINES - 1})
        written = (self.directory / f"out{LINES}/metrics.json").read_text()
        self.assertEqual(written.count("mae"), 1)
        epochs = (self.directory / f"out{LINES}/history.csv").read_text().splitlines()[1:]
        self.assertEqual(len(epochs), LINES // 10000)
        with sqlite3.connect(self.directory / "home/auger.db") as database:
            points = dict(database.execute(
                "SELECT key, count(*) FROM metric_points JOIN metric_series ON id = series_id WHERE run_id = ? GROUP BY key",
                [told["run_id"]]))
        self.assertEqual([points[key] for key in ("own", "loss", "mae")], [LINES // 2] * 3)
        self.assertEqual(points["train_loss"], LINES // 10000)


if __name__ == "__main__":
    unittest.main()
