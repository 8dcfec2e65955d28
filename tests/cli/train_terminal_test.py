#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A training whose terminal goes away in the middle stops cleanly, says nothing wrong, and --resume ends with the same
bits as a training that was left alone; under nohup it goes on. One that cannot draw gets lines."""
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))

import terminal  # noqa: E402

AUGER = os.path.join(os.environ.get("AUGER_BUILD", "build"), "auger")
CONFIG = """strategy: forecast
model_config: {architecture: PatchTSMixer, d_model: 8, num_layers: 1}
training_config: {epochs: 600, batch_size: 8, learning_rate: 0.001, early_stopping: {patience: 600}}
data_config: {context_length: 24, horizon: 6}
checkpoint_interval: 1000
"""


def bits(directory):
    digest = hashlib.sha256()
    for path in sorted(Path(directory, "model").rglob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class Terminal(unittest.TestCase):
    """One training on a pseudo-terminal, whose other end is closed."""

    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        self.dir = Path(self.place.name)
        rows = "".join(f"2026-01-{1 + i // 24:02d} {i % 24:02d}:00:00,{i % 7}.{i % 10}\n" for i in range(700))
        (self.dir / "data").mkdir()
        (self.dir / "data" / "s.csv").write_text("date,a\n" + rows, encoding="utf-8")
        (self.dir / "c.yaml").write_text(CONFIG, encoding="utf-8")

    def words(self, out, *more):
        return [AUGER, "train", "-c", str(self.dir / "c.yaml"), "-d", str(self.dir / "data"), "-o", str(self.dir / out),
                "--no-record", "-j", "1", *more]

    def begin(self, out, ignore):
        """Starts it on a terminal and waits until it trains. Its end of the terminal is the only one."""
        child, master = terminal.fork()
        if child == 0:
            # Whatever is inherited: the tests themselves may run under nohup.
            signal.signal(signal.SIGHUP, signal.SIG_IGN if ignore else signal.SIG_DFL)
            os.execv(AUGER, self.words(out))
        seen, until = b"", time.monotonic() + 120
        while b"epoch" not in seen and time.monotonic() < until:
            seen += os.read(master, 4096)
        os.close(master)
        return child

    def said(self, out, **environment):
        """All that a short training writes on a terminal."""
        child, master = terminal.fork()
        if child == 0:
            os.environ.update(environment)
            os.execv(AUGER, self.words(out, "--set", "training_config.epochs=3"))
        seen = b""
        while True:
            try:
                piece = os.read(master, 4096)
            except OSError:  # its end is closed
                break
            if not piece:
                break
            seen += piece
        os.close(master)
        _, status = os.waitpid(child, 0)
        self.assertEqual(status, 0, seen)
        return seen

    def test_that_cannot_draw(self):
        # A dumb terminal (an editor's shell, a serial line) gets plain lines and nothing that moves.
        seen = self.said("plain", TERM="dumb")
        self.assertIn(b"epoch 3 of 3", seen)
        self.assertNotIn(b"\x1b", seen)

    def test_without_terminals_is_skipped(self):
        gone = OSError("out of pty devices")
        with mock.patch("os.forkpty", side_effect=gone), mock.patch("os.openpty", side_effect=gone):
            with mock.patch("pty.openpty", side_effect=gone), self.assertRaises(unittest.SkipTest):
                terminal.fork()

    def test_without_utf8(self):
        # Bars and curves are made of characters that other character sets do not have; colours are not.
        seen = self.said("latin", TERM="xterm", LC_ALL="de_DE.ISO-8859-1")
        self.assertIn(b"epoch 3 of 3", seen)
        self.assertNotIn(b"\x1b[K", seen)
        self.assertNotIn("\u2588".encode(), seen)
        for locale in ("C", "C.UTF-8", "de_DE.utf8"):  # a container has "C", and a terminal that shows UTF-8
            self.assertIn(b"\x1b[", self.said("drawn" + locale, TERM="xterm", LC_ALL=locale))

    def test_goes_away(self):
        # SIGHUP asks it to stop; what it has done is kept.
        child = self.begin("cut", False)
        _, status = os.waitpid(child, 0)
        self.assertTrue(os.WIFEXITED(status), f"ended by signal {status & 127}")
        if os.WEXITSTATUS(status) != 0:  # else it was quicker than the signal
            self.assertFalse((self.dir / "cut" / "model").exists())
        subprocess.run(self.words("cut", "--resume", "-q"), check=True, stdout=subprocess.DEVNULL)
        subprocess.run(self.words("whole", "-q"), check=True, stdout=subprocess.DEVNULL)
        self.assertEqual(bits(self.dir / "cut"), bits(self.dir / "whole"))

    def test_goes_away_under_nohup(self):
        # Where SIGHUP is ignored it trains to its end, without anybody who looks on.
        child = self.begin("alone", True)
        os.waitpid(child, 0)
        self.assertTrue((self.dir / "alone" / "metrics.json").exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)
